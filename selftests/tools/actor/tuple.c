// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "tuple.h"

static void endpoint(const struct sockaddr_storage *ss, bool v4, __be32 *addr,
		     __be16 *port)
{
	const struct sockaddr_in6 *sin6 = (const void *)ss;
	const struct sockaddr_in *sin = (const void *)ss;

	if (ss->ss_family == AF_INET) {
		addr[0] = sin->sin_addr.s_addr;
		*port = sin->sin_port;
		return;
	}
	memcpy(addr, &sin6->sin6_addr, 16);
	*port = sin6->sin6_port;
	if (v4) {
		addr[0] = addr[3];
		addr[1] = addr[2] = addr[3] = 0;
	}
}

int socket_tuple(int fd, struct toe_tuple *t)
{
	struct sockaddr_storage local, remote;
	socklen_t llen = sizeof(local), rlen = sizeof(remote);
	const struct sockaddr_in6 *sin6 = (const void *)&remote;
	bool v4;

	memset(t, 0, sizeof(*t));
	if (fd < 0)
		return -ENOTCONN;
	if (getsockname(fd, (void *)&local, &llen) < 0 ||
	    getpeername(fd, (void *)&remote, &rlen) < 0)
		return -errno;
	v4 = remote.ss_family == AF_INET ||
	     IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr);
	t->family = v4 ? AF_INET : AF_INET6;
	endpoint(&local, v4, t->local_addr, &t->local_port);
	endpoint(&remote, v4, t->remote_addr, &t->remote_port);
	return 0;
}
