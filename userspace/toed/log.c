// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

static const struct {
	const char *word;
	const char *name;
	const char *prefix;	/* sd-daemon(3) */
} levels[] = {
	[LOG_LEVEL_ERR]	  = { "err",   "error",   "<3>" },
	[LOG_LEVEL_WARN]  = { "warn",  "warning", "<4>" },
	[LOG_LEVEL_INFO]  = { "info",  "info",    "<6>" },
	[LOG_LEVEL_DEBUG] = { "debug", "debug",   "<7>" },
};

static enum log_level max_level = LOG_LEVEL_INFO;
static bool to_journal;

/* The variable is inherited: it is about us only if it names our stderr. */
void log_open(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uint64_t dev, ino;
	struct stat st;

	to_journal = stream && sscanf(stream, "%" SCNu64 ":%" SCNu64, &dev, &ino) == 2 &&
		     !fstat(STDERR_FILENO, &st) && st.st_dev == dev && st.st_ino == ino;
}

void log_set_level(enum log_level level)
{
	max_level = level;
}

bool log_wants(enum log_level level)
{
	return level <= max_level;
}

int log_level_parse(const char *word, enum log_level *level)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (!strcmp(word, levels[i].word)) {
			*level = i;
			return 0;
		}
	}
	return -EINVAL;
}

void log_msg(enum log_level level, const char *fmt, ...)
{
	char line[768];
	va_list ap;

	if (!log_wants(level))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* The journal knows the name and shows the level. */
	if (to_journal)
		fprintf(stderr, "%s%s\n", levels[level].prefix, line);
	else
		fprintf(stderr, "toed: %s: %s\n", levels[level].name, line);
}
