/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire: a bad cable between the peer's port and its stack, in user space: the
 * machine that has the lab may have no netem.
 *
 *	peer's stack -- tap -- wire -- port (veth) -- the card
 *
 * All frames are single ones, none merged, as they are on a wire. What happens to
 * which frame is drawn from a generator with a seed, so that runs are alike.
 */
#ifndef WIRE_H
#define WIRE_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX	65600

enum dir { TO_HOST, TO_PEER, DIRS };

/* What is wrong with a direction. Shares are of a million frames. */
struct fault {
	uint32_t loss, dup, reorder, mark;
	uint32_t late_us;	/* how late the reordered ones are */
	uint32_t delay_us;
	uint32_t mtu;		/* 0: any; of IP packets */
	uint32_t narrow_us;	/* for how long a window has one size */
	bool hold;		/* nothing goes through */
};

struct count {
	uint64_t frames, lost, duplicated, reordered, marked, too_big, narrowed,
		 shrunk,		/* the right edge moved back */
		 overrun;
	uint64_t wraps;		/* sequence numbers that passed 2^32 */
};

struct frame {
	struct frame *next;
	uint64_t due_ns;
	uint32_t len;
	struct virtio_net_hdr vh;
	uint8_t data[];
};

struct side {
	struct fault fault;
	struct count count;
	uint64_t random;
	struct frame *head, *tail;
	uint64_t bytes;		/* queued */
	struct conn {		/* a connection, by its ports */
		uint8_t wscale;
		bool edge_known, seq_known;
		uint32_t edge;		/* the furthest that was told */
		uint32_t max_seq;
	} conns[256];
};

/* packet.c: looks at a frame, changes it */
struct packet {
	uint8_t *ip, *tcp;	/* tcp: NULL when it is none */
	uint32_t ip_len;	/* of the IP packet */
	bool v6, fragile;	/* fragile: it must not be cut */
};

bool packet_parse(struct packet *p, uint8_t *frame, uint32_t len);
void packet_watch(struct side *s, const struct packet *p);
void packet_narrow(struct side *s, struct packet *p, uint64_t now_ns, bool sum_due);
bool packet_mark(struct packet *p);
/* An ICMP error about p into frame. Return: its length. */
uint32_t packet_too_big(const struct packet *p, const uint8_t *about, uint32_t mtu,
			uint8_t *frame);

#endif
