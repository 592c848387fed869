// SPDX-License-Identifier: GPL-2.0-only
/* What else a socket can be asked for while it is connected. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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

/* A connection to an address of this host, beside the case's own */
static void own_address(struct conn *c)
{
	size_t done = 0;
	int from, to;
	ssize_t n;

	own_pair(c, &from, &to);
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
}

const struct api_case other_cases[] = {
	{ "urgent",		urgent },
	{ "urgent-in-line",	urgent_in_line },
	{ "ktls",		ktls },
	{ "own-address",	own_address },
	{},
};
