/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many flows may be on engines or on their way: of a rule, of a network
 * namespace, of all. An engine's own capacity is in engine.c.
 */
#ifndef _TOE_QUOTA_H
#define _TOE_QUOTA_H

#include <linux/atomic.h>
#include <linux/toe.h>
#include <toe/signal.h>

struct net;
struct toe_flow;
struct toe_rule;

/* Most flows on engines or on their way, all together */
extern unsigned int toe_max_flows;
#define TOE_MAX_MAX_FLOWS	(1U << 20)
/* and of one network namespace; 0: no limit */
extern unsigned int toe_netns_flows;

/**
 * struct toe_places - the places that a flow holds
 * @net: in this namespace and in the whole; NULL: none
 * @rule: under this rule; NULL: none
 */
struct toe_places {
	struct net	*net;
	struct toe_rule	*rule;
};

/**
 * toe_place_free() - is there room, and if so take a place
 * @count: the places taken
 * @max: how many there are; may have shrunk below @count
 * @take: false: only look
 */
static inline bool toe_place_free(atomic_t *count, unsigned int max, bool take)
{
	int n = atomic_read(count);

	do {
		if (n >= 0 && (unsigned int)n >= max)
			return false;
	} while (take && !atomic_try_cmpxchg(count, &n, n + 1));
	return true;
}

/**
 * toe_quota_get() - take the places of a flow that goes to an engine
 * @net: its network namespace
 * @sig: its rule; NULL: an administrator asks, no rule's quota counts
 * @places: filled in, for toe_quota_put(); NULL: only look
 *
 * Context: process, may sleep.
 * Return: TOE_REASON_NONE, or which quota is used up; then nothing is taken.
 */
enum toe_reason toe_quota_get(struct net *net, const struct toe_signal *sig,
			      struct toe_places *places);

/**
 * toe_quota_put() - give the places back
 * @places: those of toe_quota_get(); empty afterwards, and may be before
 */
void toe_quota_put(struct toe_places *places);

/**
 * toe_quota_move() - the flow belongs to another rule now
 * @places: those it holds
 * @prio: the rule; 0: none, it stays where it is
 *
 * The new rule's quota is not asked: what is on an engine stays there.
 *
 * Context: process, may sleep.
 */
void toe_quota_move(struct toe_places *places, u32 prio);

/**
 * toe_quota_flows() - flows of a network namespace on engines or on their way
 * @net: the namespace
 */
u32 toe_quota_flows(struct net *net);

int toe_quota_init(void);
void toe_quota_exit(void);

#endif /* _TOE_QUOTA_H */
