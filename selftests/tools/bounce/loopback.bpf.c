// SPDX-License-Identifier: GPL-2.0-only
/*
 * loopback: a cgroup's TCP connections to 127.0.0.1 and ::1 leave by the wire
 *
 * A program that talks to itself listens on HOST and calls BOUNCE, from where the peer
 * sends it back (bounce.bpf.c). What it asks for and what it is told is 127.0.0.1 or
 * ::1, as ever.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "bounce.h"

static __always_inline int is_tcp(const struct bpf_sock_addr *ctx)
{
	return ctx->protocol == IPPROTO_TCP;
}

/* Loopback addresses, in either family, become HOST or BOUNCE; nothing else does. */
static __always_inline void leave4(struct bpf_sock_addr *ctx, __u32 to, int any)
{
	__u32 addr = bpf_ntohl(ctx->user_ip4);

	if (is_tcp(ctx) && (addr >> 24 == 127 || (any && !addr)))
		ctx->user_ip4 = bpf_htonl(to);
}

static __always_inline int is_mapped(const struct bpf_sock_addr *ctx)
{
	return !ctx->user_ip6[0] && !ctx->user_ip6[1] &&
	       ctx->user_ip6[2] == bpf_htonl(0xffff);
}

static __always_inline void leave6(struct bpf_sock_addr *ctx, __u32 to4, __u32 to6_3, int any)
{
	__u32 last = bpf_ntohl(ctx->user_ip6[3]);

	if (!is_tcp(ctx))
		return;
	if (is_mapped(ctx)) {
		if (last >> 24 == 127)
			ctx->user_ip6[3] = bpf_htonl(to4);
	} else if (!ctx->user_ip6[0] && !ctx->user_ip6[1] && !ctx->user_ip6[2] &&
		   (last == 1 || (any && !last))) {
		ctx->user_ip6[0] = bpf_htonl(NET6_0);
		ctx->user_ip6[3] = bpf_htonl(to6_3);
	}
}

static __always_inline void back4(struct bpf_sock_addr *ctx, __u32 from)
{
	if (is_tcp(ctx) && ctx->user_ip4 == bpf_htonl(from))
		ctx->user_ip4 = bpf_htonl(INADDR_LOOPBACK);
}

static __always_inline void back6(struct bpf_sock_addr *ctx, __u32 from4, __u32 from6_3)
{
	if (!is_tcp(ctx))
		return;
	if (is_mapped(ctx)) {
		if (ctx->user_ip6[3] == bpf_htonl(from4))
			ctx->user_ip6[3] = bpf_htonl(INADDR_LOOPBACK);
	} else if (ctx->user_ip6[0] == bpf_htonl(NET6_0) && !ctx->user_ip6[1] &&
		   !ctx->user_ip6[2] && ctx->user_ip6[3] == bpf_htonl(from6_3)) {
		ctx->user_ip6[0] = 0;
		ctx->user_ip6[3] = bpf_htonl(1);
	}
}

SEC("cgroup/bind4")
int bind4(struct bpf_sock_addr *ctx)
{
	leave4(ctx, HOST4, 0);
	return 1;
}

SEC("cgroup/bind6")
int bind6(struct bpf_sock_addr *ctx)
{
	leave6(ctx, HOST4, HOST6_3, 0);
	return 1;
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	leave4(ctx, BOUNCE4, 1);
	return 1;
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	leave6(ctx, BOUNCE4, BOUNCE6_3, 1);
	return 1;
}

SEC("cgroup/getsockname4")
int getsockname4(struct bpf_sock_addr *ctx)
{
	back4(ctx, HOST4);
	return 1;
}

SEC("cgroup/getsockname6")
int getsockname6(struct bpf_sock_addr *ctx)
{
	back6(ctx, HOST4, HOST6_3);
	return 1;
}

SEC("cgroup/getpeername4")
int getpeername4(struct bpf_sock_addr *ctx)
{
	back4(ctx, BOUNCE4);
	return 1;
}

SEC("cgroup/getpeername6")
int getpeername6(struct bpf_sock_addr *ctx)
{
	back6(ctx, BOUNCE4, BOUNCE6_3);
	return 1;
}

char _license[] SEC("license") = "GPL";
