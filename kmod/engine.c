// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engine registry, and the engines' up-calls.
 *
 * Lifetime: the registry holds one reference to an engine while it is
 * registered, each flow on it one more. toe_engine_unregister() drops the
 * registry's, returns the flows and waits for the last reference.
 */
#include <linux/etherdevice.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/ratelimit.h>

#include "admit.h"
#include "capture.h"
#include "compat.h"
#include "engine.h"
#include "flow.h"
#include "genl.h"
#include "quota.h"
#include "shadow.h"
#include "stats.h"
#include "trace.h"

static void toe_engine_tx_work(struct work_struct *work);

static LIST_HEAD(toe_engines);
static DEFINE_MUTEX(toe_engines_lock);

int toe_engine_register(struct toe_engine *e)
{
	struct toe_engine *other;
	int err = 0;

	if (!e->name[0] || !e->ops || !e->max_flows || e->max_tx_len < SZ_64K ||
	    !is_valid_ether_addr(e->mac))
		return -EINVAL;
	refcount_set(&e->refs, 1);
	init_completion(&e->idle);
	INIT_WORK(&e->tx_work, toe_engine_tx_work);
	atomic_set(&e->flows, 0);
	atomic64_set(&e->tx_bytes, 0);
	atomic64_set(&e->rx_bytes, 0);
	e->alive = true;

	mutex_lock(&toe_engines_lock);
	list_for_each_entry(other, &toe_engines, list)
		if (!strcmp(other->name, e->name))
			err = -EEXIST;
	if (!err)
		list_add_tail(&e->list, &toe_engines);
	mutex_unlock(&toe_engines_lock);
	if (err)
		return err;
	pr_info("toe: engine %s (%s) for %pM, %u flows\n", e->name, e->driver,
		e->mac, e->max_flows);
	toe_genl_engine_event(e, TOE_ENGINE_CHANGE_ADDED);
	return 0;
}
EXPORT_SYMBOL_GPL(toe_engine_register);

void toe_engine_ref(struct toe_engine *e)
{
	refcount_inc(&e->refs);
}

void toe_engine_unref(struct toe_engine *e)
{
	if (refcount_dec_and_test(&e->refs))
		complete_all(&e->idle);
}

void toe_engine_unregister(struct toe_engine *e)
{
	mutex_lock(&toe_engines_lock);
	list_del(&e->list);
	mutex_unlock(&toe_engines_lock);
	toe_engine_unref(e);
	toe_flow_return_all(e, READ_ONCE(e->alive) ? TOE_REASON_UNLOAD :
			    TOE_REASON_ENGINE_FAILED);
	toe_capture_engine_gone(e);
	/* Up-calls that found a flow of this engine under RCU are over. */
	synchronize_rcu();
	disable_work_sync(&e->tx_work);
	pr_info("toe: engine %s is gone\n", e->name);
	toe_genl_engine_event(e, TOE_ENGINE_CHANGE_REMOVED);
}
EXPORT_SYMBOL_GPL(toe_engine_unregister);

enum toe_reason toe_engine_get(struct toe_admission *a,
			       const struct net_device *dev)
{
	const char *name = a->sig ? a->sig->engine : "";
	enum toe_reason reason = TOE_REASON_ROUTE;
	struct toe_engine *e;

	mutex_lock(&toe_engines_lock);
	if (list_empty(&toe_engines) || name[0])
		reason = TOE_REASON_NO_ENGINE;
	list_for_each_entry(e, &toe_engines, list) {
		if ((name[0] && strcmp(e->name, name)) ||
		    dev->addr_len != ETH_ALEN ||
		    !ether_addr_equal(e->mac, dev->dev_addr))
			continue;
		if (!READ_ONCE(e->alive)) {
			reason = TOE_REASON_NO_ENGINE;
		} else if (a->tuple->family == AF_INET6 && !e->ipv6) {
			reason = TOE_REASON_FAMILY;
		} else if (toe_ecn_ok(tcp_sk(a->sk)) && !e->ecn) {
			reason = TOE_REASON_ECN;
		} else if (!toe_place_free(&e->flows, e->max_flows,
					   a->places)) {
			reason = TOE_REASON_TABLE_FULL;
		} else {
			reason = TOE_REASON_NONE;
			strscpy(a->engine_name, e->name,
				sizeof(a->engine_name));
			if (a->places) {
				refcount_inc(&e->refs);
				a->engine = e;
			}
			break;
		}
	}
	mutex_unlock(&toe_engines_lock);
	return reason;
}

void toe_engine_put(struct toe_engine *e)
{
	atomic_dec(&e->flows);
	toe_engine_unref(e);
}

int toe_engine_walk(int (*fn)(struct toe_engine *e, void *arg), void *arg)
{
	struct toe_engine *e;
	int err = 0;

	mutex_lock(&toe_engines_lock);
	list_for_each_entry(e, &toe_engines, list) {
		err = fn(e, arg);
		if (err)
			break;
	}
	mutex_unlock(&toe_engines_lock);
	return err;
}

/* The flow an up-call names, referenced, if it is this engine's. */
static struct toe_flow *toe_engine_flow(struct toe_engine *e, u32 id)
{
	struct toe_flow *flow = id ? toe_flow_by_id(id) : NULL;

	if (flow && READ_ONCE(flow->engine) != e) {
		toe_flow_put(flow);
		flow = NULL;
	}
	return flow;
}

void toe_engine_error(struct toe_engine *e, u32 id, enum toe_stat stat)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 10);
	struct toe_flow *flow __free(toe_flow_put) = toe_engine_flow(e, id);

	toe_stats_inc(stat);
	trace_toe_engine_error(e->name, stat);
	if (__ratelimit(&limit))
		pr_err("toe: engine %s broke the protocol: %s\n", e->name,
		       toe_stat_name(stat));
	if (flow)
		toe_flow_kick(flow, TOE_REASON_ENGINE_ERROR);
}
EXPORT_SYMBOL_GPL(toe_engine_error);

void toe_engine_reply(struct toe_engine *e, u32 id, enum toe_engine_cmd cmd,
		      int err, const struct toe_state *st)
{
	struct toe_flow *flow __free(toe_flow_put) = toe_engine_flow(e, id);
	bool news = false;

	/* The core gave the flow up before the engine spoke. */
	if (!flow) {
		toe_stats_inc(TOE_STAT_ERR_LATE_REPLY);
		return;
	}
	spin_lock_bh(&flow->lock);
	if (flow->id != id || !test_bit(cmd, &flow->awaited)) {
		toe_stats_inc(TOE_STAT_ERR_LATE_REPLY);
	} else if (!test_bit(cmd, &flow->replied)) {
		flow->reply_err[cmd] = err;
		if (cmd == TOE_ENGINE_CLOSE && !err) {
			if (st)
				flow->final = *st;
			else
				flow->reply_err[cmd] = -EPROTO;
		}
		set_bit(cmd, &flow->replied);
		news = true;
	}
	spin_unlock_bh(&flow->lock);
	if (news)
		toe_flow_queue(flow);
}
EXPORT_SYMBOL_GPL(toe_engine_reply);

int toe_engine_receive(struct toe_engine *e, u32 id,
		       const struct toe_engine_rx *rx)
{
	struct toe_flow *flow __free(toe_flow_put) = toe_engine_flow(e, id);

	if (!flow) {
		toe_engine_error(e, 0, TOE_STAT_ERR_UNKNOWN_FLOW);
		return 0;
	}
	return toe_shadow_receive(flow, e, id, rx);
}
EXPORT_SYMBOL_GPL(toe_engine_receive);

void toe_engine_wish(struct toe_engine *e, u32 id)
{
	struct toe_flow *flow __free(toe_flow_put) = toe_engine_flow(e, id);

	if (flow)
		toe_flow_kick(flow, TOE_REASON_ENGINE_WISH);
	else
		toe_engine_error(e, 0, TOE_STAT_ERR_UNKNOWN_FLOW);
}
EXPORT_SYMBOL_GPL(toe_engine_wish);

static int toe_engine_writable_one(struct toe_flow *flow, void *arg)
{
	if (READ_ONCE(flow->engine) == arg && toe_shadow_flush_due(flow))
		toe_flow_queue(flow);
	return 0;
}

/* In a work of its own: the table is walked in process context. */
static void toe_engine_tx_work(struct work_struct *work)
{
	struct toe_engine *e = container_of(work, struct toe_engine, tx_work);

	toe_flow_walk(toe_engine_writable_one, e);
}

void toe_engine_writable(struct toe_engine *e)
{
	queue_work(toe_wq, &e->tx_work);
}
EXPORT_SYMBOL_GPL(toe_engine_writable);

static int toe_engine_failed_one(struct toe_flow *flow, void *arg)
{
	if (READ_ONCE(flow->engine) == arg) {
		toe_flow_kick(flow, TOE_REASON_ENGINE_FAILED);
		/* Whatever it waits for does not come any more. */
		toe_flow_queue(flow);
	}
	return 0;
}

void toe_engine_failed(struct toe_engine *e)
{
	if (!xchg(&e->alive, false))
		return;
	pr_err("toe: engine %s does not answer, its flows go on in the host's stack\n",
	       e->name);
	toe_capture_engine_gone(e);
	toe_genl_engine_event(e, TOE_ENGINE_CHANGE_FAILED);
	toe_flow_walk(toe_engine_failed_one, e);
}
EXPORT_SYMBOL_GPL(toe_engine_failed);
