/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The metrics' file, for node_exporter's textfile collector.
 */
#ifndef TOED_METRICS_H
#define TOED_METRICS_H

#include "netlink.h"

/**
 * metrics_write() - ask the module, and write the file anew
 * @path: of the file
 * @nl: the connection to the module; NULL: it is not there
 *
 * Readers see the old file or the new one. It is not synced to the disk: after a
 * crash of the machine the numbers are another module's, and it is written anew when
 * toed starts, while a disk that is slow would hold up the rounds.
 *
 * A file that cannot be written is told once, until it can.
 *
 * Return: 0, or what asking the module failed with.
 */
int metrics_write(const char *path, struct toe_nl *nl);

/**
 * metrics_remove() - nobody writes the file any more: who reads it shall not take
 *	its numbers for those of now
 * @path: of the file
 */
void metrics_remove(const char *path);

#endif
