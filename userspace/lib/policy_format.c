// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include "policy_words.h"
#include "units.h"

/* Text that grows. */
struct text {
	char *buf;
	size_t len;
	size_t used;
};

__attribute__((format(printf, 2, 3)))
static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->used, t->len - t->used, fmt, ap);
	va_end(ap);
	t->used += n;
	if (t->used >= t->len)
		t->used = t->len - 1;
}

/*
 * A name as one word: what a reader of the file or a shell could take for
 * something else stands behind a backslash.
 */
static void add_name(struct text *t, const char *key, const char *name)
{
	add(t, " %s ", key);
	for (; *name; name++) {
		bool plain = isalnum((unsigned char)*name) || (*name & 0x80) ||
			     strchr("/._-+:@%=", *name);

		add(t, plain ? "%c" : "\\%c", *name);
	}
}

static void add_prefixes(struct text *t, const char *key,
			 const struct toe_prefix *list, unsigned int n)
{
	char addr[INET6_ADDRSTRLEN];

	for (unsigned int i = 0; i < n; i++) {
		const struct toe_prefix *p = &list[i];

		if (!i)
			add(t, " %s ", key);
		inet_ntop(p->family, p->addr, addr, sizeof(addr));
		add(t, "%s%s", i ? "," : "", addr);
		if (p->len != (p->family == AF_INET6 ? 128 : 32))
			add(t, "/%u", p->len);
	}
}

static void add_ports(struct text *t, const char *key,
		      const struct toe_port_range *list, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (!i)
			add(t, " %s ", key);
		add(t, "%s%u", i ? "," : "", list[i].first);
		if (list[i].last != list[i].first)
			add(t, "-%u", list[i].last);
	}
}

static void add_conditions(struct text *t, const struct toe_rule *rule, bool kept)
{
	if (rule->asks & (1u << TOE_DIM_DIR))
		add(t, rule->accepted ? " in" : " out");
	add_prefixes(t, "local", rule->local, rule->n_local);
	add_prefixes(t, "remote", rule->remote, rule->n_remote);
	add_ports(t, "lport", rule->lport, rule->n_lport);
	add_ports(t, "rport", rule->rport, rule->n_rport);
	if (rule->asks & (1u << TOE_DIM_DEV))
		add_name(t, "dev", rule->dev);
	if (rule->asks & (1u << TOE_DIM_CGROUP))
		add_name(t, "cgroup", rule->cgroup);
	for (unsigned int i = 0; i < rule->n_uid; i++)
		add(t, "%s%u", i ? "," : " uid ", rule->uid[i]);
	if (rule->asks & (1u << TOE_DIM_MARK)) {
		add(t, " mark 0x%x", rule->mark);
		if (rule->mask != UINT32_MAX)
			add(t, "/0x%x", rule->mask);
	}
	if (rule->asks & (1u << TOE_DIM_NETNS)) {
		add_name(t, "netns", rule->netns);
		if (kept)
			add(t, "/%" PRIu64, rule->netns_cookie);
	}
}

static void add_action(struct text *t, const struct toe_signal *action)
{
	char buf[TOE_UNIT_LEN];

	if (action->flags & TOE_SIGNAL_NEVER) {
		add(t, " never");
		return;
	}
	add(t, " threshold %s", toe_write_bytes(buf, sizeof(buf), action->threshold));
	if (action->min_rate) {
		add(t, " min-rate %s",
		    toe_write_rate(buf, sizeof(buf), action->min_rate));
		add(t, " dwell %s", toe_write_ms(buf, sizeof(buf), action->dwell_ms));
	}
	if (*action->engine)
		add_name(t, "engine", action->engine);
	if (action->max_flows)
		add(t, " max-flows %u", action->max_flows);
}

void rule_format(const struct toe_rule *rule, bool kept, char *buf, size_t len)
{
	struct text t = { .buf = buf, .len = len };

	add(&t, "prio %u", rule->action.prio);
	add_conditions(&t, rule, kept);
	add_action(&t, &rule->action);
}

void toe_rule_format(const struct toe_rule *rule, char *buf, size_t len)
{
	rule_format(rule, false, buf, len);
}
