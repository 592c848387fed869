// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shadow's way in: what the engine received, and the acknowledgements it
 * got, become segments that the socket's own stack processes.
 *
 * Notes:
 * 1. A segment is fed with sk->sk_backlog_rcv, the door that wire frames of an
 *    established connection use behind tcp_v4_rcv().
 * 2. The stack may drop a segment for want of memory or window; the engine has
 *    acknowledged the bytes to the peer, so they must not be lost. When nobody
 *    owns the socket we look before we feed and keep what has no room. When it
 *    is owned, segments go to the backlog, and clones of them wait in
 *    rx_backlog until rcv_nxt shows that they were taken; if not, they are fed
 *    again. A timer looks when nothing else does.
 * 3. While the flow's work brings the flow home (draining), up-calls only queue:
 *    the work feeds under lock_sock(), and two feeders would change the order.
 * 4. The engine's buffers are packed better than wire frames are. If the stack
 *    saw that it would promise the peer more than its memory holds once wire
 *    frames come again. So a fed segment counts for as much memory as the same
 *    bytes did on the wire (tp->scaling_ratio, TCP_RMEM_TO_WIN_SCALE).
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <net/tcp.h>

#include "engine.h"
#include "eligible.h"
#include "flow.h"
#include "info.h"
#include "shadow.h"
#include "shadow_io.h"
#include "stats.h"

#define TOE_FEED_RETRY		msecs_to_jiffies(5)
#define TOE_RESERVE_TRIES	1000	/* a millisecond each */
/* Below it a segment's payload is copied, so that a big page is not kept busy */
#define TOE_COPYBREAK		SKB_WITH_OVERHEAD(2048 - TOE_HEADROOM)
/* What is taken from the engine beyond the credit. The peer has been told that
 * the bytes are here, so refusing them ends the connection; and it may have been
 * promised more before the stack, short of memory, took its window back
 * (tcp_select_window(), ICSK_ACK_NOMEM).
 */
#define TOE_EDGE_SLACK		SZ_16M

/* The payload's place in the stream, before the header is built. */
struct toe_rx_cb {
	u32	seq;
	u32	len;
};

static struct toe_rx_cb *toe_rx_cb(struct sk_buff *skb)
{
	return (struct toe_rx_cb *)skb->cb;
}

/* An skb for headers and @len bytes, from the caches that are made for receiving:
 * the kernel's allocator would be asked twice for each. Bottom halves are off.
 */
static struct sk_buff *toe_rx_alloc(u32 len)
{
	unsigned int size = SKB_DATA_ALIGN(TOE_HEADROOM + len) +
			    SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
	void *data = napi_alloc_frag(size);
	struct sk_buff *skb;

	if (!data)
		return NULL;
	skb = napi_build_skb(data, size);
	if (skb)
		skb_reserve(skb, TOE_HEADROOM);
	else
		skb_free_frag(data);
	return skb;
}

/* A payload skb from the engine's buffer. *taken says if the page went along.
 * Bottom halves are off.
 */
static struct sk_buff *toe_rx_skb(const struct toe_engine_rx *rx, bool *taken)
{
	void *from = page_address(rx->page) + rx->offset;
	struct sk_buff *skb;
	struct page *page;
	unsigned int order;

	*taken = false;
	if (rx->len <= TOE_COPYBREAK) {
		skb = toe_rx_alloc(rx->len);
		if (skb)
			skb_put_data(skb, from, rx->len);
		return skb;
	}
	skb = toe_rx_alloc(0);
	if (!skb)
		return NULL;
	if (rx->len > rx->truesize / 4) {
		skb_add_rx_frag(skb, 0, rx->page, rx->offset, rx->len,
				rx->truesize);
		*taken = true;
		return skb;
	}
	order = get_order(rx->len);
	page = alloc_pages(GFP_ATOMIC | __GFP_COMP | __GFP_NOWARN, order);
	if (!page) {
		kfree_skb(skb);
		return NULL;
	}
	memcpy(page_address(page), from, rx->len);
	skb_add_rx_frag(skb, 0, page, 0, rx->len, PAGE_SIZE << order);
	return skb;
}

void toe_segment(struct toe_flow *flow, const struct sock *sk,
		 struct sk_buff *skb, u32 seq, u32 len)
{
	const struct toe_tuple *t = &flow->key.tuple;
	struct tcphdr *th = skb_push(skb, sizeof(*th));
	u32 mss = flow->opened.mss_cache;
	u32 wnd = flow->snd_wnd >> tcp_sk(sk)->rx_opt.snd_wscale;

	memset(th, 0, sizeof(*th));
	th->source = t->remote_port;
	th->dest = t->local_port;
	th->seq = htonl(seq);
	th->ack_seq = htonl(flow->snd_una);
	th->doff = sizeof(*th) / 4;
	th->ack = 1;
	th->psh = !!len;
	th->window = htons(min(wnd, 65535U));
	skb_reset_transport_header(skb);

	/* The stack reads the addresses when it answers with a reset. */
	if (t->family == AF_INET) {
		struct iphdr *iph;

		skb_set_network_header(skb, -(int)sizeof(*iph));
		iph = ip_hdr(skb);
		memset(iph, 0, sizeof(*iph));
		iph->version = 4;
		iph->ihl = sizeof(*iph) / 4;
		iph->ttl = 64;
		iph->protocol = IPPROTO_TCP;
		iph->saddr = t->remote_addr[0];
		iph->daddr = t->local_addr[0];
		skb->protocol = htons(ETH_P_IP);
	} else {
		struct ipv6hdr *ip6h;

		skb_set_network_header(skb, -(int)sizeof(*ip6h));
		ip6h = ipv6_hdr(skb);
		memset(ip6h, 0, sizeof(*ip6h));
		ip6h->version = 6;
		ip6h->nexthdr = IPPROTO_TCP;
		ip6h->hop_limit = 64;
		memcpy(&ip6h->saddr, t->remote_addr, sizeof(ip6h->saddr));
		memcpy(&ip6h->daddr, t->local_addr, sizeof(ip6h->daddr));
		skb->protocol = htons(ETH_P_IPV6);
	}
	skb->truesize = max_t(u32, skb->truesize,
			      ((u64)len << TCP_RMEM_TO_WIN_SCALE) /
			      max_t(u8, flow->scaling_ratio, 1));
	skb->pkt_type = PACKET_HOST;
	skb->ip_summed = CHECKSUM_UNNECESSARY;
	/* Else the stack forgets its cached receive route. */
	skb->skb_iif = sk->sk_rx_dst_ifindex;
	if (len > mss) {
		skb_shinfo(skb)->gso_size = mss;
		skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(len, mss);
		skb_shinfo(skb)->gso_type = t->family == AF_INET ?
			SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
	}
	memset(skb->cb, 0, sizeof(skb->cb));
	TCP_SKB_CB(skb)->seq = seq;
	TCP_SKB_CB(skb)->end_seq = seq + len;
	TCP_SKB_CB(skb)->ack_seq = flow->snd_una;
	TCP_SKB_CB(skb)->tcp_flags = TCPHDR_ACK | (len ? TCPHDR_PSH : 0);
	/* Asked for while the flow was here: it goes back, but this comes first. */
	if (unlikely(sock_flag(sk, SOCK_RCVTSTAMP))) {
		skb->tstamp = ktime_get_real();
		TCP_SKB_CB(skb)->has_rxtstamp = true;
	}
}

bool toe_rx_unwanted(const struct sock *sk)
{
	return sk->sk_state != TCP_ESTABLISHED &&
	       (sk->sk_shutdown & RCV_SHUTDOWN);
}

/* Is there room for a payload, so that the stack will surely take it? */
static bool toe_rx_room(struct sock *sk, struct sk_buff *skb, u32 end_seq)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	/* Not ESTABLISHED: the stack decides, as it would natively. */
	if (sk->sk_state != TCP_ESTABLISHED)
		return !toe_rx_unwanted(sk);
	return atomic_read(&sk->sk_rmem_alloc) <= sk->sk_rcvbuf &&
	       !after(end_seq, tp->rcv_nxt + tcp_receive_window(tp)) &&
	       sk_rmem_schedule(sk, skb, skb->truesize);
}

/* What went through the backlog: forget what was taken, queue the rest again.
 * The backlog is empty now, since nobody owns the socket, or the caller does
 * and has flushed it.
 */
static void toe_rx_reconcile(struct toe_flow *flow, const struct sock *sk)
{
	u32 rcv_nxt = tcp_sk(sk)->rcv_nxt;
	struct sk_buff *skb;

	lockdep_assert_held(&flow->lock);
	while ((skb = skb_peek(&flow->rx_backlog))) {
		struct toe_rx_cb *cb = toe_rx_cb(skb);

		if (after(cb->seq + cb->len, rcv_nxt))
			break;
		__skb_unlink(skb, &flow->rx_backlog);
		consume_skb(skb);
	}
	if (likely(skb_queue_empty(&flow->rx_backlog)))
		return;
	toe_stats_add(TOE_STAT_RX_REFEEDS, skb_queue_len(&flow->rx_backlog));
	flow->fed_nxt = toe_rx_cb(skb)->seq;
	skb_queue_splice_init(&flow->rx_backlog, &flow->rx_queue);
}

/* The flow comes home: what the peer was told is here must be taken, also when the
 * buffer is full (the caller puts it right afterwards; no more than this, or the
 * stack would promise it as window) or all of TCP is short of memory. The caller
 * may sleep; in the end the stack decides.
 */
static void toe_rx_reserve(struct sock *sk, struct sk_buff *skb)
{
	int i, used = atomic_read(&sk->sk_rmem_alloc);

	if (used > sk->sk_rcvbuf)
		WRITE_ONCE(sk->sk_rcvbuf, used);
	for (i = 0; i < TOE_RESERVE_TRIES; i++) {
		if (sk_rmem_schedule(sk, skb, skb->truesize))
			return;
		usleep_range(1000, 2000);
	}
}

/* False when there is no memory for it. */
static bool toe_feed_ack(struct toe_flow *flow, struct sock *sk)
{
	struct sk_buff *skb;

	spin_lock_bh(&flow->lock);
	if (!flow->ack_pending) {
		spin_unlock_bh(&flow->lock);
		return true;
	}
	skb = toe_rx_alloc(0);
	if (skb) {
		flow->ack_pending = false;
		toe_segment(flow, sk, skb, tcp_sk(sk)->rcv_nxt, 0);
	}
	spin_unlock_bh(&flow->lock);
	if (!skb)
		return false;
	toe_stats_inc(TOE_STAT_ACKS_FED);
	sk->sk_backlog_rcv(sk, skb);
	toe_no_dupacks(sk);
	return true;
}

void toe_feed(struct toe_flow *flow, struct sock *sk, bool force)
{
	struct sk_buff *skb;
	bool late = false;

	if (unlikely(toe_unfit(sk)))
		toe_flow_kick(flow, TOE_REASON_UNSUPPORTED);
	if (READ_ONCE(flow->info_due))
		toe_info_book(flow, sk);
	/* The FIN goes out before the reset, as it would have natively. */
	if (force && toe_rx_unwanted(sk))
		toe_feed_ack(flow, sk);
	spin_lock_bh(&flow->lock);
	toe_rx_reconcile(flow, sk);
	while ((skb = skb_peek(&flow->rx_queue))) {
		struct toe_rx_cb cb = *toe_rx_cb(skb);

		if (!force && !toe_rx_room(sk, skb, cb.seq + cb.len)) {
			toe_stats_inc(TOE_STAT_RX_REFEEDS);
			late = true;
			break;
		}
		__skb_unlink(skb, &flow->rx_queue);
		flow->ack_pending = false;
		flow->fed_nxt = cb.seq + cb.len;
		toe_segment(flow, sk, skb, cb.seq, cb.len);
		spin_unlock_bh(&flow->lock);
		if (force)
			toe_rx_reserve(sk, skb);
		sk->sk_backlog_rcv(sk, skb);
		spin_lock_bh(&flow->lock);
	}
	spin_unlock_bh(&flow->lock);
	if (!toe_feed_ack(flow, sk) || late)
		toe_rx_retry(flow);
}

void toe_rx_retry(struct toe_flow *flow)
{
	if (!toe_flow_hold(flow))
		return;
	if (mod_timer(&flow->timer, jiffies + TOE_FEED_RETRY))
		toe_flow_put(flow);	/* it was armed and has its reference */
}

/* The socket is owned: everything to its backlog, clones kept. */
static void toe_feed_backlog(struct toe_flow *flow, struct sock *sk)
{
	struct sk_buff *skb, *keep;

	spin_lock(&flow->lock);
	while ((skb = skb_peek(&flow->rx_queue))) {
		struct toe_rx_cb cb = *toe_rx_cb(skb);

		/* Else the stack would drop, and close the window. */
		if (atomic_read(&sk->sk_rmem_alloc) + sk->sk_backlog.len >
		    sk->sk_rcvbuf)
			break;
		/* Its owner may be about to close it, see toe_rx_unwanted(). */
		if (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN)
			break;
		keep = skb_clone(skb, GFP_ATOMIC);
		if (!keep)
			break;
		__skb_unlink(skb, &flow->rx_queue);
		toe_segment(flow, sk, skb, cb.seq, cb.len);
		__skb_queue_tail(&flow->rx_backlog, keep);
		flow->fed_nxt = cb.seq + cb.len;
		flow->ack_pending = false;
		/* The credit bounds what can be there. */
		if (sk_add_backlog(sk, skb, UINT_MAX))
			kfree_skb(skb);
	}
	if (flow->ack_pending) {
		skb = toe_rx_alloc(0);
		if (skb) {
			flow->ack_pending = false;
			toe_segment(flow, sk, skb, flow->fed_nxt, 0);
			toe_stats_inc(TOE_STAT_ACKS_FED);
			if (sk_add_backlog(sk, skb, UINT_MAX))
				kfree_skb(skb);
		}
	}
	spin_unlock(&flow->lock);
	toe_rx_retry(flow);
}

/* Bottom halves are off. */
static void toe_feed_any(struct toe_flow *flow, struct sock *sk)
{
	bh_lock_sock(sk);
	/* See toe_shadow_abandon() */
	if (!flow->shadow.installed)
		goto out;
	if (sock_owned_by_user(sk))
		toe_feed_backlog(flow, sk);
	else
		toe_feed(flow, sk, false);
	/* The engine has used up more of what it knows; the stack may have
	 * nothing new to say.
	 */
	if (flow->shadow.installed && !flow->draining)
		toe_credit(flow);
out:
	bh_unlock_sock(sk);
}

/* The socket to feed, referenced, unless the flow is draining or home.
 * Bottom halves are off.
 */
static struct sock *toe_feed_sock(struct toe_flow *flow)
{
	struct sock *sk = NULL;

	spin_lock(&flow->lock);
	if (flow->sk && flow->id && !flow->draining) {
		sk = flow->sk;
		sock_hold(sk);
	}
	spin_unlock(&flow->lock);
	return sk;
}

void toe_shadow_timer(struct timer_list *t)
{
	struct toe_flow *flow = container_of(t, struct toe_flow, timer);
	struct sock *sk = toe_feed_sock(flow);

	if (sk) {
		toe_feed_any(flow, sk);
		sock_put(sk);
	}
	toe_flow_put(flow);
}

bool toe_push_due(const struct sock *sk)
{
	return tcp_send_head(sk) &&
	       inet_csk(sk)->icsk_pending != ICSK_TIME_PROBE0;
}

void toe_shadow_push(struct toe_flow *flow)
{
	struct sock *sk = flow->sk;

	lock_sock(sk);
	spin_lock_bh(&flow->lock);
	flow->ack_pending |= toe_push_due(sk);
	spin_unlock_bh(&flow->lock);
	release_sock(sk);
	local_bh_disable();
	toe_feed_any(flow, sk);
	local_bh_enable();
}

void toe_shadow_drain(struct toe_flow *flow)
{
	spin_lock_bh(&flow->lock);
	flow->draining = true;
	spin_unlock_bh(&flow->lock);
}

/* Are the engine's numbers possible? */
static enum toe_stat toe_rx_check(const struct toe_flow *flow,
				  const struct toe_engine_rx *rx)
{
	lockdep_assert_held(&flow->lock);
	if (before(rx->snd_una, flow->snd_una) ||
	    after(rx->snd_una, flow->tx_nxt))
		return TOE_STAT_ERR_SEQUENCE;
	if (rx->info && !toe_info_ok(&flow->info, rx->info))
		return TOE_STAT_ERR_SEQUENCE;
	if (!rx->len)
		return __TOE_STAT_MAX;
	if (rx->seq != flow->rx_nxt)
		return TOE_STAT_ERR_SEQUENCE;
	if (rx->len > SZ_1G ||
	    after(rx->seq + rx->len, flow->rcv_edge + TOE_EDGE_SLACK))
		return TOE_STAT_ERR_LENGTH;
	return __TOE_STAT_MAX;
}

int toe_shadow_receive(struct toe_flow *flow, struct toe_engine *e, u32 id,
		       const struct toe_engine_rx *rx)
{
	struct sk_buff *skb = NULL;
	struct sock *sk = NULL;
	bool taken = false, last;
	enum toe_stat bad;

	if (rx->len && rx->len <= SZ_1G) {
		skb = toe_rx_skb(rx, &taken);
		if (!skb)
			return -ENOMEM;
	}
	spin_lock(&flow->lock);
	bad = flow->id == id ? toe_rx_check(flow, rx) : TOE_STAT_ERR_UNKNOWN_FLOW;
	if (bad != __TOE_STAT_MAX) {
		spin_unlock(&flow->lock);
		toe_engine_error(e, id, bad);
		goto drop;
	}
	/* Else the stack would count a duplicate; payload says the same. */
	if (rx->snd_una != flow->snd_una || rx->snd_wnd != flow->snd_wnd)
		flow->ack_pending = true;
	if (rx->info) {
		flow->info = *rx->info;
		flow->info_due = true;
	}
	flow->tx_engine += rx->snd_una - flow->snd_una;
	flow->snd_una = rx->snd_una;
	flow->snd_wnd = rx->snd_wnd;
	WRITE_ONCE(flow->srtt_us, rx->srtt_us);
	if (skb) {
		toe_rx_cb(skb)->seq = rx->seq;
		toe_rx_cb(skb)->len = rx->len;
		flow->rx_nxt += rx->len;
		flow->rx_engine += rx->len;
		__skb_queue_tail(&flow->rx_queue, skb);
	}
	if (!flow->draining) {
		sk = flow->sk;
		sock_hold(sk);
	}
	last = READ_ONCE(flow->step) == TOE_STEP_ARRIVED &&
	       flow->rx_nxt == flow->final.rcv_nxt;
	spin_unlock(&flow->lock);

	if (rx->len) {
		toe_stats_inc(TOE_STAT_RX_MSGS);
		toe_stats_add(TOE_STAT_RX_BYTES, rx->len);
		atomic64_add(rx->len, &e->rx_bytes);
	}
	if (sk) {
		toe_feed_any(flow, sk);
		sock_put(sk);
	} else if (last) {
		toe_flow_queue(flow);
	}
	return taken;

drop:
	if (skb && taken)
		get_page(rx->page);	/* the driver keeps its own */
	kfree_skb(skb);
	return 0;
}
