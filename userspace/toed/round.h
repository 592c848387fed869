/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is done once in each interval: ask the module for its flows, and return
 * those that are too slow or in the way.
 */
#ifndef TOED_ROUND_H
#define TOED_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "flows.h"
#include "netlink.h"

/**
 * struct round - what is kept from one to the next
 * @flows: the flows
 * @end_ns: when the last round ended; 0: there was none
 * @due: flows of this round that are too slow; allocated
 * @n_due: their number
 * @due_room: entries of @due
 * @refused: the module's counter of flows refused for want of room
 * @refused_known: it has been read
 * @guess: how many flows wait that the module does not know, at least
 */
struct round {
	struct flows *flows;
	uint64_t end_ns;
	struct flow **due;
	size_t n_due;
	size_t due_room;
	uint64_t refused;
	bool refused_known;
	size_t guess;
};

/**
 * round_begin() - the module is there: all that was known is of another one
 * Return: 0 or -ENOMEM.
 */
int round_begin(struct round *r);

/**
 * round_run() - one round
 * @r: the state
 * @nl: the connection to the module
 * @c: the configuration
 *
 * Return: 0 or a negative errno: then the connection is to be made anew.
 */
int round_run(struct round *r, struct toe_nl *nl, const struct config *c);

void round_free(struct round *r);

/* round_room.c: the part about full engines, called by round_run() */
int round_make_room(struct round *r, struct toe_nl *nl, const struct config *c);

/* Have a flow returned for its rate. Return: 0 or a negative errno; that the flow is
 * gone is no error.
 */
int round_let_go(struct toe_nl *nl, struct flow *flow, const char *why);

#endif
