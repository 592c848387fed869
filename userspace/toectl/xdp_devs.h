/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Map "xdp_devs": the interfaces where our XDP program is said to be, with the
 * program's id; and whether it is true.
 */
#ifndef _XDP_DEVS_H
#define _XDP_DEVS_H

#include <toe/policy.h>
#include "loaded.h"

/**
 * xdp_devs_get() - the program's id on an interface
 * Return: the id, 0 when the interface is not there.
 */
__u32 xdp_devs_get(int map, const struct toe_xdp_dev *key);

/**
 * xdp_devs_each() - do something for each of them
 * @map: the map
 * @fn: may remove the entry that it is called for
 * @arg: for @fn
 */
void xdp_devs_each(int map, void (*fn)(int map, const struct toe_xdp_dev *key,
				       __u32 id, void *arg), void *arg);

/**
 * xdp_devs_netns() - cookie of this network namespace
 * @ctl: the invocation
 * @cookie: the result
 *
 * Return: an exit status.
 */
int xdp_devs_netns(const struct ctl *ctl, __u64 *cookie);

/**
 * xdp_devs_check() - refuse to go on while our program is anywhere
 * @ctl: the invocation
 * @l: the loaded classifier
 *
 * Entries of interfaces where it is not any more are removed.
 *
 * Return: EXIT_OK when it is nowhere.
 */
int xdp_devs_check(const struct ctl *ctl, const struct loaded *l);

#endif /* _XDP_DEVS_H */
