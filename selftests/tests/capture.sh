# SPDX-License-Identifier: GPL-2.0-only
# toectl capture: what an engine sends and receives can be seen, all of it and
# nothing else, and the flow does not notice.

CAPTURE_FILE=$LAB_RUN_IN/capture.pcapng	# a copy, where the checker runs

# Starts a capture on the host, in the background; waits until it runs. NAME is
# for its files. Usage: capture_begin NAME OPTIONS
capture_begin()
{
	local name=$1
	shift

	on host "rm -f /tmp/$name.*; $GUEST/toectl capture $HOST_NAME \
		$* >/tmp/$name.out 2>/tmp/$name.err & echo \$! >/tmp/$name.pid" >/dev/null
	HOST_UNDO+="kill -CONT \$(cat /tmp/$name.pid) 2>/dev/null
		kill -KILL \$(cat /tmp/$name.pid) 2>/dev/null; rm -f /tmp/$name.*;"
	soon 10000 capture_says "$name" 'on engine' ||
		die "the capture does not start: $(on host cat "/tmp/$name.err")"
}

capture_says()	# NAME WORDS
{
	local said

	said=$(on host "cat /tmp/$1.err")
	[[ $said = *"$2"* ]]
}

capture_ended()	# NAME
{
	on host "! kill -0 \$(cat /tmp/$1.pid) 2>/dev/null"
}

# It ends: by a signal, or (signal 0) by itself. Sets FRAMES and DROPS.
# Usage: capture_end NAME [SIGNAL]
capture_end()
{
	local said

	[ "${2:-INT}" = 0 ] || on host "kill -${2:-INT} \$(cat /tmp/$1.pid)" ||
		fail "the capture has ended before"
	soon 10000 capture_ended "$1" || fail "the capture does not end"
	said=$(on host "tail -n 1 /tmp/$1.err")
	[[ $said =~ ^([0-9]+)\ frames\ captured,\ ([0-9]+)\ dropped$ ]] ||
		fail "its last words: $(on host "cat /tmp/$1.err")"
	FRAMES=${BASH_REMATCH[1]:-none} DROPS=${BASH_REMATCH[2]:-none}
}

# The connection in words of toectl; call it when connected.
capture_name()
{
	tell h name
	HOST_NAME="local $(val local) remote $(val remote)"
	LOCAL=$(val local) REMOTE=$(val remote)
}

# What is in a capture's file; in $R, as an actor's answer.
# Usage: capture_read NAME [SENT-SEED:POS RECEIVED-SEED:POS]
capture_read()
{
	local name=$1 l=$LOCAL r=$REMOTE
	shift

	"$LAB" host -- cat "/tmp/$name.pcapng" </dev/null >"$LAB_RUN/capture.pcapng" ||
		die "no file of the capture"
	l=${l//[][]/} r=${r//[][]/}
	R=$(on card "python3 /src/selftests/tools/frames.py $CAPTURE_FILE \
		${l%:*} ${l##*:} ${r%:*} ${r##*:} $*")
	[ "${R%% *}" = ok ] || fail "the file: $R"
}

# The same with the words of toectl: for what fails at once. Prints what it says.
capture_try()	# OPTIONS
{
	toectl capture "$@" -w /tmp/none.pcapng
}

# A line of words, and nothing was written. Usage: capture_refused WORDS STATUS CMD...
capture_refused()
{
	local words=$1 want=$2 said rc
	shift 2

	said=$("$@")
	rc=$?
	is "status of $*" $rc "$want"
	[[ $said = *"$words"* && $said != *$'\n'* ]] || fail "$*: '$said', not '$words'"
	on host "[ ! -e /tmp/none.pcapng ]" || fail "$*: a file was made"
}

captures_on_card()
{
	[ "$(card .card.captures)" = "$1" ]
}

capture_drops()	# AT-LEAST
{
	[ "$(grew capture_drops)" -ge "$1" ]
}

capture_open()	# [connected's words]
{
	setup
	stats_begin
	connected "$@"
	h offload
	capture_name
}

capture_close()
{
	soon 10000 captures_on_card 0 || fail "the card still captures"
	h close
	p close
	leaves_nothing
}

# The same bytes on the wire as in the application, in both directions. A full
# frame is the MTU, less IP, TCP and its timestamps. Usage: ... MSS [v6]
capture_both_ways()
{
	local mss=$1 seen
	shift

	capture_open "$@"
	capture_begin cap -w /tmp/cap.pcapng
	p recv $M rate=20M
	h send $M rate=20M
	h recv $M
	p send $M rate=20M
	got p rx $M
	got h rx $M
	carried tx $M
	carried rx $M
	offloaded
	capture_end cap
	is "drops" "$DROPS" 0
	is "opens" "$(grew opens)" 1
	is "returns" "$(grew closes)" 0
	is "capture_frames" "$(grew capture_frames)" "$FRAMES"
	capture_read cap 1:0 2:0
	is "frames in the file" $(($(val sent) + $(val received))) "$FRAMES"
	is "frames in the statistics" "$(val isb_frames) $(val isb_drops)" "$FRAMES 0"
	is "bytes sent" "$(val sent_bytes)" $M
	is "bytes received" "$(val received_bytes)" $M
	is "gaps" "$(val sent_gaps)$(val received_gaps)" 00
	is "longest payload sent" "$(val sent_mss)" "$mss"
	is "longest payload received" "$(val received_mss)" "$mss"
	is "interfaces" "$(val engines)" toe0
	# and another reader
	seen=$(on host "tcpdump -vv -nn -r /tmp/cap.pcapng 2>/dev/null >/tmp/cap.txt
		echo \$? \$(grep -c '\[T*CP*\|Flags \[' /tmp/cap.txt) \$(grep -c incorrect /tmp/cap.txt)")
	is "tcpdump's status, frames, wrong checksums" "$seen" "0 $FRAMES 0"
	no_timeouts
	capture_close
}

test_capture_both_ways()
{
	capture_both_ways 1448
}

test_capture_both_ways_v6()
{
	capture_both_ways 1428 v6
}

# As fast as it goes, and nobody reads: the frames are lost and counted, the flow
# does not notice.
test_capture_reader_stopped()
{
	local bytes=$((96 * M))

	capture_open
	capture_begin cap -w /tmp/cap.pcapng
	on host "kill -STOP \$(cat /tmp/cap.pid)"
	p recv $bytes
	h send $bytes
	h recv $bytes
	p send $bytes
	got p rx $bytes
	got h rx $bytes
	carried tx $bytes
	carried rx $bytes
	offloaded
	no_timeouts
	is "opens" "$(grew opens)" 1
	# What the card dropped is told with frames that come later.
	soon 10000 capture_drops 1000 || fail "capture_drops: $(grew capture_drops)"
	# With a file on a slow disk it takes a while to read what waits.
	on host "kill -CONT \$(cat /tmp/cap.pid)"
	capture_end cap
	ge "frames" "$FRAMES" 1000
	ge "drops" "$DROPS" 1000
	is "drops, as the module counts" "$(grew capture_drops)" "$DROPS"
	is "frames, as the module counts" "$(grew capture_frames)" "$FRAMES"
	note "$FRAMES frames, $DROPS dropped"
	on host "cat /tmp/cap.err" | grep -qv 'frames captured\|on engine' && fail "it says more"
	R=$(on host "tcpdump -nn -r /tmp/cap.pcapng 2>/dev/null | wc -l")
	is "frames that tcpdump reads" "$R" "$FRAMES"
	# isb_ifdrop and isb_usrdeliv, at the end of the file's last block
	R=$(on host "tail -c 28 /tmp/cap.pcapng | od -A n -t u8 -N 8; tail -c 16 /tmp/cap.pcapng | od -A n -t u8 -N 8")
	is "drops and frames in the statistics" "$(echo $R)" "$DROPS $FRAMES"
	capture_close
}
also_v6 capture_reader_stopped

# The flow leaves the engine, goes there again, and ends: the capture stays with it.
test_capture_returns()
{
	local said

	capture_open
	capture_begin cap -w /tmp/cap.pcapng
	capture_end cap
	is "frames of an idle flow" "$FRAMES" 0
	capture_begin cap -w /tmp/cap.pcapng
	p recv $((3 * 262144))
	h send 262144
	soon 10000 carried_now tx 262144
	h return
	soon 10000 capture_says cap "has left the engine: an administrator asked for it" ||
		fail "it does not say that the flow has left"
	soon 10000 captures_on_card 0 || fail "the card still captures"
	h send 262144
	tell h wait tx
	h offload
	soon 10000 captures_on_card 1 || fail "the card does not capture again"
	h send 262144
	got p rx $((3 * 262144))
	carried tx $((2 * 262144))
	h shutdown
	p recv eof
	got p rx 0
	p close
	h close
	capture_end cap 0
	said=$(on host "cat /tmp/cap.err")
	[[ $said = *"the flow is on engine toe0"* ]] || fail "not told of the next offload: $said"
	[[ $said = *"the connection has ended"* ]] || fail "not told of the end: $said"
	is "drops" "$DROPS" 0
	capture_read cap
	ge "bytes sent before the first gap" "$(val sent_bytes)" 262144
	is "gaps" "$(val sent_gaps)" 1
	ge "frames sent" "$(val sent)" $((2 * 262144 / 1448))
	no_timeouts
	leaves_nothing
}
also_v6 capture_returns

test_capture_once()
{
	capture_open
	capture_begin cap -w /tmp/cap.pcapng --once
	h return
	capture_end cap 0
	h offload
	captures_on_card 0 || fail "the card captures"
	on host "rm -f /tmp/cap.*"
	capture_close
}
also_v6 capture_once

# What ends it: a number of frames, a time, a signal, the reader of a pipe
test_capture_ends()
{
	local said start

	capture_open
	p recv eof
	h send forever rate=2M
	capture_begin cap -w /tmp/cap.pcapng -c 7
	capture_end cap 0
	is "frames" "$FRAMES" 7
	capture_read cap
	is "frames in the file" $(($(val sent) + $(val received))) 7

	start=${EPOCHREALTIME//[.,]/}
	capture_begin cap -w /tmp/cap.pcapng -G 1
	capture_end cap 0
	ge "microseconds" $((${EPOCHREALTIME//[.,]/} - start)) 1000000
	ge "frames" "$FRAMES" 1
	capture_begin cap -w /tmp/cap.pcapng
	capture_end cap TERM
	capture_begin cap -w /tmp/cap.pcapng
	capture_end cap HUP

	said=$(on host "$GUEST/toectl capture $HOST_NAME -w - 2>/tmp/cap.err | tcpdump -nn -r - -c 5 2>/dev/null | wc -l")
	is "frames through a pipe" "$said" 5
	said=$(on host "cat /tmp/cap.err")
	[[ $said = *"frames captured, 0 dropped" ]] || fail "a pipe without reader: $said"

	capture_begin cap -w /tmp/cap.pcapng -j -c 3
	soon 10000 capture_ended cap || fail "it does not end"
	said=$(on host "jq -c '[.frames, .dropped, .end]' /tmp/cap.out")
	is "as JSON" "$said" '[3,0,"count"]'

	# Killed: the module and the card end it.
	capture_begin cap -w /tmp/cap.pcapng
	captures_on_card 1 || fail "the card captures nothing"
	on host "kill -KILL \$(cat /tmp/cap.pid)"
	offloaded
	no_timeouts
	h stop tx
	tell h wait tx
	h shutdown
	tell p wait rx
	is "what the peer got" "${R%% *} $(val error) $(val wrong_at)" "ok 0 -1"
	capture_close
}
also_v6 capture_ends

test_capture_snaplen()
{
	local mss=1448 headers=66

	[ -z "$V6" ] || mss=1428 headers=86
	capture_open
	capture_begin cap -w /tmp/cap.pcapng -s $((headers + 10))
	p recv 200000
	h send 200000
	got p rx 200000
	capture_end cap
	capture_read cap
	is "longest" "$(val longest)" $((headers + 10))
	ge "frames that are cut" "$(val cut)" 138
	R=$(on host "tcpdump -nn -r /tmp/cap.pcapng 2>/dev/null | grep -c 'length $mss'")
	ge "frames of full length for tcpdump" "$R" 130
	capture_close
}
also_v6 capture_snaplen

# What cannot be captured: one line that says why, and nothing has changed.
test_capture_refused()
{
	local id local remote

	local=$(bracketed $HOST_ADDR) remote=$(bracketed $PEER_ADDR)
	setup
	stats_begin
	connected
	capture_name
	capture_refused "the flow is not offloaded" 1 capture_try "$HOST_NAME"
	h offload
	tell h flow
	id=$(val id)
	capture_refused "no offloaded flow has this id" 1 capture_try id $((id + 1000))
	capture_refused "the flow is not offloaded" 1 capture_try $local:1 $remote:2
	capture_refused "'$local' is not" 2 capture_try $local $remote:2
	capture_refused "'1x' is not a snaplen" 2 capture_try id "$id" -s 1x
	capture_refused "/nowhere/x: No such file or directory" 1 \
		toectl capture id "$id" -w /nowhere/x
	soon 10000 captures_on_card 0 || fail "a capture without a file goes on"
	# who may not
	capture_refused "Operation not permitted" 1 on host \
		"setpriv --reuid=65534 --clear-groups $GUEST/toectl capture id $id -w /tmp/none.pcapng"
	capture_refused "capturing needs CAP_NET_RAW, too" 1 on host \
		"setpriv --reuid=65534 --clear-groups --inh-caps=+net_admin --ambient-caps=+net_admin \
			$GUEST/toectl capture id $id -w /tmp/none.pcapng"
	# another network namespace's flows
	HOST_UNDO+='ip netns del toe-test 2>/dev/null;'
	on host "ip netns add toe-test" || die netns
	capture_refused "no offloaded flow has this id" 1 on host \
		"ip netns exec toe-test $GUEST/toectl capture id $id -w /tmp/none.pcapng"
	# one at a time
	capture_begin cap -w /tmp/cap.pcapng
	capture_refused "the flow is being captured already" 1 capture_try id "$id"
	capture_end cap
	# an engine that does not
	fault capture-refuse 1
	capture_refused "engine toe0 cannot capture" 1 capture_try id "$id"
	# nor the next one
	capture_begin cap -w /tmp/cap.pcapng
	h return
	fault capture-refuse 1
	h offload
	soon 10000 capture_ended cap || fail "it goes on without its engine"
	capture_says cap "the flow's new engine cannot capture" || fail "it does not say why"
	no_timeouts
	capture_close
}
also_v6 capture_refused

# So many at once, half of them by IPv6, and no more
test_capture_many()
{
	local n=17 said

	setup
	stats_begin
	"$LAB" push "$TOP/selftests/tools/crowd.py" $GUEST </dev/null || die "no crowd.py"
	PORT=$((PORT + 1))
	ACTORS+=" crowd echo"
	pipe_open echo "$LAB" peer -- /src/selftests/tools/crowd.py listen :: $PORT
	hear echo || die "echo: $R"
	pipe_open crowd "$LAB" host -- $GUEST/crowd.py connect $PEER_ADDR,$PEER_ADDR6 $PORT $n
	hear crowd || die "crowd: $R"
	HOST_UNDO+="kill \$(cat /tmp/many.pid) 2>/dev/null; rm -f /tmp/many.*;"
	on host "ss -Htn state established dport = :$PORT | awk '{ print \$3, \$4 }' >/tmp/many.names
		while read -r l r; do
			$GUEST/toectl flow offload \$l \$r || exit
			$GUEST/toectl capture \$l \$r -w /tmp/many.\$l 2>/tmp/many.err.\$l &
			echo \$! >>/tmp/many.pid
		done </tmp/many.names" >/dev/null
	soon 10000 captures_on_card 16 || fail "captures: $(card .card.captures)"
	tell crowd talk 100000 || fail "crowd: $R"
	said=$(on host "cat /tmp/many.err.* | grep -c 'as many flows are being captured as there may be'")
	is "captures refused" "$said" 1
	on host "kill -INT \$(cat /tmp/many.pid) 2>/dev/null; wait" >/dev/null
	soon 10000 captures_on_card 0 || fail "captures go on: $(card .card.captures)"
	sleep 0.2
	said=$(on host "cat /tmp/many.err.* | grep -c 'frames captured, 0 dropped'")
	is "captures that ended well" "$said" 16
	# each its own flow's: 100,000 bytes and their echo
	said=$(on host "for l in \$(cut -d' ' -f1 /tmp/many.names); do
		[ ! -s /tmp/many.\$l ] || tcpdump -nn -r /tmp/many.\$l 2>/dev/null |
			awk -v l=\"\${l%:*}.\${l##*:}\" 'BEGIN { gsub(/[][]/, \"\", l) } { sub(\":\$\", \"\", \$5); if (\$3 != l && \$5 != l) print }'; done")
	is "frames of other flows" "$said" ""
	tell crowd end
	no_timeouts
	leaves_nothing
}

# A card that says nonsense about frames: counted, and nobody is harmed.
test_capture_card_lies()
{
	# shellcheck disable=SC2034
	EXPECT_LOG='broke the protocol'
	capture_open
	p recv eof
	h recv eof
	h send forever rate=5M
	p send forever rate=5M
	capture_begin cap -w /tmp/cap.pcapng
	fault capture-absurd-len 1
	soon 10000 grown err_length 1 || fail "err_length has grown by $(grew err_length)"
	fault capture-short-len 1
	soon 10000 grown err_length 2 || fail "err_length has grown by $(grew err_length)"
	fault capture-wrong-type 1
	soon 10000 grown err_protocol 1 || fail "err_protocol has grown by $(grew err_protocol)"
	fault capture-unknown-flow 5
	sleep 0.3
	is "err_unknown_flow" "$(grew err_unknown_flow)" 0
	is "returns" "$(grew closes)" 0
	offloaded
	capture_end cap
	ge "frames" "$FRAMES" 100
	capture_read cap
	no_timeouts
	finish_both h p
	leaves_nothing
}
also_v6 capture_card_lies

# The modules go while it captures.
test_capture_modules_go()
{
	local out

	capture_open
	capture_begin cap -w /tmp/cap.pcapng
	p recv 100000
	h send 100000
	got p rx 100000
	out=$(on host "rmmod toe_virtio") || fail "rmmod toe_virtio: $out"
	soon 10000 capture_says cap "has left the engine: the module is being unloaded" ||
		fail "it does not say that the flow has left"
	tell s quit
	pipe_close s
	out=$(on host "$GUEST/toectl unload >/dev/null 2>&1; rmmod toe") || fail "rmmod toe: $out"
	capture_end cap 0
	capture_says cap "module toe was unloaded" || fail "it does not say why it ends"
	ge "frames" "$FRAMES" 70
	capture_read cap
	ge "bytes sent" "$(val sent_bytes)" 100000
	h close
	p close
	no_timeouts
	modules_in
	leaves_nothing
}
also_v6 capture_modules_go

# The card dies while it captures: the flow goes on, and the capture can be ended.
test_capture_card_dies()
{
	local start

	# shellcheck disable=SC2034
	EXPECT_LOG='does not answer|broke the protocol|did not answer'
	capture_open
	card_may_die
	capture_begin cap -w /tmp/cap.pcapng
	p recv eof
	h send forever rate=2M
	sleep 0.2
	card_stops
	soon 15000 capture_says cap "has left the engine: the engine failed" ||
		fail "it does not say that the flow has left"
	start=${EPOCHREALTIME//[.,]/}
	capture_end cap
	le "microseconds to its end" $((${EPOCHREALTIME//[.,]/} - start)) 2000000
	ge "frames" "$FRAMES" 50
	capture_read cap
	h stop tx
	tell h wait tx
	h shutdown
	tell p wait rx 20000
	is "what the peer got" "${R%% *} $(val error) $(val wrong_at)" "ok 0 -1"
	h close
	p close
	card_is_new
	leaves_nothing
}
also_v6 capture_card_dies

# Captures come and go, in order and killed, while their flow does the same.
test_capture_churn()
{
	local n said

	capture_open
	h return
	p recv eof
	h recv eof
	h send forever rate=5M
	p send forever rate=5M
	h handover 100 10
	on host "rm -f /tmp/churn.*; while [ -e /proc/\$PPID ]; do
			timeout -s INT 0.\$((RANDOM % 3 + 1)) $GUEST/toectl capture $HOST_NAME -w /tmp/churn.a
			timeout -s KILL 0.\$((RANDOM % 3))5 $GUEST/toectl capture $HOST_NAME -w /tmp/churn.b
		done >/tmp/churn.out 2>&1 & echo \$! >/tmp/churn.pid" >/dev/null
	HOST_UNDO+='kill $(cat /tmp/churn.pid) 2>/dev/null; rm -f /tmp/churn.*;'
	tell h wait hand 60000
	is "handovers" "${R%% *} count=$(val count) error=$(val error)" "ok count=100 error=0"
	# and once more while it stays there
	h offload
	sleep 0.5
	on host 'kill $(cat /tmp/churn.pid)'
	said=$(on host "grep -c 'frames captured' /tmp/churn.out; sort -u /tmp/churn.out |
		grep -vE 'frames captured|on engine|has left the engine|is not offloaded|being captured already|Killed'")
	n=${said%%$'\n'*}
	ge "captures that had an end" "$n" 3
	is "what else they say" "$(echo "$said" | tail -n +2)" ""
	soon 10000 captures_on_card 0 || fail "the card still captures"
	no_timeouts
	finish_both h p
	leaves_nothing
}
also_v6 capture_churn
alone capture_churn
