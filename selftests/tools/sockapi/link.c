// SPDX-License-Identifier: GPL-2.0-only
/*
 * What cases are written in: the connection, the peer, and what was seen.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "sockapi.h"

#define PATIENCE_MS	20000

static unsigned int orders;

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fflush(stdout);
	fputs("sockapi: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

void saw(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("  ");
	vprintf(fmt, ap);
	putchar('\n');
	fflush(stdout);
	va_end(ap);
}

const char *error_name(int err)
{
	return err ? strerrorname_np(err) : "0";
}

static void vorder(struct conn *c, const char *fmt, va_list ap)
{
	vfprintf(c->to, fmt, ap);
	fputc('\n', c->to);
	fflush(c->to);
	orders++;
}

void order(struct conn *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vorder(c, fmt, ap);
	va_end(ap);
}

const char *answered(struct conn *c)
{
	static char line[128] = "nothing was asked\n";

	for (; orders; orders--)
		if (!fgets(line, sizeof(line), c->from))
			die("the peer does not answer");
	line[strcspn(line, "\n")] = 0;
	return line;
}

const char *peer(struct conn *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vorder(c, fmt, ap);
	va_end(ap);
	return answered(c);
}

void fill(struct conn *c, uint8_t *buf, size_t len)
{
	pattern_fill(buf, len, c->sent, SEED_HOST);
}

void check(struct conn *c, const uint8_t *buf, size_t len)
{
	size_t right = pattern_check(buf, len, c->received, SEED_PEER);

	if (right != len)
		saw("WRONG BYTE at %llu", (unsigned long long)c->received + right);
	c->received += len;
}

void send_all(struct conn *c, size_t len, int flags)
{
	uint8_t *buf = malloc(len);
	size_t done = 0;
	ssize_t n;

	fill(c, buf, len);
	while (done < len) {
		n = send(c->fd, buf + done, len - done, flags | MSG_NOSIGNAL);
		if (n < 0) {
			saw("send: %s", error_name(errno));
			break;
		}
		done += n;
	}
	c->sent += done;
	free(buf);
}

int send_until_full(struct conn *c, int flags)
{
	static uint8_t buf[65536];
	ssize_t n;

	for (;;) {
		fill(c, buf, sizeof(buf));
		n = send(c->fd, buf, sizeof(buf), flags | MSG_NOSIGNAL);
		if (n < 0)
			return errno;
		c->sent += n;
	}
}

void order_all(struct conn *c)
{
	order(c, "recv %llu", (unsigned long long)(c->sent - c->before));
}

void saw_all(struct conn *c)
{
	saw("the peer gets all: %d",
	    strtoull(answered(c), NULL, 10) == c->sent - c->before);
}

void receive_all(struct conn *c, size_t len, int flags)
{
	uint8_t *buf = malloc(len);
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = recv(c->fd, buf + done, len - done, flags);
		if (n <= 0) {
			saw("recv: %s", n ? error_name(errno) : "end");
			break;
		}
		done += n;
	}
	check(c, buf, done);
	free(buf);
}

void own_pair(struct conn *c, int *from, int *to)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	int listener;

	if (getsockname(c->fd, (struct sockaddr *)&addr, &len))
		die("getsockname: %s", strerror(errno));
	/* the port is at one place in both families */
	((struct sockaddr_in *)&addr)->sin_port = 0;
	listener = socket(addr.ss_family, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&addr, len) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&addr, &len))
		die("listen: %s", strerror(errno));
	*from = socket(addr.ss_family, SOCK_STREAM, 0);
	saw("connect: %s",
	    error_name(connect(*from, (struct sockaddr *)&addr, len) ? errno : 0));
	*to = accept(listener, NULL, NULL);
	close(listener);
}

static int queued(int fd, unsigned long request)
{
	int n = -1;

	if (ioctl(fd, request, &n))
		die("ioctl: %s", strerror(errno));
	return n;
}

void wait_inq(struct conn *c, int bytes)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	while (queued(c->fd, SIOCINQ) < bytes && now_ms() < end)
		pause_ms(2);
}

void wait_acked(struct conn *c)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	while (queued(c->fd, SIOCOUTQ) && now_ms() < end)
		pause_ms(2);
}

void set(struct conn *c, int level, int name, int value)
{
	if (setsockopt(c->fd, level, name, &value, sizeof(value)))
		saw("setsockopt %d %d: %s", level, name, error_name(errno));
}

int get(struct conn *c, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = 0;

	if (getsockopt(c->fd, level, name, &value, &len))
		saw("getsockopt %d %d: %s", level, name, error_name(errno));
	return value;
}

uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

void pause_ms(unsigned int ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}
