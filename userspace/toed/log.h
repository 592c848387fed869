/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages to standard error, in levels; for the journal with its prefixes.
 */
#ifndef TOED_LOG_H
#define TOED_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/**
 * log_open() - find out whether standard error is the journal
 */
void log_open(void);

void log_set_level(enum log_level level);

/* For what is not worth being put together otherwise */
bool log_wants(enum log_level level);

/**
 * log_level_parse() - a level's word
 * @word: the word
 * @level: the result; unchanged when it fails
 *
 * Return: 0 or -EINVAL.
 */
int log_level_parse(const char *word, enum log_level *level);

void log_msg(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define log_err(...)	log_msg(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...)	log_msg(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)	log_msg(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	log_msg(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
