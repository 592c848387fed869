/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flows for the eye: with rates, which come from looking twice, and in an order.
 */
#ifndef _TOE_LIB_FLOW_VIEW_H
#define _TOE_LIB_FLOW_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "decode.h"

/**
 * struct toe_view - a flow
 * @flow: as it was at the last look
 * @rated: @tx_rate and @rx_rate are known: it was there at both looks
 * @tx_rate: bytes per second that the peer acknowledged in between
 * @rx_rate: bytes per second received in between
 */
struct toe_view {
	struct toe_flow flow;
	bool rated;
	uint64_t tx_rate;
	uint64_t rx_rate;
};

enum toe_sort {
	TOE_SORT_NONE,		/* as they came */
	TOE_SORT_RATE,		/* the largest first; both directions together */
	TOE_SORT_TX_RATE,
	TOE_SORT_RX_RATE,
	TOE_SORT_BYTES,
	TOE_SORT_TX,
	TOE_SORT_RX,
	TOE_SORT_RTT,
	TOE_SORT_OPENS,
	TOE_SORT_AGE,
	TOE_SORT_LOCAL,		/* from here on the smallest first */
	TOE_SORT_REMOTE,
	TOE_SORT_STATE,
	TOE_SORT_ENGINE,
	TOE_SORT_RULE,
	TOE_SORT_REASON,

	__TOE_SORT_MAX
};

/**
 * struct toe_order - an order
 * @key: by what
 * @reverse: the other way round
 */
struct toe_order {
	enum toe_sort key;
	bool reverse;
};

/**
 * toe_sort_name() - the word for a key
 * @key: the key
 *
 * Return: the word, or NULL for TOE_SORT_NONE.
 */
const char *toe_sort_name(enum toe_sort key);

/**
 * toe_sort_find() - the key that a word means
 * @word: the word
 *
 * Return: the key; TOE_SORT_NONE: it is none.
 */
enum toe_sort toe_sort_find(const char *word);

/**
 * toe_sort_by_rate() - does an order need rates?
 * @key: its key
 */
bool toe_sort_by_rate(enum toe_sort key);

/**
 * toe_view_rate() - both directions together
 * @v: the flow
 *
 * Return: bytes per second; 0 when it is not known.
 */
uint64_t toe_view_rate(const struct toe_view *v);

/**
 * toe_views_sort() - put flows in order
 * @views: the flows
 * @n: their number
 * @order: the order; what is alike in it goes by name
 */
void toe_views_sort(struct toe_view *views, size_t n, const struct toe_order *order);

/**
 * toe_views_rate() - two looks make rates
 * @views: the flows at the second look; sorted by name afterwards
 * @n: their number
 * @before: those at the first look, as this function left them then; or in any
 *	order if @n_before is 0
 * @n_before: their number
 * @ns: nanoseconds in between, not 0
 *
 * A flow that stands twice in a look, because the module's table moved meanwhile,
 * stands once afterwards.
 *
 * Return: how many there are afterwards.
 */
size_t toe_views_rate(struct toe_view *views, size_t n, const struct toe_view *before,
		      size_t n_before, uint64_t ns);

#endif /* _TOE_LIB_FLOW_VIEW_H */
