// SPDX-License-Identifier: GPL-2.0-only
/* Bytes that are moved without a copy, or from file to socket and back. */
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>
#include "sockapi.h"

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY	60
#endif
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY	0x4000000
#endif

#define ZC_CALLS	16
#define ZC_LEN		65536

/* One more range of sends is done. Returns the first that is not. */
static unsigned int completed(struct conn *c, unsigned int next)
{
	char control[128];
	struct msghdr msg = { .msg_control = control, .msg_controllen = sizeof(control) };
	struct pollfd pfd = { .fd = c->fd };
	struct sock_extended_err *e;
	struct cmsghdr *cm;

	if (poll(&pfd, 1, 5000) != 1 || recvmsg(c->fd, &msg, MSG_ERRQUEUE) < 0) {
		saw("completion: %s", error_name(errno));
		return ZC_CALLS;
	}
	cm = CMSG_FIRSTHDR(&msg);
	e = (struct sock_extended_err *)CMSG_DATA(cm);
	if (e->ee_origin != SO_EE_ORIGIN_ZEROCOPY || e->ee_errno || e->ee_info != next)
		saw("completion: origin %u error %u from %u, not %u", e->ee_origin,
		    e->ee_errno, e->ee_info, next);
	return e->ee_data + 1;
}

static void zerocopy_send(struct conn *c)
{
	uint8_t *buf = mmap(NULL, ZC_CALLS * ZC_LEN, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int i, next = 0;

	set(c, SOL_SOCKET, SO_ZEROCOPY, 1);
	set(c, SOL_SOCKET, SO_SNDBUF, 4 << 20);
	fill(c, buf, ZC_CALLS * ZC_LEN);
	order(c, "recv %d", ZC_CALLS * ZC_LEN);
	for (i = 0; i < ZC_CALLS; i++) {
		ssize_t n = send(c->fd, buf + i * ZC_LEN, ZC_LEN, MSG_ZEROCOPY);

		if (n != ZC_LEN)
			saw("send %u: %zd %s", i, n, error_name(n < 0 ? errno : 0));
	}
	c->sent += ZC_CALLS * ZC_LEN;
	saw("the peer: %s", answered(c));
	while (next < ZC_CALLS)
		next = completed(c, next);
	saw("completed: %u", next);
	/* The memory is the application's again. */
	memset(buf, 0, ZC_CALLS * ZC_LEN);
	munmap(buf, ZC_CALLS * ZC_LEN);
}

static void zerocopy_receive(struct conn *c)
{
	size_t room = 1 << 20, got = 0, want = 1000000;
	uint8_t *map, *copy = malloc(room);
	uint64_t end = now_ms() + 10000;

	map = mmap(NULL, room, PROT_READ, MAP_SHARED, c->fd, 0);
	if (map == MAP_FAILED) {
		saw("mmap: %s", error_name(errno));
		free(copy);
		return;
	}
	order(c, "send %zu", want);
	while (got < want && now_ms() < end) {
		struct tcp_zerocopy_receive zc = {
			.address = (uintptr_t)map,
			.length = room,
			.copybuf_address = (uintptr_t)copy,
			.copybuf_len = room,
		};
		socklen_t len = sizeof(zc);

		wait_inq(c, 1);
		if (getsockopt(c->fd, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &zc, &len)) {
			saw("TCP_ZEROCOPY_RECEIVE: %s", error_name(errno));
			break;
		}
		check(c, map, zc.length);
		check(c, copy, zc.copybuf_len);
		got += zc.length + zc.copybuf_len;
		if (zc.recv_skip_hint) {
			size_t skip = zc.recv_skip_hint;

			if (skip > want - got)
				skip = want - got;
			receive_all(c, skip, 0);
			got += skip;
		}
	}
	answered(c);
	saw("received: %zu", got);
	munmap(map, room);
	free(copy);
}

static int pattern_file(struct conn *c, size_t len)
{
	uint8_t *buf = malloc(len);
	int fd = memfd_create("pattern", MFD_CLOEXEC);

	fill(c, buf, len);
	if (write(fd, buf, len) != (ssize_t)len)
		die("memfd: %s", strerror(errno));
	lseek(fd, 0, SEEK_SET);
	free(buf);
	return fd;
}

static void send_file(struct conn *c)
{
	size_t len = 3000000, done = 0;
	int fd = pattern_file(c, len);
	ssize_t n;

	order(c, "recv %zu", len);
	while (done < len && (n = sendfile(c->fd, fd, NULL, 77777)) > 0)
		done += n;
	c->sent += done;
	saw("sendfile: %zu, the peer: %s", done, answered(c));
	close(fd);
}

/* File, pipe, socket; with a pipe of one page and one that is large */
static void splice_out_by(struct conn *c, int pipe_size, size_t step)
{
	size_t len = 1000000, done = 0;
	int fd = pattern_file(c, len), fds[2];
	ssize_t n, m;

	if (pipe(fds))
		die("pipe: %s", strerror(errno));
	fcntl(fds[1], F_SETPIPE_SZ, pipe_size);
	order(c, "recv %zu", len);
	while (done < len && (n = splice(fd, NULL, fds[1], NULL, step, 0)) > 0)
		for (; n > 0; n -= m) {
			m = splice(fds[0], NULL, c->fd, NULL, n, SPLICE_F_MORE);
			if (m <= 0)
				die("splice: %s", strerror(errno));
			done += m;
		}
	c->sent += done;
	saw("splice out: %zu, the peer: %s", done, answered(c));
	close(fds[0]);
	close(fds[1]);
	close(fd);
}

/* Socket, pipe, file; @twice: also from a copy of the pipe that tee made */
static void splice_in_by(struct conn *c, int pipe_size, size_t step, bool twice)
{
	size_t len = 1000000, done = 0;
	uint8_t *buf = malloc(len);
	int fds[2], other[2];
	ssize_t n, m, k;

	if (pipe(fds) || pipe(other))
		die("pipe: %s", strerror(errno));
	fcntl(fds[1], F_SETPIPE_SZ, pipe_size);
	fcntl(other[1], F_SETPIPE_SZ, pipe_size);
	order(c, "send %zu", len);
	while (done < len) {
		n = splice(c->fd, NULL, fds[1], NULL, step, 0);
		if (n <= 0) {
			saw("splice: %s", n ? error_name(errno) : "end");
			break;
		}
		m = n;
		if (twice) {
			uint64_t at = c->received;

			m = tee(fds[0], other[1], n, 0);
			k = m > 0 ? read(other[0], buf, m) : 0;
			check(c, buf, k > 0 ? k : 0);
			c->received = at;
		}
		for (; n > 0; n -= k) {
			k = read(fds[0], buf, n);
			if (k <= 0)
				die("pipe: %s", strerror(errno));
			check(c, buf, k);
			done += k;
		}
	}
	answered(c);
	saw("splice in: %zu", done);
	close(fds[0]);
	close(fds[1]);
	close(other[0]);
	close(other[1]);
	free(buf);
}

static void splices(struct conn *c)
{
	splice_out_by(c, 4096, 4096);
	splice_out_by(c, 1 << 20, 333333);
	splice_out_by(c, 65536, 1000);
	splice_in_by(c, 4096, 4096, false);
	splice_in_by(c, 1 << 20, 333333, false);
	splice_in_by(c, 65536, 1000, false);
	splice_in_by(c, 65536, 20000, true);
}

const struct api_case copy_cases[] = {
	{ "zerocopy-send",	zerocopy_send },
	{ "zerocopy-receive",	zerocopy_receive },
	{ "sendfile",		send_file },
	{ "splice",		splices },
	{},
};
