// SPDX-License-Identifier: GPL-2.0-only
/* Connections that stay, and are handed over in both directions again and again. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "../actor/tuple.h"
#include "load.h"
#include "netlink.h"

#define FLOWS_MAX	10000
#define SIZE		64
#define LOOK_US		1000	/* pause between two looks at the counters */
#define PATIENCE_NS	30000000000ULL

/**
 * struct place - a connection
 * @fd: its socket
 * @tuple: its name
 */
struct place {
	int fd;
	struct toe_tuple tuple;
};

/**
 * struct moves - what the module has counted
 * @opens: flows that went to an engine
 * @closes: that came back
 * @fails: that did not get there
 */
struct moves {
	uint64_t opens;
	uint64_t closes;
	uint64_t fails;
};

static struct toe_nl *nl;

static void fail(const char *what, int err)
{
	errno = -err;
	die(*toe_nl_text(nl) ? toe_nl_text(nl) : what);
}

static struct moves counted(void)
{
	struct toe_stats stats;
	int err = toe_nl_stats_get(nl, &stats);

	if (err)
		fail("stats", err);
	return (struct moves) {
		.opens = stats.counters.val[TOE_STAT_OPENS],
		.closes = stats.counters.val[TOE_STAT_CLOSES],
		.fails = stats.counters.val[TOE_STAT_OPEN_FAILS],
	};
}

/* All of them in one direction. Those that failed to go there, or that others have moved
 * meanwhile, are what the counters make of it. Returns how many went.
 */
static uint64_t move_all(const struct place *places, size_t n, bool there)
{
	struct moves before = counted(), now;
	uint64_t asked = 0, end = now_ns() + PATIENCE_NS;
	int err;

	for (size_t i = 0; i < n; i++) {
		err = toe_nl_flow_begin(nl, &places[i].tuple, there);
		if (!err)
			asked++;
		else if (err != (there ? -EEXIST : -ENOENT))
			fail("move", err);
	}
	do {
		usleep(LOOK_US);
		now = counted();
		if (now_ns() > end) {
			errno = ETIMEDOUT;
			die("the flows do not move");
		}
	} while (there ? now.opens + now.fails - before.opens - before.fails < asked :
			 now.closes - before.closes < asked);
	return asked;
}

static void talk_all(const struct place *places, size_t n)
{
	for (size_t i = 0; i < n; i++)
		write_all(places[i].fd, SIZE);
	for (size_t i = 0; i < n; i++)
		read_all(places[i].fd, SIZE);
}

int moves(int argc, char **argv)
{
	size_t n = number(argv[2], FLOWS_MAX);
	uint64_t ns = number(argv[3], 3600) * 1000000000ULL, begin;
	struct place *places = calloc(n, sizeof(*places));
	struct moves before, after;
	int err;

	(void)argc;
	if (!places)
		die("memory");
	for (size_t i = 0; i < n; i++) {
		places[i].fd = dial(argv[0], argv[1], WANT_ECHO, SIZE);
		err = socket_tuple(places[i].fd, &places[i].tuple);
		if (err)
			fail("the names of a socket", err);
	}
	talk_all(places, n);
	err = toe_nl_open(&nl);
	if (err)
		fail("the module", err);
	warm();
	while (move_all(places, n, false))
		;
	before = counted();
	begin = now_ns();
	MARK(1);
	do {
		move_all(places, n, true);
		move_all(places, n, false);
	} while (now_ns() - begin < ns);
	MARK(2);
	ns = now_ns() - begin;
	after = counted();
	talk_all(places, n);
	printf("ok ns=%" PRIu64 " count=%" PRIu64 " closes=%" PRIu64 " fails=%" PRIu64
	       " moves=%.1f\n", ns, after.opens - before.opens, after.closes - before.closes,
	       after.fails - before.fails, (after.opens - before.opens) * 1e9 / ns);
	return 0;
}
