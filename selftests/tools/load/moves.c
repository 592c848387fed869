// SPDX-License-Identifier: GPL-2.0-only
/* Connections that stay, and are handed over in both directions again and again, all of
 * them at once: moves makes them, shove takes those of others.
 */
#include <arpa/inet.h>
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

static void module_open(void)
{
	int err = toe_nl_open(&nl);

	if (err) {
		errno = -err;
		die("the module");
	}
}

static void say(uint64_t ns, const struct moves *before)
{
	struct moves now = counted();

	printf("ok ns=%" PRIu64 " count=%" PRIu64 " closes=%" PRIu64 " fails=%" PRIu64
	       " moves=%.1f\n", ns, now.opens - before->opens, now.closes - before->closes,
	       now.fails - before->fails, (now.opens - before->opens) * 1e9 / ns);
}

int moves(int argc, char **argv)
{
	size_t n = number(argv[2], FLOWS_MAX);
	uint64_t ns = number(argv[3], 3600) * 1000000000ULL, begin;
	struct place *places = calloc(n, sizeof(*places));
	struct moves before;

	(void)argc;
	if (!places)
		die("memory");
	for (size_t i = 0; i < n; i++) {
		places[i].fd = dial(argv[0], argv[1], WANT_ECHO, SIZE);
		errno = -socket_tuple(places[i].fd, &places[i].tuple);
		if (errno)
			die("the names of a socket");
	}
	talk_all(places, n);
	module_open();
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
	say(ns, &before);
	talk_all(places, n);
	return 0;
}

/* The flows that the module knows to a port of the peer. Returns their number. */
static size_t known(__be16 port, struct place *places)
{
	struct toe_flow *flows;
	size_t n, found = 0;
	int err = toe_nl_flow_dump(nl, &flows, &n);

	if (err)
		fail("flows", err);
	for (size_t i = 0; i < n && found < FLOWS_MAX; i++) {
		if (flows[i].tuple.remote_port == port)
			places[found++].tuple = flows[i].tuple;
	}
	free(flows);
	return found;
}

int shove(int argc, char **argv)
{
	__be16 port = htons(number(argv[0], UINT16_MAX));
	uint64_t rounds = number(argv[1], 1000000), begin;
	struct place *places = calloc(FLOWS_MAX, sizeof(*places));
	struct moves before;
	size_t n;

	(void)argc;
	if (!places)
		die("memory");
	module_open();
	n = known(port, places);
	while (move_all(places, n, false))
		;
	before = counted();
	begin = now_ns();
	for (; rounds; rounds--) {
		move_all(places, n, true);
		move_all(places, n, false);
	}
	say(now_ns() - begin, &before);
	return 0;
}
