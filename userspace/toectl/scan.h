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
 * @what: what to do with them
 * @counts: NULL, or the result of TOE_SCAN_APPLY
 *
 * Return: an exit status.
 */
int scan_all(const struct ctl *ctl, const struct loaded *l, enum toe_scan what,
	     struct toe_policy_counts *counts);

#endif /* _SCAN_H */
