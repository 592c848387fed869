// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shadow socket: how a socket becomes one, and how it becomes native again.
 *
 * Notes:
 * 1. icsk_af_ops is read without locks (getsockopt and others), so the table
 *    with our queue_xmit is a static copy, one for each table that we meet
 *    (IPv4, IPv6, IPv4-mapped), and outlives every flow.
 * 2. The socket keeps its real retransmission timer's code; while it is a
 *    shadow the timeout is as long as TCP allows and each ACK pushes it on.
 * 3. Whatever the engine did, at removal the socket promises nothing less than
 *    what the peer has already been promised: the right window edge and the
 *    timestamps never go back. Nor does it tell by the IP header: identification
 *    and flow label go with the state.
 * 4. connect() with AF_UNSPEC ends the connection and not the socket, which may
 *    become another connection's the next moment, of the same name even. So it is
 *    native from then on, and nothing of the old one is put into it.
 */
#include <linux/mutex.h>
#include <net/dst.h>
#include <net/inet_ecn.h>
#include <net/inet_common.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "cc.h"
#include "compat.h"
#include "flow.h"
#include "info.h"
#include "room.h"
#include "shadow.h"
#include "shadow_io.h"
#include "stall.h"
#include "stats.h"

/* The stack's own limit is MAX_SKB_FRAGS page frags of 32 KiB each. */
#define TOE_MAX_SEGMENT		(512U << 10)

static struct toe_af_ops {
	const struct inet_connection_sock_af_ops *orig;
	struct inet_connection_sock_af_ops ops;
} toe_af_ops[4];
static DEFINE_MUTEX(toe_af_ops_lock);

/* Our copy of a table, made when it is met first. */
static const struct inet_connection_sock_af_ops *
toe_af_ops_get(const struct inet_connection_sock_af_ops *orig)
{
	const struct inet_connection_sock_af_ops *found = NULL;
	int i;

	mutex_lock(&toe_af_ops_lock);
	for (i = 0; i < ARRAY_SIZE(toe_af_ops) && !found; i++) {
		struct toe_af_ops *slot = &toe_af_ops[i];

		if (!slot->orig) {
			slot->ops = *orig;
			slot->ops.queue_xmit = toe_queue_xmit;
			slot->orig = orig;
		}
		if (slot->orig == orig)
			found = &slot->ops;
	}
	mutex_unlock(&toe_af_ops_lock);
	return found;
}

#if IS_ENABLED(CONFIG_IPV6)
/* As ip6_xmit() (net/ipv6/ip6_output.c) finds it for what the socket sends */
static u32 toe_flow_label(const struct sock *sk)
{
	struct net *net = sock_net(sk);
	struct flowi6 fl6 = {};
	struct sk_buff skb = {};
	bool auto_label;

	auto_label = inet6_test_bit(AUTOFLOWLABEL_SET, sk) ?
		     inet6_test_bit(AUTOFLOWLABEL, sk) :
		     ip6_default_np_autolabel(net);
	skb_set_hash_from_sk(&skb, (struct sock *)sk);
	return ntohl(ip6_make_flowlabel(net, &skb, inet6_sk(sk)->flow_label,
					auto_label, &fl6));
}
#endif

/* What the flow's packets carry in front of TCP. */
static void toe_snapshot_ip(struct toe_flow *flow, const struct sock *sk,
			    struct toe_state *st)
{
	int ttl = READ_ONCE(inet_sk(sk)->uc_ttl);

	st->tos = READ_ONCE(inet_sk(sk)->tos);
	if (ttl < 0)
		ttl = READ_ONCE(sock_net(sk)->ipv4.sysctl_ip_default_ttl);
#if IS_ENABLED(CONFIG_IPV6)
	if (flow->key.tuple.family == AF_INET6) {
		st->tos = inet6_sk(sk)->tclass;
		ttl = READ_ONCE(inet6_sk(sk)->hop_limit);
		if (ttl < 0)
			ttl = ip6_dst_hoplimit(__sk_dst_get(sk));
		st->flow_label = toe_flow_label(sk);
	}
#endif
	st->ttl = ttl;
	st->ip_id = atomic_read(&inet_sk(sk)->inet_id);
}

/* As the application may set it; the stack marks ECN in the same byte. */
static void toe_header_read(const struct toe_flow *flow, const struct sock *sk,
			    u8 *tos, s16 *ttl)
{
	*tos = READ_ONCE(inet_sk(sk)->tos) & ~INET_ECN_MASK;
	*ttl = READ_ONCE(inet_sk(sk)->uc_ttl);
#if IS_ENABLED(CONFIG_IPV6)
	if (flow->key.tuple.family == AF_INET6) {
		*tos = READ_ONCE(inet6_sk(sk)->tclass) & ~INET_ECN_MASK;
		*ttl = READ_ONCE(inet6_sk(sk)->hop_limit);
	}
#endif
}

bool toe_shadow_header_changed(const struct toe_flow *flow,
			       const struct sock *sk)
{
	u8 tos;
	s16 ttl;

	toe_header_read(flow, sk, &tos, &ttl);
	return tos != flow->shadow.tos || ttl != flow->shadow.ttl;
}

void toe_shadow_snapshot(struct toe_flow *flow, struct sock *sk,
			 struct toe_state *st)
{
	const struct inet_connection_sock *icsk = inet_csk(sk);
	const struct dst_entry *dst = __sk_dst_get(sk);
	const struct tcp_sock *tp = tcp_sk(sk);

	sock_owned_by_me(sk);
	st->tuple = flow->key.tuple;
	st->options = (tp->rx_opt.tstamp_ok ? TOE_OPT_TIMESTAMPS : 0) |
		      (tp->tcp_usec_ts ? TOE_OPT_TS_USEC : 0) |
		      (tcp_is_sack(tp) ? TOE_OPT_SACK : 0) |
		      (tp->rx_opt.wscale_ok ? TOE_OPT_WSCALE : 0) |
		      (toe_ecn_ok(tp) ? TOE_OPT_ECN : 0) |
		      (tp->nonagle & TCP_NAGLE_OFF ? TOE_OPT_NODELAY : 0);
	st->snd_una = tp->snd_una;
	st->snd_nxt = tp->snd_nxt;
	st->snd_wnd = tp->snd_wnd;
	st->snd_wl1 = tp->snd_wl1;
	st->max_window = tp->max_window;
	st->rcv_nxt = tp->rcv_nxt;
	st->rcv_wup = tp->rcv_wup;
	/* tcp_select_window() cuts what it tells, not what it remembers. */
	st->rcv_wnd = min(toe_rcv_edge(tp) - tp->rcv_wup,
			  (u32)U16_MAX << tp->rx_opt.rcv_wscale);
	st->tsval = tcp_clock_ts(tp->tcp_usec_ts) + tp->tsoffset;
	st->ts_recent = tp->rx_opt.ts_recent;
	st->snd_cwnd = tcp_snd_cwnd(tp);
	st->snd_ssthresh = tp->snd_ssthresh;
	st->srtt_us = tp->srtt_us >> 3;
	st->rttvar_us = tp->mdev_us >> 2;
	st->mss_cache = tp->mss_cache;
	st->mss_clamp = tp->rx_opt.mss_clamp;
	st->advmss = tp->advmss;
	st->rcv_mss = icsk->icsk_ack.rcv_mss;
	/* of the two, what the socket goes by and what its route has heard */
	st->pmtu = icsk->icsk_pmtu_cookie;
	if (dst)
		st->pmtu = min(st->pmtu, dst_mtu(dst));
	st->sndbuf = READ_ONCE(sk->sk_sndbuf);
	st->rcvbuf = toe_room_rcvbuf(&flow->room, sk);
	st->retrans = tp->total_retrans;
	st->snd_wscale = tp->rx_opt.snd_wscale;
	st->rcv_wscale = tp->rx_opt.rcv_wscale;
	toe_snapshot_ip(flow, sk, st);
	strscpy_pad(st->ca_name, icsk->icsk_ca_ops->name,
		    sizeof(st->ca_name));
}

void toe_shadow_caps(const struct toe_flow *flow, struct sock *sk)
{
	sk->sk_gso_max_size = min(flow->engine->max_tx_len, TOE_MAX_SEGMENT);
	sk->sk_gso_max_segs = U16_MAX;
	sk->sk_route_caps |= NETIF_F_SG | NETIF_F_GSO | NETIF_F_GSO_SOFTWARE |
			     NETIF_F_HW_CSUM;
}

int toe_shadow_install(struct toe_flow *flow, struct sock *sk)
{
	const struct inet_connection_sock_af_ops *ops;
	struct inet_connection_sock *icsk = inet_csk(sk);
	const struct toe_state *st = &flow->opened;

	sock_owned_by_me(sk);
	ops = toe_af_ops_get(icsk->icsk_af_ops);
	if (!ops)
		return -EAFNOSUPPORT;

	toe_room_install(&flow->room, sk);
	spin_lock_bh(&flow->lock);
	flow->draining = false;
	flow->rx_nxt = st->rcv_nxt;
	flow->fed_nxt = st->rcv_nxt;
	flow->rcv_edge = st->rcv_wup + st->rcv_wnd;
	flow->snd_una = st->snd_una;
	flow->snd_wnd = st->snd_wnd;
	flow->tx_nxt = st->snd_nxt;
	flow->credit_owed = false;
	flow->ack_pending = false;
	flow->scaling_ratio = tcp_sk(sk)->scaling_ratio;
	spin_unlock_bh(&flow->lock);

	flow->shadow.af_ops = icsk->icsk_af_ops;
	flow->shadow.gso_max_size = sk->sk_gso_max_size;
	flow->shadow.gso_max_segs = sk->sk_gso_max_segs;
	flow->shadow.route_caps = sk->sk_route_caps;
	flow->shadow.pacing_rate = sk->sk_pacing_rate;
	flow->shadow.mtup_enabled = icsk->icsk_mtup.enabled;
	flow->shadow.rcv_edge = flow->rcv_edge;
	toe_header_read(flow, sk, &flow->shadow.tos, &flow->shadow.ttl);
	flow->shadow.tx_stopped = false;
	flow->shadow.keepalive = false;
	flow->shadow.installed = true;

	toe_info_install(flow, sk);
	toe_cc_install(flow, sk);
	/* A path MTU probe would succeed whatever its size. */
	icsk->icsk_mtup.enabled = 0;
	toe_shadow_caps(flow, sk);
	if (tcp_sk(sk)->packets_out)
		inet_csk_reset_xmit_timer(sk, ICSK_TIME_RETRANS,
					  icsk->icsk_rto, TCP_RTO_MAX);
	WRITE_ONCE(icsk->icsk_af_ops, ops);
	return 0;
}

int toe_shadow_resend(struct toe_flow *flow, struct sock *sk)
{
	u32 seq = flow->opened.snd_una;
	struct sk_buff *skb, *clone;

	sock_owned_by_me(sk);
	for (skb = tcp_rtx_queue_head(sk); skb; skb = skb_rb_next(skb)) {
		u32 skip = seq - TCP_SKB_CB(skb)->seq;

		/* The clone's dst and the original's list anchor overlap. */
		tcp_skb_tsorted_save(skb) {
			clone = skb_clone(skb, GFP_KERNEL);
		} tcp_skb_tsorted_restore(skb);
		if (!clone)
			return -ENOMEM;
		clone->dev = NULL;
		toe_transmit(flow, sk, clone, skip, seq);
		seq = TCP_SKB_CB(skb)->end_seq;
	}
	return 0;
}

/* The socket's segment sizes and capabilities, as its route has them now. */
static void toe_shadow_restore_caps(struct toe_flow *flow, struct sock *sk)
{
	struct dst_entry *dst = __sk_dst_get(sk);

	if (dst) {
		/* takes the reference over */
		sk_setup_caps(sk, dst_clone(dst));
		return;
	}
	sk->sk_gso_max_size = flow->shadow.gso_max_size;
	sk->sk_gso_max_segs = flow->shadow.gso_max_segs;
	sk->sk_route_caps = flow->shadow.route_caps;
}

/* What the engine has promised the peer room for */
static void toe_shadow_adopt_edge(struct sock *sk, const struct toe_state *st)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 edge = st->rcv_wup + st->rcv_wnd;

	if (after(edge, tp->rcv_wup + tp->rcv_wnd)) {
		tp->rcv_wnd = edge - tp->rcv_wup;
		toe_rcv_edge_promised(tp);
	}
}

/* What the engine's TCP has learnt and promised. */
static void toe_shadow_adopt(struct sock *sk, const struct toe_state *st)
{
	struct tcp_sock *tp = tcp_sk(sk);
	u32 now;

	/* What the stack sends next has this time; an acknowledgement does not look
	 * at the clock (tcp_mstamp_refresh()).
	 */
	tp->tcp_clock_cache = tcp_clock_ns();
	tp->tcp_mstamp = div_u64(tp->tcp_clock_cache, NSEC_PER_USEC);
	now = tcp_time_stamp_ts(tp) + tp->tsoffset;
	toe_shadow_adopt_edge(sk, st);
	if ((s32)(st->tsval - now) > 0)
		WRITE_ONCE(tp->tsoffset, tp->tsoffset + (st->tsval - now));
	if (tp->rx_opt.tstamp_ok &&
	    (s32)(st->ts_recent - tp->rx_opt.ts_recent) > 0) {
		tp->rx_opt.ts_recent = st->ts_recent;
		tp->rx_opt.ts_recent_stamp = ktime_get_seconds();
	}
	tcp_snd_cwnd_set(tp, clamp(st->snd_cwnd, TCP_INIT_CWND, 1U << 20));
	tp->snd_cwnd_stamp = tcp_jiffies32;
	tp->snd_ssthresh = max(st->snd_ssthresh, 2U);
	tp->max_window = max(tp->max_window, st->max_window);
	toe_info_rtt(sk, st->srtt_us, st->rttvar_us);
	inet_csk(sk)->icsk_rto = tp->srtt_us ? __tcp_set_rto(tp) :
				 TCP_TIMEOUT_INIT;
	tcp_bound_rto(sk);
}

/* A timer armed by the shadow stands at its huge value. */
static void toe_shadow_rearm(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);

	if (tcp_sk(sk)->packets_out)
		inet_csk_reset_xmit_timer(sk, ICSK_TIME_RETRANS,
					  icsk->icsk_rto, TCP_RTO_MAX);
	else if (icsk->icsk_pending != ICSK_TIME_PROBE0)
		inet_csk_clear_xmit_timer(sk, ICSK_TIME_RETRANS);
}

/* The stack believes that it has advertised its window; the peer heard of it from
 * the engine only, and only as far as credit was given.
 */
static void toe_shadow_advertise(struct sock *sk, const struct toe_state *st)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (sk->sk_state != TCP_CLOSE &&
	    after(tp->rcv_wup + tp->rcv_wnd, st->rcv_wup + st->rcv_wnd))
		__tcp_send_ack(sk, tp->rcv_nxt, 0);
}

/* The path may let less through than the host knows. The ICMP error that said it came
 * here, too, but perhaps behind the acknowledgement of what the engine then sent anew,
 * and was taken for a forgery (tcp_v4_err()).
 */
static void toe_shadow_adopt_path(struct toe_flow *flow, struct sock *sk,
				  const struct toe_state *st)
{
	const struct inet_connection_sock *icsk = inet_csk(sk);
	u32 least = IPV6_MIN_MTU;

	if (flow->key.tuple.family == AF_INET)
		least = READ_ONCE(sock_net(sk)->ipv4.ip_rt_min_pmtu);
	if (st->pmtu < least || st->pmtu >= icsk->icsk_pmtu_cookie)
		return;
	WRITE_ONCE(tcp_sk(sk)->mtu_info, st->pmtu);
	icsk->icsk_af_ops->mtu_reduced(sk);
}

void toe_shadow_abandon(struct toe_flow *flow, struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);

	sock_owned_by_me(sk);
	WRITE_ONCE(icsk->icsk_af_ops, flow->shadow.af_ops);
	WRITE_ONCE(sk->sk_pacing_rate, flow->shadow.pacing_rate);
	icsk->icsk_mtup.enabled = flow->shadow.mtup_enabled;
	sk->sk_gso_max_size = flow->shadow.gso_max_size;
	sk->sk_gso_max_segs = flow->shadow.gso_max_segs;
	sk->sk_route_caps = flow->shadow.route_caps;
	toe_room_remove(&flow->room, sk);
	tcp_sk(sk)->tlp_high_seq = 0;
	flow->shadow.installed = false;
	__skb_queue_purge(&flow->shadow.tx_pending);
}

/* What the engine received goes into the socket while nothing that it sends gets
 * out: the engine has acknowledged all of it to the peer, and a segment that is sent
 * between two that are fed would acknowledge less. But not what is answered with a
 * reset: its FIN goes out first.
 */
static void toe_shadow_take_in(struct toe_flow *flow, struct sock *sk,
			       const struct toe_state *st)
{
	int rcvbuf;

	toe_shadow_adopt_edge(sk, st);
	toe_room_remove(&flow->room, sk);
	if (toe_rx_unwanted(sk))
		return;
	/* The peer was promised room for all of it. */
	rcvbuf = sk->sk_rcvbuf;
	toe_feed(flow, sk, true);
	WRITE_ONCE(sk->sk_rcvbuf, rcvbuf);
}

void toe_shadow_remove(struct toe_flow *flow, struct sock *sk,
		       const struct toe_state *final)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct tcp_sock *tp = tcp_sk(sk);

	sock_owned_by_me(sk);
	if (!flow->shadow.installed) {
		if (sk->sk_state == TCP_CLOSE)
			toe_info_book(flow, sk);
		goto purge;
	}
	sk_flush_backlog(sk);
	toe_info_book(flow, sk);
	if (sk->sk_state != TCP_CLOSE)
		toe_shadow_take_in(flow, sk, final);
	WRITE_ONCE(icsk->icsk_af_ops, flow->shadow.af_ops);
	toe_cc_remove(flow, sk);
	WRITE_ONCE(sk->sk_pacing_rate, flow->shadow.pacing_rate);
	icsk->icsk_mtup.enabled = flow->shadow.mtup_enabled;
	toe_shadow_restore_caps(flow, sk);
	flow->shadow.installed = false;
	__skb_queue_purge(&flow->shadow.tx_pending);
	/* Also for the RST of a socket that is closed already */
	atomic_set(&inet_sk(sk)->inet_id, final->ip_id);

	if (sk->sk_state != TCP_CLOSE) {
		toe_stats_add(TOE_STAT_UNSENT_BYTES,
			      toe_unsend(sk, final->snd_nxt));
		toe_shadow_adopt(sk, final);
		toe_shadow_rearm(sk);

		spin_lock_bh(&flow->lock);
		flow->tx_engine += final->snd_una - flow->snd_una;
		flow->snd_una = final->snd_una;
		flow->snd_wnd = final->snd_wnd;
		/* One that says nothing would look like a sign of life. */
		flow->ack_pending |= final->snd_una != tp->snd_una ||
				     final->snd_wnd != tp->snd_wnd ||
				     toe_push_due(sk);
		toe_seen_home(&flow->seen, sk);
		spin_unlock_bh(&flow->lock);
		toe_feed(flow, sk, true);
		if (flow->shadow.keepalive)
			toe_keepalive_repeat(sk);
		toe_room_make(&flow->room, sk);
		toe_shadow_advertise(sk, final);
		toe_shadow_adopt_path(flow, sk, final);
	}
purge:
	spin_lock_bh(&flow->lock);
	__skb_queue_purge(&flow->rx_queue);
	__skb_queue_purge(&flow->rx_backlog);
	spin_unlock_bh(&flow->lock);
}
