/* SPDX-License-Identifier: GPL-2.0-only */
/* The peer: plain sockets in threads. */
#ifndef PEER_H
#define PEER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct peer_opts {
	bool sends;		/* bulk towards the host */
	bool echoes;		/* sends back what it receives */
	int rcvbuf;		/* 0: default */
	unsigned int read_us;	/* pause between reads */
	unsigned int send_us;	/* ... and between writes of 64 KiB */
};

struct peer {
	int fd;
	struct peer_opts o;
	pthread_t rx, tx;
	atomic_bool stop;		/* stop sending */
	atomic_bool pause;		/* stop reading, for a while */
	_Atomic uint64_t sent, received;
	_Atomic uint64_t gap_ns;	/* longest time without a byte received */
	atomic_bool wrong, eof, tx_done, rx_done;
	atomic_int err;
};

/* Connects to the host's port and starts; 0 or -errno */
int peer_start(struct peer *p, int family, uint16_t port,
	       const struct peer_opts *o);
/* Waits for the threads: call it when the host has closed. */
void peer_end(struct peer *p);

uint64_t now_ns(void);

#endif
