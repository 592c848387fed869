// SPDX-License-Identifier: GPL-2.0-only
/* Jobs that move bytes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "actor.h"
#include "pattern.h"

#define MAX_CHUNK	(256u << 10)

static void sleep_until(uint64_t ns)
{
	struct timespec ts = { ns / 1000000000, ns % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static uint32_t chunk_of(const struct order *o, unsigned int *seed)
{
	if (o->chunk)
		return o->chunk < MAX_CHUNK ? o->chunk : MAX_CHUNK;
	/* as many small ones as large ones */
	return 1 + rand_r(seed) % (1u << (rand_r(seed) % 19));
}

static void moved(struct job *job, uint64_t n)
{
	uint64_t now = now_ns(), last = job->moved_ns;

	if (job->bytes && now - last > job->gap_ns)
		job->gap_ns = now - last;
	job->moved_ns = now;
	job->bytes += n;
	job->calls++;
	if (job->order.rate) {
		uint64_t due = job->start_ns + (uint64_t)((double)job->bytes *
				1e9 / job->order.rate);

		if (due > now)
			sleep_until(due);
	}
}

/* Sleeps in epoll_wait(), without a limit, until the socket is ready. */
static int epoll_sleep(struct job *job, int *epfd, uint32_t events)
{
	struct epoll_event ev = { .events = events | EPOLLET };
	int n;

	if (*epfd < 0) {
		*epfd = epoll_create1(EPOLL_CLOEXEC);
		if (*epfd < 0 ||
		    epoll_ctl(*epfd, EPOLL_CTL_ADD, conn.fd, &ev) < 0)
			return -errno;
	}
	job->in_call = true;
	n = epoll_wait(*epfd, &ev, 1, -1);
	job->in_call = false;
	return n < 0 && errno != EINTR ? -errno : 0;
}

/* send() or recv() as the job wants it: blocking in the call, or in epoll */
static ssize_t call(struct job *job, bool tx, uint8_t *buf, size_t len, int flags)
{
	ssize_t n;
	int err;

	for (;;) {
		if (job->order.epoll)
			flags |= MSG_DONTWAIT;
		job->in_call = true;
		n = tx ? send(conn.fd, buf, len, flags | MSG_NOSIGNAL) :
			 recv(conn.fd, buf, len, flags);
		err = errno;
		job->in_call = false;
		if (n >= 0 || (err != EAGAIN && err != EINTR))
			break;
		if (job->stop)
			return 0;
		if (err == EAGAIN && job->order.epoll) {
			err = epoll_sleep(job, tx ? &conn.epoll_tx : &conn.epoll_rx,
					  tx ? EPOLLOUT : EPOLLIN | EPOLLRDHUP);
			if (err) {
				errno = -err;
				return -1;
			}
		}
	}
	errno = err;
	return n;
}

void job_send(struct job *job)
{
	uint8_t *buf = malloc(MAX_CHUNK);
	unsigned int seed = 1;
	uint64_t left;
	ssize_t n, done;
	size_t len;

	while (!job->stop && job->bytes < job->order.bytes) {
		left = job->order.bytes - job->bytes;
		len = chunk_of(&job->order, &seed);
		if (len > left)
			len = left;
		pattern_fill(buf, len, conn.tx_pos, conn.tx_seed);
		if (conn.corrupt - conn.tx_pos < len)
			buf[conn.corrupt - conn.tx_pos] ^= 1;
		for (done = 0; done < (ssize_t)len && !job->stop; done += n) {
			n = call(job, true, buf + done, len - done, 0);
			if (n < 0) {
				job->error = errno;
				goto out;
			}
			conn.tx_pos += n;
			moved(job, n);
		}
	}
out:
	free(buf);
}

void job_receive(struct job *job)
{
	uint8_t *buf = malloc(MAX_CHUNK);
	unsigned int seed = 2;
	uint64_t left;
	size_t len, good;
	ssize_t n;

	while (!job->stop && job->bytes < job->order.bytes) {
		left = job->order.bytes - job->bytes;
		len = chunk_of(&job->order, &seed);
		if (len > left)
			len = left;
		n = call(job, false, buf, len, 0);
		if (n < 0) {
			job->error = errno;
			break;
		}
		if (!n) {
			job->eof = !job->stop;
			break;
		}
		good = pattern_check(buf, n, conn.rx_pos, conn.rx_seed);
		if (good < (size_t)n) {
			job->wrong_at = conn.rx_pos + good;
			break;
		}
		conn.rx_pos += n;
		moved(job, n);
	}
	free(buf);
}

/* One message each way; false when the job is over */
static bool message(struct job *job, bool tx, uint8_t *buf, uint32_t size)
{
	uint32_t done = 0;
	ssize_t n;

	if (tx)
		pattern_fill(buf, size, conn.tx_pos, conn.tx_seed);
	while (done < size) {
		n = call(job, tx, buf + done, size - done, 0);
		if (n <= 0) {
			job->error = n ? errno : 0;
			job->eof = !n;
			return false;
		}
		done += n;
	}
	if (tx) {
		conn.tx_pos += size;
		return true;
	}
	n = pattern_check(buf, size, conn.rx_pos, conn.rx_seed);
	if (n < size) {
		job->wrong_at = conn.rx_pos + n;
		return false;
	}
	conn.rx_pos += size;
	return true;
}

void job_ping(struct job *job)
{
	uint32_t i = 0, size = job->order.size;
	uint64_t *ns = calloc(job->order.count + 1, sizeof(*ns));
	uint8_t *buf = malloc(size);
	uint64_t start;

	for (; i < job->order.count && !job->stop; i++) {
		start = now_ns();
		if (!message(job, true, buf, size) ||
		    !message(job, false, buf, size))
			break;
		ns[i] = now_ns() - start;
		moved(job, size);
		if (job->order.pause_ms)
			sleep_until(now_ns() + job->order.pause_ms * 1000000ull);
	}
	percentiles(ns, i, "rtt", job->result, sizeof(job->result));
	free(buf);
	free(ns);
}

void job_echo(struct job *job)
{
	uint32_t i = 0, size = job->order.size;
	uint8_t *buf = malloc(size);

	for (; i < job->order.count && !job->stop; i++) {
		if (!message(job, false, buf, size) ||
		    !message(job, true, buf, size))
			break;
		moved(job, size);
	}
	free(buf);
}
