# SPDX-License-Identifier: GPL-2.0-only
# What ss, nstat, /proc/net/tcp and TCP_INFO say of a connection on an engine is what
# happens on the wire, and goes on from there when it is back.

# The flow as the card counts it. Usage: card_counts KEY
card_counts()
{
	card ".card.flows[0].$1"
}

# ss -ti of the flow on the host, in $SS; and a number of it
ss_look()
{
	SS=$(on host "ss -Htin 'sport = :$PORT or dport = :$PORT'")
}

# rtt and rttvar in microseconds, retrans (of retrans:N/TOTAL), or any KEY:NUMBER
ss_number()	# rtt|rttvar|retrans|KEY
{
	local word

	for word in $SS; do
		case $1:$word in
		rtt:rtt:*)	word=${word#rtt:}; word=${word%/*} ;;
		rttvar:rtt:*)	word=${word#*/} ;;
		retrans:retrans:*) echo "${word#*/}"; return ;;
		rtt:* | rttvar:* | retrans:*) continue ;;
		*:"$1":*)	echo "${word#*:}"; return ;;
		*)		continue ;;
		esac
		awk -v ms="$word" 'BEGIN { printf "%.0f\n", ms * 1000 }'
		return
	done
	echo 0
}

# What a TCP counter of the host has grown by. Usage: mib NAME
mib()
{
	local now before

	now=$(netstat_of host | awk -v k="$1" '$1 == k { print $2 }')
	before=$(awk -v k="$1" '$1 == k { print $2 }' "$WORK/netstat.host")
	echo $((now - before))
}

# Nothing moves any more, and all has been reported.
books_closed_now()
{
	ss_look
	[ "$(ss_number retrans)" = "$(card_counts retrans)" ] &&
		[ "$(ss_number rtt)" = "$(card_counts srtt_us)" ] &&
		[ "$(ss_number rttvar)" = "$(card_counts rttvar_us)" ]
}

books_agree()
{
	soon 10000 books_closed_now ||
		fail "ss: $SS; the card: $(card '.card.flows[0] | [.srtt_us, .rttvar_us, .retrans]')"
}

# The engine loses packets and sends them again: its retransmissions and its
# round-trip time are what ss, the application and nstat show, and the connection
# takes them home.
test_books_loss()
{
	local bytes=$((16 * M)) retrans rbytes rtt var

	setup
	connected
	h offload
	ss_look
	is "retransmissions before" "$(ss_number retrans)" 0
	netstat_save
	peer_loses input 3
	p recv $((bytes + M))
	h send $bytes
	got h tx $bytes
	carried tx $bytes
	peer_loses_nothing_more
	books_agree
	retrans=$(ss_number retrans) rbytes=$(ss_number bytes_retrans)
	rtt=$(ss_number rtt) var=$(ss_number rttvar)
	note "rtt $rtt us, rttvar $var us, $retrans segments sent again, $rbytes bytes"
	ge "retransmissions" "$retrans" 10
	is "bytes_retrans" "$rbytes" "$(card_counts retrans_bytes)"
	ge "their bytes" "$rbytes" $((retrans * 500))
	is "bytes_sent less bytes_retrans" \
		$(($(ss_number bytes_sent) - rbytes)) $bytes
	h info
	is "TCP_INFO" "$(val total_retrans) $(val bytes_retrans) $(val rtt_us) $(val rttvar_us)" \
		"$retrans $rbytes $rtt $var"
	is "TcpRetransSegs" "$(mib RetransSegs)" "$retrans"
	is "TCPTimeouts of the host" "$(mib TCPTimeouts)" "$(card_counts timeouts)"
	is "TCPLossProbes of the shadow" "$(mib TCPLossProbes)" 0
	offloaded
	h return
	ss_look
	is "retransmissions after the return" "$(ss_number retrans) $(ss_number bytes_retrans)" \
		"$retrans $rbytes"
	is "rtt after the return" "$(ss_number rtt)" "$rtt"
	is "rttvar after the return" "$(ss_number rttvar)" "$var"
	h send $M
	got p rx $((bytes + M))
	ss_look
	ge "retransmissions, later" "$(ss_number retrans)" "$retrans"
	h close
	p close
	leaves_nothing
}
also_v6 books_loss

# Segments in and out are counted as the engine sees them, not as the large pieces
# that go between it and the host, and no more often than once.
test_books_segments()
{
	local bytes=$((16 * M)) base_out base_in out in sent

	setup
	connected
	h offload
	h info
	base_out=$(val segs_out) base_in=$(val segs_in)
	netstat_save
	p recv $bytes
	h recv $bytes
	h send $bytes
	p send $bytes
	got p rx $bytes
	got h rx $bytes
	books_agree
	# The card's last acknowledgement may be later than what it told of itself last.
	soon 10000 eval 'tell h info && [ $(($(val segs_in) - base_in)) = "$(card_counts segs_in)" ] &&
		[ $(($(val segs_out) - base_out)) -ge "$(card_counts segs_out)" ]'
	h info
	out=$(($(val segs_out) - base_out)) in=$(($(val segs_in) - base_in))
	is "segs_in" "$in" "$(card_counts segs_in)"
	sent=$(card_counts segs_out)
	ge "segs_out" "$out" "$sent"
	le "segs_out" "$out" $((sent + sent / 20))
	ge "segments in" "$in" $((bytes / 1460))
	# beside these only what the test itself says to the host
	ge "TcpInSegs" "$(mib InSegs)" "$in"
	le "TcpInSegs" "$(mib InSegs)" $((in + in / 10))
	ge "TcpOutSegs" "$(mib OutSegs)" $((out - $(card_counts retrans)))
	le "TcpOutSegs" "$(mib OutSegs)" $((out + out / 10))
	note "out $out in $in, the card: $sent, $(card_counts segs_in)"
	h return
	h info
	ge "segs_out after the return" $(($(val segs_out) - base_out)) "$out"
	ge "segs_in after the return" $(($(val segs_in) - base_in)) "$in"
	h close
	p close
	no_timeouts
	leaves_nothing
}
also_v6 books_segments

# A line of /proc/net/tcp. Usage: proc_tcp tx|rx|retrnsmt
proc_tcp()
{
	local hex

	hex=$(printf %04X "$PORT")
	on host "cat /proc/net/tcp${V6:+6}" | awk -v p="$hex" -v what="$1" '
		$3 ~ ":" p "$" || $2 ~ ":" p "$" { split($5, q, ":")
			print what == "tx" ? q[1] : what == "rx" ? q[2] : $7 }' |
		{ read -r hex; echo $((16#$hex)); }
}

queue_is()	# tx|rx BYTES
{
	[ "$(proc_tcp "$1")" = "$2" ]
}

# The queues are those of the connection: what the application gave and the peer has
# not acknowledged, what has come and was not read.
test_books_queues()
{
	local sent acked

	setup
	connected
	h offload
	h send $((24 * M)) epoll
	soon 10000 asleep h tx || fail "the sender does not sleep"
	sleep 0.3
	tell h state tx
	sent=$(val bytes)
	h flow
	acked=$(val tx_total)
	# what is acknowledged includes the SYN
	soon 10000 queue_is tx $((sent - acked + 1)) ||
		fail "tx_queue $(proc_tcp tx), given $sent, acknowledged $acked"
	p recv $((24 * M))
	got h tx $((24 * M))
	got p rx $((24 * M))
	soon 10000 queue_is tx 0 || fail "tx_queue $(proc_tcp tx) when all is acknowledged"
	p send 40000
	got p tx 40000
	soon 10000 queue_is rx 40000 || fail "rx_queue $(proc_tcp rx), not 40000"
	h recv 40000
	got h rx 40000
	soon 10000 queue_is rx 0 || fail "rx_queue $(proc_tcp rx) when all is read"
	offloaded
	h close
	p close
	leaves_nothing
}
also_v6 books_queues

# Nothing comes through any more: the timeouts of the engine's TCP are seen, and when
# all is well again they are over.
test_books_timeouts()
{
	local timeouts

	setup
	connected
	h offload
	netstat_save
	peer_loses input 100
	p recv $M
	h send $M
	soon 10000 eval '[ "$(proc_tcp retrnsmt)" -ge 2 ]' ||
		fail "unanswered timeouts: $(proc_tcp retrnsmt)"
	h info
	ge "TCP_INFO's retransmits" "$(val retransmits)" 2
	peer_loses_nothing_more
	got p rx $M
	got h tx $M
	soon 10000 eval '[ "$(proc_tcp retrnsmt)" = 0 ]' ||
		fail "unanswered timeouts, later: $(proc_tcp retrnsmt)"
	books_agree
	timeouts=$(card_counts timeouts)
	ge "timeouts of the card" "$timeouts" 2
	is "TCPTimeouts" "$(mib TCPTimeouts)" "$timeouts"
	offloaded
	h close
	p close
	leaves_nothing
}
also_v6 books_timeouts
