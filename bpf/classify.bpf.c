// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds the connections that the policy wants offloaded, and signals them to
 * toe.ko when they are heavy. A sockops program on a cgroup2.
 *
 * 1. When a connection is established it is matched, once. No rule, or one that
 *    says never: nothing is remembered, no callback is asked for, it costs
 *    nothing from then on.
 * 2. Where the bytes are looked at. The kernel has no event "so many bytes
 *    have passed". BPF_SOCK_OPS_RTT_CB comes once per round trip, but only to
 *    a side that sends data. A pure receiver's data takes the header prediction
 *    path, which no receive event sees (BPF_SOCK_OPS_PARSE_HDR_OPT_CB belongs
 *    to the slow path). Where classify_xdp.bpf.c is attached it sees them.
 *    Elsewhere: a receiver acknowledges, and BPF_SOCK_OPS_HDR_OPT_LEN_CB comes
 *    before each segment that goes out. It asks for room for options; this
 *    program asks for none, so the segments stay as they are and
 *    BPF_SOCK_OPS_WRITE_HDR_OPT_CB never comes.
 * 3. When it signals. At the rule's threshold. When the module takes charge,
 *    or has it already, all is cleared: the module tries again by itself. When
 *    it does not, for want of room or memory, again after as many bytes more
 *    (at least TOE_SIGNAL_GAP).
 * 4. What it costs until then: one call for each segment sent and for each
 *    round trip, which ends after one comparison.
 * 5. Other sockops programs share a connection's callback bits. This one only
 *    ever clears bits that it has set itself.
 */
#include <linux/errno.h>
#include "policy.bpf.h"
#include "watch.bpf.h"
#include <kfuncs.bpf.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} hits SEC(".maps");

static __always_inline void count_hit(__u32 rule)
{
	__u64 *count = bpf_map_lookup_elem(&hits, &rule);

	if (count)
		(*count)++;
}

static __always_inline void established(struct bpf_sock_ops *skops, int accepted)
{
	struct bpf_sock *skc = skops->sk;
	struct toe_policy_facts facts = {};
	struct toe_signal *action;
	struct sock *sk;
	__u32 rule;

	if (!skc)
		return;
	sk = (struct sock *)bpf_skc_to_tcp_sock(skc);
	if (!sk)
		return;
	read_facts(&facts, sk, head.dims);
	facts.accepted = accepted;
	if (is_local(&facts.tuple))
		return;
	rule = policy_match(&facts, sk->sk_cgrp_data.cgroup);
	if (rule == TOE_POLICY_NO_RULE)
		return;
	count_hit(rule);
	action = bpf_map_lookup_elem(&actions, &rule);
	if (!action || (action->flags & TOE_SIGNAL_NEVER))
		return;
	bpf_sock_ops_cb_flags_set(skops, watch_begin(skc, sk, &facts.tuple, action,
						     callback_bits(sk)));
}

static __always_inline void forget(struct bpf_sock_ops *skops, struct bpf_sock *skc,
				   struct toe_watch *w)
{
	struct sock *sk = (struct sock *)bpf_skc_to_tcp_sock(skc);

	if (sk)
		bpf_sock_ops_cb_flags_set(skops, watch_end(skc, sk, w, callback_bits(sk)));
}

static __always_inline void moved(struct bpf_sock_ops *skops)
{
	struct bpf_sock *skc = skops->sk;
	struct toe_watch *w;
	__u64 total, gap;
	int err;

	if (!skc)	/* a connection request, before there is a socket */
		return;
	w = bpf_sk_storage_get(&watches, skc, NULL, 0);
	if (!w)
		return;
	total = skops->bytes_acked + skops->bytes_received;
	if (total < w->next)
		return;
	err = bpf_toe_signal((struct sock_common *)skc, &w->signal);
	if (!err || err == -EEXIST || err == -ENOTCONN) {
		forget(skops, skc, w);
		return;
	}
	gap = w->signal.threshold;
	w->next = total + (gap > TOE_SIGNAL_GAP ? gap : TOE_SIGNAL_GAP);
}

static __always_inline void closed(struct bpf_sock_ops *skops)
{
	struct bpf_sock *skc = skops->sk;
	struct toe_watch *w;

	if (!skc)
		return;
	w = bpf_sk_storage_get(&watches, skc, NULL, 0);
	if (w)
		forget(skops, skc, w);
}

SEC("sockops")
int classify(struct bpf_sock_ops *skops)
{
	__u32 op = skops->op;

	switch (op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		established(skops, op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB);
		break;
	case BPF_SOCK_OPS_RTT_CB:
	case BPF_SOCK_OPS_HDR_OPT_LEN_CB:
		moved(skops);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (skops->args[0] == BPF_TCP_ESTABLISHED)
			closed(skops);
		break;
	}
	return 1;
}

char _license[] SEC("license") = "GPL";
