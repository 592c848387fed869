// SPDX-License-Identifier: GPL-2.0-only
#include "await.h"
#include "policy_watch.h"
#include "rules.h"

static int show_change(const char *event, const struct toe_rule *rule, void *arg)
{
	struct ctl *ctl = arg;

	show_policy_change(&ctl->out, NULL, event, rule);
	return EXIT_OK;
}

int policy_monitor(struct ctl *ctl, int argc, char **argv)
{
	int ret = no_more(ctl, argc, argv);
	struct policy_watch watch = { 0 };
	enum await what = AWAIT_TIME;

	if (!ret)
		ret = await_begin(ctl, NULL);
	while (!ret && what == AWAIT_TIME) {
		ret = policy_watch_look(ctl, &watch, show_change, ctl);
		if (!ret)
			what = await_flush(ctl);
		if (!ret && what == AWAIT_TIME)
			what = await(ctl, -1, POLICY_WATCH_MS, NULL);
	}
	toe_policy_free(&watch.rules);
	return ret ? ret : await_status(what);
}
