// SPDX-License-Identifier: GPL-2.0-only
/*
 * A table of iptables-legacy as the kernel hands it out: entries, one behind the
 * other, each with its matches and its target. The chains of the hooks come first,
 * from hook_entry to underflow; each chain of the user's begins behind an entry with
 * target ERROR, and a jump says where (net/ipv4/netfilter/ip_tables.c).
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "legacy.h"

/* What has an effect of its own with each packet, or counts them */
static const char *const careful_names[] = {
	/* matches */
	"connbytes", "connlimit", "hashlimit", "limit", "nfacct", "quota", "quota2",
	"rateest", "recent", "statistic",
	/* targets */
	"AUDIT", "DSCP", "ECN", "HL", "IDLETIMER", "LED", "LOG", "NFLOG", "NFQUEUE",
	"QUEUE", "RATEEST", "SET", "TEE", "TOS", "TRACE", "TTL", "ULOG",
};

bool xt_careful(const char *name)
{
	for (size_t i = 0; i < sizeof(careful_names) / sizeof(careful_names[0]); i++)
		if (!strcmp(name, careful_names[i]))
			return true;
	return false;
}

/**
 * struct entry - what the two families' entries have in common
 * @matches: where the matches begin, from the entry's beginning
 * @target: where the target does
 * @next: where the next entry does
 * @counters: where its counters stand
 */
struct entry {
	size_t matches;
	size_t target;
	size_t next;
	size_t counters;
};

/* Return: 0, or -EBADMSG when it does not fit. */
static int read_entry(const char *at, size_t left, bool ipv6, struct entry *e)
{
	size_t head = ipv6 ? sizeof(struct ip6t_entry) : sizeof(struct ipt_entry);
	uint16_t target, next;

	if (left < head)
		return -EBADMSG;
	if (ipv6) {
		target = ((const struct ip6t_entry *)at)->target_offset;
		next = ((const struct ip6t_entry *)at)->next_offset;
		e->counters = offsetof(struct ip6t_entry, counters);
	} else {
		target = ((const struct ipt_entry *)at)->target_offset;
		next = ((const struct ipt_entry *)at)->next_offset;
		e->counters = offsetof(struct ipt_entry, counters);
	}
	*e = (struct entry){ head, target, next, e->counters };
	if (target < head || next > left || next % __alignof__(struct ipt_entry) ||
	    target + sizeof(struct xt_entry_target) > next)
		return -EBADMSG;
	return 0;
}

int legacy_strip(char *entries, size_t len, bool ipv6)
{
	struct entry e;

	for (size_t at = 0; at < len; at += e.next) {
		if (read_entry(entries + at, len - at, ipv6, &e))
			return -EBADMSG;
		memset(entries + at + e.counters, 0, sizeof(struct xt_counters));
	}
	return 0;
}

/* The name of a match or of a target, which are built alike */
static const char *name_of(const char *at)
{
	const struct xt_entry_match *m = (const void *)at;

	_Static_assert(offsetof(struct xt_entry_match, u.user.name) ==
		       offsetof(struct xt_entry_target, u.user.name), "alike");
	return m->u.user.name;
}

static const char *careful_entry(const char *at, const struct entry *e)
{
	const struct xt_entry_match *m;
	size_t pos = e->matches;

	while (pos + sizeof(*m) <= e->target) {
		m = (const void *)(at + pos);
		if (m->u.match_size < sizeof(*m))
			break;
		if (xt_careful(m->u.user.name))
			return m->u.user.name;
		pos += m->u.match_size;
	}
	return xt_careful(name_of(at + e->target)) ? name_of(at + e->target) : NULL;
}

/* Where a rule jumps, or -1 */
static int jump_of(const char *at, const struct entry *e)
{
	const struct xt_standard_target *t = (const void *)(at + e->target);

	if (*t->target.u.user.name ||
	    e->target + sizeof(*t) > e->next || t->verdict < 0)
		return -1;
	return t->verdict;
}

/**
 * struct walk - through the chains that are reached
 * @t: the table
 * @seen: by offset, a chain that was entered there
 * @todo: offsets of chains that are still to be walked
 * @n: of @todo
 */
struct walk {
	const struct legacy_table *t;
	char *seen;
	size_t *todo;
	size_t n;
};

static void walk_to(struct walk *w, size_t at)
{
	if (at >= w->t->len || w->seen[at] || w->n == w->t->n)
		return;
	w->seen[at] = 1;
	w->todo[w->n++] = at;
}

/* @last: the chain's last rule, or past the end when a chain behind it tells */
static const char *walk_chain(struct walk *w, size_t at, size_t last)
{
	const struct legacy_table *t = w->t;
	const char *name;
	struct entry e;
	int jump;

	for (; at < t->len && at <= last; at += e.next) {
		if (read_entry(t->entries + at, t->len - at, t->ipv6, &e) ||
		    !strcmp(name_of(t->entries + at + e.target), XT_ERROR_TARGET))
			return NULL;
		name = careful_entry(t->entries + at, &e);
		if (name)
			return name;
		jump = jump_of(t->entries + at, &e);
		if (jump >= 0 && (size_t)jump != at + e.next)
			walk_to(w, jump);
	}
	return NULL;
}

const char *legacy_careful(const struct legacy_table *t)
{
	static const unsigned int hooks[] = {
		NF_INET_PRE_ROUTING, NF_INET_LOCAL_IN, NF_INET_LOCAL_OUT,
		NF_INET_POST_ROUTING,
	};
	struct walk w = { .t = t };
	const char *name = NULL;

	w.seen = calloc(t->len + 1, 1);
	w.todo = calloc(t->n + 1, sizeof(*w.todo));
	if (!w.seen || !w.todo)
		name = "no memory to look";
	for (size_t i = 0; !name && i < sizeof(hooks) / sizeof(hooks[0]); i++)
		if (t->valid_hooks & (1u << hooks[i]))
			name = walk_chain(&w, t->hook_entry[hooks[i]],
					  t->underflow[hooks[i]]);
	while (!name && w.n)
		name = walk_chain(&w, w.todo[--w.n], t->len);
	free(w.seen);
	free(w.todo);
	return name;
}
