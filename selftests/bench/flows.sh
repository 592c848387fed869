# SPDX-License-Identifier: GPL-2.0-only
# What ten thousand flows cost those who look at them: the daemon once an interval, a
# person now and then. They are real connections that have moved a little; as many as
# the engine carries are on it.
#
# The values are instructions of the whole host, user and kernel, per look, less
# those of a host that is left alone for the same time.

FLOWS=10000
LOOKS=10
FLOWS_PORT=9100

flows_crowd()
{
	local out

	"$LAB" push "$TOP/selftests/tools/crowd.py" "$BUILD/bin/toed" $GUEST </dev/null || die "push"
	modules_in
	out=$(on host "printf '%s\\n' 'toe-policy 1' 'prio 1 out rport $FLOWS_PORT threshold 1' 'end 1' >$GUEST/rules &&
		$GUEST/toectl load policy $GUEST/rules") || die "toectl load: $out"
	pipe_open echo "$LAB" peer -- /src/selftests/tools/crowd.py listen $PEER_ADDR $FLOWS_PORT
	hear echo || die "echo: $R"
	pipe_open crowd "$LAB" host -- $GUEST/crowd.py connect $PEER_ADDR $FLOWS_PORT "$FLOWS"
	hear crowd || die "crowd: $R"
	tell crowd talk 100 || die "crowd: $R"
	soon 120000 flows_settled || die "the flows do not settle: $N"
	echo "  flows: $(on host "$GUEST/toectl -j stats show | jq -c .flows")"
}

# All are known, and none is on its way.
flows_settled()
{
	N=$(on host "$GUEST/toectl -j stats show | jq -r '.flows | \"\(.host + .engine) \(.opening + .closing)\"'")
	[ "${N% *}" -ge "$FLOWS" ] && [ "${N#* }" = 0 ]
}

# Instructions between two marks into USER and KERNEL. Usage: flows_count COMMANDS
flows_count()
{
	on host "insn-mark 1; $1; insn-mark 2" >"$WORK/said" 2>&1 || die "$(tail -n 3 "$WORK/said")"
	read -r _ USER _ KERNEL_INSN _ <<<"$("$TOP/selftests/insn/insn-diff" "$BUILD/run/insn.log" 1 2)"
}

# Usage: flows_row NAME WHAT COMMANDS IDLE-COMMANDS	(both take as long, and look LOOKS times)
flows_row()
{
	local run user='' kernel='' u k

	bar_wanted "$1" || return
	for ((run = 1; run <= RUNS; run++)); do
		progress_line "$1: run $run of $RUNS"
		flows_count "$4"
		u=$USER k=$KERNEL_INSN
		flows_count "$3"
		user+="$(((USER - u) / LOOKS)) "
		kernel+="$(((KERNEL_INSN - k) / LOOKS)) "
	done
	progress_line
	printf '%s: %s, instructions of the host per look\n' "$1" "$2"
	row_plain "$1" "$2, per look at $FLOWS flows" instructions
	row user "$user"
	row kernel "$kernel"
}

bench_flows()
{
	local toed

	flows_crowd
	on host "printf 'interval 1s\nwait-for-module no\n' >$GUEST/toed.conf"
	flows_row show "toectl flow show, text" "for i in \$(seq $LOOKS); do $GUEST/toectl flow show >/dev/null; sleep 0.2; done" \
		"for i in \$(seq $LOOKS); do $GUEST/toectl settings show >/dev/null; sleep 0.2; done"
	flows_row top "toectl top, a refresh" "$GUEST/toectl -n $LOOKS top interval 1s limit 40 >/dev/null" \
		"sleep $LOOKS"
	toed=$(on host "setsid $GUEST/toed --config $GUEST/toed.conf </dev/null >/dev/null 2>&1 & echo \$!")
	on host "sleep 2; kill -STOP $toed"
	flows_row toed "toed, an interval" "kill -CONT $toed; sleep $LOOKS; kill -STOP $toed; sleep 0.1" "sleep $LOOKS"
	if bar_wanted toed; then
		printf 'toed-memory: toed with %s flows\n' "$FLOWS"
		row_plain toed-memory "toed with $FLOWS flows" "KiB resident"
		row toed "$(on host "awk '/^VmRSS/ { print \$2 }' /proc/$toed/status")"
	fi
	on host "kill -KILL $toed"
	tell crowd end
	pipe_close crowd
	pipe_close echo
	modules_out
}
