# SPDX-License-Identifier: GPL-2.0-only
# Tests that cannot fail prove nothing. Here they must: each of the things that
# the others look for is brought about, and has to be seen.

# The check fails, and says how badly (FAILED in lib.sh). Usage: sees WHAT CMD...
sees()
{
	local what=$1
	shift

	(
		FAILED=0
		"$@" >"$WORK/seen"
		echo $FAILED >"$WORK/seen.how"
		[ $FAILED != 0 ]
	) || fail "not seen: $what"
}

# ... and there is no second try.
sees_wrong()	# WHAT CMD...
{
	sees "$@"
	is "$1" "FAILED=$(cat "$WORK/seen.how")" FAILED=3
}

# A byte sent wrong through the engine
test_a_wrong_byte_is_seen()
{
	setup
	connected
	h offload
	h corrupt 777777
	p recv $M
	h send $M
	sees_wrong "a wrong byte" got p rx $M
	tell p wait rx
	is "the first wrong byte" "$(val wrong_at)" 777777
	h reset
	p close
}
also_v6 a_wrong_byte_is_seen

test_a_missing_byte_is_seen()
{
	setup
	connected
	h offload
	p recv eof
	h send $((M - 1))
	h shutdown
	sees_wrong "a missing byte" got p rx $M
	p close
	h close
}
also_v6 a_missing_byte_is_seen

# The engine did not carry it; it went over the host's own interface.
test_the_stack_is_not_the_engine()
{
	local before

	setup
	connected
	before=$(eth0_bytes tx)
	p recv $M
	h send $M
	got p rx $M
	ge "bytes over eth0" $(($(eth0_bytes tx) - before)) $M
	sees "that nothing was offloaded" offloaded
	CARRIED_MS=300 sees "that the engine carried nothing" carried tx $M
	h offload
	h send $M
	p recv $M
	got p rx $M
	CARRIED_MS=300 sees "that the engine carried half" carried tx $((2 * M))
	carried tx $M
	h close
	p close
}
also_v6 the_stack_is_not_the_engine

# What is still open is seen, at the host, at the peer and on the card.
test_leftovers_are_seen()
{
	setup
	connected
	h offload
	h send 1000
	p recv 1000
	got p rx 1000
	LEFT_MS=300 sees_wrong "an open connection" leaves_nothing
	for what in "sockets are left" "left on the card" "flows are left"; do
		grep -q "$what" "$WORK/seen" || fail "not seen: $what"
	done
	sockets_left peer | grep -q "$PORT" || fail "not seen: the peer's socket"
	h close
	p close
	leaves_nothing
}
also_v6 leftovers_are_seen

# A retransmission timeout, at either end
test_a_timeout_is_seen()
{
	setup
	connected
	on host "nft add table inet toe_test &&
		nft add chain inet toe_test in '{ type filter hook input priority 0; }' &&
		nft add rule inet toe_test in tcp sport $PORT drop" || die nft
	h send 1000
	p send 1000
	sleep 0.7
	on host "nft delete table inet toe_test"
	sees "a timeout" no_timeouts
	grep -q "of the host" "$WORK/seen" || fail "not seen: the host's timeout"
	grep -q "of the peer" "$WORK/seen" || fail "not seen: the peer's timeout"
	h recv 1000
	p recv 1000
	got h rx 1000
	got p rx 1000
	h close
	p close
}
also_v6 a_timeout_is_seen

# A word of trouble in the kernel's log
test_a_warning_is_seen()
{
	# shellcheck disable=SC2034
	EXPECT_LOG='toe-test: '
	on host "echo 'toe-test: WARNING: CPU: 0 PID: 1 at net/ipv4/tcp.c:1 nothing' >/dev/kmsg"
	EXPECT_LOG='' sees_wrong "a warning" log_clean
	log_clean
}
