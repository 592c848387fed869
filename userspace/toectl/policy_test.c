// SPDX-License-Identifier: GPL-2.0-only
/*
 * The answer is the loaded program's. The rules are then read one by one to say
 * why; should that come to another end, one of the two is wrong, and it is said.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include "classifier.h"
#include "rules.h"
#include "tuple.h"
#include "units.h"

#define BEFORE_MAX 10	/* rules that are explained without -a */

/**
 * struct question - a connection, and what is known of it
 * @facts: what the rules see
 * @cgroup: path of its cgroup, empty when that is gone
 * @netns: name of its network namespace, empty: the caller's own
 * @live: it exists
 * @outside: of the cgroup where the classifier is attached
 * @rule: the answer
 */
struct question {
	struct toe_policy_facts facts;
	char cgroup[TOE_RULE_CGROUP_LEN];
	char netns[TOE_RULE_NETNS_LEN];
	bool live;
	bool outside;
	unsigned int rule;
};

/* Conditions of a rule that are facts of a connection made up, too */
static bool is_fact(const char *word, bool *value)
{
	static const char *const words[] = { "dev", "cgroup", "uid", "mark", "netns" };

	*value = true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(word, words[i]))
			return true;
	*value = false;
	return !strcmp(word, "in") || !strcmp(word, "out");
}

/* A rule asks for several or for parts; a connection has one of each. */
static int take_facts(const struct ctl *ctl, const struct toe_rule *rule,
		      struct question *q)
{
	struct toe_policy_facts *f = &q->facts;
	int err;

	if (rule->n_uid > 1)
		return bad_words(ctl, "'uid': a connection has one owner");
	if ((rule->asks & (1u << TOE_DIM_MARK)) && rule->mask != UINT32_MAX)
		return bad_words(ctl, "'mark': a connection's mark has no mask");
	f->accepted = rule->accepted;
	f->uid = rule->uid[0];
	f->mark = rule->mark;
	memcpy(f->dev, rule->dev, sizeof(f->dev));
	f->netns = rule->netns_cookie;
	if (!(rule->asks & (1u << TOE_DIM_NETNS))) {
		uint64_t own;

		err = toe_netns_cookie(NULL, &own);
		if (err)
			return fail(ctl, "this network namespace: %s", strerror(-err));
		f->netns = own;
	}
	strcpy(q->netns, rule->netns);
	strcpy(q->cgroup, *rule->cgroup ? rule->cgroup : "/");
	return EXIT_OK;
}

static int find_cgroup(const struct ctl *ctl, struct question *q)
{
	uint64_t id;
	int err = toe_cgroup_id(q->cgroup, &id);

	if (err == -ENODEV)
		return fail(ctl, "no cgroup2 file system is mounted");
	if (err)
		return fail(ctl, "cgroup %s: %s", q->cgroup, strerror(-err));
	q->facts.cgroup = id;
	return EXIT_OK;
}

/* The words that a rule has, too, are read as a rule's. */
static int parse_made_up(const struct ctl *ctl, int argc, char **argv,
			 struct question *q)
{
	char *words[16] = { "prio", "1" };
	char why[TOE_WHY_LEN], *local = NULL, *remote = NULL;
	struct toe_rule rule;
	const char *bad;
	int n = 2, ret;

	for (int i = 0; i < argc; i++) {
		bool is_local = !strcmp(argv[i], "local");
		bool value;

		if (is_local || !strcmp(argv[i], "remote")) {
			char **end = is_local ? &local : &remote;

			if (*end)
				return bad_word(ctl, argv[i], "expected twice");
			if (++i == argc)
				return bad_word(ctl, NULL, "the ADDRESS:PORT");
			*end = argv[i];
		} else if (!is_fact(argv[i], &value)) {
			return bad_word(ctl, argv[i], "a word of a connection");
		} else if (n + 2 > 16) {
			return bad_word(ctl, argv[i], "expected here");
		} else {
			words[n++] = argv[i];
			if (value && i + 1 < argc)
				words[n++] = argv[++i];
		}
	}
	if (!local || !remote)
		return bad_word(ctl, NULL, local ? "'remote' ADDRESS:PORT" :
				"'local' ADDRESS:PORT");
	ret = toe_tuple_parse(&q->facts.tuple, local, remote, &bad);
	if (ret)
		return bad_word(ctl, bad, ret == -EINVAL ? "an ADDRESS:PORT" :
				"of the local address's family");
	if (toe_rule_parse(&rule, n, words, why))
		return bad_words(ctl, why);
	ret = take_facts(ctl, &rule, q);
	return ret ? ret : find_cgroup(ctl, q);
}

static int ask(const struct ctl *ctl, void *arg)
{
	struct question *q = arg;
	struct explained e;
	int ret;

	if (!q->live)
		return classifier_test(ctl, &q->facts, &q->rule);
	ret = classifier_explain(ctl, &q->facts.tuple, &e);
	if (ret)
		return ret;
	if (!e.found)
		return fail(ctl, "there is no such connection in this network namespace");
	q->facts = e.facts;
	q->rule = e.rule;
	if (toe_cgroup_path(e.facts.cgroup, q->cgroup, sizeof(q->cgroup)))
		*q->cgroup = 0;
	q->outside = !covered(ctl, q->cgroup);
	return EXIT_OK;
}

static const struct toe_rule *winner(const struct toe_policy *policy, unsigned int rule)
{
	return rule < policy->n ? &policy->rules[rule] : NULL;
}

/* Do the rules, read one by one, say what the program says? */
static int check(const struct ctl *ctl, const struct question *q,
		 const struct toe_policy *policy)
{
	unsigned int plain = toe_policy_match(policy, &q->facts, q->cgroup);
	const struct toe_rule *a = winner(policy, q->rule), *b = winner(policy, plain);

	if (!*q->cgroup || q->outside || a == b)
		return EXIT_OK;
	return fail(ctl, "internal error: the loaded program says rule %u, the rules in words say rule %u (0: none)",
		    a ? a->action.prio : 0, b ? b->action.prio : 0);
}

/* What the connection has where the rule asks. */
static const char *fact(const struct question *q, enum toe_policy_dim dim,
			char *buf, size_t len)
{
	const struct toe_tuple *t = &q->facts.tuple;

	switch (dim) {
	case TOE_DIM_DIR:
		return q->facts.accepted ? "in" : "out";
	case TOE_DIM_LOCAL:
		return toe_tuple_addr(t, false, buf, len);
	case TOE_DIM_REMOTE:
		return toe_tuple_addr(t, true, buf, len);
	case TOE_DIM_LPORT:
		snprintf(buf, len, "%u", ntohs(t->local_port));
		return buf;
	case TOE_DIM_RPORT:
		snprintf(buf, len, "%u", ntohs(t->remote_port));
		return buf;
	case TOE_DIM_DEV:
		return *q->facts.dev ? q->facts.dev : "not known";
	case TOE_DIM_CGROUP:
		return *q->cgroup ? q->cgroup : "gone";
	case TOE_DIM_UID:
		snprintf(buf, len, "%u", q->facts.uid);
		return buf;
	case TOE_DIM_MARK:
		snprintf(buf, len, "0x%x", q->facts.mark);
		return buf;
	case TOE_DIM_NETNS:
		return *q->netns ? q->netns : "this one";
	default:
		return "?";
	}
}

/* "    prio 10: not remote 10.0.0.0/8 (192.0.2.1), not in (out)" */
static void show_mismatch(struct toe_out *out, const struct toe_rule *rule,
			  const struct question *q)
{
	uint32_t mismatch = toe_rule_mismatch(rule, &q->facts, q->cgroup);
	char words[TOE_RULE_TEXT_LEN], buf[TOE_ENDPOINT_LEN];
	const char *between = ": not ";

	toe_out_open(out, NULL, '{');
	toe_out_u64(out, "prio", "    prio %" PRIu64, rule->action.prio);
	toe_out_open(out, "mismatch", '[');
	for (unsigned int dim = 0; dim < __TOE_DIM_MAX; dim++) {
		if (!(mismatch & (1u << dim)))
			continue;
		toe_out_str(out, NULL, NULL, dim_key(dim));
		toe_out_text(out, between);
		between = ", not ";
		if (out->json)
			continue;
		toe_dim_format(rule, dim, words, sizeof(words));
		toe_out_str(out, NULL, "%s ", words);
		toe_out_str(out, NULL, "(%s)", fact(q, dim, buf, sizeof(buf)));
	}
	toe_out_close(out, ']');
	toe_out_close(out, '}');
	toe_out_text(out, "\n");
}

static void show_before(const struct ctl *ctl, struct toe_out *out,
			const struct question *q, const struct toe_policy *policy)
{
	unsigned int n = q->rule < policy->n ? q->rule : policy->n;
	unsigned int i = 0;

	if (q->outside)
		n = 0;

	toe_out_open(out, "before", '[');
	if (n && !out->json)
		toe_out_text(out, "not taken by\n");
	if (!out->json && !ctl->all && n > BEFORE_MAX) {
		i = n - BEFORE_MAX;
		toe_out_u64(out, NULL, "    %" PRIu64 " others before these (-a shows them)\n", i);
	}
	for (; i < n; i++)
		show_mismatch(out, &policy->rules[i], q);
	toe_out_close(out, ']');
}

static void show_facts(struct toe_out *out, const struct question *q)
{
	const struct toe_policy_facts *f = &q->facts;

	toe_out_open(out, "connection", '{');
	out_addresses(out, &f->tuple);
	toe_out_str(out, "direction", NULL, f->accepted ? "in" : "out");
	toe_out_str(out, "dev", NULL, *f->dev ? f->dev : NULL);
	toe_out_str(out, "cgroup", NULL, *q->cgroup ? q->cgroup : NULL);
	toe_out_u64(out, "uid", NULL, f->uid);
	toe_out_u64(out, "mark", NULL, f->mark);
	toe_out_u64(out, "netns_cookie", NULL, f->netns);
	toe_out_close(out, '}');
}

static void show_winner(struct toe_out *out, const struct question *q,
			const struct toe_rule *rule)
{
	char buf[TOE_UNIT_LEN];

	if (!rule) {
		toe_out_null(out, "rule");
		toe_out_text(out, q->outside ?
			     "no rule takes it: the classifier is attached to another cgroup\n" :
			     "no rule takes it: it stays in the stack\n");
		return;
	}
	show_rule(out, "rule", rule, NULL);
	if (out->json)
		return;
	if (rule->action.flags & TOE_SIGNAL_NEVER)
		toe_out_text(out, "\n    takes it: it stays in the stack");
	else
		toe_out_str(out, NULL, "\n    takes it: offloaded when it has moved %s",
			    toe_write_bytes(buf, sizeof(buf), rule->action.threshold));
	if (rule->action.ct_mask || rule->action.pkt_mask)
		toe_out_text(out, ", if its marks say so then");
	toe_out_text(out, "\n");
}

static int answer(struct ctl *ctl, struct question *q)
{
	struct toe_out *out = &ctl->out;
	struct toe_policy policy;
	int ret, wrong;

	ret = ask_policy(ctl, &policy, ask, q);
	if (ret)
		return ret;
	toe_out_open(out, NULL, '{');
	show_winner(out, q, winner(&policy, q->rule));
	if (out->json)
		show_facts(out, q);
	show_before(ctl, out, q, &policy);
	toe_out_close(out, '}');
	wrong = check(ctl, q, &policy);
	toe_policy_free(&policy);
	ret = finish(ctl);
	return ret ? ret : wrong;
}

int policy_test(struct ctl *ctl, int argc, char **argv)
{
	struct question q = { 0 };
	int ret;

	q.live = argc > 0 && !strcmp(argv[0], "flow");
	ret = q.live ? parse_tuple(ctl, argc - 1, argv + 1, &q.facts.tuple) :
		       parse_made_up(ctl, argc, argv, &q);
	return ret ? ret : answer(ctl, &q);
}
