// SPDX-License-Identifier: GPL-2.0-only
/* What makes a socket one that is not offloaded. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/filter.h>
#include <linux/in.h>
#include <linux/tcp.h>

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
