// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "classifier.h"
#include "rules.h"
#include "units.h"

static const char usage[] =
	"Usage: toectl policy { add | replace } RULE\n"
	"       toectl policy del prio NUMBER\n"
	"       toectl policy flush\n"
	"       toectl policy show [ prio NUMBER ]\n"
	"       toectl [ -a ] policy test { flow TUPLE | CONNECTION }\n"
	"       toectl policy save [ FILE | - ]\n"
	"       toectl policy restore { FILE | - }\n"
	"       toectl policy apply\n"
	"       toectl policy monitor\n"
	"\n"
	"RULE := prio NUMBER [ CONDITION... ] { never | [ offload ] [ PARAMETER... ] }\n"
	"CONDITION := { in | out | local PREFIX[,...] | remote PREFIX[,...] |\n"
	"               lport PORT[-PORT][,...] | rport PORT[-PORT][,...] |\n"
	"               dev NAME | cgroup PATH | uid { NUMBER | NAME }[,...] |\n"
	"               mark NUMBER[/MASK] | netns NAME }\n"
	"PARAMETER := { threshold BYTES | min-rate RATE | dwell TIME |\n"
	"               engine { NAME | any } | max-flows NUMBER |\n"
	"               { ctmark | no-ctmark | pktmark | no-pktmark } MARK[/MASK] |\n"
	"               careful }\n"
	"CONNECTION := [ in | out ] local ADDRESS:PORT remote ADDRESS:PORT [ dev NAME ]\n"
	"              [ cgroup PATH ] [ uid USER ] [ mark NUMBER ] [ netns NAME ]\n"
	"TUPLE := [ local ] ADDRESS:PORT [ remote ] ADDRESS:PORT\n";

int parse_prio(const struct ctl *ctl, int argc, char **argv, uint32_t *prio)
{
	if (argc < 1)
		return bad_word(ctl, NULL, "'prio' and a rule's priority");
	if (strcmp(argv[0], "prio"))
		return bad_word(ctl, argv[0], "'prio'");
	if (argc < 2)
		return bad_word(ctl, NULL, "the rule's priority");
	if (toe_parse_u32(argv[1], prio) || !*prio || *prio > TOE_RULE_PRIO_MAX)
		return bad_word(ctl, argv[1], "a priority (1 to 65535)");
	return no_more(ctl, argc - 2, argv + 2);
}

static int edit(const struct ctl *ctl, policy_edit_fn fn, void *arg)
{
	int ret;

	progress_begin("changing the policy");
	ret = classifier_edit(ctl, fn, arg);
	progress_end();
	return ret;
}

static int insert(const struct ctl *ctl, struct toe_policy *policy,
		  const struct toe_rule *rule)
{
	int err = toe_policy_insert(policy, rule);

	if (err == -EEXIST)
		return fail(ctl, "priority %u is taken (toectl policy replace)",
			    rule->action.prio);
	if (err == -ENOSPC)
		return fail(ctl, "a policy has up to %u rules", TOE_POLICY_MAX_RULES);
	return err ? fail(ctl, "%s", strerror(-err)) : EXIT_OK;
}

static int edit_add(const struct ctl *ctl, struct toe_policy *policy, void *arg)
{
	return insert(ctl, policy, arg);
}

static int edit_replace(const struct ctl *ctl, struct toe_policy *policy, void *arg)
{
	const struct toe_rule *rule = arg;
	struct toe_rule *there = toe_policy_find(policy, rule->action.prio);

	if (!there)
		return insert(ctl, policy, rule);
	*there = *rule;
	return EXIT_OK;
}

static int edit_del(const struct ctl *ctl, struct toe_policy *policy, void *arg)
{
	const uint32_t *prio = arg;

	if (toe_policy_remove(policy, *prio))
		return fail(ctl, "there is no rule of priority %u", *prio);
	return EXIT_OK;
}

static int edit_flush(const struct ctl *ctl, struct toe_policy *policy, void *arg)
{
	(void)ctl;
	(void)arg;
	toe_policy_free(policy);
	return EXIT_OK;
}

static int parse_and_edit(struct ctl *ctl, int argc, char **argv, policy_edit_fn fn)
{
	char why[TOE_WHY_LEN];
	struct toe_rule rule;

	if (toe_rule_parse(&rule, argc, argv, why))
		return bad_words(ctl, why);
	return edit(ctl, fn, &rule);
}

static int policy_add(struct ctl *ctl, int argc, char **argv)
{
	return parse_and_edit(ctl, argc, argv, edit_add);
}

static int policy_replace(struct ctl *ctl, int argc, char **argv)
{
	return parse_and_edit(ctl, argc, argv, edit_replace);
}

static int policy_del(struct ctl *ctl, int argc, char **argv)
{
	uint32_t prio;
	int ret = parse_prio(ctl, argc, argv, &prio);

	return ret ? ret : edit(ctl, edit_del, &prio);
}

static int policy_flush(struct ctl *ctl, int argc, char **argv)
{
	int ret = no_more(ctl, argc, argv);

	return ret ? ret : edit(ctl, edit_flush, NULL);
}

/* A rule under which nothing was signalled is not known to the module. */
static struct rule_counters counters_of(uint32_t prio, uint64_t hits,
					const struct toe_rule_use *uses, size_t n)
{
	struct rule_counters c = { .hits = hits };

	for (size_t i = 0; i < n; i++) {
		if (uses[i].prio != prio)
			continue;
		c.flows = uses[i].flows;
		c.opens = uses[i].opens;
		c.refused = uses[i].refused;
	}
	return c;
}

/* @prio: that rule alone; 0: all */
static int show_rules(struct ctl *ctl, struct toe_nl *nl,
		      const struct toe_policy *policy, const uint64_t *hits,
		      uint32_t prio)
{
	struct toe_rule_use *uses;
	size_t n;
	int err = toe_nl_rule_dump(nl, &uses, &n);

	if (err && err != -EAGAIN)
		return fail_nl(ctl, nl, err);
	toe_out_open(&ctl->out, NULL, '[');
	for (unsigned int i = 0; i < policy->n; i++) {
		const struct toe_rule *rule = &policy->rules[i];
		struct rule_counters c;

		if (prio && rule->action.prio != prio)
			continue;
		c = counters_of(rule->action.prio, hits[i], uses, n);
		show_rule(&ctl->out, NULL, rule, &c);
		toe_out_text(&ctl->out, "\n");
	}
	toe_out_close(&ctl->out, ']');
	free(uses);
	return finish(ctl);
}

static int policy_show(struct ctl *ctl, int argc, char **argv)
{
	struct toe_policy policy;
	uint32_t prio = 0;
	struct toe_nl *nl;
	uint64_t *hits;
	int ret;

	ret = argc > 0 ? parse_prio(ctl, argc, argv, &prio) : EXIT_OK;
	if (ret)
		return ret;
	nl = connect_module(ctl);
	if (!nl)
		return EXIT_FAIL;
	ret = classifier_policy(ctl, &policy, &hits);
	if (!ret) {
		if (prio && !toe_policy_find(&policy, prio))
			ret = fail(ctl, "there is no rule of priority %u", prio);
		else
			ret = show_rules(ctl, nl, &policy, hits, prio);
		toe_policy_free(&policy);
		free(hits);
	}
	toe_nl_close(nl);
	return ret;
}

static int policy_apply(struct ctl *ctl, int argc, char **argv)
{
	struct apply_counts counts;
	struct toe_out *out = &ctl->out;
	int ret = no_more(ctl, argc, argv);

	if (ret)
		return ret;
	progress_begin("applying the policy");
	ret = classifier_apply(ctl, &counts);
	progress_end();
	if (ret)
		return ret;
	toe_out_open(out, NULL, '{');
	toe_out_u64(out, "seen", "connections %" PRIu64, counts.seen);
	toe_out_u64(out, "offload", " offload %" PRIu64, counts.offload);
	toe_out_u64(out, "never", " never %" PRIu64, counts.never);
	toe_out_u64(out, "none", " no-rule %" PRIu64 "\n", counts.none);
	toe_out_close(out, '}');
	return finish(ctl);
}

static const struct command commands[] = {
	{ "add",	policy_add },
	{ "replace",	policy_replace },
	{ "del",	policy_del },
	{ "flush",	policy_flush },
	{ "show",	policy_show },
	{ "test",	policy_test },
	{ "save",	policy_save },
	{ "restore",	policy_restore },
	{ "apply",	policy_apply },
	{ "monitor",	policy_monitor },
	{ NULL,		NULL },
};

int do_policy(struct ctl *ctl, int argc, char **argv)
{
	return dispatch(ctl, commands, usage, argc, argv);
}
