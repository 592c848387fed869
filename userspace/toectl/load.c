// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include "classifier.h"
#include "rules.h"

static const char load_usage[] =
	"Usage: toectl load [ cgroup PATH ] [ policy FILE ]\n"
	"\n"
	"PATH is a cgroup2 folder; without it the root of the cgroup2 file system.\n"
	"FILE is what 'toectl policy save' writes; without it there is one rule,\n"
	"threshold 1MiB for all.\n";

static const char unload_usage[] =
	"Usage: toectl unload\n";

/* All connections, at the usual threshold */
static int default_policy(const struct ctl *ctl, struct toe_policy *policy)
{
	const struct toe_rule rule = {
		.action = {
			.prio = TOE_POLICY_DEFAULT_PRIO,
			.threshold = TOE_POLICY_DEFAULT_THRESHOLD,
		},
	};
	int err = toe_policy_insert(policy, &rule);

	return err ? fail(ctl, "%s", strerror(-err)) : EXIT_OK;
}

static int load(struct ctl *ctl, const char *cgroup, const char *file)
{
	struct toe_policy policy = {};
	struct apply_counts counts;
	char root[PATH_MAX];
	int ret;

	ret = file ? read_policy(ctl, file, &policy) : default_policy(ctl, &policy);
	if (ret)
		return ret;
	if (cgroup || !toe_cgroup_root(root, sizeof(root)))
		ret = classifier_load(ctl, cgroup ? cgroup : root, &policy, &counts);
	else
		ret = fail(ctl, "no cgroup2 file system is mounted");
	toe_policy_free(&policy);
	if (ret)
		return ret;
	toe_out_open(&ctl->out, NULL, '{');
	toe_out_u64(&ctl->out, "connections",
		    "%" PRIu64 " connections were open and are considered\n",
		    counts.seen);
	toe_out_close(&ctl->out, '}');
	return finish(ctl);
}

int do_load(struct ctl *ctl, int argc, char **argv)
{
	const char *cgroup = NULL, *file = NULL, **value;

	if (is_help(argc, argv)) {
		fputs(load_usage, stdout);
		return finish(ctl);
	}
	for (; argc > 0; argc -= 2, argv += 2) {
		if (!strcmp(argv[0], "cgroup") && !cgroup)
			value = &cgroup;
		else if (!strcmp(argv[0], "policy") && !file)
			value = &file;
		else
			return bad_word(ctl, argv[0], "'cgroup' or 'policy', once");
		if (argc < 2)
			return bad_word(ctl, NULL, value == &cgroup ?
					"the cgroup's PATH" : "the policy's FILE");
		*value = argv[1];
	}
	return load(ctl, cgroup, file);
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
