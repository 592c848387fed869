// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "random.h"

#define LONG_NAME							\
	"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" \
	"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" /* 126 */

const char *const cgroups[] = {
	"/", "/a", "/a/b", "/a/b/c", "/a/bc", "/ab", "/b", "/b/a", "/b/a/b",
	"/system.slice", "/system.slice/nginx.service", "/" LONG_NAME,
	"/" LONG_NAME "n", "/" LONG_NAME "nn/a",
	"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16",
	"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18",
};
const unsigned int n_cgroups = sizeof(cgroups) / sizeof(*cgroups);

/* What rules ask for besides */
static const char *const more_cgroups[] = {
	"/a/b/c/d", "/1/2/3", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15", "/system",
	"/system.slice/nginx", "/nowhere/at/all", "/a.b", "/a-b",
};

static const char *const devs[] = { "eth0", "eth00", "eth1", "lo", "fifteen-letters", "" };

static const uint16_t ports[] = { 0, 1, 63, 64, 65, 80, 443, 8080, 32767, 32768, 65534, 65535 };

static const uint32_t masks[] = {
	0xffffffff, 0xff, 0xff00, 0x1, 0xf0f0f0f0, 0x80000000, 0x3, 0,
};

uint64_t seed = 1;

uint32_t any(uint32_t below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % below;
}

#define ONE_OF(list) ((list)[any(sizeof(list) / sizeof(*(list)))])

static void random_addr(uint16_t family, __be32 *addr)
{
	static const uint32_t words[] = { 0, 0x0a000000, 0x0a000001, 0x0a010203, 0x0a01ffff,
					  0xc0a80101, 0xffffffff, 0x20010db8, 1 };
	unsigned int i;

	memset(addr, 0, 16);
	for (i = 0; i < (family == AF_INET ? 1 : 4); i++) {
		addr[i] = htonl(ONE_OF(words));
		if (!any(8))
			addr[i] ^= htonl(1u << any(32));
	}
}

static void random_prefix(struct toe_prefix *p)
{
	unsigned int bits, i;

	p->family = any(2) ? AF_INET : AF_INET6;
	bits = p->family == AF_INET ? 32 : 128;
	p->len = any(4) ? any(bits + 1) : (bits / 8) * any(9);
	random_addr(p->family, p->addr);
	for (i = p->len; i < 128; i++)
		p->addr[i / 32] &= ~htonl(1u << (31 - i % 32));
}

static void random_range(struct toe_port_range *r)
{
	uint16_t a = any(3) ? ONE_OF(ports) : any(65536), b = any(2) ? a : ONE_OF(ports);

	r->first = a < b ? a : b;
	r->last = a < b ? b : a;
}

static unsigned int random_count(void)
{
	return 1 + any(any(4) ? 2 : TOE_RULE_LIST);
}

static void random_rule(struct toe_rule *r, uint32_t dims)
{
	unsigned int i;

	memset(r, 0, sizeof(*r));
	/* Rules that ask little hide those behind them. */
	r->asks = (any(1u << __TOE_DIM_MAX) | any(1u << __TOE_DIM_MAX)) & dims;
#define ASKS(dim) (r->asks & 1u << TOE_DIM_##dim)
	if (ASKS(DIR))
		r->accepted = any(2);
	for (i = ASKS(LOCAL) ? random_count() : 0; i--; r->n_local++)
		random_prefix(&r->local[i]);
	for (i = ASKS(REMOTE) ? random_count() : 0; i--; r->n_remote++)
		random_prefix(&r->remote[i]);
	for (i = ASKS(LPORT) ? random_count() : 0; i--; r->n_lport++)
		random_range(&r->lport[i]);
	for (i = ASKS(RPORT) ? random_count() : 0; i--; r->n_rport++)
		random_range(&r->rport[i]);
	for (i = ASKS(UID) ? random_count() : 0; i--; r->n_uid++)
		r->uid[i] = any(40);
	if (ASKS(DEV))
		strcpy(r->dev, ONE_OF(devs));
	if (ASKS(CGROUP)) {
		strcpy(r->cgroup, any(2) ? ONE_OF(cgroups) : ONE_OF(more_cgroups));
		/* Those are for connections only. */
		if (strlen(r->cgroup) > 127 || strstr(r->cgroup, "/17"))
			strcpy(r->cgroup, "/");
	}
	if (ASKS(MARK)) {
		r->mask = ONE_OF(masks);
		r->mark = any(5) * 0x01010101 & r->mask;
	}
	if (ASKS(NETNS))
		r->netns_cookie = 1 + any(4);
	r->action.flags = any(4) ? 0 : TOE_SIGNAL_NEVER;
	r->action.threshold = r->action.flags ? 0 : 1 + any(1 << 20);
}

void random_policy(struct toe_policy *p, unsigned int n, uint32_t dims)
{
	unsigned int i;

	p->n = n;
	p->rules = calloc(n ? n : 1, sizeof(*p->rules));
	if (!p->rules)
		abort();
	for (i = 0; i < n; i++) {
		random_rule(&p->rules[i], dims);
		p->rules[i].action.prio = 1 + i;
	}
}

/* An address in a prefix, or just outside of it */
static void meet_prefix(const struct toe_prefix *p, __be32 *addr)
{
	unsigned int i;

	random_addr(p->family, addr);
	for (i = 0; i < p->len; i++) {
		uint32_t bit = htonl(1u << (31 - i % 32));

		addr[i / 32] = (addr[i / 32] & ~bit) | (p->addr[i / 32] & bit);
	}
	if (p->len && !any(8))
		addr[(p->len - 1) / 32] ^= htonl(1u << (31 - (p->len - 1) % 32));
}

static uint16_t meet_range(const struct toe_port_range *r)
{
	uint16_t edges[] = { r->first, r->last, r->first - 1, r->last + 1 };

	return edges[any(any(4) ? 2 : 4)];
}

static void meet_rule(const struct toe_rule *r, struct toe_policy_facts *f)
{
	if (ASKS(DIR))
		f->accepted = r->accepted;
	if (ASKS(LOCAL)) {
		const struct toe_prefix *p = &r->local[any(r->n_local)];

		if (p->family != f->tuple.family)
			random_addr(p->family, f->tuple.remote_addr);
		f->tuple.family = p->family;
		meet_prefix(p, f->tuple.local_addr);
	}
	if (ASKS(REMOTE)) {
		const struct toe_prefix *p = &r->remote[any(r->n_remote)];

		if (p->family != f->tuple.family)
			random_addr(p->family, f->tuple.local_addr);
		f->tuple.family = p->family;
		meet_prefix(p, f->tuple.remote_addr);
	}
	if (ASKS(LPORT))
		f->tuple.local_port = htons(meet_range(&r->lport[any(r->n_lport)]));
	if (ASKS(RPORT))
		f->tuple.remote_port = htons(meet_range(&r->rport[any(r->n_rport)]));
	if (ASKS(DEV))
		memcpy(f->dev, r->dev, sizeof(f->dev));
	if (ASKS(UID))
		f->uid = r->uid[any(r->n_uid)];
	if (ASKS(MARK))
		f->mark = r->mark | (any(1u << 30) & ~r->mask);
	if (ASKS(NETNS))
		f->netns = r->netns_cookie;
}

static unsigned int cgroup_of(const struct toe_rule *r)
{
	unsigned int i;

	for (i = 0; ASKS(CGROUP) && any(8) && i < n_cgroups; i++)
		if (!strcmp(cgroups[i], r->cgroup))
			return i;
	return any(n_cgroups);
}

unsigned int random_facts(const struct toe_policy *p, struct toe_policy_facts *f)
{
	static const struct toe_rule nothing;
	const struct toe_rule *r = p->n && any(8) ? &p->rules[any(p->n)] : &nothing;

	memset(f, 0, sizeof(*f));
	f->tuple.family = any(2) ? AF_INET : AF_INET6;
	random_addr(f->tuple.family, f->tuple.local_addr);
	random_addr(f->tuple.family, f->tuple.remote_addr);
	f->tuple.local_port = htons(ONE_OF(ports));
	f->tuple.remote_port = htons(ONE_OF(ports));
	strcpy(f->dev, ONE_OF(devs));	/* it is zero */
	f->uid = any(40);
	f->mark = any(5) * 0x01010101;
	f->netns = 1 + any(5);
	f->accepted = any(2);
	meet_rule(r, f);
	return cgroup_of(r);
}
