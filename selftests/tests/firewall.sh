# SPDX-License-Identifier: GPL-2.0-only
# The firewall stays in charge: a change of its rules brings flows back, at once,
# and they leave the stack again when it has let packets of them pass in both
# directions. None of this needs toed, but for iptables-legacy and careful rules.

# The bar: from the end of the command to the flow's silence
FW_BAR_MS=200

fw_undo()	# COMMANDS
{
	HOST_UNDO="$*; ${HOST_UNDO:-true}"
}

# A table of our own with empty chains, there before the connection is
fw_table()
{
	on host "nft 'add table inet toe_fw
		add chain inet toe_fw in { type filter hook input priority 0; }
		add chain inet toe_fw out { type filter hook output priority 0; }'" ||
		die "nft"
	fw_undo "nft delete table inet toe_fw"
}

fw_events()
{
	on host "$GUEST/toectl -j monitor >$GUEST/fw.events 2>&1 & echo \$! >$GUEST/fw.monitor"
	fw_undo "kill \$(cat $GUEST/fw.monitor) 2>/dev/null"
}

# Runs a command on the host; FW_MS is when it had returned, in the host's ms.
fw_run()
{
	local out

	out=$(on host "$1 && echo at \$((\$(date +%s%N) / 1000000))") || die "$1: $out"
	FW_MS=${out##*at }
}

# When did a flow of the test come home last for the firewall's sake?
fw_home_ms()
{
	on host "jq -r 'select(.local_port != 22 and .to == \"host\" and
		.reason == \"netfilter\") | .time_ns / 1000000 | floor' $GUEST/fw.events |
		tail -n 1"
}

fw_state()	# STATE [REASON]
{
	tell h flow && [ "$(val state)" = "$1" ] &&
		{ [ -z "${2:-}" ] || [ "$(val reason)" = "$2" ]; }
}

fw_becomes()	# STATE [REASON]
{
	soon 15000 fw_state "$@" || fail "the flow is not $*: $R"
}

# The host sends, and the flow is on the engine.
fw_streams()
{
	connected
	p recv eof
	h send forever rate=8M
	h offload
	fw_becomes engine
}

# Beside h, and before it connects: h2 by IPv6, which sends, too, to the port below
fw_second()
{
	pair 2 v6
	stream h2 p2
}

fw_second_becomes()	# STATE
{
	soon 15000 in_state h2 "$1" || fail "IPv6: the flow is not $1: $R"
}

fw_bytes()	# ACTOR JOB
{
	tell "$1" state "$2"
	val bytes
}

# A rule that drops the flow was just added (fw_run): it is silent within the bar,
# and stays so. Usage: fw_silent RECEIVER
fw_silent()
{
	local home before

	sleep 0.$FW_BAR_MS
	before=$(fw_bytes "$1" rx)
	fw_state host netfilter || fail "not back in time: $R"
	home=$(fw_home_ms)
	note "silent $((home - FW_MS)) ms after the command"
	le "ms to silence" "$((home > FW_MS ? home - FW_MS : 0))" $FW_BAR_MS
	sleep 0.6
	is "bytes at $1 after the bar" "$(fw_bytes "$1" rx)" "$before"
	fw_state host netfilter || fail "the flow left the stack: $R"
}

# What was sent has arrived. Usage: fw_ends SENDER RECEIVER
fw_ends()
{
	local sent

	tell "$1" stop tx
	tell "$1" wait tx
	sent=$(val bytes)
	tell "$1" shutdown
	got "$2" rx "$sent"
	h close
	p close
	leaves_nothing
}

# A rule is added, and removed, while data flows. P in the commands is the peer's
# port. Usage: fw_drop SENDER RECEIVER ADD REMOVE [v6]
fw_drop()
{
	local port

	[ -n "${PID[h]:-}" ] && meet h p "${5:-}" || connected "${5:-}"
	port=$PORT
	tell "$2" recv eof || die "recv: $R"
	tell "$1" send forever rate=8M || die "send: $R"
	h offload
	fw_becomes engine
	fw_run "${3//PORT/$port}"
	fw_silent "$2"
	fw_run "${4//PORT/$port}"
	# The rule is gone, packets go both ways: back to the engine, by itself.
	fw_becomes engine
	is "times on the engine" "$(val opens)" 2
	fw_ends "$1" "$2"
}

FW_NFT="nft flush table inet toe_fw"

test_firewall_nft()
{
	setup
	fw_table
	fw_events
	fw_drop h p "nft add rule inet toe_fw out tcp dport PORT drop" "$FW_NFT"
	fw_drop p h "nft add rule inet toe_fw in tcp sport PORT reject" "$FW_NFT"
	fw_drop p h "nft add rule inet toe_fw in tcp sport PORT drop" "$FW_NFT" v6
	# an element of a set is a rule, too
	on host "nft 'add set inet toe_fw ports { type inet_service; }
		add rule inet toe_fw out tcp dport @ports drop'" || die "nft set"
	fw_drop h p "nft add element inet toe_fw ports { PORT }" \
		"nft delete element inet toe_fw ports { PORT }" v6
}

test_firewall_iptables_nft()
{
	local rule="-p tcp --dport PORT -j DROP" back="-p tcp --sport PORT -j REJECT"

	setup
	on host "iptables-nft -L -n >/dev/null; ip6tables-nft -L -n >/dev/null"
	fw_undo "iptables-nft -F; ip6tables-nft -F; nft flush ruleset"
	fw_events
	fw_drop h p "iptables-nft -A OUTPUT $rule" "iptables-nft -D OUTPUT $rule"
	fw_drop p h "iptables-nft -A INPUT $back" "iptables-nft -D INPUT $back"
	fw_drop p h "ip6tables-nft -A INPUT $back" "ip6tables-nft -D INPUT $back" v6
}

# Nobody tells of these: toed looks.
test_firewall_iptables_legacy()
{
	local rule="-p tcp --dport PORT -j DROP" back="-p tcp --sport PORT -j REJECT"

	setup
	toed_start
	fw_undo "iptables-legacy -F; ip6tables-legacy -F; modprobe -r iptable_filter ip6table_filter"
	fw_events
	# the first rule of all loads what it needs
	fw_drop h p "iptables-legacy -A OUTPUT $rule" "iptables-legacy -D OUTPUT $rule"
	fw_drop p h "iptables-legacy -A INPUT $back" "iptables-legacy -D INPUT $back"
	fw_drop p h "ip6tables-legacy -A INPUT $back" "ip6tables-legacy -D INPUT $back" v6
}

# A rule that resets does it to a flow that was on an engine.
test_firewall_reset()
{
	setup
	fw_table
	fw_events
	fw_streams
	fw_run "nft add rule inet toe_fw in tcp sport $PORT reject with tcp reset"
	tell p wait rx
	is "the peer's error" "$(val error)" ECONNRESET
	is "wrong bytes" "$(val wrong_at)" -1
	tell h reset
	p close
}
also_v6 firewall_reset

# What does not concern the flow costs it one way through the stack.
test_firewall_unrelated()
{
	setup
	fw_table
	stats_begin
	fw_second
	tell h2 offload || die "offload: $R"
	fw_streams
	fw_run "nft add rule inet toe_fw in tcp sport 9 drop"
	soon 10000 fw_state host netfilter || fail "not returned: $R"
	fw_becomes engine
	is "times on the engine" "$(val opens)" 2
	fw_second_becomes engine
	is "times on the engine, IPv6" "$(val opens)" 2
	# it is in the stack a second, for the rules to stand still, and not much more
	sleep 1.5
	offloaded
	is "returned/netfilter" "$(grew returned/netfilter)" 2
	is "failures" "$(val fails)" 0
	# many rules at once are one change, too
	on host "for i in \$(seq 1 300); do
		echo add rule inet toe_fw out tcp dport \$((i + 10)) drop; done >$GUEST/fw.nft"
	fw_run "nft -f $GUEST/fw.nft"
	soon 10000 fw_state host netfilter || fail "not returned: $R"
	fw_becomes engine
	is "times on the engine" "$(val opens)" 3
	fw_second_becomes engine
	is "times on the engine, IPv6" "$(val opens)" 3
	is "returned/netfilter" "$(grew returned/netfilter)" 4
	stream_ends h2 p2
	fw_ends h p
	no_timeouts
}

# 1,000 changes, one by one, in the middle of a transfer both ways
test_firewall_thousand()
{
	local start

	setup
	fw_table
	stats_begin
	connected
	p recv eof
	h recv eof
	h send forever rate=8M
	p send forever rate=4M
	h offload
	fw_becomes engine
	start=$EPOCHSECONDS
	on host "(for i in \$(seq 1 500); do
		echo add rule inet toe_fw out tcp dport \$((i + 10)) drop
		echo flush chain inet toe_fw out; done | nft -i >/dev/null 2>$GUEST/fw.nft
		echo \$? >$GUEST/fw.done) </dev/null >/dev/null 2>&1 &"
	soon 60000 on host "[ -s $GUEST/fw.done ]" >/dev/null || fail "nft does not end"
	is "nft -i" "$(on host "cat $GUEST/fw.done $GUEST/fw.nft; rm $GUEST/fw.done")" 0
	ge "changes" "$(grew firewall_changes)" 1000
	note "$(grew firewall_changes) messages in $((EPOCHSECONDS - start)) s, $(grew returned/netfilter) returns"
	le "returns" "$(grew returned/netfilter)" 3
	fw_becomes engine
	finish_both h p
	leaves_nothing
	no_timeouts
}
also_v6 firewall_thousand

# A flow that a rule drops stays in the stack, and says why.
test_firewall_stays()
{
	local out ports sent

	setup
	fw_table
	fw_events
	stats_begin
	fw_second
	tell h2 offload || die "offload: $R"
	fw_streams
	ports=$((PORT - 1))-$PORT
	fw_run "nft add rule inet toe_fw out tcp dport $ports drop"
	fw_silent p
	sent=$(fw_bytes p2 rx)
	sleep 4
	is "bytes by IPv6 meanwhile" "$(fw_bytes p2 rx)" "$sent"
	in_state h2 host || fail "the flow left the stack, by IPv6: $R"
	tell h2 why
	is "why, IPv6" "$(val reason)" untested
	fw_state host netfilter || fail "the flow left the stack: $R"
	is "times on the engine" "$(val opens)" 1
	tell h why
	is "why" "$(val reason)" untested
	out=$(toectl why local $HOST_ADDR:$(fw_port) remote $PEER_ADDR:$PORT)
	[[ $out = *"the firewall's rules changed;"*"both ways since"* ]] ||
		fail "why: $out"
	# nor does it leave by hand
	tell h offload && fail "offloaded"
	[[ $R = *"both ways since"* ]] || fail "refused with: $R"
	is "refused/untested" "$(grew refused/untested)" 1
	# nor when it is only the answers that are dropped
	fw_run "nft 'flush table inet toe_fw; add rule inet toe_fw in tcp sport $ports drop'"
	sleep 3
	fw_state host || fail "the flow left the stack: $R"
	in_state h2 host || fail "the flow left the stack, by IPv6: $R"
	fw_run "$FW_NFT"
	fw_becomes engine
	fw_second_becomes engine
	stream_ends h2 p2
	fw_ends h p
}

# The host's port of h's connection
fw_port()
{
	on host "ss -Htn 'dport = :$PORT'" | awk '{ sub(/.*:/, "", $4); print $4 }'
}

# Without timestamps the numbers say it.
test_firewall_no_timestamps()
{
	setup
	fw_table
	fw_events
	on host "sysctl -qw net.ipv4.tcp_timestamps=0"
	fw_undo "sysctl -qw net.ipv4.tcp_timestamps=1"
	fw_drop h p "nft add rule inet toe_fw out tcp dport PORT drop" "$FW_NFT"
	fw_drop p h "nft add rule inet toe_fw in tcp sport PORT drop" "$FW_NFT" v6
}

# Nobody asks toed, and nobody misses it.
test_firewall_without_toed()
{
	setup
	toed_start
	fw_table
	fw_events
	on host "kill -KILL $TOED"
	soon 10000 toed_gone || fail "toed lives"
	fw_drop h p "nft add rule inet toe_fw out tcp dport PORT drop" "$FW_NFT"
}
also_v6 firewall_without_toed

# Each network namespace has its own rules, and its own flows.
test_firewall_netns()
{
	local port

	setup
	fw_table
	fw_undo "ip netns del toe-fw"
	on host "ip netns add toe-fw && modprobe ipvlan &&
		ip link add link eth0 name fw0 netns toe-fw type ipvlan mode l2 &&
		ip -n toe-fw addr add 10.77.0.3/24 dev fw0 &&
		ip -n toe-fw addr add fd77::3/64 dev fw0 nodad && ip -n toe-fw link set fw0 up &&
		ip netns exec toe-fw nft 'add table inet toe_fw
			add chain inet toe_fw out { type filter hook output priority 0; }'" ||
		die "no network namespace"
	actor h host
	actor p peer
	tell h enter netns toe-fw || die "enter: $R"
	meet h p
	port=$PORT
	p recv eof
	h send forever rate=8M
	h offload
	# another one, in the first namespace
	pair 2
	tell p2 recv eof
	tell h2 send forever rate=4M
	tell h2 offload || fail "offload: $R"
	fw_becomes engine
	stats_begin
	fw_run "nft add rule inet toe_fw out tcp dport $port drop"
	soon 10000 in_state h2 host || fail "not returned: $R"
	sleep 0.5
	offloaded
	is "returned/netfilter" "$(grew returned/netfilter)" 1
	soon 10000 in_state h2 engine || fail "not offloaded again: $R"
	PORT=$port
	fw_run "ip netns exec toe-fw nft add rule inet toe_fw out tcp dport $PORT drop"
	sleep 0.$FW_BAR_MS
	fw_state host netfilter || fail "not returned: $R"
	in_state h2 engine || fail "another namespace's rule: $R"
	is "returned/netfilter" "$(grew returned/netfilter)" 2
	fw_run "ip netns exec toe-fw $FW_NFT"
	fw_becomes engine
	PORT=$((port + 1))
	tell h2 stop tx
	tell h2 close
	tell p2 close
	fw_ends h p
}
also_v6 firewall_netns

# nf_tables comes while a flow is on the engine, and may go though we listen; and
# nothing is left of us.
test_firewall_module()
{
	local gone="nft flush ruleset; for m in nf_tables nfnetlink; do
		for n in 1 2 3; do lsmod | awk -v m=\$m '\$1 == m { gsub(\",\", \" \", \$4); print \$4 }' |
			xargs -r rmmod 2>/dev/null; done; rmmod \$m; [ ! -d /sys/module/\$m ]; done"
	local out

	modules_out
	on host "$gone" >/dev/null 2>&1
	on host "[ ! -d /sys/module/nfnetlink ]" || skip "something else uses nfnetlink: $(on host lsmod)"
	setup
	fw_events
	fw_streams
	on host "[ ! -d /sys/module/nfnetlink ]" || fail "toe has loaded nfnetlink"
	# the first rule of all
	fw_run "nft 'add table inet toe_fw
		add chain inet toe_fw out { type filter hook output priority 0; }
		add rule inet toe_fw out tcp dport $PORT drop'"
	fw_silent p
	fw_run "nft delete table inet toe_fw"
	fw_becomes engine
	is "users of nf_tables" "$(on host "awk '\$1 == \"nf_tables\" { print \$3 }' /proc/modules")" 0
	out=$(on host "$gone" 2>&1) || fail "nf_tables does not go: $out"
	offloaded
	# and once more
	fw_run "nft 'add table inet toe_fw
		add chain inet toe_fw out { type filter hook output priority 0; }
		add rule inet toe_fw out tcp dport $PORT drop'"
	fw_silent p
	fw_run "nft delete table inet toe_fw"
	fw_ends h p
	modules_out
	out=$(on host "$gone" 2>&1) || fail "something is left of the listener: $out"
}
also_v6 firewall_module

### careful

# toed says of the rules what it found. Usage: fw_judged TEXT
fw_judged()
{
	soon 10000 fw_judged_now "$1" || fail "toed says, not '$1': $(toed_log | tail -n 1)"
}

fw_judged_now()
{
	[[ $(toed_log | grep 'careful rules' | tail -n 1) = *"$1"* ]]
}

# Puts nftables' rules in the place of those before; toed says of them TEXT.
# Usage: fw_careful TEXT RULES
fw_careful()
{
	on host "nft 'flush table inet toe_fw; flush chain ip toe_nat out; $2'" >"$WORK/out" ||
		fail "nft $2: $(cat "$WORK/out")"
	fw_judged "$1"
}

fw_careful_setup()
{
	local out

	setup
	toed_start
	fw_table
	on host "nft 'add chain inet toe_fw onward { type filter hook forward priority 0; }
		add chain inet toe_fw side
		add chain inet toe_fw deep
		add set inet toe_fw seen { type ipv4_addr; size 64; flags dynamic,timeout; timeout 1m; }
		add set inet toe_fw tally { type ipv4_addr; counter; }
		add map inet toe_fw ways { type inet_service : verdict; }
		add counter inet toe_fw n
		add table ip toe_nat
		add chain ip toe_nat out { type nat hook output priority -100; }'" || die "nft"
	fw_undo "nft delete table ip toe_nat"
	classifier_in
	out=$(toectl "policy add prio 100 out rport $((FIRST_PORT + 1))-$((FIRST_PORT + 19)) \
		threshold 1MiB careful" 2>&1) || die "toectl policy add: $out"
	out=$(toectl policy del prio 32767 2>&1) || die "toectl policy del: $out"
	stats_begin
}

# A careful rule refuses while there are rules that must see each packet, and takes
# the flow when they are gone.
test_firewall_careful()
{
	local out

	fw_careful_setup
	fw_second
	connected
	p recv eof
	h send forever rate=8M
	fw_becomes engine
	fw_second_becomes engine
	fw_judged "no rule of the firewall"
	fw_run "nft add rule inet toe_fw in tcp sport 9 counter"
	soon 10000 fw_state host netfilter || fail "not returned: $R"
	fw_judged "table inet toe_fw, chain in: counter"
	sleep 2.5
	fw_state host || fail "the flow left the stack: $R"
	in_state h2 host || fail "the flow left the stack, by IPv6: $R"
	tell h2 why
	is "why, IPv6" "$(val reason)" careful
	tell h why
	is "why" "$(val reason)" careful
	out=$(toectl why local $HOST_ADDR:$(fw_port) remote $PEER_ADDR:$PORT)
	[[ $out = *"its rule is careful:"* ]] || fail "why: $out"
	# by hand it goes
	h offload
	fw_becomes engine
	h return
	fw_run "$FW_NFT"
	fw_becomes engine
	fw_second_becomes engine
	# Nobody looks: it is refused, whatever the rules are.
	toed_stop
	fw_run "nft add rule inet toe_fw in tcp sport 9 drop"
	soon 10000 fw_state host netfilter || fail "not returned: $R"
	sleep 2.5
	fw_state host || fail "the flow left the stack: $R"
	tell h why
	is "why" "$(val reason)" careful
	# A rule that becomes careful takes it back; one that no longer is lets it go.
	toectl policy replace prio 100 out rport $((FIRST_PORT + 1))-$((FIRST_PORT + 19)) threshold 1MiB >/dev/null
	toectl policy apply >/dev/null
	fw_becomes engine
	toectl policy replace prio 100 out rport $((FIRST_PORT + 1))-$((FIRST_PORT + 19)) threshold 1MiB careful >/dev/null
	toectl policy apply >/dev/null
	fw_becomes host careful
	fw_second_becomes host
	stream_ends h2 p2
	fw_ends h p
}

# Which rules these are
test_firewall_careful_rules()
{
	fw_careful_setup
	two_connected
	moves h p $((2 * M))
	moves h2 p2 $((2 * M))
	fw_judged "no rule of the firewall"
	# with a table of iptables-legacy toed looks often, which this test is quicker for
	on host "iptables-legacy -nL >/dev/null"
	fw_undo "iptables-legacy -F; iptables-legacy -X; modprobe -r iptable_filter"
	fw_careful "chain out: counter" "add rule inet toe_fw out counter"
	# harmless ones, and those that no packet of the host meets, or one of each connection
	fw_careful "no rule of the firewall" "add rule inet toe_fw in tcp sport 9 drop
		add rule inet toe_fw in ip dscp 1 accept
		add rule inet toe_fw onward counter
		add rule inet toe_fw side counter
		add rule ip toe_nat out counter"
	fw_careful "chain deep: counter" "add rule inet toe_fw in jump side
		add rule inet toe_fw side goto deep
		add rule inet toe_fw deep counter"
	fw_careful "chain side: counter" "add rule inet toe_fw side counter
		add rule inet toe_fw in tcp sport vmap @ways"
	fw_careful ": limit" "add rule inet toe_fw in limit rate 10/second"
	fw_careful ": quota" "add rule inet toe_fw in quota 10 mbytes"
	fw_careful ": log" "add rule inet toe_fw in tcp sport 9 log"
	fw_careful ": queue" "add rule inet toe_fw in tcp sport 9 queue num 1"
	fw_careful ": numgen" "add rule inet toe_fw in numgen random mod 10 < 1 drop"
	fw_careful ": dynset" "add rule inet toe_fw in tcp sport 9 add @seen { ip saddr }"
	fw_careful ": objref" "add rule inet toe_fw in tcp sport 9 counter name n"
	fw_careful ": a set that counts" "add rule inet toe_fw in ip saddr @tally accept"
	fw_careful ": payload" "add rule inet toe_fw out tcp dport 9 ip dscp set 1"
	fw_careful ": nftrace" "add rule inet toe_fw in tcp sport 9 meta nftrace set 1"
	fw_careful "no rule of the firewall" ""
	# iptables-nft counts, always
	on host "iptables-nft -A INPUT -p tcp --sport 9 -j ACCEPT"
	fw_undo "iptables-nft -F; nft delete table ip filter"
	fw_judged "table ip filter, chain INPUT: counter"
	on host "iptables-nft -F"
	fw_judged "no rule of the firewall"
	# iptables-legacy counts, too, but is not asked to
	on host "iptables-legacy -A INPUT -p tcp --sport 9 -j ACCEPT
		iptables-legacy -A FORWARD -m limit --limit 1/s -j ACCEPT"
	sleep 0.5
	fw_judged "no rule of the firewall"
	on host "iptables-legacy -N side; iptables-legacy -A side -p tcp --sport 9 -m limit --limit 1/s"
	sleep 0.5
	fw_judged "no rule of the firewall"
	on host "iptables-legacy -A INPUT -j side"
	fw_judged "iptables-legacy, table filter: limit"
	on host "iptables-legacy -D INPUT -j side; iptables-legacy -A OUTPUT -p tcp --dport 9 -j LOG"
	fw_judged "iptables-legacy, table filter: LOG"
	on host "iptables-legacy -F"
	fw_judged "no rule of the firewall"
	part h p
	part h2 p2
	leaves_nothing
}
