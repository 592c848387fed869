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

# Usage: flows_row NAME COMMANDS IDLE-COMMANDS	(both take as long, and look LOOKS times)
flows_row()
{
	local run user='' kernel='' u k

	for ((run = 1; run <= RUNS; run++)); do
		flows_count "$3"
		u=$USER k=$KERNEL_INSN
		flows_count "$2"
		user+="$(((USER - u) / LOOKS)) "
		kernel+="$(((KERNEL_INSN - k) / LOOKS)) "
	done
	for what in user kernel; do
		[ $what = user ] && k=$user || k=$kernel
		read -r m l h <<<"$(tr ' ' '\n' <<<"${k% }" | spread)"
		printf '  %-28s %14d %14d %14d\n' "$1, $what" "${m%.*}" "$l" "$h"
	done
}

bench_flows()
{
	local toed

	flows_crowd
	on host "printf 'interval 1s\nwait-for-module no\n' >$GUEST/toed.conf"
	flows_row "toectl flow show, text" "for i in \$(seq $LOOKS); do $GUEST/toectl flow show >/dev/null; sleep 0.2; done" \
		"for i in \$(seq $LOOKS); do $GUEST/toectl settings show >/dev/null; sleep 0.2; done"
	flows_row "toectl top, a refresh" "$GUEST/toectl -n $LOOKS top interval 1s limit 40 >/dev/null" \
		"sleep $LOOKS"
	toed=$(on host "setsid $GUEST/toed --config $GUEST/toed.conf </dev/null >/dev/null 2>&1 & echo \$!")
	on host "sleep 2; kill -STOP $toed"
	flows_row "toed, an interval" "kill -CONT $toed; sleep $LOOKS; kill -STOP $toed; sleep 0.1" "sleep $LOOKS"
	on host "cat /proc/$toed/status | grep VmRSS; kill -KILL $toed"
	tell crowd end
	pipe_close crowd
	pipe_close echo
	modules_out
}
