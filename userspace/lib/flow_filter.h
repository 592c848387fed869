/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which flows are meant: words of "toectl flow show", "top" and "monitor".
 */
#ifndef _TOE_LIB_FLOW_FILTER_H
#define _TOE_LIB_FLOW_FILTER_H

#include <stdbool.h>
#include "decode.h"
#include "policy.h"

/* What a filter asks about; a bit of toe_filter.asks each */
enum toe_filter_key {
	TOE_FILTER_LOCAL,
	TOE_FILTER_REMOTE,
	TOE_FILTER_LPORT,
	TOE_FILTER_RPORT,
	TOE_FILTER_STATE,
	TOE_FILTER_ENGINE,
	TOE_FILTER_NETNS,
	TOE_FILTER_RULE,
	TOE_FILTER_REASON,
	TOE_FILTER_RATE,
};

/**
 * struct toe_filter - flows that meet all of it
 * @asks: bit per enum toe_filter_key; the members of others mean nothing
 * @ends: local and remote prefixes, ports and port ranges, as in a rule
 * @state: bit per enum toe_flow_state
 * @reason: one of these, @n_reason of them
 * @rule: one of these priorities, @n_rule of them; 0: no rule's
 * @engine: name; empty: any engine, but one
 * @netns: name under /run/netns or an inode's number: not a property of the
 *	flows that the module tells of, but where it has to be asked
 * @rate: bytes per second, both directions together, that are to be exceeded
 */
struct toe_filter {
	uint32_t asks;
	struct toe_rule ends;
	uint32_t state;
	uint8_t n_reason, n_rule;
	uint8_t reason[TOE_RULE_LIST];
	uint32_t rule[TOE_RULE_LIST];
	char engine[TOE_ENGINE_NAME_LEN];
	char netns[TOE_RULE_NETNS_LEN];
	uint64_t rate;
};

/**
 * toe_filter_read() - read the next words of a filter
 * @f: the filter, zero at first
 * @argc: words left
 * @argv: the words
 * @why: what is wrong, TOE_WHY_LEN
 *
 * Return: how many words it took; 0 when the first one is none of a filter's; or
 * -EINVAL.
 */
int toe_filter_read(struct toe_filter *f, int argc, char **argv, char *why);

/**
 * toe_filter_match() - does a flow meet it?
 * @f: the filter; TOE_FILTER_RATE is not looked at, a flow does not know its rate
 * @flow: the flow
 */
bool toe_filter_match(const struct toe_filter *f, const struct toe_flow *flow);

/**
 * toe_filter_only() - does it ask about nothing but these?
 * @f: the filter
 * @keys: bit per enum toe_filter_key
 *
 * TOE_FILTER_NETNS never counts: see toe_filter.netns.
 */
bool toe_filter_only(const struct toe_filter *f, uint32_t keys);

/**
 * toe_filter_engine() - is an engine of this name meant?
 * @f: the filter
 * @name: the name; empty: no engine
 */
bool toe_filter_engine(const struct toe_filter *f, const char *name);

/**
 * toe_filter_rule() - is a rule of this priority meant?
 * @f: the filter
 * @prio: the priority; 0: no rule
 */
bool toe_filter_rule(const struct toe_filter *f, uint32_t prio);

#endif /* _TOE_LIB_FLOW_FILTER_H */
