// SPDX-License-Identifier: GPL-2.0-only
/* Connections that come and go: each stays until others have come in its place. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "load.h"

#define THREADS		16	/* a handshake takes its time */
#define FLOWS_MAX	10000
#define SIZE		64

/**
 * struct worker - a thread, and its share of the connections
 * @thread: it
 * @fds: the connections, the oldest at @at
 * @n_fds: their number
 * @at: see @fds
 * @count: so many have gone
 */
struct worker {
	pthread_t thread;
	int *fds;
	size_t n_fds;
	size_t at;
	uint64_t count;
};

static const char *address, *port;
static uint64_t end_ns;

static int come(void)
{
	int fd = dial(address, port, WANT_ECHO, SIZE);

	write_all(fd, SIZE);
	return fd;
}

static void *work(void *data)
{
	struct worker *w = data;

	for (; now_ns() < end_ns; w->count++) {
		/* By now it has its answer. */
		read_all(w->fds[w->at], SIZE);
		close(w->fds[w->at]);
		w->fds[w->at] = come();
		w->at = (w->at + 1) % w->n_fds;
	}
	return NULL;
}

int opens(int argc, char **argv)
{
	size_t n_flows = number(argv[2], FLOWS_MAX), n_threads = n_flows < THREADS ? n_flows : THREADS;
	uint64_t ns = number(argv[3], 3600) * 1000000000ULL, begin, count = 0;
	struct worker workers[THREADS] = { 0 };

	(void)argc;
	address = argv[0];
	port = argv[1];
	for (size_t i = 0; i < n_threads; i++) {
		struct worker *w = &workers[i];

		w->n_fds = n_flows / n_threads + (i < n_flows % n_threads);
		w->fds = calloc(w->n_fds, sizeof(*w->fds));
		if (!w->fds)
			die("memory");
		for (size_t k = 0; k < w->n_fds; k++)
			w->fds[k] = come();
	}
	warm();
	begin = now_ns();
	end_ns = begin + ns;
	MARK(1);
	for (size_t i = 0; i < n_threads; i++) {
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			die("a thread");
	}
	for (size_t i = 0; i < n_threads; i++) {
		pthread_join(workers[i].thread, NULL);
		count += workers[i].count;
	}
	MARK(2);
	printf("ok bytes=%" PRIu64 " ns=%" PRIu64 " count=%" PRIu64 "\n", count * 2 * SIZE,
	       now_ns() - begin, count);
	return 0;
}
