// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notes:
 * 1. A work looks at the entries of all flows that are on engines, five times a
 *    second, and only while there are any: was an entry deleted (conntrack -D
 *    and -F set IPS_DYING), does its mark forbid now what it allowed, is its
 *    timeout near, what has been moved since. No event is asked of conntrack: it
 *    would have to make one of every connection of the machine. A look costs some
 *    hundred nanoseconds for each flow.
 * 2. IPS_OFFLOAD alone keeps nothing alive; as nf_flow_table does, the timeout is
 *    set far ahead, and again when something has set it back: a late frame does.
 * 3. Frames of the flow that reach the host meanwhile (late ones, SYN, FIN, RST)
 *    are judged by conntrack before the gate has them. So its window is moved on
 *    at each look, and what lies beyond it is forgiven, IP_CT_TCP_FLAG_BE_LIBERAL,
 *    until the flow is back. That a RST carries the expected number or a later
 *    one is checked all the time.
 * 4. When it comes back the window is the connection's: the engine says where it
 *    stands, and the peer may have used all that it was promised. nf_flow_table,
 *    which does not know, clears td_maxwin; then the first packet would define
 *    the window, and if it is a retransmission the acknowledgements of what
 *    follows it would be invalid.
 * 5. Conntrack counts IP packets. The engine reports bytes; the packets are
 *    reckoned to be full segments with their headers, and for every two segments
 *    one acknowledgement in the other direction (RFC 9293 3.8.6.3), unless as
 *    many segments with data went there.
 *
 * toe_kept_lock protects the list. The entry of a flow in it is referenced, so
 * ct->lock and what it protects are there; it is taken inside of toe_kept_lock,
 * as flow->lock is. Neither the end of a network namespace nor the removal of
 * nf_conntrack has to wait for more than the flows' return: a flow's socket holds
 * its namespace, and the entry holds the module.
 */
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <net/netfilter/nf_conntrack_l4proto.h>
#include <net/netfilter/nf_conntrack_timeout.h>

#include "candidate.h"
#include "flow.h"
#include "keep.h"
#include "mark.h"

#if IS_ENABLED(CONFIG_NF_CONNTRACK)

#define TOE_KEEP_INTERVAL	(HZ / 5)
/* Nearer than this, and the timeout is set a day ahead */
#define TOE_KEEP_NEAR		(5 * 60 * HZ)

static void toe_keep_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(toe_keeper, toe_keep_work);
static LIST_HEAD(toe_kept_list);
static DEFINE_MUTEX(toe_kept_lock);

static void toe_keep_alive(struct nf_conn *ct)
{
	u32 timeout = READ_ONCE(ct->timeout);

	if (test_bit(IPS_FIXED_TIMEOUT_BIT, &ct->status) ||
	    (s32)(timeout - nfct_time_stamp) > TOE_KEEP_NEAR)
		return;
	/* Whoever sees a packet of it right now knows better. */
	cmpxchg(&ct->timeout, timeout, nfct_time_stamp + NF_CT_DAY);
}

/* @own, @other: segments with data of this direction and of the other */
static void toe_keep_add(struct nf_conn_counter *c, const struct toe_flow *flow,
			 u64 bytes, u64 own, u64 other)
{
	bool v6 = flow->key.tuple.family == AF_INET6;
	u32 header = (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) +
		     sizeof(struct tcphdr) +
		     (flow->opened.options & TOE_OPT_TIMESTAMPS ?
		      TCPOLEN_TSTAMP_ALIGNED : 0);
	u64 packets = max(own, other / 2);

	atomic64_add(packets, &c->packets);
	atomic64_add(bytes + packets * header, &c->bytes);
}

/* @tx, @rx: bytes moved so far; see struct toe_kept */
static void toe_keep_count(struct toe_flow *flow, u64 tx, u64 rx)
{
	struct toe_kept *kept = &flow->kept;
	struct nf_conn_acct *acct = nf_conn_acct_find(kept->entry.ct);
	u32 mss = max(flow->opened.mss_cache, 1U);
	u64 sent = 0, received = 0, out, in;

	/* What conntrack has seen itself is in front of both. */
	if ((s64)(tx - kept->tx) > 0)
		sent = tx - kept->tx;
	if ((s64)(rx - kept->rx) > 0)
		received = rx - kept->rx;
	kept->tx += sent;
	kept->rx += received;
	if (!acct || (!sent && !received))
		return;
	out = div_u64(sent + mss - 1, mss);
	in = div_u64(received + mss - 1, mss);
	toe_keep_add(&acct->counter[kept->entry.dir], flow, sent, out, in);
	toe_keep_add(&acct->counter[!kept->entry.dir], flow, received, in, out);
}

/* The later of two numbers of a sequence */
static u32 toe_later(u32 a, u32 b)
{
	return after(a, b) ? a : b;
}

/* What conntrack would know, had it seen the packets. @sent: one past the last
 * byte that the host's side has sent; @came: that the peer may have sent; @una,
 * @wnd, @rcv_nxt, @edge: as ever
 */
static void toe_keep_window(struct toe_flow *flow, u32 sent, u32 una, u32 wnd,
			    u32 came, u32 rcv_nxt, u32 edge)
{
	struct nf_conn *ct = flow->kept.entry.ct;
	u8 dir = flow->kept.entry.dir;
	struct ip_ct_tcp_state *host = &ct->proto.tcp.seen[dir];
	struct ip_ct_tcp_state *peer = &ct->proto.tcp.seen[!dir];

	lockdep_assert_held(&ct->lock);
	host->td_end = toe_later(host->td_end, sent);
	host->td_maxend = toe_later(host->td_maxend, una + max(wnd, 1U));
	host->td_maxwin = max3(host->td_maxwin, edge - rcv_nxt, 1U);
	host->td_maxack = rcv_nxt;
	host->flags |= IP_CT_TCP_FLAG_MAXACK_SET;
	peer->td_end = toe_later(peer->td_end, came);
	peer->td_maxend = toe_later(peer->td_maxend, edge);
	peer->td_maxwin = max3(peer->td_maxwin, wnd, 1U);
	ct->proto.tcp.retrans = 0;
}

/* Once a look */
static void toe_keep_follow(struct toe_flow *flow)
{
	struct nf_conn *ct = flow->kept.entry.ct;
	u32 una, wnd, rcv_nxt, edge;
	u64 tx, rx;

	spin_lock_bh(&flow->lock);
	tx = flow->tx_engine;
	rx = flow->rx_engine - flow->rx_gate;
	una = flow->snd_una;
	wnd = flow->snd_wnd;
	rcv_nxt = flow->rx_nxt;
	edge = flow->rcv_edge;
	spin_unlock_bh(&flow->lock);
	if (tx == flow->kept.tx && rx == flow->kept.rx)
		return;
	toe_keep_count(flow, tx, rx);
	spin_lock_bh(&ct->lock);
	toe_keep_window(flow, una, una, wnd, rcv_nxt, rcv_nxt, edge);
	spin_unlock_bh(&ct->lock);
}

static bool toe_keep_mark_ok(struct toe_flow *flow)
{
#if IS_ENABLED(CONFIG_NF_CONNTRACK_MARK)
	struct toe_signal sig = toe_candidate_rule(flow);
	u32 mark = READ_ONCE(flow->kept.entry.ct->mark);

	return toe_mark_ct_ok(sig.prio ? &sig : NULL, &mark);
#else
	return true;
#endif
}

static void toe_keep_look(struct toe_flow *flow)
{
	struct nf_conn *ct = flow->kept.entry.ct;

	lockdep_assert_held(&toe_kept_lock);
	if (nf_ct_is_dying(ct)) {
		toe_flow_kick(flow, TOE_REASON_CONNTRACK);
		return;
	}
	if (!toe_keep_mark_ok(flow))
		toe_flow_kick(flow, TOE_REASON_MARK);
	toe_keep_alive(ct);
	toe_keep_follow(flow);
}

static void toe_keep_work(struct work_struct *work)
{
	struct toe_flow *flow;

	mutex_lock(&toe_kept_lock);
	list_for_each_entry(flow, &toe_kept_list, kept.node)
		toe_keep_look(flow);
	if (!list_empty(&toe_kept_list))
		queue_delayed_work(toe_wq, &toe_keeper, TOE_KEEP_INTERVAL);
	mutex_unlock(&toe_kept_lock);
}

void toe_keep_take(struct toe_flow *flow, struct toe_entry *entry)
{
	flow->kept.entry = *entry;
	memset(entry, 0, sizeof(*entry));
	spin_lock_bh(&flow->lock);
	flow->kept.tx = flow->tx_engine;
	flow->kept.rx = flow->rx_engine - flow->rx_gate;
	spin_unlock_bh(&flow->lock);
}

void toe_keep_begin(struct toe_flow *flow)
{
	struct toe_kept *kept = &flow->kept;
	const struct toe_state *st = &flow->opened;
	struct nf_conn *ct = kept->entry.ct;
	int dir;

	if (!ct)
		return;
	/* The host has sent it, conntrack has counted it. The engine may have
	 * moved more by now.
	 */
	kept->tx += st->snd_nxt - st->snd_una;
	kept->liberal = 0;
	spin_lock_bh(&ct->lock);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		struct ip_ct_tcp_state *seen = &ct->proto.tcp.seen[dir];

		if (seen->flags & IP_CT_TCP_FLAG_BE_LIBERAL)
			kept->liberal |= BIT(dir);
		seen->flags |= IP_CT_TCP_FLAG_BE_LIBERAL;
	}
	toe_keep_window(flow, st->snd_nxt, st->snd_una, st->snd_wnd,
			st->rcv_nxt, st->rcv_nxt, st->rcv_wup + st->rcv_wnd);
	spin_unlock_bh(&ct->lock);
	toe_keep_alive(ct);

	mutex_lock(&toe_kept_lock);
	kept->looked = true;
	list_add_tail(&kept->node, &toe_kept_list);
	queue_delayed_work(toe_wq, &toe_keeper, TOE_KEEP_INTERVAL);
	mutex_unlock(&toe_kept_lock);
}

/* As for an established connection, or one whose FIN has come by */
static u32 toe_keep_timeout(const struct nf_conn *ct)
{
	const unsigned int *timeouts;
	u32 timeout;

	rcu_read_lock();
	timeouts = nf_ct_timeout_lookup(ct) ?:
		   nf_tcp_pernet(nf_ct_net(ct))->timeouts;
	timeout = READ_ONCE(timeouts[ct->proto.tcp.state]);
	rcu_read_unlock();
	return timeout;
}

void toe_keep_end(struct toe_flow *flow)
{
	struct toe_kept *kept = &flow->kept;
	const struct toe_state *f = &flow->final;
	struct nf_conn *ct = kept->entry.ct;
	u32 edge;
	u64 tx, rx;
	int dir;

	if (!kept->looked)
		return;
	mutex_lock(&toe_kept_lock);
	kept->looked = false;
	list_del(&kept->node);
	mutex_unlock(&toe_kept_lock);

	spin_lock_bh(&flow->lock);
	/* All that was on the wire, acknowledged or not */
	tx = flow->tx_engine + (f->snd_nxt - flow->snd_una);
	rx = flow->rx_engine - flow->rx_gate;
	edge = toe_later(flow->rcv_edge, f->rcv_wup + f->rcv_wnd);
	spin_unlock_bh(&flow->lock);
	toe_keep_count(flow, tx, rx);

	spin_lock_bh(&ct->lock);
	/* A frame that conntrack forgave while it was liberal, a FIN that waits
	 * at the gate for example, has left no trace in the window, and the host
	 * will acknowledge it.
	 */
	toe_keep_window(flow, f->snd_nxt, f->snd_una, f->snd_wnd, edge,
			f->rcv_nxt, edge);
	for (dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		struct ip_ct_tcp_state *seen = &ct->proto.tcp.seen[dir];

		if (!(kept->liberal & BIT(dir)))
			seen->flags &= ~IP_CT_TCP_FLAG_BE_LIBERAL;
		/* The next packet says it: nf_flow_table does the same. */
		seen->flags &= ~IP_CT_TCP_FLAG_MAXACK_SET;
	}
	if (!test_bit(IPS_FIXED_TIMEOUT_BIT, &ct->status))
		WRITE_ONCE(ct->timeout, nfct_time_stamp + toe_keep_timeout(ct));
	spin_unlock_bh(&ct->lock);
}

/* The reset that brought the flow back was not judged by conntrack as one that
 * ends the connection, since its number was not the last known one. Now the
 * socket has judged.
 */
static void toe_keep_reset(struct toe_flow *flow)
{
	struct sock *sk = flow->sk;
	bool closed;

	lock_sock(sk);
	closed = sk->sk_state == TCP_CLOSE;
	release_sock(sk);
	if (closed)
		nf_ct_set_closing(&flow->kept.entry.ct->ct_general);
}

void toe_keep_put(struct toe_flow *flow)
{
	if (flow->kept.entry.ct && flow->close_reason == TOE_REASON_PEER_RST)
		toe_keep_reset(flow);
	toe_entry_put(&flow->kept.entry);
}

void toe_keep_stop(void)
{
	cancel_delayed_work_sync(&toe_keeper);
}

#else

void toe_keep_take(struct toe_flow *flow, struct toe_entry *entry)
{
}

void toe_keep_begin(struct toe_flow *flow)
{
}

void toe_keep_end(struct toe_flow *flow)
{
}

void toe_keep_put(struct toe_flow *flow)
{
}

void toe_keep_stop(void)
{
}

#endif
