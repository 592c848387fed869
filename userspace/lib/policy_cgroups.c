// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cgroups: a tree of names. A node's set is that of the node above it and the
 * rules that name it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "policy_compiler.h"

/**
 * struct step - a component of the path that was compiled last
 * @name: it
 * @node: its node
 * @set: the node's set
 */
struct step {
	struct toe_policy_cgroup_key key;
	uint32_t node;
	struct rule_set set;
};

struct cgroup_tree {
	struct step steps[TOE_POLICY_CGROUP_DEPTH];
	struct rule_set root;
	uint32_t nodes;
};

/* A path comes before those below it, and these before all others. */
static int compare_paths(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	if (*a == '/')
		return *b ? -1 : 1;
	if (*b == '/')
		return *a ? 1 : -1;
	return (unsigned char)*a - (unsigned char)*b;
}

static int compare_rules(const void *a, const void *b)
{
	return compare_paths((*(const struct toe_rule *const *)a)->cgroup,
			     (*(const struct toe_rule *const *)b)->cgroup);
}

/* The next component of a path. Return: its length, 0 at the end. */
static size_t component(const char **path)
{
	*path += strspn(*path, "/");
	return strcspn(*path, "/");
}

/* Return: a path's components, or -EINVAL. */
static int check_path(struct compiler *c, const struct toe_rule *rule)
{
	const char *at = rule->cgroup;
	unsigned int depth = 0;
	size_t len;

	for (; (len = component(&at)); at += len) {
		if (len > TOE_POLICY_CGROUP_NAME_MAX) {
			snprintf(c->why, TOE_WHY_LEN,
				 "prio %u: cgroup '%.40s...' has a name of more than %u characters",
				 rule->action.prio, at, TOE_POLICY_CGROUP_NAME_MAX);
			return -EINVAL;
		}
		depth++;
	}
	if (depth > TOE_POLICY_CGROUP_DEPTH) {
		snprintf(c->why, TOE_WHY_LEN,
			 "prio %u: cgroup '%.60s' is more than %u folders deep",
			 rule->action.prio, rule->cgroup, TOE_POLICY_CGROUP_DEPTH);
		return -EINVAL;
	}
	return depth;
}

static bool is_named(const struct step *step, const char *name, size_t len)
{
	return strlen(step->key.name) == len && !memcmp(step->key.name, name, len);
}

static int add_node(struct compiler *c, const struct step *step)
{
	struct toe_policy_cgroup value = { .node = step->node };
	int err = compiler_number(c, &step->set, &value.set);

	return err ? err : compiler_add(c, TOE_TABLE_CGROUPS, &step->key, &value);
}

/* Adds the nodes of a path that are new, with the rules that name it. */
static int add_path(struct compiler *c, struct cgroup_tree *t,
		    const struct toe_rule *const *rules, size_t n, unsigned int depth)
{
	const char *at = rules[0]->cgroup;
	unsigned int i = 0;
	size_t len, j;
	int err = 0;

	for (; (len = component(&at)) && is_named(&t->steps[i], at, len); i++)
		at += len;
	for (; !err && i < depth; i++) {
		struct step *step = &t->steps[i];

		len = component(&at);
		memset(&step->key, 0, sizeof(step->key));
		memcpy(step->key.name, at, len);
		step->key.parent = i ? t->steps[i - 1].node : 0;
		step->node = ++t->nodes;
		step->set = i ? t->steps[i - 1].set : t->root;
		for (j = 0; i == depth - 1 && j < n; j++)
			set_add(&step->set, rules[j] - c->p->rules);
		err = add_node(c, step);
		at += len;
	}
	/* What was below the last path's end is not below this one's. */
	if (depth < TOE_POLICY_CGROUP_DEPTH)
		t->steps[depth].key.name[0] = '\0';
	return err;
}

static int add_paths(struct compiler *c, const struct toe_rule **rules, size_t n)
{
	struct cgroup_tree *t = calloc(1, sizeof(*t));
	size_t first = 0, last;
	int ret = 0;

	if (!t)
		return -ENOMEM;
	qsort(rules, n, sizeof(*rules), compare_rules);
	t->root = c->any[TOE_DIM_CGROUP];
	for (; ret >= 0 && first < n; first = last) {
		for (last = first + 1; last < n; last++)
			if (strcmp(rules[first]->cgroup, rules[last]->cgroup))
				break;
		ret = check_path(c, rules[first]);
		if (ret > 0)
			ret = add_path(c, t, rules + first, last - first, ret);
		else if (!ret)
			for (; first < last; first++)
				set_add(&t->root, rules[first] - c->p->rules);
	}
	if (ret >= 0)
		ret = compiler_number(c, &t->root, &c->img->head.any[TOE_DIM_CGROUP]);
	free(t);
	return ret;
}

int compile_cgroups(struct compiler *c)
{
	const struct toe_rule **rules;
	unsigned int i;
	size_t n = 0;
	int err;

	if (!(c->img->head.dims & 1u << TOE_DIM_CGROUP))
		return 0;
	rules = malloc(c->p->n * sizeof(*rules));
	if (!rules)
		return -ENOMEM;
	for (i = 0; i < c->p->n; i++)
		if (c->p->rules[i].asks & 1u << TOE_DIM_CGROUP)
			rules[n++] = &c->p->rules[i];
	err = add_paths(c, rules, n);
	free(rules);
	return err;
}
