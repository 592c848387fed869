// SPDX-License-Identifier: GPL-2.0-only
/*
 * A policy is a program, and another policy another program: its number is
 * looked at, and when it is a new one the rules are compared.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "classifier.h"
#include "clock.h"
#include "policy_watch.h"
#include "rules.h"

uint64_t now_ns(void)
{
	return toe_clock_ns(CLOCK_REALTIME);
}

void show_policy_change(struct toe_out *out, const char *object, const char *event,
			const struct toe_rule *rule)
{
	toe_out_open(out, NULL, '{');
	out_time(out, now_ns());
	if (object)
		toe_out_str(out, "object", "%s ", object);
	toe_out_str(out, "event", "%s ", event);
	show_rule(out, "rule", rule, NULL);
	toe_out_text(out, "\n");
	toe_out_close(out, '}');
}

static bool same_rule(const struct toe_rule *a, const struct toe_rule *b)
{
	char x[TOE_RULE_TEXT_LEN], y[TOE_RULE_TEXT_LEN];

	toe_rule_format(a, x, sizeof(x));
	toe_rule_format(b, y, sizeof(y));
	return !strcmp(x, y) && a->netns_cookie == b->netns_cookie;
}

/* Both are sorted by priority. */
static int compare(const struct toe_policy *before, const struct toe_policy *now,
		   policy_change_fn changed, void *arg)
{
	unsigned int i = 0, j = 0;
	int ret = EXIT_OK;

	while (!ret && (i < before->n || j < now->n)) {
		const struct toe_rule *a = i < before->n ? &before->rules[i] : NULL;
		const struct toe_rule *b = j < now->n ? &now->rules[j] : NULL;

		if (!b || (a && a->action.prio < b->action.prio)) {
			ret = changed("removed", a, arg);
			i++;
		} else if (!a || b->action.prio < a->action.prio) {
			ret = changed("added", b, arg);
			j++;
		} else {
			if (!same_rule(a, b))
				ret = changed("changed", b, arg);
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

int policy_watch_look(const struct ctl *ctl, struct policy_watch *w,
		      policy_change_fn changed, void *arg)
{
	struct toe_policy now;
	uint32_t id;
	int ret, err;

	err = loaded_id(&id);
	if (err)
		return fail(ctl, TOE_PIN_CLASSIFY ": %s", strerror(-err));
	if (w->seen && id == w->id)
		return EXIT_OK;
	ret = read_rules(ctl, id, &now);
	if (!ret && w->seen)
		ret = compare(&w->rules, &now, changed, arg);
	toe_policy_free(&w->rules);
	w->rules = now;
	w->id = id;
	w->seen = true;
	return ret;
}
