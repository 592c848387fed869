// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state machine of a flow: HOST -> OPENING -> ENGINE -> CLOSING -> HOST.
 * All of it runs in the flow's work, one step after the other. Where it has to
 * wait, for the engine's answers mostly, the work ends, and what is waited for
 * queues it again: flow->step says where it goes on. So thousands of flows on
 * their way need no thread each, and no switch between threads for each step.
 *
 * Opening, in this order, and why:
 *	no probe	nothing is sent again for want of what is held from now on
 *	PREPARE		the engine holds the peer's frames: nothing new reaches
 *			the host
 *	gate shut	what was under way goes to the engine, to be held
 *	settle		every frame that passed the gate before is in the socket
 *			or in its backlog
 *	lock, flush	and now it is processed: the socket stands still
 *	sent has left	what the host sent last is not overtaken by the engine
 *	snapshot, install, OPEN, the unacknowledged bytes, unlock
 * Closing:
 *	draining	the engine's bytes queue up for this work
 *	CLOSE		the engine stops, holds the peer's frames and says where it
 *			stands; then wait until it has delivered all it received
 *	gate parks	nothing gets between
 *	conntrack	knows where the connection stands
 *	lock, remove	un-send, adopt, feed, send: the socket is native
 *	gate open	parked FIN or RST are processed
 *	RELEASE		held frames go to the host
 *
 * The connection may be what writes dirty pages to a disk (NFS, iSCSI), and stands
 * still while it moves. So nothing here may wait for a page to be written, and
 * there is always a thread for it: the scope in toe_migrate_work(), and
 * WQ_MEM_RECLAIM of toe_wq.
 */
#include <linux/etherdevice.h>
#include <linux/sched/mm.h>
#include <net/dst.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "admit.h"
#include "candidate.h"
#include "capture.h"
#include "cc.h"
#include "eligible.h"
#include "engine.h"
#include "firewall.h"
#include "flow.h"
#include "gate.h"
#include "keep.h"
#include "migrate.h"
#include "route.h"
#include "rule.h"
#include "shadow.h"
#include "stats.h"
#include "trace.h"
#include "way.h"

#define TOE_OPEN_TRIES		3	/* calm before PREPARE, not calm after it */
#define TOE_LEAVE_NS		(20 * NSEC_PER_MSEC)
#define TOE_MAX_WINDOW		(U16_MAX << TCP_MAX_WSCALE)

unsigned int toe_timeout_ms = 1000;

/* Before a command is submitted: its reply may come at once. The flow waits for it
 * from toe_asked() on.
 */
static void toe_await(struct toe_flow *flow, enum toe_engine_cmd cmd,
		      enum toe_step step)
{
	spin_lock_bh(&flow->lock);
	clear_bit(cmd, &flow->replied);
	set_bit(cmd, &flow->awaited);
	spin_unlock_bh(&flow->lock);
	flow->step_until = jiffies +
			   msecs_to_jiffies(READ_ONCE(toe_timeout_ms));
	WRITE_ONCE(flow->step, step);
}

/* The work ends, and goes on when it is queued or when the time is over. */
static void toe_wait(struct toe_flow *flow)
{
	long left = flow->step_until - jiffies;

	toe_flow_queue_later(flow, max(left, 0L));
}

static bool toe_wait_is_over(const struct toe_flow *flow)
{
	return time_after_eq(jiffies, flow->step_until) ||
	       !READ_ONCE(flow->engine->alive);
}

/* @err is what submitting gave. */
static void toe_asked(struct toe_flow *flow, int err)
{
	flow->step_err = err;
	if (err)
		toe_flow_queue(flow);
	else
		toe_wait(flow);
}

/* Is the wait for a reply over? Then @errp is how it ended. */
static bool toe_answered(struct toe_flow *flow, enum toe_engine_cmd cmd,
			 int *errp)
{
	struct toe_engine *e = flow->engine;
	int err = flow->step_err;

	spin_lock_bh(&flow->lock);
	if (!err && test_bit(cmd, &flow->replied)) {
		err = flow->reply_err[cmd];
	} else if (!err && !toe_wait_is_over(flow)) {
		spin_unlock_bh(&flow->lock);
		toe_wait(flow);
		return false;
	} else if (!err) {
		err = READ_ONCE(e->alive) ? -ETIMEDOUT : -ENODEV;
	}
	clear_bit(cmd, &flow->awaited);
	spin_unlock_bh(&flow->lock);
	trace_toe_engine_reply(flow, cmd, err);
	if (err == -ETIMEDOUT)
		pr_err_ratelimited("toe: engine %s did not answer in time\n",
				   e->name);
	*errp = err;
	return true;
}

static enum toe_reason toe_reason_of(int err)
{
	switch (err) {
	case 0:
		return TOE_REASON_NONE;
	case -ETIMEDOUT:
		return TOE_REASON_ENGINE_TIMEOUT;
	case -ENODEV:
		return TOE_REASON_ENGINE_FAILED;
	case -ENOSPC:
		return TOE_REASON_TABLE_FULL;
	case -ENOMEM:
		return TOE_REASON_MEMORY;
	case -EAFNOSUPPORT:
		return TOE_REASON_FAMILY;
	default:
		return TOE_REASON_ENGINE_REFUSED;
	}
}

/* The engine forgets the flow, and its id ends: toe_released(). */
static void toe_release(struct toe_flow *flow)
{
	struct toe_engine *e = flow->engine;

	toe_await(flow, TOE_ENGINE_RELEASE, TOE_STEP_RELEASED);
	toe_asked(flow, e->ops->release(e, flow->id));
}

/* Is what the engine says at the end possible? */
static bool toe_final_ok(struct toe_flow *flow)
{
	const struct toe_state *f = &flow->final;
	bool ok;

	spin_lock_bh(&flow->lock);
	ok = !before(f->snd_una, flow->snd_una) &&
	     !after(f->snd_una, flow->tx_nxt) &&
	     !before(f->snd_nxt, f->snd_una) &&
	     !after(f->snd_nxt, flow->tx_nxt) &&
	     !before(f->rcv_nxt, flow->rx_nxt) &&
	     f->rcv_nxt - flow->rx_nxt <= TOE_MAX_WINDOW &&
	     f->rcv_wup + f->rcv_wnd - f->rcv_nxt <= TOE_MAX_WINDOW;
	spin_unlock_bh(&flow->lock);
	return ok;
}

/* Without the engine's word: all that it was given may be on the wire. */
static void toe_final_guess(struct toe_flow *flow)
{
	struct toe_state *f = &flow->final;
	u64 ms = div_u64(ktime_get_ns() - flow->since_ns, NSEC_PER_MSEC);

	toe_stats_inc(TOE_STAT_TAKEOVERS);
	*f = flow->opened;
	spin_lock_bh(&flow->lock);
	f->snd_una = flow->snd_una;
	f->snd_nxt = flow->tx_nxt;
	f->snd_wnd = flow->snd_wnd;
	f->rcv_nxt = flow->rx_nxt;
	f->rcv_wup = flow->rx_nxt;
	f->rcv_wnd = flow->rcv_edge - flow->rx_nxt;
	spin_unlock_bh(&flow->lock);
	f->snd_cwnd = TCP_INIT_CWND;
	/* The engine's clock may have run ahead of the host's by its steps. */
	ms += 1000;
	f->tsval += f->options & TOE_OPT_TS_USEC ? ms * USEC_PER_MSEC : ms;
	f->ip_id += flow->info.segs_out;
}

/* The reset the application caused, from where the engine stopped: a number
 * that the peer accepts (RFC 5961 3.2).
 */
static void toe_send_rst(struct toe_flow *flow, struct sock *sk)
{
	struct sk_buff *skb = flow->shadow.rst;

	if (!skb)
		return;
	flow->shadow.rst = NULL;
	/* Another connection's by now: the old peer is answered when it speaks. */
	if (sk->sk_state != TCP_CLOSE) {
		consume_skb(skb);
		return;
	}
	tcp_hdr(skb)->seq = htonl(flow->final.snd_nxt);
	inet_csk(sk)->icsk_af_ops->queue_xmit(sk, skb, &inet_sk(sk)->cork.fl);
}

/* The socket is native again, the engine has forgotten it. @flow->final says
 * where the connection stands.
 */
static void toe_bring_home(struct toe_flow *flow)
{
	struct sock *sk = flow->sk;

	toe_gate_set(flow, TOE_GATE_PARK);
	toe_keep_end(flow);
	lock_sock(sk);
	toe_shadow_remove(flow, sk, &flow->final);
	toe_send_rst(flow, sk);
	release_sock(sk);
	toe_gate_open(flow);
	toe_keep_put(flow);
	toe_release(flow);
}

/* Gets the final state from the engine, or does without it: toe_closed() */
static void toe_recall(struct toe_flow *flow)
{
	struct toe_engine *e = flow->engine;

	toe_shadow_drain(flow);
	lock_sock(flow->sk);
	flow->shadow.tx_stopped = true;
	release_sock(flow->sk);

	toe_await(flow, TOE_ENGINE_CLOSE, TOE_STEP_CLOSED);
	toe_asked(flow, e->ops->close(e, flow->id));
}

/* @err: why the engine's word is worth nothing, or 0 */
static void toe_recalled(struct toe_flow *flow, int err)
{
	if (err == -EPROTO)
		toe_engine_error(flow->engine, 0, TOE_STAT_ERR_SEQUENCE);
	if (err)
		toe_final_guess(flow);
	toe_bring_home(flow);
}

/* Is all here that the engine received? */
static void toe_arrived(struct toe_flow *flow)
{
	bool here;

	spin_lock_bh(&flow->lock);
	here = flow->rx_nxt == flow->final.rcv_nxt;
	spin_unlock_bh(&flow->lock);
	if (!here && !toe_wait_is_over(flow))
		toe_wait(flow);
	else
		toe_recalled(flow, here ? 0 : -EPROTO);
}

static void toe_closed(struct toe_flow *flow)
{
	int err;

	if (!toe_answered(flow, TOE_ENGINE_CLOSE, &err))
		return;
	if (!err && !toe_final_ok(flow))
		err = -EPROTO;
	if (err) {
		toe_recalled(flow, err);
		return;
	}
	flow->step_until = jiffies +
			   msecs_to_jiffies(READ_ONCE(toe_timeout_ms));
	/* Whoever brings the last of it queues the work. */
	spin_lock_bh(&flow->lock);
	WRITE_ONCE(flow->step, TOE_STEP_ARRIVED);
	spin_unlock_bh(&flow->lock);
	toe_arrived(flow);
}

/* Waits until all that the socket has sent has left the host's queues: the engine
 * has a way of its own to the wire, and the peer would see its segments first. The
 * socket is locked, so no more of them come. False: it takes too long.
 */
static bool toe_sent_has_left(const struct sock *sk)
{
	u64 end = ktime_get_ns() + TOE_LEAVE_NS;

	sock_owned_by_me(sk);
	while (sk_wmem_alloc_get(sk)) {
		if (ktime_get_ns() > end)
			return false;
		usleep_range(20, 50);
	}
	return true;
}

/* With the socket standing still. Returns 0 or why not; then nothing changed. */
static enum toe_reason toe_open_locked(struct toe_flow *flow, struct sock *sk)
{
	struct toe_engine *e = flow->engine;
	struct toe_tuple tuple;
	struct toe_way way = {};
	enum toe_reason reason;
	int err;

	sk_flush_backlog(sk);
	/* Another connection's by now, see toe_shadow_abandon() */
	toe_tuple_from_sock(&tuple, sk);
	if (memcmp(&tuple, &flow->key.tuple, sizeof(tuple)))
		return TOE_REASON_STATE;
	reason = toe_eligible(sk);
	if (!reason)
		reason = toe_way(sk, &flow->key.tuple, &way);
	if (!reason && !ether_addr_equal(e->mac, way.src_mac))
		reason = TOE_REASON_ROUTE;
	if (!reason)
		reason = toe_calm(sk);
	if (reason)
		return reason;
	/* A delayed acknowledgement: the engine would not know that it is owed. */
	if (inet_csk_ack_scheduled(sk))
		__tcp_send_ack(sk, tcp_sk(sk)->rcv_nxt, 0);
	if (!toe_sent_has_left(sk))
		return TOE_REASON_NOT_CALM;
	ether_addr_copy(flow->opened.src_mac, way.src_mac);
	ether_addr_copy(flow->opened.dst_mac, way.dst_mac);
	toe_shadow_snapshot(flow, sk, &flow->opened);
	err = toe_shadow_install(flow, sk);
	if (err)
		return toe_reason_of(err);
	toe_await(flow, TOE_ENGINE_OPEN, TOE_STEP_OPENED);
	err = e->ops->open(e, flow->id, &flow->opened);
	if (!err)
		err = toe_shadow_resend(flow, sk);
	/* From here on failure is undone as a return. */
	flow->step_err = err;
	return TOE_REASON_NONE;
}

/* What link-local addresses are unique on */
static int toe_scope(const struct sock *sk, const struct toe_tuple *t)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (t->family == AF_INET6 &&
	    ipv6_addr_type((const struct in6_addr *)t->remote_addr) &
	    IPV6_ADDR_LINKLOCAL)
		return READ_ONCE(sk->sk_bound_dev_if);
#endif
	return 0;
}

/* An open has failed, nothing has changed: the engine is to forget it. */
static void toe_open_undo(struct toe_flow *flow, enum toe_reason reason)
{
	lock_sock(flow->sk);
	toe_cc_unmute(flow->sk);
	release_sock(flow->sk);
	flow->outcome = reason;
	toe_release(flow);
}

static void toe_prepare(struct toe_flow *flow)
{
	struct toe_engine *e = flow->engine;

	lock_sock(flow->sk);
	toe_cc_mute(flow->sk);
	release_sock(flow->sk);
	toe_await(flow, TOE_ENGINE_PREPARE, TOE_STEP_PREPARED);
	toe_asked(flow, e->ops->prepare(e, flow->id, &flow->key.tuple));
}

static void toe_settled(struct toe_flow *flow)
{
	struct sock *sk = flow->sk;
	enum toe_reason reason;

	if (!READ_ONCE(flow->settled))
		return;
	lock_sock(sk);
	reason = toe_open_locked(flow, sk);
	release_sock(sk);
	if (reason) {
		toe_gate_set(flow, TOE_GATE_PARK);
		toe_gate_open(flow);
		toe_open_undo(flow, reason);
		return;
	}
	toe_keep_begin(flow);
	toe_asked(flow, flow->step_err);
}

static void toe_prepared(struct toe_flow *flow)
{
	int err;

	if (!toe_answered(flow, TOE_ENGINE_PREPARE, &err))
		return;
	if (err) {
		toe_open_undo(flow, toe_reason_of(err));
		return;
	}
	toe_capture_open(flow);
	/* Until here the peer's data reached the host. */
	flow->moved_ns = ktime_get_ns();
	flow->scope = toe_scope(flow->sk, &flow->key.tuple);
	toe_gate_set(flow, TOE_GATE_INJECT);
	WRITE_ONCE(flow->step, TOE_STEP_SETTLED);
	if (toe_gate_settle(flow))
		toe_settled(flow);
}

/* On the engine: what was wanted of the work on the way there is done now. */
static void toe_opened_well(struct toe_flow *flow)
{
	flow->error = 0;
	flow->opens++;
	flow->again = false;
	toe_stats_inc(TOE_STAT_OPENS);
	if (flow->places.rule)
		atomic64_inc(&flow->places.rule->opens);
	WRITE_ONCE(flow->step, TOE_STEP_NONE);
	toe_flow_set_state(flow, TOE_STATE_ENGINE, flow->open_reason);
	/* What waits in the write queue goes now. */
	toe_shadow_push(flow);
	/* What was told on the way here found no flow on an engine. */
	toe_route_look_own(flow);
	toe_quota_move(&flow->places, toe_candidate_rule(flow).prio);
	if (READ_ONCE(flow->close_reason) || toe_shadow_flush_due(flow))
		toe_flow_queue(flow);
}

static void toe_opened(struct toe_flow *flow)
{
	int err;

	if (!toe_answered(flow, TOE_ENGINE_OPEN, &err)) {
		/* It waits for bytes that it had no room for, maybe. */
		if (toe_shadow_flush_due(flow))
			toe_shadow_flush(flow);
		return;
	}
	if (!err) {
		flow->open_ns = ktime_get_ns() - flow->moved_ns;
		toe_opened_well(flow);
		return;
	}
	flow->outcome = toe_reason_of(err);
	if (err == -ETIMEDOUT) {
		/* It may run there by now. */
		toe_recall(flow);
		return;
	}
	toe_shadow_drain(flow);
	if (err == -ENODEV)
		toe_final_guess(flow);
	else
		flow->final = flow->opened;
	toe_bring_home(flow);
}

/* One try, up to the wait for PREPARE. TOE_REASON_NONE, or why not. */
static enum toe_reason toe_open_try(struct toe_flow *flow)
{
	struct toe_signal sig = toe_candidate_rule(flow);
	struct toe_admission a = {
		.net = flow->key.net,
		.tuple = &flow->key.tuple,
		.sk = flow->sk,
		.flow = flow,
		.sig = sig.prio ? &sig : NULL,
		.places = &flow->places,
	};
	enum toe_reason reason;

	toe_quota_put(&flow->places);
	reason = toe_admit(&a);
	if (reason)
		return reason;
	toe_keep_take(flow, &a.entry);
	toe_route_watch(a.net);
	if (toe_gate_hook(a.net) || toe_flow_bind(flow, a.engine)) {
		toe_engine_put(a.engine);
		toe_keep_put(flow);
		return TOE_REASON_MEMORY;
	}
	if (flow->state != TOE_STATE_OPENING)
		toe_flow_set_state(flow, TOE_STATE_OPENING, flow->open_reason);
	toe_prepare(flow);
	return TOE_REASON_NONE;
}

static int toe_open_error(enum toe_reason reason)
{
	switch (reason) {
	case TOE_REASON_NONE:
		return 0;
	case TOE_REASON_NOT_CALM:
	case TOE_REASON_URGENT:
	case TOE_REASON_UNTESTED:
		return -EBUSY;
	case TOE_REASON_NO_ENGINE:
	case TOE_REASON_ENGINE_FAILED:
		return -ENODEV;
	case TOE_REASON_TABLE_FULL:
	case TOE_REASON_RULE_QUOTA:
	case TOE_REASON_NETNS_QUOTA:
		return -ENOSPC;
	case TOE_REASON_ENGINE_TIMEOUT:
		return -ETIMEDOUT;
	case TOE_REASON_UNSEEN:
		return -EAGAIN;
	case TOE_REASON_MARK:
		return -EPERM;
	case TOE_REASON_MEMORY:
		return -ENOMEM;
	case TOE_REASON_STATE:
		return -ENOTCONN;
	default:
		return -EOPNOTSUPP;
	}
}

/* Has the connection ended, so that nobody will ask for its flow again? */
static bool toe_over(const struct sock *sk)
{
	return !((1 << inet_sk_state_load(sk)) &
		 (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT));
}

static void toe_open_failed(struct toe_flow *flow, enum toe_reason reason)
{
	flow->error = toe_open_error(reason);
	toe_stats_inc(TOE_STAT_OPEN_FAILS);
	toe_stats_refused(reason);
	toe_backoff_failed(&flow->backoff, reason);
	toe_candidate_refused(flow, reason);
	toe_flow_set_state(flow, TOE_STATE_HOST, reason);
	toe_flow_settle(flow, toe_over(flow->sk));
}

/* @reason: why the last try failed */
static void toe_open_again(struct toe_flow *flow, enum toe_reason reason)
{
	while (reason) {
		if (!toe_may_pass(reason) || ++flow->tries >= TOE_OPEN_TRIES) {
			toe_open_failed(flow, reason);
			return;
		}
		reason = toe_open_try(flow);
	}
}

static void toe_work_open(struct toe_flow *flow)
{
	flow->tries = 0;
	if (toe_firewall_watch(flow->key.net))
		toe_open_failed(flow, TOE_REASON_MEMORY);
	else
		toe_open_again(flow, toe_open_try(flow));
}

static void toe_work_close(struct toe_flow *flow)
{
	enum toe_reason reason = flow->close_reason;

	flow->moved_ns = ktime_get_ns();
	toe_backoff_returned(&flow->backoff, reason,
			     flow->moved_ns - flow->since_ns);
	toe_flow_set_state(flow, TOE_STATE_CLOSING, reason);
	toe_recall(flow);
}

static void toe_close_ended(struct toe_flow *flow)
{
	enum toe_reason reason = flow->close_reason;

	flow->close_ns = ktime_get_ns() - flow->moved_ns;
	toe_stats_inc(TOE_STAT_CLOSES);
	toe_stats_returned(reason);
	toe_candidate_returned(flow, reason);
	toe_flow_set_state(flow, TOE_STATE_HOST, reason);
	toe_flow_settle(flow, toe_over(flow->sk));
}

static void toe_released(struct toe_flow *flow)
{
	int err;

	/* It is home, whatever the engine says to that. */
	if (!toe_answered(flow, TOE_ENGINE_RELEASE, &err))
		return;
	toe_flow_unbind(flow);
	WRITE_ONCE(flow->step, TOE_STEP_NONE);
	if (flow->state == TOE_STATE_CLOSING) {
		toe_close_ended(flow);
		return;
	}
	toe_keep_put(flow);
	toe_open_again(flow, flow->outcome);
}

/* The flow is not on its way. */
static void toe_work_none(struct toe_flow *flow)
{
	switch (flow->state) {
	case TOE_STATE_HOST:
		/* A kick that came too late finds no socket here. */
		if (flow->sk)
			toe_work_open(flow);
		break;
	case TOE_STATE_ENGINE:
		if (READ_ONCE(flow->close_reason)) {
			toe_work_close(flow);
			break;
		}
		toe_quota_move(&flow->places, toe_candidate_rule(flow).prio);
		toe_shadow_flush(flow);
		if (READ_ONCE(flow->look))
			toe_route_look_own(flow);
		break;
	}
}

/* Nothing here may use the flow after what ends its stay: it may begin anew. */
void toe_migrate_work(struct work_struct *work)
{
	struct toe_flow *flow = container_of(to_delayed_work(work),
					     struct toe_flow, work);
	unsigned int noio = memalloc_noio_save();

	switch (flow->step) {
	case TOE_STEP_NONE:
		toe_work_none(flow);
		break;
	case TOE_STEP_PREPARED:
		toe_prepared(flow);
		break;
	case TOE_STEP_SETTLED:
		toe_settled(flow);
		break;
	case TOE_STEP_OPENED:
		toe_opened(flow);
		break;
	case TOE_STEP_CLOSED:
		toe_closed(flow);
		break;
	case TOE_STEP_ARRIVED:
		toe_arrived(flow);
		break;
	case TOE_STEP_RELEASED:
		toe_released(flow);
		break;
	}
	memalloc_noio_restore(noio);
	toe_flow_put(flow);
}
