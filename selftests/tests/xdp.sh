# SPDX-License-Identifier: GPL-2.0-only
# Receivers that XDP finds. A connection that only receives has no round trips
# for sockops to see, and when XDP watches it no other callback is asked for: so
# whoever is offloaded here was found by XDP.

IFACE=eth0

# The classifier with its one rule, THRESHOLD for all. Usage: loaded [THRESHOLD]
loaded()
{
	local out

	setup
	on host "[ -e $GUEST/xdp-other ]" >/dev/null ||
		"$LAB" push "$BUILD"/test/xdp-other "$BUILD"/test/other.bpf.o $GUEST </dev/null ||
		die "push"
	classifier_in
	out=$(toectl policy replace prio 32767 threshold "${1:-1MiB}" 2>&1) ||
		die "policy replace: $out"
	stats_begin
}

xdp()	# WORDS of toectl xdp
{
	local out

	out=$(toectl xdp "$@" 2>&1) || die "toectl xdp $*: $out"
	[ -z "$out" ] || echo "$out"
}

# A value of "xdp show" about $IFACE, - when there is none. Usage: shown KEY
shown()
{
	xdp_json | jq -r "[.interfaces[] | select(.ifname == \"$IFACE\") | .$1][0] // \"-\""
}

xdp_json()
{
	toectl -j xdp show
}

tracked_now()
{
	[ "$(xdp_json | jq -r .tracked)" = "$1" ]
}

tracked()	# N [WHEN]
{
	soon 10000 tracked_now "$1" ||
		fail "connections that XDP tracks${2:+, $2}: $(xdp_json), not $1"
}

# The peer sends, the host only receives; XDP finds that. Actors are connected.
found_receiving()	# [BYTES]
{
	local bytes=${1:-$((32 * M))}

	tracked 1
	h recv "$bytes"
	p send "$bytes"
	got p tx "$bytes"
	got h rx "$bytes"
	soon 10000 in_state h engine || fail "state $(val state), reason $(val reason)"
	is "why it is offloaded" "$(val reason)" threshold
	ge "bytes that the engine carried" "$(val rx_engine)" $((bytes / 4))
	le "bytes that the engine carried" "$(val rx_engine)" $((bytes - M))
	tracked 0
}

closed_all()
{
	h close
	p close
	tracked 0
}

# Nothing of ours, nor of libxdp's
xdp_traces()
{
	on host "ip -d link show dev $IFACE | grep -o 'xdp.*'; ls /sys/fs/bpf/xdp
		bpftool prog show | grep -E 'toe_receivers|xdp_dispatcher'"
}

unloaded()
{
	local out

	out=$(toectl unload 2>&1) || fail "toectl unload: $out"
	out=$(xdp_traces)
	is "traces of XDP" "$out" ""
}

receiver()	# native|generic WORDS of connected
{
	local mode=$1
	shift

	loaded
	xdp attach $IFACE $mode
	is "mode" "$(shown mode)" $mode
	is "state" "$(shown state)" attached
	connected "$@"
	found_receiving
	is "signals" "$(grew signals)" 1
	is "opens" "$(grew opens)" 1
	closed_all
	xdp detach $IFACE
	unloaded
	no_timeouts
	leaves_nothing
}

test_xdp_native()
{
	receiver native from-peer
}

test_xdp_native_ipv6()
{
	receiver native v6
}

test_xdp_generic()
{
	receiver generic
}

test_xdp_generic_ipv6()
{
	receiver generic from-peer v6
}

# Who sends is found by its round trips, also where XDP watches.
test_xdp_sender()
{
	local bytes=$((32 * M)) family

	loaded
	xdp attach $IFACE
	actor h host
	actor p peer
	for family in v4 v6; do
		meet h p $family
		moves h p $bytes
		soon 10000 in_state h engine || fail "state $(val state), reason $(val reason)"
		ge "bytes that the engine carried" "$(val tx_engine)" $((bytes / 4))
		closed_all
	done
	xdp detach $IFACE
	unloaded
	no_timeouts
	leaves_nothing
}

### other programs

other()	# WORDS of xdp-other
{
	local out

	out=$(on host "$GUEST/xdp-other $*") || die "xdp-other $*: $out"
	[ -z "$out" ] || echo "$out"
}

# Names in the order in which they run
order()
{
	other show $IFACE | awk '{ print $2 }' | paste -sd ' '
}

# All programs of somebody else have counted all frames since.
others_count()
{
	local before after

	before=$(other show $IFACE | awk '$2 == "other" { print $4 }')
	on host "ping -c 10 -i 0.01 -q $PEER_ADDR" >/dev/null || fail "ping"
	after=$(other show $IFACE | awk '$2 == "other" { print $4 }')
	while read -r b a; do
		ge "frames that another program saw" $((a - b)) 10
	done < <(paste -d ' ' <(echo "$before") <(echo "$after"))
}

test_xdp_others_stay()
{
	local first last

	loaded
	first=$(other attach $IFACE native $GUEST/other.bpf.o 10)
	xdp attach $IFACE
	last=$(other attach $IFACE native $GUEST/other.bpf.o 95)
	is "programs" "$(order)" "other toe_receivers other"
	is "position" "$(shown position)/$(shown programs)" 2/3
	others_count
	connected from-peer
	found_receiving
	closed_all
	# the first goes, ours stays
	other detach $IFACE "$first"
	is "programs" "$(order)" "toe_receivers other"
	is "state" "$(shown state)" attached
	meet h p from-peer v6
	found_receiving
	closed_all
	# ours goes, the other stays
	xdp detach $IFACE
	is "programs" "$(order)" "other"
	others_count
	other detach $IFACE "$last"
	unloaded
	no_timeouts
	leaves_nothing
}

# A program that came without libxdp has the interface for itself.
test_xdp_not_beside_a_loner()
{
	local out

	loaded
	out=$(on host "bpftool prog load $GUEST/other.bpf.o /sys/fs/bpf/other type xdp &&
		bpftool net attach xdpdrv pinned /sys/fs/bpf/other dev $IFACE
		rm -f /sys/fs/bpf/other") || die "bpftool: $out"
	out=$(toectl xdp attach $IFACE 2>&1) && fail "attached beside it"
	[[ $out = *"$IFACE: program 'other' (id "* ]] || fail "it says: $out"
	is "lines" "$(wc -l <<<"$out")" 1
	is "ours" "$(shown state)" -
	on host "ip -d link show dev $IFACE | grep -q 'name other'" || fail "the other is gone"
	on host "bpftool net detach xdpdrv dev $IFACE"
	unloaded
}

### what cannot be

# Usage: xdp_refused TEXT WORDS of toectl xdp
xdp_refused()
{
	local out text=$1
	shift

	out=$(toectl xdp "$@" 2>&1) && fail "toectl xdp $* does it"
	[[ $out = *"$text"* ]] || fail "toectl xdp $* says: $out"
	is "lines" "$(wc -l <<<"$out")" 1
}

# A driver that has no native XDP: its words, and nothing generic instead.
test_xdp_native_or_nothing()
{
	local before

	loaded
	on host "ip link add link $IFACE name $IFACE.5 type vlan id 5; ip link add dummy0 type dummy"
	before=$(on host "bpftool prog show | wc -l; ls -R /sys/fs/bpf")
	xdp_refused "$IFACE.5: cannot attach native: Underlying driver does not support XDP in native mode" \
		attach $IFACE.5
	xdp_refused "dummy0: cannot attach native: " attach dummy0 native
	is "XDP" "$(on host "ip -d link | grep -o 'xdp.*'")" ""
	is "interfaces" "$(xdp_json | jq -c .interfaces)" "[]"
	is "programs and pins" "$(on host "bpftool prog show | wc -l; ls -R /sys/fs/bpf")" "$before"
	# but when it is what was asked for
	xdp attach dummy0 generic
	is "mode" "$(IFACE=dummy0; shown mode)" generic
	xdp detach dummy0
	on host "ip link del dummy0; ip link del $IFACE.5"
	unloaded
}

test_xdp_refusals()
{
	local out

	modules_in
	toectl unload >/dev/null 2>&1
	xdp_refused "the classifier is not loaded" attach $IFACE
	loaded
	xdp_refused "'nosuch0'" attach nosuch0
	xdp_refused "$IFACE: not attached" detach $IFACE
	xdp attach $IFACE generic
	xdp_refused "$IFACE: already attached (generic)" attach $IFACE native
	is "mode" "$(shown mode)" generic
	out=$(toectl unload 2>&1) && fail "unloaded with XDP attached"
	[[ $out = *"XDP is attached to $IFACE (toectl xdp detach $IFACE)"* ]] ||
		fail "unload says: $out"
	is "state" "$(shown state)" attached
	on host "rmmod toe_virtio; rmmod toe" >/dev/null && fail "rmmod with programs loaded"
	modules_in
	xdp detach $IFACE
	xdp_refused "$IFACE: not attached" detach $IFACE
	unloaded
}

# Somebody removes the program, or the interface, without a word.
test_xdp_behind_our_back()
{
	loaded
	xdp attach $IFACE
	on host "ip link set $IFACE xdp off"
	is "state" "$(shown state)" removed
	xdp detach $IFACE
	is "state" "$(shown state)" -
	xdp attach $IFACE
	on host "ip link set $IFACE xdp off"
	xdp attach $IFACE
	is "state" "$(shown state)" attached
	xdp detach $IFACE
	on host "ip link add dummy0 type dummy"
	xdp attach dummy0 generic
	on host "ip link del dummy0"
	is "state of what is gone" "$(xdp_json | jq -r '.interfaces[0].state')" removed
	unloaded
}

### tracks

test_xdp_closed_early()
{
	local family who

	loaded
	xdp attach $IFACE
	# each way to end it
	actor h host
	actor p peer
	for family in v4 v6; do
		for who in h p; do
			meet h p from-peer $family
			tracked 1
			h recv 100000
			p send 100000
			got h rx 100000
			tell $who close
			tracked 0 "$family, $who closed"
			tell h close
			tell p close
			meet h p $family
			tracked 1
			tell $who reset
			tracked 0 "$family, $who reset"
			tell h close
			tell p close
		done
		# the peer's half
		meet h p $family
		tracked 1
		p shutdown
		tracked 0 "$family, half closed"
		h close
		p close
	done
	is "signals" "$(grew signals)" 0
	xdp detach $IFACE
	unloaded
	leaves_nothing
}

# Connections that are open change sides with their interface.
test_xdp_open_connections()
{
	loaded
	connected from-peer
	pair 2 v6
	tracked 0
	xdp attach $IFACE
	tracked 2
	xdp detach $IFACE
	tracked 0
	part h2 p2
	xdp attach $IFACE
	found_receiving
	h close
	p close
	meet h p from-peer v6
	tracked 1
	xdp detach $IFACE
	tracked 0
	h recv $((32 * M))
	p send $((32 * M))
	got h rx $((32 * M))
	soon 10000 in_state h engine || fail "state $(val state), reason $(val reason)"
	ge "bytes that the engine carried" "$(val rx_engine)" $((8 * M))
	h close
	p close
	unloaded
	no_timeouts
	leaves_nothing
}

# On another interface than the connection's it is of no consequence.
test_xdp_elsewhere()
{
	local family

	loaded
	on host "ip link add dummy0 type dummy; ip link set dummy0 up"
	xdp attach dummy0 generic
	actor h host
	actor p peer
	for family in v4 v6; do
		meet h p from-peer $family
		tracked 0
		moves p h $((32 * M))
		soon 10000 in_state h engine || fail "state $(val state), reason $(val reason)"
		part h p
	done
	xdp detach dummy0
	on host "ip link del dummy0"
	unloaded
	no_timeouts
	leaves_nothing
}

# The policy changes, XDP goes on.
test_xdp_policy_changes()
{
	local bytes=$((32 * M)) id

	loaded
	xdp attach $IFACE
	id=$(shown program)
	connected
	toectl policy replace prio 32767 threshold 16MiB >"$WORK/out" ||
		die "policy replace: $(cat "$WORK/out")"
	is "program" "$(shown program)" "$id"
	tracked 1
	found_receiving
	h close
	p close
	meet h p v6
	tracked 1
	h recv $bytes
	p send $bytes
	got h rx $bytes
	soon 10000 in_state h engine || fail "state $(val state), reason $(val reason)"
	le "bytes that the engine carried" "$(val rx_engine)" $((16 * M))
	ge "bytes that the engine carried" "$(val rx_engine)" $M
	h close
	p close
	toectl policy replace prio 32767 never >"$WORK/out" ||
		die "policy replace: $(cat "$WORK/out")"
	meet h p
	tracked 0
	h close
	p close
	xdp detach $IFACE
	unloaded
	no_timeouts
	leaves_nothing
}

# When the table is full the module tries again, and XDP has nothing more to do.
test_xdp_asks_again()
{
	local n

	loaded
	toectl set max-flows 1 >/dev/null
	xdp attach $IFACE
	connected
	h offload
	for n in 1 2; do
		pair $n "$(family $n)"
	done
	tracked 3
	for n in 1 2; do
		moves p$n h$n $((4 * M))
	done
	soon 10000 eval '[ "$(grew refused/table-full)" -ge 2 ]' || fail "not refused"
	for n in 1 2; do
		in_state h$n engine && fail "$n is offloaded though the table is full"
	done
	tracked 1
	toectl set max-flows 4096 >/dev/null
	for n in 1 2; do
		moves p$n h$n $((8 * M))
		soon 10000 in_state h$n engine || fail "$n: state $(val state), reason $(val reason)"
	done
	ge "retries" "$(grew retries)" 2
	tracked 1
	for n in 1 2; do
		part h$n p$n
	done
	closed_all
	xdp detach $IFACE
	unloaded
	no_timeouts
	leaves_nothing
}
