// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is to go to an engine, and when it is tried.
 *
 * A BPF program that has signalled a connection forgets it, so that the connection
 * costs nothing more. What did not get to an engine, or came back, is therefore
 * tried again from here: the sweep looks at the flows that wait in the stack,
 * and tries those that have moved their rule's threshold once more and need not
 * be left alone any longer.
 *
 * A flow that came back because the firewall's rules changed has done nothing to
 * deserve it. It is tried again, whoever wanted it there, when the rules have stood
 * still for a second and have let it pass in both directions. Until then a shorter
 * sweep looks; a flow that says nothing for some seconds is left to the long one.
 */
#include <net/tcp.h>

#include <toe/policy.h>

#include "admit.h"
#include "candidate.h"
#include "firewall.h"
#include "mark.h"
#include "route.h"
#include "stats.h"
#include "trace.h"

#define TOE_SWEEP_INTERVAL	(2 * HZ)

#define TOE_AGAIN_INTERVAL	(HZ / 10)
#define TOE_AGAIN_FOR		(5 * HZ)

static void toe_sweep(struct work_struct *work);
static DECLARE_DELAYED_WORK(toe_sweep_work, toe_sweep);
static void toe_again(struct work_struct *work);
static DECLARE_DELAYED_WORK(toe_again_work, toe_again);
/* The short sweep goes on until then, jiffies. */
static unsigned long toe_again_until;

/* The name belongs to another connection than before. */
static void toe_candidate_renew(struct toe_flow *flow, struct sock *sk)
{
	lockdep_assert_held(&flow->lock);
	flow->last_sk = sk;
	memset(&flow->room, 0, sizeof(flow->room));
	flow->opens = 0;
	flow->tx_engine = 0;
	flow->rx_engine = 0;
	memset(&flow->sig, 0, sizeof(flow->sig));
	memset(&flow->backoff, 0, sizeof(flow->backoff));
	memset(&flow->seen, 0, sizeof(flow->seen));
	flow->again = false;
}

int toe_candidate_signal(struct sock *sk, const struct toe_signal *sig,
			 struct toe_flow **flowp)
{
	enum toe_reason reason = sig ? TOE_REASON_THRESHOLD : TOE_REASON_ADMIN;
	struct toe_flow_key key = { .net = sock_net(sk) };
	struct toe_flow *flow;
	int err;

	toe_tuple_from_sock(&key.tuple, sk);
	flow = toe_flow_obtain(&key);
	if (IS_ERR(flow)) {
		if (PTR_ERR(flow) == -ENOSPC)
			toe_stats_refused(TOE_REASON_TABLE_FULL);
		return PTR_ERR(flow);
	}

	spin_lock_bh(&flow->lock);
	if (!flow->busy && flow->last_sk != sk)
		toe_candidate_renew(flow, sk);
	if (flow->leaving || flow->last_sk != sk) {
		err = -EAGAIN;
	} else {
		if (sig)
			flow->sig = *sig;
		if (sig && !flow->busy && toe_backoff_left(&flow->backoff)) {
			err = -EEXIST;
			toe_stats_inc(TOE_STAT_SIGNALS_HELD);
		} else {
			err = toe_flow_begin(flow, sk, reason);
			if (sig && err == -EEXIST)
				toe_stats_inc(TOE_STAT_SIGNALS_DUP);
		}
	}
	spin_unlock_bh(&flow->lock);

	if (!err) {
		trace_toe_flow_signal(flow, reason);
		toe_flow_queue(flow);
	}
	if (flowp && (!err || err == -EEXIST))
		*flowp = flow;
	else
		toe_flow_put(flow);
	return err;
}

/* Does a rule want it on an engine, or did an administrator? */
static bool toe_candidate_wanted(const struct toe_flow *flow)
{
	lockdep_assert_held(&flow->lock);
	return !(flow->sig.flags & TOE_SIGNAL_NEVER) &&
	       (flow->sig.prio || flow->open_reason == TOE_REASON_ADMIN);
}

int toe_candidate_policy(struct sock *sk, const struct toe_signal *sig)
{
	struct toe_flow_key key = { .net = sock_net(sk) };
	struct toe_flow *flow __free(toe_flow_put) = NULL;
	enum toe_reason unwanted = TOE_REASON_NONE;
	bool busy, same;

	toe_tuple_from_sock(&key.tuple, sk);
	flow = toe_flow_lookup(&key);
	if (!flow)
		return 0;
	spin_lock_bh(&flow->lock);
	if (flow->leaving || flow->last_sk != sk) {
		spin_unlock_bh(&flow->lock);
		return 0;
	}
	/* What was seen of its packets is what the old rule wanted to see. */
	same = flow->open_reason == TOE_REASON_ADMIN ||
	       toe_mark_same_packets(&flow->sig, sig);
	flow->sig = *sig;
	busy = flow->busy;
	if (!toe_candidate_wanted(flow) || !same)
		unwanted = TOE_REASON_POLICY;
	else if ((sig->flags & TOE_SIGNAL_CAREFUL) &&
		 flow->open_reason != TOE_REASON_ADMIN &&
		 !toe_firewall_clear(key.net))
		unwanted = TOE_REASON_CAREFUL;
	spin_unlock_bh(&flow->lock);
	if (busy && unwanted)
		toe_flow_kick(flow, unwanted);
	else if (busy)
		/* It may count for another rule now. */
		toe_flow_queue(flow);
	return 1;
}

struct toe_signal toe_candidate_rule(struct toe_flow *flow)
{
	struct toe_signal sig = {};

	spin_lock_bh(&flow->lock);
	if (!(flow->sig.flags & TOE_SIGNAL_NEVER) &&
	    !(flow->busy && flow->open_reason == TOE_REASON_ADMIN))
		sig = flow->sig;
	spin_unlock_bh(&flow->lock);
	return sig;
}

enum toe_reason toe_candidate_why(struct sock *sk, struct toe_flow *flow,
				  char *engine)
{
	struct toe_flow_key key = { .net = sock_net(sk) };
	struct toe_admission a = {
		.net = key.net,
		.tuple = &key.tuple,
		.sk = sk,
	};
	struct toe_signal sig = {};
	enum toe_reason reason;
	bool busy = false;
	u64 left = 0;

	engine[0] = 0;
	toe_tuple_from_sock(&key.tuple, sk);
	if (flow) {
		spin_lock_bh(&flow->lock);
		if (flow->last_sk == sk) {
			a.flow = flow;
			sig = flow->sig;
			busy = flow->busy;
			left = toe_backoff_left(&flow->backoff);
		}
		spin_unlock_bh(&flow->lock);
	}
	if (busy)
		return TOE_REASON_DUPLICATE;
	if (sig.flags & TOE_SIGNAL_NEVER)
		return TOE_REASON_POLICY;
	if (sig.prio)
		a.sig = &sig;
	reason = toe_admit(&a);
	if (!reason && left)
		reason = TOE_REASON_HELD_OFF;
	if (!reason)
		strscpy(engine, a.engine_name, TOE_ENGINE_NAME_LEN);
	return reason;
}

/* Is the firewall content with a flow that waits for it? */
static bool toe_candidate_content(struct toe_flow *flow, const struct sock *sk)
{
	struct toe_firewall fw = toe_firewall_get(flow->key.net);

	lockdep_assert_held(&flow->lock);
	return toe_firewall_quiet(&fw) &&
	       toe_seen(&flow->seen, fw.generation, fw.changed_ns, sk) &&
	       (!(flow->sig.flags & TOE_SIGNAL_CAREFUL) ||
		flow->open_reason == TOE_REASON_ADMIN ||
		toe_firewall_clear(flow->key.net));
}

/* Is it time to try a flow again? */
static bool toe_candidate_due(struct toe_flow *flow, const struct sock *sk)
{
	u64 gap = max_t(u64, flow->sig.threshold, TOE_SIGNAL_GAP);

	lockdep_assert_held(&flow->lock);
	if (flow->busy || flow->leaving || flow->last_sk != sk ||
	    inet_sk_state_load(sk) != TCP_ESTABLISHED ||
	    toe_backoff_left(&flow->backoff) || !toe_candidate_wanted(flow))
		return false;
	if (flow->again)
		return toe_candidate_content(flow, sk);
	return flow->sig.prio && toe_sock_bytes(sk) - flow->host_bytes >= gap;
}

static void toe_candidate_retry(struct toe_flow *flow, struct sock *sk)
{
	bool begun;

	spin_lock_bh(&flow->lock);
	begun = toe_candidate_due(flow, sk) &&
		!toe_flow_begin(flow, sk, flow->again ? flow->open_reason :
						TOE_REASON_THRESHOLD);
	spin_unlock_bh(&flow->lock);
	if (!begun)
		return;
	toe_stats_inc(TOE_STAT_RETRIES);
	toe_flow_queue(flow);
}

static int toe_sweep_one(struct toe_flow *flow, void *arg)
{
	bool *again = arg;
	struct sock *sk;
	bool idle;

	*again = true;
	if (READ_ONCE(flow->busy)) {
		toe_route_look(flow);
		return 0;
	}
	sk = toe_flow_sock(flow);
	if (sk) {
		if (toe_room_given(&flow->room)) {
			lock_sock(sk);
			toe_room_take(&flow->room, sk);
			release_sock(sk);
		}
		toe_candidate_retry(flow, sk);
		sock_put(sk);
		return 0;
	}
	/* A signal may have come in by now. */
	spin_lock_bh(&flow->lock);
	idle = !flow->busy && !flow->leaving;
	if (idle)
		flow->leaving = true;
	spin_unlock_bh(&flow->lock);
	if (idle)
		toe_flow_forget(flow);
	return 0;
}

/* Forgets flows whose connection is gone, takes back from the others what their
 * return needed, and tries some of them again.
 */
static void toe_sweep(struct work_struct *work)
{
	bool again = false;

	toe_flow_walk(toe_sweep_one, &again);
	if (again)
		queue_delayed_work(toe_wq, &toe_sweep_work,
				   TOE_SWEEP_INTERVAL);
}

static int toe_again_one(struct toe_flow *flow, void *arg)
{
	bool *again = arg;
	struct sock *sk;

	if (READ_ONCE(flow->busy) || !READ_ONCE(flow->again))
		return 0;
	*again = true;
	sk = toe_flow_sock(flow);
	if (sk) {
		toe_candidate_retry(flow, sk);
		sock_put(sk);
	}
	return 0;
}

static void toe_again(struct work_struct *work)
{
	bool again = false;

	toe_flow_walk(toe_again_one, &again);
	if (again && time_before(jiffies, READ_ONCE(toe_again_until)))
		queue_delayed_work(toe_wq, &toe_again_work,
				   TOE_AGAIN_INTERVAL);
}

void toe_candidate_again(void)
{
	WRITE_ONCE(toe_again_until, jiffies + TOE_AGAIN_FOR);
	queue_delayed_work(toe_wq, &toe_again_work, TOE_AGAIN_INTERVAL);
}

static void toe_candidate_wait(struct toe_flow *flow, bool again)
{
	spin_lock_bh(&flow->lock);
	flow->again = again;
	spin_unlock_bh(&flow->lock);
	if (again)
		toe_candidate_again();
}

void toe_candidate_stay(struct toe_flow *flow)
{
	toe_candidate_wait(flow, false);
}

void toe_candidate_returned(struct toe_flow *flow, enum toe_reason reason)
{
	toe_candidate_wait(flow, reason == TOE_REASON_NETFILTER ||
				 reason == TOE_REASON_CAREFUL);
}

void toe_candidate_refused(struct toe_flow *flow, enum toe_reason reason)
{
	bool firewall = reason == TOE_REASON_UNTESTED ||
			reason == TOE_REASON_CAREFUL;

	/* An administrator was told that it did not go. */
	toe_candidate_wait(flow, flow->again ||
			   (firewall && flow->open_reason != TOE_REASON_ADMIN));
}

void toe_candidate_sweep(void)
{
	queue_delayed_work(toe_wq, &toe_sweep_work, TOE_SWEEP_INTERVAL);
}

void toe_candidate_stop(void)
{
	disable_delayed_work_sync(&toe_sweep_work);
	disable_delayed_work_sync(&toe_again_work);
}
