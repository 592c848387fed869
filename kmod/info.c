// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engine's segments in the host's books.
 *
 * Notes:
 * 1. The stack counts what it emits, in segments of the MSS, though the engine
 *    gets one large piece; and acknowledgements, which are not sent. It counts
 *    nothing of what is fed in: that happens in tcp_v4_rcv(). The engine says how
 *    many segments there really were. Of those sent only what the stack has not
 *    counted already is added, so no counter ever goes back.
 * 2. As natively, TcpOutSegs counts no retransmission and segs_out counts all;
 *    bytes_sent and data_segs_out count a retransmission again
 *    (__tcp_transmit_skb(), __tcp_retransmit_skb(), net/ipv4/tcp_output.c).
 * 3. The stack's own samples of the round trip contain the way to the engine and
 *    back, and the time for which acknowledgements are gathered. cc.c puts the
 *    engine's in their place with each acknowledgement.
 */
#include <net/tcp.h>

#include "flow.h"
#include "info.h"

#define TOE_RTT_MAX_US	(120 * USEC_PER_SEC)
/* Segments between two reports: a second of the smallest at 100 Gb/s */
#define TOE_INFO_STEP	BIT(28)

static bool toe_step_ok(u32 old, u32 new)
{
	return new - old <= TOE_INFO_STEP;
}

bool toe_info_ok(const struct toe_engine_info *old,
		 const struct toe_engine_info *new)
{
	u64 retrans = new->retrans - old->retrans;

	return toe_step_ok(old->segs_out, new->segs_out) &&
	       toe_step_ok(old->segs_in, new->segs_in) &&
	       toe_step_ok(old->data_segs_in, new->data_segs_in) &&
	       toe_step_ok(old->retrans, new->retrans) &&
	       toe_step_ok(old->timeouts, new->timeouts) &&
	       new->retrans_bytes - old->retrans_bytes <= retrans * U16_MAX;
}

void toe_info_rtt(struct sock *sk, u32 srtt_us, u32 rttvar_us)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!srtt_us)
		return;
	/* Scaled as tcp_rtt_estimator() does (net/ipv4/tcp_input.c) */
	tp->srtt_us = min_t(u32, srtt_us, TOE_RTT_MAX_US) << 3;
	tp->mdev_us = min_t(u32, rttvar_us, TOE_RTT_MAX_US) << 2;
	tp->mdev_max_us = max(tp->mdev_us, tcp_rto_min_us(sk));
	tp->rttvar_us = tp->mdev_max_us;
	tp->rtt_seq = tp->snd_nxt;
}

/* Timeouts in a row. Those who ask how long nothing has been heard of the peer
 * (retransmits_timed_out(), net/ipv4/tcp_timer.c) want the time as well.
 */
static void toe_info_unanswered(struct sock *sk, u32 before, u32 now)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (!now && !before)
		return;
	inet_csk(sk)->icsk_retransmits = min_t(u32, now, U8_MAX);
	if (!now)
		tp->retrans_stamp = 0;
	else if (!tp->retrans_stamp)
		tp->retrans_stamp = tcp_time_stamp_ts(tp) ?: 1;
}

void toe_info_install(struct toe_flow *flow, struct sock *sk)
{
	const struct toe_state *st = &flow->opened;

	sock_owned_by_me(sk);
	spin_lock_bh(&flow->lock);
	memset(&flow->info, 0, sizeof(flow->info));
	flow->info.rttvar_us = st->rttvar_us;
	flow->srtt_us = st->srtt_us;
	flow->info_due = false;
	spin_unlock_bh(&flow->lock);
	flow->shadow.booked = flow->info;
	flow->shadow.segs_out = tcp_sk(sk)->segs_out;
}

void toe_info_book(struct toe_flow *flow, struct sock *sk)
{
	struct toe_engine_info *had = &flow->shadow.booked, now;
	u32 retrans, segs_in, timeouts, counted, sent;
	struct tcp_sock *tp = tcp_sk(sk);
	struct net *net = sock_net(sk);
	u32 srtt_us;

	sock_owned_by_me(sk);
	spin_lock_bh(&flow->lock);
	now = flow->info;
	srtt_us = flow->srtt_us;
	flow->info_due = false;
	spin_unlock_bh(&flow->lock);

	/* What there was of new segments, and what the stack believes. */
	sent = now.segs_out - now.retrans;
	counted = tp->segs_out - flow->shadow.segs_out - had->retrans;
	retrans = now.retrans - had->retrans;
	segs_in = now.segs_in - had->segs_in;
	timeouts = now.timeouts - had->timeouts;
	if ((s32)(sent - counted) > 0) {
		tp->segs_out += sent - counted;
		TCP_ADD_STATS(net, TCP_MIB_OUTSEGS, sent - counted);
	}
	if (segs_in) {
		WRITE_ONCE(tp->segs_in, tp->segs_in + segs_in);
		WRITE_ONCE(tp->data_segs_in, tp->data_segs_in +
			   (now.data_segs_in - had->data_segs_in));
		TCP_ADD_STATS(net, TCP_MIB_INSEGS, segs_in);
	}
	if (retrans) {
		u32 bytes = now.retrans_bytes - had->retrans_bytes;

		tp->segs_out += retrans;
		tp->data_segs_out += retrans;
		tp->bytes_sent += bytes;
		tp->bytes_retrans += bytes;
		tp->total_retrans += retrans;
		TCP_ADD_STATS(net, TCP_MIB_RETRANSSEGS, retrans);
	}
	if (timeouts) {
		tp->total_rto += timeouts;
		NET_ADD_STATS(net, LINUX_MIB_TCPTIMEOUTS, timeouts);
	}
	toe_info_unanswered(sk, had->unanswered, now.unanswered);
	toe_info_rtt(sk, srtt_us, now.rttvar_us);
	*had = now;
}
