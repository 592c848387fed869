// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listening to the firewall. nftables tells a multicast group of each change
 * (net/netfilter/nf_tables_api.c, nf_tables_commit()), iptables-nft is nftables,
 * and who watches what tells nobody, iptables-legacy, says it over netlink
 * (genl_firewall.c).
 *
 * Notes:
 * 1. The listener is a netlink socket of the kernel's own in each namespace that
 *    has, or had, flows. So the firewall rules with or without a daemon. Such a
 *    socket holds no reference to its namespace: it goes in the namespace's exit.
 * 2. What a message says is not looked at. Each transaction ends with one
 *    (NFT_MSG_NEWGEN), an empty one sends none, and what else comes is a quota
 *    that is used up, which changes what the rules do. So the messages are thrown
 *    away where they arrive, and the socket's buffer is always empty. One that is
 *    lost for want of memory comes as an error, and counts, too.
 * 3. Binding to the group would load nf_tables (nfnetlink_bind()), and having the
 *    socket nfnetlink. What nobody uses is not to be loaded, so the socket is made
 *    when nf_tables is there, and closed when it goes. That it comes counts as a
 *    change: rules may have come before the socket did.
 * 4. netlink_release() takes the socket from the group under the lock that each
 *    broadcast holds, so after sock_release() nobody calls us. Nobody can send to
 *    the socket itself: it is connected to the kernel (netlink_getsockbyportid()).
 * 5. Its number is not left to chance: that would be the number of the process
 *    that runs the work, which a process in the namespace may want.
 */
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/random.h>
#include <net/netns/generic.h>
#include <net/sock.h>

#include "firewall.h"
#include "flow.h"
#include "stats.h"

#define TOE_BIND_TRIES	8
#define TOE_QUIET_NS	NSEC_PER_SEC

/**
 * struct toe_firewall_net - of a network namespace
 * @net: the namespace
 * @watched: in toe_firewall_watched, once it has flows; under toe_firewall_lock
 * @sock: hears nftables, or NULL; under toe_firewall_lock
 * @work: brings the flows back
 * @lock: of @now; taken with interrupts off, as netlink_set_err() calls us
 * @now: what is known
 */
struct toe_firewall_net {
	struct net		*net;
	struct list_head	watched;
	struct socket		*sock;
	struct work_struct	work;
	spinlock_t		lock;	/* of now */
	struct toe_firewall	now;
};

static unsigned int toe_firewall_net_id __read_mostly;
static DEFINE_MUTEX(toe_firewall_lock);
static LIST_HEAD(toe_firewall_watched);

static struct toe_firewall_net *toe_firewall_of(struct net *net)
{
	return net_generic(net, toe_firewall_net_id);
}

static int toe_firewall_return(struct toe_flow *flow, void *arg)
{
	const struct toe_firewall_net *fn = arg;

	/* What was admitted under the rules as they are now may stay. */
	if (flow->key.net == fn->net && READ_ONCE(flow->busy) &&
	    READ_ONCE(flow->seen.generation) !=
	    READ_ONCE(fn->now.generation))
		toe_flow_kick(flow, TOE_REASON_NETFILTER);
	return 0;
}

static void toe_firewall_work(struct work_struct *work)
{
	struct toe_firewall_net *fn =
		container_of(work, struct toe_firewall_net, work);
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT };

	/* Takes the error off, so that the next one is reported. */
	mutex_lock(&toe_firewall_lock);
	if (fn->sock)
		kernel_recvmsg(fn->sock, &msg, NULL, 0, 0, MSG_DONTWAIT);
	mutex_unlock(&toe_firewall_lock);
	toe_flow_walk(toe_firewall_return, fn);
}

static void toe_firewall_change(struct toe_firewall_net *fn)
{
	unsigned long flags;

	toe_stats_inc(TOE_STAT_FIREWALL_CHANGES);
	spin_lock_irqsave(&fn->lock, flags);
	WRITE_ONCE(fn->now.generation, fn->now.generation + 1);
	fn->now.changed_ns = ktime_get_ns();
	fn->now.careful = TOE_CAREFUL_UNKNOWN;
	spin_unlock_irqrestore(&fn->lock, flags);
	queue_work(toe_wq, &fn->work);
}

void toe_firewall_changed(struct net *net)
{
	toe_firewall_change(toe_firewall_of(net));
}

/* Context: the process that changes the rules, or softirq. */
static void toe_firewall_message(struct sock *sk)
{
	skb_queue_purge(&sk->sk_receive_queue);
	toe_firewall_change(sk->sk_user_data);
}

/* A message was lost. Context: interrupts off. */
static void toe_firewall_error(struct sock *sk)
{
	toe_firewall_change(sk->sk_user_data);
}

/* A number nobody has, then deaf to all but the kernel, and the group last. */
static int toe_firewall_bind(struct socket *sock)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	int i, err = -EADDRINUSE;

	for (i = 0; err == -EADDRINUSE && i < TOE_BIND_TRIES; i++) {
		addr.nl_pid = get_random_u32() | BIT(31);
		err = kernel_bind(sock, (void *)&addr, sizeof(addr));
	}
	if (!err)
		err = kernel_connect(sock, (void *)&kernel, sizeof(kernel), 0);
	addr.nl_groups = BIT(NFNLGRP_NFTABLES - 1);
	return err ?: kernel_bind(sock, (void *)&addr, sizeof(addr));
}

static void toe_firewall_close(struct toe_firewall_net *fn)
{
	lockdep_assert_held(&toe_firewall_lock);
	if (fn->sock)
		sock_release(fn->sock);
	fn->sock = NULL;
	WRITE_ONCE(fn->now.nftables, false);
}

/* With nf_tables loaded, and nfnetlink with it. */
static int toe_firewall_open(struct toe_firewall_net *fn)
{
	int err;

	lockdep_assert_held(&toe_firewall_lock);
	if (fn->sock)
		return 0;
	err = sock_create_kern(fn->net, PF_NETLINK, SOCK_RAW,
			       NETLINK_NETFILTER, &fn->sock);
	if (err) {
		fn->sock = NULL;
		return err;
	}
	fn->sock->sk->sk_user_data = fn;
	fn->sock->sk->sk_data_ready = toe_firewall_message;
	fn->sock->sk->sk_error_report = toe_firewall_error;
	err = toe_firewall_bind(fn->sock);
	WRITE_ONCE(fn->now.nftables, !err);
	if (err)
		toe_firewall_close(fn);
	return err;
}

#if IS_ENABLED(CONFIG_NF_TABLES)

#include <net/netfilter/nf_tables.h>

/* Is nf_tables loaded? It stays so until toe_nftables_put(). */
static bool toe_nftables_get(void)
{
	return symbol_get(nft_register_expr);
}

static void toe_nftables_put(void)
{
	symbol_put(nft_register_expr);
}

#else

static bool toe_nftables_get(void)
{
	return false;
}

static void toe_nftables_put(void)
{
}

#endif

int toe_firewall_watch(struct net *net)
{
	struct toe_firewall_net *fn = toe_firewall_of(net);
	int err = 0;

	/* Once a namespace is watched, toe_nftables_event() looks after it. */
	if (!list_empty_careful(&fn->watched))
		return 0;
	mutex_lock(&toe_firewall_lock);
	if (list_empty(&fn->watched) && toe_nftables_get()) {
		err = toe_firewall_open(fn);
		toe_nftables_put();
	}
	if (!err && list_empty(&fn->watched))
		list_add_tail(&fn->watched, &toe_firewall_watched);
	mutex_unlock(&toe_firewall_lock);
	return err;
}

/* nf_tables has come, or gone with all its rules. */
static int toe_nftables_event(struct notifier_block *nb, unsigned long state,
			      void *data)
{
	const struct module *mod = data;
	struct toe_firewall_net *fn;

	if (strcmp(mod->name, "nf_tables") ||
	    (state != MODULE_STATE_LIVE && state != MODULE_STATE_GOING))
		return NOTIFY_DONE;
	mutex_lock(&toe_firewall_lock);
	list_for_each_entry(fn, &toe_firewall_watched, watched) {
		if (state == MODULE_STATE_GOING) {
			toe_firewall_close(fn);
			continue;
		}
		if (toe_firewall_open(fn))
			pr_err_ratelimited("toe: changes of the firewall cannot be heard\n");
		toe_firewall_change(fn);
	}
	mutex_unlock(&toe_firewall_lock);
	return NOTIFY_DONE;
}

static struct notifier_block toe_nftables_notifier = {
	.notifier_call	= toe_nftables_event,
};

struct toe_firewall toe_firewall_get(struct net *net)
{
	struct toe_firewall_net *fn = toe_firewall_of(net);
	struct toe_firewall now;
	unsigned long flags;

	spin_lock_irqsave(&fn->lock, flags);
	now = fn->now;
	spin_unlock_irqrestore(&fn->lock, flags);
	return now;
}

bool toe_firewall_quiet(const struct toe_firewall *fw)
{
	return !fw->generation ||
	       ktime_get_ns() - fw->changed_ns >= TOE_QUIET_NS;
}

int toe_firewall_judge(struct net *net, u32 generation,
		       enum toe_careful careful)
{
	struct toe_firewall_net *fn = toe_firewall_of(net);
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&fn->lock, flags);
	if (fn->now.generation == generation)
		fn->now.careful = careful;
	else
		err = -ESTALE;
	spin_unlock_irqrestore(&fn->lock, flags);
	return err;
}

bool toe_firewall_clear(struct net *net)
{
	struct toe_firewall_net *fn = toe_firewall_of(net);

	if (!READ_ONCE(fn->now.asked))
		WRITE_ONCE(fn->now.asked, true);
	return READ_ONCE(fn->now.careful) == TOE_CAREFUL_CLEAR;
}

static int __net_init toe_firewall_net_init(struct net *net)
{
	struct toe_firewall_net *fn = toe_firewall_of(net);

	fn->net = net;
	INIT_LIST_HEAD(&fn->watched);
	INIT_WORK(&fn->work, toe_firewall_work);
	spin_lock_init(&fn->lock);
	return 0;
}

/* Its flows are gone, or all flows are: nobody watches it anew. */
static void __net_exit toe_firewall_net_exit(struct net *net)
{
	struct toe_firewall_net *fn = toe_firewall_of(net);

	mutex_lock(&toe_firewall_lock);
	list_del_init(&fn->watched);
	toe_firewall_close(fn);
	mutex_unlock(&toe_firewall_lock);
	cancel_work_sync(&fn->work);
}

static struct pernet_operations toe_firewall_net_ops = {
	.init	= toe_firewall_net_init,
	.exit	= toe_firewall_net_exit,
	.id	= &toe_firewall_net_id,
	.size	= sizeof(struct toe_firewall_net),
};

int toe_firewall_init(void)
{
	int err;

	err = register_pernet_subsys(&toe_firewall_net_ops);
	if (err)
		return err;
	err = register_module_notifier(&toe_nftables_notifier);
	if (err)
		unregister_pernet_subsys(&toe_firewall_net_ops);
	return err;
}

void toe_firewall_exit(void)
{
	unregister_module_notifier(&toe_nftables_notifier);
	unregister_pernet_subsys(&toe_firewall_net_ops);
}
