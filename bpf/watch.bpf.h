/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections that a rule wants offloaded when they are heavy, until they were
 * signalled. The maps outlive the policy.
 */
#ifndef _WATCH_BPF_H
#define _WATCH_BPF_H

#include "facts.bpf.h"
#include <kfuncs.bpf.h>
#include "track.bpf.h"

#define CB_SENT		BPF_SOCK_OPS_RTT_CB_FLAG
#define CB_RECEIVED	BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG
#define CB_CLOSED	BPF_SOCK_OPS_STATE_CB_FLAG
/* All that one that is light may have; see toe/signal.h */
#define CB_OF_LIGHT	(CB_SENT | CB_RECEIVED | TOE_CB_LIGHT | TOE_CB_ACCEPTED | \
			 TOE_CB_CONNECTED)

/* What may not be the same any more when a connection is matched later */
#define FLEETING	(1u << TOE_DIM_DEV | 1u << TOE_DIM_UID | 1u << TOE_DIM_MARK)

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct toe_watch);
} watches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct toe_xdp_dev);
	__type(value, __u32);
} xdp_devs SEC(".maps");

/* Is there an XDP program of ours where the connection's frames come in? */
static __always_inline int has_xdp(const struct sock *sk)
{
	struct net_device *dev = route_dev(sk);
	struct toe_xdp_dev key = {};

	if (!dev || !may_have_xdp(dev))
		return 0;
	key.netns = read_netns(sk);
	key.ifindex = dev->ifindex;
	return !!bpf_map_lookup_elem(&xdp_devs, &key);
}

/* Return: 1 when XDP watches the connection from now on. */
static __always_inline int track_start(const struct toe_tuple *tuple,
				       const struct tcp_sock *tp,
				       const struct toe_signal *signal)
{
	__u64 total = tp->bytes_acked + tp->bytes_received;
	struct toe_track t = { .signal = *signal };

	t.left = signal->threshold > total ? signal->threshold - total : 1;
	t.seq = t.left < TOE_TRACK_STEP ? t.left : TOE_TRACK_STEP;
	t.left -= t.seq;
	t.seq += tp->rcv_nxt;
	return !track_add(tuple, &t);
}

/**
 * watch_begin() - remember a connection
 * @skc: the connection, as helpers take it
 * @sk: the same, to read
 * @tuple: its name
 * @signal: what will be said when it is heavy
 * @old: the callback bits that it has
 *
 * Return: the callback bits that it is to have; @old when it cannot be
 * watched.
 */
static __noinline __u32 watch_begin(void *skc, struct sock *sk,
				    const struct toe_tuple *tuple,
				    const struct toe_signal *signal, __u32 old)
{
	__u32 bits = CB_SENT, mine;
	struct toe_watch *w, new = {
		.signal = *signal,
		.next = signal->threshold,
	};

	w = bpf_sk_storage_get(&watches, skc, &new, BPF_SK_STORAGE_GET_F_CREATE);
	if (!w)
		return old;
	/* What an earlier watch has left, see watch_end() */
	mine = w->bits;
	*w = new;
	if (has_xdp(sk) && track_start(tuple, (struct tcp_sock *)sk, signal)) {
		w->tracked = 1;
		bits |= CB_CLOSED;
	} else {
		bits |= CB_RECEIVED;
	}
	w->bits = mine | (bits & ~old);
	return old | bits;
}

/**
 * watch_end() - forget a connection
 * @skc: the connection, as helpers take it
 * @sk: the same, to read
 * @w: what was remembered; not to be looked at when this has returned
 * @old: the callback bits that it has
 * @others: other programs hear of the connection: a bit that is set may be theirs by
 *	now, so none is taken away, and that it is over is remembered
 *
 * Return: the callback bits that it is to have.
 */
static __noinline __u32 watch_end(void *skc, struct sock *sk, struct toe_watch *w,
				  __u32 old, int others)
{
	__u32 bits = old & ~w->bits;

	if (w->tracked) {
		struct toe_tuple tuple = {};

		read_tuple(&tuple, sk);
		track_remove(&tuple);
	}
	if (others) {
		w->tracked = 0;
		w->next = TOE_WATCH_OVER;
		return old;
	}
	bpf_sk_storage_delete(&watches, skc);
	return bits;
}

static __always_inline __u32 callback_bits(const struct sock *sk)
{
	return ((const struct tcp_sock *)sk)->bpf_sock_ops_cb_flags;
}

#endif /* _WATCH_BPF_H */
