// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every nest is read by a table: which attribute goes to which member. A
 * table's entry says the wire size; an attribute shorter than that makes the
 * whole message bad, a longer one comes from a newer module and is cut.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include "decode.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum kind {
	KIND_NONE,	/* passed over */
	KIND_FIXED,	/* number or binary of exactly the member's size */
	KIND_STRING,	/* NUL-terminated or not, cut to the member's size */
	KIND_U64S,	/* binary, u64[] into struct toe_counters */
	KIND_U32S,	/* binary, u32[] likewise */
	KIND_BYTES,	/* binary, stays in the message: struct toe_bytes */
};

struct field {
	enum kind kind;
	size_t offset;
	size_t size;
};

#define FIELD(_kind, type, member) {				\
	.kind = _kind,						\
	.offset = offsetof(type, member),			\
	.size = sizeof(((type *)0)->member),			\
}
#define FIXED(type, member) FIELD(KIND_FIXED, type, member)
#define STRING(type, member) FIELD(KIND_STRING, type, member)

static const struct field flow_fields[] = {
	[TOE_A_FLOW_ID]		= FIXED(struct toe_flow, id),
	[TOE_A_FLOW_TUPLE]	= FIXED(struct toe_flow, tuple),
	[TOE_A_FLOW_STATE]	= FIXED(struct toe_flow, state),
	[TOE_A_FLOW_REASON]	= FIXED(struct toe_flow, reason),
	[TOE_A_FLOW_ENGINE]	= STRING(struct toe_flow, engine),
	[TOE_A_FLOW_TX_ENGINE]	= FIXED(struct toe_flow, tx_engine),
	[TOE_A_FLOW_RX_ENGINE]	= FIXED(struct toe_flow, rx_engine),
	[TOE_A_FLOW_TX_TOTAL]	= FIXED(struct toe_flow, tx_total),
	[TOE_A_FLOW_RX_TOTAL]	= FIXED(struct toe_flow, rx_total),
	[TOE_A_FLOW_SRTT]	= FIXED(struct toe_flow, srtt_us),
	[TOE_A_FLOW_OPENS]	= FIXED(struct toe_flow, opens),
	[TOE_A_FLOW_OPEN_NS]	= FIXED(struct toe_flow, open_ns),
	[TOE_A_FLOW_CLOSE_NS]	= FIXED(struct toe_flow, close_ns),
	[TOE_A_FLOW_AGE_NS]	= FIXED(struct toe_flow, age_ns),
	[TOE_A_FLOW_NETNS]	= FIXED(struct toe_flow, netns),
	[TOE_A_FLOW_RULE]	= FIXED(struct toe_flow, rule),
	[TOE_A_FLOW_THRESHOLD]	= FIXED(struct toe_flow, threshold),
	[TOE_A_FLOW_MIN_RATE]	= FIXED(struct toe_flow, min_rate),
	[TOE_A_FLOW_DWELL_MS]	= FIXED(struct toe_flow, dwell_ms),
	[TOE_A_FLOW_FAILS]	= FIXED(struct toe_flow, fails),
	[TOE_A_FLOW_RETRY_NS]	= FIXED(struct toe_flow, retry_ns),
};
_Static_assert(ARRAY_SIZE(flow_fields) == __TOE_A_FLOW_MAX, "flow attributes");

static const struct field engine_fields[] = {
	[TOE_A_ENGINE_NAME]	= STRING(struct toe_engine, name),
	[TOE_A_ENGINE_DRIVER]	= STRING(struct toe_engine, driver),
	[TOE_A_ENGINE_MAC]	= FIXED(struct toe_engine, mac),
	[TOE_A_ENGINE_IFINDEX]	= FIXED(struct toe_engine, ifindex),
	[TOE_A_ENGINE_ALIVE]	= FIXED(struct toe_engine, alive),
	[TOE_A_ENGINE_FLOWS]	= FIXED(struct toe_engine, flows),
	[TOE_A_ENGINE_MAX_FLOWS] = FIXED(struct toe_engine, max_flows),
	[TOE_A_ENGINE_TX_BYTES]	= FIXED(struct toe_engine, tx_bytes),
	[TOE_A_ENGINE_RX_BYTES]	= FIXED(struct toe_engine, rx_bytes),
	[TOE_A_ENGINE_IPV6]	= FIXED(struct toe_engine, ipv6),
};
_Static_assert(ARRAY_SIZE(engine_fields) == __TOE_A_ENGINE_MAX, "engine attributes");

static const struct field stats_fields[] = {
	[TOE_A_STATS_COUNTERS]	= FIELD(KIND_U64S, struct toe_stats, counters),
	[TOE_A_STATS_REFUSED]	= FIELD(KIND_U64S, struct toe_stats, refused),
	[TOE_A_STATS_RETURNED]	= FIELD(KIND_U64S, struct toe_stats, returned),
	[TOE_A_STATS_FLOWS]	= FIELD(KIND_U32S, struct toe_stats, flows),
};
_Static_assert(ARRAY_SIZE(stats_fields) == __TOE_A_STATS_MAX, "stats attributes");

static const struct field settings_fields[] = {
	[TOE_A_SETTINGS_MAX_FLOWS]  = FIXED(struct toe_settings, max_flows),
	[TOE_A_SETTINGS_TIMEOUT_MS] = FIXED(struct toe_settings, timeout_ms),
	[TOE_A_SETTINGS_NETNS_FLOWS] = FIXED(struct toe_settings, netns_flows),
	[TOE_A_SETTINGS_NEVER_MARK] = FIXED(struct toe_settings, never_mark),
	[TOE_A_SETTINGS_NEVER_MASK] = FIXED(struct toe_settings, never_mask),
};
_Static_assert(ARRAY_SIZE(settings_fields) == __TOE_A_SETTINGS_MAX, "settings attributes");

static const struct field event_fields[] = {
	[TOE_A_EVENT_TIME_NS]	= FIXED(struct toe_event, time_ns),
	[TOE_A_EVENT_FROM]	= FIXED(struct toe_event, from),
	[TOE_A_EVENT_TO]	= FIXED(struct toe_event, to),
	[TOE_A_EVENT_REASON]	= FIXED(struct toe_event, reason),
	[TOE_A_EVENT_CHANGE]	= FIXED(struct toe_event, change),
};
_Static_assert(ARRAY_SIZE(event_fields) == __TOE_A_EVENT_MAX, "event attributes");

static const struct field why_fields[] = {
	[TOE_A_WHY_REASON]	= FIXED(struct toe_why, reason),
	[TOE_A_WHY_BYTES]	= FIXED(struct toe_why, bytes),
	[TOE_A_WHY_ENGINE]	= STRING(struct toe_why, engine),
};
_Static_assert(ARRAY_SIZE(why_fields) == __TOE_A_WHY_MAX, "why attributes");

static const struct field rule_fields[] = {
	[TOE_A_RULE_PRIO]	= FIXED(struct toe_rule_use, prio),
	[TOE_A_RULE_FLOWS]	= FIXED(struct toe_rule_use, flows),
	[TOE_A_RULE_OPENS]	= FIXED(struct toe_rule_use, opens),
	[TOE_A_RULE_REFUSED]	= FIXED(struct toe_rule_use, refused),
};
_Static_assert(ARRAY_SIZE(rule_fields) == __TOE_A_RULE_MAX, "rule attributes");

static const struct field capture_fields[] = {
	[TOE_A_CAPTURE_TIME_NS]	= FIXED(struct toe_capture, time_ns),
	[TOE_A_CAPTURE_SENT]	= FIXED(struct toe_capture, sent),
	[TOE_A_CAPTURE_LEN]	= FIXED(struct toe_capture, len),
	[TOE_A_CAPTURE_FRAME]	= FIELD(KIND_BYTES, struct toe_capture, frame),
	[TOE_A_CAPTURE_FRAMES]	= FIXED(struct toe_capture, frames),
	[TOE_A_CAPTURE_DROPPED]	= FIXED(struct toe_capture, dropped),
	[TOE_A_CAPTURE_REASON]	= FIXED(struct toe_capture, reason),
};
_Static_assert(ARRAY_SIZE(capture_fields) == __TOE_A_CAPTURE_MAX, "capture attributes");

static const struct field firewall_fields[] = {
	[TOE_A_FIREWALL_GENERATION] = FIXED(struct toe_firewall, generation),
	[TOE_A_FIREWALL_NFTABLES] = FIXED(struct toe_firewall, nftables),
	[TOE_A_FIREWALL_FLOWS]	= FIXED(struct toe_firewall, flows),
	[TOE_A_FIREWALL_ASKED]	= FIXED(struct toe_firewall, asked),
	[TOE_A_FIREWALL_CAREFUL] = FIXED(struct toe_firewall, careful),
	[TOE_A_FIREWALL_CHANGED] = { .kind = KIND_NONE },	/* only told */
};
_Static_assert(ARRAY_SIZE(firewall_fields) == __TOE_A_FIREWALL_MAX, "firewall attributes");

static void read_array(const struct nlattr *attr, size_t entry,
		       struct toe_counters *to)
{
	const char *data = mnl_attr_get_payload(attr);
	size_t n = mnl_attr_get_payload_len(attr) / entry;

	if (n > TOE_COUNTERS_MAX)
		n = TOE_COUNTERS_MAX;
	to->n = n;
	for (size_t i = 0; i < n; i++) {
		uint32_t narrow;

		if (entry == sizeof(narrow)) {
			memcpy(&narrow, data + i * entry, entry);
			to->val[i] = narrow;
		} else {
			memcpy(&to->val[i], data + i * entry, entry);
		}
	}
}

static int read_field(const struct nlattr *attr, const struct field *field,
		      char *to)
{
	size_t len = mnl_attr_get_payload_len(attr);

	switch (field->kind) {
	case KIND_NONE:
		break;
	case KIND_FIXED:
		if (len < field->size)
			return -EBADMSG;
		memcpy(to, mnl_attr_get_payload(attr), field->size);
		break;
	case KIND_STRING:
		len = strnlen(mnl_attr_get_payload(attr), len);
		if (len >= field->size)
			len = field->size - 1;
		memset(to, 0, field->size);
		memcpy(to, mnl_attr_get_payload(attr), len);
		break;
	case KIND_U64S:
		read_array(attr, sizeof(uint64_t), (void *)to);
		break;
	case KIND_U32S:
		read_array(attr, sizeof(uint32_t), (void *)to);
		break;
	case KIND_BYTES:
		*(struct toe_bytes *)to = (struct toe_bytes){
			.data = mnl_attr_get_payload(attr), .len = len };
		break;
	}
	return 0;
}

/* Nothing is trusted about the sizes: the attributes are walked by hand. */
static const struct nlattr *next_attr(const char **at, size_t *left)
{
	const struct nlattr *attr = (const void *)*at;
	size_t step;

	if (*left < sizeof(*attr) || attr->nla_len < sizeof(*attr) ||
	    attr->nla_len > *left)
		return NULL;
	step = MNL_ALIGN(attr->nla_len);
	if (step > *left)
		step = *left;
	*at += step;
	*left -= step;
	return attr;
}

static const struct nlattr *find_nest(const struct nlmsghdr *nlh, unsigned int type)
{
	const size_t head = MNL_ALIGN(sizeof(struct genlmsghdr));
	const struct nlattr *attr;
	const char *at;
	size_t left;

	if (mnl_nlmsg_get_payload_len(nlh) < head)
		return NULL;
	at = mnl_nlmsg_get_payload_offset(nlh, head);
	left = mnl_nlmsg_get_payload_len(nlh) - head;
	while ((attr = next_attr(&at, &left)))
		if (mnl_attr_get_type(attr) == type)
			return attr;
	return NULL;
}

static int read_nest(const struct nlmsghdr *nlh, unsigned int type,
		     const struct field *fields, size_t n, void *to,
		     uint32_t *has)
{
	const struct nlattr *nest = find_nest(nlh, type);
	const struct nlattr *attr;
	const char *at;
	size_t left;
	int err;

	if (!nest)
		return -EBADMSG;
	at = mnl_attr_get_payload(nest);
	left = mnl_attr_get_payload_len(nest);
	while ((attr = next_attr(&at, &left))) {
		type = mnl_attr_get_type(attr);
		if (type >= n || fields[type].kind == KIND_NONE)
			continue;
		err = read_field(attr, &fields[type],
				 (char *)to + fields[type].offset);
		if (err)
			return err;
		if (has)
			*has |= 1u << type;
	}
	return left ? -EBADMSG : 0;
}

int toe_decode_flow(const struct nlmsghdr *nlh, struct toe_flow *flow)
{
	memset(flow, 0, sizeof(*flow));
	return read_nest(nlh, TOE_A_FLOW, flow_fields, ARRAY_SIZE(flow_fields),
			 flow, &flow->has);
}

int toe_decode_engine(const struct nlmsghdr *nlh, struct toe_engine *engine)
{
	memset(engine, 0, sizeof(*engine));
	return read_nest(nlh, TOE_A_ENGINE, engine_fields,
			 ARRAY_SIZE(engine_fields), engine, &engine->has);
}

int toe_decode_stats(const struct nlmsghdr *nlh, struct toe_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	return read_nest(nlh, TOE_A_STATS, stats_fields,
			 ARRAY_SIZE(stats_fields), stats, NULL);
}

int toe_decode_settings(const struct nlmsghdr *nlh, struct toe_settings *settings)
{
	memset(settings, 0, sizeof(*settings));
	return read_nest(nlh, TOE_A_SETTINGS, settings_fields,
			 ARRAY_SIZE(settings_fields), settings, &settings->has);
}

static int decode_happening(const struct nlmsghdr *nlh, struct toe_event *event)
{
	memset(event, 0, sizeof(*event));
	return read_nest(nlh, TOE_A_EVENT, event_fields,
			 ARRAY_SIZE(event_fields), event, NULL);
}

int toe_decode_event(const struct nlmsghdr *nlh, struct toe_event *event)
{
	int err = decode_happening(nlh, event);

	return err ? err : toe_decode_flow(nlh, &event->flow);
}

int toe_decode_engine_event(const struct nlmsghdr *nlh, struct toe_event *event)
{
	int err = decode_happening(nlh, event);

	event->of_engine = true;
	return err ? err : toe_decode_engine(nlh, &event->engine);
}

int toe_decode_why(const struct nlmsghdr *nlh, struct toe_why *why)
{
	int err;

	memset(why, 0, sizeof(*why));
	err = read_nest(nlh, TOE_A_WHY, why_fields, ARRAY_SIZE(why_fields), why,
			&why->has);
	if (err)
		return err;
	why->known = find_nest(nlh, TOE_A_FLOW);
	return why->known ? toe_decode_flow(nlh, &why->flow) : 0;
}

int toe_decode_rule(const struct nlmsghdr *nlh, struct toe_rule_use *rule)
{
	memset(rule, 0, sizeof(*rule));
	return read_nest(nlh, TOE_A_RULE, rule_fields, ARRAY_SIZE(rule_fields),
			 rule, NULL);
}

int toe_decode_capture(const struct nlmsghdr *nlh, struct toe_capture *capture)
{
	memset(capture, 0, sizeof(*capture));
	return read_nest(nlh, TOE_A_CAPTURE, capture_fields,
			 ARRAY_SIZE(capture_fields), capture, &capture->has);
}

int toe_decode_firewall(const struct nlmsghdr *nlh, struct toe_firewall *fw)
{
	memset(fw, 0, sizeof(*fw));
	return read_nest(nlh, TOE_A_FIREWALL, firewall_fields,
			 ARRAY_SIZE(firewall_fields), fw, NULL);
}
