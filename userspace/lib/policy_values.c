// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dimensions whose values are met exactly or not at all.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "policy_compiler.h"

/* A value of a rule; @key is as long as the table's keys, the rest is zero. */
struct value_of {
	unsigned char key[TOE_POLICY_DEV_NAME];
	unsigned int rule;
};

struct values {
	struct value_of *list;
	size_t n;
};

static int compare(const void *a, const void *b)
{
	return memcmp(((const struct value_of *)a)->key,
		      ((const struct value_of *)b)->key, TOE_POLICY_DEV_NAME);
}

static int values_begin(const struct compiler *c, struct values *v)
{
	v->n = 0;
	v->list = calloc((size_t)c->p->n * TOE_RULE_LIST, sizeof(*v->list));
	return v->list ? 0 : -ENOMEM;
}

static void values_add(struct values *v, const void *key, size_t len, unsigned int rule)
{
	memcpy(v->list[v->n].key, key, len);
	v->list[v->n++].rule = rule;
}

/* Writes the table, and frees the values. */
static int values_end(struct compiler *c, struct values *v, enum toe_policy_dim dim,
		      enum toe_policy_table_nr table)
{
	uint32_t number;
	size_t i = 0;
	int err = 0;

	qsort(v->list, v->n, sizeof(*v->list), compare);
	while (!err && i < v->n) {
		const struct value_of *first = &v->list[i];
		struct rule_set set = c->any[dim];

		for (; i < v->n && !compare(first, &v->list[i]); i++)
			set_add(&set, v->list[i].rule);
		err = compiler_number(c, &set, &number);
		if (!err)
			err = compiler_add(c, table, first->key, &number);
	}
	free(v->list);
	return err;
}

static bool is_asked(const struct compiler *c, enum toe_policy_dim dim)
{
	return c->img->head.dims & 1u << dim;
}

static bool asks(const struct toe_rule *rule, enum toe_policy_dim dim)
{
	return rule->asks & 1u << dim;
}

int compile_devs(struct compiler *c)
{
	struct values v;
	unsigned int i;

	if (!is_asked(c, TOE_DIM_DEV))
		return 0;
	if (values_begin(c, &v))
		return -ENOMEM;
	for (i = 0; i < c->p->n; i++)
		if (asks(&c->p->rules[i], TOE_DIM_DEV))
			values_add(&v, c->p->rules[i].dev, TOE_POLICY_DEV_NAME, i);
	return values_end(c, &v, TOE_DIM_DEV, TOE_TABLE_DEVS);
}

int compile_uids(struct compiler *c)
{
	struct values v;
	unsigned int i, j;

	if (!is_asked(c, TOE_DIM_UID))
		return 0;
	if (values_begin(c, &v))
		return -ENOMEM;
	for (i = 0; i < c->p->n; i++)
		for (j = 0; j < c->p->rules[i].n_uid; j++)
			values_add(&v, &c->p->rules[i].uid[j], sizeof(uint32_t), i);
	return values_end(c, &v, TOE_DIM_UID, TOE_TABLE_UIDS);
}

int compile_netnses(struct compiler *c)
{
	struct values v;
	unsigned int i;

	if (!is_asked(c, TOE_DIM_NETNS))
		return 0;
	if (values_begin(c, &v))
		return -ENOMEM;
	for (i = 0; i < c->p->n; i++)
		if (asks(&c->p->rules[i], TOE_DIM_NETNS))
			values_add(&v, &c->p->rules[i].netns_cookie, sizeof(uint64_t), i);
	return values_end(c, &v, TOE_DIM_NETNS, TOE_TABLE_NETNSES);
}

/* Return: the number of a mask, new or not, or -EINVAL. */
static int mask_number(struct compiler *c, const struct toe_rule *rule)
{
	struct toe_policy_head *head = &c->img->head;
	unsigned int i;

	for (i = 0; i < head->masks; i++)
		if (head->mask[i] == rule->mask)
			return i;
	if (i == TOE_POLICY_MAX_MASKS) {
		snprintf(c->why, TOE_WHY_LEN,
			 "prio %u: '0x%x' is one mask of marks too many (there can be %u different ones)",
			 rule->action.prio, rule->mask, TOE_POLICY_MAX_MASKS);
		return -EINVAL;
	}
	head->mask[head->masks++] = rule->mask;
	return i;
}

int compile_marks(struct compiler *c)
{
	struct values v;
	unsigned int i;
	int mask;

	if (!is_asked(c, TOE_DIM_MARK))
		return 0;
	if (values_begin(c, &v))
		return -ENOMEM;
	for (i = 0; i < c->p->n; i++) {
		const struct toe_rule *rule = &c->p->rules[i];
		struct toe_policy_mark_key key = { .mark = rule->mark & rule->mask };

		if (!asks(rule, TOE_DIM_MARK))
			continue;
		mask = mask_number(c, rule);
		if (mask < 0) {
			free(v.list);
			return mask;
		}
		key.mask = mask;
		values_add(&v, &key, sizeof(key), i);
	}
	return values_end(c, &v, TOE_DIM_MARK, TOE_TABLE_MARKS);
}
