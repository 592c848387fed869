/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the process may do: CAP_NET_ADMIN, which the module asks for, and no more.
 */
#ifndef TOED_PRIVILEGE_H
#define TOED_PRIVILEGE_H

/**
 * privilege_drop() - give up all but CAP_NET_ADMIN, for good
 *
 * Return: 0 or a negative errno; -EPERM when it has not even that.
 */
int privilege_drop(void);

#endif
