# SPDX-License-Identifier: GPL-2.0-only
# The wire is bad, or the peer has its ways. Each condition: both families, both
# directions at once, first on the engine all the time, then with hand-overs.
#
# How fast it goes, against the stack under the same conditions: make bench B=wire.

. "$TOP/selftests/cable.sh"

# Two connections: 1 is of IPv4 and the host's, 2 of IPv6 and the peer's.
# Usage: wire_meet [WORDS for 1] [WORDS for 2]
wire_meet()
{
	local n

	for n in 1 2; do
		actor h$n host
		actor p$n peer
	done
	# shellcheck disable=SC2086
	meet h1 p1 ${1:-}
	# shellcheck disable=SC2086
	meet h2 p2 v6 from-peer ${2:-}
}

wire_offload()
{
	local n

	for n in 1 2; do
		soon 5000 tell h$n offload || die "h$n: offload: $R"
	done
}

# So many bytes both ways on both connections. Usage: wire_move BYTES
wire_move()
{
	local n dir

	for n in h1 p1 h2 p2; do
		tell $n recv "$1" chunk=0 || die "$n: $R"
	done
	for n in h1 p1 h2 p2; do
		tell $n send "$1" chunk=0 || die "$n: $R"
	done
	for n in h1 p1 h2 p2; do
		got $n tx "$1"
		got $n rx "$1"
		note "$n received with $(($1 / ($(val us) + 1))) MB/s, largest gap $(val gap_us) us"
	done
}

# The engine has carried all of it. Usage: wire_carried BYTES
wire_carried()
{
	local n dir

	for n in 1 2; do
		for dir in tx rx; do
			carried $dir "$1" h$n
		done
		is "h$n: state" "$(val state)" engine
		is "h$n: opens" "$(val opens)" 1
	done
}

wire_churned()	# LEAST
{
	local n

	for n in 1 2; do
		tell h$n state hand
		[ "$(val bytes)" -ge "$1" ] || return 1
	done
}

# Hand-overs of both connections while bytes move. Usage: wire_churn BYTES TIMES
wire_churn()
{
	local n try

	for n in 1 2; do
		tell h$n return || die "h$n: return: $R"
		tell h$n handover "$2" 5 || die "h$n: $R"
	done
	# A machine that is busy otherwise may be quicker with the bytes.
	for ((try = 1; try <= 20; try++)); do
		wire_move "$1"
		! wire_churned 3 || break
	done
	for n in 1 2; do
		tell h$n stop hand
		tell h$n wait hand || fail "h$n: hand-overs: $R"
		note "h$n: $(val count) hand-overs, $(val busy) put off"
		is "h$n: error of the hand-overs" "$(val error)" 0
		ge "h$n: hand-overs" "$(val count)" 3
	done
}

wire_over()
{
	local n

	for n in 1 2; do
		tell h$n close
		tell p$n close
	done
	leaves_nothing
}

# What `ss -ti` says of the card's sockets. Usage: wire_card_says WORD yes|no
wire_card_says()
{
	local line n=0 out

	out=$(on card "ss -Htnio state established")
	while IFS= read -r line; do
		[[ $line = *rto:* ]] || continue
		n=$((n + 1))
		[[ $line =~ [[:space:]]$1 ]] && line=yes || line=no
		is "the card's ss says $1" $line "$2"
	done <<<"$out"
	is "sockets on the card" $n 2
}

# WIRE_DIR: of the cable, else both; WIRE_MEET: words for both connections; WIRE_CARD: what wire_card_says.
# Usage: wire_condition BYTES TIMES KEY=N...
wire_condition()
{
	local bytes=$1 times=$2
	shift 2

	setup
	cable_in
	# Before they meet: who has known a better wire goes by that for a while.
	cable "${WIRE_DIR:-both}" "$@"
	wire_meet "${WIRE_MEET:-}" "${WIRE_MEET:-}"
	wire_offload
	cable_counts
	wire_move "$bytes"
	# shellcheck disable=SC2086	# two words
	[ -z "${WIRE_CARD:-}" ] || wire_card_says $WIRE_CARD
	wire_carried "$bytes"
	cable_counts
	WIRE_COUNTS=$R
	note "$R"
	wire_churn "$bytes" "$times"
	cable both
	wire_over
	cable_out
}

# Both directions had their share. Usage: wire_had KEY LEAST
wire_had()
{
	local R=$WIRE_COUNTS

	ge "to the host: $1" "$(val to_host_"$1")" "$2"
	ge "to the peer: $1" "$(val to_peer_"$1")" "$2"
}

test_wire_loss_tenth()
{
	wire_condition $((16 * M)) 10 loss=1000
	wire_had lost 5
}

# The peer hears at once of each fifth segment that the card has behind a gap: of five, no
# more than four are not told.
test_wire_loss_one()
{
	local changes behind

	wire_condition $((4 * M)) 10 loss=10000
	wire_had lost 20
	changes=" $(netstat_changes card)"
	[[ $changes =~ " TCPOFOQueue+"([0-9]+) ]] || fail "the card has seen no gap:$changes"
	behind=${BASH_REMATCH[1]:-0}
	note "$behind segments behind gaps:$changes"
	! [[ $changes =~ " TCPAckCompressed+"([0-9]+) ]] ||
		le "of them not told" "${BASH_REMATCH[1]}" $((behind * 4 / 5))
}

test_wire_loss_five()
{
	wire_condition $((1 * M)) 5 loss=50000
	wire_had lost 20
}

test_wire_delay()
{
	wire_condition $((3 * M)) 10 delay=25000
}

test_wire_reorder()
{
	wire_condition $((8 * M)) 10 reorder=20000 late=2000
	wire_had reordered 50
}

test_wire_duplicate()
{
	wire_condition $((8 * M)) 10 dup=50000
	wire_had duplicated 100
}

# The peer takes back what it promised, and gives it again.
test_wire_narrow()
{
	local R

	WIRE_DIR=to-host
	wire_condition $((4 * M)) 10 narrow=5000
	R=$WIRE_COUNTS
	ge "windows that were made smaller" "$(val to_host_narrowed)" 50
	ge "right edges that went back" "$(val to_host_shrunk)" 10
}

### peers that have their ways

# A setting of the peer's namespace, until the test is over
wire_peer_set()	# NAME VALUE
{
	local was

	was=$(on peer "sysctl -n net.ipv4.$1") || die "$1: $was"
	WIRE_UNDO="sysctl -q net.ipv4.$1=$was"
	trap 'WIRE_RC=$?; on peer "$WIRE_UNDO"; (exit $WIRE_RC); cleanup' EXIT
	on peer "sysctl -q net.ipv4.$1=$2" || die "$1=$2"
}

test_wire_mss()
{
	WIRE_MEET=mss=536 WIRE_CARD="mss:524 yes"
	wire_condition $((4 * M)) 10
}

test_wire_no_sack()
{
	wire_peer_set tcp_sack 0
	WIRE_CARD="sack no"
	wire_condition $((2 * M)) 10 loss=2000
	wire_had lost 1
}

# What is fed to a shadow to make it send looks like a duplicate acknowledgement. Without SACK
# the stack would take three of them for a loss, and count more than it has when they un-send.
test_wire_no_sack_no_duplicates()
{
	local n out

	setup
	wire_peer_set tcp_sack 0
	cable_in
	cable both delay=500000
	wire_meet
	for n in 1 2; do
		tell p$n recv $((M / 4)) chunk=0 || die "p$n: $R"
		tell h$n send $((M / 4)) chunk=0 || die "h$n: $R"
	done
	# The first window is out, its acknowledgement is a while away.
	wire_offload
	out=$(on host "ss -Htnio state established")
	[[ $out != *sacked:* ]] || fail "duplicates that nobody sent: $out"
	for n in 1 2; do
		tell h$n return || die "h$n: return: $R"
		got h$n tx $((M / 4))
		got p$n rx $((M / 4))
		tell h$n flow
		is "h$n: opens" "$(val opens)" 1
	done
	cable both
	wire_over
	cable_out
}

# A module that has just come has seen no change of the firewall's rules. After one, a
# connection without timestamps shows only by its data that they let it pass.
test_wire_no_timestamps()
{
	modules_out
	wire_peer_set tcp_timestamps 0
	WIRE_CARD="ts no"
	wire_condition $((2 * M)) 10 loss=2000
	wire_had lost 1
}

test_wire_no_scaling()
{
	wire_peer_set tcp_window_scaling 0
	WIRE_CARD="wscale:0,0 yes"
	wire_condition $((2 * M)) 10 loss=2000
	wire_had lost 1
}

# Without scaling the peer never knows of more than 64 KiB. They do not run out while the
# host has room and reads: each time they did the card would have to tell of more, and
# when that gets lost the peer waits for 200 ms.
test_wire_no_scaling_open()
{
	local n told

	setup
	wire_peer_set tcp_window_scaling 0
	wire_meet
	wire_offload
	# The host's buffers have grown behind the first bytes.
	for n in warm count; do
		told=$(card .card.counters.window_updates)
		wire_move_in $((16 * M))
	done
	told=$(($(card .card.counters.window_updates) - told))
	note "the card told of more room $told times"
	# of 512 windows
	le "times that the card told of more room" $told 200
	for n in 1 2; do
		carried rx $((32 * M)) h$n
	done
	wire_over
}

# The last acknowledgement of what is in flight gets lost while the card's socket recovers
# from a loss: the card asks the peer, or its retransmission timer would have to fire.
test_wire_lost_acknowledgement()
{
	local try bytes=$M asked n

	setup
	wire_peer_set tcp_window_scaling 0
	cable_in
	wire_meet
	wire_offload
	cable to-peer loss=10000
	cable to-host loss=200000
	for n in 1 2; do
		asked=$(card .card.counters.asks)
		for ((try = 1; try <= 30; try++)); do
			moves h$n p$n $bytes
			[ "$(card .card.counters.asks)" = "$asked" ] || break
		done
		note "$n: $try transfers"
		ge "$n: times that the card asked" "$(card .card.counters.asks)" $((asked + 1))
		carried tx $((try * bytes)) h$n
	done
	cable both
	wire_over
	cable_out
}

# All that a peer without window scaling may send waits behind a gap. When it is filled the
# card says so twice: if that got lost, the peer's retransmission timer would have to fire.
test_wire_tells_twice()
{
	local n try repeats=$(card .card.counters.repeats)

	setup
	wire_peer_set tcp_window_scaling 0
	cable_in
	wire_meet
	wire_offload
	cable to-host loss=10000
	for ((try = 1; try <= 30; try++)); do
		wire_move_in $((2 * M))
		[ "$(card .card.counters.repeats)" = "$repeats" ] || break
	done
	note "$try transfers"
	ge "times that the card repeated" "$(card .card.counters.repeats)" $((repeats + 1))
	for n in 1 2; do
		carried rx $((try * 2 * M)) h$n
	done
	cable both
	wire_over
	cable_out
}

# So many bytes of the peer on both connections. Usage: wire_move_in BYTES
wire_move_in()
{
	local n

	for n in 1 2; do
		tell h$n recv "$1" chunk=0 || die "h$n: $R"
		tell p$n send "$1" chunk=0 || die "p$n: $R"
	done
	for n in 1 2; do
		got p$n tx "$1"
		got h$n rx "$1"
	done
}

# TCP_REPAIR cannot say that ECN was agreed, and nobody would answer the marks: such a
# connection stays in the stack, where they are answered. Nothing is held for it.
test_wire_ecn()
{
	local n

	setup
	stats_begin
	wire_peer_set tcp_ecn 1
	cable_in
	wire_meet from-peer
	cable both mark=20000
	for n in 1 2; do
		tell h$n why
		is "why h$n" "$(val reason)" ecn
		if tell h$n offload; then
			fail "h$n: offloaded"
		fi
		[[ $R = *"agreed on ECN"* ]] || fail "h$n: refused with: $R"
	done
	is "refused/ecn" "$(grew refused/ecn)" 2
	wire_move $((2 * M))
	cable_counts
	WIRE_COUNTS=$R
	wire_had marked 5
	ge "marks that the peer answered" "$(netstat_changes peer | grep -o 'DeliveredCE+[0-9]*' | cut -d+ -f2)" 1
	ge "marks that the host answered" "$(netstat_changes host | grep -o 'DeliveredCE+[0-9]*' | cut -d+ -f2)" 1
	is "opens" "$(grew opens)" 0
	cable both
	wire_over
	cable_out
}

### a window that is shut

# What the jobs named have moved, all together. Usage: wire_sent ACTOR...
wire_sent()
{
	local who sum=0

	for who; do
		tell "$who" state tx || die "$who: $R"
		sum=$((sum + $(val bytes)))
	done
	echo $sum
}

wire_stands()	# ACTOR...
{
	local before

	before=$(wire_sent "$@")
	sleep 0.5
	[ "$(wire_sent "$@")" = "$before" ]
}

# Nobody reads for 30 s, both ways: two connections that stay on the engine, and two
# that go home meanwhile and come back when the window has opened.
test_wire_zero_window()
{
	local all="h1 p1 h2 p2 h3 p3 h4 p4" bytes=$((16 * M)) n began sent opens

	setup
	wire_meet
	for n in 3 4; do
		actor h$n host
		actor p$n peer
	done
	meet h3 p3 from-peer
	meet h4 p4 v6
	for n in 1 2 3 4; do
		soon 5000 tell h$n offload || die "h$n: offload: $R"
	done
	for n in $all; do
		tell $n send $bytes || die "$n: $R"
	done
	# shellcheck disable=SC2086
	soon 20000 wire_stands $all || fail "they do not stand still"
	began=$SECONDS
	# shellcheck disable=SC2086
	sent=$(wire_sent $all)
	le "bytes that were sent" "$sent" $((8 * bytes - M))
	sleep 8
	for n in 3 4; do
		tell h$n return || fail "h$n: return: $R"
	done
	sleep $((31 - (SECONDS - began)))
	# What is under way at a move may make a little room.
	# shellcheck disable=SC2086
	le "bytes that were sent meanwhile" $(($(wire_sent $all) - sent)) $((8 * M))
	for n in $all; do
		tell $n recv $bytes || die "$n: $R"
	done
	for n in 3 4; do
		soon 5000 tell h$n offload || fail "h$n: offload: $R"
	done
	for n in $all; do
		got $n tx $bytes
		got $n rx $bytes
	done
	wire_carried $bytes
	for n in 3 4; do
		tell h$n flow
		is "h$n: state" "$(val state)" engine
		is "h$n: opens" "$(val opens)" 2
	done
	for n in 1 2 3 4; do
		tell h$n close
		tell p$n close
	done
	leaves_nothing
}

### sequence numbers that wrap

WIRE_WRAP=4294967296

# Connection 1 has the host's numbers wrap, connection 2 the peer's, 4 MiB behind their
# beginning: on the engine, then in the middle of hand-overs.
test_wire_wrap()
{
	local how isn=$((WIRE_WRAP - 4 * M)) n

	setup
	cable_in
	for how in engine churn; do
		[ $how = engine ] || isn=$((WIRE_WRAP - 12 * M))
		if [ $how = engine ]; then
			wire_meet isn=$isn isn=$isn
		else
			meet h1 p1 isn=$isn
			meet h2 p2 v6 from-peer isn=$isn
		fi
		wire_offload
		cable_counts
		wire_move $((8 * M))
		if [ $how = engine ]; then
			wire_carried $((8 * M))
		else
			wire_churn $((8 * M)) 30
		fi
		cable_counts
		ge "wraps to the peer" "$(val to_peer_wraps)" 1
		ge "wraps to the host" "$(val to_host_wraps)" 1
		wire_over
	done
	cable_out
}

# The numbers wrap between what the peer has acknowledged and what was sent, and then
# the flow moves. The cable keeps what was sent, so that nothing is acknowledged.
wire_wrap_at()	# there|back [v6]
{
	local moved=0 try bytes=65536

	# A retransmission timer may be faster than we are: then once more.
	for try in 1 2 3 4 5; do
		meet h1 p1 ${2:-} isn=$((WIRE_WRAP - 5000))
		[ "$1" = there ] || soon 5000 tell h1 offload || die "offload: $R"
		cable_counts
		cable to-peer hold=1
		tell p1 recv $bytes
		tell h1 send $bytes
		soon 1000 wire_wrapped || fail "nothing wraps"
		if [ "$1" = there ]; then
			tell h1 offload && moved=1
		else
			tell h1 return && moved=1
		fi
		[ $moved = 1 ] || note "$R"
		tell h1 flow
		le "bytes acknowledged when it had moved" "$(val tx_total)" 1
		cable to-peer
		got h1 tx $bytes
		got p1 rx $bytes
		[ $moved$1 != 1there ] || carried tx $bytes h1
		tell h1 close
		tell p1 close
		[ $moved = 0 ] || return 0
	done
	fail "it does not move $1"
}

wire_wrapped()
{
	cable_counts
	[ "$(val to_peer_wraps)" = 1 ]
}

test_wire_wrap_handover()
{
	local how family

	setup
	cable_in
	actor h1 host
	actor p1 peer
	for family in "" v6; do
		for how in there back; do
			wire_wrap_at $how $family
		done
	done
	leaves_nothing
	cable_out
}

### a path whose MTU shrinks

WIRE_MTU=1280		# the least of IPv6

# An ICMP error comes from the path while the engine sends: the card obeys, and the
# host has learnt of it when the flow comes home.
test_wire_pmtu()
{
	local n out

	setup
	cable_in
	wire_meet
	wire_offload
	cable_counts
	cable to-peer mtu=$WIRE_MTU
	wire_move $((4 * M))
	wire_card_says "pmtu:$WIRE_MTU" yes
	wire_carried $((4 * M))
	cable_counts
	note "packets too big for the path: $(val to_peer_too_big)"
	ge "packets too big" "$(val to_peer_too_big)" 2
	for n in 1 2; do
		tell h$n return || die "h$n: return: $R"
	done
	for n in $PEER_ADDR $PEER_ADDR6; do
		out=$(on host "ip route get $n")
		[[ $out = *"mtu $WIRE_MTU"* ]] || fail "the host has not learnt: $out"
	done
	wire_move $M
	cable_counts
	is "packets of the host that were too big" "$(val to_peer_too_big)" 0
	# and there again, to a card that has forgotten
	on card "ip route flush cache; ip -6 route flush cache" >/dev/null
	wire_offload
	wire_move $M
	cable_counts
	is "packets of the card that were too big" "$(val to_peer_too_big)" 0
	wire_churn $((2 * M)) 10
	cable both
	wire_over
	mtu_forget
	cable_out
}

# What is gathered while the card has a message (small_writes() of data.sh) goes when the card
# is through with that, and waits neither for the peer, which hears nothing here, nor for
# the next look at the rings, once a second.
wire_gathered_writes_go_on()	# [v6]
{
	local i

	setup
	cable_in
	connected "$@"
	h set nodelay 1
	h offload
	stats_begin
	cable to-peer hold=1
	for ((i = 1; i <= 10; i++)); do
		card_stops
		h send 400 chunk=100
		got h tx 400
		card_goes_on
		# one at once, one when more was gathered than that, one of the rest
		soon 400 wire_messages $((3 * i)) || fail "round $i: $(grew tx_msgs) messages"
	done
	is "messages" "$(grew tx_msgs)" 30
	cable to-peer
	p recv 4000
	got p rx 4000
	carried tx 4000
	h return
	h close
	p close
	cable_out
	leaves_nothing
}

wire_messages()	# N
{
	[ "$(grew tx_msgs)" -ge "$1" ]
}

test_wire_gathered_writes_go_on()
{
	wire_gathered_writes_go_on
}

test_wire_gathered_writes_go_on_v6()
{
	wire_gathered_writes_go_on v6
}
