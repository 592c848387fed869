/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the card's stack must know to carry a flow: the host's address as its
 * own, a way to the peer, and the peer's link-layer address. Each is there as
 * long as a flow uses it.
 */
#ifndef TOECARD_NEIGH_H
#define TOECARD_NEIGH_H

#include <stdint.h>

#include <toe/state.h>

struct neigh;

/* ifindex and MTU of the wire port; NULL after having logged why */
struct neigh *neigh_new(unsigned int wire, uint32_t mtu);
/* The interface that held frames come back in by: it has link-local addresses, too. */
void neigh_set_hold(struct neigh *n, unsigned int hold);
/* Removes whatever is still there. */
void neigh_free(struct neigh *n);

/* st: tuple, dst_mac and pmtu count. 0 or -errno, then nothing is taken. */
int neigh_get(struct neigh *n, const struct toe_state *st);
void neigh_put(struct neigh *n, const struct toe_tuple *t);

uint32_t neigh_addresses(struct neigh *n);
uint32_t neigh_neighbours(struct neigh *n);

#endif
