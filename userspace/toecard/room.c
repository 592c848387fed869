// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much of a flow may wait in its socket for the host to take it.
 *
 * The stack lets a receive buffer grow with what is read of it, and one read of a
 * new connection makes it some MiB. When a few thousand peers send more than the
 * host takes they fill all of these. No memory holds that; the stack then drops what
 * it had promised to take, and the peers wait for their retransmission timers.
 *
 * So the flows that wait for the host share a part of the memory. A flow that is
 * read at once needs its window for what is on the wire, and is none of them: alone
 * among thousands that are idle it is promised all that the host has room for.
 */
#include <unistd.h>

#include "card_internal.h"
#include "room.h"

/* Of the memory. The stack is short of it when TCP has some twentieth (tcp_mem), and
 * reckons with two or three bytes for one of payload.
 */
#define ROOM_PART	192
#define ROOM_MIN	(64u << 10)	/* fills an rx buffer */

void room_init(struct card *c)
{
	c->room = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / ROOM_PART;
}

uint32_t room_edge(const struct flow *f)
{
	uint64_t share = f->card->room / (f->card->num_starved + 1);

	if (share < ROOM_MIN)
		share = ROOM_MIN;
	if (!seq_after(f->rcv_edge, f->rcv_nxt) || f->rcv_edge - f->rcv_nxt <= share)
		return f->rcv_edge;
	return f->rcv_nxt + (uint32_t)share;
}
