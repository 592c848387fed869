// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "classifier.h"
#include "rules.h"

/*
 * The file that is to be replaced: behind symbolic links, and with its mode.
 * A device or a pipe is written to by a shell; it would be gone.
 */
static int find_target(const struct ctl *ctl, const char *name, char *target,
		       mode_t *mode)
{
	mode_t mask = umask(0);
	struct stat st;

	umask(mask);
	*mode = 0666 & ~mask;
	if (stat(name, &st)) {
		if (errno != ENOENT)
			return fail(ctl, "%s: %s", name, strerror(errno));
		if (snprintf(target, PATH_MAX, "%s", name) >= PATH_MAX)
			return fail(ctl, "%s: %s", name, strerror(ENAMETOOLONG));
		return EXIT_OK;
	}
	if (!S_ISREG(st.st_mode))
		return fail(ctl, "%s: not a regular file", name);
	if (!realpath(name, target))
		return fail(ctl, "%s: %s", name, strerror(errno));
	*mode = st.st_mode & 0777;
	return EXIT_OK;
}

/* Return: 0 or a negative errno. Takes @fd. */
static int write_and_sync(const struct toe_policy *policy, int fd, mode_t mode)
{
	FILE *file = fdopen(fd, "w");
	int err;

	if (!file) {
		err = -errno;
		close(fd);
		return err;
	}
	err = toe_policy_write(policy, file);
	if (!err && (fchmod(fd, mode) || fsync(fd)))
		err = -errno;
	if (fclose(file) && !err)
		err = -errno;
	return err;
}

/* The old file or the new one, whatever happens. */
static int save_file(const struct ctl *ctl, const struct toe_policy *policy,
		     const char *name)
{
	char target[PATH_MAX], temp[PATH_MAX + 8];
	mode_t mode;
	int fd, err;

	if (find_target(ctl, name, target, &mode))
		return EXIT_FAIL;
	snprintf(temp, sizeof(temp), "%s.XXXXXX", target);
	fd = mkstemp(temp);
	if (fd < 0)
		return fail(ctl, "%s: %s", name, strerror(errno));
	err = write_and_sync(policy, fd, mode);
	if (!err && rename(temp, target))
		err = -errno;
	if (!err)
		return EXIT_OK;
	unlink(temp);
	return fail(ctl, "%s: %s", name, strerror(-err));
}

static bool is_standard(const char *name)
{
	return !strcmp(name, "-");
}

int policy_save(struct ctl *ctl, int argc, char **argv)
{
	const char *name = argc > 0 ? argv[0] : "-";
	struct toe_policy policy;
	int ret;

	ret = argc > 0 ? no_more(ctl, argc - 1, argv + 1) : EXIT_OK;
	if (!ret)
		ret = classifier_policy(ctl, &policy, NULL);
	if (ret)
		return ret;
	if (!is_standard(name)) {
		ret = save_file(ctl, &policy, name);
	} else {
		toe_policy_write(&policy, stdout);
		ret = finish(ctl);
	}
	toe_policy_free(&policy);
	return ret;
}

static int edit_restore(const struct ctl *ctl, struct toe_policy *policy, void *arg)
{
	struct toe_policy *from = arg;

	(void)ctl;
	toe_policy_free(policy);
	*policy = *from;
	memset(from, 0, sizeof(*from));
	return EXIT_OK;
}

int read_policy(const struct ctl *ctl, const char *name, struct toe_policy *policy)
{
	FILE *file = is_standard(name) ? stdin : fopen(name, "re");
	char why[TOE_WHY_LEN];
	int err;

	if (!file)
		return fail(ctl, "%s: %s", name, strerror(errno));
	err = toe_policy_read(policy, file, is_standard(name) ? "standard input" : name,
			      why);
	if (file != stdin)
		fclose(file);
	return err ? fail(ctl, "%s", why) : EXIT_OK;
}

int policy_restore(struct ctl *ctl, int argc, char **argv)
{
	struct toe_policy policy;
	int ret;

	if (argc < 1)
		return bad_word(ctl, NULL, "the FILE");
	ret = no_more(ctl, argc - 1, argv + 1);
	/* all of it is read, and found right, before anything changes */
	if (!ret)
		ret = read_policy(ctl, argv[0], &policy);
	if (ret)
		return ret;
	progress_begin("changing the policy");
	ret = classifier_edit(ctl, edit_restore, &policy);
	progress_end();
	toe_policy_free(&policy);
	return ret;
}
