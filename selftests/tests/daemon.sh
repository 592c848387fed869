# SPDX-License-Identifier: GPL-2.0-only
# What toed asks, tells and needs: one dump in an interval however many flows there
# are, metrics, no more of the kernel than its unit allows it, a picture that is
# right again after it was lost, and room for who is heavy.

# Starts toed on the host under strace, which writes $GUEST/trace.
daemon_traced()	# LINE... (of its configuration)
{
	on host "printf '%s\n' $(printf '%q ' "log-level debug" "$@") >$GUEST/toed.conf" >/dev/null
	on host "setsid strace -f -q -ttt -s 64 -e signal=none -o $GUEST/trace $GUEST/toed \
		--config $GUEST/toed.conf </dev/null >/dev/null 2>$GUEST/toed.log & sleep 0.1"
	soon 10000 daemon_is_there || die "toed does not start: $(toed_log)"
	HOST_UNDO="kill -KILL $TOED 2>/dev/null; $GUEST/toectl unload >/dev/null 2>&1
		rm -f $GUEST/trace $GUEST/toed.conf; true"
}

daemon_is_there()
{
	TOED=$(on host "pgrep -n -x toed")
	[ -n "$TOED" ]
}

# N connections that a rule wants offloaded, half of them by IPv6, each with its bytes: CROWD_PORT is theirs.
daemon_crowd()	# N
{
	"$LAB" push "$TOP/selftests/tools/crowd.py" $GUEST </dev/null || die "no crowd.py"
	PORT=$((PORT + 1))
	CROWD_PORT=$PORT
	ACTORS+=" crowd echo"
	pipe_open echo "$LAB" peer -- /src/selftests/tools/crowd.py listen :: $CROWD_PORT
	hear echo || die "echo: $R"
	pipe_open crowd "$LAB" host -- $GUEST/crowd.py connect $PEER_ADDR,$PEER_ADDR6 $CROWD_PORT "$1"
	hear crowd || die "crowd: $R"
}

# The number of the module's family, as strace writes numbers that it has no name for
daemon_family()
{
	printf '0x%x' "$(on host "genl ctrl get name toe 2>/dev/null" | sed -n 's/.*ID: \(0x[0-9a-f]*\).*/\1/p')"
}

# The requests to the module that it has sent in 5 seconds in the middle of the trace: dumps, others
daemon_requests()
{
	on host "awk '!t0 { t0 = \$2 } \$2 > t0 + 1 && \$2 < t0 + 6 && /nlmsg_type=(toe|$1), .*NLM_F_REQUEST/ {
		if (/NLM_F_DUMP/) dumps++; else others++ } END { print dumps + 0, others + 0 }' $GUEST/trace"
}

# One dump of flows in an interval, though there are 200; what it asks besides does not
# depend on their number, either.
test_toed_asks_once()
{
	local dumps others

	setup
	classifier_in
	toectl policy add prio 100 out rport "$((FIRST_PORT + 1))-$((FIRST_PORT + 19))" threshold 1 >/dev/null ||
		die "policy add"
	daemon_crowd 200
	tell crowd talk 100 || fail "crowd: $R"
	soon 20000 crowd_in_now engine "$CROWD_PORT" 200 || fail "$(crowd_in engine "$CROWD_PORT") on the engine"
	daemon_traced "interval 250ms"
	sleep 6.5
	toed_stop
	read -r dumps others <<<"$(daemon_requests "$(daemon_family)")"
	note "200 flows, 20 intervals: $dumps dumps, $others other requests"
	# They may begin and end anywhere in the 5 seconds.
	ge "dumps in 20 intervals" "$dumps" 18
	le "dumps in 20 intervals" "$dumps" 21
	# Its counters are asked for, some for the firewall: nothing for each flow.
	le "other requests in 20 intervals" "$others" 100
	tell crowd end
	leaves_nothing
}
alone toed_asks_once

# What the unit allows: system calls and address families. Under load, with metrics,
# a reload, and flows to return.
test_toed_within_its_unit()
{
	local out

	setup
	classifier_in
	toectl policy add prio 100 out rport "$((FIRST_PORT + 1))-$((FIRST_PORT + 19))" threshold 1 min-rate 8mbit dwell 500ms >/dev/null ||
		die "policy add"
	daemon_traced "interval 200ms" "metrics /run/toe/test.prom" "metrics-interval 1s"
	daemon_crowd 20
	tell crowd talk 100 || fail "crowd: $R"
	soon 20000 grown_returns 20 || fail "nothing was returned"
	on host "kill -HUP $TOED"
	sleep 1.2
	grep -q 'device="eth0"' <<<"$(on host "cat /run/toe/test.prom")" || fail "no metrics of the engine's device"
	tell crowd end
	toed_stop
	# From its first words on: what the loader asks before is the manager's matter too,
	# and systemd allows execve and what follows it in any case.
	out=$(on host "sed -n 's/^[0-9]* *[0-9.]* \([a-z0-9_]*\)(.*/\1/p' $GUEST/trace | sort -u")
	ge "different system calls" "$(wc -l <<<"$out")" 20
	note "$(tr '\n' ' ' <<<"$out")"
	daemon_allowed >"$WORK/allowed"
	ge "system calls that it allows" "$(wc -l <"$WORK/allowed")" 200
	out=$(LC_ALL=C comm -23 <(LC_ALL=C sort -u <<<"$out") <(LC_ALL=C sort -u "$WORK/allowed"))
	is "system calls that the unit forbids" "$out" ""
	out=$(on host "grep -oE ' socket\([AP]F_[A-Z0-9]*' $GUEST/trace | sed 's/.*(//' | sort -u")
	note "$(tr '\n' ' ' <<<"$out")"
	out=$(LC_ALL=C comm -23 <(LC_ALL=C sort -u <<<"$out") <(
		sed -n 's/^RestrictAddressFamilies=//p' "$TOP/userspace/toed/toed.service" | tr ' ' '\n' | LC_ALL=C sort))
	is "address families that the unit forbids" "$out" ""
	leaves_nothing
}

grown_returns()
{
	[ "$(on host "$GUEST/toectl -j stats show | jq .returned.rate")" -ge "$1" ]
}

# The system calls of SystemCallFilter= in the unit: groups resolved, those with ~ away
daemon_allowed()
{
	"$LAB" run -- bash -c '
		export SYSTEMD_COLORS=0
		expand() {
			for w; do
				case $w in
				@*) expand $(systemd-analyze syscall-filter --no-pager $w | sed "s/#.*//; 1d") ;;
				*) echo $w ;;
				esac
			done
		}
		words=$(sed -n "s/^SystemCallFilter=//p" /src/userspace/toed/toed.service)
		comm -23 <(expand $(grep -v "^~" <<<"$words") @default | sort -u) \
			<(expand $(sed -n "s/^~//p" <<<"$words") | sort -u)' </dev/null
}

# As the unit runs it: a user who owns nothing, with one capability. It does all it
# has to.
test_toed_as_its_user()
{
	local caps="-all,+net_admin"

	setup
	on host "rm -rf /run/toe; install -d -o 65534 -g 65534 /run/toe
		printf '%s\n' 'log-level debug' 'interval ${INTERVAL}ms' 'metrics /run/toe/toe.prom' \
			'metrics-interval 1s' >$GUEST/toed.conf"
	TOED=$(on host "setsid setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=$caps \
		--ambient-caps=$caps --bounding-set=$caps $GUEST/toed --config $GUEST/toed.conf \
		</dev/null >/dev/null 2>$GUEST/toed.log & echo \$!")
	HOST_UNDO="kill -KILL $TOED 2>/dev/null; $GUEST/toectl unload >/dev/null 2>&1; rm -rf /run/toe"
	toed_said "module toe is there"
	is "its user and capabilities" "$(on host "awk '/^(Uid|CapEff|CapPrm|CapAmb|CapBnd):/ { print \$2 }' \
		/proc/$TOED/status | tr '\n' ' '")" "65534 0000000000001000 0000000000001000 0000000000001000 0000000000000000 "
	rule
	stats_begin
	two_connected
	moves h p $((2 * M))
	moves h2 p2 $((2 * M))
	becomes engine
	becomes engine h2
	soon $((DWELL + 2 * INTERVAL + 4 * SLACK)) grown returned/rate 2 || fail "it does not return the flows: $(toed_log | tail -n 4)"
	soon 10000 on host "grep -q '^toe_returned_total{reason=\"rate\"} [1-9]' /run/toe/toe.prom" ||
		fail "it does not write metrics: $(toed_log | tail -n 4)"
	on host "kill -HUP $TOED"
	toed_said "the configuration was read again"
	part h p
	part h2 p2
	toed_stop
	is "what it leaves in /run/toe" "$(on host "ls /run/toe")" "toed-$(on host "stat -L -c %i /proc/self/ns/net").lock"
	no_timeouts
	leaves_nothing
}

# Metrics of real flows: what the module says, in the right form; and their counters go
# on when toed starts anew, also when it was killed.
test_toed_metrics()
{
	local file=$GUEST/toe.prom i engine

	setup
	classifier_in
	toectl policy add prio 100 out rport "$((FIRST_PORT + 1))-$((FIRST_PORT + 19))" threshold 1MiB >/dev/null ||
		die "policy add"
	toed_start "metrics $file" "metrics-interval 1s"
	two_connected
	moves h p $((4 * M))
	moves h2 p2 $((4 * M))
	becomes engine
	becomes engine h2
	soon 10000 daemon_metric 'toe_flows{state="engine"}' 2 || fail "the flows are not in the metrics: $(on host "cat $file")"
	daemon_right first
	engine=$(on host "$GUEST/toectl -j engine show | jq -r '.[0].name'")
	daemon_metric "toe_engine_flows{engine=\"$engine\"}" 2 || fail "the engine's flows"
	daemon_metric 'toe_rule_flows{rule="100"}' 2 || fail "the rule's flows"
	h return
	tell h2 return
	for i in opens closes tx_bytes signals; do
		soon 10000 daemon_same "toe_${i}_total" ".counters.$i" || fail "$i"
	done
	soon 10000 daemon_same 'toe_returned_total{reason="admin"}' .returned.admin || fail "returned"
	daemon_right second first
	on host "kill -KILL $TOED"
	soon 10000 toed_gone
	toed_start "metrics $file" "metrics-interval 1s"
	toed_said "module toe is there"
	daemon_right third second
	# Nobody ever sees half a file: 200 looks while it is written as often as it may be
	on host "for i in \$(seq 200); do tail -n 1 $file | grep -q '^toe_rule_refused_total' || echo half; sleep 0.01; done" >"$WORK/half"
	is "half files" "$(cat "$WORK/half")" ""
	# The module goes: that is all that is said.
	part h p
	part h2 p2
	leaves_nothing
	modules_out
	soon 10000 daemon_metric toe_up 0 || fail "the module is gone, and the metrics do not say so"
	is "samples without the module" "$(on host "grep -vc '^#' $file")" 1
	modules_in
	soon 10000 daemon_metric toe_up 1 || fail "the module is back, and the metrics do not say so"
	toed_stop
	is "the file after the end" "$(on host "ls $file* 2>/dev/null")" ""
}

# The metrics are right, and none fell since. Usage: daemon_right NAME [SINCE-NAME]
daemon_right()
{
	local why

	on host "cat $GUEST/toe.prom" >"$WORK/$1.prom"
	why=$("$TOP/selftests/tools/promcheck.py" "$WORK/$1.prom" --doc "$TOP/docs/metrics.md" --all \
		${2:+--since "$WORK/$2.prom"} 2>&1) || fail "the metrics: $why"
}

daemon_metric()	# NAME VALUE
{
	[ "$(on host "grep -v '^#' $GUEST/toe.prom | grep -F '$1 '")" = "$1 $2" ]
}

# A metric is what the command says. Usage: daemon_same NAME JQ
daemon_same()
{
	daemon_metric "$1" "$(on host "$GUEST/toectl -j stats show | jq '$2'")"
}

# Announcements were lost while it stood still, and with them that the module is
# another one: it looks anew, and knows the flows of now.
test_toed_overrun()
{
	local drops i

	setup
	on host "modprobe psample && rmmod psample" || skip "the kernel has no psample"
	toed_start "interval ${INTERVAL}ms"
	toed_said "module toe is there"
	on host "kill -STOP $TOED"
	# A family that comes and goes is four messages or more; its number goes to toe
	# in the end, so that the old number is another family's.
	on host "for i in \$(seq 50); do modprobe psample && rmmod psample || exit 1; done" || fail psample
	drops=$(on host "awk -v p=$TOED '\$2 == 16 && \$3 == p { print \$9 }' /proc/net/netlink")
	note "drops of its sockets: $(tr '\n' ' ' <<<"$drops")"
	ge "announcements lost" "$(awk '{ s += $1 } END { print s + 0 }' <<<"$drops")" 1
	modules_out
	on host "modprobe psample"
	modules_in
	HOST_UNDO+="; rmmod psample 2>/dev/null"
	rule
	two_connected
	stats_begin
	moves h p $((2 * M))
	moves h2 p2 $((2 * M))
	becomes engine
	becomes engine h2
	on host "kill -CONT $TOED"
	toed_said "module toe is there" 2
	# It sees the new module's flows, and returns them for their rate.
	soon $((DWELL + 2 * INTERVAL + 4 * SLACK)) grown returned/rate 2 || fail "the flows stay: $(toed_log | tail -n 4)"
	toed_alive || fail "toed is gone"
	part h p
	part h2 p2
	toed_stop
	on host "rmmod psample"
	no_timeouts
	leaves_nothing
}

# The engine is full; of those on it the lightest goes for the heavy one that waits,
# and nobody else.
test_room_for_the_heavy()
{
	local since who

	setup
	toectl set max-flows 2 >/dev/null
	classifier_in
	toectl policy add prio 100 out rport $((PORT + 3)) threshold 1MiB >/dev/null || die "policy add"
	toectl policy del prio 32767 >/dev/null
	for who in light middle heavy; do
		actor $who host
		actor p$who peer
		meet $who p$who "$([ $who != middle ] || echo v6)"
		tell p$who recv eof
	done
	tell light send forever rate=100000 chunk=10000
	tell middle send forever rate=2M chunk=50000
	tell light offload || die "light: $R"
	tell middle offload || die "middle: $R"
	toed_start "interval ${INTERVAL}ms"
	stats_begin
	sleep 7
	is "returns while nobody waits" "$(grew closes)" 0
	since=$(host_ms)
	tell heavy send forever rate=8M chunk=100000
	soon 30000 flow_is engine heavy || fail "the heavy one finds no room: $R"
	note "the heavy one waited $(($(host_ms) - since)) ms"
	is "its rule" "$(val rule)" 100
	flow_is host light || fail "light: $R"
	is "reason of the light one's return" "$(val reason)" rate
	flow_is engine middle || fail "middle: $R"
	is "returns" "$(grew closes)" 1
	is "returns for rate" "$(grew returned/rate)" 1
	# Nobody who is heavier waits: all stay.
	sleep 3
	is "returns after that" "$(grew closes)" 1
	flow_is engine heavy || fail "heavy: $R"
	for who in light middle heavy; do
		tell $who stop tx
		tell $who wait tx
		since=$(val bytes)
		tell $who shutdown
		got p$who rx "$since"
		tell $who close
		tell p$who close
	done
	toed_stop
	toectl set max-flows 4096 >/dev/null
	no_timeouts
	leaves_nothing
}
