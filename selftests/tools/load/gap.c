// SPDX-License-Identifier: GPL-2.0-only
/* A connection that never rests, looked at once a millisecond, until a line comes: the
 * longest time in which nothing moved, and the least that moved in WINDOW ms, as a share
 * of the rate.
 */
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "load.h"

#define WINDOW		10

static bool sends;
static int fd;
static size_t call;

/* Moves bytes until the program ends. */
static void *mover(void *unused)
{
	for (;;) {
		ssize_t r = sends ? write(fd, buffer, call) : read(fd, buffer, call);

		if (r <= 0)
			die(sends ? "send" : "receive");
	}
	return unused;
}

/* The peer has acknowledged so much, or so much has come. */
static uint64_t moved(void)
{
	struct tcp_info info = tcp_info(fd);

	return sends ? info.tcpi_bytes_acked : info.tcpi_bytes_received;
}

/* A line has come: it is to end. */
static bool told(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&in, 1, 0);
}

int gap(int argc, char **argv)
{
	uint64_t ms = number(argv[3], 3600000), last, longest = 0, least = UINT64_MAX;
	uint64_t *at = calloc(ms + 1, sizeof(*at)), *when = calloc(ms + 1, sizeof(*when)), n;
	struct timespec tick = { .tv_nsec = 1000000 };
	pthread_t thread;

	(void)argc;
	call = number(argv[4], BUFFER);
	sends = is_send(argv[0]);
	if (!at || !when)
		die("memory");
	fd = dial(argv[1], argv[2], sends ? WANT_SINK : WANT_SOURCE, sends ? BYTES_MAX : 1ULL << 38);
	if (!sends)
		write_all(fd, 1);
	if (pthread_create(&thread, NULL, mover, NULL))
		die("a thread");
	warm();
	last = now_ns();
	for (n = 0; n <= ms && (n < 2 || !told()); n++) {
		when[n] = now_ns();
		at[n] = moved();
		/* A look may be late: it stood still only if the next one saw that, too. */
		if (!n || at[n] != at[n - 1])
			last = when[n];
		else if (when[n] - last > longest)
			longest = when[n] - last;
		nanosleep(&tick, NULL);
	}
	n--;
	/* As bytes per ms: a look may be late. */
	for (uint64_t i = WINDOW; i <= n; i++) {
		uint64_t rate = (at[i] - at[i - WINDOW]) * 1000000 / (when[i] - when[i - WINDOW]);

		if (rate < least)
			least = rate;
	}
	printf("ok bytes=%" PRIu64 " ns=%" PRIu64, at[n] - at[0], when[n] - when[0]);
	/* Else the looks had to wait for the mover, and say nothing. */
	if (n >= WINDOW)
		printf(" gap_us=%" PRIu64 " dip=%.4f", longest / 1000,
		       (double)least * (when[n] - when[0]) / 1000000 / (at[n] - at[0] ?: 1));
	puts("");
	fflush(stdout);
	abandon(fd);
	/* The mover ends with it, one way or the other. */
	_exit(0);
}
