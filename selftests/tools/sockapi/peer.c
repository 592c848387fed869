// SPDX-License-Identifier: GPL-2.0-only
/*
 * The peer: does what the lines on the control connection say, one after the other,
 * and answers each with a line.
 *
 *	accept			takes the case's connection
 *	send N			sends N bytes of the pattern
 *	pieces N LEN MS		N pieces of LEN bytes, MS milliseconds between them
 *	recv N			receives N bytes
 *	recv-eof		receives until the end; "N eof" or "N ERROR"
 *	oob CHAR		sends a byte of urgent data
 *	oob-wait		receives until urgent data came; says the byte
 *	wait MS
 *	shutdown		closes its direction
 *	close
 *	reset			closes with a RST
 *	echo MS			receives for so long, then sends all of it back; says how
 *				many bytes they were, and a sum
 *	cut, uncut		drops all packets of the connection, or none any more
 *
 * Wrong bytes are said: "wrong at N".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sockapi.h"

struct peer {
	int listener;
	int fd;
	FILE *to, *from;
	uint64_t sent;
	uint64_t received;
	char port[6];	/* the case's, at the host */
};

static uint8_t buf[256 * 1024];

static int listen_on(const char *addr, const char *port)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	}, *ai;
	int fd, one = 1;

	if (getaddrinfo(addr, port, &hints, &ai))
		die("'%s' port '%s' is no address", addr, port);
	fd = socket(ai->ai_family, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, 16))
		die("listen on %s port %s: %s", addr, port, strerror(errno));
	freeaddrinfo(ai);
	return fd;
}

static const char *do_accept(struct peer *p)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);

	if (p->fd >= 0)
		close(p->fd);
	p->fd = accept(p->listener, (struct sockaddr *)&from, &len);
	p->sent = 0;
	p->received = 0;
	if (p->fd < 0)
		return error_name(errno);
	getnameinfo((struct sockaddr *)&from, len, NULL, 0, p->port, sizeof(p->port),
		    NI_NUMERICSERV);
	return "ok";
}

static const char *do_send(struct peer *p, uint64_t n)
{
	while (n) {
		size_t len = n < sizeof(buf) ? n : sizeof(buf);
		ssize_t done;

		pattern_fill(buf, len, p->sent, SEED_PEER);
		done = send(p->fd, buf, len, MSG_NOSIGNAL);
		if (done < 0)
			return error_name(errno);
		p->sent += done;
		n -= done;
	}
	return "ok";
}

static const char *do_pieces(struct peer *p, unsigned int n, uint64_t len, unsigned int ms)
{
	const char *err = "ok";

	while (n-- && !strcmp(err, "ok")) {
		err = do_send(p, len);
		pause_ms(ms);
	}
	return err;
}

/* Receives up to @n bytes, or to the end. */
static const char *do_recv(struct peer *p, uint64_t n)
{
	static char text[64];
	const char *end = "ok";
	uint64_t before = p->received;

	while (n) {
		size_t len = n < sizeof(buf) ? n : sizeof(buf);
		ssize_t done = recv(p->fd, buf, len, 0);
		size_t right;

		if (done <= 0) {
			end = done ? error_name(errno) : "eof";
			break;
		}
		right = pattern_check(buf, done, p->received, SEED_HOST);
		if (right != (size_t)done) {
			snprintf(text, sizeof(text), "wrong at %llu",
				 (unsigned long long)p->received + right);
			return text;
		}
		p->received += done;
		n -= done;
	}
	snprintf(text, sizeof(text), "%llu %s", (unsigned long long)(p->received - before), end);
	return text;
}

/* Urgent data is out of line; the bytes around it are the pattern. */
static const char *do_oob_wait(struct peer *p)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLPRI };
	static char text[2];

	if (poll(&pfd, 1, 5000) != 1)
		return "none came";
	if (recv(p->fd, text, 1, MSG_OOB) != 1)
		return error_name(errno);
	return text;
}

static const char *do_echo(struct peer *p, unsigned int ms)
{
	static uint8_t kept[1 << 20];
	static char text[64];
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };
	size_t len = 0, done = 0, i;
	uint32_t sum = 0;
	ssize_t n;

	while (len < sizeof(kept) && poll(&pfd, 1, ms) == 1) {
		n = recv(p->fd, kept + len, sizeof(kept) - len, 0);
		if (n <= 0)
			break;
		len += n;
	}
	for (i = 0; i < len; i++)
		sum = (sum << 5 | sum >> 27) + kept[i];
	snprintf(text, sizeof(text), "%zu %08x", len, sum);
	for (; done < len; done += n) {
		n = send(p->fd, kept + done, len - done, MSG_NOSIGNAL);
		if (n < 0)
			return error_name(errno);
	}
	return text;
}

static const char *do_close(struct peer *p, bool reset)
{
	struct linger linger = { .l_onoff = 1 };

	if (reset)
		setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(p->fd);
	p->fd = -1;
	return "ok";
}

/* The firewall of this network namespace, a table of our own: others of us are beside us. */
static const char *do_cut(struct peer *p, bool cut)
{
	char command[512];

	snprintf(command, sizeof(command), "nft destroy table inet sockapi-%d 2>/dev/null",
		 getpid());
	if (cut)
		snprintf(command, sizeof(command),
			 "nft -f - <<'E'\n"
			 "table inet sockapi-%d {\n"
			 "chain i { type filter hook input priority 0; tcp sport %s drop; }\n"
			 "chain o { type filter hook output priority 0; tcp dport %s drop; }\n"
			 "}\nE", getpid(), p->port, p->port);
	return system(command) ? "nft failed" : "ok";
}

static const char *obey(struct peer *p, const char *line)
{
	unsigned long long n, len;
	unsigned int ms;
	char c;

	if (!strcmp(line, "accept"))
		return do_accept(p);
	if (sscanf(line, "send %llu", &n) == 1)
		return do_send(p, n);
	if (sscanf(line, "pieces %llu %llu %u", &n, &len, &ms) == 3)
		return do_pieces(p, n, len, ms);
	if (sscanf(line, "recv %llu", &n) == 1)
		return do_recv(p, n);
	if (!strcmp(line, "recv-eof"))
		return do_recv(p, UINT64_MAX);
	if (sscanf(line, "oob %c", &c) == 1)
		return send(p->fd, &c, 1, MSG_OOB) == 1 ? "ok" : error_name(errno);
	if (!strcmp(line, "oob-wait"))
		return do_oob_wait(p);
	if (sscanf(line, "wait %u", &ms) == 1) {
		pause_ms(ms);
		return "ok";
	}
	if (!strcmp(line, "shutdown"))
		return shutdown(p->fd, SHUT_WR) ? error_name(errno) : "ok";
	if (!strcmp(line, "close"))
		return do_close(p, false);
	if (!strcmp(line, "reset"))
		return do_close(p, true);
	if (sscanf(line, "echo %u", &ms) == 1)
		return do_echo(p, ms);
	if (!strcmp(line, "cut"))
		return do_cut(p, true);
	if (!strcmp(line, "uncut"))
		return do_cut(p, false);
	return "what?";
}

static void serve(struct peer *p)
{
	char line[128];

	while (fgets(line, sizeof(line), p->from)) {
		line[strcspn(line, "\n")] = 0;
		fprintf(p->to, "%s\n", obey(p, line));
		fflush(p->to);
	}
	if (p->fd >= 0)
		close(p->fd);
	do_cut(p, false);
}

int run_peer(const char *addr, const char *port)
{
	struct peer p = { .fd = -1 };
	char next[16];
	int ctl, fd;

	snprintf(next, sizeof(next), "%d", atoi(port) + CASE_PORTS);
	ctl = listen_on(addr, port);
	p.listener = listen_on(addr, next);
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		fd = accept(ctl, NULL, NULL);
		if (fd < 0)
			die("accept: %s", strerror(errno));
		p.from = fdopen(fd, "r");
		p.to = fdopen(dup(fd), "w");
		serve(&p);
		fclose(p.from);
		fclose(p.to);
		p.fd = -1;
	}
}
