// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shadow's way out: segments that the stack emits become payload for the
 * engine.
 *
 * Notes:
 * 1. The stack's clone of a segment holds the payload pages; the engine reads
 *    them in place and frees the clone. The bytes stay in the retransmit queue
 *    until the peer has acknowledged them. The clone may be its socket's (see
 *    toe_queue_xmit()): the socket then lives as long as the engine has the clone,
 *    and whoever frees that may send more (tcp_wfree(), net/ipv4/tcp_output.c).
 * 2. Acknowledgements are not sent; the right edge of the window becomes credit. A
 *    probe of a window that is shut is answered with an acknowledgement, since
 *    the engine looks after the peer. One of SO_KEEPALIVE starts the return, and is
 *    sent once more behind it: only the peer can answer it.
 * 3. FIN and RST are the host's: they start the return, and go out behind it. The FIN's
 *    skb stays queued and is taken back like all that was never sent; a RST's is
 *    kept, since the socket may be gone by then.
 */
#include <net/tcp.h>

#include "cc.h"
#include "compat.h"
#include "engine.h"
#include "eligible.h"
#include "flow.h"
#include "shadow.h"
#include "shadow_io.h"
#include "stats.h"

/* A message that is worth what it costs, bytes */
#define TOE_LARGE		SZ_32K

/* The place in the stream of an skb in tx_pending. */
struct toe_tx_cb {
	u32	seq;
	u32	offset;
};

static struct toe_tx_cb *toe_tx_cb(struct sk_buff *skb)
{
	return (struct toe_tx_cb *)skb->cb;
}

static struct toe_flow *toe_tx_flow(struct sock *sk)
{
	struct toe_flow *flow = toe_cc_flow(sk);
	struct toe_flow_key key;

	if (likely(flow))
		return flow;
	/* The application has put another congestion control in. The flow
	 * stays in the table while its shadow is installed.
	 */
	key.net = sock_net(sk);
	toe_tuple_from_sock(&key.tuple, sk);
	rcu_read_lock();
	flow = toe_flow_find(&key);
	rcu_read_unlock();
	return flow;
}

/* Before the engine hears of it, so that it cannot make use of it too early.
 * True when it is news.
 */
static bool toe_grant(struct toe_flow *flow, u32 edge)
{
	bool news;

	spin_lock_bh(&flow->lock);
	news = after(edge, flow->rcv_edge);
	if (news)
		flow->rcv_edge = edge;
	spin_unlock_bh(&flow->lock);
	return news;
}

static int toe_submit(struct toe_flow *flow, struct sk_buff *skb, u32 offset,
		      u32 seq)
{
	struct toe_engine *e = flow->engine;
	u32 len = skb->len - offset;
	u32 edge = READ_ONCE(flow->shadow.rcv_edge);
	bool more = toe_grant(flow, edge);
	int err;

	err = e->ops->transmit(e, flow->id, seq, skb, offset, edge);
	if (err) {
		if (more)
			WRITE_ONCE(flow->credit_owed, true);
		return err;
	}
	WRITE_ONCE(flow->credit_owed, false);
	toe_stats_inc(TOE_STAT_TX_MSGS);
	toe_stats_add(TOE_STAT_TX_BYTES, len);
	atomic64_add(len, &e->tx_bytes);
	return 0;
}

void toe_transmit(struct toe_flow *flow, struct sock *sk, struct sk_buff *skb,
		  u32 offset, u32 seq)
{
	u32 end = seq + skb->len - offset;
	int err = -ENOBUFS;

	/* Before the engine can speak of the bytes. */
	spin_lock_bh(&flow->lock);
	if (after(end, flow->tx_nxt))
		flow->tx_nxt = end;
	spin_unlock_bh(&flow->lock);

	if (skb_queue_empty(&flow->shadow.tx_pending))
		err = toe_submit(flow, skb, offset, seq);
	if (!err)
		return;
	if (err != -ENOBUFS) {
		/* The retransmit queue still has the bytes. */
		consume_skb(skb);
		toe_flow_kick(flow, TOE_REASON_ENGINE_FAILED);
		return;
	}
	toe_stats_inc(TOE_STAT_TX_STALLS);
	toe_tx_cb(skb)->seq = seq;
	toe_tx_cb(skb)->offset = offset;
	__skb_queue_tail(&flow->shadow.tx_pending, skb);
}

void toe_credit(struct toe_flow *flow)
{
	struct toe_engine *e = flow->engine;
	u32 edge = READ_ONCE(flow->shadow.rcv_edge);
	u32 told = READ_ONCE(flow->rcv_edge);
	s32 window = edge - READ_ONCE(flow->rx_nxt);

	if ((s32)(edge - told) < window / 8 || !toe_grant(flow, edge))
		return;
	if (e->ops->credit(e, flow->id, edge)) {
		WRITE_ONCE(flow->credit_owed, true);
		return;
	}
	WRITE_ONCE(flow->credit_owed, false);
	toe_stats_inc(TOE_STAT_CREDITS);
}

void toe_shadow_flush(struct toe_flow *flow)
{
	struct sock *sk = flow->sk;
	struct sk_buff *skb;

	lock_sock(sk);
	while ((skb = skb_peek(&flow->shadow.tx_pending))) {
		struct toe_tx_cb cb = *toe_tx_cb(skb);
		int err;

		__skb_unlink(skb, &flow->shadow.tx_pending);
		err = toe_submit(flow, skb, cb.offset, cb.seq);
		if (err == -ENOBUFS) {
			__skb_queue_head(&flow->shadow.tx_pending, skb);
			break;
		}
		if (err) {
			consume_skb(skb);
			toe_flow_kick(flow, TOE_REASON_ENGINE_FAILED);
			break;
		}
	}
	if (flow->credit_owed && flow->shadow.installed) {
		flow->credit_owed = false;
		if (flow->engine->ops->credit(flow->engine, flow->id,
					      flow->rcv_edge))
			flow->credit_owed = true;
	}
	release_sock(sk);
}

/* A segment without payload. */
static void toe_xmit_pure(struct toe_flow *flow, struct sock *sk, u32 seq)
{
	bool probe = before(seq, tcp_sk(sk)->snd_nxt);

	if (probe && toe_keepalive(sk)) {
		flow->shadow.keepalive = true;
		toe_flow_kick(flow, TOE_REASON_KEEPALIVE);
	} else if (probe && !flow->shadow.tx_stopped) {
		/* The socket is locked here: its answer comes by the timer. */
		spin_lock_bh(&flow->lock);
		flow->ack_pending = true;
		spin_unlock_bh(&flow->lock);
		toe_rx_retry(flow);
	} else {
		toe_stats_inc(TOE_STAT_ACKS_SWALLOWED);
	}
	if (!flow->shadow.tx_stopped)
		toe_credit(flow);
}

int toe_queue_xmit(struct sock *sk, struct sk_buff *skb, struct flowi *fl)
{
	const struct tcphdr *th = tcp_hdr(skb);
	const struct tcp_sock *tp = tcp_sk(sk);
	struct toe_flow *flow = toe_tx_flow(sk);
	u32 offset = __tcp_hdrlen(th);
	u32 seq = ntohl(th->seq);
	/* Of what the stack has room for: without scaling a header tells 64 KiB of
	 * it, and the engine would wait at their end for the next ones.
	 */
	u32 edge = toe_rcv_edge(tp);
	u32 skip, len = skb->len - offset;

	/* What follows a message that the engine still has is gathered by the stack
	 * (tcp_should_autocork(), net/ipv4/tcp.c), which knows of it by the socket's
	 * ownership. The engine's answer costs an interrupt, which a message that
	 * stands alone is not worth; and behind a large one nobody should wait.
	 */
	if (!len || len >= TOE_LARGE || tcp_rtx_queue_empty(sk))
		skb_orphan(skb);
	if (WARN_ON_ONCE(!flow || !flow->shadow.installed))
		goto out;
	if (th->rst) {
		swap(flow->shadow.rst, skb);
		toe_flow_kick(flow, TOE_REASON_LOCAL_RST);
		goto out;
	}
	if (after(edge, flow->shadow.rcv_edge))
		WRITE_ONCE(flow->shadow.rcv_edge, edge);
	if (th->fin) {
		toe_flow_kick(flow, TOE_REASON_LOCAL_FIN);
		goto out;
	}
	if (th->urg) {
		toe_flow_kick(flow, TOE_REASON_URGENT);
		goto out;
	}
	if (!len) {
		toe_xmit_pure(flow, sk, seq);
		goto out;
	}
	toe_cc_sent(sk);
	if (unlikely(toe_unfit(sk) || toe_shadow_header_changed(flow, sk)))
		toe_flow_kick(flow, TOE_REASON_UNSUPPORTED);
	/* Behind a FIN, or while the flow returns: taken back and sent later. */
	if (flow->shadow.tx_stopped || flow->close_reason)
		goto out;
	if (!after(seq + len, flow->tx_nxt)) {
		toe_stats_inc(TOE_STAT_RETRANS_SWALLOWED);
		goto out;
	}
	skip = before(seq, flow->tx_nxt) ? flow->tx_nxt - seq : 0;
	toe_transmit(flow, sk, skb, offset + skip, seq + skip);
	return 0;
out:
	consume_skb(skb);
	return 0;
}
