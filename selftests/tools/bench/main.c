// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench: what the benchmarks run. The host is the client; between two marks for
 * the instruction counter (selftests/insn) it does one thing many times, pinned
 * to one CPU.
 *
 *	bench serve PORT			at the peer, until it is ended
 *	bench connect ADDRESS PORT COUNT	connect, wait for the peer's end, close
 *	bench send ADDRESS PORT BYTES
 *	bench receive ADDRESS PORT BYTES
 *	bench hold ADDRESS PORT COUNT		so many connections, which stay
 *
 * The first line that a client sends says what it wants: "send BLOCKS" and so on;
 * a connection that says nothing is closed by the peer at once, and so leaves no
 * TIME-WAIT at the host. Bytes go in blocks, each of which is answered by one
 * byte: so it is the same segments in each run, and not what the moment gives.
 *
 * While an answer is under way the client does not sleep but spins, in user
 * space, which is not counted. Else it would be chance how often the host falls
 * asleep and wakes up, and that costs more than what is to be measured.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCK		(44 * 1448)	/* goes as one segment to the card */
#define SPIN_NS		200000
#define SPIN_SENT_NS	600000
#define WARM_CONNECTS	50
#define WARM_BLOCKS	128

/* The tags are 1 and 2; see insn.c. */
#define MARK(tag) \
	__asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00, " #tag ", 0x00, 0x65, 0x70" \
			 ::: "memory")

static char block[BLOCK];
static bool spinning;

static int fail(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	return 1;
}

static void die(const char *what)
{
	exit(fail(what));
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void spin(uint64_t ns)
{
	uint64_t end = now_ns() + ns;

	while (now_ns() < end)
		;
}

static void write_all(int fd, const char *p, size_t n)
{
	ssize_t r;

	for (; n; p += r, n -= r) {
		r = write(fd, p, n);
		if (r < 0)
			die("write");
	}
}

static void read_all(int fd, size_t n)
{
	ssize_t r;

	for (; n; n -= r) {
		r = read(fd, block, n < BLOCK ? n : BLOCK);
		if (r == 0)
			errno = ECONNRESET;
		if (r <= 0)
			die("read");
	}
}

static void send_blocks(int fd, uint64_t n)
{
	for (; n; n--) {
		write_all(fd, block, BLOCK);
		if (spinning)
			spin(SPIN_SENT_NS);
		read_all(fd, 1);
	}
}

static void receive_blocks(int fd, uint64_t n)
{
	for (; n; n--) {
		if (spinning)
			spin(SPIN_NS);
		read_all(fd, BLOCK);
		write_all(fd, "", 1);
	}
}

static int any_socket(const char *address, const char *port,
		      struct sockaddr_storage *sa, socklen_t *len)
{
	struct sockaddr_in6 *v6 = (void *)sa;
	struct sockaddr_in *v4 = (void *)sa;
	int fd, one = 1;

	memset(sa, 0, sizeof(*sa));
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(atoi(port));
		*len = sizeof(*v4);
	} else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(atoi(port));
		*len = sizeof(*v6);
	} else {
		fprintf(stderr, "bench: '%s' is no address\n", address);
		exit(2);
	}
	fd = socket(sa->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static int dial(const char *address, const char *port)
{
	struct sockaddr_storage sa;
	socklen_t len;
	int fd = any_socket(address, port, &sa, &len);

	if (connect(fd, (struct sockaddr *)&sa, len))
		die("connect");
	return fd;
}

/* The client's wish; the peer does the opposite. */
static void serve_one(int fd)
{
	uint64_t blocks;
	char line[64];
	size_t n = 0;
	ssize_t r;

	do {
		r = read(fd, line + n, 1);
		if (r <= 0)
			return;
	} while (line[n] != '\n' && ++n < sizeof(line) - 1);
	line[n] = '\0';
	if (sscanf(line, "send %" SCNu64, &blocks) == 1)
		receive_blocks(fd, blocks);
	else if (sscanf(line, "receive %" SCNu64, &blocks) == 1)
		send_blocks(fd, blocks);
	else
		read(fd, line, 1);	/* until the client ends */
}

/* PORT: connections that are closed at once; PORT + 1 and PORT + 2: those with a
 * wish.
 */
static int listen_at(int port)
{
	struct sockaddr_in6 sa = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
	};
	int fd = socket(AF_INET6, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 4096))
		die("listen");
	return fd;
}

/* A child that ends with this process, whatever ends it: its ports are free then. */
static pid_t fork_bound(void)
{
	pid_t parent = getpid(), child = fork();

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return child;
}

static void serve_wishes(int listener)
{
	int fd, one = 1;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (!fork_bound()) {
			close(listener);
			serve_one(fd);
			_exit(0);
		}
		close(fd);
	}
	die("accept");
}

static int serve(const char *port)
{
	int first = atoi(port), at_once = listen_at(first), fd, i;

	signal(SIGCHLD, SIG_IGN);
	for (i = 1; i <= 2; i++) {
		int listener = listen_at(first + i);

		if (!fork_bound())
			serve_wishes(listener);
		close(listener);
	}
	puts("ready");
	fflush(stdout);
	while ((fd = accept(at_once, NULL, NULL)) >= 0)
		close(fd);
	return fail("accept");
}

static void connect_once(const char *address, const char *port)
{
	int fd = dial(address, port);
	char c;

	spin(SPIN_NS);
	if (read(fd, &c, 1))
		die("the peer's end");
	close(fd);
	spin(SPIN_NS);
}

static void connects(const char *address, const char *port, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < WARM_CONNECTS; i++)
		connect_once(address, port);
	MARK(1);
	for (i = 0; i < count; i++)
		connect_once(address, port);
	MARK(2);
}

static void transfer(const char *address, const char *port, const char *what,
		     uint64_t bytes)
{
	void (*move)(int fd, uint64_t blocks) =
		*what == 's' ? send_blocks : receive_blocks;
	uint64_t blocks = bytes / BLOCK;
	int fd = dial(address, port);

	dprintf(fd, "%s %" PRIu64 "\n", what, WARM_BLOCKS + blocks);
	move(fd, WARM_BLOCKS);
	MARK(1);
	move(fd, blocks);
	MARK(2);
	close(fd);
}

static void hold(const char *address, const char *port, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		dprintf(dial(address, port), "hold\n");
	puts("ready");
	fflush(stdout);
	pause();
}

int main(int argc, char **argv)
{
	cpu_set_t cpu;

	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(argv[2]);
	if (argc != 5) {
		fputs("usage: bench serve PORT | "
		      "{ connect | send | receive | hold } ADDRESS PORT NUMBER\n", stderr);
		return 2;
	}
	spinning = true;
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	if (sched_setaffinity(0, sizeof(cpu), &cpu))
		return fail("sched_setaffinity");
	memset(block, 'x', sizeof(block));
	if (!strcmp(argv[1], "connect"))
		connects(argv[2], argv[3], strtoul(argv[4], NULL, 0));
	else if (!strcmp(argv[1], "hold"))
		hold(argv[2], argv[3], strtoul(argv[4], NULL, 0));
	else
		transfer(argv[2], argv[3], argv[1], strtoull(argv[4], NULL, 0));
	return 0;
}
