/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BPF program classify.bpf.c and its pins.
 */
#ifndef _CLASSIFIER_H
#define _CLASSIFIER_H

#include "toectl.h"

/**
 * classifier_load() - load the program, attach it to a cgroup and pin both
 * @ctl: the invocation
 * @cgroup: a folder of a cgroup2 file system
 *
 * When it fails nothing stays behind.
 *
 * Return: the exit status.
 */
int classifier_load(const struct ctl *ctl, const char *cgroup);

/**
 * classifier_unload() - remove the pins, and with them the program
 * @ctl: the invocation
 *
 * Return: the exit status.
 */
int classifier_unload(const struct ctl *ctl);

#endif /* _CLASSIFIER_H */
