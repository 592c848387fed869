// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "units.h"

#define INTERVAL_MIN_MS	100
#define INTERVAL_MAX_MS	60000
#define LIMIT_MAX	100000
#define METRICS_MIN_MS	1000
#define METRICS_MAX_MS	3600000
#define METRICS_SUFFIX	".prom"	/* node_exporter reads no others */
#define BLANKS		" \t\r\n"

/* Return: NULL, or what the value has to be. */
typedef const char *(*set_fn)(struct config *c, const char *value);

static const char *set_interval(struct config *c, const char *value)
{
	uint32_t ms;

	if (toe_parse_ms(value, &ms) || ms < INTERVAL_MIN_MS || ms > INTERVAL_MAX_MS)
		return "a time from 100ms to 60s";
	c->interval_ms = ms;
	return NULL;
}

static const char *set_wait(struct config *c, const char *value)
{
	if (strcmp(value, "yes") && strcmp(value, "no"))
		return "yes or no";
	c->wait_for_module = !strcmp(value, "yes");
	return NULL;
}

static const char *set_log_level(struct config *c, const char *value)
{
	if (log_level_parse(value, &c->log_level))
		return "err, warn, info or debug";
	return NULL;
}

static const char *set_engine_full(struct config *c, const char *value)
{
	if (strcmp(value, "make-room") && strcmp(value, "keep"))
		return "make-room or keep";
	c->make_room = !strcmp(value, "make-room");
	return NULL;
}

static const char *set_idle_rate(struct config *c, const char *value)
{
	if (toe_parse_rate(value, &c->idle_rate))
		return "a rate like 64kbit";
	return NULL;
}

static const char *set_room_limit(struct config *c, const char *value)
{
	uint32_t n;

	if (toe_parse_u32(value, &n) || !n || n > LIMIT_MAX)
		return "a number from 1 to 100000";
	c->room_limit = n;
	return NULL;
}

static const char *set_metrics(struct config *c, const char *value)
{
	size_t len = strlen(value), suffix = strlen(METRICS_SUFFIX);
	const char *name = strrchr(value, '/');

	c->metrics[0] = 0;
	if (!strcmp(value, "off"))
		return NULL;
	if (*value != '/' || len >= sizeof(c->metrics) || strlen(name + 1) <= suffix ||
	    strcmp(value + len - suffix, METRICS_SUFFIX))
		return "off or the path of a file that ends in " METRICS_SUFFIX;
	strcpy(c->metrics, value);
	return NULL;
}

static const char *set_metrics_interval(struct config *c, const char *value)
{
	uint32_t ms;

	if (toe_parse_ms(value, &ms) || ms < METRICS_MIN_MS || ms > METRICS_MAX_MS)
		return "a time from 1s to 3600s";
	c->metrics_ms = ms;
	return NULL;
}

static const struct key {
	const char *word;
	set_fn set;
} keys[] = {
	{ "interval",		set_interval },
	{ "wait-for-module",	set_wait },
	{ "log-level",		set_log_level },
	{ "engine-full",	set_engine_full },
	{ "idle-rate",		set_idle_rate },
	{ "room-limit",		set_room_limit },
	{ "metrics",		set_metrics },
	{ "metrics-interval",	set_metrics_interval },
};

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

void config_defaults(struct config *c)
{
	*c = (struct config) {
		.interval_ms = 1000,
		.wait_for_module = true,
		.log_level = LOG_LEVEL_INFO,
		.make_room = true,
		.idle_rate = 8000,
		.room_limit = 64,
		.metrics_ms = 15000,
	};
}

static const struct key *find_key(const char *word)
{
	for (size_t i = 0; i < N_KEYS; i++)
		if (!strcmp(word, keys[i].word))
			return &keys[i];
	return NULL;
}

/**
 * struct parse - a file that is being read
 * @c: what it said so far
 * @name: its name
 * @line: number of the line
 * @given: line of each key, 0: none
 * @why: what is wrong
 */
struct parse {
	struct config c;
	const char *name;
	unsigned int line;
	unsigned int given[N_KEYS];
	char *why;
};

/* Words from a file may hold anything; what is not printable stays out of logs. */
static void printable(char *word)
{
	for (; *word; word++)
		if ((unsigned char)*word < 0x20 || *word == 0x7f)
			*word = '?';
}

static int bad(const struct parse *p, const char *before, char *word,
	       const char *after)
{
	printable(word);
	snprintf(p->why, CONFIG_WHY_LEN, "%s:%u: %s'%.100s'%s", p->name, p->line,
		 before, word, after);
	return -EINVAL;
}

static int parse_line(struct parse *p, char *line)
{
	char *save, *word, *value, *extra;
	const struct key *key;
	const char *wanted;
	char text[160];

	line[strcspn(line, "#")] = 0;
	word = strtok_r(line, BLANKS, &save);
	if (!word)
		return 0;
	key = find_key(word);
	if (!key)
		return bad(p, "there is no setting ", word, "");
	if (p->given[key - keys]) {
		snprintf(text, sizeof(text), " stands in line %u already",
			 p->given[key - keys]);
		return bad(p, "", word, text);
	}
	p->given[key - keys] = p->line;
	value = strtok_r(NULL, BLANKS, &save);
	if (!value)
		return bad(p, "", word, " has no value");
	wanted = key->set(&p->c, value);
	if (wanted) {
		snprintf(text, sizeof(text), " is wrong for %s: it takes %s", word,
			 wanted);
		return bad(p, "", value, text);
	}
	extra = strtok_r(NULL, BLANKS, &save);
	if (extra)
		return bad(p, "", extra, " is one word too many");
	return 0;
}

int config_parse(struct config *c, FILE *file, const char *name, char *why)
{
	struct parse p = { .name = name, .why = why };
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int err = 0;

	config_defaults(&p.c);
	errno = 0;
	while (!err && (len = getline(&line, &room, file)) >= 0) {
		p.line++;
		if (strlen(line) != (size_t)len) {
			snprintf(why, CONFIG_WHY_LEN,
				 "%s:%u: a zero byte: this is no text", name, p.line);
			err = -EINVAL;
		} else {
			err = parse_line(&p, line);
		}
		errno = 0;
	}
	if (!err && !feof(file)) {
		err = errno ? -errno : -EIO;
		snprintf(why, CONFIG_WHY_LEN, "%s: %s", name, strerror(-err));
	}
	free(line);
	if (!err)
		*c = p.c;
	return err;
}

int config_read(struct config *c, const char *path, char *why)
{
	FILE *file = fopen(path, "re");
	int err;

	if (!file) {
		err = -errno;
		snprintf(why, CONFIG_WHY_LEN, "%s: %s", path, strerror(-err));
		return err;
	}
	err = config_parse(c, file, path, why);
	fclose(file);
	return err;
}
