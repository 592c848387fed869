/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a rule can ask about, read from the kernel's own structures. Only the
 * members that are used are declared; libbpf finds their places in the running
 * kernel.
 */
#ifndef _FACTS_BPF_H
#define _FACTS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <toe/policy.h>

#define AF_INET		2
#define AF_INET6	10
#define LOOPBACK_NET	127

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct net {
	__u64 net_cookie;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	union {
		__be32 u6_addr32[4];
	} in6_u;
};

struct kernfs_node {
	const char *name;
	__u64 id;
};

struct bpf_prog;

struct bpf_prog_array_item {
	struct bpf_prog *prog;
};

struct bpf_prog_array {
	struct bpf_prog_array_item items[2];	/* the last one's prog is NULL */
};

struct cgroup_bpf {
	struct bpf_prog_array *effective[1];	/* by attach type */
};

struct cgroup {
	struct kernfs_node *kn;
	int level;
	struct cgroup_bpf bpf;
	struct cgroup *ancestors[];
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct bpf_xdp_entity {
	void *prog;
	void *link;
};

struct net_device {
	char name[TOE_POLICY_DEV_NAME];
	int ifindex;
	struct bpf_xdp_entity xdp_state[2];	/* generic, native; and in hardware */
};

struct dst_entry {
	struct net_device *dev;
};

typedef struct {
	__u32 val;
} kuid_t;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	__u16 skc_family;
	unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	struct dst_entry *sk_dst_cache;
	kuid_t sk_uid;
	__u32 sk_mark;
	struct sock_cgroup_data sk_cgrp_data;
};

struct tcp_sock {
	__u64 bytes_acked;
	__u64 bytes_received;
	__u32 rcv_nxt;
	__u8 bpf_sock_ops_cb_flags;
};

#pragma clang attribute pop

static __always_inline void copy_addr6(__be32 *to, const struct in6_addr *from)
{
	to[0] = from->in6_u.u6_addr32[0];
	to[1] = from->in6_u.u6_addr32[1];
	to[2] = from->in6_u.u6_addr32[2];
	to[3] = from->in6_u.u6_addr32[3];
}

static __always_inline int is_mapped(const struct in6_addr *a)
{
	return !a->in6_u.u6_addr32[0] && !a->in6_u.u6_addr32[1] &&
	       a->in6_u.u6_addr32[2] == bpf_htonl(0xffff);
}

/* @t is zero. */
static __always_inline void read_tuple(struct toe_tuple *t, const struct sock *sk)
{
	const struct sock_common *c = &sk->__sk_common;

	t->local_port = bpf_htons(c->skc_num);
	t->remote_port = c->skc_dport;
	if (c->skc_family == AF_INET6 && !is_mapped(&c->skc_v6_daddr)) {
		t->family = AF_INET6;
		copy_addr6(t->local_addr, &c->skc_v6_rcv_saddr);
		copy_addr6(t->remote_addr, &c->skc_v6_daddr);
	} else {
		t->family = AF_INET;
		t->local_addr[0] = c->skc_rcv_saddr;
		t->remote_addr[0] = c->skc_daddr;
	}
}

/* No engine sits between a host and itself. */
static __always_inline int is_local(const struct toe_tuple *t)
{
	if (t->local_addr[0] == t->remote_addr[0] &&
	    t->local_addr[1] == t->remote_addr[1] &&
	    t->local_addr[2] == t->remote_addr[2] &&
	    t->local_addr[3] == t->remote_addr[3])
		return 1;
	return t->family == AF_INET &&
	       (bpf_ntohl(t->remote_addr[0]) >> 24) == LOOPBACK_NET;
}

enum cgroup_bpf_attach_type {
	CGROUP_SOCK_OPS = 3,	/* here; libbpf asks the running kernel */
};

/**
 * has_others() - do other sockops programs hear of a connection?
 * @sk: the connection
 * @ours: 1: ours is attached to its cgroup or above; 0: no more
 *
 * They share its callback bits, and nobody can tell whose a bit is: a program that
 * wants one that is set already changes nothing.
 */
static __always_inline int has_others(const struct sock *sk, __u32 ours)
{
	struct bpf_prog_array **effective = sk->sk_cgrp_data.cgroup->bpf.effective;
	struct bpf_prog_array *progs;

	progs = effective[bpf_core_enum_value(enum cgroup_bpf_attach_type,
					      CGROUP_SOCK_OPS)];
	return ours ? !!progs->items[1].prog : !!progs->items[0].prog;
}

/* Return: NULL when the socket remembers no route. */
static __always_inline struct net_device *route_dev(const struct sock *sk)
{
	struct dst_entry *dst = sk->sk_dst_cache;

	return dst ? dst->dev : NULL;
}

/* Has the interface an XDP program, generic or native? A few loads. */
static __always_inline int has_xdp_state(const struct net_device *dev)
{
	const struct bpf_xdp_entity *x = dev->xdp_state;

	return x[0].prog || x[0].link || x[1].prog || x[1].link;
}

/* Eight bytes of a name: those before its zero, if there is one. Little endian: the
 * first byte is the lowest. */
static __always_inline __u64 before_zero(__u64 v, int *ended)
{
	/* The lowest bit of this is of the first byte that is zero. */
	__u64 zeros = (v - 0x0101010101010101) & ~v & 0x8080808080808080;

	*ended = zeros != 0;
	return zeros ? v & (((zeros & -zeros) >> 7) - 1) : v;
}

/* What stands behind the zero of a device's name may be anything. By words: this
 * is done for each connection that is made.
 */
static __always_inline void read_dev_name(char *name, const struct sock *sk)
{
	struct net_device *dev = route_dev(sk);
	__u64 *to = (__u64 *)name;
	const __u64 *from;
	int ended;

	if (!dev)
		return;
	from = (const __u64 *)dev->name;
	to[0] = before_zero(from[0], &ended);
	to[1] = ended ? 0 : before_zero(from[1], &ended);
}

static __always_inline __u64 read_netns(const struct sock *sk)
{
	return sk->__sk_common.skc_net.net->net_cookie;
}

/**
 * read_facts() - read what a set of dimensions asks for
 * @f: the result, zero before; @f.tuple always, @f.accepted and @f.cgroup never
 * @sk: the connection
 * @dims: bit per enum toe_policy_dim
 */
static __always_inline void read_facts(struct toe_policy_facts *f,
				       const struct sock *sk, __u32 dims)
{
	read_tuple(&f->tuple, sk);
	if (dims & (1u << TOE_DIM_NETNS))
		f->netns = read_netns(sk);
	if (dims & (1u << TOE_DIM_UID))
		f->uid = sk->sk_uid.val;
	if (dims & (1u << TOE_DIM_MARK))
		f->mark = sk->sk_mark;
	if (dims & (1u << TOE_DIM_DEV))
		read_dev_name(f->dev, sk);
}

#endif /* _FACTS_BPF_H */
