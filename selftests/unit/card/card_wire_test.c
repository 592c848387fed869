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
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "fault.h"
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
	{ "packets come late", AF_INET, 1,
	  { .sends = true, .send_rate = RATE, .late_us = 1000 },
	  { .sends = true, .send_us = PAUSE }, 0, true },
	{ "packets come late, IPv6", AF_INET6, 1,
	  { .sends = true, .send_rate = RATE, .late_us = 1000 },
	  { .sends = true, .send_us = PAUSE }, 0, true },
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
	if (!strstr(text, "\"map_entries\":0,\"neighbours\":0,\"addresses\":0,\"held\":0,\"captures\":0}") ||
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
	static uint16_t port = PORT;
	int i, listener = host_listen(l->family, ++port);
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

/* One behaviour at a time, on a connection of its own */

static struct conn *one(const struct load *l)
{
	if (connect_all(l))
		return NULL;
	host_scarce = 0;
	host_run(RUN_NS);
	return &conns[0];
}

static const char *end(const struct load *l)
{
	const char *err = finish(l);

	if (err)
		return err;
	host_free(conns[0].host);
	peer_end(&conns[0].peer);
	return leftovers();
}

/* The update that opens a closed window is lost. Nobody but the card can ask
 * for it: the host's probes don't reach the wire.
 */
static const char *window_update_lost(const struct load *l)
{
	struct conn *c = one(l);
	const char *err;
	uint64_t had;

	if (!c)
		return "connect";
	err = host_to_card(c->host);
	if (err)
		return err;
	c->peer.pause = true;
	host_run(300000000);
	if (c->host->snd_wnd > 65536)
		return "the window did not close";
	world_run(PEER, "nft 'table inet t { chain o { type filter hook output priority 0; drop; }; }'");
	had = c->peer.received;
	c->peer.pause = false;
	host_run(30000000);
	world_run(PEER, "nft delete table inet t");
	host_run(1000000000);
	printf("# %.1f MB within a second\n",
	       (double)(c->peer.received - had) / 1e6);
	if (c->peer.received - had < 10000000)
		return "the connection sleeps";
	err = host_from_card(c->host);
	return err ? err : end(l);
}

static const char *refused(const struct load *l)
{
	struct conn *c = one(l);
	const char *err;

	if (!c)
		return "connect";
	fault_arm("prepare-refuse", 1, 0);
	if (!host_prepare(c->host) || c->host->status != VIRTIO_TOE_S_FULL)
		return "PREPARE was not refused";
	fault_arm("open-refuse", 1, 0);
	err = host_prepare(c->host);
	if (!err)
		err = host_snapshot(c->host);
	if (err)
		return err;
	if (!host_open(c->host, OPEN_POST | OPEN_WAIT) ||
	    c->host->open_status != VIRTIO_TOE_S_FAIL)
		return "OPEN was not refused";
	c->host->reply = c->host->st;
	c->host->reply_ns = now_ns();
	err = host_resume(c->host);
	return err ? err : end(l);
}

/* CLOSE, or RELEASE, while OPEN waits for bytes that don't come */
static const char *given_up(const struct load *l)
{
	struct conn *c = one(l);
	const char *err;
	int i;

	for (i = 0; c && i < 2; i++) {
		do {
			host_run(5000000);
			err = host_prepare(c->host);
			if (!err)
				err = host_snapshot(c->host);
			if (err)
				return err;
			if (c->host->st.snd_una != c->host->st.snd_nxt)
				break;
			c->host->reply = c->host->st;
			c->host->reply_ns = now_ns();
			err = host_resume(c->host);
		} while (!err);
		if (err)
			return err;
		host_open(c->host, 0);
		host_run(3000000);
		if (!c->host->open)
			return "OPEN did not wait";
		if (i == 0) {
			if (!host_close(c->host) || c->host->status)
				return "CLOSE";
			if (memcmp(&c->host->reply, &c->host->st, sizeof(struct toe_state)))
				return "CLOSE: another state than OPEN's";
		}
		c->host->reply = c->host->st;
		c->host->reply_ns = now_ns();
		err = host_resume(c->host);
		if (err)
			return err;
		if (c->host->open || c->host->open_status != VIRTIO_TOE_S_FAIL)
			return "OPEN was not answered";
	}
	return c ? end(l) : "connect";
}

/* A gap in what the host sends */
static const char *gap_in_data(const struct load *l)
{
	struct conn *c = one(l);
	unsigned int events = host_events;
	const char *err;

	if (!c)
		return "connect";
	err = host_to_card(c->host);
	if (err)
		return err;
	host_run(RUN_NS);
	c->host->next += 1000;
	if (!host_run_until(NULL, NULL, RUN_NS) && host_events != events + 1)
		return "the card did not ask to be rid of it";
	err = host_from_card(c->host);
	return err ? err : end(l);
}

static const char *cannot(const struct load *l)
{
	struct conn *c = one(l);
	const char *err;

	if (!c)
		return "connect";
	err = host_prepare(c->host);
	if (!err)
		err = host_snapshot(c->host);
	if (err)
		return err;
	c->host->st.options |= TOE_OPT_ECN;
	if (!host_open(c->host, OPEN_WAIT) ||
	    c->host->open_status != VIRTIO_TOE_S_UNSUPP)
		return "OPEN with ECN";
	c->host->st.options &= ~(uint32_t)TOE_OPT_ECN;
	c->host->reply = c->host->st;
	c->host->reply_ns = now_ns();
	err = host_resume(c->host);
	return err ? err : end(l);
}

/* A card that says nothing for two seconds counts as dead: the flow's frames
 * go to the host. It only slept, so the flow goes on.
 */
static const char *falls_asleep(const struct load *l)
{
	struct conn *c = one(l);
	uint64_t had, host;
	const char *err;

	if (!c)
		return "connect";
	err = host_to_card(c->host);
	if (err)
		return err;
	host_run(RUN_NS);
	host = world_counter(HOST, "InSegs");
	host_run(RUN_NS);
	if (world_counter(HOST, "InSegs") != host)
		return "frames reach the host though the card lives";
	loop_timer_disarm(host_loop, &host_card->beat);
	host_run(2500000000);
	if (world_counter(HOST, "InSegs") == host)
		return "frames don't reach the host";
	had = c->host->rx;
	loop_timer_arm(host_loop, &host_card->beat, 1);
	host_run(2000000000);
	if (c->host->rx - had < 10000000)
		return "the flow does not go on";
	err = host_from_card(c->host);
	return err ? err : end(l);
}

/* What the card showed of its frames */
static struct {
	const struct toe_tuple *tuple;
	uint32_t id, snaplen;
	unsigned int sent, received, ends;
	uint64_t sent_bytes, dropped;
	const char *wrong;
} shown;

static uint64_t sum16(const uint8_t *p, size_t len)
{
	uint64_t s = 0;

	for (; len > 1; len -= 2, p += 2)
		s += (uint32_t)p[0] << 8 | p[1];
	return len ? s + ((uint32_t)*p << 8) : s;
}

static bool sums_up(uint64_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s == 0xffff;
}

/* A frame as it should be on a wire: lengths, sums, and of the one connection */
static const char *check_frame(const struct device_frame *f)
{
	bool sent = f->type == VIRTIO_TOE_CAPTURE_SENT;
	bool v6 = shown.tuple->family == AF_INET6;
	const uint8_t *ip = (const uint8_t *)f->data + 14;
	const uint8_t *tcp = ip + (v6 ? 40 : 20);
	const uint8_t *addr = ip + (v6 ? 8 : 12);
	size_t alen = v6 ? 16 : 4, len = f->len - 14 - (v6 ? 40 : 20);
	const void *from = sent ? shown.tuple->local_addr : shown.tuple->remote_addr;
	const void *to = sent ? shown.tuple->remote_addr : shown.tuple->local_addr;
	uint16_t ports[2] = { sent ? shown.tuple->local_port : shown.tuple->remote_port,
			      sent ? shown.tuple->remote_port : shown.tuple->local_port };

	if (f->len > 1514)
		return "a frame longer than the wire takes";
	if (f->caplen != (f->len < shown.snaplen ? f->len : shown.snaplen))
		return "snaplen";
	if (memcmp(addr, from, alen) || memcmp(addr + alen, to, alen) ||
	    memcmp(tcp, ports, 4))
		return "a frame of another connection, or of the other direction";
	if ((v6 ? ip[4] << 8 | ip[5] : (ip[2] << 8 | ip[3]) - 20) != (int)len)
		return "the IP length";
	if (!v6 && !sums_up(sum16(ip, 20)))
		return "the IP checksum";
	if (f->caplen == f->len &&
	    !sums_up(sum16(addr, 2 * alen) + 6 + len + sum16(tcp, len)))
		return "the TCP checksum";
	shown.sent += sent;
	shown.received += !sent;
	if (sent)
		shown.sent_bytes += len - (tcp[12] >> 4) * 4;
	return NULL;
}

static void show_frame(const struct device_frame *f)
{
	const char *wrong = NULL;

	shown.dropped = f->dropped;
	if (f->id != shown.id)
		wrong = "a frame of another flow";
	else if (f->type == VIRTIO_TOE_CAPTURE_END)
		shown.ends++;
	else if (shown.ends)
		wrong = "a frame behind the end";
	else
		wrong = check_frame(f);
	if (!shown.wrong)
		shown.wrong = wrong;
}

static const char *show_frames(struct conn *c, uint32_t snaplen)
{
	memset(&shown, 0, sizeof(shown));
	shown.tuple = &c->host->tuple;
	shown.id = c->host->id;
	shown.snaplen = snaplen;
	host_frames.show = show_frame;
	return host_capture(c->host, snaplen) ? "CAPTURE_START" : NULL;
}

static bool all_shown(void *arg)
{
	(void)arg;
	return shown.ends;
}

/* Of several connections one is shown, all of it and nothing else. */
static const char *frames_shown(const struct load *l)
{
	uint64_t before, after;
	struct conn *c = one(l);
	const char *err;
	int i;

	if (!c)
		return "connect";
	for (i = 0; i < l->conns; i++) {
		err = host_to_card(conns[i].host);
		if (err)
			return err;
	}
	err = show_frames(c, 65535);
	if (err)
		return err;
	if (host_capture(c->host, 65535) != VIRTIO_TOE_S_EXIST)
		return "shown twice";
	before = host_sent(c->host);
	host_run(10 * RUN_NS);
	after = host_sent(c->host);
	if (host_capture_stop(c->host) ||
	    !host_run_until(all_shown, NULL, 1000000000))
		return "no end";
	if (shown.wrong)
		return shown.wrong;
	if (shown.dropped || !shown.sent || !shown.received ||
	    shown.sent_bytes < after - before)
		return "frames are missing";
	if (host_capture_stop(c->host) != VIRTIO_TOE_S_NOENT)
		return "stopped twice";
	/* cut, and ended by RELEASE */
	if (host_capture(c->host, 0) != VIRTIO_TOE_S_INVAL)
		return "a snaplen of 0";
	err = show_frames(c, 60);
	for (i = 0; !err && i < l->conns; i++) {
		host_run(RUN_NS);
		err = host_from_card(conns[i].host);
	}
	host_run_until(all_shown, NULL, 1000000000);
	if (!err && (shown.wrong || !shown.ends || !shown.sent))
		err = shown.wrong ? shown.wrong : "the end of a flow that leaves";
	if (!err && host_capture(c->host, 60) != VIRTIO_TOE_S_NOENT)
		err = "a flow that is not there";
	host_frames.show = NULL;
	if (err)
		return err;
	err = finish(l);
	for (i = 0; !err && i < l->conns; i++) {
		host_free(conns[i].host);
		peer_end(&conns[i].peer);
	}
	return err ? err : leftovers();
}

/* Nobody takes the frames: they are dropped and counted, the flow goes on. */
static const char *frames_dropped(const struct load *l)
{
	struct conn *c = one(l);
	uint64_t t0 = timeouts();
	const char *err;

	if (!c)
		return "connect";
	err = host_to_card(c->host);
	if (!err)
		err = show_frames(c, 65535);
	if (err)
		return err;
	host_frames.room = -EAGAIN;
	host_run(600000000);
	if (shown.sent || shown.received)
		return "frames without a buffer";
	if (timeouts() != t0)
		return "a timeout";
	host_frames.room = 16352;
	capture_ready(host_card);
	if (host_capture_stop(c->host) ||
	    !host_run_until(all_shown, NULL, 1000000000))
		return "no end";
	if (shown.wrong)
		return shown.wrong;
	printf("#   %u frames shown, %llu dropped\n", shown.sent + shown.received,
	       (unsigned long long)shown.dropped);
	if (shown.dropped < 1000 || shown.sent < 1000)
		return "what was dropped is not counted";
	host_frames.show = NULL;
	err = host_from_card(c->host);
	return err ? err : end(l);
}

static double cpu_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void show_speed(const char *where, struct conn *c)
{
	uint64_t sent = c->peer.received, rcvd = c->host->rx, ns = now_ns();
	uint64_t polls = host_card->n.polls;
	double cpu = cpu_s(), s;

	host_run(500000000);
	s = (double)(now_ns() - ns) / 1e9;
	printf("#   %-8s %7.0f MB/s to the peer %7.0f MB/s to the host, %3.0f %% of a CPU, %5.0f polls/s\n",
	       where, (double)(c->peer.received - sent) / 1e6 / s,
	       (double)(c->host->rx - rcvd) / 1e6 / s, (cpu_s() - cpu) / s * 100,
	       (double)(host_card->n.polls - polls) / s);
}

/* Not a test: how fast is it? The CPU is what device, host and card use. */
static const char *speed(const struct load *l)
{
	struct conn *c = one(l);
	const char *err;

	if (!c)
		return "connect";
	show_speed("native", c);
	err = host_to_card(c->host);
	if (err)
		return err;
	show_speed("card", c);
	err = host_from_card(c->host);
	return err ? err : end(l);
}

static const struct load fast = {
	"", AF_INET, 1, { .sends = true, .send_rate = RATE },
	{ .sends = true, .send_us = PAUSE }, 0, true
};

static const struct load several = {
	"", AF_INET, 3, { .sends = true, .send_rate = RATE / 10 },
	{ .sends = true, .send_us = PAUSE * 10 }, 0, true
};

static const struct load several6 = {
	"", AF_INET6, 3, { .sends = true, .send_rate = RATE / 10 },
	{ .sends = true, .send_us = PAUSE * 10 }, 0, true
};

static const struct load to_peer = {
	"", AF_INET, 1, { .sends = true }, { .rcvbuf = 65536 }, 0, true
};

static const struct load bulk_out = {
	"", AF_INET, 1, { .sends = true }, {}, 0, false
};

static const struct load bulk_in = {
	"", AF_INET, 1, {}, { .sends = true }, 0, false
};

static const struct load idle = {
	"", AF_INET, 1, {}, {}, 0, false
};

static const struct {
	const char *name;
	const char *(*run)(const struct load *l);
	const struct load *load;
} behaviours[] = {
	{ "a window update is lost", window_update_lost, &to_peer },
	{ "commands are refused", refused, &fast },
	{ "an open is given up", given_up, &fast },
	{ "data with a gap", gap_in_data, &fast },
	{ "what the card can't carry", cannot, &fast },
	{ "the card falls asleep", falls_asleep, &fast },
	{ "frames are shown", frames_shown, &several },
	{ "frames are shown, IPv6", frames_shown, &several6 },
	{ "frames have no buffer", frames_dropped, &fast },
	{ "speed out", speed, &bulk_out },
	{ "speed in", speed, &bulk_in },
	{ "speed idle", speed, &idle },
};

/* A card that was killed leaves its programs; the next one copes. */
static void killed_predecessor(void)
{
	pid_t pid = fork();
	struct loop *l;

	if (!pid) {
		struct card_config cfg = { .wire = "wire0", .host = "host0",
					   .max_flows = 8 };

		world_enter(CARD);
		l = loop_new();
		_exit(l && card_new(l, &cfg) ? 0 : 1);
	}
	waitpid(pid, NULL, 0);
}

static const char *nothing_left(void)
{
	static const char *const never[] = {
		"ip link show hold0",
		"ip link show wire0 | grep xdp",
		"tc qdisc show | grep clsact",
		"ip addr show lo | grep 10.77",
		"ip -6 addr show lo | grep fd77",
		"ip route | grep .",
		"ip -6 route | grep fd77",
		"ip neigh | grep PERMANENT",
	};
	char cmd[128];
	unsigned int i;

	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		snprintf(cmd, sizeof(cmd), "! { %s; } 2>/dev/null | sed 's/^/# /' | grep .",
			 never[i]);
		if (world_run(CARD, "%s", cmd))
			return never[i];
	}
	return NULL;
}

static int number, failed;

static bool report(const char *name, const char *err)
{
	number++;
	if (!err) {
		printf("ok %d %s\n", number, name);
		return true;
	}
	printf("# %s\nnot ok %d %s\n# ", err, number, name);
	card_status_json(host_card, stdout);
	putchar('\n');
	failed = 1;
	return false;	/* its threads and sockets still run */
}

int main(int argc, char **argv)
{
	const char *env = getenv("CARD_TEST_ROUNDS");
	int rounds = env ? atoi(env) : 25;
	const char *err;
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n");
	if (geteuid()) {
		printf("1..0 # SKIP needs root: namespaces, BPF\n");
		return 4;
	}
	if (getenv("CARD_TEST_DEBUG"))
		log_level = LOG_LEVEL_DEBUG;
	pattern_init();
	if (unshare(CLONE_NEWNET) || world_make()) {
		printf("1..1\nnot ok 1 setup\n");
		return 1;
	}
	killed_predecessor();
	if (host_init()) {
		printf("1..1\nnot ok 1 the card does not start\n");
		return 1;
	}
	for (i = 0; i < sizeof(loads) / sizeof(loads[0]) && !failed; i++)
		if (argc < 2 || strstr(loads[i].name, argv[1]))
			report(loads[i].name, run(&loads[i], rounds));
	for (i = 0; i < sizeof(behaviours) / sizeof(behaviours[0]) && !failed; i++)
		if (argc < 2 || strstr(behaviours[i].name, argv[1]))
			report(behaviours[i].name,
			       behaviours[i].run(behaviours[i].load));
	if (!failed) {
		host_exit();
		err = nothing_left();
		if (err)
			printf("# %s\n", err);
		printf("%sok %d nothing is left behind\n", err ? "not " : "",
		       ++number);
		failed = err != NULL;
	}
	printf("1..%d\n", number);
	return failed;
}
