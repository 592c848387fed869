/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module's netlink messages as structures.
 */
#ifndef _TOE_LIB_DECODE_H
#define _TOE_LIB_DECODE_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/netlink.h>
#include <linux/toe.h>

/**
 * struct toe_flow - one flow, see enum toe_flow_attr
 * @has: bit per enum toe_flow_attr that the message carried; a member without
 *	its bit is zero
 */
struct toe_flow {
	uint32_t has;
	uint32_t id;
	struct toe_tuple tuple;
	uint8_t state;
	uint8_t reason;
	char engine[TOE_ENGINE_NAME_LEN];
	uint64_t tx_engine;
	uint64_t rx_engine;
	uint64_t tx_total;
	uint64_t rx_total;
	uint32_t srtt_us;
	uint32_t opens;
	uint64_t open_ns;
	uint64_t close_ns;
	uint64_t age_ns;
	uint64_t netns;
	uint32_t rule;
	uint64_t threshold;
	uint64_t min_rate;
	uint32_t dwell_ms;
	uint32_t fails;
	uint64_t retry_ns;
};

/**
 * struct toe_why - what would become of a signal, see enum toe_why_attr
 * @has: bit per enum toe_why_attr that the message carried
 * @known: the module knows the flow: @flow is there
 */
struct toe_why {
	uint32_t has;
	uint8_t reason;
	uint64_t bytes;
	char engine[TOE_ENGINE_NAME_LEN];
	bool known;
	struct toe_flow flow;
};

/**
 * struct toe_rule_use - a rule in the module, see enum toe_rule_attr
 */
struct toe_rule_use {
	uint32_t prio;
	uint32_t flows;
	uint64_t opens;
	uint64_t refused;
};

/**
 * struct toe_engine - one engine, see enum toe_engine_attr
 * @has: bit per enum toe_engine_attr that the message carried
 */
struct toe_engine {
	uint32_t has;
	char name[TOE_ENGINE_NAME_LEN];
	char driver[32];
	uint8_t mac[6];
	uint32_t ifindex;
	uint8_t alive;
	uint8_t ipv6;
	uint32_t flows;
	uint32_t max_flows;
	uint64_t tx_bytes;
	uint64_t rx_bytes;
};

#define TOE_COUNTERS_MAX 256	/* entries of an array that are looked at */

/**
 * struct toe_counters - an array of the kernel's, as long as the kernel's
 * @n: entries; a module newer or older than this build has more or fewer than
 *	this build has names
 * @val: the entries
 */
struct toe_counters {
	unsigned int n;
	uint64_t val[TOE_COUNTERS_MAX];
};

/**
 * struct toe_stats - the counters, see enum toe_stats_attr
 * @counters: by enum toe_stat
 * @refused: by enum toe_reason
 * @returned: by enum toe_reason
 * @flows: by enum toe_flow_state
 */
struct toe_stats {
	struct toe_counters counters;
	struct toe_counters refused;
	struct toe_counters returned;
	struct toe_counters flows;
};

/**
 * struct toe_settings - the module's settings, see enum toe_settings_attr
 * @has: bit per enum toe_settings_attr: what the message carried, or what is to
 *	be changed
 */
struct toe_settings {
	uint32_t has;
	uint32_t max_flows;
	uint32_t timeout_ms;
	uint32_t netns_flows;
	uint32_t never_mark;
	uint32_t never_mask;
};

/**
 * struct toe_event - something happened, see enum toe_event_attr
 * @of_engine: to an engine: @change and @engine are there; else to a flow
 * struct toe_firewall - the firewall of a network namespace, see enum
 *	toe_firewall_attr
 */
struct toe_firewall {
	uint32_t generation;
	uint8_t nftables;
	uint32_t flows;
	uint8_t asked;
	uint8_t careful;
};

/**
 * struct toe_event - a flow changed its state, see enum toe_event_attr
 */
struct toe_event {
	uint64_t time_ns;
	bool of_engine;
	uint8_t from;
	uint8_t to;
	uint8_t reason;
	uint8_t change;
	struct toe_flow flow;
	struct toe_engine engine;
};

/**
 * struct toe_bytes - bytes in a message
 * @data: the first one, valid as long as the message is
 * @len: their number
 */
struct toe_bytes {
	const void *data;
	uint32_t len;
};

/**
 * struct toe_capture - a capture, or a frame of it, see enum toe_capture_attr
 * @has: bit per enum toe_capture_attr that the message carried
 */
struct toe_capture {
	uint32_t has;
	uint64_t time_ns;
	uint8_t sent;
	uint32_t len;
	struct toe_bytes frame;
	uint64_t frames;
	uint64_t dropped;
	uint8_t reason;
};

/**
 * toe_has() - did the message carry an attribute?
 * @has: the structure's mask
 * @attr: the attribute's number
 *
 * Return: true when it did.
 */
static inline bool toe_has(uint32_t has, unsigned int attr)
{
	return has & (1u << attr);
}

/*
 * Each takes a whole generic netlink message of the family and fills the
 * structure from the nest that belongs to it. Attributes this build does not
 * know are passed over. Return: 0, or -EBADMSG for a message whose nest is
 * missing or whose attributes have impossible sizes.
 */
int toe_decode_flow(const struct nlmsghdr *nlh, struct toe_flow *flow);
int toe_decode_engine(const struct nlmsghdr *nlh, struct toe_engine *engine);
int toe_decode_stats(const struct nlmsghdr *nlh, struct toe_stats *stats);
int toe_decode_settings(const struct nlmsghdr *nlh, struct toe_settings *settings);
int toe_decode_event(const struct nlmsghdr *nlh, struct toe_event *event);
int toe_decode_engine_event(const struct nlmsghdr *nlh, struct toe_event *event);
int toe_decode_why(const struct nlmsghdr *nlh, struct toe_why *why);
int toe_decode_rule(const struct nlmsghdr *nlh, struct toe_rule_use *rule);
int toe_decode_capture(const struct nlmsghdr *nlh, struct toe_capture *capture);
int toe_decode_firewall(const struct nlmsghdr *nlh, struct toe_firewall *fw);

#endif /* _TOE_LIB_DECODE_H */
