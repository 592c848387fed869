// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>
#include "load.h"

#define UNIT		(1u << 20)	/* what is asked for, and answered, at a time */
#define WARM		(16 * UNIT)
#define FLOWS_MAX	10000

/**
 * struct job - the command
 * @move: one system call on a socket, up to so many bytes
 * @sends: towards the peer
 * @flows: connections
 * @n_flows: their number
 * @call: bytes per system call
 * @file: for sendfile
 * @pipe: for splice
 * @null: for splice
 */
struct job {
	ssize_t (*move)(struct job *j, int fd, size_t n);
	bool sends;
	struct flow *flows;
	size_t n_flows;
	size_t call;
	int file;
	int pipe[2];
	int null;
};

struct flow {
	int fd;
	uint64_t left;
};

static ssize_t by_write(struct job *j, int fd, size_t n)
{
	(void)j;
	return write(fd, buffer, n);
}

static ssize_t by_read(struct job *j, int fd, size_t n)
{
	(void)j;
	return read(fd, buffer, n);
}

static ssize_t by_sendfile(struct job *j, int fd, size_t n)
{
	off_t from = 0;

	return sendfile(fd, j->file, &from, n);
}

static ssize_t by_splice(struct job *j, int fd, size_t n)
{
	ssize_t r = splice(fd, NULL, j->pipe[1], NULL, n, SPLICE_F_MOVE), left, out;

	for (left = r; left > 0; left -= out) {
		out = splice(j->pipe[0], NULL, j->null, NULL, left, SPLICE_F_MOVE);
		if (out <= 0)
			die("splice to /dev/null");
	}
	return r;
}

static void open_files(struct job *j)
{
	j->file = memfd_create("load", MFD_CLOEXEC);
	j->null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (j->file < 0 || j->null < 0 || write(j->file, buffer, BUFFER) != BUFFER)
		die("the file");
	if (pipe2(j->pipe, O_CLOEXEC))
		die("pipe");
	if (j->move == by_splice && fcntl(j->pipe[1], F_SETPIPE_SZ, j->call) < 0)
		die("F_SETPIPE_SZ");
}

/* One connection: each call waits for itself. */
static void run_one(struct job *j)
{
	struct flow *f = &j->flows[0];
	ssize_t r;

	for (; f->left; f->left -= r) {
		r = j->move(j, f->fd, f->left < j->call ? f->left : j->call);
		if (r <= 0)
			die(j->sends ? "send" : "receive");
	}
}

/* Many: whichever is ready. */
static void run_all(struct job *j)
{
	struct epoll_event events[64], ev = { .events = j->sends ? EPOLLOUT : EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC), n, i;
	size_t running = j->n_flows;
	ssize_t r;

	for (size_t k = 0; k < j->n_flows; k++) {
		ev.data.ptr = &j->flows[k];
		if (epoll_ctl(ep, EPOLL_CTL_ADD, j->flows[k].fd, &ev))
			die("epoll_ctl");
	}
	while (running) {
		n = epoll_wait(ep, events, 64, -1);
		for (i = 0; i < n; i++) {
			struct flow *f = events[i].data.ptr;

			r = j->move(j, f->fd, f->left < j->call ? f->left : j->call);
			if (r < 0 && errno == EAGAIN)
				continue;
			if (r <= 0)
				die(j->sends ? "send" : "receive");
			f->left -= r;
			if (f->left)
				continue;
			if (epoll_ctl(ep, EPOLL_CTL_DEL, f->fd, NULL))
				die("epoll_ctl");
			running--;
		}
	}
	close(ep);
}

/* Its answers to what it got, a byte for each unit */
static void hear_peer(struct job *j, uint64_t bytes)
{
	for (size_t i = 0; i < j->n_flows; i++) {
		int flags = fcntl(j->flows[i].fd, F_GETFL);

		fcntl(j->flows[i].fd, F_SETFL, flags & ~O_NONBLOCK);
		read_all(j->flows[i].fd, bytes / UNIT);
		fcntl(j->flows[i].fd, F_SETFL, flags);
	}
}

/* @bytes on each connection, until the last is at the peer */
static void run(struct job *j, uint64_t bytes)
{
	for (size_t i = 0; i < j->n_flows; i++) {
		j->flows[i].left = bytes;
		if (!j->sends)
			write_all(j->flows[i].fd, bytes / UNIT);
	}
	if (j->n_flows == 1)
		run_one(j);
	else
		run_all(j);
	if (j->sends)
		hear_peer(j, bytes);
}

int bulk(int argc, char **argv)
{
	static const struct {
		const char *word;
		ssize_t (*move)(struct job *j, int fd, size_t n);
		bool sends;
	} ways[] = {
		{ "send",	by_write,	true },
		{ "sendfile",	by_sendfile,	true },
		{ "receive",	by_read,	false },
		{ "splice",	by_splice,	false },
	};
	uint64_t bytes, share, begin;
	struct job j = { 0 };

	(void)argc;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (!strcmp(argv[0], ways[i].word)) {
			j.move = ways[i].move;
			j.sends = ways[i].sends;
		}
	}
	if (!j.move) {
		errno = EINVAL;
		die(argv[0]);
	}
	j.n_flows = number(argv[3], FLOWS_MAX);
	bytes = number(argv[4], 1ULL << 40) / UNIT * UNIT;
	j.call = number(argv[5], BUFFER);
	share = j.n_flows == 1 ? WARM : UNIT;
	open_files(&j);
	j.flows = calloc(j.n_flows, sizeof(*j.flows));
	if (!j.flows)
		die("memory");
	for (size_t i = 0; i < j.n_flows; i++)
		j.flows[i].fd = dial(argv[1], argv[2], j.sends ? WANT_SINK : WANT_SOURCE, UNIT);
	for (size_t i = 0; j.n_flows > 1 && i < j.n_flows; i++)
		fcntl(j.flows[i].fd, F_SETFL, O_NONBLOCK);
	run(&j, share);
	warm();
	begin = now_ns();
	MARK(1);
	run(&j, bytes);
	MARK(2);
	done(bytes * j.n_flows, begin);
	return 0;
}
