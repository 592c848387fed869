# SPDX-License-Identifier: GPL-2.0-only
# What happens to connections on the engine beside their end: loss, company,
# the application's wishes, and what the events say of all that.

# Packets get lost on the wire, at the peer's door. The card's TCP repairs it.
peer_loses()	# input|output PERCENT
{
	local out

	out=$(on peer "nft add table inet toe_test &&
		nft add chain inet toe_test c '{ type filter hook $1 priority 0; }' &&
		nft add rule inet toe_test c meta l4proto tcp numgen random mod 100 '<=' $(($2 - 1)) counter drop") ||
		skip "the peer's kernel has no nft: $out"
}

peer_loses_nothing_more()
{
	LOST=$(on peer "nft list table inet toe_test" | sed -n 's/.*counter packets \([0-9]*\).*/\1/p')
	on peer "nft delete table inet toe_test"
	ge "packets lost" "${LOST:-0}" 1
	note "$LOST packets lost"
}

test_loss_sending()
{
	local bytes=$((16 * M))

	setup
	connected
	h offload
	# They are as large as they come, so there are few of them.
	peer_loses input 4
	p recv $bytes
	h send $bytes
	got p rx $bytes
	peer_loses_nothing_more
	carried tx $bytes
	offloaded
	h close
	p close
	leaves_nothing
}
also_v6 loss_sending

test_loss_receiving()
{
	local bytes=$((16 * M))

	setup
	connected
	h offload
	# There the segments are still large, so there are fewer.
	peer_loses output 5
	h recv $bytes
	p send $bytes
	got h rx $bytes
	peer_loses_nothing_more
	carried rx $bytes
	offloaded
	h close
	p close
	leaves_nothing
}
also_v6 loss_receiving

# Handovers while packets get lost: not calm at times, and never a wrong byte.
test_loss_and_handovers()
{
	local i

	setup
	connected
	peer_loses input 1
	p recv eof
	h recv eof
	h send forever rate=10M
	p send forever rate=10M
	for i in {1..20}; do
		soon 10000 tell h offload || fail "offload: $R"
		sleep 0.02
		tell h return || fail "return: $R"
	done
	peer_loses_nothing_more
	finish_both h p
	leaves_nothing
}
also_v6 loss_and_handovers

# Sixteen connections at once, half of them by IPv6, each with handovers of its own
test_company()
{
	local i n=16

	setup
	stats_begin
	for i in $(seq $n); do
		actor h$i host
		actor p$i peer
	done
	for i in $(seq $n); do
		meet h$i p$i "$(family $i)"
		tell p$i recv eof
		tell h$i recv eof
		tell h$i send forever rate=2M
		tell p$i send forever rate=2M
	done
	for i in $(seq $n); do
		tell h$i handover 10 20 || fail "handover $i: $R"
	done
	for i in $(seq $n); do
		tell h$i wait hand 60000
		is "handovers of $i" "${R%% *} count=$(val count) error=$(val error)" "ok count=10 error=0"
	done
	note "tx_stalls: $(grew tx_stalls), retrans_swallowed: $(grew retrans_swallowed), DATA that the card threw away: $(card .card.counters.tx_unknown)"
	for i in $(seq $n); do
		finish_both h$i p$i >"$WORK/finish"
		grep FAIL "$WORK/finish"
	done
	no_timeouts
	leaves_nothing
}
alone company

# The application chooses another congestion control: it gets it.
test_congestion_control()
{
	setup
	stats_begin
	connected
	h offload
	p recv $M
	h send $M
	got p rx $M
	h set congestion reno
	soon 10000 grown returned/congestion 1 ||
		fail "returned/congestion has grown by $(grew returned/congestion)"
	h info
	is "congestion control" "$(val congestion)" reno
	p recv $M
	h send $M
	got p rx $M
	h offload
	h return
	h info
	is "congestion control after another offload" "$(val congestion)" reno
	h close
	p close
	no_timeouts
	leaves_nothing
}
also_v6 congestion_control

# Each change of state is an event, in order; the last one has the whole account.
test_monitor()
{
	local events

	setup
	connected
	on host "$GUEST/toectl -j monitor >/tmp/events 2>&1 & echo \$! >/tmp/monitor"
	sleep 0.3
	h offload
	p recv $M
	h send $M
	got p rx $M
	carried tx $M
	h return
	sleep 0.2
	on host "kill \$(cat /tmp/monitor)"
	events=$(on host "jq -rc '[.from, .to, .reason] | join(\" \")' /tmp/events")
	is "events" "$events" "host opening admin
opening engine admin
engine closing admin
closing host admin"
	is "bytes by the engine in the last event" \
		"$(on host "tail -n 1 /tmp/events | jq .flow.tx_engine")" $M
	ge "open_ns in the last event" "$(on host "tail -n 1 /tmp/events | jq .flow.open_ns")" 1
	ge "close_ns in the last event" "$(on host "tail -n 1 /tmp/events | jq .flow.close_ns")" 1
	h close
	p close
	leaves_nothing
}
also_v6 monitor

# By name and all at once, with the command
test_toectl_returns_all()
{
	local out

	setup
	stats_begin
	connected
	pair 2 v6
	h offload
	tell h2 offload
	is "flows on the engine" "$(on host "$GUEST/toectl -j flow show | jq -c '[.[].state]'")" \
		'["engine","engine"]'
	out=$(toectl flow return all) || fail "flow return all: $out"
	is "flows on the engine" "$(on host "$GUEST/toectl -j flow show | jq -c '[.[].state]'")" \
		'["host","host"]'
	is "returned/admin" "$(grew returned/admin)" 2
	tell h2 close
	tell p2 close
	h close
	p close
	leaves_nothing
}

# Nothing moves for a while, with keepalive on: the peer is not given up.
test_silence()
{
	local i

	setup
	for i in 1 2; do
		pair $i "$(family $i)"
		tell h$i set keepalive 1
		tell h$i offload || die "offload: $R"
	done
	sleep 4
	for i in 1 2; do
		in_state h$i engine || fail "connection $i: $R"
		moves h$i p$i $M
		moves p$i h$i $M
		part h$i p$i
	done
	no_timeouts
	leaves_nothing
}

# Usage: shut_windows SENDERS RECEIVERS tx|rx	(h and p, by IPv4; their second ones, by IPv6)
shut_windows()
{
	local bytes=$((24 * M)) n

	setup
	for n in 1 2; do
		pair $n "$(family $n)"
		tell h$n offload || die "offload: $R"
		tell $1$n send $bytes || die "send: $R"
	done
	sleep 2
	for n in 1 2; do
		in_state h$n engine || fail "connection $n: $R"
		tell $2$n recv $bytes
		got $1$n tx $bytes
		got $2$n rx $bytes
		carried $3 $bytes h$n
		part h$n p$n
	done
	leaves_nothing
}

# The peer shuts its window for longer than a probe takes, then opens it.
test_shut_window()
{
	shut_windows h p tx
}

# The same at the host's side: it does not read.
test_shut_window_of_the_host()
{
	shut_windows p h rx
}
