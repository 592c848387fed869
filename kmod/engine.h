/* SPDX-License-Identifier: GPL-2.0-only */
/* The registry's inner face; the outer one is include/toe/engine.h. */
#ifndef _TOE_ENGINE_CORE_H
#define _TOE_ENGINE_CORE_H

#include <toe/engine.h>

struct dst_entry;

/**
 * toe_engine_get() - the engine that serves an interface, with room for a flow
 * @dst: the flow's route
 * @family: AF_INET or AF_INET6
 * @reason: set when there is none
 *
 * Takes a place on the engine and a reference, both for toe_engine_put().
 *
 * Return: the engine or NULL.
 */
struct toe_engine *toe_engine_get(const struct dst_entry *dst, u16 family,
				  enum toe_reason *reason);
void toe_engine_put(struct toe_engine *e);

/**
 * toe_engine_walk() - call a function for every engine, registry locked
 * @fn: a return other than 0 ends it
 * @arg: for @fn
 */
int toe_engine_walk(int (*fn)(struct toe_engine *e, void *arg), void *arg);

#endif /* _TOE_ENGINE_CORE_H */
