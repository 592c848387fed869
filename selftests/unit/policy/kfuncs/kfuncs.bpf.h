/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In the place of bpf/kfuncs.bpf.h: map "told" has by local port what the module
 * would have been told, map "answers" what it says.
 */
#ifndef _KFUNCS_BPF_H
#define _KFUNCS_BPF_H

#include "facts.bpf.h"

/* There is no module that would. */
#define TOE_LIGHT_IS_WOKEN	0

/* Ours is pretended to be there. */
#define may_have_xdp(dev)	1

/**
 * struct told - of the connections with a local port
 * @signals: calls of bpf_toe_signal()
 * @bytes: acknowledged and received at the first of these
 * @prio: rule of the last of these
 * @policies: calls of bpf_toe_policy()
 * @policy: rule of the last of these
 */
struct told {
	__u64 signals;
	__u64 bytes;
	__u64 prio;
	__u64 policies;
	__u64 policy;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct told);
} told SEC(".maps");

/* Element 0: of bpf_toe_signal(), 1: of bpf_toe_policy() */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, int);
} answers SEC(".maps");

static __always_inline struct told *told_of(struct sock *sk)
{
	__u32 port = sk->__sk_common.skc_num;
	struct told none = {};

	bpf_map_update_elem(&told, &port, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&told, &port);
}

static __always_inline int answer(__u32 which)
{
	int *value = bpf_map_lookup_elem(&answers, &which);

	return value ? *value : 0;
}

static __attribute__((unused)) int bpf_toe_signal(struct sock_common *skc,
						  const struct toe_signal *sig)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(skc);
	struct told *t;

	if (!tp)
		return -EINVAL;
	t = told_of((struct sock *)tp);
	if (!t)
		return -EINVAL;
	if (!t->signals++)
		t->bytes = tp->bytes_acked + tp->bytes_received;
	t->prio = sig->prio;
	return answer(0);
}

static __attribute__((unused)) int bpf_toe_policy(struct sock_common *skc,
						  const struct toe_signal *sig)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(skc);
	struct told *t;

	if (!tp)
		return -EINVAL;
	t = told_of((struct sock *)tp);
	if (!t)
		return -EINVAL;
	t->policies++;
	t->policy = sig->prio;
	return answer(1);
}

#endif /* _KFUNCS_BPF_H */
