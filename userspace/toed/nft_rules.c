// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is reached: base chains of hooks that the host's own packets pass, and what
 * they jump to. Of a map of verdicts the elements are not asked: a chain that uses
 * one reaches every chain of its table.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>

#include "legacy.h"
#include "nft_rules.h"

#define DATA_VERDICT	0xffffff00U	/* NFT_DATA_VERDICT, NFTA_SET_DATA_TYPE */

/**
 * struct chain - one of them
 * @family: NFPROTO_*
 * @table: its table's name
 * @name: its name
 * @met: a packet of the host may come here
 * @all: from here to any chain of the table
 * @word: of a rule in it that must see each packet; empty: there is none
 * @jumps: numbers of chains that it jumps to
 * @n_jumps: of @jumps
 */
struct chain {
	uint8_t family;
	char table[NFT_NAME_LEN];
	char name[NFT_NAME_LEN];
	bool met;
	bool all;
	char word[NFT_WORD_LEN];
	size_t *jumps;
	size_t n_jumps;
};

/**
 * struct set - a set or map that matters
 * @family: of its table
 * @table: its name
 * @name: the set's name
 * @counts: its elements have counters, limits or the like
 * @verdicts: it is a map of verdicts
 */
struct set {
	uint8_t family;
	char table[NFT_NAME_LEN];
	char name[NFT_NAME_LEN];
	bool counts;
	bool verdicts;
};

/**
 * struct nft_rules - see nft_rules.h
 * @chain: the chains
 * @chains: their number
 * @set: the sets
 * @sets: their number
 * @last: where the last rule was: the next one is often there, too
 */
struct nft_rules {
	struct chain *chain;
	size_t chains;
	struct set *set;
	size_t sets;
	size_t last;
};

struct nft_rules *nft_rules_new(void)
{
	return calloc(1, sizeof(struct nft_rules));
}

void nft_rules_free(struct nft_rules *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->chains; i++)
		free(r->chain[i].jumps);
	free(r->chain);
	free(r->set);
	free(r);
}

/* One more, zero, or NULL. It grows by doubling. */
static void *one_more(void **list, size_t *n, size_t size)
{
	char *items = *list;

	if (!(*n & (*n - 1))) {
		items = reallocarray(items, *n ? 2 * *n : 1, size);
		if (!items)
			return NULL;
		*list = items;
	}
	memset(items + *n * size, 0, size);
	return items + (*n)++ * size;
}

static uint8_t family_of(const struct nlmsghdr *nlh)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

	return nfg->nfgen_family;
}

static void copy_name(char *to, size_t room, const struct nlattr *attr)
{
	size_t len = strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));

	if (len >= room)
		len = room - 1;
	memcpy(to, mnl_attr_get_payload(attr), len);
	to[len] = 0;
}

static uint32_t number(const struct nlattr *attr)
{
	uint32_t n = 0;

	if (mnl_attr_get_payload_len(attr) >= sizeof(n))
		memcpy(&n, mnl_attr_get_payload(attr), sizeof(n));
	return ntohl(n);
}

static const struct nlattr *find(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == type)
			return attr;
	return NULL;
}

static const struct nlattr *find_top(const struct nlmsghdr *nlh, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == type)
			return attr;
	return NULL;
}

/* Is it a hook on the way of the host's own packets? */
static bool own_hook(uint8_t family, uint32_t hook)
{
	switch (family) {
	case NFPROTO_INET:
	case NFPROTO_IPV4:
	case NFPROTO_IPV6:
		return hook != NF_INET_FORWARD;
	case NFPROTO_NETDEV:
		return true;
	default:
		return false;
	}
}

int nft_rules_chain(struct nft_rules *r, const struct nlmsghdr *nlh)
{
	const struct nlattr *table = find_top(nlh, NFTA_CHAIN_TABLE);
	const struct nlattr *name = find_top(nlh, NFTA_CHAIN_NAME);
	const struct nlattr *hook = find_top(nlh, NFTA_CHAIN_HOOK);
	const struct nlattr *kind = find_top(nlh, NFTA_CHAIN_TYPE);
	char type[NFT_WORD_LEN] = "";
	struct chain *c;

	if (!table || !name)
		return -EBADMSG;
	c = one_more((void **)&r->chain, &r->chains, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->family = family_of(nlh);
	copy_name(c->table, sizeof(c->table), table);
	copy_name(c->name, sizeof(c->name), name);
	if (kind)
		copy_name(type, sizeof(type), kind);
	hook = hook ? find(hook, NFTA_HOOK_HOOKNUM) : NULL;
	/* A connection meets NAT once. */
	c->met = hook && strcmp(type, "nat") && own_hook(c->family, number(hook));
	return 0;
}

int nft_rules_set(struct nft_rules *r, const struct nlmsghdr *nlh)
{
	const struct nlattr *table = find_top(nlh, NFTA_SET_TABLE);
	const struct nlattr *name = find_top(nlh, NFTA_SET_NAME);
	const struct nlattr *data = find_top(nlh, NFTA_SET_DATA_TYPE);
	struct set s = {
		.family = family_of(nlh),
		.counts = find_top(nlh, NFTA_SET_EXPR) ||
			  find_top(nlh, NFTA_SET_EXPRESSIONS),
		.verdicts = data && number(data) == DATA_VERDICT,
	};
	struct set *to;

	if (!table || !name)
		return -EBADMSG;
	if (!s.counts && !s.verdicts)
		return 0;
	copy_name(s.table, sizeof(s.table), table);
	copy_name(s.name, sizeof(s.name), name);
	to = one_more((void **)&r->set, &r->sets, sizeof(*to));
	if (!to)
		return -ENOMEM;
	*to = s;
	return 0;
}

/* Return: its number, or @r->chains when there is none. */
static size_t find_chain(const struct nft_rules *r, uint8_t family,
			 const char *table, const char *name)
{
	for (size_t i = 0; i < r->chains; i++) {
		size_t at = (r->last + i) % r->chains;
		const struct chain *c = &r->chain[at];

		if (c->family == family && !strcmp(c->name, name) &&
		    !strcmp(c->table, table))
			return at;
	}
	return r->chains;
}

static const struct set *find_set(const struct nft_rules *r, const struct chain *c,
				  const char *name)
{
	for (size_t i = 0; i < r->sets; i++)
		if (r->set[i].family == c->family && !strcmp(r->set[i].name, name) &&
		    !strcmp(r->set[i].table, c->table))
			return &r->set[i];
	return NULL;
}

/* An expression whose name says all */
static bool careful_name(const char *name)
{
	static const char *const names[] = {
		"connlimit", "counter", "dup", "dynset", "fwd", "last", "limit",
		"log", "numgen", "objref", "queue", "quota",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* One whose name does not. @word: what to call it; it may be changed */
static bool careful_data(const char *name, const struct nlattr *data, char *word)
{
	const struct nlattr *key;

	if (!strcmp(name, "payload"))		/* written, not read */
		return find(data, NFTA_PAYLOAD_SREG);
	if (!strcmp(name, "meta")) {
		key = find(data, NFTA_META_KEY);
		if (!find(data, NFTA_META_SREG) || !key ||
		    number(key) != NFT_META_NFTRACE)
			return false;
		strcpy(word, "nftrace");
		return true;
	}
	if (!strcmp(name, "ct")) {
		key = find(data, NFTA_CT_KEY);
		if (!key || (number(key) != NFT_CT_PKTS && number(key) != NFT_CT_BYTES &&
			     number(key) != NFT_CT_AVGPKT))
			return false;
		strcpy(word, "ct packets or bytes");
		return true;
	}
	if (!strcmp(name, "match"))
		key = find(data, NFTA_MATCH_NAME);
	else if (!strcmp(name, "target"))
		key = find(data, NFTA_TARGET_NAME);
	else
		return false;
	if (!key)
		return false;
	copy_name(word, NFT_WORD_LEN, key);
	return xt_careful(word);
}

static int add_jump(struct nft_rules *r, struct chain *c, const struct nlattr *data)
{
	const struct nlattr *verdict, *name;
	char to[NFT_NAME_LEN];
	size_t *jump, at;

	data = find(data, NFTA_IMMEDIATE_DATA);
	verdict = data ? find(data, NFTA_DATA_VERDICT) : NULL;
	name = verdict ? find(verdict, NFTA_VERDICT_CHAIN) : NULL;
	if (!name)
		return 0;
	copy_name(to, sizeof(to), name);
	at = find_chain(r, c->family, c->table, to);
	if (at == r->chains)
		return 0;
	jump = one_more((void **)&c->jumps, &c->n_jumps, sizeof(*jump));
	if (!jump)
		return -ENOMEM;
	*jump = at;
	return 0;
}

/* A set may count, and a map may lead anywhere. */
static void add_lookup(const struct nft_rules *r, struct chain *c,
		       const struct nlattr *data)
{
	const struct nlattr *name = find(data, NFTA_LOOKUP_SET);
	char text[NFT_NAME_LEN];
	const struct set *s;

	if (!name)
		return;
	copy_name(text, sizeof(text), name);
	s = find_set(r, c, text);
	if (!s)
		return;
	c->all = c->all || s->verdicts;
	if (s->counts && !*c->word)
		strcpy(c->word, "a set that counts");
}

static int read_expr(struct nft_rules *r, struct chain *c, const struct nlattr *expr)
{
	const struct nlattr *name = find(expr, NFTA_EXPR_NAME);
	const struct nlattr *data = find(expr, NFTA_EXPR_DATA);
	char word[NFT_WORD_LEN], kind[NFT_WORD_LEN];

	if (!name)
		return 0;
	copy_name(kind, sizeof(kind), name);
	strcpy(word, kind);
	if (!*c->word &&
	    (careful_name(kind) || (data && careful_data(kind, data, word))))
		strcpy(c->word, word);
	if (data && !strcmp(kind, "immediate"))
		return add_jump(r, c, data);
	if (data && !strcmp(kind, "lookup"))
		add_lookup(r, c, data);
	return 0;
}

int nft_rules_rule(struct nft_rules *r, const struct nlmsghdr *nlh)
{
	const struct nlattr *table = find_top(nlh, NFTA_RULE_TABLE);
	const struct nlattr *chain = find_top(nlh, NFTA_RULE_CHAIN);
	const struct nlattr *exprs = find_top(nlh, NFTA_RULE_EXPRESSIONS);
	char table_name[NFT_NAME_LEN], chain_name[NFT_NAME_LEN];
	const struct nlattr *expr;
	size_t at;
	int err = 0;

	if (!table || !chain)
		return -EBADMSG;
	copy_name(table_name, sizeof(table_name), table);
	copy_name(chain_name, sizeof(chain_name), chain);
	at = find_chain(r, family_of(nlh), table_name, chain_name);
	/* A chain that came after the chains were read: they change. */
	if (at == r->chains)
		return -EAGAIN;
	r->last = at;
	if (exprs)
		mnl_attr_for_each_nested(expr, exprs)
			if (!err)
				err = read_expr(r, &r->chain[at], expr);
	return err;
}

/* From the chains that are met to those that they lead to. Return: some are new. */
static bool spread(struct nft_rules *r)
{
	bool more = false;

	for (size_t i = 0; i < r->chains; i++) {
		struct chain *c = &r->chain[i];

		if (!c->met)
			continue;
		for (size_t j = 0; j < c->n_jumps; j++) {
			more = more || !r->chain[c->jumps[j]].met;
			r->chain[c->jumps[j]].met = true;
		}
		for (size_t j = 0; c->all && j < r->chains; j++) {
			struct chain *to = &r->chain[j];

			if (to->met || to->family != c->family ||
			    strcmp(to->table, c->table))
				continue;
			to->met = true;
			more = true;
		}
	}
	return more;
}

static const char *family_word(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	default:
		return "netdev";
	}
}

void nft_rules_careful(struct nft_rules *r, char *why, size_t len)
{
	while (spread(r))
		;
	*why = 0;
	for (size_t i = 0; i < r->chains; i++) {
		const struct chain *c = &r->chain[i];

		if (!c->met || !*c->word)
			continue;
		snprintf(why, len, "nftables, table %s %.64s, chain %.64s: %s",
			 family_word(c->family), c->table, c->name, c->word);
		return;
	}
}
