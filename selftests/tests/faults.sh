# SPDX-License-Identifier: GPL-2.0-only
# A card that misbehaves: the error is logged and counted, the flow goes on in
# the stack, not one byte is wrong, the host is unharmed.

# Bytes move both ways, from here until stream_end.
stream_begin()
{
	setup
	stats_begin
	connected
	p recv eof
	h recv eof
	h send forever rate=20M
	p send forever rate=20M
}

stream_end()
{
	finish_both h p
	leaves_nothing
}

# And afterwards the flow can go to the engine as if nothing had been.
once_more()
{
	soon 10000 tell h offload || fail "the next offload: $R"
	offloaded
	sleep 0.1
}

test_card_answers_prepare_late()
{
	stream_begin
	toectl set timeout 200 >/dev/null
	fault prepare-late 1 600
	tell h offload && fail "offloaded"
	[[ $R = *"did not answer in time"* ]] || fail "$R"
	is "refused/engine-timeout" "$(grew refused/engine-timeout)" 1
	soon 10000 grown err_late_reply 1 || fail "err_late_reply has grown by $(grew err_late_reply)"
	toectl set timeout 1000 >/dev/null
	once_more
	stream_end
}
also_v6 card_answers_prepare_late

test_card_answers_open_late()
{
	stream_begin
	toectl set timeout 200 >/dev/null
	fault open-late 1 600
	tell h offload && fail "offloaded"
	[[ $R = *"did not answer in time"* ]] || fail "$R"
	is "refused/engine-timeout" "$(grew refused/engine-timeout)" 1
	toectl set timeout 1000 >/dev/null
	soon 10000 grown err_late_reply 1 || fail "err_late_reply has grown by $(grew err_late_reply)"
	once_more
	stream_end
}
also_v6 card_answers_open_late

# The last bytes that the card has received come behind its answer to CLOSE: they have
# the return go on. It would wait for a minute else.
test_card_sends_its_last_bytes_late()
{
	local start

	setup
	HOST_UNDO="$GUEST/toectl set timeout 1000"
	stats_begin
	connected
	h offload
	toectl set timeout 60000 >/dev/null
	h recv 1000
	fault rx-after-close 1 300
	p send 1000
	# The card acknowledges what it has passed on.
	soon 10000 all_acked p || fail "the card has not got it: $R"
	h state rx
	is "bytes that the host has" "$(val bytes)" 0
	start=${EPOCHREALTIME//[.,]/}
	h return
	le "us until it is back" $((${EPOCHREALTIME//[.,]/} - start)) 20000000
	got h rx 1000
	carried rx 1000
	is "err_sequence" "$(grew err_sequence)" 0
	is "takeovers" "$(grew takeovers)" 0
	h close
	p close
	no_timeouts
	leaves_nothing
}
also_v6 card_sends_its_last_bytes_late

# More than the ring has messages, 1,024: each of them sends one and waits for the answer,
# again and again.
LATE_CROWD=1100
LATE_ADDR=fd77::9

late_crowd()
{
	local out

	PORT=$((PORT + 1))
	classifier_in
	out=$(toectl "policy flush && $GUEST/toectl policy add prio 1 rport $PORT threshold 1" 2>&1) ||
		die "policy: $out"
	on peer "ip addr add $LATE_ADDR/64 dev peer0 nodad" || die "ip addr"
	"$LAB" push "$BUILD/test/load" $GUEST </dev/null || die "no load"
	ACTORS+=" load server"
	pipe_open server "$LAB" peer -- /src/build/test/load serve $PORT
	IFS= read -r -t 20 -u "${OUT[server]}" R || die "the peer does not serve"
	pipe_open load "$LAB" host -- $GUEST/load rr $LATE_ADDR $PORT $LATE_CROWD 4000000000 64
	hear load || die "load: $R"
	soon 20000 grown flows/engine $LATE_CROWD || die "$(grew flows/engine) on the engine"
	say load go
}

late_stalls()	# MORE-THAN
{
	[ "$(grew tx_stalls)" -gt "$1" ]
}

late_unacked()	# ACTOR
{
	tell "$1" info && [ "$(val unacked)" -ge 1 ]
}

# The bytes that the peer has not acknowledged follow OPEN, and the ring has no room for
# them. They go when it has some, and OPEN is answered: it would not be for a minute else.
test_card_takes_late_what_was_sent()
{
	local start stalls n

	setup
	HOST_UNDO="$GUEST/toectl set timeout 1000; $GUEST/toectl unload
		ip route del $PEER_ADDR dev eth0; ip -6 route del $PEER_ADDR6 dev eth0"
	PEER_UNDO="nft delete table inet toe_test 2>/dev/null; ip addr del $LATE_ADDR/64 dev peer0"
	stats_begin
	late_crowd
	# Unacknowledged for seconds, and calm
	on host "ip route add $PEER_ADDR dev eth0 rto_min 60s &&
		ip -6 route add $PEER_ADDR6 dev eth0 rto_min 60s" || die "ip route"
	toectl set timeout 60000 >/dev/null
	for n in 1 2; do
		pair $n "$(family $n)"
		on peer "nft 'add table inet toe_test
			add chain inet toe_test c { type filter hook input priority 0; }
			add rule inet toe_test c tcp dport $PORT counter drop'" ||
			skip "the peer's kernel has no nft"
		tell h$n send 1000
		soon 5000 late_unacked h$n || fail "$n: nothing is under way: $R"
		stalls=$(grew tx_stalls)
		fault tx-after-open 1 300
		soon 10000 late_stalls "$stalls" || fail "the ring has room"
		stalls=$(grew tx_stalls)
		start=${EPOCHREALTIME//[.,]/}
		tell h$n offload || die "$n: not offloaded: $R"
		le "us until it is there" $((${EPOCHREALTIME//[.,]/} - start)) 20000000
		ge "tx_stalls" "$(grew tx_stalls)" $((stalls + 1))
		in_state h$n engine || fail "$n: $R"
		peer_loses_nothing_more
		tell p$n recv 1000
		got p$n rx 1000
	done
	pipe_close load
	soon 20000 grown flows/engine 2 || fail "$(grew flows/engine) on the engine"
	part h1 p1
	part h2 p2
	leaves_nothing
	pipe_close server
}

# Everything the host needs it knows without the card.
test_card_answers_close_late()
{
	stream_begin
	h offload
	sleep 0.1
	toectl set timeout 200 >/dev/null
	fault close-late 1 600
	h return
	is "takeovers" "$(grew takeovers)" 1
	toectl set timeout 1000 >/dev/null
	soon 10000 grown err_late_reply 1 || fail "err_late_reply has grown by $(grew err_late_reply)"
	sleep 0.3
	stream_end
}
also_v6 card_answers_close_late

# One extra message. Usage: nonsense FAULT COUNTER TAKEN-BACK
nonsense()
{
	# shellcheck disable=SC2034
	EXPECT_LOG='broke the protocol'
	stream_begin
	h offload
	sleep 0.1
	fault "$1" 1
	soon 10000 more "$2" 1 || fail "$2 has grown by $(grew "$2")"
	log_new | grep -q "broke the protocol: $2" || fail "the kernel's log does not name $2"
	if [ "$3" = yes ]; then
		soon 10000 grown returned/engine-error 1 ||
			fail "returned/engine-error has grown by $(grew returned/engine-error)"
		once_more
	else
		sleep 0.1
		offloaded
	fi
	stream_end
}

more()	# KEY N
{
	[ "$(grew "$1")" -ge "$2" ]
}

test_card_names_unknown_flow()
{
	nonsense rx-unknown-flow err_unknown_flow no
}
also_v6 card_names_unknown_flow

test_card_sends_wrong_sequence()
{
	nonsense rx-wrong-seq err_sequence yes
}
also_v6 card_sends_wrong_sequence

test_card_sends_absurd_length()
{
	nonsense rx-absurd-len err_length yes
}
also_v6 card_sends_absurd_length

test_card_acknowledges_what_was_not_sent()
{
	nonsense rx-wrong-ack err_sequence yes
}
also_v6 card_acknowledges_what_was_not_sent

test_card_counts_wrong()
{
	nonsense rx-wrong-info err_sequence yes
}
also_v6 card_counts_wrong

test_card_ends_with_wrong_numbers()
{
	# shellcheck disable=SC2034
	EXPECT_LOG='broke the protocol'
	stream_begin
	h offload
	sleep 0.1
	fault close-wrong-seq 1
	h return
	is "err_sequence" "$(grew err_sequence)" 1
	is "takeovers" "$(grew takeovers)" 1
	sleep 0.2
	once_more
	stream_end
}
also_v6 card_ends_with_wrong_numbers

# What the card has of a socket's is not waited for when the card is dead.
wmem_is_free()
{
	[[ $(on host "ss -tmnH '( dport = :$PORT )'") = *,t0,* ]]
}

# A card that dies with messages in its hands: the flow goes on without it.
card_dies_with_messages()
{
	setup
	# shellcheck disable=SC2034
	EXPECT_LOG='does not answer|did not answer'
	connected "$@"
	h set nodelay 1
	card_may_die
	h offload
	p recv 65536
	card_stops
	h send 65536 chunk=4096
	got h tx 65536
	wmem_is_free && fail "the card had none of its messages: $(on host "ss -tmn")"
	soon 15000 in_state h host || fail "$R"
	soon 5000 wmem_is_free || fail "the socket waits for the card: $(on host "ss -tmn")"
	got p rx 65536
	p recv $M
	h send $M chunk=4096
	got h tx $M
	got p rx $M
	h close
	p close
	card_is_new
	leaves_nothing
}

test_card_dies_with_messages()
{
	card_dies_with_messages
}
also_v6 card_dies_with_messages
