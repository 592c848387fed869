// SPDX-License-Identifier: GPL-2.0-only
/*
 * A policy is a program, and another policy another program: its number is
 * looked at, and when it is a new one the rules are compared.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "classifier.h"
#include "rules.h"

#define POLL_US 100000

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static int show_change(struct ctl *ctl, const char *event,
		       const struct toe_rule *rule)
{
	struct toe_out *out = &ctl->out;

	toe_out_open(out, NULL, '{');
	out_time(out, now_ns());
	toe_out_str(out, "event", "%s ", event);
	show_rule(out, "rule", rule, NULL);
	toe_out_text(out, "\n");
	toe_out_close(out, '}');
	return finish(ctl);
}

static bool same_rule(const struct toe_rule *a, const struct toe_rule *b)
{
	char x[TOE_RULE_TEXT_LEN], y[TOE_RULE_TEXT_LEN];

	toe_rule_format(a, x, sizeof(x));
	toe_rule_format(b, y, sizeof(y));
	return !strcmp(x, y) && a->netns_cookie == b->netns_cookie;
}

/* Both are sorted by priority. */
static int show_difference(struct ctl *ctl, const struct toe_policy *before,
			   const struct toe_policy *now)
{
	unsigned int i = 0, j = 0;
	int ret = EXIT_OK;

	while (!ret && (i < before->n || j < now->n)) {
		const struct toe_rule *a = i < before->n ? &before->rules[i] : NULL;
		const struct toe_rule *b = j < now->n ? &now->rules[j] : NULL;

		if (!b || (a && a->action.prio < b->action.prio)) {
			ret = show_change(ctl, "removed", a);
			i++;
		} else if (!a || b->action.prio < a->action.prio) {
			ret = show_change(ctl, "added", b);
			j++;
		} else {
			if (!same_rule(a, b))
				ret = show_change(ctl, "changed", b);
			i++;
			j++;
		}
	}
	return ret;
}

/*
 * The rules of the program @id, which is loaded; another one may be there when
 * they are read, which the next look will find. Unloaded: no rules.
 */
static int read_rules(const struct ctl *ctl, uint32_t id, struct toe_policy *policy)
{
	int ret;

	memset(policy, 0, sizeof(*policy));
	if (!id || !classifier_loaded())
		return EXIT_OK;
	ret = classifier_policy(ctl, policy, NULL);
	return classifier_loaded() ? ret : EXIT_OK;
}

static int watch(struct ctl *ctl)
{
	struct toe_policy before = { 0 }, now;
	bool first = true;
	uint32_t seen, id;
	int ret, err;

	for (;; usleep(POLL_US)) {
		err = loaded_id(&id);
		if (err)
			return fail(ctl, TOE_PIN_CLASSIFY ": %s", strerror(-err));
		if (!first && id == seen)
			continue;
		ret = read_rules(ctl, id, &now);
		if (ret)
			return ret;
		if (!first)
			ret = show_difference(ctl, &before, &now);
		if (ret)
			return ret;
		toe_policy_free(&before);
		before = now;
		seen = id;
		first = false;
	}
}

int policy_monitor(struct ctl *ctl, int argc, char **argv)
{
	int ret = no_more(ctl, argc, argv);

	return ret ? ret : watch(ctl);
}
