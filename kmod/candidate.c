// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is to go to an engine, and when it is tried.
 *
 * A BPF program that has signalled a connection forgets it, so that the connection
 * costs nothing more. What did not get to an engine, or came back, is therefore
 * tried again from here: the sweep looks at the flows that wait in the stack,
 * and tries those that have moved their rule's threshold once more and need not
 * be left alone any longer.
 */
#include <net/tcp.h>

#include <toe/policy.h>

#include "admit.h"
#include "candidate.h"
#include "mark.h"
#include "route.h"
#include "stats.h"
#include "trace.h"

#define TOE_SWEEP_INTERVAL	(2 * HZ)

static void toe_sweep(struct work_struct *work);
static DECLARE_DELAYED_WORK(toe_sweep_work, toe_sweep);

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

int toe_candidate_policy(struct sock *sk, const struct toe_signal *sig)
{
	struct toe_flow_key key = { .net = sock_net(sk) };
	struct toe_flow *flow __free(toe_flow_put) = NULL;
	bool busy, wanted, same;

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
	wanted = !(sig->flags & TOE_SIGNAL_NEVER) &&
		 (sig->prio || flow->open_reason == TOE_REASON_ADMIN);
	spin_unlock_bh(&flow->lock);
	if (busy && !(wanted && same))
		toe_flow_kick(flow, TOE_REASON_POLICY);
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

/* Is it time to try a flow again? */
static bool toe_candidate_due(const struct toe_flow *flow,
			      const struct sock *sk)
{
	u64 gap = max_t(u64, flow->sig.threshold, TOE_SIGNAL_GAP);

	lockdep_assert_held(&flow->lock);
	return flow->sig.prio && !(flow->sig.flags & TOE_SIGNAL_NEVER) &&
	       !flow->busy && !flow->leaving && flow->last_sk == sk &&
	       inet_sk_state_load(sk) == TCP_ESTABLISHED &&
	       toe_sock_bytes(sk) - flow->host_bytes >= gap &&
	       !toe_backoff_left(&flow->backoff);
}

static void toe_candidate_retry(struct toe_flow *flow, struct sock *sk)
{
	bool begun;

	spin_lock_bh(&flow->lock);
	begun = toe_candidate_due(flow, sk) &&
		!toe_flow_begin(flow, sk, TOE_REASON_THRESHOLD);
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

void toe_candidate_sweep(void)
{
	queue_delayed_work(toe_wq, &toe_sweep_work, TOE_SWEEP_INTERVAL);
}

void toe_candidate_stop(void)
{
	disable_delayed_work_sync(&toe_sweep_work);
}
