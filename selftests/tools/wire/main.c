// SPDX-License-Identifier: GPL-2.0-only
/*
 * wire PORT TAP		(commands on standard input, answered by a line each)
 *
 *	set { to-host | to-peer } [KEY=N]...	what is wrong; what is not named is well
 *	counts				since the last time
 *	quit
 *
 * Keys, N of a million frames: loss, dup, reorder (they come late= us behind their
 * time), mark (as by a router that is full). delay= in us. mtu= of IP packets: what
 * is longer comes back as an ICMP error. narrow=: the window that the segments tell
 * changes its size, each time after so many us. hold=1: nothing goes through until the next set. seed=N.
 *
 * TAP is made, with the port's address. The port's own stack sees nothing while
 * this runs: a BPF program drops it all behind the packet socket.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "wire.h"

#define ROUND		64		/* frames of one side before the other's turn */
#define QUEUE_MAX	(256u << 20)	/* bytes on the way, each direction */
#define MILLION		1000000u

static struct side sides[DIRS];
static int port = -1, tap = -1;		/* to the host; to the peer */
static struct virtio_net_hdr port_vh[ROUND];
static uint8_t port_buf[ROUND][FRAME_MAX];

static int fail(const char *what)
{
	fprintf(stderr, "wire: %s: %s\n", what, strerror(errno));
	return -1;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* xorshift64*: one number for each frame and thing that may happen to it */
static bool drawn(struct side *s, uint32_t share)
{
	if (!share)
		return false;
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return (s->random * 0x2545f4914f6cdd1dull >> 33) % MILLION < share;
}

/* Out of the tool */

static void emit(enum dir dir, const struct virtio_net_hdr *vh, const uint8_t *data,
		 uint32_t len)
{
	struct iovec iov[2] = {
		{ (void *)vh, sizeof(*vh) }, { (void *)data, len }
	};

	while (writev(dir == TO_HOST ? port : tap, iov, 2) < 0) {
		struct pollfd p = { dir == TO_HOST ? port : tap, POLLOUT, 0 };

		if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR) {
			sides[dir].count.overrun++;
			return;
		}
		poll(&p, 1, 1);
	}
}

static void emit_due(enum dir dir, uint64_t now)
{
	struct side *s = &sides[dir];
	struct frame *f;

	while ((f = s->head) && f->due_ns <= now && !s->fault.hold) {
		s->head = f->next;
		if (!s->head)
			s->tail = NULL;
		s->bytes -= f->len;
		emit(dir, &f->vh, f->data, f->len);
		free(f);
	}
}

/* In the order of when they are due. Those that are due last are looked at first. */
static void queue(struct side *s, const struct virtio_net_hdr *vh, const uint8_t *data,
		  uint32_t len, uint64_t due)
{
	struct frame *f = s->bytes < QUEUE_MAX ? malloc(sizeof(*f) + len) : NULL;
	struct frame **at;

	if (!f) {
		s->count.overrun++;
		return;
	}
	f->due_ns = due;
	f->len = len;
	f->vh = *vh;
	memcpy(f->data, data, len);
	s->bytes += len;
	if (!s->tail || s->tail->due_ns <= due) {
		at = s->tail ? &s->tail->next : &s->head;
		s->tail = f;
	} else {
		for (at = &s->head; (*at)->due_ns <= due; at = &(*at)->next)
			;
	}
	f->next = *at;
	*at = f;
}

static void pass(enum dir dir, const struct virtio_net_hdr *vh, const uint8_t *data,
		 uint32_t len, uint64_t due)
{
	struct side *s = &sides[dir];

	if (!s->head && !s->fault.hold && due <= now_ns())
		emit(dir, vh, data, len);
	else
		queue(s, vh, data, len, due);
}

/* Into the tool */

static void answer_too_big(enum dir dir, const struct packet *p, const uint8_t *frame)
{
	struct virtio_net_hdr vh = { 0 };
	static uint8_t error[2048];

	pass(dir == TO_HOST ? TO_PEER : TO_HOST, &vh, error,
	     packet_too_big(p, frame, sides[dir].fault.mtu, error), now_ns());
}

static void frame_came(enum dir dir, struct virtio_net_hdr *vh, uint8_t *data,
		       uint32_t len)
{
	struct side *s = &sides[dir];
	const struct fault *f = &s->fault;
	uint64_t due = now_ns() + f->delay_us * 1000ull;
	struct packet p;
	bool known = packet_parse(&p, data, len);

	s->count.frames++;
	/* neighbours and the like are none of the matter */
	if (!known || !p.tcp) {
		pass(dir, vh, data, len, due);
		return;
	}
	if (f->mtu && p.ip_len > f->mtu && p.fragile) {
		s->count.too_big++;
		answer_too_big(dir, &p, data);
		return;
	}
	if (drawn(s, f->loss)) {
		s->count.lost++;
		return;
	}
	if (f->narrow_us)
		packet_narrow(s, &p, now_ns(), vh->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
	if (drawn(s, f->mark) && packet_mark(&p))
		s->count.marked++;
	packet_watch(s, &p);
	if (drawn(s, f->reorder)) {
		s->count.reordered++;
		due += f->late_us * 1000ull;
	}
	pass(dir, vh, data, len, due);
	if (drawn(s, f->dup)) {
		s->count.duplicated++;
		pass(dir, vh, data, len, due);
	}
}

static void read_port(void)
{
	struct mmsghdr msg[ROUND];
	struct iovec iov[ROUND][2];
	int i, n;

	memset(msg, 0, sizeof(msg));
	for (i = 0; i < ROUND; i++) {
		iov[i][0] = (struct iovec){ &port_vh[i], sizeof(port_vh[i]) };
		iov[i][1] = (struct iovec){ port_buf[i], FRAME_MAX };
		msg[i].msg_hdr.msg_iov = iov[i];
		msg[i].msg_hdr.msg_iovlen = 2;
	}
	n = recvmmsg(port, msg, ROUND, MSG_DONTWAIT, NULL);
	for (i = 0; i < n; i++)
		if (msg[i].msg_len > sizeof(port_vh[i]))
			frame_came(TO_PEER, &port_vh[i], port_buf[i],
				   msg[i].msg_len - (uint32_t)sizeof(port_vh[i]));
}

static void read_tap(void)
{
	struct iovec iov[2] = {
		{ &port_vh[0], sizeof(port_vh[0]) }, { port_buf[0], FRAME_MAX }
	};
	ssize_t n;
	int i;

	for (i = 0; i < ROUND; i++) {
		n = readv(tap, iov, 2);
		if (n <= (ssize_t)sizeof(port_vh[0]))
			return;
		frame_came(TO_HOST, &port_vh[0], port_buf[0],
			   (uint32_t)n - (uint32_t)sizeof(port_vh[0]));
	}
}

/* Words */

static uint32_t *key_of(struct fault *f, const char *name, size_t len)
{
	const struct { const char *name; uint32_t *value; } table[] = {
		{ "loss", &f->loss }, { "dup", &f->dup },
		{ "reorder", &f->reorder }, { "mark", &f->mark },
		{ "late", &f->late_us }, { "delay", &f->delay_us },
		{ "mtu", &f->mtu }, { "narrow", &f->narrow_us },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strlen(table[i].name) == len && !memcmp(table[i].name, name, len))
			return table[i].value;
	return NULL;
}

static int set(char *words)
{
	struct fault fault = { 0 };
	uint64_t seed = 1;
	char *word = strtok(words, " "), *eq;
	struct side *s;
	uint32_t *to;

	if (!word || (strcmp(word, "to-host") && strcmp(word, "to-peer")))
		return -1;
	s = &sides[strcmp(word, "to-host") ? TO_PEER : TO_HOST];
	while ((word = strtok(NULL, " "))) {
		eq = strchr(word, '=');
		if (!eq)
			return -1;
		to = key_of(&fault, word, (size_t)(eq - word));
		if (to)
			*to = (uint32_t)strtoul(eq + 1, NULL, 10);
		else if (!strncmp(word, "hold=", 5))
			fault.hold = atoi(eq + 1);
		else if (!strncmp(word, "seed=", 5))
			seed = strtoull(eq + 1, NULL, 10);
		else
			return -1;
	}
	s->fault = fault;
	s->random = (seed + 1) * 0x9e3779b97f4a7c15ull;
	return 0;
}

static void say_counts(void)
{
	static const char * const names[DIRS] = { "to_host", "to_peer" };

	printf("ok");
	for (int d = 0; d < DIRS; d++) {
		const struct count *c = &sides[d].count;
		const struct { const char *name; uint64_t n; } table[] = {
			{ "frames", c->frames }, { "lost", c->lost },
			{ "duplicated", c->duplicated }, { "reordered", c->reordered },
			{ "marked", c->marked }, { "too_big", c->too_big },
			{ "narrowed", c->narrowed }, { "shrunk", c->shrunk },
			{ "wraps", c->wraps }, { "overrun", c->overrun },
		};

		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
			printf(" %s_%s=%llu", names[d], table[i].name,
			       (unsigned long long)table[i].n);
		memset(&sides[d].count, 0, sizeof(sides[d].count));
	}
	putchar('\n');
}

/* Return: false when it is time to end. */
static bool command(void)
{
	char line[512];

	if (!fgets(line, sizeof(line), stdin) || !strncmp(line, "quit", 4))
		return false;
	line[strcspn(line, "\n")] = 0;
	if (!strcmp(line, "counts"))
		say_counts();
	else if (!strncmp(line, "set ", 4) && !set(line + 4))
		puts("ok");
	else
		printf("error usage: set { to-host | to-peer } [KEY=N]... | counts | quit\n");
	return true;
}

/* How long nothing will have to be done; -1 for ever */
static int idle(struct timespec *ts)
{
	uint64_t now = now_ns(), first = UINT64_MAX;

	for (int d = 0; d < DIRS; d++)
		if (sides[d].head && !sides[d].fault.hold && sides[d].head->due_ns < first)
			first = sides[d].head->due_ns;
	if (first == UINT64_MAX)
		return -1;
	first = first > now ? first - now : 0;
	ts->tv_sec = (time_t)(first / 1000000000);
	ts->tv_nsec = (long)(first % 1000000000);
	return 0;
}

static void run(void)
{
	struct pollfd p[3] = {
		{ STDIN_FILENO, POLLIN, 0 }, { port, POLLIN, 0 }, { tap, POLLIN, 0 },
	};
	struct timespec ts;

	for (;;) {
		int some = idle(&ts);

		if (ppoll(p, 3, some < 0 ? NULL : &ts, NULL) < 0 && errno != EINTR)
			return;
		if (p[1].revents)
			read_port();
		if (p[2].revents)
			read_tap();
		if (p[0].revents && !command())
			return;
		emit_due(TO_HOST, now_ns());
		emit_due(TO_PEER, now_ns());
	}
}

/* Begin. What is made here goes with the process. */

static int open_port(unsigned int ifindex)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET, .sll_protocol = htobe16(ETH_P_ALL),
		.sll_ifindex = (int)ifindex,
	};
	struct packet_mreq mr = { .mr_ifindex = (int)ifindex, .mr_type = PACKET_MR_PROMISC };
	int one = 1, big = 64 << 20;

	port = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (port < 0)
		return fail("packet socket");
	if (setsockopt(port, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) ||
	    setsockopt(port, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
	    setsockopt(port, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big)) ||
	    setsockopt(port, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big)) ||
	    setsockopt(port, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mr, sizeof(mr)) ||
	    bind(port, (struct sockaddr *)&ll, sizeof(ll)))
		return fail("packet socket");
	return 0;
}

static int drop_all(unsigned int ifindex)
{
	static const struct bpf_insn all[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = TC_ACT_SHOT },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int prog = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "wire", "GPL", all, 2, NULL);

	if (prog < 0)
		return fail("BPF");
	if (bpf_link_create(prog, (int)ifindex, BPF_TCX_INGRESS, NULL) < 0)
		return fail("BPF at the port");
	return 0;
}

static int open_tap(const char *name, const char *like)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (s < 0 || tap < 0 || ioctl(tap, TUNSETIFF, &ifr) < 0)
		return fail(name);
	/* no large frames, and checksums finished */
	if (ioctl(tap, TUNSETOFFLOAD, 0) < 0)
		return fail(name);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", like);
	if (ioctl(s, SIOCGIFHWADDR, &ifr) < 0)
		return fail(like);
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(s, SIOCSIFHWADDR, &ifr) < 0)
		return fail(name);
	ifr.ifr_qlen = 16384;
	if (ioctl(s, SIOCSIFTXQLEN, &ifr) < 0)
		return fail(name);
	close(s);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int ifindex = argc == 3 ? if_nametoindex(argv[1]) : 0;

	if (!ifindex) {
		fprintf(stderr, "Usage: wire PORT TAP	(commands on standard input)\n");
		return 2;
	}
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int d = 0; d < DIRS; d++)
		sides[d].random = 1;
	if (open_tap(argv[2], argv[1]) || open_port(ifindex) || drop_all(ifindex))
		return 1;
	puts("ok");
	run();
	return 0;
}
