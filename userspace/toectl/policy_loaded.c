// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "classifier.h"
#include "loaded.h"
#include "rules.h"

#define TRIES 10

int loaded_id(uint32_t *id)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	int fd, err = 0;

	*id = 0;
	fd = bpf_obj_get(TOE_PIN_CLASSIFY);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		err = -errno;
	else
		*id = info.prog_id;
	close(fd);
	return err;
}

int ask_policy(const struct ctl *ctl, struct toe_policy *policy,
	       int (*ask)(const struct ctl *ctl, void *arg), void *arg)
{
	uint32_t before, after;
	int ret;

	for (int try = 1; ; try++) {
		if (loaded_id(&before))
			before = 0;
		ret = classifier_policy(ctl, policy, NULL);
		if (ret)
			return ret;
		ret = ask(ctl, arg);
		if (!ret && !loaded_id(&after) && before == after)
			return EXIT_OK;
		toe_policy_free(policy);
		if (ret)
			return ret;
		if (try == TRIES)
			return fail(ctl, "the policy kept changing");
	}
}

bool covered(const struct ctl *ctl, const char *cgroup)
{
	char path[TOE_RULE_CGROUP_LEN];
	struct toe_rule rule = { .asks = 1u << TOE_DIM_CGROUP };
	struct toe_policy_facts facts = { 0 };
	struct loaded l;
	int err;

	if (loaded_open(ctl, &l))
		return true;
	err = toe_cgroup_path(l.cgroup, path, sizeof(path));
	loaded_close(&l);
	if (err)
		return true;
	/* as if a rule asked for the cgroup where it is attached */
	strcpy(rule.cgroup, path);
	return !toe_rule_mismatch(&rule, &facts, cgroup);
}
