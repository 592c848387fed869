// SPDX-License-Identifier: GPL-2.0-only
/*
 * The window that the card advertises is the host's.
 *
 * The card's socket has a receive buffer of its own. Were the peer promised that
 * room too, a flow that comes home while its application reads slowly would
 * bring more than the host's socket has memory for. So the guard (card.bpf.c)
 * cuts the window of what the card's stack sends down to the host's credit, or to
 * the flow's share of the card's room (room.c). The stack does not know of it, and
 * thinks the peer has a window when it has none: it is up to us to tell the peer when
 * there is more, as far as the stack's own window reaches: beyond it the stack would
 * drop.
 *
 * The stack itself tells it, with a window probe: under its socket's lock, so that
 * it neither acknowledges less nor is older than what other segments have just
 * said. A frame made here of what the guard saw last could be overtaken by the
 * stack's next one, and then the peer would see acknowledgement, edge and timestamp
 * go back. The guard gives that probe a sequence number that the peer accepts.
 */
#include "card_internal.h"
#include "repair.h"
#include "room.h"
#include "steer.h"
#include "window.h"

/* The next thing that the peer hears of the flow, at once */
static void say(struct flow *f, uint32_t edge)
{
	struct steer *s = f->card->steer;

	if (steer_credit_set(s, &f->tuple, edge, true))
		return;
	repair_probe(f->lf.fd);
	steer_credit_set(s, &f->tuple, edge, false);
}

void window_open(struct flow *f)
{
	struct steer *s = f->card->steer;
	uint32_t all = room_edge(f), edge = all;
	struct toe_guard g;

	f->curbed = all != f->rcv_edge;
	if (!f->wired || steer_credit_set(s, &f->tuple, all, false))
		return;
	/* In this order: what the stack sends from now on has the credit. */
	if (f->state != FLOW_RUNNING || steer_guard_get(s, &f->tuple, &g))
		return;
	if (seq_after(edge, g.own_edge))
		edge = g.own_edge;
	if (!seq_after(edge, g.rcv_edge))
		return;
	/* Nothing was said yet: what the host said last still holds. */
	if (!(g.sent & TOE_GUARD_SENT))
		g.rcv_nxt = f->st.rcv_nxt;
	/* A peer that has more than half left will send, and the answer brings
	 * the rest.
	 */
	if (edge - g.rcv_edge < g.rcv_edge - g.rcv_nxt)
		return;
	say(f, all);
	f->card->n.window_updates++;
}

void window_again(struct flow *f)
{
	if (!f->wired || f->state != FLOW_RUNNING)
		return;
	say(f, room_edge(f));
	f->card->n.repeats++;
}
