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

quit_both()
{
	pipe_close h
	pipe_close p
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

# Two in the host, of which one is in a namespace: a connection that no peer's
# kernel has to know the options of. Usage: neighbours [WORD of connected]
neighbours()
{
	HOST_UNDO="ip netns del toe-n 2>/dev/null"
	on host "ip netns add toe-n &&
		ip link add veth-n type veth peer name eth0 netns toe-n &&
		ip addr add 10.78.0.1/24 dev veth-n && ip link set veth-n up &&
		ip -n toe-n addr add 10.78.0.2/24 dev eth0 &&
		ip -n toe-n link set eth0 up" || die "namespace toe-n"
	actor h host
	actor p host
	p enter netns toe-n
	PEER_ADDR=10.78.0.2 HOST_ADDR=10.78.0.1 meet h p "$@"
}

test_refuse_md5()
{
	setup
	stats_begin
	neighbours md5
	refused md5 "signs its segments"
	still_works
	done_with
}

test_refuse_ao()
{
	setup
	stats_begin
	on host "grep -q ' tcp_ao_connect_init\$' /proc/kallsyms" ||
		skip "the kernel has no TCP-AO"
	neighbours ao
	refused md5 "signs its segments"
	still_works
	done_with
}

# The connection is fine, but an engine sits elsewhere.
test_refuse_route()
{
	setup
	stats_begin
	neighbours
	refused route "does not lead through an engine's interface"
	still_works
	done_with
}

test_refuse_repair()
{
	setup
	stats_begin
	connected
	h set repair 1
	refused repair TCP_REPAIR
	h set repair 0
	still_works
	h offload
	still_works
	offloaded
	done_with
}

# A socket filter sees packets; a shadow socket has none.
test_refuse_filter()
{
	setup
	stats_begin
	connected
	h set filter 1
	refused filter "socket filter"
	still_works
	h set filter 0
	h offload
	still_works
	offloaded
	done_with
}

test_refuse_timestamping()
{
	setup
	stats_begin
	connected
	h set timestamping 24	# SOF_TIMESTAMPING_RX_SOFTWARE | _SOFTWARE
	refused timestamping "timestamps"
	still_works
	h set timestamping 0
	h set timestamp 1
	refused timestamping "timestamps"
	still_works
	h set timestamp 0
	h offload
	still_works
	offloaded
	done_with
}

# A byte of urgent data that nobody has read
test_refuse_urgent()
{
	setup
	stats_begin
	connected
	p urgent
	sleep 0.2
	refused urgent "urgent data"
	still_works
	h offload
	still_works
	offloaded
	done_with
}

# What leaves goes through a transformation.
test_refuse_ipsec_out()
{
	setup
	stats_begin
	connected
	HOST_UNDO="ip xfrm policy flush; ip xfrm state flush"
	on host "ip xfrm state add src $HOST_ADDR dst $PEER_ADDR proto esp spi 1 \
			mode transport auth digest_null '' enc cipher_null '' &&
		ip xfrm policy add src $HOST_ADDR dst $PEER_ADDR dir out \
			tmpl src $HOST_ADDR dst $PEER_ADDR proto esp mode transport" ||
		die "ip xfrm"
	# The peer cannot read it, but the socket has its route anew.
	h send 1K
	p recv 1K
	got h tx 1024
	refused xfrm IPsec
	on host "ip xfrm policy flush"
	got p rx 1024
	still_works
	h offload
	still_works
	offloaded
	done_with
}

# What comes in would have to have come by one; also for another family.
test_refuse_ipsec_in()
{
	local family src dst

	setup
	stats_begin
	for family in v4 v6; do
		connected $family
		src=$PEER_ADDR dst=$HOST_ADDR
		[ $family = v4 ] || src=$PEER_ADDR6 dst=$HOST_ADDR6
		HOST_UNDO="ip xfrm policy flush"
		on host "ip xfrm policy add src $src dst $dst dir in \
			tmpl src $src dst $dst proto esp mode transport" || die "ip xfrm"
		refused xfrm IPsec
		on host "ip xfrm policy flush"
		still_works
		h offload
		still_works
		done_with
		quit_both
	done
}

# A connection through NAT is refused, and works. Usage: natted v4|v6 in|out
natted()
{
	local host=$HOST_ADDR peer=$PEER_ADDR

	[ $1 = v4 ] || host=$HOST_ADDR6 peer=$PEER_ADDR6
	PORT=$((PORT + 1))
	actor h host
	actor p peer
	if [ $2 = in ]; then
		# the peer knows another port of ours than the socket does
		on host "nft add rule inet toe_test pre tcp dport $((PORT + 1000)) redirect to :$PORT" ||
			die "nft"
		tell h listen $host $PORT || die "listen: $R"
		say h accept
		tell p connect $host $((PORT + 1000)) || die "connect: $R"
		hear h || die "accept: $R"
	else
		# the wire another one of ours, outside of the range that connect() takes
		on host "nft add rule inet toe_test post tcp dport $PORT masquerade to :20000-20999" ||
			die "nft"
		tell p listen $peer $PORT || die "listen: $R"
		say p accept
		tell h connect $peer $PORT || die "connect: $R"
		hear p || die "accept: $R"
	fi
	refused nat NAT
	still_works
	done_with
	quit_both
}

# NAT, each way and in both families: what the socket calls the connection is not
# what the wire does. Conntrack alone, without NAT, is no obstacle.
test_refuse_nat()
{
	local family

	setup
	stats_begin
	HOST_UNDO="nft delete table inet toe_test"
	on host "nft 'add table inet toe_test
		add chain inet toe_test pre { type nat hook prerouting priority -100; }
		add chain inet toe_test post { type nat hook postrouting priority 100; }'" ||
		die "nft"
	for family in v4 v6; do
		natted $family in
		natted $family out
	done
	connected
	h offload
	still_works
	offloaded
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
