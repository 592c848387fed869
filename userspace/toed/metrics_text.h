/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module's numbers in Prometheus's text format. docs/metrics.md lists them. No
 * file and no kernel in here.
 */
#ifndef TOED_METRICS_TEXT_H
#define TOED_METRICS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "decode.h"

/**
 * struct metrics_input - what the module said
 * @up: it said something; else nothing but this is told
 * @stats: its counters
 * @settings: its settings
 * @engines: the engines, @n_engines of them
 * @rules: the rules that it has met, @n_rules of them
 */
struct metrics_input {
	bool up;
	struct toe_stats stats;
	struct toe_settings settings;
	struct toe_engine *engines;
	size_t n_engines;
	struct toe_rule_use *rules;
	size_t n_rules;
};

/**
 * metrics_print() - write all of it
 * @file: where to
 * @in: what the module said
 */
void metrics_print(FILE *file, const struct metrics_input *in);

#endif
