/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which flows, in which order and how many: what "flow show" and "top" share.
 */
#ifndef _SELECTION_H
#define _SELECTION_H

#include "flow_filter.h"
#include "flow_view.h"
#include "toectl.h"

#define SELECTION_USAGE	\
	"FILTER := [ state STATES ] [ local PREFIXES ] [ remote PREFIXES ] [ lport PORTS ]\n" \
	"          [ rport PORTS ] [ engine { NAME | any } ] [ rule { PRIO | none }[,...] ]\n" \
	"          [ reason REASON[,...] ] [ netns { NAME | NUMBER } ]\n"

#define ORDER_USAGE \
	"ORDER := [ sort KEY [ reverse ] ] [ limit NUMBER ] [ interval TIME ]\n" \
	"KEY := { rate | tx-rate | rx-rate | bytes | tx | rx | rtt | opens | age | local |\n" \
	"         remote | state | engine | rule | reason }\n"

/**
 * struct selection - what was asked
 * @filter: which flows
 * @order: in which order
 * @limit: how many at most; 0: all
 * @interval_ms: between two looks; 0: not said
 * @steady: when the module's table moves while it is read, read it again. Else a
 *	flow that slips through is there at the next look
 */
struct selection {
	struct toe_filter filter;
	struct toe_order order;
	uint32_t limit;
	uint32_t interval_ms;
	bool steady;
};

/**
 * struct looks - what was seen
 * @views: the flows that meet the filter, in order, no more than the limit
 * @n: their number
 * @met: how many there were before the limit
 * @ns: between the two looks; 0: there was one, and rates are not known
 * @at_ns: CLOCK_MONOTONIC of the last one
 * @base: all flows as they were at it, by name
 * @n_base: their number
 */
struct looks {
	struct toe_view *views;
	size_t n;
	size_t met;
	uint64_t ns;
	uint64_t at_ns;
	struct toe_view *base;
	size_t n_base;
};

/**
 * parse_selection() - read all words that are left
 * @ctl: the invocation
 * @argc: words
 * @argv: the words
 * @s: the result; its members are the defaults
 *
 * Return: EXIT_*.
 */
int parse_selection(const struct ctl *ctl, int argc, char **argv, struct selection *s);

/**
 * connect_selected() - connect to the module, in the network namespace asked for
 * @ctl: the invocation
 * @filter: what was asked
 *
 * Return: the connection, or NULL.
 */
struct toe_nl *connect_selected(const struct ctl *ctl, const struct toe_filter *filter);

/**
 * look() - ask the module for its flows; with a look before, there are rates
 * @ctl: the invocation
 * @nl: the connection
 * @s: what was asked
 * @l: what was seen before, and the result; zero at first
 *
 * Return: EXIT_*.
 */
int look(const struct ctl *ctl, struct toe_nl *nl, const struct selection *s,
	 struct looks *l);

/**
 * show_view() - print one flow with its rates
 * @out: the output
 * @v: the flow
 * @ns: the interval that its rates are about; 0: none was measured
 */
void show_view(struct toe_out *out, const struct toe_view *v, uint64_t ns);

/**
 * arrange() - filter, order and cut anew what was seen last
 * @s: what is asked now
 * @l: what was seen, and the result
 *
 * Return: 0 or -ENOMEM.
 */
int arrange(const struct selection *s, struct looks *l);

void looks_free(struct looks *l);

#endif /* _SELECTION_H */
