/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NETNS_H
#define _NETNS_H

#include "toectl.h"

/**
 * netns_each() - do something in each network namespace
 * @ctl: the invocation
 * @fn: called in each that a process is in, or that has a name; not EXIT_OK
 *	ends it
 * @arg: for @fn
 *
 * Return: an exit status. The process is where it was.
 */
int netns_each(const struct ctl *ctl, int (*fn)(const struct ctl *ctl, void *arg),
	       void *arg);

/**
 * netns_enter() - go to a network namespace, for good
 * @ctl: the invocation
 * @word: its name under /run/netns, or the number of its inode
 *
 * Return: an exit status.
 */
int netns_enter(const struct ctl *ctl, const char *word);

#endif /* _NETNS_H */
