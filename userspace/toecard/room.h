/* SPDX-License-Identifier: GPL-2.0-only */
/* How much of a flow may wait in its socket for the host to take it. */
#ifndef TOECARD_ROOM_H
#define TOECARD_ROOM_H

#include <stdint.h>

struct card;
struct flow;

void room_init(struct card *c);
/* How far the peer may send: up to the host's credit, but no more than the flow's
 * share of the room is to wait here.
 */
uint32_t room_edge(const struct flow *f);

#endif
