# SPDX-License-Identifier: GPL-2.0-only
# Connection tracking and the flows it does not see: what is refused because of
# it, what its entry says meanwhile, and that rules which drop what is invalid
# drop nothing of a flow that comes back.

CT_SYSCTL=/proc/sys/net/netfilter/nf_conntrack

# Conntrack at work, with counters, and rules that drop what is invalid in either
# direction. Usage: ct_setup [RULE...]	("CHAIN WORDS" each)
ct_setup()
{
	local rule text

	setup
	stats_begin
	text="add table inet toe_ct
		add chain inet toe_ct pre { type filter hook prerouting priority -300; }
		add chain inet toe_ct rawout { type filter hook output priority -300; }
		add chain inet toe_ct in { type filter hook input priority 0; }
		add chain inet toe_ct out { type filter hook output priority 0; }
		add chain inet toe_ct post { type filter hook postrouting priority 0; }
		add chain inet toe_ct drop_in { type filter hook input priority 10; }
		add chain inet toe_ct drop_out { type filter hook output priority 10; }
		add rule inet toe_ct drop_in iifname eth0 tcp dport != 22 ct state invalid counter drop
		add rule inet toe_ct drop_out oifname eth0 tcp sport != 22 ct state invalid counter drop"
	for rule; do
		text+=$'\n'"add rule inet toe_ct $rule"
	done
	HOST_UNDO="nft delete table inet toe_ct 2>/dev/null; conntrack -F 2>/dev/null
		cd /proc/sys/net/netfilter && echo 0 >nf_conntrack_acct &&
		echo 1 >nf_conntrack_tcp_loose &&
		echo 432000 >nf_conntrack_tcp_timeout_established &&
		echo 120 >nf_conntrack_tcp_timeout_time_wait"
	ct_nft "$text"
	ct_sysctl acct 1
}

ct_nft()	# TEXT
{
	on host "nft -f - <<'EOF'
$1
EOF" >"$WORK/out" || die "nft: $(cat "$WORK/out")"
}

ct_sysctl()	# NAME VALUE
{
	on host "echo $2 >${CT_SYSCTL}_$1" || die "sysctl $1"
}

# The words of a conntrack command that name the connection of $PORT
ct_name()	# [v6]
{
	local v6=${1:-$V6}

	echo "-f ip${v6:-v4} -p tcp --orig-port-dst $PORT"
}

# The entry as conntrack prints it, in $ENTRY. One that was picked up in the middle has
# the direction of who came first. Usage: ct_entry [v6]
ct_entry()
{
	local v6=${1:-$V6}

	ENTRY=$(on host "conntrack -L -f ip${v6:-v4} -p tcp -o extended 2>/dev/null |
		grep 'port=$PORT '")
}

# A number of the entry. Usage: ct_number packets|bytes 1|2	(1: original direction)
ct_number()
{
	grep -o "$1=[0-9]*" <<<"$ENTRY" | sed -n "$2s/.*=//p"
}

ct_says()	# LABEL WORD
{
	[[ $ENTRY = *"$2"* ]] || fail "$1: no $2 in the entry: $ENTRY"
}

ct_says_not()	# LABEL WORD
{
	[ -n "$ENTRY" ] || fail "$1: there is no entry"
	[[ $ENTRY != *"$2"* ]] || fail "$1: $2 in the entry: $ENTRY"
}

# The rules have dropped nothing, in or out.
ct_dropped_none()
{
	on host "nft list table inet toe_ct" >"$WORK/out"
	is "packets dropped as invalid" \
		"$(sed -n 's/.*invalid counter packets \([0-9]*\).*/\1/p' "$WORK/out" | xargs)" "0 0"
}

# The entry's counters are those of so many bytes of payload in each direction:
# headers take less than a tenth, and no packet has more than 64 KiB.
# Usage: ct_counts LABEL ORIGINAL REPLY
ct_counts()
{
	local dir bytes packets payload=("" "$2" "$3")

	for dir in 1 2; do
		bytes=$(ct_number bytes $dir) packets=$(ct_number packets $dir)
		ge "$1: bytes of direction $dir" "$bytes" "${payload[dir]}"
		le "$1: bytes of direction $dir" "$bytes" $((payload[dir] * 110 / 100 + 20000))
		ge "$1: packets of direction $dir" "$packets" $((payload[dir] / 65536))
		le "$1: packets of direction $dir" "$packets" $((payload[dir] / 1000 + 200))
	done
}

# So many bytes each way, checked. Usage: ct_moves BYTES
ct_moves()
{
	p recv "$1"
	h recv "$1"
	h send "$1"
	p send "$1"
	got h tx "$1"
	got p tx "$1"
	got h rx "$1"
	got p rx "$1"
}

ct_moves_there()
{
	ct_moves 1000
	in_state h engine
}

ct_returned()	# REASON
{
	soon 10000 in_state h host || fail "it does not come back: $R"
	is "why it came back" "$(val reason)" "$1"
}

# Traffic in both directions until the test ends it
ct_traffic()
{
	h recv eof
	p recv eof
	h send forever rate=1M
	p send forever rate=1M
}

ct_over()
{
	h close
	p close
	leaves_nothing
	no_timeouts
	ct_dropped_none
}

# What conntrack -L says before, during and after, and at the end.
ct_story()	# [v6] [from-peer]
{
	local v6= orig reply all

	[[ " $* " != *" v6 "* ]] || v6=v6
	meet h p "$@"
	ct_moves $((2 * M))
	ct_entry $v6
	ct_says_not "before" OFFLOAD
	ct_counts "before" $((2 * M)) $((2 * M))
	h offload
	ct_entry $v6
	ct_says "offloaded" "[OFFLOAD]"
	ct_moves $((16 * M))
	soon 10000 carried_now tx $((16 * M)) || carried_now tx $((16 * M)) || true
	sleep 0.4
	ct_entry $v6
	ct_says "carried" "[OFFLOAD]"
	ct_counts "carried" $((18 * M)) $((18 * M))
	orig=$(ct_number bytes 1) reply=$(ct_number bytes 2)
	h return
	ct_entry $v6
	ct_says_not "returned" OFFLOAD
	ct_says "returned" ESTABLISHED
	ct_counts "returned" $((18 * M)) $((18 * M))
	ge "the original direction's bytes grow" "$(ct_number bytes 1)" "$orig"
	ge "the other's" "$(ct_number bytes 2)" "$reply"
	ct_moves $((2 * M))
	ct_entry $v6
	ct_counts "after" $((20 * M)) $((20 * M))
	# Bytes that were on the way when it went and came count once.
	h recv eof
	p recv eof
	h send forever rate=10M
	p send forever rate=10M
	h handover 10 20
	h wait hand
	all=0
	for who in h p; do
		tell $who stop tx
		tell $who wait tx
		all=$((all + $(val bytes)))
		[ $who = h ] && orig=$(val bytes) || reply=$(val bytes)
		tell $who shutdown
	done
	got p rx "$orig"
	got h rx "$reply"
	soon 10000 ct_is_over $v6 || fail "the entry has not ended: $ENTRY"
	[[ " $* " != *" from-peer "* ]] || { all=$orig orig=$reply reply=$all; }
	ct_counts "after handovers" $((20 * M + orig)) $((20 * M + reply))
	h close
	p close
}

ct_is_over()	# [v6]
{
	ct_entry ${1:-}
	[[ $ENTRY = *TIME_WAIT* ]]
}

test_conntrack_entry()
{
	ct_setup
	actor h host
	actor p peer
	ct_story
	ct_story v6 from-peer
	no_timeouts
	leaves_nothing
	ct_dropped_none
}

# Who closes does so while the flow is on the engine: the FIN of either side, and
# what answers it, pass the rules. Then the entry ends as any other.
test_conntrack_close()
{
	local how

	ct_setup
	ct_sysctl tcp_timeout_time_wait 1
	actor h host
	actor p peer
	for how in "h p" "p h" "h p v6" "p h from-peer"; do
		# shellcheck disable=SC2086
		set -- $how
		meet h p ${3:-}
		h offload
		ct_moves $((4 * M))
		tell "$2" recv eof
		tell "$1" recv eof
		tell "$1" shutdown
		got "$2" rx 0
		tell "$2" send $M
		got "$2" tx $M
		tell "$2" shutdown
		got "$1" rx $M
		ct_entry $([ "${3:-}" != v6 ] || echo v6)
		ct_says_not "closed by $1" OFFLOAD
		# CLOSE: the first to forget got one acknowledgement more, and reset
		[[ $ENTRY = *TIME_WAIT* || $ENTRY = *" CLOSE "* ]] ||
			fail "closed by $1: neither TIME_WAIT nor CLOSE: $ENTRY"
		h close
		p close
		soon 13000 ct_is_gone $([ "${3:-}" != v6 ] || echo v6) || fail "it stays: $ENTRY"
	done
	no_timeouts
	leaves_nothing
	ct_dropped_none
}

ct_is_gone()	# [v6]
{
	ct_entry ${1:-}
	[ -z "$ENTRY" ]
}

# A reset of either side ends the entry, too.
test_conntrack_reset()
{
	local who

	ct_setup
	actor h host
	actor p peer
	for who in p h; do
		meet h p
		h offload
		ct_moves $((4 * M))
		sleep 0.3
		tell $who reset
		soon 10000 ct_is_closed || fail "reset by $who: $ENTRY"
		[ $who = p ] && h close || p close
	done
	leaves_nothing
	ct_dropped_none
}
also_v6 conntrack_reset

ct_is_closed()
{
	ct_entry
	[[ -z $ENTRY || $ENTRY = *" CLOSE "* ]]
}

# Idle on the engine for longer than an established entry lives
test_conntrack_timeout()
{
	ct_setup
	ct_sysctl tcp_timeout_established 2
	pair 2 v6
	connected
	tell h2 offload || die "IPv6: $R"
	moves h2 p2 $M
	h offload
	ct_moves $M
	sleep 4
	PORT=$((PORT - 1)) ct_entry v6
	ct_says "IPv6, after twice the timeout" "[OFFLOAD]"
	tell h2 return
	PORT=$((PORT - 1)) ct_entry v6
	le "its timeout, returned" "$(awk '{ print $5 }' <<<"$ENTRY")" 2
	part h2 p2
	ct_entry
	ct_says "after twice the timeout" "[OFFLOAD]"
	h return
	ct_entry
	le "its timeout, returned" "$(awk '{ print $5 }' <<<"$ENTRY")" 2
	ct_moves $M
	ct_over
}

test_conntrack_deleted()
{
	local v6

	ct_setup
	actor h host
	actor p peer
	for v6 in "" v6; do
		meet h p $v6
		h offload
		ct_moves $M
		on host "conntrack -D $(ct_name $v6) >/dev/null 2>&1" || fail "conntrack -D"
		ct_returned conntrack
		ct_moves $M
		h offload
		ct_entry $v6
		ct_says "offloaded anew" "[OFFLOAD]"
		on host "conntrack -F 2>/dev/null" || fail "conntrack -F"
		ct_returned conntrack
		ct_moves $M
		h close
		p close
	done
	is "returned/conntrack" "$(grew returned/conntrack)" 4
	no_timeouts
	leaves_nothing
	ct_dropped_none
}

# One that an FTP helper reads, and one that another connection let expect
test_conntrack_helper()
{
	local proto=ip

	[ -z "$V6" ] || proto=ip6
	ct_setup
	ct_nft "add ct helper inet toe_ct ftp { type \"ftp\" protocol tcp; }
		add ct expectation inet toe_ct data { protocol tcp; dport $((PORT + 3)); timeout 1m; size 4; l3proto $proto; }
		add rule inet toe_ct out tcp dport $((PORT + 1)) ct helper set \"ftp\"
		add rule inet toe_ct out tcp dport $((PORT + 2)) ct expectation set \"data\""
	connected
	refused helper "helper reads"
	ct_moves $M
	h close
	p close
	meet h p
	pair 2 from-peer
	tell h2 why
	is "why, of the expected one" "$(val reason)" expected
	tell h2 offload && fail "the expected one is offloaded"
	is "refused/expected" "$(grew refused/expected)" 1
	tell h2 close
	tell p2 close
	refused helper "helper reads"
	ct_moves $M
	ct_over
}
also_v6 conntrack_helper

# Not established for conntrack; none at all, because it picks up nothing; and a
# silent one of which nobody can tell
test_conntrack_invalid()
{
	ct_setup
	# nothing is dropped here
	ct_nft "flush chain inet toe_ct drop_in
		flush chain inet toe_ct drop_out
		add rule inet toe_ct drop_in ct state invalid counter"
	connected
	ct_moves $M
	on host "conntrack -U $(ct_name) --state CLOSE_WAIT >/dev/null 2>&1" || fail "conntrack -U"
	refused invalid "conntrack does not know it"
	ct_sysctl tcp_loose 0
	on host "conntrack -D $(ct_name) >/dev/null 2>&1" || fail "conntrack -D"
	refused unseen "no packet came by"
	ct_traffic
	refused invalid "conntrack does not know it"
	ct_sysctl tcp_loose 1
	soon 10000 ct_is_there || fail "no new entry: $ENTRY"
	h offload
	offloaded
	finish_both h p
	leaves_nothing
}
also_v6 conntrack_invalid

ct_is_there()
{
	ct_entry
	[[ $ENTRY = *ASSURED* ]]
}

# What is exempt from tracking may go.
test_conntrack_untracked()
{
	local v6

	ct_setup 'pre tcp sport != 22 tcp dport != 22 notrack' \
		'rawout tcp sport != 22 tcp dport != 22 notrack'
	actor h host
	actor p peer
	for v6 in "" v6; do
		meet h p $v6
		ct_traffic
		h offload
		offloaded
		ct_entry $v6
		is "its entry" "$ENTRY" ""
		finish_both h p
	done
	leaves_nothing
	ct_dropped_none
}

# A zone of its own: the entry there is the one that counts; and NAT in it is seen.
test_conntrack_zone()
{
	ct_setup 'pre tcp sport != 22 tcp dport != 22 ct zone set 5' \
		'rawout tcp sport != 22 tcp dport != 22 ct zone set 5'
	ct_nft 'add chain inet toe_ct nat { type nat hook postrouting priority 100; }'
	connected
	ct_traffic
	h offload
	ct_entry
	ct_says "offloaded" "[OFFLOAD]"
	ct_says "offloaded" "zone=5"
	on host "conntrack -D $(ct_name) >/dev/null 2>&1" || fail "conntrack -D"
	ct_returned conntrack
	finish_both h p
	leaves_nothing
	ct_nft "add rule inet toe_ct nat tcp dport $((PORT + 1)) snat to :$((PORT + 15001))"
	meet h p
	ct_traffic
	refused nat NAT
	finish_both h p
	leaves_nothing
	ct_dropped_none
}
also_v6 conntrack_zone

# One mark for all, on the entry or on packets, before and during
test_conntrack_never_mark()
{
	local out where

	ct_setup
	HOST_UNDO+="; $GUEST/toectl set never-mark off"
	connected
	ct_traffic
	out=$(toectl set never-mark 0x80/0x1) && fail "taken: 0x80/0x1"
	toectl set never-mark 0x80/0xc0 >/dev/null || fail "set never-mark"
	is "settings" "$(toectl settings show | grep never-mark)" "never-mark 0x80/0xc0"
	h offload
	on host "conntrack -U $(ct_name) --mark 0x181 >/dev/null 2>&1" || fail "conntrack -U"
	ct_returned mark
	refused mark "mark says"
	on host "conntrack -U $(ct_name) --mark 0x41 >/dev/null 2>&1" || fail "conntrack -U"
	h offload
	# who sets another mark has all looked at anew
	toectl set never-mark 0x41/0xff >/dev/null
	soon 10000 in_state h host || fail "still there: $R"
	refused mark "mark says"
	toectl set never-mark 0x40000/0x40000 >/dev/null
	for where in in out post pre rawout; do
		on host "nft add rule inet toe_ct $where meta mark set 0x41000" || fail "nft $where"
		soon 10000 ct_is_tested || fail "nobody has seen it pass: $R"
		refused mark "mark says"
		on host "nft flush chain inet toe_ct $where"
		h offload
		h return
	done
	toectl set never-mark off >/dev/null
	is "settings" "$(toectl settings show | grep never-mark)" "never-mark off"
	h offload
	offloaded
	finish_both h p
	leaves_nothing
}
also_v6 conntrack_never_mark

# Rules of both kinds: of the firewall, and of the policy.
# Usage: ct_policy_setup "PRIO WORDS" [NFT-RULE...]
ct_policy_setup()
{
	local rule=$1
	shift

	ct_setup "$@"
	HOST_UNDO+="; $GUEST/toectl unload"
	rules "$rule"
	actor h host
	actor p peer
}

# The host sends, until ct_stops.
ct_sends()	# [MEET-WORDS]
{
	meet h p "$@"
	p recv eof
	h send forever rate=8M
}

ct_stops()
{
	local bytes

	h stop tx
	tell h wait tx
	bytes=$(val bytes)
	h shutdown
	got p rx "$bytes"
	h close
	p close
}

ct_goes()	# LABEL [MEET-WORDS]
{
	ct_sends "${@:2}"
	soon 10000 in_state h engine || fail "$1: not offloaded: $R"
	ct_stops
}

# Refused, and the stack carries all.
ct_stays()	# LABEL [MEET-WORDS]
{
	local before

	before=$(grew tx_bytes)
	ct_sends "${@:2}"
	soon 10000 ct_was_refused mark || fail "$1: not refused: $R"
	sleep 0.2
	is "$1: by engines" $(($(grew tx_bytes) - before)) 0
	ct_stops
}

ct_was_refused()	# REASON
{
	in_state h host && [ "$(val reason)" = "$1" ]
}

# conntrack -U --mark on the connection
ct_marks()	# MARK
{
	on host "conntrack -U $(ct_name) --mark $1 >/dev/null 2>&1" || fail "conntrack -U --mark $1"
}

# nft's "ct mark set" allows; conntrack -U does, later; and another mark forbids while
# the flow is on the engine.
test_conntrack_policy_ctmark()
{
	ct_policy_setup "10 $WANT ctmark 0x10/0xf0" \
		"out oifname eth0 tcp dport $((PORT + 1))-$((PORT + 2)) ct mark set 0x15"
	is "words" "$(toectl policy show prio 10 | sed -n 's/^\(prio.*\)/\1/p')" \
		"prio 10 threshold 64KiB ctmark 0x10/0xf0"
	is "JSON" "$(rule_has 10 ctmark)" '{"mark":16,"mask":240,"not":false}'
	ge "policy test says that marks count" "$(toectl policy test out \
		local $HOST_ADDR:5 remote $PEER_ADDR:6 | grep -c 'if its marks say so then')" 1
	ct_goes "marked"
	ct_goes "marked" v6
	ct_sends
	soon 10000 ct_was_refused mark || fail "not refused: $R"
	ge "why" "$(toectl why id 0 >/dev/null; tell h name; ct_why | grep -c "its mark says that it stays in the stack; rule 10 has it tried again")" 1
	ct_marks 0x1f
	soon 15000 in_state h engine || fail "not offloaded with its mark: $R"
	ct_marks 0x2f
	ct_returned mark
	ct_stops
	no_timeouts
	leaves_nothing
	ct_dropped_none
}

# The sentence of toectl why
ct_why()
{
	json .sentence why local $HOST_ADDR:$(ct_source) remote $PEER_ADDR:$PORT
}

# The source port of the entry
ct_source()
{
	ct_entry
	grep -o 'sport=[0-9]*' <<<"$ENTRY" | sed -n '1s/.*=//p'
}

# nft's "ct mark set" forbids, and so does a new rule of the policy.
test_conntrack_policy_no_ctmark()
{
	ct_policy_setup "10 $WANT no-ctmark 7" \
		"in iifname eth0 tcp dport $((PORT + 1))-$((PORT + 2)) ct mark set 7"
	is "JSON" "$(rule_has 10 ctmark)" '{"mark":7,"mask":4294967295,"not":true}'
	ct_stays "marked" from-peer
	ct_stays "marked" from-peer v6
	ct_goes "not marked" from-peer
	ct_sends v6
	soon 10000 in_state h engine || fail "not offloaded: $R"
	rules "10 $WANT ctmark 1"
	toectl policy apply >/dev/null || fail "policy apply"
	ct_returned mark
	rules "10 $WANT no-ctmark 7"
	toectl policy apply >/dev/null || fail "policy apply"
	soon 15000 in_state h engine || fail "not offloaded again: $R"
	ct_stops
	no_timeouts
	leaves_nothing
	ct_dropped_none
}

# nft's "meta mark set" alone, on what comes in and on what goes out; in a chain
# that routes anew, too.
test_conntrack_policy_pktmark()
{
	local chain family

	ct_policy_setup "10 $WANT pktmark 0x40000/0xf0000"
	ct_nft "add chain inet toe_ct route { type route hook output priority -150; }"
	is "JSON" "$(rule_has 10 pktmark)" '{"mark":262144,"mask":983040,"not":false}'
	for family in "" v6; do
		ct_stays "not marked" $family
		for chain in in out post route; do
			ct_nft "add rule inet toe_ct $chain meta mark set 0x41000"
			ct_goes "marked in $chain" $family
			ct_nft "flush chain inet toe_ct $chain"
		done
	done
	rules "10 $WANT no-pktmark 0x40000/0xf0000"
	ct_goes "not marked, which is what is wanted"
	for chain in in out; do
		ct_nft "add rule inet toe_ct $chain meta mark set 0x41000"
		ct_stays "marked in $chain, which is not"
		ct_nft "flush chain inet toe_ct $chain"
	done
	# What was seen is not what another rule wants to see.
	ct_sends
	soon 10000 in_state h engine || fail "not offloaded: $R"
	rules "10 $WANT no-pktmark 0x50000/0xf0000"
	toectl policy apply >/dev/null || fail "policy apply"
	ct_returned policy
	ct_stops
	no_timeouts
	leaves_nothing
	ct_dropped_none
}

# The policy's "mark" is the socket's, and an accepted socket has its SYN's.
test_conntrack_policy_fwmark_accept()
{
	ct_policy_setup "10 in mark 0x33 $WANT" \
		"in tcp dport $((PORT + 1))-$((PORT + 2)) meta mark set 0x33"
	HOST_UNDO+="; echo 0 >/proc/sys/net/ipv4/tcp_fwmark_accept"
	on host "echo 1 >/proc/sys/net/ipv4/tcp_fwmark_accept"
	ct_goes "marked SYN" from-peer
	ct_goes "marked SYN" from-peer v6
	ct_sends from-peer
	sleep 0.5
	tell h flow
	is "its state without a mark" "$(val state)" none
	ct_stops
	no_timeouts
	leaves_nothing
	ct_dropped_none
}

# A rule that routes marked packets anew is noticed where marks are asked for.
test_conntrack_rerouted()
{
	local ip="ip ${V6:+-6}"

	ct_setup
	HOST_UNDO+="; $GUEST/toectl set never-mark off
		$ip rule del fwmark 9 table 99; $ip route flush table 99; ip link del toe-d"
	ct_nft "add chain inet toe_ct route { type route hook output priority -150; }
		add rule inet toe_ct route ct mark 5 meta mark set 9"
	on host "ip link add toe-d type dummy && ip link set toe-d up &&
		$ip route add $PEER_ADDR dev toe-d table 99 && $ip rule add fwmark 9 table 99" ||
		die "ip rule"
	connected
	ct_traffic
	toectl set never-mark 0x100 >/dev/null
	h offload
	h return
	ct_marks 5
	refused route "does not lead through" engine-only
	ct_marks 0
	soon 10000 tell h offload || fail "refused now: $R"
	finish_both h p
	leaves_nothing
	ct_dropped_none
}
also_v6 conntrack_rerouted

# Many returns under rules that drop what is invalid, in both directions at once;
# some without the engine's word.
test_conntrack_handovers()
{
	local family

	ct_setup
	actor h host
	actor p peer
	for family in "" v6; do
		meet h p $family
		ct_traffic
		h handover 20 20
		tell h wait hand 60000
		is "handovers" "$(val count) $(val error)" "20 0"
		h offload
		fault close-late 1 300
		toectl set timeout 100 >/dev/null
		h return
		toectl set timeout 1000 >/dev/null
		ge "takeovers" "$(grew takeovers)" 1
		finish_both h p
		stats_begin
	done
	leaves_nothing
	ct_dropped_none
}

# It has passed the rules as they are now, both ways.
ct_is_tested()
{
	tell h why && [ "$(val reason)" != untested ]
}

# Without it nothing loads it, and after it nothing holds it.
test_conntrack_module()
{
	ct_setup
	connected
	h offload
	ct_moves $M
	# a change of the firewall's rules: there and back
	on host "nft delete table inet toe_ct"
	ct_returned netfilter
	soon 10000 ct_moves_there || fail "not offloaded again: $R"
	on host "conntrack -L >/dev/null 2>&1
		modprobe -r nft_ct nf_conntrack_netlink 2>/dev/null
		rmmod nf_conntrack 2>/dev/null" && fail "unloaded under a flow"
	h return
	ct_moves $M
	ct_unload || fail "conntrack is held: $(cat "$WORK/out")"
	HOST_UNDO=
	# what rules were left has changed: packets first
	ct_moves 1000
	h offload
	ct_moves $M
	h return
	ct_moves $M
	h offload
	on host "[ ! -d /sys/module/nf_conntrack ]" || fail "conntrack has been loaded"
	h close
	p close
	no_timeouts
	leaves_nothing
}
also_v6 conntrack_module

# A network namespace with conntrack at work and flows on an engine goes away when
# its last process does: conntrack waits for each of its entries there.
test_conntrack_netns()
{
	local n v6=

	setup
	stats_begin
	HOST_UNDO="ip -n toe-c link set eth0 netns 1 2>/dev/null; ip netns del toe-c 2>/dev/null
		ip addr add $HOST_ADDR/24 dev eth0; ip addr add $HOST_ADDR6/64 dev eth0 nodad
		ip link set eth0 up"
	on host "ip netns add toe-c && ip link set eth0 netns toe-c &&
		ip -n toe-c addr add $HOST_ADDR/24 dev eth0 && ip -n toe-c link set eth0 up &&
		ip -n toe-c addr add $HOST_ADDR6/64 dev eth0 nodad &&
		ip netns exec toe-c nft 'add table inet toe_ct
			add chain inet toe_ct in { type filter hook input priority 0; }
			add rule inet toe_ct in ct state invalid counter drop'" || die "namespace toe-c"
	for n in 1 2; do
		actor h$n host
		actor p$n peer
		tell h$n enter netns toe-c || die "enter: $R"
		meet h$n p$n $v6
		tell h$n recv eof
		tell p$n recv eof
		tell h$n send forever rate=1M
		tell p$n send forever rate=1M
		tell h$n offload || fail "offload: $R"
		ENTRY=$(on host "ip netns exec toe-c conntrack -L $(ct_name $v6) 2>/dev/null")
		ct_says "offloaded" "[OFFLOAD]"
		v6=v6
	done
	on host "ip netns del toe-c"
	for n in 1 2; do
		tell h$n die
		pipe_close h$n
	done
	soon 10000 ct_eth0_is_back || fail "the namespace does not go away"
	soon 10000 ct_ended 2 || fail "the flows have not come back"
}

ct_ended()	# FLOWS
{
	[ $(($(grew returned/local-rst) + $(grew returned/local-fin))) = "$1" ]
}

ct_eth0_is_back()
{
	on host "[ -d /sys/class/net/eth0 ]"
}

# All of netfilter that nobody uses goes, so that at last nobody uses conntrack.
ct_unload()
{
	on host 'nft flush ruleset
		for _ in 1 2 3 4 5 6 7 8; do
			for m in $(lsmod | sed -nE "s/^((nft?|xt|ip6?t)_[a-z0-9_]*) +[0-9]+ +0 *$/\\1/p"); do
				rmmod $m 2>/dev/null
			done
			[ -d /sys/module/nf_conntrack ] || exit 0
			sleep 0.1
		done
		lsmod | grep nf_; exit 1' >"$WORK/out"
}
