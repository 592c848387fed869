// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/net/toe: what netlink tells, for eyes and scripts that have no tool. A
 * line a flow, of the network namespace whose /proc/net it is; and the counters,
 * which are the whole module's. Fields are only ever added, at the end.
 */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <net/net_namespace.h>

#include "candidate.h"
#include "engine.h"
#include "flow.h"
#include "proc.h"
#include "stats.h"

static void toe_proc_addr(struct seq_file *m, u16 family, const __be32 *addr,
			  __be16 port)
{
	if (family == AF_INET)
		seq_printf(m, "%pI4:%u ", addr, ntohs(port));
	else
		seq_printf(m, "[%pI6c]:%u ", addr, ntohs(port));
}

static int toe_proc_flow(struct toe_flow *flow, void *arg)
{
	const struct toe_tuple *t = &flow->key.tuple;
	char engine[TOE_ENGINE_NAME_LEN] = "-";
	struct seq_file *m = arg;
	u64 tx, rx;
	u32 id;

	if (flow->key.net != seq_file_single_net(m))
		return 0;
	spin_lock_bh(&flow->lock);
	if (flow->engine)
		strscpy(engine, flow->engine->name, sizeof(engine));
	tx = flow->tx_engine;
	rx = flow->rx_engine;
	id = flow->id;
	spin_unlock_bh(&flow->lock);

	toe_proc_addr(m, t->family, t->local_addr, t->local_port);
	toe_proc_addr(m, t->family, t->remote_addr, t->remote_port);
	seq_printf(m, "%s %s %s %llu %llu %u %llu %u %u %u\n",
		   toe_state_name(READ_ONCE(flow->state)),
		   toe_reason_name(READ_ONCE(flow->reason)), engine, tx, rx,
		   READ_ONCE(flow->opens),
		   div_u64(ktime_get_ns() - READ_ONCE(flow->since_ns),
			   NSEC_PER_MSEC),
		   id, toe_candidate_rule(flow).prio,
		   READ_ONCE(flow->srtt_us));
	/* Once the buffer is full, all is asked again with a larger one. */
	return seq_has_overflowed(m);
}

static int toe_proc_flows(struct seq_file *m, void *v)
{
	seq_puts(m, "local remote state reason engine tx_engine rx_engine opens age_ms id rule srtt_us\n");
	toe_flow_walk(toe_proc_flow, m);
	return 0;
}

static int toe_proc_stats(struct seq_file *m, void *v)
{
	struct toe_stats *sum = kmalloc(sizeof(*sum), GFP_KERNEL);
	int i;

	if (!sum)
		return -ENOMEM;
	toe_stats_sum(sum);
	for (i = 0; i < __TOE_STATE_MAX; i++)
		seq_printf(m, "flows_%s %u\n", toe_state_name(i),
			   toe_flow_count(i));
	for (i = 0; i < __TOE_STAT_MAX; i++)
		seq_printf(m, "%s %llu\n", toe_stat_name(i), sum->counters[i]);
	for (i = 1; i < __TOE_REASON_MAX; i++)
		seq_printf(m, "refused_%s %llu\n", toe_reason_name(i),
			   sum->refused[i]);
	for (i = 1; i < __TOE_REASON_MAX; i++)
		seq_printf(m, "returned_%s %llu\n", toe_reason_name(i),
			   sum->returned[i]);
	kfree(sum);
	return 0;
}

static int __net_init toe_proc_net_init(struct net *net)
{
	struct proc_dir_entry *dir = proc_net_mkdir(net, "toe", net->proc_net);

	if (!dir)
		return -ENOMEM;
	if (proc_create_net_single("flows", 0444, dir, toe_proc_flows, NULL) &&
	    proc_create_net_single("stats", 0444, dir, toe_proc_stats, NULL))
		return 0;
	remove_proc_subtree("toe", net->proc_net);
	return -ENOMEM;
}

static void __net_exit toe_proc_net_exit(struct net *net)
{
	remove_proc_subtree("toe", net->proc_net);
}

static struct pernet_operations toe_proc_net_ops = {
	.init	= toe_proc_net_init,
	.exit	= toe_proc_net_exit,
};

int toe_proc_init(void)
{
	return register_pernet_subsys(&toe_proc_net_ops);
}

void toe_proc_exit(void)
{
	unregister_pernet_subsys(&toe_proc_net_ops);
}
