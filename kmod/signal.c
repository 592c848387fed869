// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kfuncs by which BPF programs tell the module of connections.
 */
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/filter.h>
#include <net/tcp.h>

#include "candidate.h"
#include "compat.h"
#include "mark.h"
#include "signal.h"
#include "stats.h"

/* The TCP socket that the caller names, NULL if it is none. Anything may come
 * out of a lookup or an iterator: requests, TIME-WAIT, listeners.
 */
static struct sock *toe_signal_sock(struct sock_common *skc)
{
	struct sock *sk = (struct sock *)skc;

	if (!sk_fullsock(sk) || sk->sk_protocol != IPPROTO_TCP)
		return NULL;
	return sk;
}

/* Takes a copy, for the original may change at any time, and looks whether it
 * makes sense. @may: the TOE_SIGNAL_* that may be set beside those of marks.
 */
static bool toe_signal_copy(struct toe_signal *sig,
			    const struct toe_signal *from, u32 may)
{
	memcpy(sig, from, sizeof(*sig));
	barrier_data(sig);
	may |= TOE_SIGNAL_NO_CTMARK | TOE_SIGNAL_NO_PKTMARK;
	return !(sig->flags & ~may) && toe_mark_valid(sig) && sig->prio <= TOE_RULE_PRIO_MAX &&
	       strnlen(sig->engine, sizeof(sig->engine)) < sizeof(sig->engine);
}

__bpf_kfunc_start_defs();

/**
 * bpf_toe_signal() - ask for the offload of a connection
 * @skc: its socket; must be a full TCP socket
 * @sig: the rule under which it is a candidate
 *
 * Runs in softirq or process context with the socket possibly locked, so it
 * takes a reference and queues work, nothing else.
 *
 * Return: 0 when the module is in charge from here on; -EEXIST when it already
 * was. Else it is not: -EINVAL for a rule that makes no sense or a socket that
 * is none; -ENOTCONN when it is not ESTABLISHED; -ENOSPC when too many are known;
 * -ENOMEM; -EAGAIN; -ESHUTDOWN.
 */
__bpf_kfunc int bpf_toe_signal(struct sock_common *skc,
			       const struct toe_signal *sig)
{
	struct sock *sk = toe_signal_sock(skc);
	struct toe_signal own;

	if (!sk || !toe_signal_copy(&own, sig, TOE_SIGNAL_CAREFUL) || !own.prio ||
	    !own.threshold)
		return -EINVAL;
	if (inet_sk_state_load(sk) != TCP_ESTABLISHED)
		return -ENOTCONN;
	toe_stats_inc(TOE_STAT_SIGNALS);
	return toe_candidate_signal(sk, &own, NULL);
}

/**
 * bpf_toe_policy() - tell what the policy for a connection is now
 * @skc: its socket
 * @sig: the rule that matches; of a rule that says never, TOE_SIGNAL_NEVER; no
 *	rule: prio 0
 *
 * Return: 1 when the module knows the connection and is in charge of it, 0 when
 * not; -EINVAL.
 */
__bpf_kfunc int bpf_toe_policy(struct sock_common *skc,
			       const struct toe_signal *sig)
{
	struct sock *sk = toe_signal_sock(skc);
	struct toe_signal own;

	if (!toe_signal_copy(&own, sig, TOE_SIGNAL_NEVER | TOE_SIGNAL_CAREFUL) ||
	    (own.prio && !(own.flags & TOE_SIGNAL_NEVER) && !own.threshold))
		return -EINVAL;
	return sk ? toe_candidate_policy(sk, &own) : 0;
}

__bpf_kfunc_end_defs();

/*
 * Two sets, because a filter cannot tell the kfuncs apart: the ids that it is
 * asked about are those of the running kernel, which need not be those of the
 * build. Each filter is asked for its own set's kfuncs only.
 *
 * 6.12 has no hook for sockops alone, so bpf_toe_signal() is offered to every
 * type of program and its filter decides. An extension (libxdp attaches programs
 * so) counts as what it extends; the verifier has looked that up before it comes
 * to the program's calls.
 */
BTF_KFUNCS_START(toe_signal_ids)
BTF_ID_FLAGS(func, bpf_toe_signal, KF_TRUSTED_ARGS)
BTF_KFUNCS_END(toe_signal_ids)

BTF_KFUNCS_START(toe_policy_ids)
BTF_ID_FLAGS(func, bpf_toe_policy, KF_TRUSTED_ARGS)
BTF_KFUNCS_END(toe_policy_ids)

static int toe_policy_filter(const struct bpf_prog *prog, u32 kfunc_id)
{
	return prog->type == BPF_PROG_TYPE_TRACING &&
	       prog->expected_attach_type == BPF_TRACE_ITER ? 0 : -EACCES;
}

static int toe_signal_filter(const struct bpf_prog *prog, u32 kfunc_id)
{
	enum bpf_prog_type type = prog->type;

	if (type == BPF_PROG_TYPE_EXT)
		type = prog->aux->saved_dst_prog_type;
	if (type == BPF_PROG_TYPE_SOCK_OPS || type == BPF_PROG_TYPE_XDP)
		return 0;
	return toe_policy_filter(prog, kfunc_id);
}

static const struct btf_kfunc_id_set toe_signal_set = {
	.owner	= THIS_MODULE,
	.set	= &toe_signal_ids,
	.filter	= toe_signal_filter,
};

static const struct btf_kfunc_id_set toe_policy_set = {
	.owner	= THIS_MODULE,
	.set	= &toe_policy_ids,
	.filter	= toe_policy_filter,
};

int toe_signal_init(void)
{
	int err;

	err = register_btf_kfunc_id_set(BPF_PROG_TYPE_UNSPEC, &toe_signal_set);
	if (err)
		return err;
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_TRACING, &toe_policy_set);
}
