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

const char *toe_prefix_format(const struct toe_prefix *p, char *buf, size_t len)
{
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(p->family, p->addr, addr, sizeof(addr));
	if (p->len == (p->family == AF_INET6 ? 128 : 32))
		snprintf(buf, len, "%s", addr);
	else
		snprintf(buf, len, "%s/%u", addr, p->len);
	return buf;
}

static void add_prefixes(struct text *t, const char *key,
			 const struct toe_prefix *list, unsigned int n)
{
	char buf[TOE_PREFIX_LEN];

	for (unsigned int i = 0; i < n; i++) {
		add(t, i ? "," : " %s ", key);
		add(t, "%s", toe_prefix_format(&list[i], buf, sizeof(buf)));
	}
}

static void add_ports(struct text *t, const char *key,
		      const struct toe_port_range *list, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		add(t, i ? "," : " %s ", key);
		add(t, "%u", list[i].first);
		if (list[i].last != list[i].first)
			add(t, "-%u", list[i].last);
	}
}

static void add_mark(struct text *t, const char *key, bool not, uint32_t mark,
		     uint32_t mask)
{
	if (!mask)
		return;
	add(t, " %s%s 0x%x", not ? "no-" : "", key, mark);
	if (mask != UINT32_MAX)
		add(t, "/0x%x", mask);
}

static void add_condition(struct text *t, const struct toe_rule *rule,
			  enum toe_policy_dim dim, bool kept)
{
	switch (dim) {
	case TOE_DIM_DIR:
		add(t, rule->accepted ? " in" : " out");
		break;
	case TOE_DIM_LOCAL:
		add_prefixes(t, "local", rule->local, rule->n_local);
		break;
	case TOE_DIM_REMOTE:
		add_prefixes(t, "remote", rule->remote, rule->n_remote);
		break;
	case TOE_DIM_LPORT:
		add_ports(t, "lport", rule->lport, rule->n_lport);
		break;
	case TOE_DIM_RPORT:
		add_ports(t, "rport", rule->rport, rule->n_rport);
		break;
	case TOE_DIM_DEV:
		add_name(t, "dev", rule->dev);
		break;
	case TOE_DIM_CGROUP:
		add_name(t, "cgroup", rule->cgroup);
		break;
	case TOE_DIM_UID:
		for (unsigned int i = 0; i < rule->n_uid; i++)
			add(t, "%s%u", i ? "," : " uid ", rule->uid[i]);
		break;
	case TOE_DIM_MARK:
		add_mark(t, "mark", false, rule->mark, rule->mask);
		break;
	case TOE_DIM_NETNS:
		add_name(t, "netns", rule->netns);
		if (kept)
			add(t, "/%" PRIu64, rule->netns_cookie);
		break;
	case __TOE_DIM_MAX:
		break;
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
	add_mark(t, "ctmark", action->flags & TOE_SIGNAL_NO_CTMARK,
		 action->ct_mark, action->ct_mask);
	add_mark(t, "pktmark", action->flags & TOE_SIGNAL_NO_PKTMARK,
		 action->pkt_mark, action->pkt_mask);
	if (action->flags & TOE_SIGNAL_CAREFUL)
		add(t, " careful");
}

void rule_format(const struct toe_rule *rule, bool kept, char *buf, size_t len)
{
	struct text t = { .buf = buf, .len = len };

	add(&t, "prio %u", rule->action.prio);
	for (unsigned int dim = 0; dim < __TOE_DIM_MAX; dim++)
		if (rule->asks & (1u << dim))
			add_condition(&t, rule, dim, kept);
	add_action(&t, &rule->action);
}

void toe_dim_format(const struct toe_rule *rule, enum toe_policy_dim dim,
		    char *buf, size_t len)
{
	struct text t = { .buf = buf, .len = len };

	add_condition(&t, rule, dim, false);
	memmove(buf, buf + 1, t.used);	/* the blank that it begins with */
}

void toe_rule_format(const struct toe_rule *rule, char *buf, size_t len)
{
	rule_format(rule, false, buf, len);
}
