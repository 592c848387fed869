// SPDX-License-Identifier: GPL-2.0-only
/*
 * nft_rules.c and legacy_rules.c: which chains a packet of the host meets, and what in
 * them must see it. With rules put together by hand, and garbage; those of the real
 * programs are in selftests/tests/firewall.sh.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>

#include "../check.h"
#include "legacy.h"
#include "nft_rules.h"

static char buf[8192] __attribute__((aligned(8)));
static char why[256];

static struct nlmsghdr *message(uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nfg->nfgen_family = family;
	return nlh;
}

/* @hook: -1: no base chain */
static void chain(struct nft_rules *r, uint8_t family, const char *name, int hook,
		  const char *type)
{
	struct nlmsghdr *nlh = message(family);
	struct nlattr *nest;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, "t");
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, name);
	if (hook >= 0) {
		nest = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
		mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(hook));
		mnl_attr_nest_end(nlh, nest);
		mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, type);
	}
	CHECK(!nft_rules_chain(r, nlh));
}

/* A rule with one expression; with @to, a jump behind it */
static int rule(struct nft_rules *r, uint8_t family, const char *in,
		const char *expr, const char *to)
{
	struct nlattr *exprs, *elem, *data, *imm, *verdict;
	struct nlmsghdr *nlh = message(family);

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, "t");
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, in);
	exprs = mnl_attr_nest_start(nlh, NFTA_RULE_EXPRESSIONS);
	elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	mnl_attr_put_strz(nlh, NFTA_EXPR_NAME, expr);
	mnl_attr_nest_end(nlh, elem);
	if (to) {
		elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
		mnl_attr_put_strz(nlh, NFTA_EXPR_NAME, "immediate");
		data = mnl_attr_nest_start(nlh, NFTA_EXPR_DATA);
		imm = mnl_attr_nest_start(nlh, NFTA_IMMEDIATE_DATA);
		verdict = mnl_attr_nest_start(nlh, NFTA_DATA_VERDICT);
		mnl_attr_put_strz(nlh, NFTA_VERDICT_CHAIN, to);
		mnl_attr_nest_end(nlh, verdict);
		mnl_attr_nest_end(nlh, imm);
		mnl_attr_nest_end(nlh, data);
		mnl_attr_nest_end(nlh, elem);
	}
	mnl_attr_nest_end(nlh, exprs);
	return nft_rules_rule(r, nlh);
}

static const char *says(struct nft_rules *r)
{
	nft_rules_careful(r, why, sizeof(why));
	nft_rules_free(r);
	return why;
}

static void test_hooks(void)
{
	static const struct {
		uint8_t family;
		int hook;
		const char *type;
		bool met;
	} cases[] = {
		{ NFPROTO_INET, NF_INET_LOCAL_IN, "filter", true },
		{ NFPROTO_IPV6, NF_INET_PRE_ROUTING, "filter", true },
		{ NFPROTO_IPV4, NF_INET_LOCAL_OUT, "route", true },
		{ NFPROTO_IPV4, NF_INET_POST_ROUTING, "nat", false },
		{ NFPROTO_INET, NF_INET_FORWARD, "filter", false },
		{ NFPROTO_NETDEV, 0, "filter", true },
		{ NFPROTO_ARP, 0, "filter", false },
		{ NFPROTO_BRIDGE, NF_INET_LOCAL_IN, "filter", false },
		{ NFPROTO_INET, -1, NULL, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nft_rules *r = nft_rules_new();

		chain(r, cases[i].family, "c", cases[i].hook, cases[i].type);
		CHECK(!rule(r, cases[i].family, "c", "counter", NULL));
		CHECK(!*says(r) == !cases[i].met);
	}
}

/* A long way, round in a circle, and another family's chain of the same name */
static void test_jumps(void)
{
	struct nft_rules *r = nft_rules_new();
	char from[16], to[16];

	chain(r, NFPROTO_INET, "c0", NF_INET_LOCAL_IN, "filter");
	for (int i = 1; i < 100; i++) {
		snprintf(to, sizeof(to), "c%d", i);
		chain(r, NFPROTO_INET, to, -1, NULL);
		chain(r, NFPROTO_IPV4, to, -1, NULL);
	}
	for (int i = 0; i < 99; i++) {
		snprintf(from, sizeof(from), "c%d", i);
		snprintf(to, sizeof(to), "c%d", i + 1);
		CHECK(!rule(r, NFPROTO_INET, from, "cmp", to));
	}
	CHECK(!rule(r, NFPROTO_INET, "c99", "cmp", "c1"));
	CHECK(!rule(r, NFPROTO_IPV4, "c50", "limit", NULL));
	nft_rules_careful(r, why, sizeof(why));
	CHECK(!*why);
	CHECK(!rule(r, NFPROTO_INET, "c99", "limit", NULL));
	CHECK(!strcmp(says(r), "nftables, table inet t, chain c99: limit"));
}

/* The rules changed while they were read, or make no sense. */
static void test_broken(void)
{
	struct nft_rules *r = nft_rules_new();
	struct nlmsghdr *nlh;

	chain(r, NFPROTO_INET, "c", NF_INET_LOCAL_IN, "filter");
	CHECK(rule(r, NFPROTO_INET, "d", "counter", NULL) == -EAGAIN);
	CHECK(!rule(r, NFPROTO_INET, "c", "cmp", "nowhere"));
	CHECK(nft_rules_chain(r, message(NFPROTO_INET)) == -EBADMSG);
	CHECK(nft_rules_set(r, message(NFPROTO_INET)) == -EBADMSG);
	CHECK(nft_rules_rule(r, message(NFPROTO_INET)) == -EBADMSG);
	srand(1);
	for (int i = 0; i < 20000; i++) {
		nlh = message(NFPROTO_INET);
		for (int n = rand() % 200; n > 0; n--) {
			char *at = mnl_nlmsg_get_payload_tail(nlh);

			*at = rand() % 3 ? rand() % 12 : rand();
			nlh->nlmsg_len++;
		}
		nft_rules_chain(r, nlh);
		nft_rules_set(r, nlh);
		nft_rules_rule(r, nlh);
	}
	says(r);
}

/* Entries of iptables, one behind the other in buf */
static size_t used;

static struct ipt_entry *entry(const char *match, const char *target, int verdict)
{
	struct ipt_entry *e = (void *)(buf + used);
	size_t m = match ? XT_ALIGN(sizeof(struct xt_entry_match)) : 0;
	size_t t = XT_ALIGN(sizeof(struct xt_error_target));
	struct xt_standard_target *std;
	struct xt_entry_match *em;

	memset(e, 0, sizeof(*e) + m + t);
	e->target_offset = sizeof(*e) + m;
	e->next_offset = sizeof(*e) + m + t;
	e->counters.pcnt = rand();
	if (match) {
		em = (void *)e->elems;
		em->u.match_size = m;
		strcpy(em->u.user.name, match);
	}
	std = (void *)((char *)e + e->target_offset);
	std->target.u.target_size = t;
	strcpy(std->target.u.user.name, target);
	if (!*target)
		std->verdict = verdict;
	used += e->next_offset;
	return e;
}

static void test_legacy(void)
{
	unsigned int start[NF_INET_NUMHOOKS] = { 0 }, end[NF_INET_NUMHOOKS] = { 0 };
	struct legacy_table t = {
		.entries = buf, .valid_hooks = 1 << NF_INET_LOCAL_IN | 1 << NF_INET_FORWARD,
		.hook_entry = start, .underflow = end,
	};
	struct xt_standard_target *jump;
	struct ipt_entry *e, *in;
	unsigned int side;

	used = 0;
	in = entry("tcp", "", 0);
	end[NF_INET_LOCAL_IN] = used;
	entry(NULL, "", -NF_ACCEPT - 1);
	start[NF_INET_FORWARD] = used;
	entry("limit", "LOG", 0);
	end[NF_INET_FORWARD] = used;
	entry(NULL, "", -NF_ACCEPT - 1);
	entry(NULL, XT_ERROR_TARGET, 0);
	side = used;
	e = entry("quota", "", -NF_DROP - 1);
	entry(NULL, XT_ERROR_TARGET, 0);
	t.len = used;
	t.n = 7;
	CHECK(!legacy_strip(buf, used, false) && !e->counters.pcnt);
	/* onward to the next rule; then into the other chain; then beyond the end */
	jump = (void *)((char *)in + in->target_offset);
	jump->verdict = in->next_offset;
	CHECK(!legacy_careful(&t));
	jump->verdict = side;
	CHECK(!strcmp(legacy_careful(&t) ?: "", "quota"));
	jump->verdict = used;
	CHECK(!legacy_careful(&t));
	/* lengths that are impossible */
	for (size_t len = 1; len < e->next_offset; len++)
		CHECK(legacy_strip((char *)e, len, false) == -EBADMSG);
	e->next_offset = 0;
	CHECK(legacy_strip((char *)e, sizeof(buf) / 2, false) == -EBADMSG);
	e->next_offset = sizeof(*e) + 8;
	CHECK(legacy_strip((char *)e, sizeof(buf) / 2, false) == -EBADMSG);
	CHECK(legacy_strip(buf, sizeof(struct ipt_entry), true) == -EBADMSG);
}

static void test_names(void)
{
	CHECK(xt_careful("limit") && xt_careful("NFQUEUE") && xt_careful("connbytes"));
	CHECK(!xt_careful("tcp") && !xt_careful("") && !xt_careful("REJECT"));
}

int main(void)
{
	static const struct test tests[] = {
		{ "nftables: the chains that a packet of the host meets", test_hooks },
		{ "nftables: where they lead", test_jumps },
		{ "nftables: what makes no sense", test_broken },
		{ "iptables: the chains, where they lead, what makes no sense", test_legacy },
		{ "iptables: names", test_names },
	};

	return run_tests(tests, sizeof(tests) / sizeof(tests[0]));
}
