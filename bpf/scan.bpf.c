// SPDX-License-Identifier: GPL-2.0-only
/*
 * Three programs that user space runs with the maps of the loaded classifier:
 *
 *   scan	applies the policy to the connections of a network namespace that
 *		are open (iter/tcp)
 *   explain	says how the rules see one of them (iter/tcp)
 *   policy_test	asks about a connection made up. Its packet is the question. (A
 *		program of type syscall would be the obvious one, but that may sleep,
 *		so it cannot use a trie of prefixes.)
 *
 * An established socket does not know whether it was accepted, unless it is light
 * (toe/signal.h). The iterator comes to listeners first; whose local port one of
 * these has was accepted. A listener that is gone by now is not known, and what it
 * accepted counts as connected.
 */
#include <linux/errno.h>
#include "policy.bpf.h"
#include "watch.bpf.h"
#include <kfuncs.bpf.h>

#define SOL_TCP		6

struct bpf_iter__tcp {
	struct sock_common *sk_common;
} __attribute__((preserve_access_index));

struct listener {
	__u64 netns;
	__u32 port;
	__u32 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct listener);
	__type(value, __u32);
} listeners SEC(".maps");

/* The cgroup where the classifier is attached: only its sockets count. */
const volatile __u64 attached_to;

/* 1: the classifier is attached there; 0: no more */
const volatile __u32 attached;

/* For scan: enum toe_scan */
const volatile __u32 what;
struct toe_policy_counts counts;
/* What the module is told when no rule matches */
struct toe_signal no_rule;

/* For explain */
const volatile struct toe_tuple wanted;
struct toe_policy_explained explained;

extern struct cgroup *bpf_cgroup_from_id(__u64 id) __ksym;
extern void bpf_cgroup_release(struct cgroup *cgroup) __ksym;

static __noinline void note_listener(const struct sock *sk)
{
	struct listener key = { .netns = read_netns(sk), .port = sk->__sk_common.skc_num };
	__u32 one = 1;

	bpf_map_update_elem(&listeners, &key, &one, BPF_ANY);
}

static __noinline int is_accepted(const struct sock *sk)
{
	struct listener key = { .netns = read_netns(sk), .port = sk->__sk_common.skc_num };

	return !!bpf_map_lookup_elem(&listeners, &key);
}

/* Return: the socket of an established connection, else NULL. */
static __always_inline struct sock *established(struct sock_common *skc)
{
	struct sock *sk;

	if (!skc)
		return NULL;
	sk = (struct sock *)bpf_skc_to_tcp_sock(skc);
	if (!sk)
		return NULL;
	if (sk->__sk_common.skc_state == BPF_TCP_LISTEN)
		note_listener(sk);
	return sk->__sk_common.skc_state == BPF_TCP_ESTABLISHED ? sk : NULL;
}

/* Does the classifier see this cgroup's connections? */
static __noinline int is_covered(struct cgroup *cgroup)
{
	struct cgroup **ancestors = cgroup->ancestors, *ancestor;
	int level = cgroup->level, i;

	for (i = 0; i < 256 && i <= level; i++) {
		if (bpf_probe_read_kernel(&ancestor, sizeof(ancestor), &ancestors[i]))
			return 0;
		if (BPF_CORE_READ(ancestor, kn, id) == attached_to)
			return 1;
	}
	return 0;
}

/* Where others hear of it, too, the bits may be theirs. */
static __noinline int is_light(const struct sock *sk, __u32 bits)
{
	return toe_cb_light(bits) && !has_others(sk, attached);
}

/* @signal: NULL: it is not to be watched. */
static __noinline void watch(struct sock_common *skc, struct sock *sk,
			     const struct toe_tuple *tuple,
			     const struct toe_signal *signal)
{
	__u32 old = callback_bits(sk), bits = old;
	int others = has_others(sk, attached);
	struct toe_watch *w;

	w = bpf_sk_storage_get(&watches, skc, NULL, 0);
	if (w)
		bits = watch_end(skc, sk, w, bits, others);
	else if (is_light(sk, bits))
		bits &= ~CB_OF_LIGHT;
	if (signal)
		bits = watch_begin(skc, sk, tuple, signal, bits);
	if (bits != old)
		bpf_setsockopt(skc, SOL_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS, &bits,
			       sizeof(bits));
}

/* It is remembered. */
static __noinline void watch_again(struct sock_common *skc, struct sock *sk,
				   const struct toe_tuple *tuple)
{
	struct toe_signal signal;
	struct toe_watch *w;

	w = bpf_sk_storage_get(&watches, skc, NULL, 0);
	if (!w || w->next == TOE_WATCH_OVER)
		return;
	signal = w->signal;
	watch(skc, sk, tuple, &signal);
}

SEC("iter/tcp")
int scan(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	struct sock *sk = established(skc);
	struct toe_policy_facts facts = {};
	struct toe_signal *action;
	__u32 rule, known, bits;

	if (!sk || !is_covered(sk->sk_cgrp_data.cgroup))
		return 0;
	read_facts(&facts, sk, head.dims);
	if (is_local(&facts.tuple))
		return 0;
	if (what == TOE_SCAN_FORGET) {
		watch(skc, sk, &facts.tuple, NULL);
		return 0;
	}
	if (what == TOE_SCAN_AGAIN && bpf_sk_storage_get(&watches, skc, NULL, 0)) {
		watch_again(skc, sk, &facts.tuple);
		return 0;
	}
	bits = callback_bits(sk);
	if (is_light(sk, bits))
		facts.accepted = !!(bits & TOE_CB_ACCEPTED);
	else if (what == TOE_SCAN_AGAIN)
		return 0;
	else
		facts.accepted = is_accepted(sk);
	rule = policy_match(&facts, sk->sk_cgrp_data.cgroup);
	if (what == TOE_SCAN_AGAIN) {
		watch(skc, sk, &facts.tuple, policy_wants(rule));
		return 0;
	}
	action = bpf_map_lookup_elem(&actions, &rule);
	known = bpf_toe_policy(skc, action ? action : &no_rule) > 0;
	counts.seen++;
	if (!action)
		counts.none++;
	else if (action->flags & TOE_SIGNAL_NEVER)
		counts.never++;
	else
		counts.offload++;
	/* What the module looks after, nobody else need. */
	if (!action || known || (action->flags & TOE_SIGNAL_NEVER))
		watch(skc, sk, &facts.tuple, NULL);
	else
		watch(skc, sk, &facts.tuple, action);
	return 0;
}

static __always_inline int is_wanted(const struct toe_tuple *t)
{
	int i;

	for (i = 0; i < 4; i++)
		if (t->local_addr[i] != wanted.local_addr[i] ||
		    t->remote_addr[i] != wanted.remote_addr[i])
			return 0;
	return t->family == wanted.family && t->local_port == wanted.local_port &&
	       t->remote_port == wanted.remote_port;
}

SEC("iter/tcp")
int explain(struct bpf_iter__tcp *ctx)
{
	struct sock_common *skc = ctx->sk_common;
	struct sock *sk = established(skc);
	struct toe_policy_facts facts = {};
	struct toe_signal *action;
	struct toe_watch *w;
	__u32 bits;

	if (!sk)
		return 0;
	read_facts(&facts, sk, ~0u);
	if (!is_wanted(&facts.tuple))
		return 0;
	bits = callback_bits(sk);
	facts.accepted = is_light(sk, bits) ? !!(bits & TOE_CB_ACCEPTED) : is_accepted(sk);
	facts.cgroup = BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn, id);
	explained.found = 1;
	explained.facts = facts;
	explained.rule = TOE_POLICY_NO_RULE;
	if (is_covered(sk->sk_cgrp_data.cgroup))
		explained.rule = policy_match(&facts, sk->sk_cgrp_data.cgroup);
	w = bpf_sk_storage_get(&watches, skc, NULL, 0);
	action = policy_wants(explained.rule);
	if (w && w->next != TOE_WATCH_OVER) {
		explained.watched = 1;
		explained.watch = *w;
	} else if (!w && action && toe_cb_light(bits)) {
		explained.watched = 1;
		explained.watch.signal = *action;
		explained.watch.next = action->threshold;
	}
	return 0;
}

SEC("xdp")
int policy_test(struct xdp_md *ctx)
{
	struct toe_policy_query *q = (void *)(long)ctx->data;
	struct toe_policy_facts facts;
	struct cgroup *cgroup = NULL;

	if ((void *)(q + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	facts = q->facts;
	q->rule = TOE_POLICY_NO_RULE;
	q->error = 0;
	if (head.dims & (1u << TOE_DIM_CGROUP)) {
		cgroup = bpf_cgroup_from_id(facts.cgroup);
		if (!cgroup) {
			q->error = -ENOENT;
			return XDP_PASS;
		}
	}
	q->rule = policy_match(&facts, cgroup);
	if (cgroup)
		bpf_cgroup_release(cgroup);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
