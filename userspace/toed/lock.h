/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One toed in a network namespace: a lock on a file that the kernel lets go of
 * whatever becomes of the process. A file that others cannot open, not a socket of an
 * abstract name: anybody could take that.
 */
#ifndef TOED_LOCK_H
#define TOED_LOCK_H

#define LOCK_DIR	"/run/toe"
#define LOCK_WHY_LEN	256

/**
 * lock_take() - be the one
 * @dir: where the file is; it is made if it is missing
 * @why: why not, LOCK_WHY_LEN
 *
 * Return: a descriptor that holds the lock, or a negative errno; -EBUSY when
 * another process has it.
 */
int lock_take(const char *dir, char *why);

#endif
