// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds heavy connections and signals them to toe.ko. A sockops program on a
 * cgroup2.
 *
 * 1. Where the bytes are looked at. The kernel has no event "so many bytes
 *    have passed". BPF_SOCK_OPS_RTT_CB comes once per round trip, but only to
 *    a side that sends data. A pure receiver's data takes the header prediction
 *    path, which no receive event sees (BPF_SOCK_OPS_PARSE_HDR_OPT_CB belongs
 *    to the slow path). But a receiver acknowledges, and
 *    BPF_SOCK_OPS_HDR_OPT_LEN_CB comes before each segment that goes out. It
 *    asks for room for options; this program asks for none, so the segments
 *    stay as they are and BPF_SOCK_OPS_WRITE_HDR_OPT_CB never comes.
 * 2. What it costs. Until the first signal one call per segment sent, which
 *    ends after two comparisons. A connection that mostly sends then keeps only
 *    the call per round trip; one that mostly receives keeps both. Closed or
 *    half closed: none.
 * 3. When it signals. At the threshold, and again each time as many bytes more
 *    (at least SIGNAL_GAP) have passed, whatever the module answered: a flow
 *    that is known already costs the module a table lookup, one that was put
 *    off or came back gets a new chance, one that cannot be offloaded is asked
 *    for at a bounded rate.
 * 4. Other sockops programs share a connection's callback bits. This one only
 *    ever clears bits that it has set itself.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <toe/bpf.h>

#define AF_INET		2
#define AF_INET6	10
#define LOOPBACK_NET	127
#define SIGNAL_GAP	(1ULL << 20)

#define CB_ALWAYS	(BPF_SOCK_OPS_STATE_CB_FLAG | BPF_SOCK_OPS_RTT_CB_FLAG)
#define CB_OUTPUT	BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG

/**
 * struct watch - what is remembered about a connection
 * @next: signal when so many bytes have passed; 0 before the first signal, when
 *	the threshold, which may be changed at any time, is asked itself
 * @bits: callback bits that this program has set
 */
struct watch {
	__u64 next;
	__u32 bits;
	__u32 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct toe_classify_config);
} config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct watch);
} watches SEC(".maps");

/* Module toe: 0, or -EEXIST, -ENOSPC, -EBUSY and the like. */
extern int bpf_toe_signal(struct bpf_sock_ops *skops, __u32 flags) __ksym;

static __u64 threshold(void)
{
	struct toe_classify_config *c;
	__u32 key = 0;

	c = bpf_map_lookup_elem(&config, &key);
	return c ? c->threshold : 0;
}

/* No engine sits between a host and itself. */
static int is_local(struct bpf_sock_ops *skops)
{
	if (skops->family == AF_INET)
		return skops->local_ip4 == skops->remote_ip4 ||
		       (bpf_ntohl(skops->remote_ip4) >> 24) == LOOPBACK_NET;
	return skops->local_ip6[0] == skops->remote_ip6[0] &&
	       skops->local_ip6[1] == skops->remote_ip6[1] &&
	       skops->local_ip6[2] == skops->remote_ip6[2] &&
	       skops->local_ip6[3] == skops->remote_ip6[3];
}

static void watch_start(struct bpf_sock_ops *skops)
{
	__u32 old = skops->bpf_sock_ops_cb_flags;
	struct bpf_sock *sk = skops->sk;
	struct watch *w;

	if (skops->family != AF_INET && skops->family != AF_INET6)
		return;
	if (!sk || !threshold() || is_local(skops))
		return;
	w = bpf_sk_storage_get(&watches, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!w)
		return;
	w->bits = (CB_ALWAYS | CB_OUTPUT) & ~old;
	bpf_sock_ops_cb_flags_set(skops, old | CB_ALWAYS | CB_OUTPUT);
}

static void watch_stop(struct bpf_sock_ops *skops)
{
	struct bpf_sock *sk = skops->sk;
	struct watch *w;

	if (!sk)
		return;
	w = bpf_sk_storage_get(&watches, sk, NULL, 0);
	if (!w)
		return;
	bpf_sock_ops_cb_flags_set(skops, skops->bpf_sock_ops_cb_flags & ~w->bits);
	bpf_sk_storage_delete(&watches, sk);
}

static void watch_bytes(struct bpf_sock_ops *skops)
{
	__u64 sent = skops->bytes_acked;
	__u64 received = skops->bytes_received;
	__u64 total = sent + received;
	__u64 limit = threshold();
	struct bpf_sock *sk = skops->sk;
	struct watch *w;

	if (!limit || total < limit || !sk)
		return;
	w = bpf_sk_storage_get(&watches, sk, NULL, 0);
	if (!w || total < w->next)
		return;
	w->next = total + (limit > SIGNAL_GAP ? limit : SIGNAL_GAP);
	if (sent > received && (w->bits & CB_OUTPUT)) {
		w->bits &= ~CB_OUTPUT;
		bpf_sock_ops_cb_flags_set(skops, skops->bpf_sock_ops_cb_flags &
						 ~CB_OUTPUT);
	}
	bpf_toe_signal(skops, 0);
}

SEC("sockops")
int classify(struct bpf_sock_ops *skops)
{
	/* For a connection request, before there is a socket, nothing. */
	if (!skops->is_fullsock)
		return 1;

	switch (skops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		watch_start(skops);
		break;
	case BPF_SOCK_OPS_RTT_CB:
	case BPF_SOCK_OPS_HDR_OPT_LEN_CB:
		watch_bytes(skops);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (skops->args[0] == BPF_TCP_ESTABLISHED)
			watch_stop(skops);
		break;
	}
	return 1;
}

char _license[] SEC("license") = "GPL";
