# SPDX-License-Identifier: GPL-2.0-only
# The peer cannot tell either: what it receives while flows are handed over at random
# is what one TCP would have sent. tcpdump runs at the peer's interface, wirecheck
# judges its file; the same traffic without an engine shows that wirecheck takes what
# is native for right.

alone

LOOK_FILE=look.pcap	# tcpdump at the peer writes it, wirecheck reads it

# A veth puts a frame into the backlog of the processor that sends it. Two of them have their
# turns as it comes, and what left one behind the other may arrive before it: the last
# frames of the host's stack and the first of the card's. One wire keeps the order, and
# so does one backlog.
look_in_order()	# 1|0
{
	on peer "echo $1 >/sys/class/net/peer0/queues/rx-0/rps_cpus" >/dev/null
}

# Usage: look_begin [tcpdump's options]
look_begin()
{
	local ports="portrange $((FIRST_PORT + 1))-$((FIRST_PORT + 20))"

	rm -f "$LAB_RUN/$LOOK_FILE"
	trap 'rc=$?; look_kill; (exit $rc); cleanup' EXIT
	look_in_order 1 || die "peer0: no choice of the processor that receives"
	on peer "tcpdump -i peer0 -n -Z root -B 131072 $* -w $LAB_RUN_IN/$LOOK_FILE tcp and $ports \
		>/dev/null 2>/tmp/look.err & echo \$! >/tmp/look.pid" >/dev/null
	soon 5000 look_says 'listening on' || die "tcpdump: $(on peer "cat /tmp/look.err")"
}

look_says()
{
	local said

	said=$(on peer "cat /tmp/look.err")
	[[ $said = *"$1"* ]]
}

look_kill()
{
	on peer "[ ! -e /tmp/look.pid ] || kill -INT \$(cat /tmp/look.pid); rm -f /tmp/look.pid" \
		>/dev/null 2>&1
	look_in_order 0
}

# It has written all that there was; nothing comes any more.
look_written()
{
	local said

	on peer "kill -USR1 \$(cat /tmp/look.pid)"
	said=$(on peer "sleep 0.1; tail -n 1 /tmp/look.err")
	[[ $said =~ ([0-9]+)\ packets?\ captured,\ ([0-9]+)\ packets?\ received ]] &&
		[ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ]
}

look_ended()
{
	on peer "! kill -0 $LOOK_PID 2>/dev/null"
}

# Judges what was captured, of so many connections. The figures are in $R.
# Usage: look_end CONNECTIONS [wirecheck's words]
look_end()
{
	soon 10000 look_written || fail "tcpdump does not write all: $(on peer "cat /tmp/look.err")"
	LOOK_PID=$(on peer "cat /tmp/look.pid")
	look_kill
	soon 5000 look_ended || die "tcpdump does not end"
	look_says $'\n0 packets dropped by kernel' ||
		fail "the capture is not all: $(on peer "cat /tmp/look.err")"
	LIMIT=60 on peer "/src/build/test/wirecheck $LAB_RUN_IN/$LOOK_FILE host $HOST_ADDR,$HOST_ADDR6 ${*:2}" \
		>"$WORK/look"
	R=$(tail -n 1 "$WORK/look")
	note "$R"
	if [ "${R%% *}" != ok ]; then
		fail "the peer can tell:" $'\n'"$(head -n 60 "$WORK/look" | sed 's/^/#   /')"
		[ -z "${LOOK_KEEP:-}" ] || cp "$LAB_RUN/$LOOK_FILE" "$LOOK_KEEP"
	fi
	rm -f "$LAB_RUN/$LOOK_FILE"
	is "connections and FINs seen" "$(val connections) $(val fins)" "$1 $1"
}

# Eight connections; every other one is accepted by the host, and one has a small
# receive buffer there, and another one sequence numbers that wrap. Usage: look_connect [v6]
look_connect()
{
	local n from

	for n in 1 2 3 4 5 6 7 8; do
		from=
		[ $((n % 2)) = 0 ] || from=from-peer
		[ $n != 6 ] || from=rcvbuf=16K
		[ $n != 8 ] || from=isn=4294767296
		# shellcheck disable=SC2086	# words
		meet h$n p$n $from ${1:-}
	done
}

# When all that there is to send has been sent: FINs, the host's or the peer's first.
# Usage: look_close BYTES-FROM-HOST BYTES-FROM-PEER N...
look_close()
{
	local n first second

	for n in "${@:3}"; do
		first=h$n second=p$n
		[ $((n % 3)) != 0 ] || first=p$n second=h$n
		tell $first wait tx
		tell $second wait tx
		tell $first shutdown
		tell $second wait rx
		tell $second shutdown
		tell $first wait rx
		got p$n rx "$1"
		got h$n rx "$2"
		tell $first close
		tell $second close
	done
}

# Sending, receiving, both, messages to and fro, idle with keepalive, at either end a
# reader with a small buffer who is slower than the sender, and a sender of small
# pieces: each for about four seconds. Then short ones, which end as soon as they
# have begun. Usage: look_traffic [v6]
look_traffic()
{
	local n

	for n in 1 2 3 4 5 6 7 8; do
		actor h$n host
		actor p$n peer
	done
	look_connect "$@"
	tell h5 set keepalive 1
	tell h5 set keepidle 1
	tell p7 set rcvbuf 16K
	for n in 1 2 3 5 8; do
		tell h$n recv eof
		tell p$n recv eof
	done
	tell h6 recv eof rate=1M
	tell p6 recv eof
	tell h7 recv eof
	tell p7 recv eof rate=1M

	tell h1 send 24M rate=6M
	tell p2 send 24M rate=6M
	tell h3 send 12M rate=3M
	tell p3 send 12M rate=3M
	tell p4 echo 1000 300
	tell h4 ping 1000 300 2
	tell h5 send 1
	tell p6 send 4M
	tell h7 send 4M
	tell h8 send 400K chunk=100 rate=100K
	tell p8 send 400K chunk=3000 rate=100K

	tell h4 wait tx
	is "ping" "${R%% *} error=$(val error) wrong_at=$(val wrong_at)" "ok error=0 wrong_at=-1"
	tell p4 wait rx
	tell h4 close
	tell p4 close
	look_close $((24 * M)) 0 1
	look_close 0 $((24 * M)) 2
	look_close $((12 * M)) $((12 * M)) 3
	look_close 1 0 5
	look_close 0 $((4 * M)) 6
	look_close $((4 * M)) 0 7
	look_close 409600 409600 8

	look_connect "$@"
	for n in 1 2 3 4 5 6 7 8; do
		tell h$n recv eof
		tell p$n recv eof
		tell h$n send 256K
		tell p$n send 256K
	done
	look_close 262144 262144 1 2 3 4 5 6 7 8
}

# A stack that gets data twice looks for another path, by another flow label
# (tcp_rcv_spurious_retrans(), net/ipv4/tcp_input.c): natively now and then.
LOOK_NOT=flow-label

# Nobody's flow is offloaded.
look_native()
{
	setup
	stats_begin
	look_begin
	look_traffic "$@"
	look_end 16 except $LOOK_NOT
	ge "sequence numbers that wrapped" "$(val wraps)" 1
	is "opens" "$(grew opens)" 0
	leaves_nothing
}

# Usage: look_churn [v6]
look_churn()
{
	setup
	stats_begin
	churn_rules
	look_begin
	churn_begin every 5ms
	look_traffic "$@"
	churn_end
	look_end 16 except $LOOK_NOT
	ge "sequence numbers that wrapped" "$(val wraps)" 1
	ge "offloads by churn" "$OFFLOADS" 200
	ge "opens" "$(grew opens)" "$OFFLOADS"
	# those that ended on their way were counted by their FIN
	ge "returned, admin" "$(grew returned/admin)" 200
	leaves_nothing
}

test_wirelook_native()
{
	look_native
}

test_wirelook_native_ipv6()
{
	look_native v6
}

test_wirelook()
{
	look_churn
}

test_wirelook_ipv6()
{
	look_churn v6
}
