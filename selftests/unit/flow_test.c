// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flows chosen, rated and put in order. What the words may be is tested with the
 * command, selftests/unit/toectl_test.sh.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"
#include "flow_filter.h"
#include "flow_view.h"

#define WORDS(...) ((char *[]) { __VA_ARGS__ })
#define N(array) (sizeof(array) / sizeof((array)[0]))

/* A flow to 192.0.2.@host:@port */
static struct toe_flow flow(unsigned int host, unsigned int port, uint8_t state)
{
	struct toe_flow f = {
		.tuple = {
			.local_addr = { htonl(0x0a000001) },
			.remote_addr = { htonl(0xc0000200 | host) },
			.local_port = htons(443),
			.remote_port = htons(port),
			.family = AF_INET,
		},
		.state = state,
		.rule = 10 * host,
		.reason = TOE_REASON_THRESHOLD,
	};

	if (state == TOE_STATE_ENGINE)
		strcpy(f.engine, "toe0");
	return f;
}

/* Does the flow meet the words? */
static bool meets(const struct toe_flow *f, int argc, char **argv)
{
	struct toe_filter filter = { 0 };
	char why[TOE_WHY_LEN];
	int n;

	while ((n = toe_filter_read(&filter, argc, argv, why)) > 0) {
		argc -= n;
		argv += n;
	}
	CHECK(!n && !argc);
	return toe_filter_match(&filter, f);
}

#define MEETS(f, ...) meets(f, N(WORDS(__VA_ARGS__)), WORDS(__VA_ARGS__))

static void test_match(void)
{
	struct toe_flow f = flow(7, 5000, TOE_STATE_ENGINE);
	struct toe_flow odd = flow(7, 5000, __TOE_STATE_MAX + 40);

	CHECK(meets(&f, 0, NULL));
	CHECK(MEETS(&f, "state", "host,engine") && !MEETS(&f, "state", "host,closing"));
	CHECK(MEETS(&f, "remote", "192.0.2.7") && !MEETS(&f, "remote", "192.0.2.8"));
	CHECK(MEETS(&f, "remote", "2001:db8::/32,192.0.2.0/29"));
	CHECK(!MEETS(&f, "local", "::/0") && MEETS(&f, "local", "0.0.0.0/0"));
	CHECK(MEETS(&f, "lport", "443") && !MEETS(&f, "lport", "444-65535,1-442"));
	CHECK(MEETS(&f, "rport", "80,4999-5001") && !MEETS(&f, "rport", "443"));
	CHECK(MEETS(&f, "engine", "toe0") && MEETS(&f, "engine", "any"));
	CHECK(!MEETS(&f, "engine", "toe") && !MEETS(&f, "engine", "toe00"));
	CHECK(MEETS(&f, "rule", "none,70") && !MEETS(&f, "rule", "none,71"));
	CHECK(MEETS(&f, "reason", "rate,threshold") && !MEETS(&f, "reason", "rate"));
	CHECK(MEETS(&f, "state", "engine", "rport", "5000", "engine", "toe0"));
	CHECK(!MEETS(&f, "state", "engine", "rport", "5001", "engine", "toe0"));
	/* A state of a newer module */
	CHECK(!MEETS(&odd, "state", "host,opening,engine,closing"));
	CHECK(!MEETS(&odd, "engine", "any") && MEETS(&odd, "rport", "5000"));
}

static void test_only(void)
{
	struct toe_filter f = { 0 };
	char why[TOE_WHY_LEN];

	CHECK(toe_filter_only(&f, 0));
	CHECK(toe_filter_read(&f, 2, WORDS("netns", "blue"), why) == 2);
	CHECK(toe_filter_only(&f, 0) && !strcmp(f.netns, "blue"));
	CHECK(toe_filter_read(&f, 2, WORDS("engine", "toe1"), why) == 2);
	CHECK(!toe_filter_only(&f, 1u << TOE_FILTER_RULE));
	CHECK(toe_filter_only(&f, 1u << TOE_FILTER_ENGINE));
	CHECK(toe_filter_engine(&f, "toe1") && !toe_filter_engine(&f, "toe0"));
	CHECK(toe_filter_read(&f, 3, WORDS("rate", "above", "8kbit"), why) == 3);
	CHECK(f.rate == 1000);
	CHECK(toe_filter_read(&f, 1, WORDS("sort"), why) == 0);
	CHECK(toe_filter_read(&f, 0, NULL, why) == 0);
}

static struct toe_view view(unsigned int host, uint64_t tx, uint64_t rx)
{
	struct toe_view v = { .flow = flow(host, 5000, TOE_STATE_ENGINE) };

	v.flow.tx_total = tx;
	v.flow.rx_total = rx;
	v.flow.opens = 1;
	return v;
}

static void test_rates(void)
{
	struct toe_view then[] = { view(3, 1000, 0), view(1, 500, 500), view(4, 9000, 0),
				   view(3, 1000, 0), view(9, 1, 1) };
	struct toe_view now[] = { view(4, 10, 0), view(2, 77, 0), view(1, 1500, 500),
				  view(3, 1000, 4000), view(2, 77, 0) };
	size_t n;

	/* The first look: sorted, once each, and no rates */
	n = toe_views_rate(then, N(then), NULL, 0, 0);
	CHECK(n == 4 && !then[0].rated);
	CHECK(then[0].flow.rule == 10 && then[1].flow.rule == 30 && then[3].flow.rule == 90);
	n = toe_views_rate(now, N(now), then, n, 500000000);
	CHECK(n == 4);
	CHECK(now[0].rated && now[0].tx_rate == 2000 && now[0].rx_rate == 0);
	CHECK(!now[1].rated && !toe_view_rate(&now[1]));	/* new */
	CHECK(now[2].rated && now[2].tx_rate == 0 && now[2].rx_rate == 8000);
	CHECK(!now[3].rated);		/* its counters went back: another connection */
	CHECK(!toe_views_rate(NULL, 0, then, 4, 1));
}

static bool in_order(struct toe_view *v, size_t n, enum toe_sort key, bool reverse,
		     const unsigned int *rules)
{
	struct toe_order order = { key, reverse };

	toe_views_sort(v, n, &order);
	for (size_t i = 0; i < n; i++)
		if (v[i].flow.rule != rules[i])
			return false;
	return true;
}

#define ORDER(key, reverse, ...) \
	CHECK(in_order(v, N(v), key, reverse, (const unsigned int[]) { __VA_ARGS__ }))

static void test_order(void)
{
	struct toe_view v[] = { view(2, 5, 50), view(1, 6, 10), view(3, 7, 50) };

	v[0].tx_rate = 1;
	v[1].rx_rate = 9;
	v[2].tx_rate = 4;
	v[2].flow.state = TOE_STATE_HOST;
	v[2].flow.engine[0] = 0;
	ORDER(TOE_SORT_RATE, false, 10, 30, 20);
	ORDER(TOE_SORT_RATE, true, 20, 30, 10);
	ORDER(TOE_SORT_TX_RATE, false, 30, 20, 10);
	ORDER(TOE_SORT_RX_RATE, false, 10, 20, 30);	/* alike: by name */
	ORDER(TOE_SORT_TX, false, 30, 10, 20);
	ORDER(TOE_SORT_RX, false, 20, 30, 10);
	ORDER(TOE_SORT_BYTES, false, 30, 20, 10);
	ORDER(TOE_SORT_REMOTE, false, 10, 20, 30);
	ORDER(TOE_SORT_REMOTE, true, 30, 20, 10);
	ORDER(TOE_SORT_STATE, false, 30, 10, 20);
	ORDER(TOE_SORT_ENGINE, true, 10, 20, 30);
	ORDER(TOE_SORT_RULE, false, 10, 20, 30);
	ORDER(TOE_SORT_NONE, false, 10, 20, 30);	/* as they were */
	for (int key = TOE_SORT_NONE + 1; key < __TOE_SORT_MAX; key++)
		CHECK(toe_sort_find(toe_sort_name(key)) == (enum toe_sort)key);
	CHECK(toe_sort_find("size") == TOE_SORT_NONE);
}

int main(void)
{
	static const struct test tests[] = {
		{ "what a flow has to meet", test_match },
		{ "what a filter asks about", test_only },
		{ "two looks make rates", test_rates },
		{ "orders", test_order },
	};

	return run_tests(tests, N(tests));
}
