// SPDX-License-Identifier: GPL-2.0-only
/* The same by io_uring: sending, receiving, without a copy, and thinking again. */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sockapi.h"

#define ENTRIES		64
#define PATIENCE_S	20
#define MUCH		(32 << 20)

/* What a request is known by, in its completion */
enum { SEND = 1, RECV, CANCEL };

static uint8_t out[1 << 20], in[1 << 20];

static void ring_open(struct io_uring *ring)
{
	int err = io_uring_queue_init(ENTRIES, ring, 0);

	if (err)
		die("io_uring: %s", strerror(-err));
}

static struct io_uring_sqe *request(struct io_uring *ring, int name)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	if (!sqe)
		die("io_uring: no place for a request");
	/* What prepares it leaves this alone. */
	io_uring_sqe_set_data64(sqe, name);
	return sqe;
}

struct completion {
	uint64_t name;
	int res;
	unsigned int flags;
};

/* The next one */
static struct completion next(struct io_uring *ring)
{
	struct __kernel_timespec patience = { .tv_sec = PATIENCE_S };
	struct completion done;
	struct io_uring_cqe *cqe;
	int err = io_uring_wait_cqe_timeout(ring, &cqe, &patience);

	if (err)
		die("io_uring: no completion: %s", strerror(-err));
	done.name = cqe->user_data;
	done.res = cqe->res;
	done.flags = cqe->flags;
	io_uring_cqe_seen(ring, cqe);
	return done;
}

/* Both ways at once, until all is there; requests may do less than was asked. */
static void uring(struct conn *c)
{
	size_t want = 3000000, sent = 0, received = 0;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	bool sending = false, receiving = false;

	ring_open(&ring);
	order(c, "pieces 3000 1000 0");
	order(c, "recv %zu", want);
	while (sent < want || received < want) {
		struct completion cqe;

		if (!sending && sent < want) {
			size_t len = want - sent < sizeof(out) ? want - sent : sizeof(out);

			fill(c, out, len);
			sqe = request(&ring, SEND);
			io_uring_prep_send(sqe, c->fd, out, len, MSG_NOSIGNAL);
			sending = true;
		}
		if (!receiving && received < want) {
			sqe = request(&ring, RECV);
			io_uring_prep_recv(sqe, c->fd, in, sizeof(in), 0);
			receiving = true;
		}
		io_uring_submit(&ring);
		cqe = next(&ring);
		if (cqe.res <= 0) {
			saw("request %llu: %s", (unsigned long long)cqe.name,
			    error_name(-cqe.res));
			break;
		}
		if (cqe.name == SEND) {
			c->sent += cqe.res;
			sent += cqe.res;
			sending = false;
		} else {
			check(c, in, cqe.res);
			received += cqe.res;
			receiving = false;
		}
	}
	saw("sent %zu, received %zu, the peer: %s", sent, received, answered(c));
	io_uring_queue_exit(&ring);
}

/* One behind the other: the second begins when the first is done. */
static void uring_linked(struct conn *c)
{
	struct io_uring_sqe *sqe;
	struct io_uring ring;

	ring_open(&ring);
	order(c, "recv 300000");
	order(c, "send 200000");
	fill(c, out, 300000);
	sqe = request(&ring, SEND);
	io_uring_prep_send(sqe, c->fd, out, 300000, MSG_NOSIGNAL | MSG_WAITALL);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	sqe = request(&ring, RECV);
	io_uring_prep_recv(sqe, c->fd, in, 200000, MSG_WAITALL);
	io_uring_submit(&ring);
	for (int i = 0; i < 2; i++) {
		struct completion cqe = next(&ring);

		saw("%s: %d", cqe.name == SEND ? "send" : "recv", cqe.res);
		if (cqe.name == SEND && cqe.res > 0)
			c->sent += cqe.res;
		else if (cqe.res > 0)
			check(c, in, cqe.res);
	}
	saw("the peer: %s", answered(c));
	io_uring_queue_exit(&ring);
}

/* Without a copy: a completion says what was taken, a later one that the memory is
 * the application's again. The second half is from a registered buffer.
 */
static void uring_zerocopy(struct conn *c)
{
	struct iovec iov = { .iov_base = out, .iov_len = sizeof(out) };
	unsigned int calls = 16, done = 0, notes = 0, early = 0, len = 65536;
	size_t taken = 0;
	struct io_uring ring;

	ring_open(&ring);
	if (io_uring_register_buffers(&ring, &iov, 1))
		die("io_uring: buffers cannot be registered");
	fill(c, out, calls * len);
	order(c, "recv %u", calls * len);
	for (unsigned int i = 0; i < calls; i++) {
		struct io_uring_sqe *sqe = request(&ring, SEND);
		int flags = MSG_NOSIGNAL | MSG_WAITALL;

		if (i < calls / 2)
			io_uring_prep_send_zc(sqe, c->fd, out + i * len, len, flags, 0);
		else
			io_uring_prep_send_zc_fixed(sqe, c->fd, out + i * len, len, flags,
						    0, 0);
		io_uring_submit(&ring);
		/* One at a time, for the order; the notes come when they like. */
		while (done <= i) {
			struct completion cqe = next(&ring);

			if (cqe.flags & IORING_CQE_F_NOTIF) {
				notes++;
				continue;
			}
			if (cqe.res < 0)
				saw("send %u: %s", i, error_name(-cqe.res));
			else
				taken += cqe.res;
			/* None follows: there will be no note. */
			if (!(cqe.flags & IORING_CQE_F_MORE))
				early++;
			done++;
		}
	}
	c->sent += taken;
	saw("taken: %zu, the peer: %s", taken, answered(c));
	while (notes + early < calls)
		notes += !!(next(&ring).flags & IORING_CQE_F_NOTIF);
	saw("given back: %u, without a note %u", notes, early);
	memset(out, 0, sizeof(out));
	io_uring_queue_exit(&ring);
}

/* One request that receives again and again, into buffers of a ring */
static void uring_multishot(struct conn *c)
{
	unsigned int bufs = 32, len = 8192, i;
	struct io_uring_buf_ring *ring_bufs;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	size_t received = 0;
	int err;

	ring_open(&ring);
	ring_bufs = io_uring_setup_buf_ring(&ring, bufs, 0, 0, &err);
	if (!ring_bufs)
		die("io_uring: no ring of buffers: %s", strerror(-err));
	for (i = 0; i < bufs; i++)
		io_uring_buf_ring_add(ring_bufs, in + i * len, len, i,
				      io_uring_buf_ring_mask(bufs), i);
	io_uring_buf_ring_advance(ring_bufs, bufs);
	order(c, "pieces 1000 1000 0");
	order(c, "shutdown");
	for (bool armed = false;;) {
		struct completion cqe;

		if (!armed) {
			sqe = request(&ring, RECV);
			io_uring_prep_recv_multishot(sqe, c->fd, NULL, 0, 0);
			io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
			sqe->buf_group = 0;
			io_uring_submit(&ring);
		}
		cqe = next(&ring);
		armed = cqe.flags & IORING_CQE_F_MORE;
		/* Not one buffer was free: ask again. */
		if (cqe.res == -ENOBUFS)
			continue;
		if (cqe.res <= 0) {
			saw("then: %s", cqe.res ? error_name(-cqe.res) : "end");
			break;
		}
		i = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
		check(c, in + i * len, cqe.res);
		received += cqe.res;
		io_uring_buf_ring_add(ring_bufs, in + i * len, len, i,
				      io_uring_buf_ring_mask(bufs), 0);
		io_uring_buf_ring_advance(ring_bufs, 1);
	}
	saw("received: %zu, the peer: %s", received, answered(c));
	order(c, "recv 100000");
	send_all(c, 100000, 0);
	saw("the peer: %s", answered(c));
	io_uring_free_buf_ring(&ring, ring_bufs, bufs, 0);
	io_uring_queue_exit(&ring);
}

/* A request that waits is taken back; nothing of the stream is lost by that. */
static void uring_cancel(struct conn *c)
{
	uint8_t *much = malloc(MUCH);
	struct io_uring_sqe *sqe;
	struct io_uring ring;

	ring_open(&ring);
	for (int round = 0; round < 5; round++) {
		sqe = request(&ring, RECV);
		io_uring_prep_recv(sqe, c->fd, in, 1000, 0);
		io_uring_submit(&ring);
		pause_ms(20);
		sqe = request(&ring, CANCEL);
		io_uring_prep_cancel64(sqe, RECV, 0);
		io_uring_submit(&ring);
		for (int i = 0; i < 2; i++) {
			struct completion cqe = next(&ring);

			/* Of two completions either may be the first. */
			if (cqe.name == RECV)
				saw("recv: %s", error_name(-cqe.res));
			else if (cqe.res)
				saw("cancel: %s", error_name(-cqe.res));
		}
		order(c, "send 1000");
		receive_all(c, 1000, 0);
		answered(c);
	}
	/* More than all buffers on the way hold, and the peer does not read */
	fill(c, much, MUCH);
	sqe = request(&ring, SEND);
	io_uring_prep_send(sqe, c->fd, much, MUCH, MSG_NOSIGNAL | MSG_WAITALL);
	io_uring_submit(&ring);
	pause_ms(50);
	sqe = request(&ring, CANCEL);
	io_uring_prep_cancel_fd(sqe, c->fd, 0);
	io_uring_submit(&ring);
	for (int i = 0; i < 2; i++) {
		struct completion cqe = next(&ring);

		if (cqe.name == SEND) {
			saw("send: not all of it %d", cqe.res < MUCH);
			if (cqe.res > 0)
				c->sent += cqe.res;
		}
	}
	order_all(c);
	saw_all(c);
	io_uring_queue_exit(&ring);
	free(much);
}

const struct api_case uring_cases[] = {
	{ "uring",		uring },
	{ "uring-linked",	uring_linked },
	{ "uring-zerocopy",	uring_zerocopy },
	{ "uring-multishot",	uring_multishot },
	{ "uring-cancel",	uring_cancel },
	{},
};
