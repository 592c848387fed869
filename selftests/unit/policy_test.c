// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy model without a kernel: words to rules and back, files, the list,
 * and which rule takes a connection. KTAP on standard output.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "policy.h"
#include "units.h"

static const char *failure;

static void failed(int line, const char *cond, const char *what)
{
	static char buf[600];

	if (failure)
		return;
	snprintf(buf, sizeof(buf), "line %d: %.80s: %.500s", line, cond, what);
	failure = buf;
}

#define CHECK_SAYS(cond, what) do {					\
	if (!(cond))							\
		failed(__LINE__, #cond, what);				\
} while (0)
#define CHECK(cond) CHECK_SAYS(cond, "")

/* One run is repeated with its seed: policy_test SEED. */
static uint64_t seed = 1;

static uint32_t any(uint32_t below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % below;
}

static int parse(struct toe_rule *rule, const char *text, char *why)
{
	char line[TOE_POLICY_LINE_LEN], *words[64], *rest = line;
	int n = 0;

	snprintf(line, sizeof(line), "%s", text);
	while (n < 64 && (words[n] = strsep(&rest, " ")))
		n++;
	return toe_rule_parse(rule, n, words, why);
}

static void test_rule(void)
{
	/* kept: neither cgroup nor network namespace need exist */
	static char text[] =
		"toe-policy 1\n"
		"prio 100 in lport 80,1000-2000 cgroup /a/b\\ c netns blue/7 "
		"remote 10.0.0.0/8,2001:db8::/32 dev eth0 uid 7,root "
		"mark 0x10/0xf0 threshold 4MiB min-rate 20mbit dwell 2s "
		"engine virtio0 max-flows 9 careful\n"
		"end 1\n";
	FILE *file = fmemopen(text, strlen(text), "r");
	char why[TOE_WHY_LEN] = "";
	struct toe_policy p;
	struct toe_rule r;

	CHECK_SAYS(!toe_policy_read_kept(&p, file, "text", why), why);
	fclose(file);
	if (!p.n)
		return;
	r = p.rules[0];
	toe_policy_free(&p);
	CHECK(r.action.prio == 100 && r.action.flags == TOE_SIGNAL_CAREFUL);
	CHECK(r.asks == (1u << TOE_DIM_DIR | 1u << TOE_DIM_REMOTE |
			 1u << TOE_DIM_LPORT | 1u << TOE_DIM_DEV |
			 1u << TOE_DIM_CGROUP | 1u << TOE_DIM_UID |
			 1u << TOE_DIM_MARK | 1u << TOE_DIM_NETNS));
	CHECK(r.accepted && !strcmp(r.netns, "blue") && r.netns_cookie == 7);
	CHECK(r.n_lport == 2 && r.lport[0].first == 80 && r.lport[0].last == 80);
	CHECK(r.lport[1].first == 1000 && r.lport[1].last == 2000);
	CHECK(r.n_remote == 2 && r.remote[0].family == AF_INET);
	CHECK(r.remote[0].len == 8 && r.remote[0].addr[0] == htonl(0x0a000000));
	CHECK(r.remote[1].family == AF_INET6 && r.remote[1].len == 32);
	CHECK(!strcmp(r.dev, "eth0") && !strcmp(r.cgroup, "/a/b c"));
	CHECK(r.n_uid == 2 && r.uid[0] == 7 && !r.uid[1]);
	CHECK(r.mark == 0x10 && r.mask == 0xf0);
	CHECK(r.action.threshold == 4 << 20 && r.action.min_rate == 2500000);
	CHECK(r.action.dwell_ms == 2000 && r.action.max_flows == 9);
	CHECK(!strcmp(r.action.engine, "virtio0"));
}

static void test_defaults(void)
{
	char why[TOE_WHY_LEN];
	struct toe_rule r;

	CHECK(!parse(&r, "prio 65535", why));
	CHECK(!r.asks && r.action.threshold == TOE_POLICY_DEFAULT_THRESHOLD);
	CHECK(!r.action.min_rate && !r.action.dwell_ms && !r.action.max_flows);
	CHECK(!parse(&r, "out engine any min-rate 1kbps offload prio 1", why));
	CHECK(!r.accepted && r.asks == 1u << TOE_DIM_DIR && !*r.action.engine);
	CHECK(r.action.min_rate == 1000 && r.action.dwell_ms == 5000);
	CHECK(!r.action.flags);
	CHECK(!parse(&r, "careful prio 1", why));
	CHECK(r.action.flags == TOE_SIGNAL_CAREFUL);
	CHECK(r.action.threshold == TOE_POLICY_DEFAULT_THRESHOLD);
	CHECK(!parse(&r, "prio 1 never", why));
	CHECK(r.action.flags == TOE_SIGNAL_NEVER && !r.action.threshold);
	CHECK(!parse(&r, "prio 1 mark 7", why) && r.mask == UINT32_MAX);
	CHECK(!r.action.ct_mask && !r.action.pkt_mask && !r.action.flags);
	CHECK(!parse(&r, "prio 1 ctmark 0x10/0xf0 no-pktmark 7", why) && !r.asks);
	CHECK(r.action.ct_mark == 0x10 && r.action.ct_mask == 0xf0);
	CHECK(r.action.pkt_mark == 7 && r.action.pkt_mask == UINT32_MAX);
	CHECK(r.action.flags == TOE_SIGNAL_NO_PKTMARK);
	CHECK(!parse(&r, "prio 1 pktmark 0/1 no-ctmark 2", why));
	CHECK(!r.action.pkt_mark && r.action.pkt_mask == 1);
	CHECK(r.action.flags == TOE_SIGNAL_NO_CTMARK && r.action.ct_mark == 2);
	CHECK(!parse(&r, "prio 1 local ::ffff:192.0.2.0/120", why));
	CHECK(r.local[0].family == AF_INET && r.local[0].len == 24);
	CHECK(r.local[0].addr[0] == htonl(0xc0000200) && !r.local[0].addr[3]);
}

/* The second column has to stand in the complaint. */
static void test_bad_rules(void)
{
	static const char *const cases[][2] = {
		{ "in", "'prio' is missing" },
		{ "prio", "'prio' needs" },
		{ "prio 0", "'0' is not a priority" },
		{ "prio 65536", "'65536' is not a priority" },
		{ "prio ten", "'ten' is not a priority" },
		{ "prio 1 prio 2", "'prio' stands twice" },
		{ "prio 1 in in", "'in' is a second direction" },
		{ "prio 1 in out", "'out' is a second direction" },
		{ "prio 1 lport 1 lport 2", "'lport' stands twice" },
		{ "prio 1 por 80", "'por' is not a word" },
		{ "prio 1 IN", "'IN' is not a word" },
		{ "prio 1 ", "'' is not a word" },
		{ "prio 1 local 10.0.0.1/8", "'10.0.0.1/8' has bits" },
		{ "prio 1 local 10.0.0.0/8,10.1.0.0/15", "'10.1.0.0/15' has bits" },
		{ "prio 1 local 10.0.0.0/33", "'10.0.0.0/33' is not a prefix" },
		{ "prio 1 local 10.0.0.0/", "'10.0.0.0/' is not a prefix" },
		{ "prio 1 local 10.0.0.0/-1", "'10.0.0.0/-1' is not a prefix" },
		{ "prio 1 local 10.0.0", "'10.0.0' is not an address" },
		{ "prio 1 remote 2001:db8::1/64", "'2001:db8::1/64' has bits" },
		{ "prio 1 remote ::/129", "'::/129' is not a prefix" },
		{ "prio 1 remote [::1]", "'[::1]' is not an address" },
		{ "prio 1 remote a,,b", "'a' is not an address" },
		{ "prio 1 lport 80,", "'80,' is not a list" },
		{ "prio 1 lport ,80", "',80' is not a list" },
		{ "prio 1 lport 0", "'0' is not a port" },
		{ "prio 1 lport 0-80", "'0-80' is not a port" },
		{ "prio 1 lport 80-65536", "'80-65536' is not a port" },
		{ "prio 1 rport 80,443-80", "'443-80' is not a range" },
		{ "prio 1 rport 80-", "'80-' is not a port" },
		{ "prio 1 rport -80", "'-80' is not a port" },
		{ "prio 1 rport 1-2-3", "'1-2-3' is not a port" },
		{ "prio 1 rport http", "'http' is not a port" },
		{ "prio 1 rport 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
		  "'17' is one too many" },
		{ "prio 1 dev abcdefghijklmnop", "'abcdefghijklmnop' is not the name" },
		{ "prio 1 dev a/b", "'a/b' is not the name" },
		{ "prio 1 dev ..", "'..' is not the name" },
		{ "prio 1 cgroup a", "'a' is not the path" },
		{ "prio 1 cgroup /a/../b", "'/a/../b' is not a cgroup" },
		{ "prio 1 cgroup //", "'//' is not a cgroup" },
		{ "prio 1 cgroup /a//b", "'/a//b' is not a cgroup" },
		{ "prio 1 cgroup /toe-no-such", "'/toe-no-such' is not a cgroup" },
		{ "prio 1 cgroup /a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q", "deeper than 16" },
		{ "prio 1 uid toe-no-such", "'toe-no-such' is not a user" },
		{ "prio 1 uid 4294967295", "'4294967295' is not a user" },
		{ "prio 1 uid 4294967296", "'4294967296' is not a user" },
		{ "prio 1 uid 0,x7", "'x7' is not a user" },
		{ "prio 1 mark 0x10/0xf", "'0x10/0xf' is not a mark: bits" },
		{ "prio 1 mark 0/0", "'0/0' is not a mark: its mask is zero" },
		{ "prio 1 mark 0x", "'0x' is not a mark" },
		{ "prio 1 mark 0x100000000", "'0x100000000' is not a mark" },
		{ "prio 1 mark 1/", "'1/' is not a mark" },
		{ "prio 1 mark -1", "'-1' is not a mark" },
		{ "prio 1 ctmark 0x10/0xf", "'0x10/0xf' is not a mark: bits" },
		{ "prio 1 no-ctmark 0/0", "'0/0' is not a mark: its mask is zero" },
		{ "prio 1 pktmark eth0", "'eth0' is not a mark (NUMBER" },
		{ "prio 1 no-pktmark", "'no-pktmark' needs a mark" },
		{ "prio 1 ctmark 1 no-ctmark 2", "'no-ctmark' is a second mark" },
		{ "prio 1 pktmark 1 pktmark 1", "'pktmark' is a second mark" },
		{ "prio 1 never ctmark 1", "'ctmark' does not go with 'never'" },
		{ "prio 1 no-pktmark 1 never", "'no-pktmark' does not go with" },
		{ "prio 1 netns toe-no-such", "'toe-no-such' is not a network" },
		{ "prio 1 netns ../x", "'../x' is not the name" },
		{ "prio 1 never threshold 1", "'threshold' does not go" },
		{ "prio 1 max-flows 1 never", "'max-flows' does not go" },
		{ "prio 1 never careful", "'careful' does not go" },
		{ "prio 1 careful careful", "'careful' stands twice" },
		{ "prio 1 careful yes", "'yes' is not a word" },
		{ "prio 1 never offload", "'offload' does not go" },
		{ "prio 1 dev dwell never engine any", "'engine' does not go" },
		{ "prio 1 dwell 5s", "'dwell' says nothing" },
		{ "prio 1 threshold 0", "'0' is not a number of bytes" },
		{ "prio 1 threshold 1parsec", "'1parsec' is not a number of bytes" },
		{ "prio 1 threshold 2000000TiB", "'2000000TiB' is not a number of bytes" },
		{ "prio 1 min-rate 0mbit", "'0mbit' is not a rate" },
		{ "prio 1 min-rate 1MiB", "'1MiB' is not a rate" },
		{ "prio 1 min-rate 1mbit dwell 0", "'0' is not a time" },
		{ "prio 1 min-rate 1mbit dwell 1h", "'1h' is not a time" },
		{ "prio 1 min-rate 1mbit dwell 100000s", "'100000s' is not a time" },
		{ "prio 1 engine abcdefghijklmnop", "'abcdefghijklmnop' is not the name" },
		{ "prio 1 max-flows 0", "'0' is not a number of flows" },
		{ "prio 1 max-flows 4294967296", "'4294967296' is not a number of flows" },
	};
	char why[TOE_WHY_LEN], text[2048];
	struct toe_rule r;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK_SAYS(parse(&r, cases[i][0], why) == -EINVAL, cases[i][0]);
		CHECK_SAYS(strstr(why, cases[i][1]), why);
	}
	strcpy(text, "prio 1 cgroup /");
	memset(text + strlen(text), 'x', 127);
	text[strlen("prio 1 cgroup /") + 127] = 0;
	CHECK(parse(&r, text, why) && strstr(why, "longer than 126 bytes"));
	strcpy(text + strlen("prio 1 cgroup /") + 126, " never");
	/* As long as may be; there is no such cgroup. */
	CHECK(parse(&r, text, why) && strstr(why, "is not a cgroup: "));
	text[strlen("prio 1 cgroup /") + 126] = 0;
	memset(text + strlen(text), 'x', 1500);
	text[strlen("prio 1 cgroup /") + 126 + 1500] = 0;
	CHECK(parse(&r, text, why) && strstr(why, "is too long"));
	CHECK(parse(&r, "prio 1 a\033[2Jb", why) && strstr(why, "'a?[2Jb'"));
}

static const char *random_name(char *buf, size_t room, const char *letters)
{
	size_t len = 1 + any(room - 1);

	for (size_t i = 0; i < len; i++)
		buf[i] = letters[any(strlen(letters))];
	buf[len] = 0;
	if (!strcmp(buf, ".") || !strcmp(buf, ".."))
		*buf = '_';
	return buf;
}

static void random_prefix(struct toe_prefix *p)
{
	p->family = any(2) ? AF_INET : AF_INET6;
	p->len = any(p->family == AF_INET ? 33 : 129);
	for (unsigned int bit = 0; bit < p->len; bit++)
		p->addr[bit / 32] |= htonl(any(2) << (31 - bit % 32));
	/* what would be read as IPv4 */
	if (p->family == AF_INET6 && p->len >= 96)
		p->addr[0] = htonl(0x20010db8);
}

static void random_ports(struct toe_port_range *r)
{
	uint16_t a = 1 + any(65535), b = any(2) ? a : 1 + any(65535);

	r->first = a < b ? a : b;
	r->last = a < b ? b : a;
}

static void random_cgroup(char *path)
{
	char name[TOE_POLICY_CGROUP_NAME_MAX + 1];
	unsigned int depth = any(TOE_POLICY_CGROUP_DEPTH + 1);

	strcpy(path, depth ? "" : "/");
	while (depth--) {
		random_name(name, any(4) ? 12 : sizeof(name),
			    "az09.-_:@\\ \"'#$*,;\xc3\xa4");
		if (strlen(path) + 1 + strlen(name) >= TOE_RULE_CGROUP_LEN)
			break;
		strcat(path, "/");
		strcat(path, name);
	}
}

static uint64_t random_amount(void)
{
	static const uint64_t units[] = { 1, 1000, 1024, 1 << 20, 1000000, 1ULL << 30 };

	return (1 + (uint64_t)any(1u << (1 + any(29)))) * units[any(6)];
}

static void random_action(struct toe_signal *a)
{
	if (!any(4)) {
		a->flags = TOE_SIGNAL_NEVER;
		return;
	}
	a->threshold = random_amount();
	if (any(2)) {
		a->min_rate = random_amount();
		a->dwell_ms = 1 + any(any(2) ? 100000 : 24 * 3600 * 1000);
	}
	if (any(2))
		random_name(a->engine, sizeof(a->engine), "abc019-.");
	if (!strcmp(a->engine, "any"))
		*a->engine = 'x';
	if (any(2))
		a->max_flows = 1 + any(1u << 30);
	if (any(2)) {
		a->ct_mask = any(2) ? UINT32_MAX : 1 + any(1u << 30);
		a->ct_mark = any(1u << 31) & a->ct_mask;
		a->flags |= any(2) ? TOE_SIGNAL_NO_CTMARK : 0;
	}
	if (any(2)) {
		a->pkt_mask = any(2) ? UINT32_MAX : 1 + any(1u << 30);
		a->pkt_mark = any(1u << 31) & a->pkt_mask;
		a->flags |= any(2) ? TOE_SIGNAL_NO_PKTMARK : 0;
	}
	if (!any(3))
		a->flags |= TOE_SIGNAL_CAREFUL;
}

/* What a rule asks of the connection alone, not of the machine */
#define PLAIN_DIMS (1u << TOE_DIM_DIR | 1u << TOE_DIM_LOCAL | 1u << TOE_DIM_REMOTE | \
		    1u << TOE_DIM_LPORT | 1u << TOE_DIM_RPORT | 1u << TOE_DIM_DEV | \
		    1u << TOE_DIM_UID | 1u << TOE_DIM_MARK)

static void random_rule(struct toe_rule *r, uint32_t dims)
{
	memset(r, 0, sizeof(*r));
	r->asks = any(1u << __TOE_DIM_MAX) & dims;
	if (r->asks & (1u << TOE_DIM_DIR))
		r->accepted = any(2);
#define LIST(dim, n, each)						\
	if (r->asks & (1u << (dim))) {					\
		n = 1 + any(any(4) ? 2 : TOE_RULE_LIST);		\
		for (unsigned int i = 0; i < n; i++)			\
			each;						\
	}
	LIST(TOE_DIM_LOCAL, r->n_local, random_prefix(&r->local[i]))
	LIST(TOE_DIM_REMOTE, r->n_remote, random_prefix(&r->remote[i]))
	LIST(TOE_DIM_LPORT, r->n_lport, random_ports(&r->lport[i]))
	LIST(TOE_DIM_RPORT, r->n_rport, random_ports(&r->rport[i]))
	LIST(TOE_DIM_UID, r->n_uid, r->uid[i] = any(1u << 31))
	if (r->asks & (1u << TOE_DIM_DEV))
		random_name(r->dev, sizeof(r->dev), "ethx01.-_\\#'\"");
	if (r->asks & (1u << TOE_DIM_CGROUP))
		random_cgroup(r->cgroup);
	if (r->asks & (1u << TOE_DIM_MARK)) {
		r->mask = any(2) ? UINT32_MAX : 1 + any(1u << 30);
		r->mark = any(1u << 31) & r->mask;
	}
	if (r->asks & (1u << TOE_DIM_NETNS)) {
		random_name(r->netns, sizeof(r->netns), "blue09-_.#\\");
		r->netns_cookie = 1 + any(1000);
	}
	r->action.prio = 1 + any(TOE_RULE_PRIO_MAX);
	random_action(&r->action);
}

/* Through a file, as the backslashes of names are the file's. */
static int through_file(struct toe_policy *p, const struct toe_policy *from,
			bool kept, char *why)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);
	int err;

	if (kept)
		toe_policy_write_kept(from, file);
	else
		toe_policy_write(from, file);
	fclose(file);
	file = fmemopen(text, len, "r");
	err = kept ? toe_policy_read_kept(p, file, "text", why) :
		     toe_policy_read(p, file, "text", why);
	fclose(file);
	free(text);
	return err;
}

static void test_round_trip(void)
{
	char why[TOE_WHY_LEN], text[TOE_RULE_TEXT_LEN];
	struct toe_rule rule, again;

	for (int i = 0; i < 5000 && !failure; i++) {
		struct toe_policy one = { .rules = &rule, .n = 1 }, back;
		bool kept = i % 2;

		random_rule(&rule, kept ? ~0u : PLAIN_DIMS);
		toe_rule_format(&rule, text, sizeof(text));
		CHECK(strlen(text) < sizeof(text) - 1);
		CHECK_SAYS(!through_file(&back, &one, kept, why), why);
		CHECK_SAYS(back.n == 1 && !memcmp(&rule, back.rules, sizeof(rule)), text);
		toe_policy_free(&back);
		if (kept || strchr(text, '\\'))
			continue;
		CHECK_SAYS(!parse(&again, text, why), why);
		CHECK_SAYS(!memcmp(&rule, &again, sizeof(rule)), text);
	}
}

/* The longest rule that there is. */
static void test_longest(void)
{
	struct toe_policy one, back;
	char why[TOE_WHY_LEN];
	struct toe_rule r;

	memset(&r, 0, sizeof(r));
	r.asks = (1u << __TOE_DIM_MAX) - 1;
	r.n_local = r.n_remote = r.n_lport = r.n_rport = r.n_uid = TOE_RULE_LIST;
	for (int i = 0; i < TOE_RULE_LIST; i++) {
		r.local[i].family = AF_INET6;
		r.local[i].len = 127;
		memset(r.local[i].addr, 0xee, 16);
		r.remote[i] = r.local[i];
		r.lport[i].first = r.rport[i].first = 10000;
		r.lport[i].last = r.rport[i].last = 65535;
		r.uid[i] = UINT32_MAX - 1;
	}
	memset(r.dev, '\\', sizeof(r.dev) - 1);
	memset(r.cgroup, '\\', sizeof(r.cgroup) - 1);
	for (int i = 0; i < 16 * 65 && i < TOE_RULE_CGROUP_LEN; i += 65)
		r.cgroup[i] = '/';
	memset(r.netns, '\\', sizeof(r.netns) - 1);
	r.netns_cookie = UINT64_MAX;
	r.mark = r.mask = UINT32_MAX - 1;
	r.action.prio = TOE_RULE_PRIO_MAX;
	r.action.threshold = (1ULL << 60) - 1;
	r.action.min_rate = (1ULL << 60) - 1;
	r.action.dwell_ms = 86399999;
	r.action.max_flows = UINT32_MAX;
	r.action.flags = TOE_SIGNAL_NO_CTMARK | TOE_SIGNAL_NO_PKTMARK;
	r.action.ct_mark = r.action.ct_mask = UINT32_MAX - 1;
	r.action.pkt_mark = r.action.pkt_mask = UINT32_MAX - 1;
	memset(r.action.engine, '\\', sizeof(r.action.engine) - 1);
	one.rules = &r;
	one.n = 1;
	CHECK_SAYS(!through_file(&back, &one, true, why), why);
	CHECK(back.n == 1 && !memcmp(back.rules, &r, sizeof(r)));
	toe_policy_free(&back);
}

static int read_text(struct toe_policy *p, const char *text, size_t len, char *why)
{
	FILE *file = tmpfile();
	int err;

	fwrite(text, 1, len, file);
	rewind(file);
	err = toe_policy_read(p, file, "FILE", why);
	fclose(file);
	return err;
}

static void test_file(void)
{
	static const char text[] =
		"toe-policy 1\n"
		"# a comment: end 7\n"
		"\n"
		"prio 20 never\n"
		" \t prio\t10  in \n"
		"  # another\n"
		"end 2\n";
	char why[TOE_WHY_LEN];
	struct toe_policy p;

	CHECK_SAYS(!read_text(&p, text, sizeof(text) - 1, why), why);
	CHECK(p.n == 2 && p.rules[0].action.prio == 10 && p.rules[1].action.prio == 20);
	toe_policy_free(&p);
	CHECK(!read_text(&p, "toe-policy 1\nend 0\n", 19, why) && !p.n);
	toe_policy_free(&p);

	/* no part of it is taken for the whole */
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		CHECK(read_text(&p, text, len, why) == -EINVAL);
		CHECK(!p.rules && !p.n);
		CHECK_SAYS(!strncmp(why, "FILE:", 5), why);
	}
}

static void test_bad_files(void)
{
#define BAD(text, why) { text, sizeof(text) - 1, why }
	static const struct {
		const char *text;
		size_t len;
		const char *why;
	} cases[] = {
		BAD("", "FILE:1: a policy begins"),
		BAD("toe-policy 2\nend 0\n", "FILE:1: a policy begins"),
		BAD("\ntoe-policy 1\nend 0\n", "FILE:1: a policy begins"),
		BAD("prio 1 never\n", "FILE:1: a policy begins"),
		BAD("toe-policy 1\n", "FILE:2: the file breaks off: 'end' is missing"),
		BAD("toe-policy 1\nend\n", "FILE:2: the last line is"),
		BAD("toe-policy 1\nend 0 0\n", "FILE:2: the last line is"),
		BAD("toe-policy 1\nend 1\n", "FILE:2: '1' is not the number of rules: there are 0"),
		BAD("toe-policy 1\nend 0", "FILE:2: the file breaks off"),
		BAD("toe-policy 1\nend 0\n\n", "FILE:3: something stands behind"),
		BAD("toe-policy 1\nend 0\nx", "FILE:3: the file breaks off"),
		BAD("toe-policy 1\nprio 7\n\nprio 7 in\nend 2\n",
		    "FILE:4: priority 7 is taken by line 2"),
		BAD("toe-policy 1\nprio 7 lport 9-8\nend 1\n", "FILE:2: '9-8' is not a range"),
		BAD("toe-policy 1\nprio 7 netns a/1\nend 1\n", "FILE:2: 'a/1' is not the name"),
		BAD("toe-policy 1\nprio\0 7\nend 1\n", "FILE:2: a zero byte"),
		BAD("toe-policy 1\r\nend 0\r\n", "FILE:1: a policy begins"),
		BAD("toe-policy 1\nprio 7 dev a\\", "FILE:2: the file breaks off"),
		BAD("toe-policy 1\nprio 7 dev a\\\nend 1\n", "FILE:2: nothing stands behind"),
	};
	char why[TOE_WHY_LEN], *text;
	struct toe_policy p;
	size_t used;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK(read_text(&p, cases[i].text, cases[i].len, why) == -EINVAL);
		CHECK_SAYS(!strncmp(why, cases[i].why, strlen(cases[i].why)), why);
		CHECK(!p.rules && !p.n);
	}

	text = malloc(1 << 20);
	used = sprintf(text, "toe-policy 1\nprio 1 dev ");
	memset(text + used, 'a', 20000);
	CHECK(read_text(&p, text, used + 20000, why) == -EINVAL);
	CHECK_SAYS(!strncmp(why, "FILE:2: the line is longer", 26), why);

	used = sprintf(text, "toe-policy 1\n");
	for (int i = 0; i < 100; i++)
		used += sprintf(text + used, "in ");
	used += sprintf(text + used, "\nend 0\n");
	CHECK(read_text(&p, text, used, why) == -EINVAL);
	CHECK_SAYS(strstr(why, "more than 64 words"), why);

	used = sprintf(text, "toe-policy 1\n");
	for (int i = 1; i <= 10000; i++)
		used += sprintf(text + used, "prio %d never\n", i);
	used += sprintf(text + used, "end 10000\n");
	CHECK(read_text(&p, text, used, why) == -EINVAL);
	CHECK_SAYS(!strncmp(why, "FILE:4098: rule 4097 is one too many", 36), why);
	free(text);
}

static void test_full_disk(void)
{
	struct toe_policy p = { 0 };
	FILE *full = fopen("/dev/full", "w");

	CHECK(full && toe_policy_write(&p, full) == -ENOSPC);
	if (full)
		fclose(full);
}

static void test_list(void)
{
	struct toe_rule rule = { 0 };
	struct toe_policy p = { 0 };
	unsigned int n = 0;

	while (n < TOE_POLICY_MAX_RULES) {
		rule.action.prio = 1 + any(TOE_RULE_PRIO_MAX);
		if (toe_policy_find(&p, rule.action.prio)) {
			CHECK(toe_policy_insert(&p, &rule) == -EEXIST);
			continue;
		}
		CHECK(!toe_policy_insert(&p, &rule));
		CHECK(p.n == ++n);
	}
	for (unsigned int i = 1; i < p.n; i++)
		CHECK(p.rules[i - 1].action.prio < p.rules[i].action.prio);
	for (rule.action.prio = 1; toe_policy_find(&p, rule.action.prio);)
		rule.action.prio++;
	CHECK(toe_policy_insert(&p, &rule) == -ENOSPC);
	CHECK(toe_policy_remove(&p, rule.action.prio) == -ENOENT);
	while (p.n) {
		uint32_t prio = p.rules[any(p.n)].action.prio;

		CHECK(!toe_policy_remove(&p, prio) && p.n == --n);
		CHECK(!toe_policy_find(&p, prio));
	}
	toe_policy_free(&p);
}

/* Does the rule match the connection in @facts? */
static bool matches(const char *text, const struct toe_policy_facts *facts,
		    const char *cgroup)
{
	char why[TOE_WHY_LEN];
	struct toe_rule r;

	CHECK_SAYS(!parse(&r, text, why), why);
	return !toe_rule_mismatch(&r, facts, cgroup);
}

static void test_match(void)
{
	struct toe_policy_facts f = {
		.tuple = {
			.local_addr = { htonl(0xc0000201) },
			.remote_addr = { htonl(0xc6336407) },
			.local_port = htons(443),
			.remote_port = htons(5000),
			.family = AF_INET,
		},
		.uid = 33, .mark = 0x15, .accepted = 1, .dev = "eth0", .netns = 4,
	};
	struct toe_rule r = { .asks = 1u << TOE_DIM_CGROUP };

#define MATCHES(words) matches("prio 1 " words, &f, "/a/b")
	CHECK(MATCHES("never"));
	CHECK(MATCHES("in") && !MATCHES("out"));
	CHECK(MATCHES("local 192.0.2.1") && !MATCHES("local 192.0.2.0"));
	CHECK(MATCHES("local 192.0.2.0/31") && !MATCHES("local 192.0.2.2/31"));
	CHECK(MATCHES("local 0.0.0.0/0") && !MATCHES("local ::/0"));
	CHECK(MATCHES("local ::/0,192.0.2.0/24") && !MATCHES("remote 192.0.2.0/24"));
	CHECK(MATCHES("remote 198.51.100.0/24"));
	CHECK(MATCHES("lport 443") && MATCHES("lport 1-443") && MATCHES("lport 443-444"));
	CHECK(!MATCHES("lport 442") && !MATCHES("lport 444-65535"));
	CHECK(!MATCHES("lport 5000") && MATCHES("rport 1,5000"));
	CHECK(MATCHES("dev eth0") && !MATCHES("dev eth") && !MATCHES("dev eth01"));
	CHECK(MATCHES("uid 1,33") && !MATCHES("uid 3"));
	CHECK(MATCHES("mark 0x15") && MATCHES("mark 0x10/0xf0"));
	CHECK(!MATCHES("mark 0x10") && !MATCHES("mark 0x25/0x35"));
	CHECK(MATCHES("in lport 443 uid 33") && !MATCHES("in lport 443 uid 34"));

	/* paths that need not exist */
	strcpy(r.cgroup, "/a");
	CHECK(!toe_rule_mismatch(&r, &f, "/a") && !toe_rule_mismatch(&r, &f, "/a/b"));
	CHECK(toe_rule_mismatch(&r, &f, "/ab") && toe_rule_mismatch(&r, &f, "/"));
	CHECK(toe_rule_mismatch(&r, &f, NULL) == 1u << TOE_DIM_CGROUP);
	strcpy(r.cgroup, "/");
	CHECK(!toe_rule_mismatch(&r, &f, "/a") && !toe_rule_mismatch(&r, &f, NULL));
	r.asks = 1u << TOE_DIM_NETNS | 1u << TOE_DIM_DIR;
	r.netns_cookie = 5;
	CHECK(toe_rule_mismatch(&r, &f, "/") == r.asks);

	f.tuple.family = AF_INET6;
	f.tuple.local_addr[0] = htonl(0x20010db8);
	f.tuple.local_addr[3] = htonl(1);
	CHECK(MATCHES("local 2001:db8::1") && MATCHES("local 2001:db8::/127"));
	CHECK(!MATCHES("local 2001:db8::2/127") && !MATCHES("local 0.0.0.0/0"));
	CHECK(!MATCHES("local 2001:db9::/32") && MATCHES("local 2001:db8::/31"));
}

static void test_first_match(void)
{
	static const char text[] =
		"toe-policy 1\n"
		"prio 30 lport 443 threshold 1\n"
		"prio 10 lport 80 never\n"
		"prio 20 lport 80-500 threshold 2\n"
		"end 3\n";
	struct toe_policy_facts f = { .tuple.family = AF_INET };
	char why[TOE_WHY_LEN];
	struct toe_policy p;

	CHECK(!read_text(&p, text, sizeof(text) - 1, why));
	f.tuple.local_port = htons(443);
	CHECK(toe_policy_match(&p, &f, "/") == 1);
	f.tuple.local_port = htons(80);
	CHECK(toe_policy_match(&p, &f, "/") == 0);
	f.tuple.local_port = htons(501);
	CHECK(toe_policy_match(&p, &f, "/") == TOE_POLICY_NO_RULE);
	toe_policy_free(&p);
}

static void test_rates(void)
{
	static const struct {
		const char *word;
		int err;
		uint64_t val;
		const char *back;
	} cases[] = {
		{ "20mbit", 0, 2500000, "20mbit" },
		{ "20MBIT", 0, 2500000, "20mbit" },
		{ "8", 0, 1, "8bit" },
		{ "1bit", 0, 1, "8bit" },
		{ "9bit", 0, 2, "16bit" },
		{ "1gbit", 0, 125000000, "1gbit" },
		{ "1kibit", 0, 128, "1024bit" },
		{ "1mbps", 0, 1000000, "8mbit" },
		{ "1mibps", 0, 1 << 20, "8388608bit" },
		{ "18446744073709551615bps", 0, UINT64_MAX, "18446744073709551615bps" },
		{ "18446744073709551616bps", -ERANGE, 0, NULL },
		{ "99999999999tbit", -ERANGE, 0, NULL },
		{ "1.5mbit", -EINVAL, 0, NULL },
		{ "mbit", -EINVAL, 0, NULL },
		{ "1MiB", -EINVAL, 0, NULL },
		{ "-1bit", -EINVAL, 0, NULL },
	};
	char buf[TOE_UNIT_LEN];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t val = 0;

		CHECK_SAYS(toe_parse_rate(cases[i].word, &val) == cases[i].err,
			   cases[i].word);
		if (cases[i].err)
			continue;
		CHECK_SAYS(val == cases[i].val, cases[i].word);
		CHECK_SAYS(!strcmp(toe_write_rate(buf, sizeof(buf), val),
				   cases[i].back), buf);
	}
	CHECK(!strcmp(toe_write_bytes(buf, sizeof(buf), 1 << 20), "1MiB"));
	CHECK(!strcmp(toe_write_bytes(buf, sizeof(buf), 1500000), "1500kB"));
	CHECK(!strcmp(toe_write_bytes(buf, sizeof(buf), 1048577), "1048577B"));
	CHECK(!strcmp(toe_write_bytes(buf, sizeof(buf), 0), "0B"));
	CHECK(!strcmp(toe_write_ms(buf, sizeof(buf), 5000), "5s"));
	CHECK(!strcmp(toe_write_ms(buf, sizeof(buf), 1250), "1250ms"));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} tests[] = {
		{ "every word of a rule", test_rule },
		{ "what is not said", test_defaults },
		{ "wrong words are named", test_bad_rules },
		{ "what is written is read back, whatever the rule", test_round_trip },
		{ "the longest rule has room", test_longest },
		{ "a file, and no part of it", test_file },
		{ "wrong files", test_bad_files },
		{ "a file system that is full", test_full_disk },
		{ "the list keeps its order", test_list },
		{ "each condition", test_match },
		{ "the first match wins", test_first_match },
		{ "rates", test_rates },
	};
	const size_t n = sizeof(tests) / sizeof(tests[0]);
	int failed = 0;

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 0);
	printf("TAP version 13\n1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		failure = NULL;
		tests[i].fn();
		printf("%sok %zu %s", failure ? "not " : "", i + 1, tests[i].name);
		if (failure)
			printf(" # %s", failure);
		putchar('\n');
		failed |= !!failure;
	}
	return failed;
}
