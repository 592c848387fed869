/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Frames on their way: the tap hold0, to which the wire port sends what flows
 * in HOLD receive and through which frames enter the card's stack, and the
 * port to the host.
 */
#ifndef TOECARD_HOLD_H
#define TOECARD_HOLD_H

#include <stddef.h>
#include <stdint.h>

#include <toe/state.h>

#include "loop.h"

struct card;
struct flow;
struct hold;
struct hold_frame;

#define HOLD_IFNAME	"hold0"

/* Frames of one flow, oldest first. "injected" is the place after those that
 * reached the host late: they are older than what was held.
 */
struct hold_list {
	struct hold_frame *head, **tail;
	struct hold_frame **injected;
	uint32_t frames;
	size_t bytes;
};

/* host: ifindex of the port to the host; mtu: of the wire. NULL after having
 * logged why.
 */
struct hold *hold_new(struct card *c, unsigned int host, const uint8_t mac[6],
		      uint32_t mtu);
void hold_free(struct hold *h);
unsigned int hold_ifindex(struct hold *h);

void hold_list_init(struct hold_list *l);
/* Throws the frames away. */
void hold_list_purge(struct hold *h, struct hold_list *l);

/* Reads the tap until it is empty: every frame goes to its flow's list, or to
 * where hold_deliver() says.
 */
void hold_drain(struct hold *h);

/* A frame, with its Ethernet header, that belongs to f: held, into the card's
 * stack or to the host, by the flow's state and the frame's TCP flags.
 */
void hold_deliver(struct hold *h, struct flow *f, uint8_t *frame, size_t len);

/* Likewise a frame that reached the host late, for which see INJECT. */
void hold_inject(struct hold *h, struct flow *f, uint8_t *frame, size_t len);

/* The flow's frames into the card's stack, SYN, FIN, RST to the host. On
 * return the stack has seen them: the tap delivers within write().
 */
void hold_to_stack(struct hold *h, struct flow *f);
/* The flow's frames to the host. */
void hold_to_host(struct hold *h, struct flow *f);

/* The marker of a flow to the host, see virtio_toe.h */
void hold_mark(struct hold *h, uint32_t id);

/* Frames held for all flows */
uint32_t hold_frames(struct hold *h);

#endif
