// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dimensions whose values are met exactly or not at all. All go into one table, see
 * struct toe_policy_value.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "policy_compiler.h"

/* The table is doubled until each value lies close to its place. */
#define FIRST_ROOM	16
#define LAST_ROOM	(1u << 22)

/* A value of a rule */
struct value_of {
	struct toe_policy_value v;
	unsigned int rule;
};

struct values {
	struct value_of *list;
	size_t n;
};

static int compare(const void *a, const void *b)
{
	const struct toe_policy_value *x = &((const struct value_of *)a)->v;
	const struct toe_policy_value *y = &((const struct value_of *)b)->v;

	if (x->dim != y->dim)
		return x->dim < y->dim ? -1 : 1;
	return memcmp(x->key, y->key, sizeof(x->key));
}

static bool asks(const struct toe_rule *rule, enum toe_policy_dim dim)
{
	return rule->asks & 1u << dim;
}

static void add(struct values *v, unsigned int rule, enum toe_policy_dim dim,
		uint64_t first, uint64_t second)
{
	v->list[v->n++] = (struct value_of){
		.v = { .key = { first, second }, .dim = dim },
		.rule = rule,
	};
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

static int add_rule(struct compiler *c, struct values *v, unsigned int nr)
{
	const struct toe_rule *rule = &c->p->rules[nr];
	uint64_t name[2];
	unsigned int i;
	int mask;

	for (i = 0; i < rule->n_uid; i++)
		add(v, nr, TOE_DIM_UID, rule->uid[i], 0);
	if (asks(rule, TOE_DIM_NETNS))
		add(v, nr, TOE_DIM_NETNS, rule->netns_cookie, 0);
	if (asks(rule, TOE_DIM_DEV)) {
		memcpy(name, rule->dev, sizeof(name));
		add(v, nr, TOE_DIM_DEV, name[0], name[1]);
	}
	if (asks(rule, TOE_DIM_MARK)) {
		mask = mask_number(c, rule);
		if (mask < 0)
			return mask;
		add(v, nr, TOE_DIM_MARK, rule->mark & rule->mask, mask);
	}
	return 0;
}

/* A value once, with the set of its rules. @v is sorted; what is left is in front. */
static int join(struct compiler *c, struct values *v)
{
	size_t i = 0, n = 0;

	while (i < v->n) {
		struct value_of *to = &v->list[n], first = v->list[i];
		struct rule_set set = c->any[first.v.dim];
		int err;

		for (; i < v->n && !compare(&first, &v->list[i]); i++)
			set_add(&set, v->list[i].rule);
		err = compiler_number(c, &set, &first.v.set);
		if (err)
			return err;
		*to = first;
		n++;
	}
	v->n = n;
	return 0;
}

/* Puts all values into a table of a size, or returns false. */
static bool place(const struct values *v, struct toe_policy_value *table, uint32_t room)
{
	unsigned int probe;
	size_t i;

	memset(table, 0, room * sizeof(*table));
	for (i = 0; i < v->n; i++) {
		const struct toe_policy_value *value = &v->list[i].v;
		uint32_t at = toe_policy_hash(value->key[0], value->key[1], value->dim);

		for (probe = 0; table[(at + probe) & (room - 1)].dim; probe++)
			if (probe == TOE_POLICY_PROBES - 1)
				return false;
		table[(at + probe) & (room - 1)] = *value;
	}
	return true;
}

static int write_table(struct compiler *c, const struct values *v)
{
	struct toe_policy_table *t = &c->img->table[TOE_TABLE_VALUES];
	uint32_t room = FIRST_ROOM;

	while (room < 2 * v->n)
		room *= 2;
	for (; room <= LAST_ROOM; room *= 2) {
		free(t->values);
		t->values = malloc(room * sizeof(struct toe_policy_value));
		if (!t->values)
			return -ENOMEM;
		if (!place(v, t->values, room))
			continue;
		t->n = room;
		c->img->head.values_mask = room - 1;
		return 0;
	}
	snprintf(c->why, TOE_WHY_LEN, "no table can be made for these %zu values", v->n);
	return -EINVAL;
}

int compile_values(struct compiler *c)
{
	struct values v = {};
	unsigned int i;
	int err = 0;

	/* uids, and three more */
	v.list = calloc((size_t)c->p->n * (TOE_RULE_LIST + 3) + 1, sizeof(*v.list));
	if (!v.list)
		return -ENOMEM;
	for (i = 0; !err && i < c->p->n; i++)
		err = add_rule(c, &v, i);
	if (!err) {
		qsort(v.list, v.n, sizeof(*v.list), compare);
		err = join(c, &v);
	}
	if (!err)
		err = write_table(c, &v);
	free(v.list);
	return err;
}
