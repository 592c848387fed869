# SPDX-License-Identifier: GPL-2.0-only
# Routes, links, addresses and next hops change under an offloaded flow. It goes back
# at once, and then happens to it what happens to any connection.
#
#	host eth0 ---------------+-- wire -- peer0 peer	10.77.0.2, and behind it
#	     way2 (macvlan) -----+		10.99.0.2 by the gateway 10.77.0.3

GATEWAY=10.77.0.3 GATEWAY6=fd77::3
FAR=10.99.0.2 FAR6=fd99::2
PEER_MAC=52:54:00:77:00:02
WAY2_MAC=52:54:00:77:00:22
GATEWAY_MAC=52:54:00:77:00:33

# A second interface on the same wire, with a link-layer address of its own
route_way2()
{
	HOST_UNDO="ip rule del lookup 77; ip -6 rule del lookup 77; ip link del way2"
	on host "ip link add link eth0 name way2 address $WAY2_MAC type macvlan mode bridge &&
		ip link set way2 up &&
		ip neigh add $PEER_ADDR lladdr $PEER_MAC dev way2 nud permanent &&
		ip neigh add $PEER_ADDR6 lladdr $PEER_MAC dev way2 nud permanent" ||
		die "no second interface"
	route_undo_card
}

# What an earlier test may have left in the peer's namespace goes, too.
route_undo_card()
{
	on peer "ip link del gw0; ip addr del $FAR/32 dev lo; ip addr del $FAR6/128 dev lo
		ip addr del $GATEWAY/24 dev peer0; ip addr del $GATEWAY6/64 dev peer0" \
		>/dev/null 2>&1
}

# A peer behind a gateway: another address of the same machine
route_far()
{
	HOST_UNDO="ip route del 10.99.0.0/24; ip -6 route del fd99::/64; ip neigh flush dev eth0"
	route_undo_card
	on peer "ip addr add $FAR/32 dev lo && ip addr add $FAR6/128 dev lo nodad &&
		ip addr add $GATEWAY/24 dev peer0 && ip addr add $GATEWAY6/64 dev peer0 nodad" ||
		die "no gateway"
	on host "ip route add 10.99.0.0/24 via $GATEWAY && ip -6 route add fd99::/64 via $GATEWAY6 &&
		ping -qc1 -W2 $FAR >/dev/null && ping -qc1 -W2 $FAR6 >/dev/null" ||
		die "no way to the far peer"
}

# Usage: route_connected far|near [v6]
route_connected()
{
	actor h host
	actor p peer
	if [ "$1" = far ]; then
		PEER_ADDR=$FAR PEER_ADDR6=$FAR6 meet h p "${2:-}"
	else
		meet h p "${2:-}"
	fi
	h offload
	p recv eof
	h recv eof
	h send forever rate=8M
	p send forever rate=8M
	route_carries || fail "the engine carries nothing: $R"
}

# The engine moves data now, both ways.
route_carries()
{
	local tx rx

	tell h flow || return
	tx=$(val tx_engine) rx=$(val rx_engine)
	soon 10000 eval 'tell h flow && [ "$(val state)" = engine ] &&
		[ "$(val tx_engine)" -gt $tx ] && [ "$(val rx_engine)" -gt $rx ]'
}

# The connection moves data now, by the stack.
route_native()
{
	local tx rx

	tell h flow || return
	tx=$(val tx_total) rx=$(val rx_total)
	soon 10000 eval 'tell h flow && [ "$(val state)" = host ] &&
		[ "$(val tx_total)" -gt $tx ] && [ "$(val rx_total)" -gt $rx ]'
}

# A command on the host, and the flow is back. Sooner than the sweep would notice.
# Usage: route_moves REASON-OF-WHY COMMAND
route_moves()
{
	local out start=${EPOCHREALTIME//[.,]/}

	out=$(on host "$2") || die "$2: $out"
	soon 500 flow_is_now h host route-change ||
		fail "after '$2' the flow is not back: $R"
	note "back $(((${EPOCHREALTIME//[.,]/} - start) / 1000)) ms after the command was typed"
	is "fails" "$(val fails)" 0
	goes_why h "$1"
}

# Again on the engine, when the way is there again, and all has arrived.
route_ends()
{
	route_native || fail "the connection does not go on: $R"
	# the next hop may have to be asked for anew
	soon 10000 tell h offload || fail "not offloaded again: $R"
	route_carries || fail "not on the engine again: $R"
	finish_both h p
	route_undo_card
}

route_way2_packets()
{
	on host "cat /sys/class/net/way2/statistics/tx_packets"
}

# A route that is more specific leads elsewhere, and the data goes there.
# Usage: route_specific PREFIX [v6]
route_specific()
{
	local before

	setup
	route_way2
	route_connected near "${2:-}"
	before=$(route_way2_packets)
	route_moves route "ip route add $1 dev way2"
	route_native || fail "the connection does not go on: $R"
	ge "packets by the second way" $(($(route_way2_packets) - before)) 10
	tell h offload && fail "offloaded, though the way leads elsewhere"
	on host "ip route del $1 dev way2"
	route_ends
	no_timeouts
	on host "$HOST_UNDO" >/dev/null 2>&1
	leaves_nothing
}

test_route_specific()
{
	route_specific $PEER_ADDR/32
}

test_route_specific_v6()
{
	route_specific $PEER_ADDR6/128 v6
}

# A policy rule sends it elsewhere. Usage: route_by_rule OPTION TO [v6]
route_by_rule()
{
	setup
	route_way2
	on host "ip $1 route add default dev way2 table 77" || die "table 77"
	route_connected near "${3:-}"
	route_moves route "ip $1 rule add to $2 lookup 77"
	route_native || fail "the connection does not go on: $R"
	on host "ip $1 rule del to $2 lookup 77"
	route_ends
	no_timeouts
	on host "$HOST_UNDO" >/dev/null 2>&1
	leaves_nothing
}

test_route_rule()
{
	route_by_rule -4 $PEER_ADDR
}

test_route_rule_v6()
{
	route_by_rule -6 $PEER_ADDR6 v6
}

# The only route goes, by a nexthop object or plainly, and comes again.
test_route_gone()
{
	local ip=ip net=10.99.0.0/24 gateway=$GATEWAY

	[ -z "$V6" ] || ip="ip -6" net=fd99::/64 gateway=$GATEWAY6
	setup
	route_far
	HOST_UNDO+="; ip nexthop flush; ip link del toe-d"
	on host "ip link add toe-d type dummy && ip link set toe-d up" || die "no other interface"
	route_connected far $V6
	route_moves route "$ip route del $net"
	on host "$ip nexthop add id 7 via $gateway dev eth0 && $ip route add $net nhid 7" ||
		die "no nexthop object"
	route_native || fail "the connection does not go on: $R"
	h offload
	route_carries || fail "not on the engine again: $R"
	route_moves route "$ip nexthop replace id 7 dev toe-d"
	on host "$ip route del $net; ip nexthop flush; $ip route add $net via $gateway"
	route_ends
	leaves_nothing
}
also_v6 route_gone

# The interface goes down and comes up: TCP sends again what was lost.
test_route_link_down()
{
	setup
	route_connected near
	route_moves route "ip link set eth0 down"
	sleep 0.3
	on host "ip link set eth0 up; ip -6 addr add $HOST_ADDR6/64 dev eth0 nodad"
	route_ends
	leaves_nothing
}

# With it go its IPv6 addresses.
test_route_link_down_v6()
{
	setup
	route_connected near v6
	route_moves address "ip link set eth0 down"
	sleep 0.3
	on host "ip link set eth0 up; ip -6 addr add $HOST_ADDR6/64 dev eth0 nodad"
	route_ends
	leaves_nothing
}

# Pulls the plug of the host's interface or puts it in. Usage: route_plug true|false
route_plug()
{
	on card "printf '%s\n' '{\"execute\":\"qmp_capabilities\"}' \
		'{\"execute\":\"set_link\",\"arguments\":{\"name\":\"net0\",\"up\":$1}}' |
		nc -N -w1 -U $LAB_RUN_IN/qmp.sock" >"$WORK/qmp"
	[ "$(grep -c '"return": {}' "$WORK/qmp")" = 2 ] || die "the plug: $(cat "$WORK/qmp")"
}

test_route_carrier()
{
	setup
	route_connected near
	route_plug false
	# The kernel itself takes up to a second to say so (linkwatch).
	soon 10000 flow_is_now h host route-change || fail "without a carrier the flow is not back: $R"
	goes_why h link
	tell h offload && fail "offloaded without a carrier"
	route_plug true
	route_ends
	leaves_nothing
}
also_v6 route_carrier

# Its own address goes and comes again. Usage: route_address ADDR/LEN [v6 | link [nodad]]
route_address()
{
	setup
	route_connected near "${2:-}"
	route_moves address "ip addr del $1 dev eth0"
	tell h offload && fail "offloaded from an address that is not the host's"
	on host "ip addr add $1 dev eth0 ${3:-}"
	route_ends
	leaves_nothing
}

test_route_address()
{
	route_address $HOST_ADDR/24
}

test_route_address_v6()
{
	route_address $HOST_ADDR6/64 v6 nodad
}

test_route_address_link_local()
{
	route_address $HOST_LINK/64 link nodad
}

# The gateway moves to another link-layer address, and says so. Both take frames,
# as with VRRP, so nothing is lost. Usage: route_gateway_moves [v6]
route_gateway_moves()
{
	local before

	setup
	route_far
	on peer "ip link add gw0 link peer0 address $GATEWAY_MAC type macvlan mode bridge &&
		sysctl -qw net.ipv4.conf.gw0.arp_notify=1 net.ipv6.conf.gw0.ndisc_notify=1 \
			net.ipv6.conf.gw0.accept_dad=0 &&
		ip addr add $GATEWAY/32 dev gw0 && ip addr add $GATEWAY6/128 dev gw0 nodad" ||
		die "no second gateway"
	route_connected far "${1:-}"
	on peer "ip addr del $GATEWAY/24 dev peer0; ip addr del $GATEWAY6/64 dev peer0
		ip link set gw0 up"
	soon 500 flow_is_now h host route-change || fail "the flow is not back: $R"
	is "fails" "$(val fails)" 0
	goes_why h none
	h offload
	before=$(on peer "cat /sys/class/net/gw0/statistics/rx_bytes")
	route_carries || fail "not on the engine again: $R"
	ge "bytes of the engine for the new address" \
		$(($(on peer "cat /sys/class/net/gw0/statistics/rx_bytes") - before)) 20000
	finish_both h p
	route_undo_card
	no_timeouts
	leaves_nothing
}

test_route_gateway_moves()
{
	route_gateway_moves
}

test_route_gateway_moves_v6()
{
	route_gateway_moves v6
}

# The host keeps the entry of a next hop that only its engine uses: it does not
# grow stale while data is acknowledged.
test_route_next_hop_is_kept()
{
	local neigh=net.ip${V6:-v4}.neigh.eth0

	setup
	HOST_UNDO="ip neigh flush dev eth0
		sysctl -qw $neigh.base_reachable_time_ms=30000 $neigh.delay_first_probe_time=5"
	on host "sysctl -qw $neigh.base_reachable_time_ms=500 $neigh.delay_first_probe_time=1
		ip neigh flush dev eth0
		ping -qc1 $PEER_ADDR >/dev/null"
	route_connected near
	on host "ip neigh change $PEER_ADDR lladdr $PEER_MAC dev eth0 nud stale"
	soon 10000 route_neighbour_is REACHABLE || fail "the entry is not confirmed: $NEIGHBOUR"
	# forgotten: asked for anew, and the same is found
	on host "ip neigh flush dev eth0"
	soon 10000 route_neighbour_is REACHABLE || fail "nobody asks for the next hop: $NEIGHBOUR"
	offloaded
	finish_both h p
	no_timeouts
	leaves_nothing
}
also_v6 route_next_hop_is_kept

route_neighbour_is()	# STATE
{
	NEIGHBOUR=$(on host "ip neigh show $PEER_ADDR dev eth0")
	[[ $NEIGHBOUR = *" $1"* ]]
}

# Lines for ip -batch: N routes added and deleted again
route_batch()	# N
{
	local route='10.200.%d.%d/32 via 192.168.77.1'

	[ -z "$V6" ] || route='fd98::%x:%x/128 dev lo'
	on host "awk 'BEGIN { for (i = 0; i < $1; i++)
		for (j = 0; j < 2; j++)
			printf \"route %s $route\\n\", j ? \"del\" : \"add\",
				i / 256, i % 256 }' >/tmp/route-batch"
}

# 10,000 changes that do not concern the flow, while it moves data: it stays where
# it is. Neither does it move when its route is replaced by one that leads the
# same way.
test_route_unrelated()
{
	local out before ms ip="ip ${V6:+-6}" far=$FAR/32 gateway=$GATEWAY net=10.99.0.0/24 \
		to=10.98.0.0/16 address=10.98.0.1/24 dev=mgmt0

	# mgmt0 has no IPv6
	[ -z "$V6" ] || far=$FAR6/128 gateway=$GATEWAY6 net=fd99::/64 to=fd97::/64 \
		address=fd97::1/64 dev=lo
	setup
	route_far
	route_batch 5000
	route_connected far $V6
	tell h flow
	before="$(val opens) $(val tx_engine)"
	stats_begin
	out=$(LIMIT=60 on host "time -p ip -batch /tmp/route-batch" 2>&1) || fail "ip -batch: $out"
	note "10,000 changes in ${out//$'\n'/ }, $(grew looks) looks"
	# one every 50 ms, the first one and the last one, the sweep's
	ms=$(sed 's/^real 0*\([0-9]*\)\.\(..\)$/\1\20/;q' <<<"$out")
	le "looks" "$(grew looks)" $((10#$ms / 50 + 6))
	ge "looks" "$(grew looks)" 1
	out=$(on host "$ip route add $far via $gateway; $ip route change $net via $gateway
		$ip route del $far; $ip rule add to $to lookup 77; $ip rule del lookup 77
		ip addr add $address dev $dev; ip addr del $address dev $dev") || fail "$out"
	sleep 0.3
	tell h flow
	is "state and opens" "$(val state) $(val opens)" "engine ${before% *}"
	route_carries || fail "the engine carries nothing: $R"
	finish_both h p
	route_undo_card
	no_timeouts
	leaves_nothing
}
also_v6 route_unrelated

# A flow that a rule wants on the engine is there again by itself: it has not bounced,
# and what failed in between does not make it wait when there is a way again.
test_route_again()
{
	local who

	policed
	HOST_UNDO="$HOST_UNDO; ip link del way2"
	on host "ip link add link eth0 name way2 address $WAY2_MAC type macvlan mode bridge &&
		ip link set way2 up && ip neigh add $PEER_ADDR lladdr $PEER_MAC dev way2 nud permanent &&
		ip neigh add $PEER_ADDR6 lladdr $PEER_MAC dev way2 nud permanent"
	two_connected
	stream h p
	stream h2 p2
	flow_becomes h engine threshold
	flow_becomes h2 engine threshold
	route_moves route "ip route add $PEER_ADDR/32 dev way2; ip route add $PEER_ADDR6/128 dev way2"
	for who in h h2; do
		flow_becomes $who host route
	done
	for who in h h2; do
		soon 25000 route_tried $who 4 || fail "$who is not tried four times: $R"
		ge "left alone, ms" "$(val retry_ms)" 6000
	done
	on host "ip route del $PEER_ADDR/32 dev way2; ip route del $PEER_ADDR6/128 dev way2"
	for who in h h2; do
		soon 500 eval 'tell $who flow && [ "$(val retry_ms)" -le 4000 ]' ||
			fail "$who is still left alone for long: $R"
	done
	flow_becomes h engine threshold
	flow_becomes h2 engine threshold
	stream_ends h p
	stream_ends h2 p2
	no_timeouts
	on host "ip link del way2"
	leaves_nothing
}

route_tried()	# ACTOR TIMES
{
	tell "$1" flow && [ "$(val fails)" -ge "$2" ]
}

# The watch is each namespace's own.
test_route_netns()
{
	local bits=24 net=10.77.0.0/24

	[ -z "$V6" ] || bits=64 net=fd77::/64
	setup
	HOST_UNDO="ip -n toe-r link set eth0 netns 1; ip netns del toe-r
		ip addr add 10.77.0.1/24 dev eth0; ip addr add $HOST_ADDR6/64 dev eth0 nodad
		ip link set eth0 up"
	on host "ip netns add toe-r && ip -n toe-r link set lo up && ip link set eth0 netns toe-r &&
		ip -n toe-r addr add $HOST_ADDR/$bits dev eth0 ${V6:+nodad} &&
		ip -n toe-r link set eth0 up" || die "namespace toe-r"
	actor h host
	actor p peer
	h enter netns toe-r
	meet h p
	h offload
	p recv eof
	h recv eof
	h send forever rate=8M
	p send forever rate=8M
	route_carries || fail "the engine carries nothing: $R"
	route_moves route "ip -n toe-r ${V6:+-6} route del $net dev eth0"
	on host "ip -n toe-r ${V6:+-6} route add $net dev eth0"
	route_ends
	leaves_nothing
}
also_v6 route_netns
