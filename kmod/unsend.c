// SPDX-License-Identifier: GPL-2.0-only
/*
 * Un-sending: what the stack believes sent and the engine never sent goes back
 * to the write queue, and the stack sends it when the flow is its own again.
 */
#include <net/tcp.h>

#include "shadow_io.h"

/* The part of @skb from @len on, as an skb of its own that follows it in the
 * stream. The accounting is that of tcp_fragment() (net/ipv4/tcp_output.c),
 * which modules cannot call.
 */
static struct sk_buff *toe_split(struct sock *sk, struct sk_buff *skb, u32 len)
{
	struct sk_buff *rest;
	u32 nlen = skb->len - len;
	unsigned int truesize;
	u16 flags;

	/* The engine may still read a clone, so the frags list is shared. */
	truesize = skb->truesize;
	if (skb_cloned(skb) && pskb_expand_head(skb, 0, 0, GFP_ATOMIC))
		return NULL;
	skb->truesize = truesize;
	rest = alloc_skb_fclone(MAX_TCP_HEADER, GFP_ATOMIC);
	if (!rest)
		return NULL;
	skb_reserve(rest, MAX_TCP_HEADER);
	rest->ip_summed = CHECKSUM_PARTIAL;
	INIT_LIST_HEAD(&rest->tcp_tsorted_anchor);

	if (!sk_wmem_schedule(sk, rest->truesize)) {
		kfree_skb(rest);
		return NULL;
	}
	sk_wmem_queued_add(sk, rest->truesize);
	sk_mem_charge(sk, rest->truesize);
	rest->truesize += nlen;
	skb->truesize -= nlen;

	TCP_SKB_CB(rest)->seq = TCP_SKB_CB(skb)->seq + len;
	TCP_SKB_CB(rest)->end_seq = TCP_SKB_CB(skb)->end_seq;
	TCP_SKB_CB(skb)->end_seq = TCP_SKB_CB(rest)->seq;
	flags = TCP_SKB_CB(skb)->tcp_flags;
	TCP_SKB_CB(skb)->tcp_flags = flags & ~(TCPHDR_FIN | TCPHDR_PSH);
	TCP_SKB_CB(rest)->tcp_flags = flags;
	TCP_SKB_CB(rest)->sacked = 0;
	TCP_SKB_CB(rest)->eor = TCP_SKB_CB(skb)->eor;
	TCP_SKB_CB(skb)->eor = 0;
	skb_split(skb, rest, len);
	if (unlikely(skb_shinfo(skb)->tx_flags & SKBTX_ANY_TSTAMP) &&
	    !before(skb_shinfo(skb)->tskey, TCP_SKB_CB(rest)->seq)) {
		u8 tsflags = skb_shinfo(skb)->tx_flags & SKBTX_ANY_TSTAMP;

		skb_shinfo(skb)->tx_flags &= ~tsflags;
		skb_shinfo(rest)->tx_flags |= tsflags;
		swap(skb_shinfo(skb)->tskey, skb_shinfo(rest)->tskey);
		TCP_SKB_CB(rest)->txstamp_ack = TCP_SKB_CB(skb)->txstamp_ack;
		TCP_SKB_CB(skb)->txstamp_ack = 0;
	}
	__skb_header_release(rest);
	return rest;
}

static u32 toe_pcount(const struct sk_buff *skb, u32 mss)
{
	return max_t(u32, 1, DIV_ROUND_UP(skb->len, mss));
}

/* Segments that are not out, and will be counted when they are. */
static void toe_uncount(struct tcp_sock *tp, int segs)
{
	tp->packets_out -= segs;
	tp->data_segs_out -= segs;
	tp->segs_out -= segs;
}

/* The stack has not lost it nor sent it again, and nobody has it. */
static void toe_unmark(struct tcp_sock *tp, struct sk_buff *skb)
{
	u8 sacked = TCP_SKB_CB(skb)->sacked;
	int segs = tcp_skb_pcount(skb);

	if (sacked & TCPCB_SACKED_ACKED)
		tp->sacked_out -= segs;
	if (sacked & TCPCB_LOST)
		tp->lost_out -= segs;
	if (sacked & TCPCB_SACKED_RETRANS)
		tp->retrans_out -= segs;
	TCP_SKB_CB(skb)->sacked &= ~TCPCB_TAGBITS;
	if (tp->retransmit_skb_hint == skb)
		tp->retransmit_skb_hint = NULL;
}

void toe_no_dupacks(struct sock *sk)
{
	sock_owned_by_me(sk);
	if (tcp_is_reno(tcp_sk(sk)))
		tcp_sk(sk)->sacked_out = 0;
}

/* An skb at the head of the write queue has never been sent. */
static void toe_to_write_queue(struct sock *sk, struct sk_buff *skb)
{
	tcp_skb_pcount_set(skb, 0);
	TCP_SKB_CB(skb)->sacked = 0;
	__skb_queue_head(&sk->sk_write_queue, skb);
}

u32 toe_unsend(struct sock *sk, u32 snd_nxt)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 taken = tp->snd_nxt - snd_nxt;
	struct sk_buff *skb, *rest;

	toe_no_dupacks(sk);
	if (!after(tp->snd_nxt, snd_nxt))
		return 0;
	/* From the end: the tree is in sequence order. */
	while ((skb = skb_rb_last(&sk->tcp_rtx_queue))) {
		if (!after(TCP_SKB_CB(skb)->end_seq, snd_nxt))
			break;
		if (before(TCP_SKB_CB(skb)->seq, snd_nxt)) {
			u32 mss = tp->mss_cache;

			rest = toe_split(sk, skb,
					 snd_nxt - TCP_SKB_CB(skb)->seq);
			if (!rest) {
				/* Counts as sent, and lost: slower, not wrong. */
				snd_nxt = TCP_SKB_CB(skb)->end_seq;
				break;
			}
			toe_unmark(tp, skb);
			toe_uncount(tp, tcp_skb_pcount(skb));
			tcp_skb_pcount_set(skb, toe_pcount(skb, mss));
			TCP_SKB_CB(skb)->tcp_gso_size = mss;
			toe_uncount(tp, -tcp_skb_pcount(skb));
			toe_to_write_queue(sk, rest);
			break;
		}
		/* No clone of it is on its way by the native path, and what
		 * the engine still reads holds pages of its own.
		 */
		list_del_init(&skb->tcp_tsorted_anchor);
		rb_erase(&skb->rbnode, &sk->tcp_rtx_queue);
		toe_unmark(tp, skb);
		toe_uncount(tp, tcp_skb_pcount(skb));
		if (tp->highest_sack == skb)
			tp->highest_sack = NULL;
		toe_to_write_queue(sk, skb);
	}
	WRITE_ONCE(tp->snd_nxt, snd_nxt);
	if (before(snd_nxt, tp->tlp_high_seq))
		tp->tlp_high_seq = 0;
	if (before(snd_nxt, tp->high_seq))
		tp->high_seq = snd_nxt;
	tp->bytes_sent -= taken;
	return taken;
}
