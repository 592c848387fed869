// SPDX-License-Identifier: GPL-2.0-only
/*
 * The values of the keywords, one function for each.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "policy_words.h"
#include "units.h"

/* Sums of thresholds and counters, and rates in bits, shall not overflow. */
#define AMOUNT_MAX	(1ULL << 60)
#define DWELL_MAX_MS	(24 * 3600 * 1000u)

int why_word(char *why, const char *word, const char *fmt, ...)
{
	char shown[64];
	size_t i;
	va_list ap;
	int n;

	for (i = 0; word[i] && i < sizeof(shown) - 1; i++)
		shown[i] = (unsigned char)word[i] < 0x20 || word[i] == 0x7f ?
			   '?' : word[i];
	shown[i] = 0;
	if (word[i])
		strcpy(shown + i - 3, "...");
	n = snprintf(why, TOE_WHY_LEN, "'%s' ", shown);
	va_start(ap, fmt);
	vsnprintf(why + n, TOE_WHY_LEN - n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int read_prio(struct rule_reader *r, const char *word)
{
	uint32_t prio;

	if (toe_parse_u32(word, &prio) || !prio || prio > TOE_RULE_PRIO_MAX)
		return why_word(r->why, word, "is not a priority (1 to %u)",
				TOE_RULE_PRIO_MAX);
	r->rule->action.prio = prio;
	return 0;
}

int read_list(struct rule_reader *r, const char *word, const char *what,
		     uint8_t *n,
		     int (*one)(struct rule_reader *r, const char *element,
				void *at),
		     void *list, size_t size)
{
	const char *whole = word;
	char element[128];

	for (;;) {
		size_t len = strcspn(word, ",");
		int err;

		if (!len || len >= sizeof(element))
			return why_word(r->why, whole, "is not a list of %s", what);
		memcpy(element, word, len);
		element[len] = 0;
		if (*n == TOE_RULE_LIST)
			return why_word(r->why, element,
					"is one too many: there can be up to %u %s",
					TOE_RULE_LIST, what);
		err = one(r, element, (char *)list + *n * size);
		if (err)
			return err;
		(*n)++;
		if (!word[len])
			return 0;
		word += len + 1;
	}
}

/* Zero what stands behind the prefix. Return: was there anything? */
static bool clear_host_bits(struct toe_prefix *p)
{
	bool any = false;

	for (unsigned int i = 0; i < 4; i++) {
		unsigned int before = i * 32;
		uint32_t mask;

		if (p->len >= before + 32)
			continue;
		mask = p->len <= before ? 0 : ~0u << (before + 32 - p->len);
		any |= ntohl(p->addr[i]) & ~mask;
		p->addr[i] &= htonl(mask);
	}
	return any;
}

/* On the wire, and in a connection's name, a mapped address is IPv4. */
static void unmap(struct toe_prefix *p)
{
	if (p->family != AF_INET6 || p->len < 96 || p->addr[0] || p->addr[1] ||
	    p->addr[2] != htonl(0xffff))
		return;
	p->family = AF_INET;
	p->len -= 96;
	p->addr[0] = p->addr[3];
	p->addr[2] = 0;
	p->addr[3] = 0;
}

static int read_prefix(struct rule_reader *r, const char *element, void *at)
{
	struct toe_prefix *p = at;
	char addr[INET6_ADDRSTRLEN], right[TOE_PREFIX_LEN];
	size_t len = strcspn(element, "/");
	uint32_t bits, most;

	memset(p, 0, sizeof(*p));
	p->family = strchr(element, ':') ? AF_INET6 : AF_INET;
	most = p->family == AF_INET6 ? 128 : 32;
	if (len >= sizeof(addr))
		return why_word(r->why, element, "is not an address or a prefix");
	memcpy(addr, element, len);
	addr[len] = 0;
	if (inet_pton(p->family, addr, p->addr) != 1)
		return why_word(r->why, element, "is not an address or a prefix");
	bits = most;
	if (element[len] && (toe_parse_u32(element + len + 1, &bits) || bits > most))
		return why_word(r->why, element,
				"is not a prefix: its length is not 0 to %u", most);
	p->len = bits;
	if (clear_host_bits(p)) {
		toe_prefix_format(p, right, sizeof(right));
		return why_word(r->why, element,
				"has bits set behind its length (is %s meant?)",
				right);
	}
	unmap(p);
	return 0;
}

int read_local(struct rule_reader *r, const char *word)
{
	return read_list(r, word, "prefixes", &r->rule->n_local, read_prefix,
			 r->rule->local, sizeof(r->rule->local[0]));
}

int read_remote(struct rule_reader *r, const char *word)
{
	return read_list(r, word, "prefixes", &r->rule->n_remote, read_prefix,
			 r->rule->remote, sizeof(r->rule->remote[0]));
}

static bool is_port(const char *word, uint16_t *port)
{
	uint32_t val;

	if (toe_parse_u32(word, &val) || !val || val > 65535)
		return false;
	*port = val;
	return true;
}

static int read_range(struct rule_reader *r, const char *element, void *at)
{
	struct toe_port_range *range = at;
	char first[128];
	char *dash;

	strcpy(first, element);	/* both are as long */
	dash = strchr(first, '-');
	if (dash)
		*dash++ = 0;
	if (!is_port(first, &range->first) ||
	    !is_port(dash ? dash : first, &range->last))
		return why_word(r->why, element,
				"is not a port or a range of ports (1 to 65535)");
	if (range->first > range->last)
		return why_word(r->why, element,
				"is not a range of ports: it ends before it begins");
	return 0;
}

int read_lport(struct rule_reader *r, const char *word)
{
	return read_list(r, word, "ports", &r->rule->n_lport, read_range,
			 r->rule->lport, sizeof(r->rule->lport[0]));
}

int read_rport(struct rule_reader *r, const char *word)
{
	return read_list(r, word, "ports", &r->rule->n_rport, read_range,
			 r->rule->rport, sizeof(r->rule->rport[0]));
}

bool is_name(const char *word, size_t room)
{
	size_t len = strlen(word);

	if (!len || len >= room || !strcmp(word, ".") || !strcmp(word, ".."))
		return false;
	for (; *word; word++)
		if ((unsigned char)*word <= ' ' || *word == 0x7f || *word == '/')
			return false;
	return true;
}

int read_dev(struct rule_reader *r, const char *word)
{
	if (!is_name(word, sizeof(r->rule->dev)) || strchr(word, ':'))
		return why_word(r->why, word, "is not the name of an interface");
	strcpy(r->rule->dev, word);
	return 0;
}

/* Each name of a path, and how deep it is. */
static int check_path(struct rule_reader *r, const char *path)
{
	unsigned int depth = 0;

	for (const char *at = path; *at; at += strcspn(at, "/")) {
		size_t len;

		at++;
		len = strcspn(at, "/");
		if (!len || (len == 1 && *at == '.') ||
		    (len == 2 && !memcmp(at, "..", 2)))
			return why_word(r->why, path,
					"is not a cgroup: '//', '.' or '..' is in it");
		if (len > TOE_POLICY_CGROUP_NAME_MAX)
			return why_word(r->why, path,
					"is not a cgroup for a rule: a name in it is longer than %u bytes",
					TOE_POLICY_CGROUP_NAME_MAX);
		if (++depth > TOE_POLICY_CGROUP_DEPTH)
			return why_word(r->why, path,
					"is not a cgroup for a rule: it is deeper than %u",
					TOE_POLICY_CGROUP_DEPTH);
	}
	return 0;
}

int read_cgroup(struct rule_reader *r, const char *word)
{
	char *path = r->rule->cgroup;
	size_t len = strlen(word);
	uint64_t id;
	int err;

	if (*word != '/')
		return why_word(r->why, word, "is not the path of a cgroup: it begins with '/'");
	if (len >= sizeof(r->rule->cgroup))
		return why_word(r->why, word, "is too long for a cgroup");
	for (const char *c = word; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return why_word(r->why, word, "is not the path of a cgroup: a control character is in it");
	strcpy(path, word);
	if (len > 1 && path[len - 1] == '/' && path[len - 2] != '/')
		path[len - 1] = 0;
	err = path[1] ? check_path(r, path) : 0;
	if (err || r->kept)
		return err;
	err = toe_cgroup_id(path, &id);
	if (err == -ENOENT || err == -ENOTDIR)
		return why_word(r->why, word, "is not a cgroup: there is none of that name");
	if (err == -ENODEV)
		return why_word(r->why, word, "is not a cgroup: no cgroup2 file system is mounted");
	if (err)
		return why_word(r->why, word, "cannot be looked up as a cgroup: %s",
				strerror(-err));
	return 0;
}

static int read_one_uid(struct rule_reader *r, const char *element, void *at)
{
	uint32_t *uid = at;
	int err;

	/* ~0 is nobody's number: the kernel says it where there is none */
	if (!toe_parse_u32(element, uid) && *uid != UINT32_MAX)
		return 0;
	if (*element >= '0' && *element <= '9')
		return why_word(r->why, element, "is not a user's number");
	err = user_id(element, uid);
	if (err == -ENOENT)
		return why_word(r->why, element, "is not a user of this machine");
	if (err)
		return why_word(r->why, element, "cannot be looked up as a user: %s",
				strerror(-err));
	return 0;
}

int read_uid(struct rule_reader *r, const char *word)
{
	return read_list(r, word, "users", &r->rule->n_uid, read_one_uid,
			 r->rule->uid, sizeof(r->rule->uid[0]));
}

static int read_any_mark(struct rule_reader *r, const char *word, uint32_t *mark,
			 uint32_t *mask)
{
	const char *what;

	if (toe_parse_mark(word, mark, mask, &what))
		return why_word(r->why, word, "is not a mark%s", what);
	return 0;
}

int read_mark(struct rule_reader *r, const char *word)
{
	return read_any_mark(r, word, &r->rule->mark, &r->rule->mask);
}

int read_ctmark(struct rule_reader *r, const char *word)
{
	struct toe_signal *action = &r->rule->action;

	return read_any_mark(r, word, &action->ct_mark, &action->ct_mask);
}

int read_no_ctmark(struct rule_reader *r, const char *word)
{
	r->rule->action.flags |= TOE_SIGNAL_NO_CTMARK;
	return read_ctmark(r, word);
}

int read_pktmark(struct rule_reader *r, const char *word)
{
	struct toe_signal *action = &r->rule->action;

	return read_any_mark(r, word, &action->pkt_mark, &action->pkt_mask);
}

int read_no_pktmark(struct rule_reader *r, const char *word)
{
	r->rule->action.flags |= TOE_SIGNAL_NO_PKTMARK;
	return read_pktmark(r, word);
}

static int read_kept_netns(struct rule_reader *r, const char *word)
{
	struct toe_rule *rule = r->rule;
	size_t len = strcspn(word, "/");
	char *end;

	if (len >= sizeof(rule->netns) || !word[len])
		return why_word(r->why, word, "is not NAME/COOKIE");
	memcpy(rule->netns, word, len);
	rule->netns_cookie = strtoull(word + len + 1, &end, 10);
	if (*end || !is_name(rule->netns, sizeof(rule->netns)))
		return why_word(r->why, word, "is not NAME/COOKIE");
	return 0;
}

int read_netns(struct rule_reader *r, const char *word)
{
	int err;

	if (r->kept)
		return read_kept_netns(r, word);
	if (!is_name(word, sizeof(r->rule->netns)))
		return why_word(r->why, word, "is not the name of a network namespace");
	strcpy(r->rule->netns, word);
	err = toe_netns_cookie(word, &r->rule->netns_cookie);
	if (err == -ENOENT)
		return why_word(r->why, word, "is not a network namespace: there is none of that name");
	if (err)
		return why_word(r->why, word, "cannot be looked up as a network namespace: %s",
				strerror(-err));
	return 0;
}

/* An amount with units, 1 or more. */
static int read_amount(struct rule_reader *r, const char *word, const char *what,
		       int (*parse)(const char *word, uint64_t *val),
		       __u64 *result)
{
	uint64_t val;
	int err = parse(word, &val);

	if (err == -EINVAL)
		return why_word(r->why, word, "is not %s", what);
	if (err || val > AMOUNT_MAX)
		return why_word(r->why, word, "is not %s: it is too large", what);
	if (!val)
		return why_word(r->why, word, "is not %s: it is zero", what);
	*result = val;
	return 0;
}

int read_threshold(struct rule_reader *r, const char *word)
{
	return read_amount(r, word, "a number of bytes such as 1MiB",
			   toe_parse_bytes, &r->rule->action.threshold);
}

int read_min_rate(struct rule_reader *r, const char *word)
{
	return read_amount(r, word, "a rate such as 20mbit", toe_parse_rate,
			   &r->rule->action.min_rate);
}

int read_dwell(struct rule_reader *r, const char *word)
{
	int err = toe_parse_ms(word, &r->rule->action.dwell_ms);

	if (err == -EINVAL || (!err && !r->rule->action.dwell_ms))
		return why_word(r->why, word, "is not a time such as 5s or 250ms");
	if (err || r->rule->action.dwell_ms > DWELL_MAX_MS)
		return why_word(r->why, word, "is not a time for this: it is longer than a day");
	return 0;
}

int read_engine(struct rule_reader *r, const char *word)
{
	if (!strcmp(word, "any"))
		return 0;
	if (!is_name(word, sizeof(r->rule->action.engine)))
		return why_word(r->why, word, "is not the name of an engine");
	strcpy(r->rule->action.engine, word);
	return 0;
}

int read_max_flows(struct rule_reader *r, const char *word)
{
	if (toe_parse_u32(word, &r->rule->action.max_flows) ||
	    !r->rule->action.max_flows)
		return why_word(r->why, word, "is not a number of flows (1 or more)");
	return 0;
}
