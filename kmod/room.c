// SPDX-License-Identifier: GPL-2.0-only
/*
 * The receive buffer, before and after an engine.
 */
#include <net/tcp.h>

#include "room.h"

/* Most memory for frames that come one by one after a return */
#define TOE_LOOSE_FRAMES	SZ_16M

/* Without a round trip as its measure the stack does not tune the buffer
 * (tcp_rcv_space_adjust()). The first data of a peer gives one by its timestamp, and
 * what an engine received has none: so the one that the handshake took. Both are eight
 * times what they say.
 */
static void toe_room_measure(struct tcp_sock *tp)
{
	if (!tp->rcv_rtt_est.rtt_us)
		tp->rcv_rtt_est.rtt_us = tp->srtt_us;
}

void toe_room_install(struct toe_room *room, struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	toe_room_take(room, sk);
	room->tuned_rcvbuf = sk->sk_rcvbuf;
	room->tuned_clamp = tp->window_clamp;
	room->tuned_space = tp->rcvq_space.space;
	toe_room_measure(tp);
}

/* The stack sizes the receive buffer by what the application reads in a round
 * trip (tcp_rcv_space_adjust()), and the shadow's round trips are not the wire's:
 * what was learnt from them would promise too much.
 */
void toe_room_remove(struct toe_room *room, struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	sock_owned_by_me(sk);
	if (sk->sk_userlocks & SOCK_RCVBUF_LOCK)
		return;
	WRITE_ONCE(sk->sk_rcvbuf, room->tuned_rcvbuf);
	WRITE_ONCE(tp->window_clamp, room->tuned_clamp);
	tp->rcv_ssthresh = min(tp->rcv_ssthresh, tp->window_clamp);
	tp->rcvq_space.space = room->tuned_space;
}

/* Memory for what the peer was promised room for, on top of what the flow brings
 * home. What the engine held comes frame by frame, and a frame of 1500 bytes may
 * keep 4 KiB busy; what comes after it is merged as ever. The window grows with
 * the buffer, so the gift is bounded, and taken back at the next offload or
 * soon, when what it was for is gone.
 */
void toe_room_make(struct toe_room *room, struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 window = tcp_receive_window(tp);
	u32 need = atomic_read(&sk->sk_rmem_alloc) + 4 * window;

	sock_owned_by_me(sk);
	if (sk->sk_rcvbuf != room->given)
		room->rcvbuf = sk->sk_rcvbuf;
	need = min_t(u32, need, room->rcvbuf + TOE_LOOSE_FRAMES);
	if (need <= sk->sk_rcvbuf)
		return;
	room->given = need;
	WRITE_ONCE(sk->sk_rcvbuf, need);
	/* Not to be promised to the peer at once. */
	tp->rcv_ssthresh = min(tp->rcv_ssthresh,
			       max_t(u32, window, 2 * tp->advmss));
}

void toe_room_take(struct toe_room *room, struct sock *sk)
{
	sock_owned_by_me(sk);
	if (sk->sk_rcvbuf != room->given) {
		room->given = 0;
	} else if (atomic_read(&sk->sk_rmem_alloc) +
		   4 * tcp_receive_window(tcp_sk(sk)) <= room->rcvbuf) {
		WRITE_ONCE(sk->sk_rcvbuf, room->rcvbuf);
		room->given = 0;
	}
}
