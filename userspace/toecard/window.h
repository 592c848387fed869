/* SPDX-License-Identifier: GPL-2.0-only */
/* The window that the card advertises is the host's. */
#ifndef TOECARD_WINDOW_H
#define TOECARD_WINDOW_H

struct flow;

/* The host has given credit, f->rcv_edge, or has taken what had waited here: the
 * peer may know.
 */
void window_open(struct flow *f);
/* What was acknowledged last is acknowledged once more. */
void window_again(struct flow *f);

#endif
