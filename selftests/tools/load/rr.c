// SPDX-License-Identifier: GPL-2.0-only
/* Transactions: a request, and an answer of the same size. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "load.h"

#define FLOWS_MAX	10000

struct flow {
	int fd;
	size_t left;	/* of the answer */
};

static void one_flow(int fd, uint64_t count, size_t size)
{
	for (; count; count--) {
		write_all(fd, size);
		read_all(fd, size);
	}
}

/* Each asks again when it has its answer. */
static void ask(struct flow *f, size_t size)
{
	write_all(f->fd, size);
	f->left = size;
}

static void all_flows(int ep, struct flow *flows, size_t n_flows, uint64_t count, size_t size)
{
	uint64_t asked, answered = 0;
	struct epoll_event events[64];
	int n, i;

	for (asked = 0; asked < n_flows && asked < count; asked++)
		ask(&flows[asked], size);
	while (answered < count) {
		n = epoll_wait(ep, events, 64, -1);
		for (i = 0; i < n; i++) {
			struct flow *f = events[i].data.ptr;
			ssize_t r = read(f->fd, buffer, f->left);

			if (!r)
				errno = ECONNRESET;
			if (r <= 0)
				die("read");
			f->left -= r;
			if (f->left)
				continue;
			answered++;
			if (asked < count) {
				ask(f, size);
				asked++;
			}
		}
	}
}

int rr(int argc, char **argv)
{
	size_t n_flows = number(argv[2], FLOWS_MAX), size = number(argv[4], BUFFER);
	uint64_t count = number(argv[3], 1ULL << 32), begin;
	struct flow *flows = calloc(n_flows, sizeof(*flows));
	int ep = epoll_create1(EPOLL_CLOEXEC);

	(void)argc;
	if (!flows || ep < 0)
		die("memory");
	for (size_t i = 0; i < n_flows; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &flows[i] };

		flows[i].fd = dial(argv[0], argv[1], WANT_ECHO, size);
		if (epoll_ctl(ep, EPOLL_CTL_ADD, flows[i].fd, &ev))
			die("epoll_ctl");
		one_flow(flows[i].fd, 4, size);
	}
	warm();
	begin = now_ns();
	MARK(1);
	if (n_flows == 1)
		one_flow(flows[0].fd, count, size);
	else
		all_flows(ep, flows, n_flows, count, size);
	MARK(2);
	done(2 * size * count, begin);
	return 0;
}
