// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who notices that the way of an offloaded flow has changed.
 *
 * Notes:
 * 1. What the kernel tells of routes, policy rules, nexthops, links and
 *    neighbours only says that something has changed. What it means for a flow
 *    is found by looking the flow's way up, as its next segment would (way.c):
 *    same interface and same next hop, and the flow stays.
 * 2. All that is told within a short time leads to one look at each flow, so a
 *    routing daemon that changes 100,000 routes costs some looks and not
 *    100,000. The looks never take more than a tenth of a CPU.
 * 3. The FIB tells of a change before it makes it. Therefore the look comes a
 *    little later, and once more when all is quiet.
 * 4. What nobody tells of (an IPsec policy), and what is told while a namespace
 *    is not watched yet, is found by the sweep of the table, which looks too.
 * 5. The next hop's entry is kept by the segments that use it. Those of an
 *    offloaded flow do not pass it, so the look does it for them; else the host
 *    would not notice that the next hop has moved.
 */
#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <net/fib_notifier.h>
#include <net/netevent.h>
#include <net/netns/generic.h>
#include <net/nexthop.h>
#include <net/tcp.h>

#include "engine.h"
#include "flow.h"
#include "route.h"
#include "shadow.h"
#include "stats.h"
#include "way.h"

#define TOE_LOOK_DELAY	msecs_to_jiffies(4)
#define TOE_LOOK_GAP	msecs_to_jiffies(50)

/**
 * struct toe_route_net - a namespace
 * @net: itself
 * @fib: hears of routes and policy rules
 * @nexthop: hears of nexthop objects
 * @work: begins to watch; the FIB tells all that it has first, which takes its
 *	time
 * @watched: it does; written by @work only
 */
struct toe_route_net {
	struct net		*net;
	struct notifier_block	fib;
	struct notifier_block	nexthop;
	struct work_struct	work;
	bool			watched;
};

static unsigned int toe_route_net_id __read_mostly;

static void toe_look_all(struct work_struct *work);
static DECLARE_DELAYED_WORK(toe_look_work, toe_look_all);
/* Something was told since the last look began. */
static bool toe_look_owed;

static void toe_look_locked(struct toe_flow *flow, struct sock *sk)
{
	u64 bytes = toe_sock_bytes(sk);
	struct toe_way way = {
		.used = bytes != flow->shadow.looked_bytes ||
			tcp_sk(sk)->packets_out,
	};
	enum toe_reason reason;

	/* On an engine, and not on its way back. */
	if (!flow->shadow.installed || READ_ONCE(flow->close_reason))
		return;
	flow->shadow.looked_bytes = bytes;
	toe_stats_inc(TOE_STAT_LOOKS);
	reason = toe_way(sk, &flow->key.tuple, &way);
	/* A new route has brought those of its interface. */
	toe_shadow_caps(flow, sk);
	if (toe_stalled(flow, sk)) {
		toe_flow_kick(flow, TOE_REASON_STALLED);
		return;
	}
	/* The old address is as good as any until there is an answer. */
	if (reason == TOE_REASON_NEIGHBOUR && way.resolving)
		return;
	if (reason || !ether_addr_equal(way.src_mac, flow->engine->mac) ||
	    !ether_addr_equal(way.dst_mac, flow->opened.dst_mac))
		toe_flow_kick(flow, TOE_REASON_ROUTE_CHANGE);
}

void toe_route_look(struct toe_flow *flow)
{
	struct sock *sk = NULL;
	bool owned;

	spin_lock_bh(&flow->lock);
	if (flow->sk && flow->id) {
		sk = flow->sk;
		sock_hold(sk);
	}
	spin_unlock_bh(&flow->lock);
	if (!sk)
		return;
	toe_route_watch(sock_net(sk));
	local_bh_disable();
	bh_lock_sock(sk);
	owned = sock_owned_by_user(sk);
	if (!owned)
		toe_look_locked(flow, sk);
	bh_unlock_sock(sk);
	local_bh_enable();
	if (owned) {
		WRITE_ONCE(flow->look, true);
		toe_flow_queue(flow);
	}
	sock_put(sk);
}

void toe_route_look_own(struct toe_flow *flow)
{
	WRITE_ONCE(flow->look, false);
	lock_sock(flow->sk);
	toe_look_locked(flow, flow->sk);
	release_sock(flow->sk);
}

/* There may be a way now: it need not wait for as long as others that fail. */
static void toe_look_host(struct toe_flow *flow)
{
	if (!toe_way_missing(READ_ONCE(flow->reason)) || READ_ONCE(flow->busy))
		return;
	spin_lock_bh(&flow->lock);
	if (!flow->busy)
		toe_backoff_hasten(&flow->backoff);
	spin_unlock_bh(&flow->lock);
}

static int toe_look_one(struct toe_flow *flow, void *arg)
{
	if (READ_ONCE(flow->state) == TOE_STATE_HOST)
		toe_look_host(flow);
	else
		toe_route_look(flow);
	return 0;
}

static void toe_look_all(struct work_struct *work)
{
	bool owed = xchg(&toe_look_owed, false);
	unsigned long start = jiffies;

	toe_flow_walk(toe_look_one, NULL);
	/* Whatever is told meanwhile finds it pending. */
	if (owed)
		mod_delayed_work(toe_wq, &toe_look_work,
				 max(TOE_LOOK_GAP, 9 * (jiffies - start)));
}

/* Something has changed; any context but hard interrupt. */
static void toe_route_changed(void)
{
	if (!toe_flow_count(TOE_STATE_ENGINE) &&
	    !toe_flow_count(TOE_STATE_HOST))
		return;
	if (!READ_ONCE(toe_look_owed))
		WRITE_ONCE(toe_look_owed, true);
	queue_delayed_work(toe_wq, &toe_look_work, TOE_LOOK_DELAY);
}

static int toe_route_netdev(struct notifier_block *nb, unsigned long event,
			    void *ptr)
{
	switch (event) {
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
	case NETDEV_CHANGEADDR:
	case NETDEV_UNREGISTER:
		toe_route_changed();
	}
	return NOTIFY_DONE;
}

static struct notifier_block toe_route_netdev_nb = {
	.notifier_call = toe_route_netdev,
};

static int toe_route_netevent(struct notifier_block *nb, unsigned long event,
			      void *ptr)
{
	if (event == NETEVENT_NEIGH_UPDATE || event == NETEVENT_REDIRECT)
		toe_route_changed();
	return NOTIFY_DONE;
}

static struct notifier_block toe_route_netevent_nb = {
	.notifier_call = toe_route_netevent,
};

static int toe_route_any(struct notifier_block *nb, unsigned long event,
			 void *ptr)
{
	toe_route_changed();
	return NOTIFY_DONE;
}

/* Fails when routes change faster than the FIB can tell what it has; tried again
 * with the next look.
 */
static void toe_route_watch_work(struct work_struct *work)
{
	struct toe_route_net *rn = container_of(work, struct toe_route_net,
						work);

	if (rn->watched ||
	    register_nexthop_notifier(rn->net, &rn->nexthop, NULL))
		return;
	if (register_fib_notifier(rn->net, &rn->fib, NULL, NULL)) {
		unregister_nexthop_notifier(rn->net, &rn->nexthop);
		return;
	}
	WRITE_ONCE(rn->watched, true);
}

void toe_route_watch(struct net *net)
{
	struct toe_route_net *rn = net_generic(net, toe_route_net_id);

	if (!READ_ONCE(rn->watched))
		queue_work(toe_wq, &rn->work);
}

static int __net_init toe_route_net_init(struct net *net)
{
	struct toe_route_net *rn = net_generic(net, toe_route_net_id);

	rn->net = net;
	rn->fib.notifier_call = toe_route_any;
	rn->nexthop.notifier_call = toe_route_any;
	INIT_WORK(&rn->work, toe_route_watch_work);
	return 0;
}

static void __net_exit toe_route_net_exit(struct net *net)
{
	struct toe_route_net *rn = net_generic(net, toe_route_net_id);

	disable_work_sync(&rn->work);
	if (!rn->watched)
		return;
	unregister_fib_notifier(net, &rn->fib);
	unregister_nexthop_notifier(net, &rn->nexthop);
}

static struct pernet_operations toe_route_net_ops = {
	.init	= toe_route_net_init,
	.exit	= toe_route_net_exit,
	.id	= &toe_route_net_id,
	.size	= sizeof(struct toe_route_net),
};

int toe_route_init(void)
{
	int err;

	err = register_pernet_subsys(&toe_route_net_ops);
	if (err)
		return err;
	err = register_netdevice_notifier(&toe_route_netdev_nb);
	if (err)
		goto err_net;
	err = register_netevent_notifier(&toe_route_netevent_nb);
	if (err)
		goto err_netdev;
	return 0;

err_netdev:
	unregister_netdevice_notifier(&toe_route_netdev_nb);
err_net:
	unregister_pernet_subsys(&toe_route_net_ops);
	return err;
}

void toe_route_exit(void)
{
	unregister_netevent_notifier(&toe_route_netevent_nb);
	unregister_netdevice_notifier(&toe_route_netdev_nb);
	unregister_pernet_subsys(&toe_route_net_ops);
	disable_delayed_work_sync(&toe_look_work);
}
