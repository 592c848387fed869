// SPDX-License-Identifier: GPL-2.0-only
/* What makes a socket one that is not offloaded. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/tcp.h>
#include <linux/xfrm.h>

#include "actor.h"

#define KEY "a key of the test"

int filter_set(int fd, int on)
{
	struct sock_filter all[] = { { BPF_RET | BPF_K, 0, 0, 0xffffffff } };
	struct sock_fprog prog = { 1, all };
	int zero = 0;

	if (!on)
		return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &zero,
				  sizeof(zero));
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

int bpf_set(int fd, int on)
{
	/* r0 = 0x7fffffff; exit */
	static const struct bpf_insn all[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 0x7fffffff },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)all, .insn_cnt = 2,
		.license = (uintptr_t)"GPL",
	};
	int prog, err;

	if (!on)
		return filter_set(fd, 0);
	prog = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (prog < 0)
		return -1;
	err = setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &prog, sizeof(prog));
	close(prog);
	return err;
}

/* The connection's packets are IPv6: its socket is, and not its addresses mapped ones. */
static int is_ipv6(int fd)
{
	struct sockaddr_in6 addr;
	socklen_t len = sizeof(addr);

	return !getpeername(fd, (struct sockaddr *)&addr, &len) &&
	       addr.sin6_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&addr.sin6_addr);
}

int ipsec_set(int fd, const char *dir)
{
	int six = is_ipv6(fd), level = six ? IPPROTO_IPV6 : IPPROTO_IP,
	    option = six ? IPV6_XFRM_POLICY : IP_XFRM_POLICY,
	    family = six ? AF_INET6 : AF_INET;
	struct {
		struct xfrm_userpolicy_info info;
		struct xfrm_user_tmpl tmpl;
	} p = {
		.info = {
			.sel.family = family,
			.lft.soft_byte_limit = XFRM_INF,
			.lft.hard_byte_limit = XFRM_INF,
			.lft.soft_packet_limit = XFRM_INF,
			.lft.hard_packet_limit = XFRM_INF,
			.dir = strcmp(dir, "in") ? XFRM_POLICY_OUT :
						   XFRM_POLICY_IN,
			.action = XFRM_POLICY_ALLOW,
		},
		.tmpl = {
			.id.proto = IPPROTO_ESP,
			.family = family,
			.mode = XFRM_MODE_TRANSPORT,
			.aalgos = ~0, .ealgos = ~0, .calgos = ~0,
		},
	};

	if (!strcmp(dir, "off"))
		return setsockopt(fd, level, option, NULL, 0);
	return setsockopt(fd, level, option, &p, sizeof(p));
}

/* IPv4: an option that means nothing; IPv6: an extension header that does not. */
int options_set(int fd, int on)
{
	/* the kernel fills in the next header; PadN, four bytes */
	static const unsigned char header[8] = { 0, 0, 1, 4 };
	static const unsigned char nop[4] = { 1, 1, 1, 0 };

	if (is_ipv6(fd))
		return setsockopt(fd, IPPROTO_IPV6, IPV6_DSTOPTS, header,
				  on ? sizeof(header) : 0);
	return setsockopt(fd, IPPROTO_IP, IP_OPTIONS, nop, on ? sizeof(nop) : 0);
}

int ulp_set(int fd, const char *name)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_ULP, name, strlen(name));
}

/* Whoever the peer is: the key is for a prefix of no bits. */
int segments_sign(int fd, int family, const char *how)
{
	if (!strcmp(how, "md5")) {
		struct tcp_md5sig md5 = {
			.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX,
			.tcpm_keylen = sizeof(KEY) - 1,
		};

		md5.tcpm_addr.ss_family = family;
		memcpy(md5.tcpm_key, KEY, sizeof(KEY) - 1);
		return setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG_EXT, &md5,
				  sizeof(md5));
	}
	if (!strcmp(how, "ao")) {
		struct tcp_ao_add ao = {
			.alg_name = "hmac(sha1)",
			.set_current = 1,
			.set_rnext = 1,
			.sndid = 1,
			.rcvid = 1,
			.maclen = 12,
			.keylen = sizeof(KEY) - 1,
		};

		ao.addr.ss_family = family;
		memcpy(ao.key, KEY, sizeof(KEY) - 1);
		return setsockopt(fd, IPPROTO_TCP, TCP_AO_ADD_KEY, &ao,
				  sizeof(ao));
	}
	errno = EINVAL;
	return -1;
}

/* tcp_v4_connect() takes another number only where there is none. */
int isn_set(int fd, uint32_t isn)
{
	int on = TCP_REPAIR_ON, off = TCP_REPAIR_OFF_NO_WP, queue = TCP_SEND_QUEUE;

	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &isn, sizeof(isn)) < 0)
		return -1;
	return setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off));
}
