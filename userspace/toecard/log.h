/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages to stderr, in levels. */
#ifndef TOECARD_LOG_H
#define TOECARD_LOG_H

enum log_level { LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

extern enum log_level log_level;

void log_msg(enum log_level lvl, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define log_err(...)	log_msg(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...)	log_msg(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)	log_msg(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	do {						\
		if (log_level >= LOG_LEVEL_DEBUG)			\
			log_msg(LOG_LEVEL_DEBUG, __VA_ARGS__);		\
	} while (0)

#endif
