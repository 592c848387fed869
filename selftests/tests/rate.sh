# SPDX-License-Identifier: GPL-2.0-only
# toed: flows that are too slow come back, those that are not stay, idle ones make
# room; and what the daemon does when it is killed, started twice, reloaded, or
# when the module goes.

INTERVAL=500
DWELL=3000
# The bar is the dwell and two intervals. What an emulated host may take more, until
# a process that is due runs and the flow is back.
SLACK=1500

# Starts toed on the host. Usage: toed_start LINE...	(of its configuration)
toed_start()
{
	on host "printf '%s\n' $(printf '%q ' "log-level debug" "$@") >$GUEST/toed.conf" >/dev/null
	TOED=$(on host "setsid $GUEST/toed --config $GUEST/toed.conf </dev/null >/dev/null \
		2>$GUEST/toed.log & echo \$!")
	HOST_UNDO="kill -KILL $TOED 2>/dev/null; $GUEST/toectl unload >/dev/null 2>&1; true"
}

toed_log()
{
	on host "cat $GUEST/toed.log"
}

# It has said this, so many times. Usage: toed_said TEXT [COUNT]
toed_said_now()
{
	[ "$(toed_log | grep -cF -- "$1")" -ge "${2:-1}" ]
}

toed_said()
{
	soon 10000 toed_said_now "$@" || die "toed does not say '$1': $(toed_log | tail -n 5)"
}

toed_alive()
{
	on host "kill -0 $TOED 2>/dev/null"
}

toed_gone()
{
	! toed_alive
}

# Ends it in order.
toed_stop()
{
	on host "kill $TOED"
	soon 10000 toed_gone || fail "toed does not end: $(toed_log | tail -n 5)"
}

flow_is()	# STATE [ACTOR]
{
	tell "${2:-h}" flow && [ "$(val state)" = "$1" ]
}

becomes()	# STATE [ACTOR]
{
	soon 10000 flow_is "$@" || fail "the flow of ${2:-h} is not in state $1: $R"
}

# The connections of this test are offloaded at 1 MiB, or at so many bytes, and have
# to be faster than 1 MB/s. Usage: rule [BYTES]
rule()
{
	local out

	classifier_in
	out=$(toectl "policy add prio 100 out rport $((FIRST_PORT + 1))-$((FIRST_PORT + 19)) \
		threshold ${1:-1MiB} min-rate 8mbit dwell ${DWELL}ms" 2>&1) ||
		die "toectl policy add: $out"
	out=$(toectl policy del prio 32767 2>&1) || die "toectl policy del: $out"
}

events_begin()
{
	on host "$GUEST/toectl -j monitor >$GUEST/events 2>&1 & echo \$! >$GUEST/monitor"
	HOST_UNDO+="; kill \$(cat $GUEST/monitor) 2>/dev/null; true"
}

host_ms()
{
	on host "echo \$((\$(date +%s%N) / 1000000))"
}

# When did a flow leave the engine for this reason last, in the host's ms?
left_at()	# REASON
{
	on host "jq -r 'select(.from == \"engine\" and .reason == \"$1\") | .time_ns / 1000000 |
		floor' $GUEST/events | tail -n 1"
}

home_at()	# REASON
{
	on host "jq -r 'select(.to == \"host\" and .reason == \"$1\") | .time_ns / 1000000 |
		floor' $GUEST/events | tail -n 1"
}

# The flow has come back for its rate within the bar. Usage: came_back SINCE-MS
came_back()
{
	local left home

	becomes host
	is "reason of the return" "$(val reason)" rate
	left=$(left_at rate)
	home=$(home_at rate)
	note "returned after $((left - $1)) ms, home after $((home - $1)) ms; the dwell is $DWELL ms, the interval $INTERVAL ms"
	le "ms until it was home" "$((home - $1))" $((DWELL + 2 * INTERVAL + SLACK))
	# no earlier than the dwell, less the interval in which it stopped
	ge "ms until it was returned" "$((left - $1))" $((DWELL - INTERVAL - INTERVAL / 8))
}

# One that stops comes back; one that starts again is offloaded again.
test_rate_returns()
{
	local since sent

	setup
	stats_begin
	toed_start "interval ${INTERVAL}ms"
	rule
	events_begin
	connected
	p recv eof
	h send forever rate=4M
	becomes engine
	# Fast enough: it stays, for longer than it takes to be returned.
	sleep $(((2 * DWELL + 2 * INTERVAL) / 1000 + 1))
	offloaded
	is "returns for rate, of a flow above" "$(grew returned/rate)" 0
	since=$(host_ms)
	h stop tx
	tell h wait tx
	sent=$(val bytes)
	came_back "$since"
	# It starts again. The usual signal finds it, when the module lets it.
	h send forever rate=8M
	soon 60000 flow_is engine || fail "the flow is not offloaded again: $R"
	ge "opens" "$(val opens)" 2
	since=$(host_ms)
	h stop tx
	tell h wait tx
	sent=$((sent + $(val bytes)))
	came_back "$since"
	h shutdown
	got p rx $sent
	h close
	p close
	toed_stop
	no_timeouts
	leaves_nothing
}
also_v6 rate_returns
alone rate_returns

# It never stops, and is too slow all the same.
test_rate_slow()
{
	local since sent

	setup
	toed_start "interval ${INTERVAL}ms"
	rule
	events_begin
	connected
	p recv eof
	h send $((2 * M))
	tell h wait tx
	becomes engine
	since=$(host_ms)
	h send forever rate=500000 chunk=20000
	came_back "$since"
	h stop tx
	tell h wait tx
	sent=$((2 * M + $(val bytes)))
	h shutdown
	got p rx $sent
	h close
	p close
	toed_stop
	no_timeouts
	leaves_nothing
}
also_v6 rate_slow

# Both directions count, together: each alone would be too slow.
test_rate_both_ways()
{
	local n

	setup
	toed_start "interval ${INTERVAL}ms"
	rule
	stats_begin
	for n in 1 2; do
		pair $n "$(family $n)"
		tell p$n recv eof
		tell h$n recv eof
		tell h$n send forever rate=700000 chunk=20000
		tell p$n send forever rate=700000 chunk=20000
	done
	becomes engine h1
	becomes engine h2
	sleep $((2 * DWELL / 1000 + 2))
	flow_is engine h1 || fail "IPv4: $R"
	flow_is engine h2 || fail "IPv6: $R"
	is "returns for rate" "$(grew returned/rate)" 0
	finish_both h1 p1
	finish_both h2 p2
	toed_stop
	no_timeouts
	leaves_nothing
}
alone rate_both_ways

# A flow that was offloaded by hand has no minimum: it stays, idle as it is.
test_rate_none()
{
	setup
	toed_start "interval 200ms"
	two_connected
	h offload
	tell h2 offload || die "offload: $R"
	sleep 4
	offloaded
	in_state h2 engine || fail "IPv6: $R"
	part h2 p2
	h close
	p close
	toed_stop
	leaves_nothing
}

# SIGKILL in the middle of a transfer, and a new one: no byte and no offload is lost.
test_toed_killed()
{
	local bytes=$((48 * M)) n

	setup
	stats_begin
	for n in 1 2; do
		pair $n "$(family $n)"
		tell h$n offload || die "offload: $R"
	done
	toed_start "interval 100ms"
	for n in 1 2; do
		tell p$n recv $bytes
		tell h$n send $bytes rate=12M
	done
	toed_said "module toe is there"
	sleep 0.5
	on host "kill -KILL $TOED"
	soon 10000 toed_gone || fail "toed outlives SIGKILL"
	sleep 0.5
	toed_start "interval 100ms"
	toed_said "module toe is there"
	sleep 0.5
	toed_stop
	for n in 1 2; do
		got p$n rx $bytes
		carried tx $bytes h$n
		in_state h$n engine || fail "connection $n: $R"
	done
	is "flows that came back" "$(grew closes)" 0
	part h1 p1
	part h2 p2
	no_timeouts
	leaves_nothing
}

test_toed_twice()
{
	local out

	setup
	toed_start
	toed_said "module toe is there"
	out=$(on host "$GUEST/toed --config $GUEST/toed.conf 2>&1")
	is "status of the second" $? 1
	is "words of the second" "$out" \
		"toed: error: toed runs already in this network namespace (process $TOED)"
	toed_alive || fail "the first one is gone"
	toed_stop
	# The lock went with it, also when it is killed.
	toed_start
	toed_said "module toe is there"
	on host "kill -KILL $TOED"
	soon 10000 toed_gone
	toed_start
	toed_said "module toe is there"
	toed_stop
}

# Without the module it waits, without polling; it sees it come and go and come.
test_toed_waits()
{
	local switches n

	modules_out
	toed_start "interval 100ms"
	toed_said "module toe is not loaded: waiting for it"
	sleep 0.5
	switches="grep -h ctxt_switches /proc/$TOED/status"
	is "it does not run while it waits" "$(on host "$switches; sleep 1; $switches" | sort -u | wc -l)" 2
	modules_in
	toed_said "module toe is there"
	for n in 1 2; do
		pair $n "$(family $n)"
		tell h$n offload || fail "offload: $R"
		moves h$n p$n $M
		carried tx $M h$n
		part h$n p$n
	done
	leaves_nothing
	modules_out
	toed_said "waiting for it" 2
	toed_alive || fail "toed is gone"
	modules_in
	toed_said "module toe is there" 2
	toed_stop
	modules_out
	toed_start "wait-for-module no"
	soon 10000 toed_gone || fail "it waits though it is not to"
	toed_said "toed: error: module toe is not loaded"
	# and likewise when the module goes while it runs
	modules_in
	toed_start "wait-for-module no"
	toed_said "module toe is there"
	modules_out
	soon 10000 toed_gone || fail "it waits though it is not to"
}

# SIGHUP: a wrong file changes nothing, a right one does, and no flow notices.
test_toed_reload()
{
	local bytes=$((16 * M)) n

	setup
	stats_begin
	toed_start "interval 60s"
	toed_said "module toe is there"
	for n in 1 2; do
		pair $n "$(family $n)"
		tell h$n offload || die "offload: $R"
		tell p$n recv $bytes
		tell h$n send $bytes rate=8M
	done
	on host "echo 'interval never' >$GUEST/toed.conf; kill -HUP $TOED"
	toed_said "$GUEST/toed.conf:1: 'never' is wrong for interval"
	toed_said "the configuration stays as it was"
	on host "echo 'interval 100ms' >$GUEST/toed.conf; kill -HUP $TOED"
	toed_said "the configuration was read again"
	for n in 1 2; do
		got p$n rx $bytes
		carried tx $bytes h$n
	done
	is "flows that came back" "$(grew closes)" 0
	toed_alive || fail "toed is gone"
	part h1 p1
	part h2 p2
	toed_stop
	no_timeouts
	leaves_nothing
}

# The module takes one flow, an idle one has the place, another one wants it.
test_rate_makes_room()
{
	local bytes=$((8 * M))

	setup
	toectl set max-flows 1
	stats_begin
	two_connected
	h offload
	toed_start "interval ${INTERVAL}ms"
	# Nobody waits: it stays, longer than it takes to be weighed.
	sleep 7
	offloaded
	tell h2 offload && fail "there was room for a second flow"
	soon 10000 tell h2 offload || fail "no room is made: $R"
	is "returns for rate" "$(grew returned/rate)" 1
	# (the table is full of flows that are not on the engine, too: it may forget)
	flow_is engine && fail "the idle flow is still there"
	tell p2 recv $bytes
	tell h2 send $bytes
	got p2 rx $bytes
	tell h2 flow
	is "the other flow" "$(val state) $(val tx_engine)" "engine $bytes"
	# Moving, or new, as that one is: it does not go.
	tell h offload && fail "there was room for a second flow"
	sleep 2
	tell h2 flow
	is "the other flow" "$(val state)" engine
	is "returns for rate" "$(grew returned/rate)" 1
	p recv $M
	h send $M
	got p rx $M
	for who in h p h2 p2; do
		tell $who close
	done
	toed_stop
	toectl set max-flows 4096
	no_timeouts
	leaves_nothing
}
alone rate_makes_room

# How many different flows to a port of the peer are in a state
crowd_in()	# STATE PORT
{
	on host "$GUEST/toectl -j flow show | jq -r '[.[] | select(.state == \"$1\" and
		.remote_port == $2) | .local_port] | unique | length'"
}

crowd_in_now()	# STATE PORT N
{
	[ "$(crowd_in "$1" "$2")" = "$3" ]
}

# Many that fall silent together are returned together: more than one message of a
# dump holds, and none is waited for. Each still brings back what it is sent.
test_rate_crowd()
{
	local n=400 since home crowd_port
	local DWELL=6000	# all are there before the first goes

	setup
	stats_begin
	"$LAB" push "$TOP/selftests/tools/crowd.py" $GUEST </dev/null || die "no crowd.py"
	toed_start "interval ${INTERVAL}ms"
	PORT=$((PORT + 1))
	crowd_port=$PORT
	rule 1
	events_begin
	ACTORS+=" crowd echo"
	pipe_open echo "$LAB" peer -- /src/selftests/tools/crowd.py listen :: $crowd_port
	hear echo || die "echo: $R"
	pipe_open crowd "$LAB" host -- $GUEST/crowd.py connect $PEER_ADDR,$PEER_ADDR6 $crowd_port $n
	hear crowd || die "crowd: $R"
	tell crowd talk 100 || fail "crowd: $R"
	soon 30000 crowd_in_now engine $crowd_port $n ||
		fail "$(crowd_in engine $crowd_port) flows on the engine"
	tell crowd talk 1000 || fail "crowd, offloaded: $R"
	since=$(host_ms)
	soon 20000 grown returned/rate $n || fail "$(grew returned/rate) returns for rate"
	is "flows that are home" "$(crowd_in host $crowd_port)" $n
	home=$(home_at rate)
	note "$n flows home after $((home - since)) ms; the dwell is $DWELL ms, the interval $INTERVAL ms"
	le "ms until all were home" "$((home - since))" $((DWELL + 2 * INTERVAL + 2 * SLACK))
	tell crowd talk 1000 || fail "crowd, returned: $R"
	tell crowd end
	toed_stop
	no_timeouts
	leaves_nothing
}
alone rate_crowd
