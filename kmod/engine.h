/* SPDX-License-Identifier: GPL-2.0-only */
/* The registry's inner face; the outer one is include/toe/engine.h. */
#ifndef _TOE_ENGINE_CORE_H
#define _TOE_ENGINE_CORE_H

#include <toe/engine.h>

struct net_device;
struct toe_admission;

/**
 * toe_engine_get() - the engine that serves an interface, with room for a flow
 * @a: of the flow; a rule may name an engine, and then it is that one or none
 * @dev: where its route leads
 *
 * Takes a place on the engine and a reference, both for toe_engine_put(), unless
 * @a only looks.
 *
 * Return: TOE_REASON_NONE, or why there is none.
 */
enum toe_reason toe_engine_get(struct toe_admission *a,
			       const struct net_device *dev);
void toe_engine_put(struct toe_engine *e);

/* A reference alone; the caller knows of one that is held */
void toe_engine_ref(struct toe_engine *e);
void toe_engine_unref(struct toe_engine *e);

/**
 * toe_engine_walk() - call a function for every engine, registry locked
 * @fn: a return other than 0 ends it
 * @arg: for @fn
 */
int toe_engine_walk(int (*fn)(struct toe_engine *e, void *arg), void *arg);

#endif /* _TOE_ENGINE_CORE_H */
