# SPDX-License-Identifier: GPL-2.0-only
# What is not offloaded stays in the stack, with a reason that is counted and
# that a person can read.

# Offloading must be refused. Usage: refused REASON TEXT
refused()
{
	local before

	before=$(grew "refused/$1")
	if tell h offload; then
		fail "offloaded, not refused with $1"
		return
	fi
	[[ $R = *"$2"* ]] || fail "refused with: $R"
	is "refused/$1" "$(($(grew "refused/$1") - before))" 1
}

# The connection still works, in the stack.
still_works()
{
	p recv $M
	h recv $M
	h send $M
	p send $M
	got h tx $M
	got p tx $M
	got h rx $M
	got p rx $M
}

done_with()
{
	h close
	p close
	leaves_nothing
}

test_refuse_unknown()
{
	setup
	stats_begin
	toectl flow offload 10.77.0.1:1 10.77.0.2:2 >"$WORK/out" && fail "offloaded"
	is "words" "$(grep -c 'there is no such connection' "$WORK/out")" 1
	is "refused/unknown" "$(grew refused/unknown)" 1
	# an IPv6 name, a listening socket
	toectl flow offload [fd77::1]:1 [fd77::2]:2 >/dev/null && fail "offloaded"
	is "refused/unknown" "$(grew refused/unknown)" 2
	no_flows || fail "flows are left: $FLOWS"
}

test_refuse_duplicate()
{
	setup
	stats_begin
	connected
	h offload
	refused duplicate "offloaded, or on its way"
	still_works
	offloaded
	done_with
}

test_refuse_state()
{
	setup
	stats_begin
	connected
	h recv eof
	p shutdown
	got h rx 0
	refused state "not ESTABLISHED"
	h send $M
	p recv $M
	got p rx $M
	done_with
}

test_refuse_no_engine()
{
	local out

	setup
	stats_begin
	connected
	out=$(on host rmmod toe_virtio) || die "rmmod: $out"
	refused no-engine "no engine"
	still_works
	modules_in
	h offload
	still_works
	done_with
}

# The table, as the setting bounds it
test_refuse_table_full()
{
	setup
	stats_begin
	connected
	actor h2 host
	actor p2 peer
	meet h2 p2
	toectl set max-flows 1 >/dev/null
	tell h2 offload || fail "the first: $R"
	refused table-full "full"
	still_works
	tell h2 return
	h offload
	offloaded
	still_works
	toectl set max-flows 4096 >/dev/null
	tell h2 close
	tell p2 close
	done_with
}

# The card has no room.
test_refuse_engine_full()
{
	setup
	stats_begin
	connected
	fault prepare-refuse 1
	refused table-full "full"
	still_works
	h offload
	still_works
	done_with
}

test_refuse_mptcp()
{
	setup
	stats_begin
	on host "[ -d /proc/sys/net/mptcp ]" || skip "the kernel has no MPTCP"
	connected mptcp
	refused mptcp MPTCP
	still_works
	done_with
}

# A hole in what arrives, and it stays: one segment is dropped by its length,
# each time it comes.
test_refuse_not_calm()
{
	setup
	stats_begin
	connected
	p set nodelay 1
	on host "nft add table inet toe_test &&
		nft add chain inet toe_test in '{ type filter hook input priority 0; }' &&
		nft add rule inet toe_test in tcp sport $PORT ip length $((40 + 12 + 111)) counter drop" ||
		die "nft"
	h recv $((111 + M))
	p send 111
	got p tx 111
	sleep 0.05
	p send $M
	sleep 0.2
	refused not-calm "would not end"
	ge "calm_retries" "$(grew calm_retries)" 1
	on host "nft delete table inet toe_test"
	got h rx $((111 + M))
	soon 2000 tell h offload || fail "now it is calm: $R"
	still_works
	done_with
}

# An engine that says no while the flow is on its way: everything is put back.
test_refuse_open()
{
	local bytes

	setup
	stats_begin
	connected
	p recv eof
	h send forever rate=20M
	fault open-refuse 1
	refused engine-refused "the engine said no"
	is "open_fails" "$(grew open_fails)" 1
	h offload
	offloaded
	sleep 0.2
	h stop tx
	h wait tx
	bytes=$(val bytes)
	h shutdown
	got p rx "$bytes"
	done_with
	no_timeouts
}

# The command and the module's words agree on every reason.
test_reasons_are_listed()
{
	local reason

	setup
	toectl -j stats show >"$WORK/out"
	for reason in $(sed -n 's/^\tX([A-Z0-9_]*,[ \t]*"\([a-z0-9-]*\)",.*/\1/p' \
		"$TOP/include/uapi/linux/toe.h"); do
		grep -q "\"$reason\"" "$WORK/out" || fail "toectl stats has no '$reason'"
	done
}
