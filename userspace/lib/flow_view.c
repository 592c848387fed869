// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "flow_view.h"

static const char *const sort_names[] = {
	[TOE_SORT_RATE]		= "rate",
	[TOE_SORT_TX_RATE]	= "tx-rate",
	[TOE_SORT_RX_RATE]	= "rx-rate",
	[TOE_SORT_BYTES]	= "bytes",
	[TOE_SORT_TX]		= "tx",
	[TOE_SORT_RX]		= "rx",
	[TOE_SORT_RTT]		= "rtt",
	[TOE_SORT_OPENS]	= "opens",
	[TOE_SORT_AGE]		= "age",
	[TOE_SORT_LOCAL]	= "local",
	[TOE_SORT_REMOTE]	= "remote",
	[TOE_SORT_STATE]	= "state",
	[TOE_SORT_ENGINE]	= "engine",
	[TOE_SORT_RULE]		= "rule",
	[TOE_SORT_REASON]	= "reason",
};
_Static_assert(sizeof(sort_names) / sizeof(sort_names[0]) == __TOE_SORT_MAX,
	       "a key has no name");

const char *toe_sort_name(enum toe_sort key)
{
	return sort_names[key];
}

enum toe_sort toe_sort_find(const char *word)
{
	for (int i = TOE_SORT_NONE + 1; i < __TOE_SORT_MAX; i++)
		if (!strcmp(word, sort_names[i]))
			return i;
	return TOE_SORT_NONE;
}

bool toe_sort_by_rate(enum toe_sort key)
{
	return key == TOE_SORT_RATE || key == TOE_SORT_TX_RATE ||
	       key == TOE_SORT_RX_RATE;
}

uint64_t toe_view_rate(const struct toe_view *v)
{
	return v->tx_rate + v->rx_rate;
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* The family first: else an IPv4 address were the beginning of an IPv6 one. */
static int compare_end(const struct toe_tuple *a, const struct toe_tuple *b, bool remote)
{
	const __be32 *x = remote ? a->remote_addr : a->local_addr;
	const __be32 *y = remote ? b->remote_addr : b->local_addr;
	int diff = compare_u64(a->family, b->family);

	if (!diff)
		diff = memcmp(x, y, sizeof(a->local_addr));
	if (!diff)
		diff = compare_u64(ntohs(remote ? a->remote_port : a->local_port),
				   ntohs(remote ? b->remote_port : b->local_port));
	return diff;
}

static int compare_name(const void *a, const void *b)
{
	const struct toe_flow *x = &((const struct toe_view *)a)->flow;
	const struct toe_flow *y = &((const struct toe_view *)b)->flow;
	int diff = compare_u64(x->netns, y->netns);

	if (!diff)
		diff = compare_end(&x->tuple, &y->tuple, false);
	if (!diff)
		diff = compare_end(&x->tuple, &y->tuple, true);
	return diff;
}

static int compare_key(const struct toe_view *a, const struct toe_view *b,
		       enum toe_sort key)
{
	const struct toe_flow *x = &a->flow, *y = &b->flow;

	switch (key) {
	case TOE_SORT_RATE:
		return compare_u64(toe_view_rate(b), toe_view_rate(a));
	case TOE_SORT_TX_RATE:
		return compare_u64(b->tx_rate, a->tx_rate);
	case TOE_SORT_RX_RATE:
		return compare_u64(b->rx_rate, a->rx_rate);
	case TOE_SORT_BYTES:
		return compare_u64(y->tx_total + y->rx_total, x->tx_total + x->rx_total);
	case TOE_SORT_TX:
		return compare_u64(y->tx_total, x->tx_total);
	case TOE_SORT_RX:
		return compare_u64(y->rx_total, x->rx_total);
	case TOE_SORT_RTT:
		return compare_u64(y->srtt_us, x->srtt_us);
	case TOE_SORT_OPENS:
		return compare_u64(y->opens, x->opens);
	case TOE_SORT_AGE:
		return compare_u64(y->age_ns, x->age_ns);
	case TOE_SORT_LOCAL:
		return compare_end(&x->tuple, &y->tuple, false);
	case TOE_SORT_REMOTE:
		return compare_end(&x->tuple, &y->tuple, true);
	case TOE_SORT_STATE:
		return compare_u64(x->state, y->state);
	case TOE_SORT_ENGINE:
		return strncmp(x->engine, y->engine, sizeof(x->engine));
	case TOE_SORT_RULE:
		return compare_u64(x->rule, y->rule);
	case TOE_SORT_REASON:
		return compare_u64(x->reason, y->reason);
	default:
		return 0;
	}
}

static int compare_ordered(const void *a, const void *b, void *arg)
{
	const struct toe_order *order = arg;
	int diff = compare_key(a, b, order->key);

	if (order->reverse)
		diff = -diff;
	return diff ? diff : compare_name(a, b);
}

void toe_views_sort(struct toe_view *views, size_t n, const struct toe_order *order)
{
	struct toe_order copy = *order;

	if (n && order->key != TOE_SORT_NONE)
		qsort_r(views, n, sizeof(*views), compare_ordered, &copy);
}

static size_t drop_repeated(struct toe_view *views, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!kept || compare_name(&views[kept - 1], &views[i]))
			views[kept++] = views[i];
	return kept;
}

static uint64_t per_second(uint64_t bytes, uint64_t ns)
{
	return bytes * 1e9 / ns;
}

/* Counters that went back are another connection's, which has the name now. */
static void rate(struct toe_view *now, const struct toe_flow *then, uint64_t ns)
{
	const struct toe_flow *flow = &now->flow;

	if (flow->tx_total < then->tx_total || flow->rx_total < then->rx_total ||
	    flow->opens < then->opens)
		return;
	now->rated = true;
	now->tx_rate = per_second(flow->tx_total - then->tx_total, ns);
	now->rx_rate = per_second(flow->rx_total - then->rx_total, ns);
}

size_t toe_views_rate(struct toe_view *views, size_t n, const struct toe_view *before,
		      size_t n_before, uint64_t ns)
{
	size_t j = 0;

	if (n)
		qsort(views, n, sizeof(*views), compare_name);
	n = drop_repeated(views, n);
	for (size_t i = 0; i < n; i++) {
		while (j < n_before && compare_name(&before[j], &views[i]) < 0)
			j++;
		if (j < n_before && !compare_name(&before[j], &views[i]))
			rate(&views[i], &before[j].flow, ns);
	}
	return n;
}
