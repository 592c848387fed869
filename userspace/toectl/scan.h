/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs of scan.bpf.c, with the maps of the loaded classifier.
 */
#ifndef _SCAN_H
#define _SCAN_H

#include "loaded.h"

/**
 * scan_all() - run over the open connections of all network namespaces
 * @ctl: the invocation
 * @l: the loaded classifier
 * @forget: do not apply the policy; let the classifier forget all of them
 * @counts: the result
 *
 * Return: an exit status.
 */
int scan_all(const struct ctl *ctl, const struct loaded *l, bool forget,
	     struct toe_policy_counts *counts);

#endif /* _SCAN_H */
