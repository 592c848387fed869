// SPDX-License-Identifier: GPL-2.0-only
/*
 * The compiled policy without a kernel: it says what the rules say, one by one;
 * and what cannot be compiled is refused in words. KTAP on standard output.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "random.h"

static char failure[600];

#define FAIL(...) do {							\
	if (!*failure)							\
		snprintf(failure, sizeof(failure), __VA_ARGS__);	\
} while (0)

/* Compares, for a policy. Return: how many connections some rule took. */
static unsigned int compare(const struct toe_policy *p, unsigned int connections)
{
	struct toe_policy_image img;
	struct toe_policy_facts f;
	char why[TOE_WHY_LEN] = "";
	unsigned int i, taken = 0;
	uint64_t at = seed;
	int err = toe_policy_compile(p, &img, why);

	if (err) {
		FAIL("%u rules: %d %s", p->n, err, why);
		return 0;
	}
	for (i = 0; i < connections; i++) {
		const char *cgroup = cgroups[random_facts(p, &f)];
		unsigned int want = toe_policy_match(p, &f, cgroup);
		unsigned int got = model_match(&img, &f, cgroup);

		if (got != want)
			FAIL("seed %llu, %u rules, dimensions 0x%x, connection %u: rule %d, not %d",
			     (unsigned long long)at, p->n, img.head.dims, i, (int)got, (int)want);
		taken += want != TOE_POLICY_NO_RULE;
	}
	toe_policy_image_free(&img);
	return taken;
}

static unsigned int compare_random(unsigned int rules, uint32_t dims,
				   unsigned int connections)
{
	struct toe_policy p;
	unsigned int taken;

	random_policy(&p, rules, dims);
	taken = compare(&p, connections);
	toe_policy_free(&p);
	return taken;
}

/* Each dimension alone, then any of them */
static void test_same(void)
{
	static const unsigned int sizes[] = { 0, 1, 2, 5, 20, 63, 64, 65, 200 };
	unsigned int i, dim, taken = 0, all = 0;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (dim = 0; dim < __TOE_DIM_MAX; dim++)
			compare_random(sizes[i], 1u << dim, 200);
		for (dim = 0; dim < 20; dim++) {
			taken += compare_random(sizes[i], any(1u << __TOE_DIM_MAX), 200);
			all += 200;
		}
	}
	/* Or else the comparison would say nothing. */
	if (taken < all / 10 || taken > all - all / 10)
		FAIL("%u of %u connections were taken by a rule", taken, all);
}

static void test_large(void)
{
	compare_random(1024, ~0u, 300);
	compare_random(TOE_POLICY_MAX_RULES, ~0u, 100);
}

static void one_rule(struct toe_rule *r, uint32_t prio, enum toe_policy_dim dim)
{
	memset(r, 0, sizeof(*r));
	r->asks = 1u << dim;
	r->action.prio = prio;
	r->action.threshold = 1;
}

static void expect_why(const struct toe_policy *p, const char *words)
{
	char why[TOE_WHY_LEN] = "";
	struct toe_policy_image img;
	int err = toe_policy_compile(p, &img, why);

	if (err != -EINVAL || !strstr(why, words))
		FAIL("%d '%s', not '...%s...'", err, why, words);
	if (!err)
		toe_policy_image_free(&img);
}

static void test_masks(void)
{
	struct toe_rule rules[TOE_POLICY_MAX_MASKS + 1];
	struct toe_policy p = { .rules = rules, .n = TOE_POLICY_MAX_MASKS };
	unsigned int i;

	for (i = 0; i <= TOE_POLICY_MAX_MASKS; i++) {
		one_rule(&rules[i], 10 + i, TOE_DIM_MARK);
		rules[i].mask = rules[i].mark = 1u << i;
	}
	compare(&p, 1000);
	p.n++;
	expect_why(&p, "prio 18: '0x100'");
}

static void test_cgroups(void)
{
	struct toe_rule rule;
	struct toe_policy p = { .rules = &rule, .n = 1 };

	one_rule(&rule, 7, TOE_DIM_CGROUP);
	strcpy(rule.cgroup, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17");
	expect_why(&p, "prio 7: cgroup '/1/2");
	strcpy(rule.cgroup, "/a/");
	memset(rule.cgroup + 3, 'n', 127);
	rule.cgroup[130] = '\0';
	expect_why(&p, "prio 7: cgroup 'nnn");
	rule.cgroup[129] = '\0';
	compare(&p, 100);
}

/* The ranges that a port is in are the last 100 to 1600 of the 4096 rules, a
 * different set for almost every port.
 */
static void ranges(struct toe_port_range *range, unsigned int rule, unsigned int more)
{
	unsigned int i, last;

	for (i = 0; i < TOE_RULE_LIST; i++) {
		range[i].first = i * TOE_POLICY_MAX_RULES + rule;
		last = range[i].first + 100 * (i + 1) + more;
		range[i].last = last > 65535 ? 65535 : last;
	}
}

static void test_sets(void)
{
	struct toe_rule *rules = calloc(TOE_POLICY_MAX_RULES, sizeof(*rules));
	struct toe_policy p = { .rules = rules, .n = TOE_POLICY_MAX_RULES };
	unsigned int i;

	for (i = 0; i < p.n; i++) {
		one_rule(&rules[i], 1 + i, TOE_DIM_LPORT);
		rules[i].asks |= 1u << TOE_DIM_RPORT;
		rules[i].n_lport = rules[i].n_rport = TOE_RULE_LIST;
		ranges(rules[i].lport, i, 0);
		ranges(rules[i].rport, i, 50);
	}
	expect_why(&p, "65536 sets");
	p.n = 100;
	compare(&p, 1000);
	free(rules);
}

/* Equal sets are kept once, so one rule needs few. */
static void test_dedupe(void)
{
	struct toe_rule rule;
	struct toe_policy p = { .rules = &rule, .n = 1 };
	struct toe_policy_image img;
	char why[TOE_WHY_LEN];

	one_rule(&rule, 1, TOE_DIM_LPORT);
	rule.n_lport = 2;
	rule.lport[0] = (struct toe_port_range){ 80, 90 };
	rule.lport[1] = (struct toe_port_range){ 85, 100 };
	if (toe_policy_compile(&p, &img, why)) {
		FAIL("%s", why);
		return;
	}
	if (img.table[TOE_TABLE_SETS].n != 2)
		FAIL("%zu sets, not 2", img.table[TOE_TABLE_SETS].n);
	toe_policy_image_free(&img);
	compare(&p, 1000);
}

static void test_text(void)
{
	struct toe_policy p, back;
	struct toe_policy_image img;
	char why[TOE_WHY_LEN] = "", *text;
	const struct toe_policy_table *t = &img.table[TOE_TABLE_TEXT];
	FILE *file;

	random_policy(&p, 100, 1u << TOE_DIM_LOCAL | 1u << TOE_DIM_UID | 1u << TOE_DIM_DIR);
	if (toe_policy_compile(&p, &img, why)) {
		FAIL("%s", why);
		return;
	}
	text = t->values;
	if (t->n < 2 || text[t->n * t->value_size - 1])
		FAIL("%zu pieces of text without an end", t->n);
	file = fmemopen(text, strlen(text), "r");
	if (!file || toe_policy_read_kept(&back, file, "text", why))
		FAIL("%s", why);
	else if (back.n != p.n || memcmp(back.rules, p.rules, p.n * sizeof(*p.rules)))
		FAIL("the text says something else");
	fclose(file);
	toe_policy_free(&back);
	toe_policy_free(&p);
	toe_policy_image_free(&img);
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "the compiled policy is the policy", test_same },
	{ "with thousands of rules, too", test_large },
	{ "eight masks of marks, not nine", test_masks },
	{ "cgroups that are too deep or too long are refused", test_cgroups },
	{ "too many sets are refused", test_sets },
	{ "equal sets are one", test_dedupe },
	{ "the words are kept", test_text },
};

int main(int argc, char **argv)
{
	unsigned int i, n = sizeof(tests) / sizeof(*tests);
	int ret = 0;

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 0);
	printf("TAP version 13\n1..%u\n", n);
	for (i = 0; i < n; i++) {
		*failure = '\0';
		tests[i].run();
		printf("%sok %u %s%s%s\n", *failure ? "not " : "", i + 1, tests[i].name,
		       *failure ? " # " : "", failure);
		ret |= !!*failure;
	}
	return ret;
}
