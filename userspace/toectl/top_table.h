/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _TOP_TABLE_H
#define _TOP_TABLE_H

#include <stdio.h>
#include "flow_view.h"

/**
 * top_table() - print flows as a table, its head first
 * @file: where to
 * @views: the flows
 * @n: their number
 * @columns: how wide a line may be; 0: as wide as it gets
 *
 * Where there is no room for all columns the least important ones are left out.
 */
void top_table(FILE *file, const struct toe_view *views, size_t n, unsigned int columns);

#endif /* _TOP_TABLE_H */
