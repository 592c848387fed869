// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "log.h"
#include "metrics.h"
#include "metrics_text.h"

/* An entry that came or went while it was read is there the next time. */
static int ask(struct toe_nl *nl, struct metrics_input *in)
{
	int err = toe_nl_stats_get(nl, &in->stats);

	if (!err)
		err = toe_nl_settings_get(nl, &in->settings);
	if (!err)
		err = toe_nl_engine_dump(nl, &in->engines, &in->n_engines);
	if (!err || err == -EAGAIN)
		err = toe_nl_rule_dump(nl, &in->rules, &in->n_rules);
	return err == -EAGAIN ? 0 : err;
}

/*
 * Beside the file, so that it can take its place; not ending in .prom, so that
 * nobody reads it. What an earlier toed left there goes, and a link that somebody
 * put there is not followed.
 */
static int open_beside(const char *path, char *name, size_t len)
{
	int fd;

	if ((size_t)snprintf(name, len, "%s.new", path) >= len)
		return -ENAMETOOLONG;
	if (unlink(name) && errno != ENOENT)
		return -errno;
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	return fd < 0 ? -errno : fd;
}

static int write_file(const char *path, const struct metrics_input *in)
{
	char name[CONFIG_FILE_LEN + 8];
	int fd = open_beside(path, name, sizeof(name));
	int err = 0;
	FILE *file;

	if (fd < 0)
		return fd;
	/* For other users, whatever the umask */
	fchmod(fd, 0644);
	file = fdopen(fd, "w");
	if (!file) {
		err = -errno;
		close(fd);
	} else {
		metrics_print(file, in);
		err = ferror(file) ? -EIO : 0;
		if (fclose(file))
			err = -errno;
	}
	if (!err && rename(name, path))
		err = -errno;
	if (err)
		unlink(name);
	return err;
}

int metrics_write(const char *path, struct toe_nl *nl)
{
	struct metrics_input in = { .up = nl };
	static bool told;
	int err = nl ? ask(nl, &in) : 0;
	int failed;

	if (!err) {
		failed = write_file(path, &in);
		if (failed && !told)
			log_warn("%s: %s: the metrics are not written", path,
				 strerror(-failed));
		told = failed;
	}
	free(in.engines);
	free(in.rules);
	return err;
}

void metrics_remove(const char *path)
{
	if (unlink(path) && errno != ENOENT)
		log_warn("%s: %s", path, strerror(errno));
}
