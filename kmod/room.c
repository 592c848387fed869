// SPDX-License-Identifier: GPL-2.0-only
/*
 * The receive buffer, before and after an engine.
 *
 * The stack promises a part of its free buffer, tp->scaling_ratio of 256. It has
 * measured that part when the connection was new, most often on frames merged to
 * 64 KiB: four fifths. The frames that an engine held while a flow moved come one by
 * one, and such a frame of 1500 bytes may keep a page and the head of an skb busy.
 * So after a return there is memory for what is promised already, packed like this,
 * and what is promised further is measured by it, too: else the stack would take the
 * memory for room.
 */
#include <net/tcp.h>

#include "room.h"

/* Payload of frames that come one by one, of 256 bytes of memory */
#define TOE_LOOSE_RATIO		64

/* Most memory for them; more was promised where tcp_rmem allows for it. */
#define TOE_LOOSE_FRAMES	SZ_64M

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

/* Memory for a window, by a measure */
static u32 toe_room_of(u8 ratio, u32 window)
{
	return min_t(u64, ((u64)window << TCP_RMEM_TO_WIN_SCALE) /
			  max_t(u8, ratio, 1), TOE_LOOSE_FRAMES);
}

/* The buffer's size without the gift. What the stack's tuning made of it meanwhile
 * is larger by the other measure.
 */
static int toe_room_own(const struct toe_room *room, const struct sock *sk)
{
	int rcvbuf = READ_ONCE(sk->sk_rcvbuf);

	if (rcvbuf == room->given)
		return room->rcvbuf;
	if (sk->sk_userlocks & SOCK_RCVBUF_LOCK)
		return rcvbuf;
	return max_t(int, room->rcvbuf,
		     div_u64((u64)rcvbuf * room->given_ratio, room->ratio));
}

int toe_room_rcvbuf(const struct toe_room *room, const struct sock *sk)
{
	return room->given ? toe_room_own(room, sk) : READ_ONCE(sk->sk_rcvbuf);
}

static void toe_room_end(struct toe_room *room, struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!room->given)
		return;
	WRITE_ONCE(sk->sk_rcvbuf, toe_room_own(room, sk));
	/* If the stack has measured anew, it is right. */
	if (tp->scaling_ratio == room->given_ratio)
		tp->scaling_ratio = room->ratio;
	WRITE_ONCE(room->given, 0);
}

void toe_room_install(struct toe_room *room, struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	sock_owned_by_me(sk);
	/* What the peer was promised and does not fit waits in front of the shadow. */
	toe_room_end(room, sk);
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

/* For what was promised, and for what the stack would promise of the buffer as it is
 * now: the window becomes neither larger nor smaller by it.
 */
void toe_room_make(struct toe_room *room, struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 window = max_t(int, tcp_receive_window(tp), tcp_space(sk));
	u8 ratio = min_t(u8, tp->scaling_ratio, TOE_LOOSE_RATIO);
	int need = atomic_read(&sk->sk_rmem_alloc) + toe_room_of(ratio, window);

	sock_owned_by_me(sk);
	need = max(need, sk->sk_rcvbuf);
	room->rcvbuf = sk->sk_rcvbuf;
	room->ratio = max_t(u8, tp->scaling_ratio, 1);
	room->given_ratio = ratio;
	room->rested = false;
	WRITE_ONCE(room->given, need);
	WRITE_ONCE(sk->sk_rcvbuf, need);
	tp->scaling_ratio = ratio;
	/* Not to be promised to the peer at once. */
	tp->rcv_ssthresh = min(tp->rcv_ssthresh,
			       max_t(u32, tcp_receive_window(tp),
				     2 * tp->advmss));
}

/* Not at the first time: what the engine held may still be on its way. */
void toe_room_take(struct toe_room *room, struct sock *sk)
{
	u32 window = tcp_receive_window(tcp_sk(sk));

	sock_owned_by_me(sk);
	if (room->rested && atomic_read(&sk->sk_rmem_alloc) +
	    toe_room_of(room->ratio, window) <= toe_room_own(room, sk))
		toe_room_end(room, sk);
	room->rested = true;
}
