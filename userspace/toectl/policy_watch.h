/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changes of the policy, for who looks often enough.
 */
#ifndef _POLICY_WATCH_H
#define _POLICY_WATCH_H

#include "policy.h"
#include "toectl.h"

#define POLICY_WATCH_MS	100	/* how often to look */

/**
 * struct policy_watch - what was seen last; zero at first
 * @rules: the rules
 * @id: number of the program that they were in; 0: none was loaded
 * @seen: there was a look
 */
struct policy_watch {
	struct toe_policy rules;
	uint32_t id;
	bool seen;
};

/* @event: "added", "removed" or "changed". Return: EXIT_*; not EXIT_OK ends it. */
typedef int (*policy_change_fn)(const char *event, const struct toe_rule *rule,
				void *arg);

/**
 * policy_watch_look() - look again
 * @ctl: the invocation
 * @w: what was seen last
 * @changed: called for each rule that is another than at the last look
 * @arg: for it
 *
 * Return: EXIT_*.
 */
int policy_watch_look(const struct ctl *ctl, struct policy_watch *w,
		      policy_change_fn changed, void *arg);

/**
 * show_policy_change() - print a change
 * @out: the output
 * @event: what happened
 * @object: printed before it, with its own blank behind, or NULL
 * @rule: to which rule
 */
void show_policy_change(struct toe_out *out, const char *object, const char *event,
			const struct toe_rule *rule);

/**
 * now_ns() - the time for an event that nobody else has dated
 *
 * Return: CLOCK_REALTIME, nanoseconds.
 */
uint64_t now_ns(void);

#endif /* _POLICY_WATCH_H */
