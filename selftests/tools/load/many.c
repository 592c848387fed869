// SPDX-License-Identifier: GPL-2.0-only
/* How much goes in a time, and how it is shared out among connections. */
#include <errno.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "load.h"

#define FLOWS_MAX	10000
#define UNIT		(64u << 10)	/* what is asked for by a byte */
#define AHEAD		256		/* so many of them are asked for in advance */

/**
 * struct flow - a connection
 * @fd: its socket
 * @before: bytes that had been moved when the time began
 * @moved: bytes read
 * @asked: bytes asked for
 */
struct flow {
	int fd;
	uint64_t before;
	uint64_t moved;
	uint64_t asked;
};

static bool sends;
static size_t call;

static void ask(struct flow *f, unsigned int units)
{
	write_all(f->fd, units);
	f->asked += (uint64_t)units * UNIT;
}

/* What the peer has by now, or what has been read */
static uint64_t moved(const struct flow *f)
{
	return sends ? tcp_info(f->fd).tcpi_bytes_acked : f->moved;
}

/* The connection has moved something: it may be offloaded. */
static void warm_up(struct flow *f)
{
	int left;

	if (!sends) {
		ask(f, 1);
		read_all(f->fd, UNIT);
		f->moved = UNIT;
		return;
	}
	write_all(f->fd, UNIT);
	do {
		if (ioctl(f->fd, SIOCOUTQ, &left))
			die("SIOCOUTQ");
	} while (left && !usleep(100));
}

static void step(struct flow *f)
{
	ssize_t r = sends ? send(f->fd, buffer, call, MSG_DONTWAIT) :
			    recv(f->fd, buffer, call, MSG_DONTWAIT);

	if (r < 0 && errno == EAGAIN)
		return;
	if (!r)
		errno = ECONNRESET;
	if (r <= 0)
		die(sends ? "send" : "receive");
	f->moved += r;
	if (!sends && f->asked - f->moved < (uint64_t)AHEAD / 2 * UNIT)
		ask(f, AHEAD / 2);
}

static void run(struct flow *flows, size_t n_flows, uint64_t end_ns)
{
	struct epoll_event events[64], ev = { .events = sends ? EPOLLOUT : EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC), n, i;

	for (size_t k = 0; k < n_flows; k++) {
		ev.data.ptr = &flows[k];
		if (epoll_ctl(ep, EPOLL_CTL_ADD, flows[k].fd, &ev))
			die("epoll_ctl");
	}
	while (now_ns() < end_ns) {
		n = epoll_wait(ep, events, 64, 100);
		for (i = 0; i < n; i++)
			step(events[i].data.ptr);
	}
	close(ep);
}

int many(int argc, char **argv)
{
	size_t n_flows = number(argv[3], FLOWS_MAX);
	uint64_t ns = number(argv[4], 3600) * 1000000000ULL, begin, n, all = 0, most = 0;
	uint64_t least = UINT64_MAX;
	struct flow *flows = calloc(n_flows, sizeof(*flows));

	(void)argc;
	call = number(argv[5], BUFFER);
	sends = is_send(argv[0]);
	if (!flows)
		die("memory");
	for (size_t i = 0; i < n_flows; i++) {
		flows[i].fd = dial(argv[1], argv[2], sends ? WANT_SINK : WANT_SOURCE,
				   sends ? BYTES_MAX : UNIT);
		warm_up(&flows[i]);
	}
	warm();
	for (size_t i = 0; i < n_flows; i++) {
		flows[i].before = moved(&flows[i]);
		if (!sends)
			ask(&flows[i], AHEAD);
	}
	begin = now_ns();
	MARK(1);
	run(flows, n_flows, begin + ns);
	MARK(2);
	ns = now_ns() - begin;
	for (size_t i = 0; i < n_flows; i++) {
		n = moved(&flows[i]) - flows[i].before;
		all += n;
		least = n < least ? n : least;
		most = n > most ? n : most;
	}
	for (size_t i = 0; i < n_flows; i++)
		abandon(flows[i].fd);
	printf("ok bytes=%" PRIu64 " ns=%" PRIu64 " count=%.3f least=%" PRIu64 " most=%" PRIu64
	       " spread=%.3f\n", all, ns, (all ? all : 1) / 1048576.0, least, most,
	       (double)most / (least ? least : 1));
	return 0;
}
