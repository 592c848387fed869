// SPDX-License-Identifier: GPL-2.0-only
/* What else a socket can be asked for while it is connected. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "sockapi.h"
#include "tls.h"

static uint8_t buf[70000];

static void urgent(struct conn *c)
{
	struct pollfd pfd = { .fd = c->fd, .events = POLLPRI };
	int at_mark = -1;
	uint8_t byte;
	ssize_t n;

	order(c, "recv 1000");
	order(c, "oob-wait");
	send_all(c, 1000, 0);
	saw("send: %zd", send(c->fd, "!", 1, MSG_OOB));
	saw("the peer: %s", answered(c));
	send_all(c, 1000, 0);
	saw("the peer: %s", peer(c, "recv 1000"));

	peer(c, "send 1000");
	peer(c, "oob ?");
	peer(c, "send 1000");
	saw("poll: %d%s", poll(&pfd, 1, 5000), pfd.revents & POLLPRI ? " pri" : "");
	n = recv(c->fd, &byte, 1, MSG_OOB);
	saw("MSG_OOB: %zd %c", n, byte);
	/* A read ends at the mark. */
	wait_inq(c, 1000);
	n = recv(c->fd, buf, sizeof(buf), 0);
	check(c, buf, n);
	ioctl(c->fd, SIOCATMARK, &at_mark);
	saw("recv: %zd, at the mark %d", n, at_mark);
	receive_all(c, 1000, 0);
}

static void urgent_in_line(struct conn *c)
{
	int at_mark = -1;
	ssize_t n;

	set(c, SOL_SOCKET, SO_OOBINLINE, 1);
	peer(c, "send 500");
	peer(c, "oob ?");
	wait_inq(c, 500);
	receive_all(c, 500, 0);
	pause_ms(50);
	ioctl(c->fd, SIOCATMARK, &at_mark);
	n = recv(c->fd, buf, 1, 0);
	saw("at the mark %d: %zd %c", at_mark, n, buf[0]);
	peer(c, "send 500");
	receive_all(c, 500, 0);
}

/* The peer has no TLS. It gets records whose bytes depend on the key and the data
 * alone, and sends them back.
 */
static void ktls(struct conn *c)
{
	int err = tls_both(c->fd), i;
	uint64_t at = c->sent;

	saw("TLS: %s", error_name(err));
	if (err)
		return;
	order(c, "echo 300");
	for (i = 0; i < 20; i++)
		send_all(c, 25000, 0);
	while (c->sent > at) {
		size_t len = c->sent - at < sizeof(buf) ? c->sent - at : sizeof(buf);
		ssize_t n = recv(c->fd, buf, len, 0);

		if (n <= 0) {
			saw("recv: %s", n ? error_name(errno) : "end");
			break;
		}
		if (pattern_check(buf, n, at, SEED_HOST) != (size_t)n)
			saw("WRONG BYTE after %llu", (unsigned long long)at);
		at += n;
	}
	saw("received all: %d, the peer: %s", at == c->sent, answered(c));
}

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* In a sockmap without a program: the socket works as before. */
static void sockmap(struct conn *c)
{
	union bpf_attr create = {
		.map_type = BPF_MAP_TYPE_SOCKMAP,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 1,
	};
	uint32_t key = 0, value = c->fd;
	int map = bpf(BPF_MAP_CREATE, &create);
	union bpf_attr update = {
		.map_fd = map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&value,
	};
	union bpf_attr delete = { .map_fd = map, .key = (uintptr_t)&key };

	if (map < 0)
		die("sockmap: %s", strerror(errno));
	saw("into a sockmap: %s", error_name(bpf(BPF_MAP_UPDATE_ELEM, &update) ? errno : 0));
	order(c, "recv 500000");
	order(c, "send 500000");
	send_all(c, 500000, 0);
	receive_all(c, 500000, 0);
	saw("the peer: %s", answered(c));
	saw("out of it: %s", error_name(bpf(BPF_MAP_DELETE_ELEM, &delete) ? errno : 0));
	order(c, "recv 500000");
	send_all(c, 500000, 0);
	saw("the peer: %s", answered(c));
	close(map);
}

/* A connection to an address of this host, beside the case's own */
static void own_address(struct conn *c)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	int listener, from, to, family;
	size_t done = 0;
	ssize_t n;

	if (getsockname(c->fd, (struct sockaddr *)&addr, &len))
		die("getsockname: %s", strerror(errno));
	family = addr.ss_family;
	((struct sockaddr_in *)&addr)->sin_port = 0;
	listener = socket(family, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&addr, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&addr, &len))
		die("listen: %s", strerror(errno));
	from = socket(family, SOCK_STREAM, 0);
	saw("connect: %s", error_name(connect(from, (struct sockaddr *)&addr, len) ? errno : 0));
	to = accept(listener, NULL, NULL);
	for (int i = 0; i < 200; i++) {
		pattern_fill(buf, sizeof(buf), i * sizeof(buf), SEED_HOST);
		if (send(from, buf, 10000, 0) != 10000)
			saw("send: %s", error_name(errno));
		for (size_t got = 0; got < 10000; got += n) {
			n = recv(to, buf, 10000 - got, 0);
			if (n <= 0)
				die("recv: %s", strerror(errno));
			if (pattern_check(buf, n, i * sizeof(buf) + got, SEED_HOST) != (size_t)n)
				saw("WRONG BYTE");
			done += n;
		}
	}
	saw("received: %zu", done);
	close(from);
	close(to);
	close(listener);
}

const struct api_case other_cases[] = {
	{ "urgent",		urgent },
	{ "urgent-in-line",	urgent_in_line },
	{ "ktls",		ktls },
	{ "sockmap",		sockmap },
	{ "own-address",	own_address },
	{},
};
