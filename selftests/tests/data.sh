# SPDX-License-Identifier: GPL-2.0-only
# Bytes move through the engine, all of them, and none beside it.

# Sends N bytes one way while the flow is on the engine, and proves who carried
# them. Usage: one_way ACTOR ACTOR tx|rx BYTES
one_way()
{
	local from=$1 to=$2 dir=$3 bytes=$4 before after

	h offload
	before=$(eth0_bytes "$dir")
	tell "$to" recv "$bytes" chunk=0
	tell "$from" send "$bytes" chunk=0
	got "$from" tx "$bytes"
	got "$to" rx "$bytes"
	note "$((bytes / $(val us))) MB/s, largest gap $(val gap_us) us"
	carried "$dir" "$bytes"
	offloaded
	after=$(eth0_bytes "$dir")
	le "bytes that went over the host's own interface" $((after - before)) $((bytes / 100))
	h return
	total "$dir" "$bytes"
	p close
	h close
	no_timeouts
	leaves_nothing
}

# All bytes of the connection. The kernel counts a SYN that it sent, too.
total_now()	# tx|rx BYTES
{
	tell h flow && [ $(($(val "$1_total") - $2)) -ge 0 ] &&
		[ $(($(val "$1_total") - $2)) -le 1 ]
}

total()
{
	soon 10000 total_now "$@" || fail "the connection's bytes $1: $(val "$1_total"), not $2"
}

test_host_sends()
{
	setup
	connected
	one_way h p tx $((64 * M))
}
also_v6 host_sends

test_host_receives()
{
	setup
	connected
	one_way p h rx $((64 * M))
}
also_v6 host_receives

test_accepted()
{
	setup
	connected from-peer
	one_way h p tx $((8 * M))
}
also_v6 accepted

# IPv6 sockets of both ends, IPv4 on the wire
test_mapped()
{
	setup
	connected mapped
	one_way h p tx $((8 * M))
	pipe_close h
	pipe_close p
	connected mapped from-peer
	one_way p h rx $((8 * M))
}

# Addresses that mean something on their link only
test_link_local()
{
	setup
	connected link
	one_way h p tx $((8 * M))
	pipe_close h
	pipe_close p
	connected link from-peer
	one_way p h rx $((8 * M))
}

# They are the card's by the port that frames come by and by that of the held ones, and
# at once: the kernel takes a while to make routes of its own.
test_link_local_ports()
{
	local routes

	setup
	connected link
	h offload
	routes=$(on card "ip -6 route show table local proto static")
	is "ports with the address" "$(sed -n "s/^local $HOST_LINK dev \([^ ]*\).*/\1/p" <<<"$routes" |
		sort | xargs)" "hold0 wire0"
	h return
	h close
	p close
	leaves_nothing
}

# Usage: both_at_once [WORD of connected]
both_at_once()
{
	local bytes=$((32 * M))

	setup
	connected "$@"
	h offload
	p recv $bytes
	h recv $bytes
	h send $bytes
	p send $bytes
	got h tx $bytes
	got p tx $bytes
	got h rx $bytes
	got p rx $bytes
	carried tx $bytes
	carried rx $bytes
	offloaded
	h return
	p close
	h close
	no_timeouts
	leaves_nothing
}

test_both_at_once()
{
	both_at_once
}
also_v6 both_at_once

# Usage: ping_pong [WORD of connected]
ping_pong()
{
	local count=2000 size=64

	setup
	connected "$@"
	h set nodelay 1
	p set nodelay 1
	h offload
	p echo $count $size
	h ping $count $size
	got h tx $((count * size))
	note "$count messages: median $(val rtt_median_us) us, worst $(val rtt_worst_us) us"
	le "the worst round trip, us" "$(val rtt_worst_us)" 150000
	got p rx $((count * size))
	carried tx $((count * size))
	carried rx $((count * size))
	# the peer asks, the host answers
	h echo $count $size
	p ping $count $size
	got p tx $((count * size))
	le "the worst round trip, us" "$(val rtt_worst_us)" 150000
	got h rx $((count * size))
	h return
	h close
	p close
	no_timeouts
	leaves_nothing
}

test_ping_pong()
{
	ping_pong
}
also_v6 ping_pong
alone ping_pong

# What is written while the card still has a message goes as one with what is written
# next. Usage: small_writes [WORD of connected]
small_writes()
{
	setup
	connected "$@"
	h set nodelay 1
	h offload
	stats_begin
	p recv 65536
	card_stops
	h send 65536 chunk=4096
	got h tx 65536
	card_goes_on
	got p rx 65536
	# the first, one behind it, and what was gathered since, by the window's half at most
	le "messages for 16 writes" "$(grew tx_msgs)" 8
	carried tx 65536
	h return
	h close
	p close
	no_timeouts
	leaves_nothing
}

test_small_writes()
{
	small_writes
}
also_v6 small_writes

# Bytes before, in and after the engine make one stream.
# Usage: out_and_back [WORD of connected]
out_and_back()
{
	local part=$((8 * M)) i

	setup
	connected "$@"
	p recv $((3 * part))
	h recv $((3 * part))
	for i in 1 2 3; do
		[ $i != 2 ] || h offload
		[ $i != 3 ] || h return
		h send $part
		p send $part
		got h tx $part
		got p tx $part
	done
	got p rx $((3 * part))
	got h rx $((3 * part))
	h flow
	# What was under way at a move may have gone either way.
	ge "bytes sent by the engine" "$(val tx_engine)" $((part / 2))
	le "bytes sent by the engine" "$(val tx_engine)" $((2 * part))
	ge "bytes received by the engine" "$(val rx_engine)" $((part / 2))
	le "bytes received by the engine" "$(val rx_engine)" $((2 * part))
	total tx $((3 * part))
	total rx $((3 * part))
	h close
	p close
	no_timeouts
	leaves_nothing
}

test_out_and_back()
{
	out_and_back
}
also_v6 out_and_back

test_out_and_back_mapped()
{
	out_and_back mapped
}

test_out_and_back_link_local()
{
	out_and_back link
}

# The classifier offloads by itself what crosses the threshold.
test_threshold()
{
	local bytes=$((32 * M))

	setup
	classifier_in
	toectl policy replace prio 32767 threshold 1MiB >"$WORK/out" ||
		die "policy replace: $(cat "$WORK/out")"
	stats_begin
	connected
	p recv $bytes
	h send $bytes
	got h tx $bytes
	got p rx $bytes
	soon 10000 in_state h engine || fail "state $(val state), reason $(val reason)"
	is "why it is offloaded" "$(val reason)" threshold
	ge "bytes that the engine carried" "$(val tx_engine)" $((bytes / 4))
	ge "signals" "$(grew signals)" 1
	is "opens" "$(grew opens)" 1
	h close
	p close
	toectl unload >/dev/null
	no_timeouts
	leaves_nothing
}
also_v6 threshold

# The same for a connection that only receives.
test_threshold_receiver()
{
	local bytes=$((32 * M))

	setup
	classifier_in
	toectl policy replace prio 32767 threshold 1MiB >"$WORK/out" ||
		die "policy replace: $(cat "$WORK/out")"
	connected from-peer
	h recv $bytes
	p send $bytes
	got p tx $bytes
	got h rx $bytes
	soon 10000 in_state h engine || fail "state $(val state), reason $(val reason)"
	ge "bytes that the engine carried" "$(val rx_engine)" $((bytes / 4))
	h close
	p close
	toectl unload >/dev/null
	no_timeouts
	leaves_nothing
}
also_v6 threshold_receiver

# An offloaded bulk send is at least as fast as the native stack, same boot.
# Several rounds, interleaved; the medians count.
test_throughput()
{
	local bytes=$((96 * M)) mode native=() engine=() us

	setup
	connected
	for mode in native engine native engine native engine native engine native engine; do
		[ $mode = native ] || h offload
		p recv $bytes chunk=256K
		h send $bytes chunk=256K
		got h tx $bytes
		got p rx $bytes
		us=$(val us)
		[ $mode = native ] && native+=("$us") || { engine+=("$us"); h return; }
	done
	carried tx $((5 * bytes))
	mapfile -t native < <(printf '%s\n' "${native[@]}" | sort -n)
	mapfile -t engine < <(printf '%s\n' "${engine[@]}" | sort -n)
	note "native $((bytes / native[2])) MB/s (us: ${native[*]})"
	note "engine $((bytes / engine[2])) MB/s (us: ${engine[*]})"
	le "us for $((bytes / M)) MiB offloaded, against native" "${engine[2]}" "${native[2]}"
	h close
	p close
	no_timeouts
	leaves_nothing
}
also_v6 throughput
alone throughput
