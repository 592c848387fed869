# SPDX-License-Identifier: GPL-2.0-only
# What is not offloaded stays in the stack, with a reason that is counted and
# that a person can read.

# Offloading must be refused, and `why` says so before, unless only the engine
# knows. Usage: refused REASON TEXT [engine-only]
refused()
{
	local before

	before=$(grew "refused/$1")
	if [ "${3:-}" != engine-only ]; then
		tell h why
		is "why" "$(val reason)" "$1"
		is "refused/$1 after why" "$(grew "refused/$1")" "$before"
	fi
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

# The engine has carried what still_works moved; what was not acknowledged at the
# offload counts, too.
carried_all_now()
{
	tell h flow && [ "$(val tx_engine)" -ge $M ] && [ "$(val rx_engine)" -ge $M ]
}

carried_all()
{
	soon 10000 carried_all_now || fail "the engine did not carry all: $R"
}

# It was the one thing that was in the way: all goes by the engine now, and
# nothing did before.
goes_now()
{
	tell h flow
	is "by an engine so far" "$(val tx_engine) $(val rx_engine)" "0 0"
	h offload
	still_works
	offloaded
	tell h why
	is "why" "$(val reason)" duplicate
	carried_all
	done_with
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
also_v6 refuse_duplicate

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
also_v6 refuse_state

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
also_v6 refuse_no_engine

# The table, as the setting bounds it
test_refuse_table_full()
{
	setup
	stats_begin
	connected
	pair 2
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
also_v6 refuse_table_full

# The card has no room.
test_refuse_engine_full()
{
	setup
	stats_begin
	connected
	fault prepare-refuse 1
	refused table-full "full" engine-only
	still_works
	h offload
	still_works
	done_with
}
also_v6 refuse_engine_full

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
also_v6 refuse_mptcp

# Two in the host, of which one is in a namespace: a connection that no peer's
# kernel has to know the options of. Usage: neighbours [WORD of connected]
neighbours()
{
	local here=10.78.0.1 there=10.78.0.2

	[ -z "$V6" ] || here=fd78::1 there=fd78::2
	HOST_UNDO="ip netns del toe-n 2>/dev/null"
	on host "ip netns add toe-n &&
		ip link add veth-n type veth peer name eth0 netns toe-n &&
		ip addr add $here/24 dev veth-n ${V6:+nodad} && ip link set veth-n up &&
		ip -n toe-n addr add $there/24 dev eth0 ${V6:+nodad} &&
		ip -n toe-n link set eth0 up" || die "namespace toe-n"
	actor h host
	actor p host
	p enter netns toe-n
	PEER_ADDR=$there HOST_ADDR=$here meet h p "$@"
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
also_v6 refuse_md5

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
also_v6 refuse_ao

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
also_v6 refuse_route

test_refuse_repair()
{
	setup
	stats_begin
	connected
	h set repair 1
	refused repair TCP_REPAIR
	h set repair 0
	still_works
	goes_now
}
also_v6 refuse_repair

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
	h set bpf 1
	refused filter "socket filter"
	still_works
	h set bpf 0
	goes_now
}
also_v6 refuse_filter

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
	h set timestampns 1
	refused timestamping "timestamps"
	h set timestampns 0
	goes_now
}
also_v6 refuse_timestamping

# Which only its own stack can read.
test_refuse_ulp()
{
	setup
	stats_begin
	on host "modprobe tls" >/dev/null || skip "the kernel has no TLS"
	connected
	h set ulp tls
	refused ulp "upper layer protocol"
	still_works
	done_with
}
also_v6 refuse_ulp

# The host's own packets have IP options, or an extension header.
test_refuse_options()
{
	local family

	setup
	stats_begin
	for family in v4 v6; do
		connected $family
		h set options 1
		refused options "extension headers"
		still_works
		h set options 0
		goes_now
		quit_both
	done
}

# Small messages: what the build machine merges, of IPv6 packets with an extension
# header, does not come through its network.
small_works()
{
	p echo 100 1000
	h ping 100 1000
	got h tx 100000
	got p rx 100000
}

# The peer's packets begin to have them: the host's stack reads them, and the flow
# goes on there. So it does when they are the host's.
test_options_while_offloaded()
{
	local family who reason

	setup
	stats_begin
	for family in v4 v6; do
		connected $family
		h set nodelay 1
		p set nodelay 1
		for who in p h; do
			[ $who = p ] && reason=options || reason=unsupported
			h offload
			still_works
			offloaded
			$who set options 1
			small_works
			soon 10000 flow_is_now h host $reason || fail "$family $who: $R"
			$who set options 0
		done
		still_works
		no_timeouts
		done_with
		quit_both
	done
	is "returned/options" "$(grew returned/options)" 2
	is "returned/unsupported" "$(grew returned/unsupported)" 2
}

# Usage: unfit_now OPTION VALUE AND-BACK
unfit_now()
{
	h offload
	still_works
	offloaded
	h set $1 $2
	still_works
	soon 10000 flow_is_now h host unsupported || fail "$1: $R"
	h set $1 $3
}

# What is set while the flow is on an engine brings it back with the next bytes.
test_unfit_while_offloaded()
{
	local what=("filter 1 0" "bpf 1 0" "timestamp 1 0" "timestamping 24 0") words

	[ -n "$V6" ] && what+=("tclass 16 0" "hops 33 64") || what+=("tos 16 0" "ttl 33 64")
	setup
	stats_begin
	connected
	for words in "${what[@]}"; do
		# shellcheck disable=SC2086
		unfit_now $words
	done
	is "returned/unsupported" "$(grew returned/unsupported)" 6
	still_works
	done_with
}
also_v6 unfit_while_offloaded

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
	goes_now
}
also_v6 refuse_urgent

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
	goes_now
}
also_v6 refuse_ipsec_out

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
		goes_now
		quit_both
	done
}

# A policy that lets nothing out, or for which there are no keys; the socket's
# own; and policies for others, which are no obstacle.
test_refuse_ipsec_policies()
{
	local esp="tmpl proto esp mode transport" dir what

	setup
	stats_begin
	connected
	HOST_UNDO="ip xfrm policy flush; ip xfrm state flush"
	for what in "action block" "$esp"; do
		on host "ip xfrm policy add src $HOST_ADDR dst $PEER_ADDR dir out $what" ||
			die "ip xfrm"
		refused xfrm IPsec
		on host "ip xfrm policy flush; ip xfrm state flush"
		still_works
	done
	for dir in out in; do
		h set ipsec $dir
		refused xfrm IPsec
		h set ipsec off
		still_works
	done
	on host "ip xfrm policy add src $HOST_ADDR dst $PEER_ADDR proto udp dir out $esp &&
		ip xfrm policy add src $PEER_ADDR dst $HOST_ADDR proto udp dir in $esp" ||
		die "ip xfrm"
	goes_now
	on host "ip xfrm policy flush"
}
also_v6 refuse_ipsec_policies

# A connection through NAT is refused, and works.
# Usage: natted v4|v6 in|out|other|disguised
natted()
{
	local host=$HOST_ADDR peer=$PEER_ADDR address listener=p caller=h to at what

	[ $1 = v4 ] || host=$HOST_ADDR6 peer=$PEER_ADDR6
	PORT=$((PORT + 1))
	actor h host
	actor p peer
	# What the caller calls, what the listener listens on
	to=$((PORT + 1000)) at=$PORT
	case $2 in
	in)	# the peer knows another port of ours than the socket does
		what="pre tcp dport $to redirect to :$at" listener=h caller=p ;;
	out)	# and here another port of the host's side, outside of the range that connect() takes
		what="post tcp dport $at snat to :$((PORT + 15000))"
		to=$at ;;
	other)	# the host means to talk to another port of the peer
		what="out tcp dport $to dnat to :$at" ;;
	disguised) # the host does not see the peer's real port
		what="input tcp dport $at snat to :$((PORT + 16000))"
		to=$at listener=h caller=p ;;
	esac
	on host "nft add rule inet toe_test $what" || die "nft: $what"
	[ $listener = h ] && address=$host || address=$peer
	families $address
	tell $listener listen $address $at || die "listen: $R"
	say $listener accept
	tell $caller connect $address $to || die "connect: $R"
	hear $listener || die "accept: $R"
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
		add chain inet toe_test out { type nat hook output priority -100; }
		add chain inet toe_test input { type nat hook input priority 100; }
		add chain inet toe_test post { type nat hook postrouting priority 100; }'" ||
		die "nft"
	for family in v4 v6; do
		natted $family in
		natted $family out
		natted $family other
		natted $family disguised
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
	local length=$((40 + 12 + 111))

	[ -z "$V6" ] || length=$((length + 20))
	setup
	stats_begin
	connected
	p set nodelay 1
	on host "nft add table inet toe_test &&
		nft add chain inet toe_test in '{ type filter hook input priority 0; }' &&
		nft add rule inet toe_test in tcp sport $PORT meta length $length counter drop" ||
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
	soon 10000 tell h offload || fail "now it is calm: $R"
	still_works
	done_with
}
also_v6 refuse_not_calm

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
	refused engine-refused "the engine said no" engine-only
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
also_v6 refuse_open

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
