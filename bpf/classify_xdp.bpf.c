// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds heavy receivers. An XDP program that libxdp's dispatcher calls.
 *
 * 1. Whom it watches. The sockops program (classify.bpf.c) puts a connection
 *    that a rule wants into map "track" when it is ESTABLISHED and its interface
 *    has this program. It says at which of the peer's sequence numbers the
 *    connection is heavy, so nothing is written while it is on its way there.
 * 2. What it costs everybody else. A frame of a connection that is not tracked
 *    ends at "track_filter": one load from an array.
 * 3. What it cannot know. A sequence number that is not the peer's own may come
 *    from anybody who can send a frame; the worst that it does is an offload
 *    that comes early, or one that comes late because a wrong FIN or RST made
 *    this program forget the connection.
 * 4. It never changes a frame and lets everything pass.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <xdp/xdp_helpers.h>
#include "track.bpf.h"

#define AF_INET		2
#define AF_INET6	10
#define ENOMEM		12
#define ENOSPC		28
#define ESHUTDOWN	108
#define IP_MF_OR_OFFSET	0x3fff
#define TCP_FIN_OR_RST	0x05

#define MAX_VLAN_TAGS	2

struct vlan_tag {
	__be16 tci;
	__be16 proto;
};

/**
 * struct frame - a frame of TCP
 * @t: its connection, as the host sees it; only once it may be tracked
 * @th: its TCP header
 * @len: bytes from there to the end of the packet
 */
struct frame {
	struct toe_tuple t;
	struct tcphdr *th;
	__u32 len;
};

struct sock_common {
	unsigned short skc_family;
} __attribute__((preserve_access_index));

/* Module toe */
extern int bpf_toe_signal(struct sock_common *skc,
			  const struct toe_signal *sig) __ksym;

/* Late: frames that another program drops do not count. */
struct {
	__uint(priority, 90);
	__uint(XDP_PASS, 1);
} XDP_RUN_CONFIG(toe_receivers);

static __always_inline bool may_be_tracked(__be32 remote, const struct tcphdr *th)
{
	__u32 *count = track_count(toe_track_hash(remote, th->dest, th->source));

	return count && *count;
}

static __always_inline bool parse4(const struct iphdr *ip, void *end, struct frame *f)
{
	struct tcphdr *th = (void *)(ip + 1);

	if ((void *)(th + 1) > end || ip->version != 4 || ip->ihl != 5 ||
	    ip->protocol != IPPROTO_TCP ||
	    (ip->frag_off & bpf_htons(IP_MF_OR_OFFSET)) ||
	    bpf_ntohs(ip->tot_len) < sizeof(*ip) + sizeof(*th) ||
	    !may_be_tracked(ip->saddr, th))
		return false;
	__builtin_memset(&f->t, 0, sizeof(f->t));
	f->t.local_addr[0] = ip->daddr;
	f->t.remote_addr[0] = ip->saddr;
	f->t.family = AF_INET;
	f->th = th;
	f->len = bpf_ntohs(ip->tot_len) - sizeof(*ip);
	return true;
}

static __always_inline bool parse6(const struct ipv6hdr *ip, void *end, struct frame *f)
{
	struct tcphdr *th = (void *)(ip + 1);

	if ((void *)(th + 1) > end || ip->nexthdr != IPPROTO_TCP ||
	    bpf_ntohs(ip->payload_len) < sizeof(*th) ||
	    !may_be_tracked(ip->saddr.in6_u.u6_addr32[0] ^
			    ip->saddr.in6_u.u6_addr32[3], th))
		return false;
	__builtin_memset(&f->t, 0, sizeof(f->t));
	__builtin_memcpy(f->t.local_addr, &ip->daddr, sizeof(ip->daddr));
	__builtin_memcpy(f->t.remote_addr, &ip->saddr, sizeof(ip->saddr));
	f->t.family = AF_INET6;
	f->th = th;
	f->len = bpf_ntohs(ip->payload_len);
	return true;
}

/* IP options, extension headers and fragments: a connection that uses them is
 * not offloaded.
 */
static __always_inline bool parse(struct xdp_md *ctx, struct frame *f)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	void *next = eth + 1;
	struct vlan_tag *tag;
	__be16 proto;
	int i;

	if (next > end)
		return false;
	proto = eth->h_proto;
	for (i = 0; i < MAX_VLAN_TAGS; i++) {
		if (proto != bpf_htons(ETH_P_8021Q) &&
		    proto != bpf_htons(ETH_P_8021AD))
			break;
		tag = next;
		next = tag + 1;
		if (next > end)
			return false;
		proto = tag->proto;
	}
	if (proto == bpf_htons(ETH_P_IP)) {
		if (!parse4(next, end, f))
			return false;
	} else if (proto != bpf_htons(ETH_P_IPV6) || !parse6(next, end, f)) {
		return false;
	}
	f->t.local_port = f->th->dest;
	f->t.remote_port = f->th->source;
	return true;
}

static __always_inline struct bpf_sock *find_socket(struct xdp_md *ctx,
						    const struct toe_tuple *t)
{
	struct bpf_sock_tuple name = {};

	if (t->family == AF_INET) {
		name.ipv4.saddr = t->remote_addr[0];
		name.ipv4.daddr = t->local_addr[0];
		name.ipv4.sport = t->remote_port;
		name.ipv4.dport = t->local_port;
		return bpf_skc_lookup_tcp(ctx, &name, sizeof(name.ipv4),
					  BPF_F_CURRENT_NETNS, 0);
	}
	__builtin_memcpy(name.ipv6.saddr, t->remote_addr, sizeof(name.ipv6.saddr));
	__builtin_memcpy(name.ipv6.daddr, t->local_addr, sizeof(name.ipv6.daddr));
	name.ipv6.sport = t->remote_port;
	name.ipv6.dport = t->local_port;
	return bpf_skc_lookup_tcp(ctx, &name, sizeof(name.ipv6),
				  BPF_F_CURRENT_NETNS, 0);
}

/* Look again when so many bytes more have come. */
static __always_inline void track_ahead(struct toe_track *tr, __u64 bytes)
{
	__u32 step = bytes < TOE_TRACK_STEP ? bytes : TOE_TRACK_STEP;

	tr->seq += step;
	tr->left = bytes - step;
}

static __always_inline void heavy(struct xdp_md *ctx, const struct toe_tuple *t,
				  struct toe_track *tr)
{
	__u64 gap = tr->signal.threshold;
	struct bpf_sock *sk;
	int err;

	sk = find_socket(ctx, t);
	if (!sk) {
		track_remove(t);
		return;
	}
	err = bpf_toe_signal((struct sock_common *)sk, &tr->signal);
	bpf_sk_release(sk);
	/* The module is in charge, or there is nothing to be in charge of. */
	if (err != -ENOSPC && err != -ENOMEM && err != -ESHUTDOWN)
		track_remove(t);
	else
		track_ahead(tr, gap > TOE_SIGNAL_GAP ? gap : TOE_SIGNAL_GAP);
}

SEC("xdp.frags")
int toe_receivers(struct xdp_md *ctx)
{
	struct toe_track *tr;
	struct frame f;
	__u32 header;
	__u8 flags;

	if (!parse(ctx, &f))
		return XDP_PASS;
	flags = ((__u8 *)f.th)[13];
	if (flags & TCP_FIN_OR_RST) {
		track_remove(&f.t);
		return XDP_PASS;
	}
	header = f.th->doff * 4;
	if (f.len <= header)
		return XDP_PASS;
	tr = bpf_map_lookup_elem(&track, &f.t);
	if (!tr || (__s32)(bpf_ntohl(f.th->seq) + f.len - header - tr->seq) < 0)
		return XDP_PASS;
	if (tr->left)
		track_ahead(tr, tr->left);
	else
		heavy(ctx, &f.t, tr);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
