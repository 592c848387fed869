// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "policy_compiler.h"

/* The text is kept in pieces, because an element of a map has a limited size. */
#define TEXT_PIECE 4096

#define RULES_PER_BLOCK (64 * TOE_POLICY_BLOCK)

static const struct toe_policy_table tables[__TOE_TABLE_MAX] = {
	[TOE_TABLE_SETS] = { .name = "sets" },
	[TOE_TABLE_ACTIONS] = {
		.name = "actions",
		.value_size = sizeof(struct toe_signal),
	},
	[TOE_TABLE_ADDRS] = {
		.name = "addrs",
		.key_size = sizeof(struct toe_policy_addr_key),
		.value_size = sizeof(uint32_t),
	},
	[TOE_TABLE_PORTS] = {
		.name = "ports",
		.value_size = sizeof(struct toe_policy_ports),
	},
	[TOE_TABLE_VALUES] = {
		.name = "values",
		.value_size = sizeof(struct toe_policy_value),
	},
	[TOE_TABLE_CGROUPS] = {
		.name = "cgroups",
		.key_size = sizeof(struct toe_policy_cgroup_key),
		.value_size = sizeof(struct toe_policy_cgroup),
	},
	[TOE_TABLE_TEXT] = { .name = "text", .value_size = TEXT_PIECE },
};

int compiler_number(struct compiler *c, const struct rule_set *set, uint32_t *number)
{
	int err = rule_sets_number(&c->sets, set, number);

	if (err != -ENOSPC)
		return err;
	snprintf(c->why, TOE_WHY_LEN,
		 "the rules overlap in too many ways (more than %u sets of rules)",
		 POLICY_MAX_SETS);
	return -EINVAL;
}

int compiler_add(struct compiler *c, enum toe_policy_table_nr nr, const void *key,
		 const void *value)
{
	struct toe_policy_table *t = &c->img->table[nr];
	void *keys, *values;

	if (!(t->n & (t->n - 1))) {	/* full: room is a power of 2 */
		size_t room = t->n ? 2 * t->n : 1;

		values = realloc(t->values, room * t->value_size);
		if (!values)
			return -ENOMEM;
		t->values = values;
		keys = t->key_size ? realloc(t->keys, room * t->key_size) : NULL;
		if (t->key_size && !keys)
			return -ENOMEM;
		t->keys = keys;
	}
	if (t->key_size)
		memcpy((char *)t->keys + t->n * t->key_size, key, t->key_size);
	memcpy((char *)t->values + t->n * t->value_size, value, t->value_size);
	t->n++;
	return 0;
}

static void find_any(struct compiler *c)
{
	unsigned int i, dim;

	for (dim = 0; dim < __TOE_DIM_MAX; dim++)
		for (i = 0; i < c->p->n; i++)
			if (!(c->p->rules[i].asks & 1u << dim))
				set_add(&c->any[dim], i);
}

static int compile_dir(struct compiler *c)
{
	struct rule_set connected = c->any[TOE_DIM_DIR];
	struct rule_set accepted = connected;
	struct toe_policy_head *head = &c->img->head;
	unsigned int i;
	int err;

	for (i = 0; i < c->p->n; i++)
		if (c->p->rules[i].asks & 1u << TOE_DIM_DIR)
			set_add(c->p->rules[i].accepted ? &accepted : &connected, i);
	err = compiler_number(c, &connected, &head->any[TOE_DIM_DIR]);
	return err ? err : compiler_number(c, &accepted, &head->accepted);
}

/* The dimensions that some rule asks about, and the sets of all others' values. */
static int compile_head(struct compiler *c)
{
	struct toe_policy_head *head = &c->img->head;
	unsigned int i;
	int err = 0;

	head->rules = c->p->n;
	head->words = c->sets.words;
	for (i = 0; i < c->p->n; i++)
		head->dims |= c->p->rules[i].asks;
	for (i = 0; !err && i < __TOE_DIM_MAX; i++)
		err = compiler_number(c, &c->any[i], &head->any[i]);
	return err;
}

static void keep_common(const struct compiler *c, struct rule_set *set, uint32_t number)
{
	const uint64_t *with = rule_sets_words(&c->sets, number);
	unsigned int i;

	for (i = 0; i < c->sets.words && i < TOE_POLICY_MAX_WORDS; i++)
		set->word[i] &= with[i];
}

/* When all dimensions are done. */
static int compile_bases(struct compiler *c)
{
	struct toe_policy_head *head = &c->img->head;
	struct rule_set set;
	unsigned int mask, dim;
	int err = 0;

	for (mask = 0; !err && mask < TOE_POLICY_BASES; mask++) {
		if (mask & ~head->dims)
			continue;
		memset(&set, 0xff, sizeof(set));
		for (dim = 0; dim < __TOE_DIM_MAX; dim++)
			if (dim != TOE_DIM_DIR && (mask & 1u << dim))
				keep_common(c, &set, head->any[dim]);
		keep_common(c, &set, mask & 1u << TOE_DIM_DIR ? head->accepted :
								head->any[TOE_DIM_DIR]);
		err = compiler_number(c, &set, &head->base[mask]);
	}
	return err;
}

static int compile_actions(struct compiler *c)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < c->p->n; i++)
		err = compiler_add(c, TOE_TABLE_ACTIONS, NULL, &c->p->rules[i].action);
	return err;
}

static int compile_text(struct compiler *c)
{
	char piece[TEXT_PIECE], *text = NULL;
	size_t len = 0, at;
	FILE *file = open_memstream(&text, &len);
	int err;

	if (!file)
		return -ENOMEM;
	err = toe_policy_write_kept(c->p, file);
	if (fclose(file))
		err = -ENOMEM;
	/* There is always a zero at the end. */
	for (at = 0; !err && at <= len; at += TEXT_PIECE) {
		memset(piece, 0, sizeof(piece));
		memcpy(piece, text + at, len - at < TEXT_PIECE ? len - at : TEXT_PIECE);
		err = compiler_add(c, TOE_TABLE_TEXT, NULL, piece);
	}
	free(text);
	return err;
}

static int compile_locals(struct compiler *c)
{
	return compile_addrs(c, TOE_DIM_LOCAL);
}

static int compile_remotes(struct compiler *c)
{
	return compile_addrs(c, TOE_DIM_REMOTE);
}

static int compile(struct compiler *c)
{
	static int (*const steps[])(struct compiler *c) = {
		compile_head, compile_actions, compile_dir, compile_locals,
		compile_remotes, compile_ports, compile_cgroups, compile_values,
		compile_bases, compile_text,
	};
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < sizeof(steps) / sizeof(*steps); i++)
		err = steps[i](c);
	return err;
}

int toe_policy_compile(const struct toe_policy *p, struct toe_policy_image *img,
		       char *why)
{
	struct compiler *c = calloc(1, sizeof(*c));
	struct toe_policy_table *sets = &img->table[TOE_TABLE_SETS];
	int err;

	memset(img, 0, sizeof(*img));
	memcpy(img->table, tables, sizeof(tables));
	if (!c)
		return -ENOMEM;
	c->p = p;
	c->img = img;
	c->why = why;
	c->sets.words = (p->n ? (p->n - 1) / RULES_PER_BLOCK + 1 : 1) * TOE_POLICY_BLOCK;
	find_any(c);
	err = compile(c);
	if (err) {
		rule_sets_free(&c->sets);
		toe_policy_image_free(img);
	} else {
		sets->value_size = (1 + c->sets.words) * sizeof(uint64_t);
		sets->values = c->sets.data;
		sets->n = c->sets.n;
		free(c->sets.slots);
	}
	free(c);
	return err;
}

void toe_policy_image_free(struct toe_policy_image *img)
{
	unsigned int i;

	for (i = 0; i < __TOE_TABLE_MAX; i++) {
		free(img->table[i].keys);
		free(img->table[i].values);
	}
	memset(img, 0, sizeof(*img));
}
