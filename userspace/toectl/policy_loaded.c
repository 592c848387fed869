// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "classifier.h"
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
