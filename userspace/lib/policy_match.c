// SPDX-License-Identifier: GPL-2.0-only
/*
 * Slow and plain: what the compiled form is compared with.
 */
#include <arpa/inet.h>
#include <string.h>
#include "policy.h"

static bool in_prefix(const struct toe_prefix *p, uint16_t family,
		      const __be32 *addr)
{
	if (p->family != family)
		return false;
	for (unsigned int bit = 0; bit < p->len; bit++) {
		uint32_t diff = ntohl(p->addr[bit / 32] ^ addr[bit / 32]);

		if (diff & (1u << (31 - bit % 32)))
			return false;
	}
	return true;
}

static bool in_prefixes(const struct toe_prefix *list, unsigned int n,
			uint16_t family, const __be32 *addr)
{
	for (unsigned int i = 0; i < n; i++)
		if (in_prefix(&list[i], family, addr))
			return true;
	return false;
}

static bool in_ranges(const struct toe_port_range *list, unsigned int n,
		      __be16 port)
{
	for (unsigned int i = 0; i < n; i++)
		if (ntohs(port) >= list[i].first && ntohs(port) <= list[i].last)
			return true;
	return false;
}

static bool in_uids(const struct toe_rule *rule, uint32_t uid)
{
	for (unsigned int i = 0; i < rule->n_uid; i++)
		if (rule->uid[i] == uid)
			return true;
	return false;
}

/* "/a" holds "/a" and "/a/b", not "/ab". */
static bool in_cgroup(const char *above, const char *path)
{
	size_t len = strlen(above);

	if (!strcmp(above, "/"))
		return true;
	return path && !strncmp(above, path, len) && (!path[len] || path[len] == '/');
}

static bool meets(const struct toe_rule *rule, enum toe_policy_dim dim,
		  const struct toe_policy_facts *facts, const char *cgroup)
{
	const struct toe_tuple *t = &facts->tuple;

	switch (dim) {
	case TOE_DIM_DIR:
		return rule->accepted == !!facts->accepted;
	case TOE_DIM_LOCAL:
		return in_prefixes(rule->local, rule->n_local, t->family,
				   t->local_addr);
	case TOE_DIM_REMOTE:
		return in_prefixes(rule->remote, rule->n_remote, t->family,
				   t->remote_addr);
	case TOE_DIM_LPORT:
		return in_ranges(rule->lport, rule->n_lport, t->local_port);
	case TOE_DIM_RPORT:
		return in_ranges(rule->rport, rule->n_rport, t->remote_port);
	case TOE_DIM_DEV:
		return !strncmp(rule->dev, facts->dev, sizeof(facts->dev));
	case TOE_DIM_CGROUP:
		return in_cgroup(rule->cgroup, cgroup);
	case TOE_DIM_UID:
		return in_uids(rule, facts->uid);
	case TOE_DIM_MARK:
		return (facts->mark & rule->mask) == rule->mark;
	case TOE_DIM_NETNS:
		return rule->netns_cookie == facts->netns;
	default:
		return false;
	}
}

uint32_t toe_rule_mismatch(const struct toe_rule *rule,
			   const struct toe_policy_facts *facts,
			   const char *cgroup)
{
	uint32_t mismatch = 0;

	for (unsigned int dim = 0; dim < __TOE_DIM_MAX; dim++)
		if ((rule->asks & (1u << dim)) && !meets(rule, dim, facts, cgroup))
			mismatch |= 1u << dim;
	return mismatch;
}

unsigned int toe_policy_match(const struct toe_policy *p,
			      const struct toe_policy_facts *facts,
			      const char *cgroup)
{
	for (unsigned int i = 0; i < p->n; i++)
		if (!toe_rule_mismatch(&p->rules[i], facts, cgroup))
			return i;
	return TOE_POLICY_NO_RULE;
}
