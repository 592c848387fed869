// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds the connections that the policy wants offloaded, and signals them to
 * toe.ko when they are heavy. A sockops program on a cgroup2.
 *
 * 1. When a connection is established it is matched. No rule, or one that says
 *    never: nothing is remembered, no callback is asked for, it costs nothing
 *    from then on.
 * 2. One that a rule wants is light at first (toe/signal.h), and nothing is
 *    remembered of it but callback bits, which cost less than storage with the
 *    socket: that would be a third of all that a short connection pays. It is
 *    matched once more when it is light no more. By the same rules that gives
 *    the same one again, unless they ask for what may have changed (FLEETING):
 *    then it is remembered from its beginning.
 * 3. Where the bytes are looked at. The kernel has no event "so many bytes
 *    have passed". BPF_SOCK_OPS_RTT_CB comes once per round trip, but only to
 *    a side that sends data. A pure receiver's data takes the header prediction
 *    path, which no receive event sees (BPF_SOCK_OPS_PARSE_HDR_OPT_CB belongs
 *    to the slow path). Where classify_xdp.bpf.c is attached it sees them.
 *    Elsewhere: a receiver acknowledges, and BPF_SOCK_OPS_HDR_OPT_LEN_CB comes
 *    before each segment that goes out. It asks for room for options; this
 *    program asks for none, so the segments stay as they are and
 *    BPF_SOCK_OPS_WRITE_HDR_OPT_CB never comes. One that is light goes without:
 *    kmod/light.c asks for it when enough was received.
 * 4. When it signals. At the rule's threshold. When the module takes charge,
 *    or has it already, all is cleared: the module tries again by itself. When
 *    it does not, for want of room or memory, again after as many bytes more
 *    (at least TOE_SIGNAL_GAP).
 * 5. What it costs until then: one call for each round trip and, when it is light
 *    no more, for each segment sent, which ends after one comparison.
 * 6. Other sockops programs share a connection's callback bits, and may want one
 *    that this one has set: nobody can tell then. So while others hear of the
 *    connection (has_others()) this one takes no bit away, and remembers that it
 *    has done its work. What they set may look like what makes a connection light:
 *    so none is made light then, and who looks light meets the rules only when these
 *    do not ask how it was made. When the others have gone the bits go, too.
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

enum meeting { CONNECTED, ACCEPTED, AGAIN };

/* The callback bits that make a connection light */
static __always_inline __u32 light_bits(enum meeting meeting)
{
	__u32 bits = CB_SENT | TOE_CB_LIGHT;

	bits |= meeting == ACCEPTED ? TOE_CB_ACCEPTED : TOE_CB_CONNECTED;
	if (!TOE_LIGHT_IS_WOKEN)
		bits |= CB_RECEIVED;
	return bits;
}

/* Nothing more is to be done for the connection, though it may be called for. */
static __noinline void watch_over(void *skc)
{
	struct toe_watch over = { .next = TOE_WATCH_OVER };

	bpf_sk_storage_get(&watches, skc, &over, BPF_SK_STORAGE_GET_F_CREATE);
}

/*
 * The connection meets the rules: when it is established, and AGAIN when it was light
 * until now; they may be others by then. One function, as the stack is short.
 */
static __noinline void meet(struct bpf_sock_ops *skops, enum meeting meeting)
{
	struct bpf_sock *skc = skops->sk;
	struct toe_policy_facts facts = {};
	struct toe_signal *action;
	struct sock *sk;
	__u32 rule, bits;

	if (!skc)
		return;
	sk = (struct sock *)bpf_skc_to_tcp_sock(skc);
	if (!sk)
		return;
	read_facts(&facts, sk, head.dims);
	if (is_local(&facts.tuple))
		return;
	bits = callback_bits(sk);
	facts.accepted = meeting == ACCEPTED;
	if (meeting == AGAIN) {
		if (!toe_cb_light(bits))
			return;
		facts.accepted = !!(bits & TOE_CB_ACCEPTED);
		if (!has_others(sk, 1)) {
			bits &= ~CB_OF_LIGHT;
		} else {
			watch_over(skc);
			if (head.dims & (1u << TOE_DIM_DIR))
				return;
		}
	}
	rule = policy_match(&facts, sk->sk_cgrp_data.cgroup);
	action = policy_wants(rule);
	if (meeting != AGAIN) {
		count_hit(rule);
		if (!action)
			return;
	}
	if (!action)
		;	/* it was light, and that ends */
	else if (meeting == AGAIN || bits || (head.dims & FLEETING) ||
		 action->threshold <= TOE_LIGHT_BYTES || has_xdp(sk) || has_others(sk, 1))
		bits = watch_begin(skc, sk, &facts.tuple, action, bits);
	else
		bits = light_bits(meeting);
	bpf_sock_ops_cb_flags_set(skops, bits);
}

static __always_inline void forget(struct bpf_sock_ops *skops, struct bpf_sock *skc,
				   struct toe_watch *w)
{
	struct sock *sk = (struct sock *)bpf_skc_to_tcp_sock(skc);

	if (sk)
		bpf_sock_ops_cb_flags_set(skops, watch_end(skc, sk, w, callback_bits(sk),
							   has_others(sk, 1)));
}

static __noinline void moved(struct bpf_sock_ops *skops)
{
	struct bpf_sock *skc = skops->sk;
	struct toe_watch *w;
	__u64 total, gap;
	int err;

	/* 0 of a connection request, before there is a socket */
	total = skops->bytes_acked + skops->bytes_received;
	if (!skc || (total < TOE_LIGHT_BYTES && toe_cb_light(skops->bpf_sock_ops_cb_flags)))
		return;
	w = bpf_sk_storage_get(&watches, skc, NULL, 0);
	if (!w) {
		meet(skops, AGAIN);
		w = bpf_sk_storage_get(&watches, skc, NULL, 0);
	}
	if (!w)
		return;
	if (w->next == TOE_WATCH_OVER) {
		/* The others may have gone. */
		forget(skops, skc, w);
		return;
	}
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

static __noinline void closed(struct bpf_sock_ops *skops)
{
	struct bpf_sock *skc = skops->sk;
	struct toe_watch *w;

	if (!skc)
		return;
	w = bpf_sk_storage_get(&watches, skc, NULL, 0);
	if (w)
		forget(skops, skc, w);
}

/* Most calls are none of ours, and functions of their own leave it without registers
 * to save.
 */
SEC("sockops")
int classify(struct bpf_sock_ops *skops)
{
	__u32 op = skops->op;

	switch (op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		meet(skops, CONNECTED);
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		meet(skops, ACCEPTED);
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
