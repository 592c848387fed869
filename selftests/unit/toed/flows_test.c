// SPDX-License-Identifier: GPL-2.0-only
/*
 * flows.c: who is who from dump to dump, and what ten thousand of them cost.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "../check.h"
#include "flows.h"

#define S	1000000000ULL

static struct toe_flow make(uint32_t n)
{
	struct toe_flow flow = {
		.has = ~0u, .id = n + 1, .state = TOE_STATE_ENGINE, .opens = 1,
		.netns = 4026531833, .engine = "virtio0", .min_rate = 1000,
		.dwell_ms = 5000, .tx_total = 1 << 20,
	};

	flow.tuple.family = AF_INET;
	flow.tuple.local_addr[0] = htonl(0xc0000201);
	flow.tuple.remote_addr[0] = htonl(0x0a000000 + n / 60000);
	flow.tuple.local_port = htons(443);
	flow.tuple.remote_port = htons(1024 + n % 60000);
	return flow;
}

static void dump(struct flows *f, uint64_t ns, struct toe_flow *flows, unsigned int n)
{
	flows_begin(f, ns, false);
	for (unsigned int i = 0; i < n; i++)
		CHECK(flows_seen(f, &flows[i]));
	flows_end(f, true);
}

static bool count_one(struct flow *flow, void *data)
{
	(void)flow;
	++*(unsigned int *)data;
	return true;
}

static unsigned int in_dump(struct flows *f)
{
	unsigned int n = 0;

	flows_each(f, count_one, &n);
	return n;
}

static void test_twice(void)
{
	struct flows *f = flows_new();
	struct toe_flow a = make(0);
	struct flow *flow;

	flows_begin(f, S, false);
	flow = flows_seen(f, &a);
	CHECK(flow && flow->rate.last.bytes == 1 << 20);
	a.tx_total += 5;
	CHECK(!flows_seen(f, &a));
	CHECK(flow->rate.last.bytes == 1 << 20 && flows_count(f) == 1);
	flows_free(f);
}

static void test_missing(void)
{
	struct flows *f = flows_new();
	struct toe_flow two[] = { make(0), make(1) };
	struct flow *flow;

	dump(f, S, two, 2);
	/* Not seen twice: known, but not in what is looked at */
	dump(f, 2 * S, two, 1);
	dump(f, 3 * S, two, 1);
	CHECK(flows_count(f) == 2 && in_dump(f) == 1);
	flows_begin(f, 4 * S, false);
	flow = flows_seen(f, &two[1]);
	CHECK(flow && flow->rate.step.ns == S && flow->rate.last.ns == 4 * S);
	flows_end(f, true);
	/* The dump broke off: it says nothing of who was not in it. */
	for (unsigned int i = 0; i < 9; i++) {
		flows_begin(f, 5 * S, false);
		flows_end(f, false);
	}
	CHECK(flows_count(f) == 2);
	/* The first one has been missing once, the second one was seen since. */
	for (unsigned int i = 0; i < 3; i++) {
		dump(f, (10 + i) * S, two, 0);
		CHECK(flows_count(f) == 2 - i);
	}
	flows_free(f);
}

static void test_netns(void)
{
	struct flows *f = flows_new();
	struct toe_flow two[] = { make(0), make(0) };

	two[1].netns++;
	dump(f, S, two, 2);
	CHECK(flows_count(f) == 2);
	flows_free(f);
}

/* What begins the measuring anew, and what does not */
static void test_moves(void)
{
	struct flows *f = flows_new();
	struct toe_flow a = make(0);
	struct flow *flow;

#define NEXT(ns) do {							\
	flows_begin(f, (ns) * S, false);				\
	flow = flows_seen(f, &a);					\
	flows_end(f, true);						\
} while (0)
	a.state = TOE_STATE_HOST;
	a.id = 0;
	NEXT(1);
	NEXT(2);
	CHECK(flow->rate.old.ns == S);
	a.state = TOE_STATE_OPENING;
	NEXT(3);
	CHECK(flow->rate.old.ns == S);
	a.state = TOE_STATE_ENGINE;
	a.id = 5;
	NEXT(4);
	CHECK(flow->rate.old.ns == 4 * S && flow->rate.since.ns == 4 * S);
	flow->rate.bounced = true;
	NEXT(5);
	CHECK(flow->rate.old.ns == 4 * S);
	/* it was away between two dumps */
	a.id = 6;
	a.opens = 2;
	NEXT(6);
	CHECK(flow->rate.old.ns == 6 * S && flow->rate.bounced);
	/* another connection of the same name */
	a.opens = 1;
	NEXT(7);
	CHECK(flow->rate.old.ns == 7 * S && !flow->rate.bounced);
	flows_begin(f, 8 * S, true);
	flow = flows_seen(f, &a);
	CHECK(flow->rate.old.ns == 8 * S);
	flows_free(f);
}

static void test_many(void)
{
	const unsigned int n = 200000;
	struct flows *f = flows_new();
	struct toe_flow a;
	struct flow *flow;

	for (unsigned int round = 1; round <= 2; round++) {
		flows_begin(f, round * S, false);
		for (unsigned int i = 0; i < n; i++) {
			a = make(i);
			flow = flows_seen(f, &a);
			CHECK(flow && (round == 1 || flow->rate.step.ns == S));
		}
		flows_end(f, true);
		CHECK(flows_count(f) == n && in_dump(f) == n);
	}
	for (unsigned int i = 0; i < 20; i++) {
		flows_begin(f, (3 + i) * S, false);
		flows_end(f, true);
	}
	CHECK(!flows_count(f));
	a = make(7);
	dump(f, 99 * S, &a, 1);
	CHECK(flows_count(f) == 1);
	flows_free(f);
}

/* The module's message of a flow, as it is in a dump */
static void put_message(char *buf, const struct toe_flow *flow)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nlattr *nest;

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	nest = mnl_attr_nest_start(nlh, TOE_A_FLOW);
	mnl_attr_put_u32(nlh, TOE_A_FLOW_ID, flow->id);
	mnl_attr_put(nlh, TOE_A_FLOW_TUPLE, sizeof(flow->tuple), &flow->tuple);
	mnl_attr_put_u8(nlh, TOE_A_FLOW_STATE, flow->state);
	mnl_attr_put_u8(nlh, TOE_A_FLOW_REASON, flow->reason);
	mnl_attr_put_strz(nlh, TOE_A_FLOW_ENGINE, flow->engine);
	mnl_attr_put_u64(nlh, TOE_A_FLOW_TX_ENGINE, flow->tx_engine);
	mnl_attr_put_u64(nlh, TOE_A_FLOW_RX_ENGINE, flow->rx_engine);
	mnl_attr_put_u64(nlh, TOE_A_FLOW_TX_TOTAL, flow->tx_total);
	mnl_attr_put_u64(nlh, TOE_A_FLOW_RX_TOTAL, flow->rx_total);
	mnl_attr_put_u32(nlh, TOE_A_FLOW_SRTT, 1);
	mnl_attr_put_u32(nlh, TOE_A_FLOW_OPENS, flow->opens);
	mnl_attr_put_u64(nlh, TOE_A_FLOW_OPEN_NS, 1);
	mnl_attr_put_u64(nlh, TOE_A_FLOW_CLOSE_NS, 1);
	mnl_attr_put_u64(nlh, TOE_A_FLOW_AGE_NS, 1);
	mnl_attr_put_u64(nlh, TOE_A_FLOW_NETNS, flow->netns);
	mnl_attr_put_u32(nlh, TOE_A_FLOW_RULE, 100);
	mnl_attr_put_u64(nlh, TOE_A_FLOW_THRESHOLD, 1 << 20);
	mnl_attr_put_u64(nlh, TOE_A_FLOW_MIN_RATE, flow->min_rate);
	mnl_attr_put_u32(nlh, TOE_A_FLOW_DWELL_MS, flow->dwell_ms);
	mnl_attr_put_u32(nlh, TOE_A_FLOW_FAILS, 0);
	mnl_attr_put_u64(nlh, TOE_A_FLOW_RETRY_NS, 0);
	mnl_attr_nest_end(nlh, nest);
}

#define COST_FLOWS	10000
#define COST_ROUNDS	20
#define MESSAGE_LEN	512

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * S + ts.tv_nsec;
}

static void test_cost(void)
{
	char *messages = calloc(COST_FLOWS, MESSAGE_LEN);
	struct flows *f = flows_new();
	struct toe_flow seen;
	uint64_t start = 0;
	struct flow *flow;
	unsigned int slow = 0;

	for (unsigned int i = 0; i < COST_FLOWS; i++) {
		seen = make(i);
		/* every other one idle */
		seen.tx_total = 0;
		seen.min_rate = i % 2 ? 1000 : 0;
		put_message(messages + i * MESSAGE_LEN, &seen);
	}
	for (unsigned int round = 0; round <= COST_ROUNDS; round++) {
		if (round == 1)		/* the first one fills the table */
			start = cpu_ns();
		flows_begin(f, (round + 1) * S, false);
		for (unsigned int i = 0; i < COST_FLOWS; i++) {
			struct rate_rule rule;

			if (toe_decode_flow((void *)(messages + i * MESSAGE_LEN), &seen))
				break;
			flow = flows_seen(f, &seen);
			if (!flow)
				break;
			rule = (struct rate_rule) {
				flow->min_rate, flow->dwell_ms * 1000000ULL, S / 8
			};
			slow += rate_too_slow(&flow->rate, &rule);
		}
		flows_end(f, true);
	}
	start = (cpu_ns() - start) / COST_ROUNDS;
	printf("# %d flows: %llu us a dump to decode, find and judge, %zu bytes each to remember\n",
	       COST_FLOWS, (unsigned long long)start / 1000, sizeof(struct flow));
	CHECK(flows_count(f) == COST_FLOWS);
	CHECK(slow == COST_FLOWS / 2 * (COST_ROUNDS - 4));
	/* a tenth of the processor at an interval of a second: far off */
	CHECK_LE(start, S / 10);
	flows_free(f);
	free(messages);
}

int main(void)
{
	static const struct test tests[] = {
		{ "a flow that stands twice in a dump counts once", test_twice },
		{ "a flow that slips through a dump is remembered", test_missing },
		{ "the same name in two network namespaces", test_netns },
		{ "a move begins the measuring anew", test_moves },
		{ "the table grows and shrinks", test_many },
		{ "what ten thousand flows cost", test_cost },
	};

	return run_tests(tests, sizeof(tests) / sizeof(tests[0]));
}
