// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kfunc by which BPF programs signal a heavy flow.
 */
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/filter.h>
#include <net/tcp.h>

#include "flow.h"
#include "signal.h"
#include "stats.h"

__bpf_kfunc_start_defs();

/**
 * bpf_toe_signal() - ask for the offload of a connection
 * @skops: the sockops program's context; its socket must be a full socket
 * @flags: 0
 *
 * Runs in softirq or process context with the socket possibly locked, so it
 * takes a reference and queues work, nothing else.
 *
 * Return: 0 when the flow is on its way; -EEXIST when it already was; -ENOSPC
 * when the table is full; -EINVAL for unknown flags or a socket that is none;
 * -ENOTCONN when it is not ESTABLISHED; -ENOMEM; -ESHUTDOWN.
 */
__bpf_kfunc int bpf_toe_signal(struct bpf_sock_ops *skops, u32 flags)
{
	struct bpf_sock_ops_kern *ops = (struct bpf_sock_ops_kern *)skops;
	struct sock *sk = ops->sk;
	int err;

	if (flags || !ops->is_fullsock || !sk_fullsock(sk) ||
	    sk->sk_protocol != IPPROTO_TCP)
		return -EINVAL;
	if (inet_sk_state_load(sk) != TCP_ESTABLISHED)
		return -ENOTCONN;
	toe_stats_inc(TOE_STAT_SIGNALS);
	err = toe_flow_signal(sk, TOE_REASON_THRESHOLD, NULL);
	if (err == -EEXIST)
		toe_stats_inc(TOE_STAT_SIGNALS_DUP);
	return err;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(toe_kfunc_ids)
BTF_ID_FLAGS(func, bpf_toe_signal)
BTF_KFUNCS_END(toe_kfunc_ids)

/* The set is known to every program type (6.12 has no hook for sockops alone);
 * only sockops programs have the context that the kfunc takes.
 */
static int toe_kfunc_filter(const struct bpf_prog *prog, u32 kfunc_id)
{
	if (!btf_id_set8_contains(&toe_kfunc_ids, kfunc_id))
		return 0;
	return prog->type == BPF_PROG_TYPE_SOCK_OPS ? 0 : -EACCES;
}

static const struct btf_kfunc_id_set toe_kfunc_set = {
	.owner	= THIS_MODULE,
	.set	= &toe_kfunc_ids,
	.filter	= toe_kfunc_filter,
};

int toe_signal_init(void)
{
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_UNSPEC, &toe_kfunc_set);
}
