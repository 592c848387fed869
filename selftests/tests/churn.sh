# SPDX-License-Identifier: GPL-2.0-only
# toectl flow churn: random hand-overs of whatever flows there are.

# Every connection of the tests is a candidate from its first byte on.
churn_rules()
{
	local out

	classifier_in
	out=$(toectl "policy flush && $GUEST/toectl policy add prio 1 remote 192.168.77.0/24 never &&
		$GUEST/toectl policy add prio 2 threshold 1" 2>&1) || die "policy: $out"
}

# Usage: churn_begin WORDS
churn_begin()
{
	CHURN=$(on host "$GUEST/toectl -j flow churn seed 7 $* >$GUEST/churn.json 2>$GUEST/churn.err &
		echo \$!")
	HOST_UNDO="kill $CHURN; rm -f $GUEST/churn.*; $GUEST/toectl unload"
}

# Ends it. Its numbers are in OFFLOADS, RETURNS and REFUSED.
churn_end()
{
	local out

	out=$(on host "kill $CHURN; for i in \$(seq 100); do
		[ -d /proc/$CHURN ] || break; sleep 0.05; done
		cat $GUEST/churn.err $GUEST/churn.json")
	HOST_UNDO="rm -f $GUEST/churn.*; $GUEST/toectl unload"
	OFFLOADS=$(jq -r .offloads <<<"$out") || die "churn: $out"
	RETURNS=$(jq -r .returns <<<"$out")
	REFUSED=$(jq -r .refused <<<"$out")
	is "seed" "$(jq -r .seed <<<"$out")" 7
	note "churn: $OFFLOADS there, $RETURNS back, $REFUSED refused"
}

# What was counted happened. Usage: churned LEAST
churned()
{
	ge "offloads by churn" "$OFFLOADS" "$1"
	ge "returns by churn" "$RETURNS" "$1"
	ge "opens" "$(grew opens)" "$OFFLOADS"
	# One that was on its way when all ended is counted there and not here.
	ge "returned, admin" "$(($(grew returned/admin) + 2))" "$RETURNS"
}

# Three connections, one of IPv6 and one accepted, both ways at once
churn_transfer()
{
	local n bytes=$((12 * M))
	local -A words=([1]='' [2]=v6 [3]=from-peer)

	for n in 1 2 3; do
		actor h$n host
		actor p$n peer
		# shellcheck disable=SC2086	# a word or none
		meet h$n p$n ${words[$n]}
	done
	for n in 1 2 3; do
		tell h$n recv $bytes
		tell p$n recv $bytes
		tell h$n send $bytes rate=8M
		tell p$n send $bytes rate=8M
	done
	for n in 1 2 3; do
		got h$n tx $bytes
		got p$n tx $bytes
		got h$n rx $bytes
		got p$n rx $bytes
	done
}

churn_is_over()
{
	local n

	for n in 1 2 3; do
		tell h$n close
		tell p$n close
	done
	leaves_nothing
}

test_churn()
{
	setup
	stats_begin
	churn_rules
	churn_begin every 5ms
	churn_transfer
	churn_end
	churned 30
	churn_is_over
	no_timeouts
}

test_churn_by_bytes()
{
	setup
	stats_begin
	churn_rules
	churn_begin every 256KiB
	churn_transfer
	churn_end
	churned 30
	churn_is_over
}

# Only those of its filter, and for as long as it was told
test_churn_filter()
{
	local out n

	setup
	stats_begin
	churn_rules
	for n in 1 2; do
		pair $n "$(family $n)"
		tell h$n recv eof
		tell p$n recv eof
		tell h$n send forever rate=8M
		tell p$n send forever rate=8M
		soon 10000 in_state h$n engine || fail "$n is not offloaded"
	done
	out=$(toectl -j flow churn rport 1 every 1ms for 500ms) || fail "churn: $out"
	is "churn of others" "$(jq -c 'del(.seed)' <<<"$out")" '{"offloads":0,"returns":0,"refused":0}'
	out=$(toectl -j flow churn remote $PEER_ADDR rport $PORT every 1ms for 300ms) || fail "churn: $out"
	is "churn of another family" "$(jq -c 'del(.seed)' <<<"$out")" '{"offloads":0,"returns":0,"refused":0}'
	is "returned" "$(grew returned/admin)" 0
	churn_of_one $PEER_ADDR h2
	churn_of_one $PEER_ADDR6 h1
	finish_both h1 p1
	finish_both h2 p2
	leaves_nothing
	toectl unload >/dev/null
}

# One connection goes to and fro, the other one stays. Usage: churn_of_one ADDRESS OTHER
churn_of_one()
{
	local out opens

	# The module tries by itself what came back.
	soon 20000 in_state $2 engine || fail "$2 is not offloaded again: $R"
	opens=$(val opens)
	out=$(toectl -j flow churn remote $1 rport $((PORT - 1))-$PORT every 20ms for 1s) ||
		fail "churn: $out"
	ge "returns" "$(jq .returns <<<"$out")" 3
	in_state $2 engine || fail "$2 left: $R"
	is "times on the engine, of the other" "$(val opens)" "$opens"
}

# Hand-overs without end of the connection of h and p. Its number of returns is
# counted from here.
churn_connected()
{
	setup
	connected
	h offload
	stats_begin
	churn_begin rport $PORT every 5ms
	soon 5000 churn_grown returned/admin 2 || fail "no hand-overs"
	stats_begin
}

churn_grown()	# KEY LEAST
{
	[ "$(grew "$1")" -ge "$2" ]
}

# What the application holds back goes out by a timer of 200 ms, however short its
# stays at either side are.
test_churn_held_back()
{
	churn_connected
	h set cork 1
	p recv 1000
	h send 1000
	p wait rx 10000
	is "bytes" "$(val bytes)" 1000
	ge "returns meanwhile" "$(grew returned/admin)" 3
	churn_end
	churn_closes
}
also_v6 churn_held_back

# Data that the peer does not acknowledge is sent again, by the stack, which keeps the
# connection until it is acknowledged.
test_churn_unanswered()
{
	churn_connected
	peer_loses input 100
	p recv 1000
	h send 1000
	soon 10000 churn_repeats 2 || fail "timeouts in a row: $(val retransmits)"
	# It may be looked at whether it is calm by now: nothing of it moves.
	soon 5000 in_state h host || fail "state: $(val state)"
	peer_loses_nothing_more
	got p rx 1000
	soon 5000 churn_grown returned/admin 10 || fail "the hand-overs do not go on"
	churn_end
	churn_closes
}
also_v6 churn_unanswered

# The peer opens its window, and what says so is lost: only a probe finds out.
test_churn_shut_window()
{
	local bytes=$((16 * M))

	churn_connected
	h send $bytes
	soon 10000 churn_is_still h tx || fail "the window stays open: $R"
	peer_loses output 100
	p recv $bytes
	soon 10000 churn_is_still p rx || fail "the peer goes on: $R"
	ge "bytes read" "$(val bytes)" 1
	peer_loses_nothing_more
	got p rx $bytes
	got h tx $bytes
	churn_end
	churn_closes
}
also_v6 churn_shut_window

churn_is_still()	# ACTOR JOB
{
	tell "$1" state "$2" && [ "$(val still_us)" -ge 500000 ]
}

churn_repeats()	# LEAST
{
	tell h info && [ "$(val retransmits)" -ge "$1" ]
}

churn_closes()
{
	h close
	p close
	leaves_nothing
}

# Hundreds of connections, all of them at once to the engine and all at once back, again and
# again, while they talk. One that is not calm at that moment waits for the next time.
CHURN_CROWD=300
CHURN_ROUNDS=10

# All are known, wherever they are, and none is on its way.
churn_crowd_rests()
{
	N=$(on host "$GUEST/toectl -j stats show | jq -r '.flows | \"\(.host + .engine) \(.opening + .closing)\"'")
	[ "${N% *}" -ge $CHURN_CROWD ] && [ "${N#* }" = 0 ]
}

test_churn_crowd()
{
	local n=0 R N

	setup
	stats_begin
	churn_rules
	"$LAB" push "$BUILD/test/load" $GUEST </dev/null || die "no load"
	daemon_crowd $CHURN_CROWD
	tell crowd talk 100 || fail "crowd: $R"
	soon 20000 churn_crowd_rests || fail "the flows do not settle: $N"
	on host "$GUEST/load shove $CROWD_PORT $CHURN_ROUNDS >$GUEST/shoved 2>&1 </dev/null &"
	HOST_UNDO="rm -f $GUEST/shoved; $GUEST/toectl unload"
	until [ -n "$(on host "cat $GUEST/shoved")" ]; do
		tell crowd talk 3000 || fail "crowd: $R"
		n=$((n + 1))
	done
	R=$(on host "cat $GUEST/shoved")
	[[ $R = "ok "* ]] || fail "$R"
	note "they talked $n times; $R"
	ge "all that went there, or was refused" "$(($(val count) + $(val fails)))" $((CHURN_CROWD * CHURN_ROUNDS))
	ge "that went there" "$(val count)" $((CHURN_CROWD * CHURN_ROUNDS / 2))
	# What was refused may be tried again by itself.
	ge "that came back" "$(val closes)" "$(($(val count) - $(val fails)))"
	is "refused/engine-timeout" "$(grew refused/engine-timeout)" 0
	is "takeovers" "$(grew takeovers)" 0
	tell crowd talk 3000 || fail "crowd: $R"
	tell crowd end
	leaves_nothing
}
