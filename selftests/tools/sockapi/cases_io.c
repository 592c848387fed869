// SPDX-License-Identifier: GPL-2.0-only
/* Reading and writing, with all flags. */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>
#include "sockapi.h"

#ifndef TCP_INQ
#define TCP_INQ		36
#define TCP_CM_INQ	TCP_INQ
#endif

static uint8_t buf[1 << 20];

static void odd_sizes(struct conn *c)
{
	static const size_t sizes[] = { 1, 7, 1448, 13, 65537, 2, 4096, 999, 31 };
	size_t left, i = 0;
	ssize_t n;

	order(c, "send 300000");
	for (left = 300000; left; left -= n) {
		size_t len = sizes[i++ % 9];

		n = read(c->fd, buf, len < left ? len : left);
		if (n <= 0)
			break;
		check(c, buf, n);
	}
	saw("read %llu of it, then %s", (unsigned long long)c->received, answered(c));
	order(c, "recv 300000");
	for (left = 300000; left; left -= n) {
		size_t len = sizes[i++ % 9];

		fill(c, buf, len < left ? len : left);
		n = write(c->fd, buf, len < left ? len : left);
		if (n <= 0)
			break;
		c->sent += n;
	}
	saw("the peer: %s", answered(c));
}

static void vectors(struct conn *c)
{
	struct iovec iov[64];
	size_t at = 0, i;
	ssize_t n;

	for (i = 0; i < 64; i++) {
		iov[i] = (struct iovec){ .iov_base = buf + at, .iov_len = i * 37 % 1500 };
		at += iov[i].iov_len;
	}
	order(c, "send %zu", at);
	wait_inq(c, at);
	n = readv(c->fd, iov, 64);
	saw("readv: %d", n == (ssize_t)at);
	check(c, buf, n > 0 ? n : 0);
	answered(c);
	order(c, "recv %zu", at);
	fill(c, buf, at);
	n = writev(c->fd, iov, 64);
	saw("writev: %d", n == (ssize_t)at);
	c->sent += n;
	saw("the peer: %d", atoi(answered(c)) == (int)at);
}

static void peek(struct conn *c)
{
	uint64_t at = c->received;
	ssize_t n;

	peer(c, "send 5000");
	wait_inq(c, 5000);
	for (int i = 0; i < 2; i++) {
		n = recv(c->fd, buf, 5000, MSG_PEEK);
		saw("peek: %zd", n);
		check(c, buf, n);
		c->received = at;
	}
	n = recv(c->fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
	saw("peek more: %zd", n);
	receive_all(c, 5000, 0);
	n = recv(c->fd, buf, 1, MSG_PEEK | MSG_DONTWAIT);
	saw("peek nothing: %s", error_name(n < 0 ? errno : 0));
}

static void peek_off(struct conn *c)
{
	uint64_t at = c->received;
	int i;

	set(c, SOL_SOCKET, SO_PEEK_OFF, 0);
	peer(c, "send 5000");
	wait_inq(c, 5000);
	for (i = 0; i < 3; i++) {
		ssize_t n = recv(c->fd, buf, 1000, MSG_PEEK);

		saw("peek: %zd, next at %d", n, get(c, SOL_SOCKET, SO_PEEK_OFF));
		check(c, buf, n);
	}
	c->received = at;
	receive_all(c, 1500, 0);
	saw("after a read: %d", get(c, SOL_SOCKET, SO_PEEK_OFF));
	receive_all(c, 3500, 0);
	set(c, SOL_SOCKET, SO_PEEK_OFF, -1);
}

static void waitall(struct conn *c)
{
	ssize_t n;

	order(c, "pieces 6 5000 20");
	n = recv(c->fd, buf, 30000, MSG_WAITALL);
	saw("recv: %zd", n);
	check(c, buf, n);
	answered(c);
	order(c, "pieces 2 5000 20");
	order(c, "shutdown");
	n = recv(c->fd, buf, 30000, MSG_WAITALL);
	saw("recv to the end: %zd", n);
	check(c, buf, n);
	answered(c);
}

static void trunc_flag(struct conn *c)
{
	ssize_t n;

	peer(c, "send 3000");
	wait_inq(c, 3000);
	memset(buf, 0xee, 1000);
	n = recv(c->fd, buf, 1000, MSG_TRUNC);
	saw("recv: %zd, touched %d", n, buf[0] != 0xee);
	c->received += n;
	receive_all(c, 2000, 0);
}

static void dontwait(struct conn *c)
{
	ssize_t n = recv(c->fd, buf, 100, MSG_DONTWAIT);

	saw("nothing there: %s", error_name(n < 0 ? errno : 0));
	peer(c, "send 100");
	wait_inq(c, 100);
	n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);
	saw("something there: %zd", n);
	check(c, buf, n);
	saw("nobody reads: %s", error_name(send_until_full(c, MSG_DONTWAIT)));
	order_all(c);
	saw_all(c);
}

static void more(struct conn *c)
{
	int i;

	order(c, "recv 1100");
	for (i = 0; i < 10; i++)
		send_all(c, 100, MSG_MORE);
	send_all(c, 100, 0);
	saw("MSG_MORE: %s", answered(c));
	set(c, IPPROTO_TCP, TCP_CORK, 1);
	saw("TCP_CORK: %d", get(c, IPPROTO_TCP, TCP_CORK));
	order(c, "recv 5000");
	for (i = 0; i < 50; i++)
		send_all(c, 100, 0);
	set(c, IPPROTO_TCP, TCP_CORK, 0);
	saw("uncorked: %s", answered(c));
	/* What is corked goes out after 200 ms at the latest. */
	set(c, IPPROTO_TCP, TCP_CORK, 1);
	order(c, "recv 100");
	send_all(c, 100, 0);
	saw("corked: %s", answered(c));
	set(c, IPPROTO_TCP, TCP_CORK, 0);
	set(c, IPPROTO_TCP, TCP_NODELAY, 1);
	saw("TCP_NODELAY: %d", get(c, IPPROTO_TCP, TCP_NODELAY));
	for (i = 0; i < 20; i++) {
		order(c, "recv 10");
		send_all(c, 10, 0);
		answered(c);
	}
	set(c, IPPROTO_TCP, TCP_NODELAY, 0);
	saw("TCP_NODELAY: %d", get(c, IPPROTO_TCP, TCP_NODELAY));
}

static void timeouts(struct conn *c)
{
	struct timeval tv = { .tv_usec = 150000 };
	uint64_t start = now_ms();
	ssize_t n;

	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	n = recv(c->fd, buf, 100, 0);
	saw("recv: %s, not too early %d", error_name(n < 0 ? errno : 0),
	    now_ms() - start >= 145);
	order(c, "pieces 1 700 0");
	wait_inq(c, 700);
	answered(c);
	n = recv(c->fd, buf, 1000, MSG_WAITALL);
	saw("MSG_WAITALL: %zd", n);
	check(c, buf, n);
	saw("send: %s", error_name(send_until_full(c, 0)));
	order_all(c);
	saw_all(c);
}

static int inq_of(struct conn *c, size_t len)
{
	char control[64];
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cm;
	ssize_t n = recvmsg(c->fd, &msg, 0);

	check(c, buf, n);
	for (cm = CMSG_FIRSTHDR(&msg); cm; cm = CMSG_NXTHDR(&msg, cm))
		if (cm->cmsg_level == IPPROTO_TCP && cm->cmsg_type == TCP_CM_INQ)
			return *(int *)CMSG_DATA(cm);
	return -1;
}

static int ask(struct conn *c, unsigned long request)
{
	int n = -1;

	ioctl(c->fd, request, &n);
	return n;
}

static void queues(struct conn *c)
{
	int out, not_sent;

	set(c, IPPROTO_TCP, TCP_INQ, 1);
	peer(c, "send 5000");
	wait_inq(c, 5000);
	saw("SIOCINQ %d", ask(c, SIOCINQ));
	saw("TCP_INQ after 2000: %d", inq_of(c, 2000));
	saw("TCP_INQ after 3000: %d", inq_of(c, 3000));
	saw("SIOCINQ %d", ask(c, SIOCINQ));
	saw("SIOCATMARK %d", ask(c, SIOCATMARK));
	send_until_full(c, MSG_DONTWAIT);
	out = ask(c, SIOCOUTQ);
	not_sent = ask(c, SIOCOUTQNSD);
	saw("SIOCOUTQ is something %d, SIOCOUTQNSD no more than it %d", out > 0,
	    not_sent >= 0 && not_sent <= out);
	order_all(c);
	answered(c);
	wait_acked(c);
	saw("SIOCOUTQ %d, SIOCOUTQNSD %d", ask(c, SIOCOUTQ), ask(c, SIOCOUTQNSD));
}

static void buffers(struct conn *c)
{
	static const struct {
		const char *name;
		int receive, send;
	} sizes[] = {
		{ "small", 20000, 30000 },
		{ "large", 200000, 200000 },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		set(c, SOL_SOCKET, SO_RCVBUF, sizes[i].receive);
		set(c, SOL_SOCKET, SO_SNDBUF, sizes[i].send);
		saw("SO_RCVBUF %d, SO_SNDBUF %d", get(c, SOL_SOCKET, SO_RCVBUF),
		    get(c, SOL_SOCKET, SO_SNDBUF));
		order(c, "send 1000000");
		receive_all(c, 1000000, 0);
		answered(c);
		order(c, "recv 1000000");
		send_all(c, 1000000, 0);
		saw("%s: %s", sizes[i].name, answered(c));
	}
}

const struct api_case io_cases[] = {
	{ "odd-sizes",	odd_sizes },
	{ "vectors",	vectors },
	{ "peek",	peek },
	{ "peek-off",	peek_off },
	{ "waitall",	waitall },
	{ "trunc",	trunc_flag },
	{ "dontwait",	dontwait },
	{ "more",	more },
	{ "timeouts",	timeouts },
	{ "queues",	queues },
	{ "buffers",	buffers },
	{},
};
