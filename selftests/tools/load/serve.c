// SPDX-License-Identifier: GPL-2.0-only
/* The peer: no thread and no process a connection, however many there are. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "load.h"

#define TURN		(1u << 20)	/* of one connection, before the next has its turn */

/**
 * struct conn - a connection
 * @fd: the socket; -1: the listener
 * @wish: what the client said
 * @told: so many bytes of it have come
 * @in: bytes that came and are not answered
 * @out: bytes to send
 * @waits: for room to send
 */
struct conn {
	int fd;
	struct wish wish;
	size_t told;
	uint64_t in;
	uint64_t out;
	bool waits;
};

static int poll_fd;

static void watch(struct conn *c, int fd, int op, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	if (epoll_ctl(poll_fd, op, fd, &ev))
		die("epoll_ctl");
}

static void end(struct conn *c)
{
	close(c->fd);
	free(c);
}

/* What came by now is owed an answer. */
static void owe(struct conn *c)
{
	switch (c->wish.want) {
	case WANT_SINK:
		c->out += c->in / c->wish.bytes;
		c->in %= c->wish.bytes;
		break;
	case WANT_SOURCE:
		c->out += c->in * c->wish.bytes;
		c->in = 0;
		break;
	case WANT_ECHO:
		c->out += c->in / c->wish.bytes * c->wish.bytes;
		c->in %= c->wish.bytes;
		break;
	case WANT_ONCE:
		break;
	}
}

static bool wish_ok(const struct conn *c)
{
	return c->wish.want >= WANT_SINK && c->wish.want <= WANT_ONCE && c->wish.bytes &&
	       c->wish.bytes <= BYTES_MAX;
}

/* Return: false: it has ended. */
static bool hear(struct conn *c)
{
	char *to = buffer;
	size_t n = TURN;
	ssize_t r;

	if (c->told < sizeof(c->wish)) {
		to = (char *)&c->wish + c->told;
		n = sizeof(c->wish) - c->told;
	}
	r = read(c->fd, to, n);
	if (r < 0)
		return errno == EAGAIN;
	if (!r)
		return false;
	if (to != buffer) {
		c->told += r;
		if (c->told < sizeof(c->wish))
			return true;
		if (c->wish.want == WANT_ONCE)
			c->out = c->wish.bytes;
		return wish_ok(c);
	}
	c->in += r;
	owe(c);
	return true;
}

static bool answer(struct conn *c)
{
	size_t n = c->out < TURN ? c->out : TURN;
	ssize_t r;

	if (n) {
		r = write(c->fd, buffer, n);
		if (r < 0 && errno != EAGAIN)
			return false;
		if (r > 0)
			c->out -= r;
		if (!c->out && c->wish.want == WANT_ONCE)
			return false;
	}
	if (c->waits != !!c->out) {
		c->waits = c->out;
		watch(c, c->fd, EPOLL_CTL_MOD, EPOLLIN | (c->waits ? EPOLLOUT : 0));
	}
	return true;
}

static void greet(int listener)
{
	struct conn *c = calloc(1, sizeof(*c));
	int one = 1;

	if (!c)
		die("memory");
	c->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (c->fd < 0)
		die("accept");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	watch(c, c->fd, EPOLL_CTL_ADD, EPOLLIN);
}

int serve(const char *port)
{
	struct sockaddr_in6 sa = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(number(port, UINT16_MAX)),
	};
	int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, n, i;
	struct epoll_event events[64];

	poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (listener < 0 || poll_fd < 0)
		die("socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&sa, sizeof(sa)) || listen(listener, 4096))
		die("listen");
	watch(NULL, listener, EPOLL_CTL_ADD, EPOLLIN);
	puts("ready");
	fflush(stdout);
	for (;;) {
		n = epoll_wait(poll_fd, events, 64, -1);
		for (i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			if (!c)
				greet(listener);
			else if (((events[i].events & ~EPOLLOUT) && !hear(c)) || !answer(c))
				end(c);
		}
	}
}
