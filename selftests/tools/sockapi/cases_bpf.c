// SPDX-License-Identifier: GPL-2.0-only
/* Sockets in maps of BPF, which move bytes between them, or only hold them. */
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "sockapi.h"

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* For one socket */
static int sockmap_create(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_SOCKMAP,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 1,
	};
	int map = bpf(BPF_MAP_CREATE, &attr);

	if (map < 0)
		die("sockmap: %s", strerror(errno));
	return map;
}

static int sockmap_set(int map, int fd)
{
	uint32_t key = 0, value = fd;
	union bpf_attr attr = {
		.map_fd = map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&value,
	};

	return bpf(BPF_MAP_UPDATE_ELEM, &attr) ? errno : 0;
}

static int sockmap_clear(int map)
{
	uint32_t key = 0;
	union bpf_attr attr = { .map_fd = map, .key = (uintptr_t)&key };

	return bpf(BPF_MAP_DELETE_ELEM, &attr) ? errno : 0;
}

/* In a sockmap without a program: the socket works as before. */
static void sockmap(struct conn *c)
{
	int map = sockmap_create();

	saw("into a sockmap: %s", error_name(sockmap_set(map, c->fd)));
	order(c, "recv 500000");
	order(c, "send 500000");
	send_all(c, 500000, 0);
	/* Woken by room to write, recv() in a sockmap says EAGAIN (tcp_bpf_recvmsg()). */
	wait_acked(c);
	receive_all(c, 500000, 0);
	saw("the peer: %s", answered(c));
	saw("out of it: %s", error_name(sockmap_clear(map)));
	order(c, "recv 500000");
	send_all(c, 500000, 0);
	saw("the peer: %s", answered(c));
	close(map);
}

/* What the sockets of one map receive is sent by the socket of another. */
static void sockmap_connect(int from, int to)
{
	/* return bpf_sk_redirect_map(skb, to, 0, 0) */
	const struct bpf_insn all[] = {
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_2,
		  .src_reg = BPF_PSEUDO_MAP_FD, .imm = to },
		{},
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_4 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_sk_redirect_map },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_SK_SKB,
		.expected_attach_type = BPF_SK_SKB_STREAM_VERDICT,
		.insns = (uintptr_t)all,
		.insn_cnt = sizeof(all) / sizeof(all[0]),
		.license = (uintptr_t)"GPL",
	};
	int prog = bpf(BPF_PROG_LOAD, &load);
	union bpf_attr attach = {
		.target_fd = from,
		.attach_bpf_fd = prog,
		.attach_type = BPF_SK_SKB_STREAM_VERDICT,
	};

	if (prog < 0 || bpf(BPF_PROG_ATTACH, &attach))
		die("sk_skb program: %s", strerror(errno));
	close(prog);
}

struct proxied {
	struct conn *c;
	size_t len;
};

static void *proxy_sends(void *arg)
{
	struct proxied *p = arg;

	send_all(p->c, p->len, 0);
	return NULL;
}

/* A proxy: the kernel moves bytes between the case's connection and another one,
 * whose far end the application has.
 */
static void sockmap_proxy(struct conn *c)
{
	int outer = sockmap_create(), inner = sockmap_create();
	struct proxied p = { .c = c, .len = 1000000 };
	int fd = c->fd, from, to;
	pthread_t thread;

	own_pair(c, &from, &to);
	sockmap_connect(outer, inner);
	sockmap_connect(inner, outer);
	saw("into sockmaps: %s, %s", error_name(sockmap_set(inner, to)),
	    error_name(sockmap_set(outer, fd)));
	c->fd = from;
	for (int i = 0; i < 3; i++) {
		order(c, "send %zu", p.len);
		order(c, "recv %zu", p.len);
		pthread_create(&thread, NULL, proxy_sends, &p);
		receive_all(c, p.len, 0);
		pthread_join(thread, NULL);
		saw("the peer: %s", answered(c));
	}
	c->fd = fd;
	saw("out of them: %s, %s", error_name(sockmap_clear(inner)),
	    error_name(sockmap_clear(outer)));
	order(c, "recv 100000");
	send_all(c, 100000, 0);
	saw("the peer: %s", answered(c));
	peer(c, "send 1000");
	receive_all(c, 1000, 0);
	close(from);
	close(to);
	close(inner);
	close(outer);
}

const struct api_case bpf_cases[] = {
	{ "sockmap",		sockmap },
	{ "sockmap-proxy",	sockmap_proxy },
	{},
};
