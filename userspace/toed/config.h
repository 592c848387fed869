/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration file, toed.conf(5): a word and its value in each line.
 */
#ifndef TOED_CONFIG_H
#define TOED_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "log.h"

#define CONFIG_PATH	"/etc/toe/toed.conf"
#define CONFIG_WHY_LEN	512
#define CONFIG_FILE_LEN	256

/**
 * struct config - what it says
 * @interval_ms: "interval", between two looks at the flows
 * @wait_for_module: "wait-for-module", or end without it
 * @log_level: "log-level"
 * @make_room: "engine-full make-room", or keep
 * @idle_rate: "idle-rate", bytes per second
 * @room_limit: "room-limit", how many flows go in one interval to make room
 * @metrics: "metrics", path of the file; empty: off
 * @metrics_ms: "metrics-interval", between two times that it is written
 */
struct config {
	uint32_t interval_ms;
	bool wait_for_module;
	enum log_level log_level;
	bool make_room;
	uint64_t idle_rate;
	uint32_t room_limit;
	char metrics[CONFIG_FILE_LEN];
	uint32_t metrics_ms;
};

void config_defaults(struct config *c);

/**
 * config_parse() - read a configuration
 * @c: the result; unchanged when it fails
 * @file: where from
 * @name: its name, for @why
 * @why: what is wrong, in one line "NAME:LINE: ...", CONFIG_WHY_LEN
 *
 * Return: 0, -EINVAL, or what reading failed with.
 */
int config_parse(struct config *c, FILE *file, const char *name, char *why);

/**
 * config_read() - read a configuration file
 * @c: the result; unchanged when it fails
 * @path: its path
 * @why: what is wrong, CONFIG_WHY_LEN
 *
 * Return: as config_parse(); -ENOENT when there is none.
 */
int config_read(struct config *c, const char *path, char *why);

#endif
