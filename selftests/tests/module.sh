# SPDX-License-Identifier: GPL-2.0-only
# Without the module, with the module but nothing offloaded, and unloading it.

# The hooks, congestion controls and so on that a connection can meet
surroundings()
{
	on host "cat /proc/sys/net/ipv4/tcp_available_congestion_control /proc/sys/net/ipv4/tcp_congestion_control
		nft list hooks 2>/dev/null"
}

plain_transfer()
{
	p recv $((4 * M))
	h recv $((4 * M))
	h send $((4 * M))
	p send $((4 * M))
	got h tx $((4 * M))
	got p tx $((4 * M))
	got h rx $((4 * M))
	got p rx $((4 * M))
}

# What a connection says of itself, without what varies: a tail loss probe more
# or less is the emulation's, also where toe was never loaded.
looks()
{
	h info
	echo "$(val state) $(val congestion) $(val ca_state) $(val backoff)"
}

test_not_loaded()
{
	local before plain loaded

	modules_out
	before=$(surroundings)
	[[ $before != *toe* ]] || fail "traces of toe: $before"
	toectl flow show >"$WORK/out" && fail "toectl flow show without the module"
	connected
	plain_transfer
	plain=$(looks)
	h close
	p close
	# Loaded, nothing offloaded: no hook, and the connection looks the same.
	modules_in
	loaded=$(surroundings | sed 's/ toe\b//; s/\btoe //')
	is "hooks and congestion controls" "$loaded" "$before"
	stats_begin
	meet h p
	plain_transfer
	is "the connection" "$(looks)" "$plain"
	is "counters that are not zero" "$(toectl -j stats show | tr ',{}' '\n\n\n' |
		grep -c ':[1-9]')" 0
	h close
	p close
	modules_out
	is "after unloading" "$(surroundings)" "$before"
	no_timeouts
}
also_v6 not_loaded

# Beside an offloaded connection another one is as it was: its packets on the
# wire are the same in number and size, nothing is lost or sent twice.
test_others_untouched()
{
	local alone beside

	setup
	stats_begin
	connected
	pair 2
	alone=$(other_says)
	h offload
	p recv eof
	h recv eof
	h send forever rate=8M
	p send forever rate=8M
	beside=$(other_says)
	is "the other connection" "$beside" "$alone"
	tell h2 flow
	is "the other connection's flow" "$(val state)" none
	finish_both h p
	is "gate_dropped" "$(grew gate_dropped)" 0
	tell h2 close
	tell p2 close
	no_timeouts
	leaves_nothing
}
also_v6 others_untouched
alone others_untouched

# The second connection moves bytes both ways and tells how it went.
other_says()
{
	tell p2 recv $((2 * M))
	tell h2 recv $((2 * M))
	tell h2 send $((2 * M))
	tell p2 send $((2 * M))
	ended h2 tx
	ended p2 tx
	ended h2 rx
	ended p2 rx
	tell h2 info
	echo "$(val state) $(val congestion) $(val total_retrans)"
	tell p2 info
	echo "$(val state) $(val total_retrans)"
}

# rmmod of the engine's driver, and of all, with flows on it and bytes moving
test_rmmod_returns_flows()
{
	local out i

	setup
	stats_begin
	for i in 1 2 3 4; do
		pair $i "$(family $i)"
		tell h$i offload || fail "offload $i: $R"
		tell p$i recv eof
		tell h$i recv eof
		tell h$i send forever rate=4M
		tell p$i send forever rate=4M
	done
	is "flows on the engine" "$(grew flows/engine)" 4
	out=$(on host rmmod toe_virtio) || fail "rmmod toe_virtio: $out"
	is "returned/unload" "$(grew returned/unload)" 4
	is "flows on the engine" "$(grew flows/engine)" 0
	soon 10000 card_is_empty || fail "left on the card: $CARD_LEFT"
	out=$(on host rmmod toe) || fail "rmmod toe: $out"
	for i in 1 2 3 4; do
		tell h$i info
		is "congestion control after unloading" "$(val congestion)" cubic
		finish_both h$i p$i
	done
	soon 10000 no_sockets || fail "sockets are left: $SOCKETS"
	no_timeouts
}

# Load and unload, again and again, with a flow each time
test_reload()
{
	local i

	actor h host
	actor p peer
	for i in 1 2 3 4 5; do
		setup
		meet h p "$(family $i)"
		h offload
		p recv $M
		h send $M
		got h tx $M
		got p rx $M
		modules_out
		h close
		p close
	done
	no_timeouts
	soon 10000 card_is_empty || fail "left on the card: $CARD_LEFT"
}

# Every test that has run has had connections of both families, or there are two of it
# (docs/testing.md).
test_both_families()
{
	local name twin had

	[ -e "$WORK/families" ] || skip "no test with connections has run"
	while read -r name; do
		had=$(grep -x "$name v[46]" "$WORK/families" | sort -u | cut -d' ' -f2 | xargs)
		case $name in
		*-v6 | *-ipv6) twin=${name%-*} ;;
		*mapped | *link-local*) continue ;;	# what IPv6 alone has
		*) twin=$name-v6 ;;
		esac
		[ "$had" != "v4 v6" ] || continue
		declare -F "test_${twin//-/_}" >/dev/null ||
			declare -F "test_$(tr - _ <<<"${twin/%-v6/-ipv6}")" >/dev/null ||
			fail "$name has connections of $had only, and there is no $twin"
	done < <(cut -d' ' -f1 "$WORK/families" | sort -u)
}

# All that the kernel has said since it booted, with KFENCE on, but for what those tests
# expected in which the card breaks the protocol or dies
test_kernel_log()
{
	local bad

	is "kfence.sample_interval" "$(on host cat /sys/module/kfence/parameters/sample_interval)" 100
	bad=$(on host dmesg | grep -vE 'toe-test|broke the protocol|does not answer' | grep -E "$BAD_LOG")
	[ -z "$bad" ] || fail "the host's kernel said: $bad"
}
