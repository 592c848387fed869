// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pattern.h"
#include "peer.h"
#include "world.h"

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void *receiver(void *arg)
{
	struct peer *p = arg;
	uint8_t *buf = malloc(65536);
	uint64_t last = 0, now;
	ssize_t n;

	while ((n = recv(p->fd, buf, 65536, 0)) > 0) {
		now = now_ns();
		if (last && now - last > p->gap_ns)
			p->gap_ns = now - last;
		last = now;
		if (!pattern_is(TO_PEER, p->received, buf, (size_t)n))
			p->wrong = true;
		p->received += (uint64_t)n;
		if (p->o.echoes) {
			if (send(p->fd, pattern_at(TO_HOST, p->sent),
				 (size_t)n, MSG_NOSIGNAL) != n)
				p->err = errno;
			p->sent += (uint64_t)n;
		}
		if (p->o.read_us)
			usleep(p->o.read_us);
		while (p->pause)
			usleep(1000);
	}
	if (n < 0)
		p->err = errno;
	else
		p->eof = true;
	p->rx_done = true;
	free(buf);
	return NULL;
}

static void *sender(void *arg)
{
	struct peer *p = arg;
	ssize_t n;

	while (!p->stop) {
		n = send(p->fd, pattern_at(TO_HOST, p->sent), 65536,
			 MSG_NOSIGNAL);
		if (n < 0) {
			p->err = errno;
			break;
		}
		p->sent += (uint64_t)n;
		if (p->o.send_us)
			usleep(p->o.send_us);
	}
	p->tx_done = true;
	return NULL;
}

int peer_start(struct peer *p, int family, uint16_t port,
	       const struct peer_opts *o)
{
	struct timeval tv = { .tv_sec = 20 };
	struct sockaddr_storage ss;
	socklen_t len;

	memset(p, 0, sizeof(*p));
	p->o = *o;
	world_enter(PEER);
	p->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	world_enter(CARD);
	if (o->rcvbuf)
		setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &o->rcvbuf, sizeof(int));
	setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(p->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	len = world_address(&ss, HOST, family, port);
	if (connect(p->fd, (void *)&ss, len))
		return -errno;
	p->tx_done = true;
	pthread_create(&p->rx, NULL, receiver, p);
	if (o->sends) {
		p->tx_done = false;
		pthread_create(&p->tx, NULL, sender, p);
	}
	return 0;
}

void peer_end(struct peer *p)
{
	p->stop = true;
	if (p->o.sends)
		pthread_join(p->tx, NULL);
	pthread_join(p->rx, NULL);
	close(p->fd);
}
