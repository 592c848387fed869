// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dimensions where one rule's value covers another's: the set of a prefix is
 * that of all prefixes that cover it, the set of a port that of all ranges that
 * it is in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "policy_compiler.h"

#define PORTS	65536

struct prefix_of {
	struct toe_prefix prefix;
	unsigned int rule;
};

/* A prefix comes before those that it covers. */
static int compare_prefixes(const void *a, const void *b)
{
	const struct toe_prefix *p = &((const struct prefix_of *)a)->prefix;
	const struct toe_prefix *q = &((const struct prefix_of *)b)->prefix;
	int d = p->family - q->family;

	if (!d)
		d = memcmp(p->addr, q->addr, sizeof(p->addr));
	return d ? d : p->len - q->len;
}

static bool covers(const struct toe_prefix *p, const struct toe_prefix *q)
{
	const unsigned char *a = (const void *)p->addr, *b = (const void *)q->addr;
	unsigned int bytes = p->len / 8, bits = p->len % 8;

	return p->family == q->family && p->len <= q->len &&
	       !memcmp(a, b, bytes) &&
	       (!bits || !((a[bytes] ^ b[bytes]) >> (8 - bits)));
}

static int add_prefix(struct compiler *c, enum toe_policy_dim dim,
		      const struct toe_prefix *prefix, const struct rule_set *set)
{
	struct toe_policy_addr_key key = {
		.prefixlen = 32 + prefix->len,
		.side = dim,
		.family = prefix->family,
	};
	uint32_t number;
	int err = compiler_number(c, set, &number);

	memcpy(key.addr, prefix->addr, sizeof(key.addr));
	return err ? err : compiler_add(c, TOE_TABLE_ADDRS, &key, &number);
}

/* @list is sorted. */
static int add_prefixes(struct compiler *c, enum toe_policy_dim dim,
			const struct prefix_of *list, size_t n)
{
	struct {
		const struct toe_prefix *prefix;
		struct rule_set set;
	} *cover;		/* the prefixes that cover the current one */
	size_t depth = 0, i = 0;
	int err = 0;

	cover = calloc(1 + 128 + 1, sizeof(*cover));
	if (!cover)
		return -ENOMEM;
	while (!err && i < n) {
		const struct toe_prefix *prefix = &list[i].prefix;

		while (depth && !covers(cover[depth - 1].prefix, prefix))
			depth--;
		cover[depth].set = depth ? cover[depth - 1].set : c->any[dim];
		cover[depth].prefix = prefix;
		for (; i < n && !compare_prefixes(prefix, &list[i].prefix); i++)
			set_add(&cover[depth].set, list[i].rule);
		err = add_prefix(c, dim, prefix, &cover[depth].set);
		depth++;
	}
	free(cover);
	return err;
}

int compile_addrs(struct compiler *c, enum toe_policy_dim dim)
{
	struct prefix_of *list;
	size_t n = 0;
	unsigned int i, j;
	int err;

	if (!(c->img->head.dims & 1u << dim))
		return 0;
	list = malloc((size_t)c->p->n * TOE_RULE_LIST * sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (i = 0; i < c->p->n; i++) {
		const struct toe_rule *r = &c->p->rules[i];
		const struct toe_prefix *from = dim == TOE_DIM_LOCAL ? r->local : r->remote;
		unsigned int of_rule = dim == TOE_DIM_LOCAL ? r->n_local : r->n_remote;

		for (j = 0; j < of_rule; j++)
			list[n++] = (struct prefix_of){ from[j], i };
	}
	qsort(list, n, sizeof(*list), compare_prefixes);
	err = add_prefixes(c, dim, list, n);
	free(list);
	return err;
}

/* A port where the set changes: @rule comes in, or goes. */
struct edge {
	unsigned int port;
	unsigned int rule;
	int step;
};

static int compare_edges(const void *a, const void *b)
{
	return (int)((const struct edge *)a)->port - (int)((const struct edge *)b)->port;
}

static size_t find_edges(const struct compiler *c, enum toe_policy_dim dim,
			 struct edge *edges)
{
	unsigned int i, j;
	size_t n = 0;

	for (i = 0; i < c->p->n; i++) {
		const struct toe_rule *r = &c->p->rules[i];
		const struct toe_port_range *from = dim == TOE_DIM_LPORT ? r->lport : r->rport;
		unsigned int of_rule = dim == TOE_DIM_LPORT ? r->n_lport : r->n_rport;

		for (j = 0; j < of_rule; j++) {
			edges[n++] = (struct edge){ from[j].first, i, 1 };
			edges[n++] = (struct edge){ from[j].last + 1u, i, -1 };
		}
	}
	qsort(edges, n, sizeof(*edges), compare_edges);
	return n;
}

/* Fills in the numbers of the sets of all ports. @inside is zero, by rule. */
static int sweep(struct compiler *c, enum toe_policy_dim dim, const struct edge *edges,
		 size_t n, unsigned int *inside, uint32_t *numbers)
{
	struct rule_set set = c->any[dim];
	unsigned int port = 0;
	uint32_t number;
	size_t i = 0;
	int err;

	while (port < PORTS) {
		unsigned int next;

		for (; i < n && edges[i].port == port; i++) {
			unsigned int rule = edges[i].rule;

			inside[rule] += edges[i].step;
			if (inside[rule])
				set_add(&set, rule);
			else
				set_remove(&set, rule);
		}
		next = i < n ? edges[i].port : PORTS;
		err = compiler_number(c, &set, &number);
		if (err)
			return err;
		while (port < next)
			numbers[port++] = number;
	}
	return 0;
}

static int number_ports(struct compiler *c, enum toe_policy_dim dim, uint32_t *numbers)
{
	struct edge *edges = malloc((size_t)c->p->n * TOE_RULE_LIST * 2 * sizeof(*edges));
	unsigned int *inside = calloc(c->p->n, sizeof(*inside));
	int err = -ENOMEM;

	if (edges && inside)
		err = sweep(c, dim, edges, find_edges(c, dim, edges), inside, numbers);
	free(edges);
	free(inside);
	return err;
}

int compile_ports(struct compiler *c)
{
	const uint32_t both = 1u << TOE_DIM_LPORT | 1u << TOE_DIM_RPORT;
	uint32_t *numbers;
	unsigned int i;
	int err;

	if (!(c->img->head.dims & both))
		return 0;
	numbers = malloc(2 * PORTS * sizeof(*numbers));
	if (!numbers)
		return -ENOMEM;
	err = number_ports(c, TOE_DIM_LPORT, numbers);
	if (!err)
		err = number_ports(c, TOE_DIM_RPORT, numbers + PORTS);
	for (i = 0; !err && i < 2 * PORTS; i += 64)
		err = compiler_add(c, TOE_TABLE_PORTS, NULL, &numbers[i]);
	free(numbers);
	return err;
}
