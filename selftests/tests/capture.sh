# SPDX-License-Identifier: GPL-2.0-only
# toectl capture: what an engine sends and receives can be seen, all of it and
# nothing else, and the flow does not notice.

CAPTURE_FILE=/src/build/test/capture.pcapng	# a copy, where the checker runs

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
	soon 3000 capture_says "$name" 'on engine' ||
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
	soon 5000 capture_ended "$1" || fail "the capture does not end"
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

	"$LAB" host -- cat "/tmp/$name.pcapng" </dev/null >"$TOP/build/test/capture.pcapng" ||
		die "no file of the capture"
	l=${l//[][]/} r=${r//[][]/}
	R=$(on card "python3 /src/selftests/tools/frames.py $CAPTURE_FILE \
		${l%:*} ${l##*:} ${r%:*} ${r##*:} $*")
	[ "${R%% *}" = ok ] || fail "the file: $R"
}

# The same bytes on the wire as in the application, in both directions. A full
# frame is the MTU, less IP, TCP and its timestamps. Usage: ... MSS [v6]
capture_both_ways()
{
	local mss=$1
	shift

	setup
	stats_begin
	connected "$@"
	h offload
	capture_name
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
	capture_read cap 1:0 2:0
	is "frames in the file" $(($(val sent) + $(val received))) "$FRAMES"
	is "bytes sent" "$(val sent_bytes)" $M
	is "bytes received" "$(val received_bytes)" $M
	is "gaps" "$(val sent_gaps)$(val received_gaps)" 00
	is "longest payload sent" "$(val sent_mss)" "$mss"
	is "longest payload received" "$(val received_mss)" "$mss"
	h close
	p close
	no_timeouts
	leaves_nothing
}

test_capture_both_ways()
{
	capture_both_ways 1448
}

test_capture_both_ways_v6()
{
	capture_both_ways 1428 v6
}
