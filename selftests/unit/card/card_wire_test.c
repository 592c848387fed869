// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections between a host and a peer are moved to the card and back, over
 * and over, under every kind of load. No byte may be lost, repeated or
 * reordered, and nothing may stay behind. No stack may run into a timeout
 * either, but under loads that take all of the machine: there a plain peer
 * drops by itself.
 *
 * CARD_TEST_ROUNDS: how often each (default 25); CARD_TEST_CONTROL: never, for
 * comparison; CARD_TEST_VERBOSE: shows more counters. KTAP on stdout; what was
 * measured stands in comments.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host.h"
#include "log.h"
#include "pattern.h"
#include "peer.h"
#include "world.h"

#define PORT		7000
#define MAX_CONNS	16
#define RUN_NS		20000000ULL	/* between two moves */

struct load {
	const char *name;
	int family;
	int conns;
	struct host_opts host;
	struct peer_opts peer;
	unsigned int scarce;
	bool no_timeouts;	/* a timeout is a failure */
};

#define RATE	100000000	/* bytes per second */
#define PAUSE	600		/* us per 64 KiB: about the same */

static const struct load loads[] = {
	{ "host sends", AF_INET, 1, { .sends = true, .send_rate = RATE },
	  {}, 0, true },
	{ "host receives", AF_INET, 1, {},
	  { .sends = true, .send_us = PAUSE }, 0, true },
	{ "both send", AF_INET, 1, { .sends = true, .send_rate = RATE },
	  { .sends = true, .send_us = PAUSE }, 0, true },
	{ "both send, IPv6", AF_INET6, 1, { .sends = true, .send_rate = RATE },
	  { .sends = true, .send_us = PAUSE }, 0, true },
	{ "ping-pong", AF_INET, 1, { .pings = true }, { .echoes = true },
	  0, true },
	{ "slow peer", AF_INET, 1, { .sends = true },
	  { .rcvbuf = 65536, .read_us = 3000 }, 0, true },
	{ "slow host", AF_INET, 1,
	  { .read_rate = 20000000, .rcvbuf = 131072 }, { .sends = true },
	  0, true },
	{ "rx buffers are scarce", AF_INET, 1,
	  { .sends = true, .send_rate = RATE },
	  { .sends = true, .send_us = PAUSE }, 3, true },
	{ "eight connections of one port", AF_INET, 8,
	  { .sends = true, .send_rate = RATE / 10 },
	  { .sends = true, .send_us = PAUSE * 10 }, 0, true },
	{ "host sends all it can", AF_INET, 1, { .sends = true }, {}, 0, false },
	{ "host receives all it can", AF_INET, 1, {}, { .sends = true },
	  0, false },
	{ "both send all they can", AF_INET, 1, { .sends = true },
	  { .sends = true }, 0, false },
	{ "both send all they can, IPv6", AF_INET6, 1, { .sends = true },
	  { .sends = true }, 0, false },
};

struct conn {
	struct peer peer;
	struct host_flow *host;
};

static struct conn conns[MAX_CONNS];

struct samples {
	double v[4096];
	int n;
};

static void add(struct samples *s, uint64_t ns)
{
	if (s->n < 4096)
		s->v[s->n++] = (double)ns / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return d < 0 ? -1 : d > 0;
}

static void show(const char *what, struct samples *s)
{
	if (!s->n)
		return;
	qsort(s->v, (size_t)s->n, sizeof(s->v[0]), by_value);
	printf("#   %-22s median %7.2f  p99 %7.2f  worst %7.2f ms (%d)\n", what,
	       s->v[s->n / 2], s->v[s->n * 99 / 100], s->v[s->n - 1], s->n);
}

static uint64_t timeouts(void)
{
	return world_counter(HOST, "TCPTimeouts") +
	       world_counter(CARD, "TCPTimeouts") +
	       world_counter(PEER, "TCPTimeouts");
}

static uint64_t drops(void)
{
	return world_counter(HOST, "TCPRcvQDrop") +
	       world_counter(CARD, "TCPRcvQDrop");
}

static void reset_gaps(struct conn *c)
{
	c->peer.gap_ns = 0;
	c->host->gap_ns = 0;
}

static uint64_t gap(struct conn *c)
{
	return c->host->gap_ns > c->peer.gap_ns ? c->host->gap_ns :
						  c->peer.gap_ns;
}

static const char *move_all(const struct load *l, bool to_card,
			    struct samples *gaps, struct samples *took)
{
	const char *err;
	int i;

	for (i = 0; i < l->conns; i++) {
		reset_gaps(&conns[i]);
		err = to_card ? host_to_card(conns[i].host) :
				host_from_card(conns[i].host);
		if (err)
			return err;
		add(took, to_card ? conns[i].host->open_ns :
				    conns[i].host->close_ns);
	}
	host_run(RUN_NS);
	for (i = 0; i < l->conns; i++) {
		add(gaps, gap(&conns[i]));
		if (gap(&conns[i]) > 150000000)
			printf("# %s the card: %.1f ms nothing to the host, %.1f ms nothing to the peer\n",
			       to_card ? "to" : "from",
			       (double)conns[i].host->gap_ns / 1e6,
			       (double)conns[i].peer.gap_ns / 1e6);
		if (conns[i].host->wrong)
			return conns[i].host->wrong;
		if (conns[i].peer.wrong)
			return "the peer got wrong bytes";
		if (conns[i].peer.err)
			return strerror(conns[i].peer.err);
	}
	return NULL;
}

/* Both have sent their last byte: has everything arrived? */
static bool settled(void *arg)
{
	const struct load *l = arg;
	struct conn *c;

	for (c = conns; c < conns + l->conns; c++)
		if (c->host->wrong || c->peer.err || c->peer.wrong)
			return true;
	for (c = conns; c < conns + l->conns; c++)
		if (!c->peer.tx_done || c->host->rx != c->peer.sent ||
		    c->peer.received != host_sent(c->host))
			return false;
	return true;
}

static bool closed(void *arg)
{
	const struct load *l = arg;
	struct conn *c;

	for (c = conns; c < conns + l->conns; c++)
		if (!c->peer.rx_done)
			return false;
	return true;
}

static const char *finish(const struct load *l)
{
	struct conn *c;

	for (c = conns; c < conns + l->conns; c++) {
		c->host->stop = true;
		c->peer.stop = true;
	}
	if (!host_run_until(settled, (void *)l, 10000000000ULL))
		return "not everything arrived";
	for (c = conns; c < conns + l->conns; c++)
		shutdown(c->host->fd, SHUT_WR);
	if (!host_run_until(closed, (void *)l, 2000000000ULL))
		return "no end of stream";
	for (c = conns; c < conns + l->conns; c++) {
		if (c->host->wrong)
			return c->host->wrong;
		if (c->peer.wrong || !c->peer.eof)
			return "the peer's stream";
	}
	return NULL;
}

static const char *leftovers(void)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	const char *err = NULL;

	card_status_json(host_card, f);
	fclose(f);
	if (!strstr(text, "\"map_entries\":0,\"neighbours\":0,\"addresses\":0,\"held\":0}") ||
	    !strstr(text, "{\"flows\":[],")) {
		printf("# %s\n", text);
		err = "something stayed behind";
	}
	free(text);
	return err;
}

static const char *connect_all(const struct load *l)
{
	/* restored sockets don't share their port with a new listener */
	uint16_t port = (uint16_t)(PORT + (l - loads));
	int i, listener = host_listen(l->family, port);
	const char *err = listener < 0 ? "listen" : NULL;

	memset(conns, 0, sizeof(conns));
	if (!err && l->host.rcvbuf)
		setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &l->host.rcvbuf,
			   sizeof(int));
	for (i = 0; !err && i < l->conns; i++) {
		if (peer_start(&conns[i].peer, l->family, port, &l->peer))
			err = "connect";
		else
			conns[i].host = host_accept(listener, &l->host);
		if (!err && !conns[i].host)
			err = "accept";
	}
	close(listener);
	return err;
}

static const char *run(const struct load *l, int rounds)
{
	struct samples still = {}, opens = {}, closes = {}, opening = {},
		       closing = {};
	uint64_t t0 = timeouts(), d0 = drops(), start = now_ns();
	const char *err;
	int i;

	err = connect_all(l);
	if (err)
		return err;
	world_counters_start();
	host_scarce = l->scarce;
	host_run(3 * RUN_NS);
	for (i = 0; i < rounds / 2; i++) {	/* what it is without moving */
		reset_gaps(&conns[0]);
		host_run(RUN_NS);
		add(&still, gap(&conns[0]));
	}
	if (timeouts() != t0) {
		printf("# %llu timeouts before anything was moved\n",
		       (unsigned long long)(timeouts() - t0));
		t0 = timeouts();
	}
	for (i = 0; i < rounds && !err && getenv("CARD_TEST_CONTROL"); i++)
		host_run(3 * RUN_NS);
	for (i = 0; i < rounds && !err && !getenv("CARD_TEST_CONTROL"); i++) {
		err = move_all(l, true, &opens, &opening);
		if (!err)
			err = move_all(l, false, &closes, &closing);
	}
	if (err)
		printf("# in round %d\n", i);
	else
		err = finish(l);
	printf("# %s: %.1f s, %.1f MB to the peer, %.1f MB to the host, timeouts %llu, TCPRcvQDrop %llu, injected %u, not calm %u\n",
	       l->name, (double)(now_ns() - start) / 1e9,
	       (double)conns[0].peer.received / 1e6,
	       (double)conns[0].host->rx / 1e6,
	       (unsigned long long)(timeouts() - t0),
	       (unsigned long long)(drops() - d0), host_injected,
	       host_not_calm);
	host_injected = 0;
	host_not_calm = 0;
	if (err || getenv("CARD_TEST_VERBOSE"))
		world_counters_show();
	show("gap, not moved", &still);
	show("gap, to the card", &opens);
	show("gap, from the card", &closes);
	show("PREPARE to OPEN's end", &opening);
	show("CLOSE to RELEASE", &closing);
	if (err)
		return err;
	for (i = 0; i < l->conns; i++) {
		host_free(conns[i].host);
		peer_end(&conns[i].peer);
	}
	if (l->no_timeouts && timeouts() != t0)
		return "a stack ran into a timeout";
	return leftovers();
}

int main(int argc, char **argv)
{
	const char *env = getenv("CARD_TEST_ROUNDS");
	int rounds = env ? atoi(env) : 25, n = sizeof(loads) / sizeof(loads[0]);
	const char *err;
	int i, failed = 0, number = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n");
	if (geteuid()) {
		printf("1..0 # SKIP needs root: namespaces, BPF\n");
		return 4;
	}
	if (getenv("CARD_TEST_DEBUG"))
		log_level = LOG_LEVEL_DEBUG;
	pattern_init();
	if (unshare(CLONE_NEWNET) || world_make() || host_init()) {
		printf("1..1\nnot ok 1 setup\n");
		return 1;
	}
	for (i = 0; i < n; i++) {
		if (argc > 1 && !strstr(loads[i].name, argv[1]))
			continue;
		err = run(&loads[i], rounds);
		number++;
		if (err) {
			printf("# %s\n", err);
			printf("not ok %d %s\n", number, loads[i].name);
			failed = 1;
			card_status_json(host_card, stdout);
			putchar('\n');
			break;	/* its threads and sockets still run */
		}
		printf("ok %d %s\n", number, loads[i].name);
	}
	if (!failed)
		host_exit();
	printf("1..%d\n", number);
	return failed;
}
