/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Room on a full engine: which flows go to the stack so that others can come.
 * Pure, as rate.h is.
 *
 * Two kinds of flows wait. Of some the module knows, and so their rate is known:
 * the heaviest is matched with the lightest on the engine, the second heaviest
 * with the second lightest, and so on while the one is more than twice as fast as
 * the other. Twice, because else two flows of like rate would take the place from
 * each other for ever. Of others only the module's counter of refusals tells;
 * for each of these an idle flow goes.
 *
 * A flow on an engine is weighed when it has been watched for RATE_WINDOW_NS, so
 * one that has just come stays at least that long.
 */
#ifndef TOED_ROOM_H
#define TOED_ROOM_H

#include <stddef.h>
#include <stdint.h>

struct flow;

/* A flow in the scales */
struct room_flow {
	uint64_t rate;
	struct flow *flow;
};

/**
 * struct room - the question
 * @light: flows on full engines; room_choose() sorts them, the lightest first
 * @n_light: their number
 * @waiting: flows that an engine refused because it was full; sorted, the heaviest
 *	first
 * @n_waiting: their number
 * @unknown: how many more wait
 * @coming: places that get free anyway
 * @idle_rate: bytes per second; a flow below is idle
 * @limit: how many may go at once
 */
struct room {
	struct room_flow *light;
	size_t n_light;
	struct room_flow *waiting;
	size_t n_waiting;
	size_t unknown;
	size_t coming;
	uint64_t idle_rate;
	size_t limit;
};

/**
 * room_choose() - the answer
 * @r: the question
 *
 * Return: how many of @r->light go, the first ones.
 */
size_t room_choose(struct room *r);

#endif
