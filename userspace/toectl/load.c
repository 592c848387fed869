// SPDX-License-Identifier: GPL-2.0-only
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include "classifier.h"
#include "toectl.h"

static const char load_usage[] =
	"Usage: toectl load [ cgroup PATH ]\n"
	"\n"
	"PATH is a cgroup2 folder; without it the root of the cgroup2 file system.\n";

static const char unload_usage[] =
	"Usage: toectl unload\n";

/* The first cgroup2 that is mounted. */
static bool find_cgroup2(char *path, size_t len)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *entry;
	bool found = false;

	if (!mounts)
		return false;
	while (!found && (entry = getmntent(mounts))) {
		if (strcmp(entry->mnt_type, "cgroup2") ||
		    strlen(entry->mnt_dir) >= len)
			continue;
		strcpy(path, entry->mnt_dir);
		found = true;
	}
	endmntent(mounts);
	return found;
}

int do_load(struct ctl *ctl, int argc, char **argv)
{
	char path[4096];
	int ret;

	if (is_help(argc, argv)) {
		fputs(load_usage, stdout);
		return finish(ctl);
	}
	if (argc > 0) {
		if (strcmp(argv[0], "cgroup"))
			return bad_word(ctl, argv[0], "'cgroup'");
		if (argc < 2)
			return bad_word(ctl, NULL, "the cgroup's PATH");
		ret = no_more(ctl, argc - 2, argv + 2);
		return ret ? ret : classifier_load(ctl, argv[1]);
	}
	if (!find_cgroup2(path, sizeof(path)))
		return fail(ctl, "no cgroup2 file system is mounted");
	return classifier_load(ctl, path);
}

int do_unload(struct ctl *ctl, int argc, char **argv)
{
	int ret;

	if (is_help(argc, argv)) {
		fputs(unload_usage, stdout);
		return finish(ctl);
	}
	ret = no_more(ctl, argc, argv);
	return ret ? ret : classifier_unload(ctl);
}
