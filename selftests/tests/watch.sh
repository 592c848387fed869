# SPDX-License-Identifier: GPL-2.0-only
# What a person sees: the flows chosen, ordered and rated, live and as events.

# Four connections: a4 and a6 on the engine, by IPv4 and IPv6, back came home, by
# IPv4. PORT4, PORT6, PORTB are theirs.
watch_flows()
{
	actor a4 host; actor b4 peer
	actor a6 host; actor b6 peer
	actor back host; actor bback peer
	meet a4 b4; PORT4=$PORT
	meet a6 b6 v6; PORT6=$PORT
	meet back bback; PORTB=$PORT
	tell a4 offload || die "a4: $R"
	tell a6 offload || die "a6: $R"
	tell back offload || die "back: $R"
	tell back return || die "back: $R"
}

watch_close()
{
	local who

	for who in a4 b4 a6 b6 back bback; do
		tell $who close
	done
}

# The peer's ports of the flows that the words choose, in the order that they make,
# of this test's flows. Usage: watch_ports WORD...
watch_ports()
{
	on host "$GUEST/toectl -j flow show $* | jq -r '[.[] | select(.remote_port > $FIRST_PORT
		and .remote_port <= $PORT) | .remote_port] | join(\" \")'"
}

# Usage: shows PORTS WORD...
shows()
{
	local want=$1
	shift

	is "flow show $*" "$(watch_ports "$@")" "$want"
}

test_flow_show_chooses()
{
	local engine lport inode

	setup
	watch_flows
	engine=$(on host "$GUEST/toectl -j engine show | jq -r '.[0].name'")
	lport=$(on host "$GUEST/toectl -j flow show | jq '.[] | select(.remote_port == $PORT6) | .local_port'")
	shows "$PORT4 $PORTB $PORT6" sort remote
	shows "$PORT4 $PORT6" state engine sort remote
	shows "$PORTB" state host
	shows "$PORT4 $PORTB $PORT6" state host,engine sort remote
	shows "$PORT4 $PORTB" remote 10.77.0.0/24 sort remote
	shows "$PORT4 $PORTB" local $HOST_ADDR remote 10.0.0.0/8,192.0.2.1 sort remote
	shows "$PORT6" remote fd77::/16
	shows "" remote 10.78.0.0/16
	shows "$PORT6" lport "$lport"
	shows "$PORTB $PORT4" rport $((PORT4))-$PORT4,$PORTB sort remote reverse
	shows "$PORT4 $PORT6" engine "$engine" sort remote
	shows "$PORT4 $PORT6" engine any sort remote
	shows "" engine nosuch
	shows "$PORT4 $PORTB $PORT6" rule none rport $PORT4-$PORTB sort remote
	shows "" rule 100 rport $PORT4-$PORTB
	shows "$PORT6 $PORTB" reason admin remote fd77::/16,$PEER_ADDR rport $PORT6-$PORTB sort remote reverse
	shows "" reason rate,peer-fin rport $PORT4-$PORTB
	shows "$PORT4" sort remote limit 1 rport $PORT4-$PORTB
	# Another namespace has none of them, by its name and by its number.
	inode=$(on host "ip netns add toe_test && stat -L -c %i /run/netns/toe_test")
	HOST_UNDO="ip netns del toe_test"
	shows "" netns toe_test
	shows "" netns "$inode"
	shows "$PORT4" netns "$(on host "stat -L -c %i /proc/self/ns/net")" rport $PORT4
	watch_close
	leaves_nothing
}

test_flow_show_rates()
{
	local rate

	setup
	watch_flows
	watch_moves a4 b4
	soon 10000 watch_fast || fail "the flow does not get going: $RATES"
	# The flow that moves 4 MB/s, 32 mbit, and not those that do not.
	shows "$PORT4" rate above 8mbit
	shows "" rate above 80gbit
	shows "$PORT4" sort rate limit 1
	shows "$PORT4" sort tx-rate limit 1 interval 300ms
	[ "$(watch_ports sort rate reverse limit 1 rport $PORT4-$PORTB)" != "$PORT4" ] ||
		fail "the reverse order is the same"
	rate=$(on host "$GUEST/toectl -j flow show rport $PORT4 interval 1s | jq -r '.[0] |
		[.tx_rate, .rx_rate, .rate_ns] | join(\" \")'")
	note "tx, rx, ns: $rate"
	read -r tx rx ns <<<"$rate"
	ge "tx_rate" "$tx" 2500000
	le "tx_rate" "$tx" 6000000
	is "rx_rate" "$rx" 0
	ge "rate_ns" "$ns" 1000000000
	# Without a second look there is no rate.
	is "rates of one look" "$(on host "$GUEST/toectl -j flow show rport $PORT4 |
		jq -c '.[0] | [.tx_rate, .rx_rate, .rate_ns]'")" "[null,null,null]"
	[[ $(toectl flow show rport $PORT4 sort rate) = *"rate tx "*" rx 0bit over "* ]] ||
		fail "the text does not tell the rate and its interval"
	tell a4 stop tx
	tell a4 wait tx
	rate=$(val bytes)
	tell a4 shutdown
	got b4 rx "$rate"
	tell a4 close
	watch_close
	leaves_nothing
}

# Who has to wait for rates sees on a terminal that something goes on, and nothing is
# left of that.
test_flow_show_progress()
{
	setup
	"$LAB" push "$TOP/selftests/tools/screen.py" $GUEST </dev/null || die "no screen.py"
	ACTORS+=" t"
	pipe_open t "$LAB" host -- $GUEST/screen.py $GUEST/toectl flow show interval 3500ms rport 1
	hear t || die "screen: $R"
	tell t see "measuring rates: 2 s" || fail "$R"
	tell t end
	is "its status" "$R" "ok 0"
	tell t gone "measuring" || fail "$R"
}

# Usage: watch_moves HOST-ACTOR PEER-ACTOR
watch_moves()
{
	tell "$2" recv eof || die "$2: $R"
	tell "$1" send forever rate=4M chunk=40000 || die "$1: $R"
}

watch_fast()
{
	RATES=$(on host "$GUEST/toectl -j flow show rport $PORT4 interval 500ms | jq -c '.[0].tx_rate'")
	[ "$RATES" -gt 2500000 ]
}

### monitor

# Starts one; its lines go to $GUEST/NAME.out. Usage: watch_monitor NAME WORD...
watch_monitor()
{
	local name=$1
	shift

	# A shell has its background ignore SIGINT; a terminal does not.
	on host "(env --default-signal=INT,PIPE ${AS:-} $GUEST/toectl $* >$GUEST/$name.out 2>$GUEST/$name.err
		echo \$? >$GUEST/$name.status) & sleep 0.2; pgrep -n -x toectl >$GUEST/$name.pid"
	HOST_UNDO="${HOST_UNDO:+$HOST_UNDO; }kill -CONT \$(cat $GUEST/$name.pid) 2>/dev/null
		kill \$(cat $GUEST/$name.pid) 2>/dev/null; rm -f $GUEST/$name.*"
}

watch_ended()
{
	[ -n "$(on host "cat $GUEST/$1.status 2>/dev/null")" ]
}

# It ends by a signal, with this status. Usage: watch_end NAME SIGNAL STATUS
watch_end()
{
	on host "kill -$2 \$(cat $GUEST/$1.pid)"
	soon 10000 watch_ended "$1" || fail "$1 does not end on SIG$2"
	is "status of $1 after SIG$2" "$(on host "cat $GUEST/$1.status")" "$3"
}

# What it has said, through jq. Usage: watch_said NAME FILTER
watch_said()
{
	on host "jq -rc '$2' $GUEST/$1.out 2>&1"
}

watch_count()	# NAME FILTER N
{
	[ "$(on host "jq -rc 'select($2) | 1' $GUEST/$1.out | wc -l")" = "$3" ]
}

# Flows, rules and engines, each in a line of its own, as they happen and when.
test_monitor_tells_all()
{
	local now got

	setup
	classifier_in
	stats_begin
	watch_monitor all -j monitor
	watch_monitor text monitor
	on host "ip netns add toe_test"
	HOST_UNDO+="; ip netns del toe_test"
	watch_monitor other -j monitor netns toe_test
	connected
	now=$(on host "date +%s%N")
	h offload
	soon 10000 watch_count all '.to == "engine"' 1 || fail "no event of the flow: $(watch_said all .)"
	toectl policy add prio 100 rport 9 never >/dev/null || fail "policy add"
	soon 10000 watch_count all '.object == "rule"' 1 || fail "no event of the rule"
	toectl policy replace prio 100 rport 10 never >/dev/null || fail "policy replace"
	soon 10000 watch_count all '.object == "rule"' 2 || fail "no event of the other rule"
	toectl policy del prio 100 >/dev/null || fail "policy del"
	soon 10000 watch_count all '.object == "rule"' 3 || fail "no event of the rule's end"
	on host "rmmod toe_virtio" || fail "rmmod"
	soon 10000 watch_count all '.object == "engine"' 1 || fail "no event of the engine's end"
	modules_in
	soon 10000 watch_count all '.object == "engine"' 2 || fail "no event of the engine"
	is "events" "$(watch_said all 'select(.object != "flow" or .flow.remote_port == '$PORT') |
		[.object, .event // .from, .to // .rule.prio // .engine.driver, .reason] | join(" ")')" \
"flow host opening admin
flow opening engine admin
rule added 100 
rule changed 100 
rule removed 100 
flow engine closing unload
flow closing host unload
engine removed toe_virtio 
engine added toe_virtio "
	is "the engine of the flow" "$(watch_said all 'select(.object == "flow") | .flow.engine' | sort | uniq -c |
		awk '{ print $2 "=" $1 }' | tr '\n' ' ')" "null=1 toe0=3 "
	is "the rule, changed" "$(watch_said all 'select(.event == "changed") | .rule.rport')" '[{"first":10,"last":10}]'
	is "time: between now and then, and rising" "$(on host "jq -s '[.[].time_ns] |
		. == sort and .[0] >= $now and .[-1] <= now * 1e9' $GUEST/all.out")" true
	is "time of the clock" "$(watch_said all '((.time | sub("[.][0-9]+.*"; "Z") | fromdate) -
		(.time_ns / 1e9 | floor)) % 1800' | sort -u)" 0
	[[ $(on host "cat $GUEST/text.out") =~ ^[0-9-]+T[0-9:]+\.[0-9]{6}[+-][0-9:]+\ flow\ local ]] ||
		fail "text: $(on host "head -1 $GUEST/text.out")"
	got=$(on host "cat $GUEST/text.out")
	[[ $got = *" rule added prio 100 rport 9 never"* ]] || fail "no rule in the text: $got"
	[[ $got = *" engine removed "* ]] || fail "no engine in the text: $got"
	# Another namespace has the engines, but neither their interface nor our flows.
	is "events in another namespace" "$(watch_said other 'select(.object != "rule") |
		[.object, .event, .engine.ifname] | join(" ")')" "engine removed 
engine added "
	watch_end other TERM 0
	watch_end all INT 0
	watch_end text TERM 0
	is "errors" "$(on host "cat $GUEST/all.err $GUEST/text.err")" ""
	h close
	p close
	toectl unload
	leaves_nothing
}
also_v6 monitor_tells_all

# An engine that does not answer any more has failed; what comes in its place is new.
test_monitor_engine_fails()
{
	local who

	setup
	# shellcheck disable=SC2034	# log_clean reads it
	EXPECT_LOG='does not answer'
	on host "echo 2000 >/sys/module/toe_virtio/parameters/dead_after_ms" || die "dead_after_ms"
	HOST_UNDO="echo 5000 >/sys/module/toe_virtio/parameters/dead_after_ms"
	watch_monitor eng -j monitor engine "$(on host "$GUEST/toectl -j engine show | jq -r '.[0].name'")"
	two_connected
	fault prepare-late 1 8000
	tell h2 offload && fail "offloaded, though the card does not answer"
	soon 10000 watch_count eng '.event == "failed"' 1 || fail "no event: $(watch_said eng .)"
	is "the engine" "$(watch_said eng 'select(.object == "engine") | [.event, .engine.alive] | join(" ")')" "failed false"
	modules_out
	modules_in
	for who in "" 2; do
		tell h$who offload || fail "offload: $R"
		moves h$who p$who $M
		carried tx $M h$who
		part h$who p$who
	done
	faults_clear
	leaves_nothing
}

# Filters choose events, too; what a thing is not cannot be met.
test_monitor_chooses()
{
	local who

	setup
	watch_monitor port -j monitor rport $((PORT + 1)) state engine,host
	watch_monitor why -j monitor reason unsupported,local-fin
	watch_monitor eng -j monitor engine nosuch
	watch_monitor six -j monitor remote fd77::/16
	connected
	h offload
	h return
	pair 2 v6
	tell h2 offload
	tell h2 return
	soon 10000 watch_count port true 2 || fail "port: $(watch_said port .)"
	is "port" "$(watch_said port '[.to, .flow.remote_port] | join(" ")')" "engine $((PORT - 1))
host $((PORT - 1))"
	soon 10000 watch_count six true 4 || fail "six: $(watch_said six .)"
	is "six" "$(watch_said six '[.to, .flow.remote_port] | join(" ")' | sort | uniq -c | awk '{ print $1, $2, $3 }')" \
"1 closing $PORT
1 engine $PORT
1 host $PORT
1 opening $PORT"
	is "why and eng" "$(on host "cat $GUEST/why.out $GUEST/eng.out")" ""
	for who in h p h2 p2; do
		tell $who close
	done
	leaves_nothing
}

# Nobody reads any more: it ends, though nothing happens, and says nothing.
test_monitor_pipe()
{
	setup
	is "a pipe without a reader" "$(on host "(timeout 10 $GUEST/toectl -j monitor 2>&1 >&3 3>&-
		echo \"status \$?\") 3>&1 >$GUEST/pipe.status | true; sleep 0.3; cat $GUEST/pipe.status
		rm $GUEST/pipe.status")" "status 0"
}

# More than it can be told: it says so, in its stream too, and goes on.
test_monitor_overrun()
{
	local i rmem

	setup
	classifier_in
	rmem=$(on host "sysctl -n net.core.rmem_max; sysctl -qw net.core.rmem_max=212992")
	HOST_UNDO="sysctl -qw net.core.rmem_max=$rmem"
	AS="setpriv --reuid=65534 --regid=65534 --clear-groups" watch_monitor slow -j monitor
	two_connected
	on host "kill -STOP \$(cat $GUEST/slow.pid)"
	# That much buffer, which one who is nobody gets, holds some 300 events; these are 600.
	for i in {1..75}; do
		h offload
		tell h2 offload || fail "offload: $R"
		h return
		tell h2 return || fail "return: $R"
	done
	on host "kill -CONT \$(cat $GUEST/slow.pid)"
	soon 10000 watch_count slow '.event == "lost"' 1 || fail "it lost nothing: $(watch_said slow .to | wc -l) events"
	is "words" "$(on host "cat $GUEST/slow.err")" \
"toectl: monitor: /sys/fs/bpf/toe/classify: Permission denied
toectl: monitor: changes of the policy are not seen
toectl: monitor: events were lost: they came faster than they were read"
	note "$(watch_said slow .to | wc -l) lines"
	h offload
	soon 10000 on host "tail -n 1 $GUEST/slow.out | grep -q '\"to\":\"engine\"'" ||
		fail "it does not go on: $(on host "tail -n 1 $GUEST/slow.out")"
	watch_end slow INT 0
	part h p
	part h2 p2
	toectl unload
	leaves_nothing
}

### top

test_top_prints()
{
	local out

	setup
	watch_flows
	watch_moves a4 b4
	soon 10000 watch_fast || fail "the flow does not get going: $RATES"
	out=$(toectl "-n 3 top interval 300ms rport $PORT4-$PORTB") || fail "top: $out"
	is "tables" "$(grep -c '^LOCAL' <<<"$out")" 3
	is "flows" "$(grep -c "^$HOST_ADDR:.*10.77.0.2:$PORT4 " <<<"$out")" 3
	is "escapes" "$(grep -c $'\033' <<<"$out")" 0
	is "the first line of each" "$(grep -A1 '^LOCAL' <<<"$out" | grep -c ":$PORT4 ")" 3
	note "$(sed -n 1,3p <<<"$out")"
	out=$(toectl "-j -n 2 top interval 1s sort remote limit 2 rport $PORT4-$PORTB") || fail "top: $out"
	is "objects" "$(on host "jq -sc '[length, .[0].count, (.[1].flows | length)]' <<<'$out'")" "[2,3,2]"
	is "rates" "$(on host "jq -sc '.[1] | (.flows[0].tx_rate > 2000000) and .interval_ns >= 1000000000' <<<'$out'")" true
	tell a4 stop tx
	tell a4 wait tx
	tell a4 shutdown
	watch_close
	leaves_nothing
}

# On a terminal: it draws, obeys, fits, and leaves the terminal as it was.
test_top_draws()
{
	local cols i how

	setup
	watch_flows
	"$LAB" push "$TOP/selftests/tools/screen.py" $GUEST </dev/null || die "no screen.py"
	ACTORS+=" t"
	pipe_open t "$LAB" host -- $GUEST/screen.py $GUEST/toectl top interval 200ms rport $PORT4-$PORTB
	hear t || die "screen: $R"
	tell t see "flows 3, on engines 2" || fail "$R"
	tell t see "10.77.0.2:$PORT4" || fail "$R"
	tell t see "[$PEER_ADDR6]:$PORT6" || fail "$R"
	tell t see "q quit" || fail "$R"
	tell t line 1
	[[ $R = *" by rate"* ]] || fail "it is not ordered by rate: $R"
	tell t key s
	tell t see "by tx-rate" || fail "$R"
	tell t key r
	tell t see "by tx-rate reverse" || fail "$R"
	tell t key SS
	tell t see "by reason reverse" || fail "$R"
	# Columns go, the least important ones first; nothing is ever too long.
	for cols in 200 100 70 50 30 12 3; do
		tell t size $cols 12
		tell t signal SIGWINCH
		sleep 0.5
		tell t line 2
		note "$cols columns: ${R#ok }"
		case $cols in
		200) [[ $R = *LOCAL*REASON* ]] ;;
		100) [[ $R = *REMOTE*TX*RULE* ]] ;;
		50) [[ $R = *REMOTE*TX*RX* && $R != *REASON* && $R != *LOCAL* ]] ;;
		30) [[ $R = *REMOTE* && $R != *STATE* ]] ;;
		3) [ "$R" = "ok REM" ] ;;
		*) : ;;
		esac || fail "$cols columns: $R"
		tell t wrapped
		is "lines too long at $cols columns" "$R" "ok 0"
		tell t widest
		le "width at $cols columns" "${R#ok }" "$cols"
	done
	# So low that a page holds one: the next page has another one.
	tell t size 80 4
	tell t signal SIGWINCH
	for i in 1 2 3 4 5; do
		tell t key n
	done
	sleep 0.5
	tell t wrapped
	is "lines too many in 4 rows" "$R" "ok 0"
	tell t key '\x1a'
	tell t stopped || fail "Ctrl-Z does not stop it"
	tell t main || fail "stopped, it keeps the screen"
	tell t settings || fail "stopped, it keeps the settings"
	tell t signal SIGCONT
	tell t see "flows 3" || fail "$R"
	tell t key q
	tell t end
	is "after q" "$R" "ok 0"
	tell t main || fail "after q it keeps the screen"
	tell t settings || fail "after q it keeps the settings"
	say t quit
	pipe_close t
	# Where nothing can be put in its place it prints.
	pipe_open t "$LAB" host -- $GUEST/screen.py env TERM=dumb $GUEST/toectl -n 1 top interval 100ms
	hear t || die "screen: $R"
	tell t see "on engines 2" || fail "$R"
	tell t end
	is "on a dumb terminal" "$R" "ok 0"
	tell t see "on engines 2" || fail "what it printed is gone: $R"
	say t quit
	pipe_close t
	for how in SIGINT:0 SIGTERM:0 SIGHUP:0 SIGSEGV:SIGSEGV SIGABRT:SIGABRT; do
		pipe_open t "$LAB" host -- $GUEST/screen.py $GUEST/toectl top interval 10s
		hear t || die "screen: $R"
		tell t see "flows" || fail "$R"
		tell t signal ${how%:*}
		tell t end
		is "after ${how%:*}" "$R" "ok ${how#*:}"
		tell t main || fail "after ${how%:*} it keeps the screen"
		tell t settings || fail "after ${how%:*} it keeps the settings"
		say t quit
		pipe_close t
	done
	watch_close
	leaves_nothing
	# The module goes: that is said where it stays.
	pipe_open t "$LAB" host -- $GUEST/screen.py $GUEST/toectl top interval 200ms
	hear t || die "screen: $R"
	tell t see "flows" || fail "$R"
	modules_out
	tell t end
	is "after rmmod" "$R" "ok 1"
	tell t main || fail "after rmmod it keeps the screen"
	tell t settings || fail "after rmmod it keeps the settings"
	tell t see "toectl: top: module toe was unloaded" || fail "$R"
	say t quit
	pipe_close t
	modules_in
}
