// SPDX-License-Identifier: GPL-2.0-only
/*
 * Captures: who captures what, and the engines' up-calls about it.
 */
#include <linux/netlink.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <net/netlink.h>

#include "capture.h"
#include "engine.h"
#include "genl.h"
#include "migrate.h"
#include "stats.h"

static LIST_HEAD(toe_captures);
static DEFINE_SPINLOCK(toe_captures_lock);	/* BH */
static unsigned int toe_num_captures;

/* Will there be no more frames, as things stand? */
static bool toe_capture_idle(const struct toe_capture *c)
{
	return smp_load_acquire(&c->ended) || !READ_ONCE(c->id);
}

static struct toe_capture *toe_capture_by_key(const struct toe_flow_key *key)
{
	struct toe_capture *c;

	list_for_each_entry_rcu(c, &toe_captures, node,
				lockdep_is_held(&toe_captures_lock))
		if (!READ_ONCE(c->over) && !memcmp(&c->key, key, sizeof(*key)))
			return c;
	return NULL;
}

static struct toe_capture *toe_capture_by_socket(const struct net *net,
						 u32 portid)
{
	struct toe_capture *c;

	list_for_each_entry_rcu(c, &toe_captures, node,
				lockdep_is_held(&toe_captures_lock))
		if (c->key.net == net && c->portid == portid)
			return c;
	return NULL;
}

/* What an up-call names. An id that nobody captures (any more) is no breach of
 * the protocol: frames are under way when a capture ends.
 */
static struct toe_capture *toe_capture_by_id(const struct toe_engine *e, u32 id)
{
	struct toe_capture *c;

	list_for_each_entry_rcu(c, &toe_captures, node,
				lockdep_is_held(&toe_captures_lock))
		if (id && READ_ONCE(c->id) == id && READ_ONCE(c->engine) == e)
			return c;
	return NULL;
}

void toe_capture_put(struct toe_capture *c)
{
	if (refcount_dec_and_test(&c->refs))
		kfree_rcu(c, rcu);
}

struct toe_capture *toe_capture_get(const struct net *net, u32 portid)
{
	struct toe_capture *c;

	spin_lock_bh(&toe_captures_lock);
	c = toe_capture_by_socket(net, portid);
	if (c)
		refcount_inc(&c->refs);
	spin_unlock_bh(&toe_captures_lock);
	return c;
}

u64 toe_capture_dropped(const struct toe_capture *c)
{
	return READ_ONCE(c->dropped) + READ_ONCE(c->engine_dropped) +
	       READ_ONCE(c->before_dropped);
}

/* Under the lock: the flow is on an engine under a new id. */
static void toe_capture_bind(struct toe_capture *c, const struct toe_engine *e,
			     u32 id)
{
	lockdep_assert_held(&toe_captures_lock);
	WRITE_ONCE(c->before_dropped, c->before_dropped + c->engine_dropped);
	WRITE_ONCE(c->engine_dropped, 0);
	WRITE_ONCE(c->ended, false);
	WRITE_ONCE(c->engine, e);
	WRITE_ONCE(c->id, id);
}

/* Under the lock: the first start has its answer. */
static void toe_capture_answer(struct toe_capture *c, int err)
{
	lockdep_assert_held(&toe_captures_lock);
	c->err = err;
	if (err)
		WRITE_ONCE(c->id, 0);	/* and no end will come */
	WRITE_ONCE(c->answered, true);
	wake_up_all(&c->wait);
}

/* Waits for it. */
static int toe_capture_await(struct toe_capture *c)
{
	unsigned long timeout = msecs_to_jiffies(READ_ONCE(toe_timeout_ms));
	int err;

	wait_event_killable_timeout(c->wait, READ_ONCE(c->answered), timeout);
	spin_lock_bh(&toe_captures_lock);
	err = c->answered ? c->err : -ETIMEDOUT;
	spin_unlock_bh(&toe_captures_lock);
	return err;
}

/* Under the lock: to an engine that has not ended its capture a flow is captured,
 * and another capture could take that end for its own.
 */
static bool toe_capture_busy(const struct toe_flow_key *key)
{
	struct toe_capture *c;

	lockdep_assert_held(&toe_captures_lock);
	list_for_each_entry(c, &toe_captures, node)
		if (!memcmp(&c->key, key, sizeof(*key)) &&
		    !(c->over && toe_capture_idle(c)))
			return true;
	return false;
}

static int toe_capture_insert(struct toe_capture *c)
{
	int err = 0;

	spin_lock_bh(&toe_captures_lock);
	if (toe_capture_busy(&c->key)) {
		err = -EBUSY;
	} else if (toe_capture_by_socket(c->key.net, c->portid)) {
		err = -EALREADY;
	} else if (toe_num_captures == TOE_MAX_CAPTURES) {
		err = -ENOSPC;
	} else {
		refcount_inc(&c->refs);
		c->listed = true;
		list_add_tail_rcu(&c->node, &toe_captures);
		WRITE_ONCE(toe_num_captures, toe_num_captures + 1);
	}
	spin_unlock_bh(&toe_captures_lock);
	return err;
}

/* The engine that a flow is on under an id, for toe_engine_unref(), or NULL. */
static struct toe_engine *toe_capture_engine(struct toe_flow *flow, u32 id)
{
	struct toe_engine *e = NULL;

	spin_lock_bh(&flow->lock);
	/* The id holds its engine, and is taken away under this lock. */
	if (id && flow->id == id) {
		e = flow->engine;
		toe_engine_ref(e);
	}
	spin_unlock_bh(&flow->lock);
	return e;
}

static int toe_capture_submit(const struct toe_capture *c,
			      struct toe_engine *e, u32 id)
{
	if (!READ_ONCE(e->alive))
		return -ENODEV;
	if (!e->ops->capture_start)
		return -EOPNOTSUPP;
	return e->ops->capture_start(e, id, c->snaplen);
}

static int toe_capture_ask(struct toe_capture *c, struct toe_flow *flow)
{
	u32 id = READ_ONCE(flow->id);
	struct toe_engine *e;
	bool asked;
	int err = 0;

	if (READ_ONCE(flow->state) != TOE_STATE_ENGINE)
		return -ENOENT;
	e = toe_capture_engine(flow, id);
	if (!e)
		return -ENOENT;
	/* Unless the flow has left and come back since: then its work asks. */
	spin_lock_bh(&toe_captures_lock);
	asked = c->id;
	if (!asked)
		toe_capture_bind(c, e, id);
	spin_unlock_bh(&toe_captures_lock);
	if (!asked)
		err = toe_capture_submit(c, e, id);
	toe_engine_unref(e);
	return err;
}

int toe_capture_start(struct toe_flow *flow, u32 portid, u32 snaplen)
{
	struct toe_capture *c __free(toe_capture_put) = NULL;
	int err;

	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return -ENOMEM;
	refcount_set(&c->refs, 1);
	init_waitqueue_head(&c->wait);
	c->key = flow->key;
	c->portid = portid;
	c->snaplen = snaplen;
	err = toe_capture_insert(c);
	if (err)
		return err;
	err = toe_capture_ask(c, flow);
	if (err) {
		spin_lock_bh(&toe_captures_lock);
		toe_capture_answer(c, err);
		spin_unlock_bh(&toe_captures_lock);
	}
	err = toe_capture_await(c);
	if (err)
		toe_capture_remove(c);
	return err;
}

/* Tells the engine, if the flow is there. */
static void toe_capture_halt(struct toe_capture *c)
{
	u32 id = READ_ONCE(c->id);
	struct toe_flow *flow = id ? toe_flow_by_id(id) : NULL;
	struct toe_engine *e;

	if (!flow)
		return;
	e = toe_capture_engine(flow, id);
	if (e) {
		if (READ_ONCE(e->alive) && e->ops->capture_stop)
			e->ops->capture_stop(e, id);
		toe_engine_unref(e);
	}
	toe_flow_put(flow);
}

void toe_capture_stop(struct toe_capture *c)
{
	unsigned long timeout = msecs_to_jiffies(READ_ONCE(toe_timeout_ms));
	u64 before, now = 0;
	long left;

	WRITE_ONCE(c->over, true);	/* not taken up again */
	toe_capture_halt(c);
	/* As long as there are frames the engine has not given up. */
	do {
		before = now;
		left = wait_event_killable_timeout(c->wait, toe_capture_idle(c),
						   timeout);
		now = READ_ONCE(c->frames) + toe_capture_dropped(c);
	} while (!left && now != before);
}

void toe_capture_remove(struct toe_capture *c)
{
	unsigned long timeout = msecs_to_jiffies(READ_ONCE(toe_timeout_ms));
	bool listed;

	WRITE_ONCE(c->over, true);	/* not taken up again */
	if (!toe_capture_idle(c)) {
		toe_capture_halt(c);
		wait_event_timeout(c->wait, toe_capture_idle(c),
				   min_t(unsigned long, timeout, HZ));
	}
	spin_lock_bh(&toe_captures_lock);
	listed = c->listed;
	c->listed = false;
	if (listed) {
		list_del_rcu(&c->node);
		WRITE_ONCE(toe_num_captures, toe_num_captures - 1);
	}
	spin_unlock_bh(&toe_captures_lock);
	if (listed)
		toe_capture_put(c);
}

void toe_capture_open(struct toe_flow *flow)
{
	struct toe_engine *e = flow->engine;
	struct toe_capture *c;
	int err;

	if (!READ_ONCE(toe_num_captures))
		return;
	spin_lock_bh(&toe_captures_lock);
	c = toe_capture_by_key(&flow->key);
	if (c) {
		refcount_inc(&c->refs);
		toe_capture_bind(c, e, flow->id);
	}
	spin_unlock_bh(&toe_captures_lock);
	if (!c)
		return;
	err = toe_capture_submit(c, e, flow->id);
	if (err)
		toe_engine_capture_started(e, flow->id, err);
	toe_capture_put(c);
}

u32 toe_capture_portid(const struct toe_flow_key *key)
{
	struct toe_capture *c;
	u32 portid;

	if (!READ_ONCE(toe_num_captures))
		return 0;
	rcu_read_lock();
	c = toe_capture_by_key(key);
	portid = c ? c->portid : 0;
	rcu_read_unlock();
	return portid;
}

void toe_capture_forget(const struct toe_flow_key *key)
{
	struct toe_capture *c;

	if (!READ_ONCE(toe_num_captures))
		return;
	spin_lock_bh(&toe_captures_lock);
	c = toe_capture_by_key(key);
	if (c) {
		WRITE_ONCE(c->over, true);
		toe_genl_capture_over(c, TOE_REASON_UNKNOWN);
	}
	spin_unlock_bh(&toe_captures_lock);
}

void toe_capture_engine_gone(const struct toe_engine *e)
{
	struct toe_capture *c;

	spin_lock_bh(&toe_captures_lock);
	list_for_each_entry(c, &toe_captures, node) {
		if (c->engine != e)
			continue;
		WRITE_ONCE(c->id, 0);
		WRITE_ONCE(c->engine, NULL);
		if (!c->answered)
			toe_capture_answer(c, -ENODEV);
		wake_up_all(&c->wait);
	}
	spin_unlock_bh(&toe_captures_lock);
}

void toe_engine_capture_started(struct toe_engine *e, u32 id, int err)
{
	struct toe_capture *c;

	spin_lock_bh(&toe_captures_lock);
	c = toe_capture_by_id(e, id);
	if (c && !c->answered) {
		toe_capture_answer(c, err);
	} else if (c && err) {
		WRITE_ONCE(c->ended, true);
		WRITE_ONCE(c->over, true);
		toe_genl_capture_over(c, TOE_REASON_ENGINE_REFUSED);
	}
	spin_unlock_bh(&toe_captures_lock);
}
EXPORT_SYMBOL_GPL(toe_engine_capture_started);

/* The engine's count so far. It is not trusted, but it only ever counts up. */
static void toe_capture_lost(struct toe_capture *c, u64 dropped)
{
	u64 before = READ_ONCE(c->engine_dropped);

	if (dropped <= before)
		return;
	WRITE_ONCE(c->engine_dropped, dropped);
	toe_stats_add(TOE_STAT_CAPTURE_DROPS, dropped - before);
}

void toe_engine_captured(struct toe_engine *e, u32 id,
			 const struct toe_engine_frame *frame)
{
	struct toe_capture *c;

	rcu_read_lock();
	c = toe_capture_by_id(e, id);
	if (c) {
		toe_capture_lost(c, frame->dropped);
		if (toe_genl_capture_frame(c, frame)) {
			WRITE_ONCE(c->dropped, c->dropped + 1);
			toe_stats_inc(TOE_STAT_CAPTURE_DROPS);
		} else {
			WRITE_ONCE(c->frames, c->frames + 1);
			toe_stats_inc(TOE_STAT_CAPTURE_FRAMES);
		}
	}
	rcu_read_unlock();
}
EXPORT_SYMBOL_GPL(toe_engine_captured);

void toe_engine_capture_ended(struct toe_engine *e, u32 id, u64 dropped)
{
	struct toe_capture *c;

	rcu_read_lock();
	c = toe_capture_by_id(e, id);
	if (c) {
		toe_capture_lost(c, dropped);
		/* Behind the counts: toe_capture_stop() looks at them next. */
		smp_store_release(&c->ended, true);
		wake_up_all(&c->wait);
	}
	rcu_read_unlock();
}
EXPORT_SYMBOL_GPL(toe_engine_capture_ended);

/* A socket that captures is closed. */
static int toe_capture_netlink(struct notifier_block *nb, unsigned long event,
			       void *data)
{
	struct netlink_notify *n = data;
	struct toe_capture *c;

	if (event != NETLINK_URELEASE || n->protocol != NETLINK_GENERIC ||
	    !READ_ONCE(toe_num_captures))
		return NOTIFY_DONE;
	c = toe_capture_get(n->net, n->portid);
	if (c) {
		toe_capture_remove(c);
		toe_capture_put(c);
	}
	return NOTIFY_DONE;
}

static struct notifier_block toe_capture_notifier = {
	.notifier_call = toe_capture_netlink,
};

int toe_capture_init(void)
{
	return netlink_register_notifier(&toe_capture_notifier);
}

/* No command starts one any more, and no engine is there. */
void toe_capture_exit(void)
{
	struct toe_capture *c, *tmp;

	netlink_unregister_notifier(&toe_capture_notifier);
	list_for_each_entry_safe(c, tmp, &toe_captures, node) {
		c->listed = false;
		list_del(&c->node);
		toe_capture_put(c);
	}
}
