// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <inttypes.h>
#include "rules.h"

static const char *const dim_keys[] = {
	[TOE_DIM_DIR]	 = "direction",
	[TOE_DIM_LOCAL]	 = "local",
	[TOE_DIM_REMOTE] = "remote",
	[TOE_DIM_LPORT]	 = "lport",
	[TOE_DIM_RPORT]	 = "rport",
	[TOE_DIM_DEV]	 = "dev",
	[TOE_DIM_CGROUP] = "cgroup",
	[TOE_DIM_UID]	 = "uid",
	[TOE_DIM_MARK]	 = "mark",
	[TOE_DIM_NETNS]	 = "netns",
};
_Static_assert(sizeof(dim_keys) / sizeof(dim_keys[0]) == __TOE_DIM_MAX,
	       "a condition has no key");

const char *dim_key(enum toe_policy_dim dim)
{
	return dim_keys[dim];
}

static void show_prefixes(struct toe_out *out, const char *key,
			  const struct toe_prefix *list, unsigned int n)
{
	char buf[TOE_PREFIX_LEN];

	if (!n) {
		toe_out_null(out, key);
		return;
	}
	toe_out_open(out, key, '[');
	for (unsigned int i = 0; i < n; i++)
		toe_out_str(out, NULL, NULL,
			    toe_prefix_format(&list[i], buf, sizeof(buf)));
	toe_out_close(out, ']');
}

static void show_ports(struct toe_out *out, const char *key,
		       const struct toe_port_range *list, unsigned int n)
{
	if (!n) {
		toe_out_null(out, key);
		return;
	}
	toe_out_open(out, key, '[');
	for (unsigned int i = 0; i < n; i++) {
		toe_out_open(out, NULL, '{');
		toe_out_u64(out, "first", NULL, list[i].first);
		toe_out_u64(out, "last", NULL, list[i].last);
		toe_out_close(out, '}');
	}
	toe_out_close(out, ']');
}

static void show_uids(struct toe_out *out, const struct toe_rule *rule)
{
	if (!rule->n_uid) {
		toe_out_null(out, "uid");
		return;
	}
	toe_out_open(out, "uid", '[');
	for (unsigned int i = 0; i < rule->n_uid; i++)
		toe_out_u64(out, NULL, NULL, rule->uid[i]);
	toe_out_close(out, ']');
}

static bool asks(const struct toe_rule *rule, enum toe_policy_dim dim)
{
	return rule->asks & (1u << dim);
}

static void show_conditions(struct toe_out *out, const struct toe_rule *rule)
{
	toe_out_str(out, "direction", NULL, !asks(rule, TOE_DIM_DIR) ? NULL :
		    rule->accepted ? "in" : "out");
	show_prefixes(out, "local", rule->local, rule->n_local);
	show_prefixes(out, "remote", rule->remote, rule->n_remote);
	show_ports(out, "lport", rule->lport, rule->n_lport);
	show_ports(out, "rport", rule->rport, rule->n_rport);
	toe_out_str(out, "dev", NULL, asks(rule, TOE_DIM_DEV) ? rule->dev : NULL);
	toe_out_str(out, "cgroup", NULL,
		    asks(rule, TOE_DIM_CGROUP) ? rule->cgroup : NULL);
	show_uids(out, rule);
	if (asks(rule, TOE_DIM_MARK)) {
		toe_out_u64(out, "mark", NULL, rule->mark);
		toe_out_u64(out, "mask", NULL, rule->mask);
	} else {
		toe_out_null(out, "mark");
		toe_out_null(out, "mask");
	}
	toe_out_str(out, "netns", NULL, asks(rule, TOE_DIM_NETNS) ? rule->netns : NULL);
}

static void show_mark(struct toe_out *out, const char *key, bool not,
		      uint32_t mark, uint32_t mask)
{
	if (!mask) {
		toe_out_null(out, key);
		return;
	}
	toe_out_open(out, key, '{');
	toe_out_u64(out, "mark", NULL, mark);
	toe_out_u64(out, "mask", NULL, mask);
	toe_out_bool(out, "not", NULL, not);
	toe_out_close(out, '}');
}

static void show_action(struct toe_out *out, const struct toe_signal *action)
{
	bool never = action->flags & TOE_SIGNAL_NEVER;

	toe_out_str(out, "action", NULL, never ? "never" : "offload");
	toe_out_u64(out, "threshold", NULL, action->threshold);
	toe_out_u64(out, "min_rate", NULL, action->min_rate);
	toe_out_u64(out, "dwell_ms", NULL, action->dwell_ms);
	toe_out_str(out, "engine", NULL, *action->engine ? action->engine : NULL);
	toe_out_u64(out, "max_flows", NULL, action->max_flows);
	show_mark(out, "ctmark", action->flags & TOE_SIGNAL_NO_CTMARK,
		  action->ct_mark, action->ct_mask);
	show_mark(out, "pktmark", action->flags & TOE_SIGNAL_NO_PKTMARK,
		  action->pkt_mark, action->pkt_mask);
	toe_out_bool(out, "careful", NULL, action->flags & TOE_SIGNAL_CAREFUL);
}

static void show_counters(struct toe_out *out, const struct toe_rule *rule,
			  const struct rule_counters *c)
{
	bool never = rule->action.flags & TOE_SIGNAL_NEVER;

	toe_out_u64(out, "hits", "\n    hits %" PRIu64, c->hits);
	toe_out_u64(out, "flows", never ? NULL : " flows %" PRIu64, c->flows);
	if (!out->json && rule->action.max_flows)
		toe_out_u64(out, NULL, "/%" PRIu64, rule->action.max_flows);
	toe_out_u64(out, "opens", never ? NULL : " opens %" PRIu64, c->opens);
	toe_out_u64(out, "refused", never ? NULL : " refused %" PRIu64, c->refused);
}

void show_rule(struct toe_out *out, const char *key, const struct toe_rule *rule,
	       const struct rule_counters *counters)
{
	char words[TOE_RULE_TEXT_LEN];

	toe_rule_format(rule, words, sizeof(words));
	toe_out_open(out, key, '{');
	toe_out_u64(out, "prio", NULL, rule->action.prio);
	toe_out_str(out, "words", "%s", words);
	if (out->json) {
		show_conditions(out, rule);
		show_action(out, &rule->action);
	}
	if (counters)
		show_counters(out, rule, counters);
	toe_out_close(out, '}');
}
