// SPDX-License-Identifier: GPL-2.0-only
/*
 * The flow table: who is known, under which name and which engine id.
 */
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/xarray.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>

#include "candidate.h"
#include "capture.h"
#include "compat.h"
#include "engine.h"
#include "flow.h"
#include "genl.h"
#include "migrate.h"
#include "shadow.h"
#include "stats.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

unsigned int toe_max_waiting = 32768;

static const struct rhashtable_params toe_flow_params = {
	.key_len	= sizeof(struct toe_flow_key),
	.key_offset	= offsetof(struct toe_flow, key),
	.head_offset	= offsetof(struct toe_flow, node),
	.automatic_shrinking = true,
};

static struct rhashtable toe_table;
/* Flows on an engine, by id. Written by the flows' works, read under RCU. */
static DEFINE_XARRAY_ALLOC1(toe_ids);
static u32 toe_next_id;
struct workqueue_struct *toe_wq;
static struct kmem_cache *toe_flow_cache;
static atomic_t toe_states[__TOE_STATE_MAX];
/* Flows with a signal or an offload under way. */
static atomic_t toe_active;
static DECLARE_WAIT_QUEUE_HEAD(toe_active_wait);
/* A HOST flow holds neither its socket nor its namespace: under this lock it is
 * looked up while it is not forgotten, and forgotten before its namespace goes.
 */
static DEFINE_MUTEX(toe_host_lock);
/* No new flows: the module is going away. */
static bool toe_stopping;

void toe_tuple_from_sock(struct toe_tuple *t, const struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);

	memset(t, 0, sizeof(*t));
	t->local_port = inet->inet_sport;
	t->remote_port = inet->inet_dport;
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6 &&
	    !ipv6_addr_v4mapped(&sk->sk_v6_daddr)) {
		t->family = AF_INET6;
		memcpy(t->local_addr, &sk->sk_v6_rcv_saddr,
		       sizeof(t->local_addr));
		memcpy(t->remote_addr, &sk->sk_v6_daddr,
		       sizeof(t->remote_addr));
		return;
	}
#endif
	t->family = AF_INET;
	t->local_addr[0] = inet->inet_rcv_saddr;
	t->remote_addr[0] = inet->inet_daddr;
}

static void toe_flow_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(toe_flow_cache, container_of(rcu, struct toe_flow, rcu));
}

void toe_flow_put(struct toe_flow *flow)
{
	if (!refcount_dec_and_test(&flow->refs))
		return;
	WARN_ON_ONCE(flow->sk || flow->id);
	call_rcu(&flow->rcu, toe_flow_free_rcu);
}

bool toe_flow_hold(struct toe_flow *flow)
{
	return refcount_inc_not_zero(&flow->refs);
}

struct toe_flow *toe_flow_find(const struct toe_flow_key *key)
{
	return rhashtable_lookup(&toe_table, key, toe_flow_params);
}

struct toe_flow *toe_flow_lookup(const struct toe_flow_key *key)
{
	struct toe_flow *flow;

	rcu_read_lock();
	flow = toe_flow_find(key);
	if (flow && !toe_flow_hold(flow))
		flow = NULL;
	rcu_read_unlock();
	return flow;
}

struct toe_flow *toe_flow_by_id(u32 id)
{
	struct toe_flow *flow;

	rcu_read_lock();
	flow = xa_load(&toe_ids, id);
	if (flow && !toe_flow_hold(flow))
		flow = NULL;
	rcu_read_unlock();
	return flow;
}

/* A socket of the kernel's own need not hold its namespace, and may still be there
 * when that goes. Whoever finds it alive in an RCU read-side section ends that
 * before the namespace's exit calls (cleanup_net() of net/core/net_namespace.c).
 */
static bool toe_net_alive(const struct net *net)
{
	RCU_LOCKDEP_WARN(!rcu_read_lock_any_held(), "toe: no RCU read lock");
	return check_net(net);
}

static struct toe_flow *toe_flow_new(const struct toe_flow_key *key)
{
	struct toe_flow *flow;

	flow = kmem_cache_zalloc(toe_flow_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!flow)
		return NULL;
	flow->key = *key;
	refcount_set(&flow->refs, 1);
	INIT_DELAYED_WORK(&flow->work, toe_migrate_work);
	timer_setup(&flow->timer, toe_shadow_timer, 0);
	init_waitqueue_head(&flow->wait);
	spin_lock_init(&flow->lock);
	skb_queue_head_init(&flow->shadow.tx_pending);
	skb_queue_head_init(&flow->parked);
	skb_queue_head_init(&flow->rx_queue);
	skb_queue_head_init(&flow->rx_backlog);
	flow->since_ns = ktime_get_ns();
	return flow;
}

struct toe_flow *toe_flow_obtain(const struct toe_flow_key *key)
{
	struct toe_flow *flow, *old;

	if (READ_ONCE(toe_stopping))
		return ERR_PTR(-ESHUTDOWN);
	flow = toe_flow_lookup(key);
	if (flow)
		return flow;
	if (atomic_read(&toe_states[TOE_STATE_HOST]) >=
	    (int)toe_max_waiting)
		return ERR_PTR(-ENOSPC);
	flow = toe_flow_new(key);
	if (!flow)
		return ERR_PTR(-ENOMEM);
	refcount_inc(&flow->refs);
	rcu_read_lock();
	old = toe_net_alive(key->net) ?
	      rhashtable_lookup_get_insert_fast(&toe_table, &flow->node,
						toe_flow_params) :
	      ERR_PTR(-ESHUTDOWN);
	if (!old) {
		rcu_read_unlock();
		atomic_inc(&toe_states[TOE_STATE_HOST]);
		toe_candidate_sweep();
		return flow;
	}
	/* Nobody saw ours: no grace period. */
	kmem_cache_free(toe_flow_cache, flow);
	if (!IS_ERR(old) && !toe_flow_hold(old))
		old = ERR_PTR(-EAGAIN);
	rcu_read_unlock();
	return old;
}

void toe_flow_queue(struct toe_flow *flow)
{
	refcount_inc(&flow->refs);
	/* It was queued, for now or for later: that has a reference. */
	if (mod_delayed_work(toe_wq, &flow->work, 0))
		toe_flow_put(flow);
}

void toe_flow_queue_later(struct toe_flow *flow, unsigned long delay)
{
	refcount_inc(&flow->refs);
	if (!queue_delayed_work(toe_wq, &flow->work, delay))
		toe_flow_put(flow);
}

int toe_flow_begin(struct toe_flow *flow, struct sock *sk,
		   enum toe_reason reason)
{
	lockdep_assert_held(&flow->lock);
	if (flow->busy)
		return -EEXIST;
	if (flow->leaving)
		return -EAGAIN;
	if (!toe_net_alive(flow->key.net))
		return -ENOTCONN;
	if (!refcount_inc_not_zero(&sk->sk_refcnt))
		return -ENOTCONN;
	atomic_inc(&toe_active);
	flow->busy = true;
	flow->sk = sk;
	flow->open_reason = reason;
	flow->close_reason = 0;
	return 0;
}

bool toe_flow_kick(struct toe_flow *flow, enum toe_reason reason)
{
	if (cmpxchg(&flow->close_reason, 0, reason))
		return false;
	toe_flow_queue(flow);
	return true;
}

int toe_flow_bind(struct toe_flow *flow, struct toe_engine *e)
{
	u32 id;
	int err;

	/* Set before the id can be found. */
	flow->engine = e;
	flow->replied = 0;
	refcount_inc(&flow->refs);
	err = xa_alloc_cyclic(&toe_ids, &id, flow, XA_LIMIT(1, U32_MAX),
			      &toe_next_id, GFP_KERNEL);
	if (err < 0) {
		flow->engine = NULL;
		toe_flow_put(flow);
		return err;
	}
	WRITE_ONCE(flow->id, id);
	return 0;
}

void toe_flow_unbind(struct toe_flow *flow)
{
	struct toe_engine *e = flow->engine;

	if (!flow->id)
		return;
	xa_erase(&toe_ids, flow->id);
	/* An up-call that found the flow before sees under the lock that the
	 * id is no longer its own.
	 */
	spin_lock_bh(&flow->lock);
	WRITE_ONCE(flow->id, 0);
	flow->engine = NULL;
	spin_unlock_bh(&flow->lock);
	toe_flow_put(flow);
	toe_engine_put(e);
}

void toe_flow_set_state(struct toe_flow *flow, enum toe_flow_state state,
			enum toe_reason reason)
{
	enum toe_flow_state from = flow->state;

	WRITE_ONCE(flow->reason, reason);
	flow->since_ns = ktime_get_ns();
	WRITE_ONCE(flow->state, state);
	if (from != state) {
		atomic_dec(&toe_states[from]);
		atomic_inc(&toe_states[state]);
	}
	trace_toe_flow_state(flow, from, state, reason);
	toe_genl_event(flow, from, state, reason);
	wake_up_all(&flow->wait);
}

void toe_flow_forget(struct toe_flow *flow)
{
	mutex_lock(&toe_host_lock);
	flow->forgotten = true;
	mutex_unlock(&toe_host_lock);
	if (rhashtable_remove_fast(&toe_table, &flow->node, toe_flow_params))
		return;
	atomic_dec(&toe_states[flow->state]);
	toe_capture_forget(&flow->key);
	toe_flow_put(flow);
}

void toe_flow_settle(struct toe_flow *flow, bool forget)
{
	struct sock *sk;

	/* The shadow is gone, so nothing arms the timer any more. */
	if (timer_delete_sync(&flow->timer))
		toe_flow_put(flow);
	toe_quota_put(&flow->places);
	spin_lock_bh(&flow->lock);
	sk = flow->sk;
	flow->sk = NULL;
	flow->busy = false;
	flow->leaving = forget;
	if (sk)
		flow->host_bytes = toe_sock_bytes(sk);
	spin_unlock_bh(&flow->lock);
	wake_up_all(&flow->wait);
	if (forget)
		toe_flow_forget(flow);
	if (sk)
		sock_put(sk);
	if (atomic_dec_and_test(&toe_active))
		wake_up_all(&toe_active_wait);
}

/* @dif: the interface, for a socket that is bound to it; 0: for one that is not */
static struct sock *toe_sock_lookup_dif(struct net *net,
					const struct toe_tuple *t, int dif)
{
	if (t->family == AF_INET)
		return toe_inet_lookup(net, t->remote_addr[0], t->remote_port,
				       t->local_addr[0], ntohs(t->local_port),
				       dif, 0);
#if IS_ENABLED(CONFIG_IPV6)
	return toe_inet6_lookup(net, (const struct in6_addr *)t->remote_addr,
				t->remote_port,
				(const struct in6_addr *)t->local_addr,
				ntohs(t->local_port), dif, 0);
#else
	return NULL;
#endif
}

struct sock *toe_sock_lookup(struct net *net, const struct toe_tuple *t)
{
	struct net_device *dev;
	struct sock *sk;

	local_bh_disable();
	rcu_read_lock();
	sk = toe_sock_lookup_dif(net, t, 0);
	if (!sk) {
		for_each_netdev_rcu(net, dev) {
			sk = toe_sock_lookup_dif(net, t, dev->ifindex);
			if (sk)
				break;
		}
	}
	rcu_read_unlock();
	local_bh_enable();
	if (sk && (!sk_fullsock(sk) || sk->sk_protocol != IPPROTO_TCP)) {
		sock_gen_put(sk);
		sk = NULL;
	}
	return sk;
}

struct sock *toe_flow_sock(struct toe_flow *flow)
{
	struct sock *sk;

	spin_lock_bh(&flow->lock);
	sk = flow->sk;
	if (sk)
		sock_hold(sk);
	spin_unlock_bh(&flow->lock);
	if (sk)
		return sk;
	mutex_lock(&toe_host_lock);
	if (!flow->forgotten)
		sk = toe_sock_lookup(flow->key.net, &flow->key.tuple);
	mutex_unlock(&toe_host_lock);
	if (sk && sk != flow->last_sk) {
		sock_put(sk);
		sk = NULL;
	}
	return sk;
}

bool toe_flow_alive(struct toe_flow *flow)
{
	struct sock *sk = toe_flow_sock(flow);

	if (!sk)
		return false;
	sock_put(sk);
	return true;
}

void toe_flow_iter_begin(struct toe_flow_iter *it)
{
	it->again = false;
	it->changed = false;
	rhashtable_walk_enter(&toe_table, &it->iter);
}

struct toe_flow *toe_flow_iter_next(struct toe_flow_iter *it)
{
	struct toe_flow *flow;

	/* -EAGAIN, here and below: the table was resized */
	if (rhashtable_walk_start_check(&it->iter))
		it->changed = true;
	do {
		flow = it->again ? rhashtable_walk_peek(&it->iter) :
				   rhashtable_walk_next(&it->iter);
		it->again = false;
		if (IS_ERR(flow))
			it->changed = true;
	} while (IS_ERR(flow) || (flow && !toe_flow_hold(flow)));
	rhashtable_walk_stop(&it->iter);
	return flow;
}

void toe_flow_iter_end(struct toe_flow_iter *it)
{
	rhashtable_walk_exit(&it->iter);
}

int toe_flow_walk(int (*fn)(struct toe_flow *flow, void *arg), void *arg)
{
	struct toe_flow_iter it;
	struct toe_flow *flow;
	int err = 0;

	toe_flow_iter_begin(&it);
	while (!err && (flow = toe_flow_iter_next(&it))) {
		err = fn(flow, arg);
		toe_flow_put(flow);
	}
	toe_flow_iter_end(&it);
	return err;
}

static int toe_return_net_one(struct toe_flow *flow, void *arg)
{
	if (flow->key.net == arg && READ_ONCE(flow->busy)) {
		toe_flow_kick(flow, TOE_REASON_NETNS);
		wait_event(flow->wait, !READ_ONCE(flow->busy));
		/* It has let go of the socket. */
		flush_delayed_work(&flow->work);
	}
	return 0;
}

void toe_flow_return_net(struct net *net)
{
	toe_flow_walk(toe_return_net_one, net);
}

static int toe_forget_net_one(struct toe_flow *flow, void *arg)
{
	if (flow->key.net == arg)
		toe_flow_forget(flow);
	return 0;
}

void toe_flow_forget_net(struct net *net)
{
	toe_flow_walk(toe_forget_net_one, net);
}

struct toe_return_all {
	struct toe_engine *engine;
	enum toe_reason reason;
};

static int toe_return_one(struct toe_flow *flow, void *arg)
{
	struct toe_return_all *all = arg;

	if (READ_ONCE(flow->busy) &&
	    (!all->engine || READ_ONCE(flow->engine) == all->engine))
		toe_flow_kick(flow, all->reason);
	return 0;
}

void toe_flow_kick_all(enum toe_reason reason)
{
	struct toe_return_all all = { .reason = reason };

	toe_flow_walk(toe_return_one, &all);
}

void toe_flow_return_all(struct toe_engine *e, enum toe_reason reason)
{
	struct toe_return_all all = { .engine = e, .reason = reason };

	if (e) {
		/* Until the last of its flows has let go. */
		do {
			toe_flow_walk(toe_return_one, &all);
		} while (!wait_for_completion_timeout(&e->idle, HZ / 10));
		return;
	}
	do {
		toe_flow_walk(toe_return_one, &all);
	} while (!wait_event_timeout(toe_active_wait,
				     !atomic_read(&toe_active), HZ / 10));
}

u32 toe_flow_count(enum toe_flow_state state)
{
	return atomic_read(&toe_states[state]);
}

int toe_flow_init(void)
{
	int err = -ENOMEM;

	toe_flow_cache = KMEM_CACHE(toe_flow, SLAB_HWCACHE_ALIGN);
	if (!toe_flow_cache)
		return -ENOMEM;
	toe_wq = alloc_workqueue("toe", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!toe_wq)
		goto err_cache;
	err = rhashtable_init(&toe_table, &toe_flow_params);
	if (err)
		goto err_wq;
	return 0;

err_wq:
	destroy_workqueue(toe_wq);
err_cache:
	kmem_cache_destroy(toe_flow_cache);
	return err;
}

/* No signal is taken any more, and every flow is back. The kfunc cannot be
 * called now (a BPF program that knows it holds the module), netlink is shut.
 */
void toe_flow_stop(void)
{
	WRITE_ONCE(toe_stopping, true);
	toe_candidate_stop();
	toe_flow_return_all(NULL, TOE_REASON_UNLOAD);
	toe_keep_stop();
}

static void toe_flow_free_table(void *ptr, void *arg)
{
	toe_flow_put(ptr);
}

void toe_flow_exit(void)
{
	destroy_workqueue(toe_wq);
	rhashtable_free_and_destroy(&toe_table, toe_flow_free_table, NULL);
	/* toe_flow_free_rcu() is this module's text. */
	rcu_barrier();
	kmem_cache_destroy(toe_flow_cache);
	xa_destroy(&toe_ids);
}
