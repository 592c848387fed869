# SPDX-License-Identifier: GPL-2.0-only
# Those who sleep on the connection do not notice that it moves, and wake.

# The job sleeps in the kernel and nothing has moved for a while.
asleep()	# ACTOR JOB
{
	tell "$1" state "$2" && [ "$(val in_call)" = 1 ] && [ "$(val still_us)" -gt 60000 ]
}

# Usage: blocked_receive WORD-OF-CONNECTED [epoll]
blocked_receive()
{
	setup
	connected "$1"
	shift
	h recv $((3 * M)) "$@"
	soon 10000 asleep h rx || fail "the receiver does not sleep"
	h offload
	asleep h rx || fail "the move out woke the receiver"
	p send $M
	got p tx $M
	soon 10000 received $M || fail "asleep before the move out, $(val bytes) bytes after it"
	soon 10000 asleep h rx || fail "the receiver does not sleep"
	h return
	asleep h rx || fail "the move back woke the receiver"
	p send $M
	got p tx $M
	soon 10000 received $((2 * M)) || fail "asleep before the move back, $(val bytes) bytes after it"
	h offload
	p send $M
	got h rx $((3 * M))
	h close
	p close
	no_timeouts
	leaves_nothing
}

received()	# BYTES
{
	tell h state rx && [ "$(val bytes)" = "$1" ]
}

test_blocked_recv()
{
	blocked_receive v4
}

test_blocked_recv_v6()
{
	blocked_receive v6
}

test_epoll_in()
{
	blocked_receive ${V6:-v4} epoll
}
also_v6 epoll_in

# The peer does not read: its window is shut. Usage: blocked_send WORD-OF-CONNECTED [epoll]
blocked_send()
{
	# more than what is read and what the peer's largest window and the buffers hold
	local bytes=$((64 * M)) first=$((12 * M)) before

	setup
	connected "$1"
	shift
	h send $bytes "$@"
	soon 10000 asleep h tx || fail "the sender does not sleep"
	# What the engine takes may make room for more; then it sleeps again.
	h offload
	soon 10000 asleep h tx || fail "the sender does not sleep"
	before=$(val bytes)
	p recv $first
	got p rx $first
	soon 10000 sent_more "$before" || fail "asleep before the move out, the sender does not go on"
	soon 10000 asleep h tx || fail "the sender does not sleep"
	before=$(val bytes)
	h return
	soon 10000 asleep h tx || fail "the sender does not sleep"
	p recv $((bytes - first))
	got h tx $bytes
	got p rx $((bytes - first))
	h flow
	ge "bytes sent by the engine" "$(val tx_engine)" $M
	h close
	p close
	leaves_nothing
}

sent_more()	# THAN
{
	tell h state tx && [ "$(val bytes)" -gt "$1" ]
}

test_blocked_send()
{
	blocked_send v4
}

test_blocked_send_v6()
{
	blocked_send v6
}

test_epoll_out()
{
	blocked_send ${V6:-v4} epoll
}
also_v6 epoll_out

# Its own buffer is full, while the peer reads slowly.
test_small_send_buffer()
{
	local bytes=$((2 * M))

	setup
	connected
	h set sndbuf 16K
	p recv $bytes rate=4M
	h send $bytes
	h offload
	sleep 0.1
	h return
	sleep 0.1
	h offload
	got h tx $bytes
	got p rx $bytes
	h close
	p close
	no_timeouts
	leaves_nothing
}
also_v6 small_send_buffer
