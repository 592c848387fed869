// SPDX-License-Identifier: GPL-2.0-only
/*
 * round.c and round_room.c with a module and a clock made of paper: which flows
 * are returned, in which round, by which request.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "../check.h"
#include "room.h"
#include "round.h"

#define MB	1000000ULL
#define FLOWS	64

/**
 * The module: what it would answer. A flow that is let go is on its way back, and in
 * HOST in the next round.
 * @rate: bytes per second by flow
 * @err: of the dump
 * @let_go_err: of a return
 */
static struct {
	uint64_t ns;
	struct toe_flow flow[FLOWS];
	uint64_t rate[FLOWS];
	unsigned int n;
	struct toe_engine engine[2];
	unsigned int engines;
	uint32_t max_flows;
	uint64_t refused;
	int err;
	int let_go_err;
	unsigned int let_go;
	unsigned int asked;
} paper;

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	(void)clock;
	ts->tv_sec = paper.ns / 1000000000;
	ts->tv_nsec = paper.ns % 1000000000;
	return 0;
}

int toe_nl_flow_each(struct toe_nl *nl, toe_flow_fn fn, void *data)
{
	int err;

	(void)nl;
	if (paper.err && paper.err != -EAGAIN)
		return paper.err;
	for (unsigned int i = 0; i < paper.n; i++) {
		err = fn(&paper.flow[i], data);
		if (err)
			return err;
	}
	return paper.err;
}

int toe_nl_flow_let_go(struct toe_nl *nl, uint32_t id, enum toe_reason reason)
{
	(void)nl;
	CHECK(id && reason == TOE_REASON_RATE);
	if (paper.let_go_err)
		return paper.let_go_err;
	for (unsigned int i = 0; i < paper.n; i++) {
		if (paper.flow[i].id != id)
			continue;
		CHECK(paper.flow[i].state == TOE_STATE_ENGINE);
		paper.flow[i].state = TOE_STATE_CLOSING;
		paper.flow[i].reason = TOE_REASON_RATE;
		paper.let_go++;
		return 0;
	}
	return -ENOENT;
}

int toe_nl_stats_get(struct toe_nl *nl, struct toe_stats *stats)
{
	(void)nl;
	memset(stats, 0, sizeof(*stats));
	stats->refused.n = __TOE_REASON_MAX;
	stats->refused.val[TOE_REASON_TABLE_FULL] = paper.refused;
	stats->flows.n = __TOE_STATE_MAX;
	for (unsigned int i = 0; i < paper.n; i++)
		stats->flows.val[paper.flow[i].state]++;
	return 0;
}

int toe_nl_settings_get(struct toe_nl *nl, struct toe_settings *settings)
{
	(void)nl;
	*settings = (struct toe_settings) {
		.has = 1u << TOE_A_SETTINGS_MAX_FLOWS, .max_flows = paper.max_flows,
	};
	return 0;
}

int toe_nl_engine_dump(struct toe_nl *nl, struct toe_engine **engines, size_t *n)
{
	(void)nl;
	paper.asked++;
	*engines = malloc(sizeof(paper.engine));
	memcpy(*engines, paper.engine, sizeof(paper.engine));
	*n = paper.engines;
	return 0;
}

static struct config config;
static struct round round_state;

static void begin(unsigned int n, uint32_t room)
{
	memset(&paper, 0, sizeof(paper));
	paper.ns = 1;
	paper.n = n;
	paper.max_flows = 4096;
	paper.engines = 1;
	paper.engine[0] = (struct toe_engine) {
		.name = "e0", .alive = 1, .flows = n, .max_flows = room,
	};
	for (unsigned int i = 0; i < n; i++) {
		paper.flow[i] = (struct toe_flow) {
			.has = ~0u, .id = i + 1, .state = TOE_STATE_ENGINE, .opens = 1,
			.engine = "e0", .tuple.family = AF_INET,
			.tuple.remote_port = htons(1000 + i),
		};
		paper.rate[i] = 10 * MB;
	}
	config = (struct config) {
		.interval_ms = 1000, .make_room = true, .idle_rate = 8000, .room_limit = 64,
		.log_level = LOG_LEVEL_ERR,
	};
	round_begin(&round_state);
}

static void come_home(struct toe_flow *flow)
{
	flow->state = TOE_STATE_HOST;
	flow->id = 0;
	for (unsigned int e = 0; e < paper.engines; e++)
		if (!strcmp(paper.engine[e].name, flow->engine))
			paper.engine[e].flows--;
}

/* A second passes, flows come home and move, a round is run. */
static int second(void)
{
	paper.ns += 1000000000;
	for (unsigned int i = 0; i < paper.n; i++)
		if (paper.flow[i].state == TOE_STATE_CLOSING &&
		    paper.flow[i].reason == TOE_REASON_RATE)
			come_home(&paper.flow[i]);
	for (unsigned int i = 0; i < paper.n; i++)
		paper.flow[i].tx_total += paper.rate[i];
	return round_run(&round_state, NULL, &config);
}

static void seconds(unsigned int n)
{
	while (n--)
		CHECK(!second());
}

static void end(void)
{
	round_free(&round_state);
}

static unsigned int on_engine(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < paper.n; i++)
		n += paper.flow[i].state == TOE_STATE_ENGINE;
	return n;
}

static bool is_there(unsigned int i)
{
	return paper.flow[i].state == TOE_STATE_ENGINE;
}

static void demand(unsigned int i, uint64_t min, uint32_t dwell_ms)
{
	paper.flow[i].min_rate = min;
	paper.flow[i].dwell_ms = dwell_ms;
}

/* Only who is too slow, and only flows on an engine */
static void test_rate(void)
{
	begin(8, 100);
	for (unsigned int i = 0; i < 8; i++)
		demand(i, MB, 3000);
	for (unsigned int i = 1; i < 8; i++)
		paper.rate[i] = i == 7 ? MB : 0;
	demand(2, 0, 0);
	paper.flow[3].state = TOE_STATE_HOST;
	paper.flow[4].state = TOE_STATE_OPENING;
	paper.flow[5].state = TOE_STATE_CLOSING;
	paper.flow[6].has = 1u << TOE_A_FLOW_TUPLE;
	seconds(3);
	CHECK(!paper.let_go);
	seconds(1);
	CHECK(paper.let_go == 1 && paper.flow[1].reason == TOE_REASON_RATE);
	seconds(20);
	CHECK(paper.let_go == 1 && paper.flow[1].state == TOE_STATE_HOST);
	/* It starts again, and is offloaded again. */
	paper.rate[1] = 5 * MB;
	paper.flow[1].state = TOE_STATE_ENGINE;
	paper.flow[1].id = 100;
	paper.flow[1].opens = 2;
	seconds(20);
	CHECK(paper.let_go == 1);
	paper.rate[1] = 0;
	seconds(4);
	CHECK(paper.let_go == 2);
	/* Back again, and a little below what is demanded: it bounced, it stays. */
	paper.rate[1] = MB * 9 / 10;
	paper.flow[1].state = TOE_STATE_ENGINE;
	paper.flow[1].id = 101;
	paper.flow[1].opens = 3;
	seconds(20);
	CHECK(paper.let_go == 2);
	CHECK(!paper.asked);
	end();
}

/* The whole interval stood still, say the machine was suspended: nobody is blamed. */
static void test_gap(void)
{
	begin(1, 100);
	demand(0, MB, 3000);
	seconds(10);
	paper.ns += 3600 * 1000000000ULL;
	seconds(3);
	CHECK(!paper.let_go);
	paper.rate[0] = 0;
	seconds(5);
	CHECK(paper.let_go == 1);
	end();
}

/* The table moved during each dump: rates go on, room is not made. */
static void test_changing(void)
{
	begin(4, 4);
	demand(0, MB, 3000);
	paper.rate[0] = 0;
	paper.rate[1] = 0;
	paper.err = -EAGAIN;
	for (unsigned int i = 0; i < 20; i++) {
		paper.refused += 1;
		seconds(1);
	}
	CHECK(paper.let_go == 1 && !is_there(0));
	CHECK(!paper.asked);
	end();
}

static void test_errors(void)
{
	begin(1, 100);
	demand(0, MB, 3000);
	paper.rate[0] = 0;
	paper.err = -ENOENT;
	CHECK(second() == -ENOENT);
	paper.err = 0;
	seconds(3);
	/* It came back by itself meanwhile: no error. */
	paper.let_go_err = -ENOENT;
	seconds(1);
	/* The module says no: the connection is suspect, and the flow due again. */
	begin(1, 100);
	demand(0, MB, 3000);
	paper.rate[0] = 0;
	seconds(3);
	paper.let_go_err = -EPERM;
	CHECK(second() == -EPERM);
	CHECK(second() == -EPERM);
	paper.let_go_err = 0;
	seconds(1);
	CHECK(paper.let_go == 1);
	end();
}

/* Nobody waits, or there is room: nobody goes, idle or not. */
static void test_no_pressure(void)
{
	begin(4, 4);
	paper.rate[0] = 0;
	seconds(60);
	CHECK(!paper.let_go && !paper.asked);
	paper.engine[0].max_flows = 5;
	for (unsigned int i = 0; i < 20; i++) {
		paper.refused++;
		seconds(1);
	}
	CHECK(!paper.let_go);
	end();
}

/* The places of those on their way back are taken as soon as they are home. */
static void fill(void)
{
	for (unsigned int i = 0; i < paper.n; i++)
		if (paper.flow[i].state == TOE_STATE_CLOSING)
			come_home(&paper.flow[i]);
	paper.engine[0].flows = paper.engine[0].max_flows;
}

/* Somebody waits whom the module does not know: an idle flow goes, one at first. */
static void test_unknown_waits(void)
{
	begin(8, 8);
	for (unsigned int i = 0; i < 6; i++)
		paper.rate[i] = i * 100;
	seconds(7);
	CHECK(!paper.let_go);
	paper.refused += 50;
	seconds(1);
	CHECK(paper.let_go == 1 && !is_there(0));
	/* The place is taken at once, and there are more: two, four, and no idle
	 * one is left.
	 */
	fill();
	paper.refused += 50;
	seconds(1);
	CHECK(paper.let_go == 3 && !is_there(2));
	fill();
	paper.refused += 50;
	seconds(1);
	CHECK(paper.let_go == 6 && on_engine() == 2);
	fill();
	paper.refused += 50;
	seconds(10);
	CHECK(paper.let_go == 6);
	end();
}

/* A flow that has just come is not weighed, nor one that moves. */
static void test_young_stays(void)
{
	begin(2, 2);
	paper.rate[0] = 0;
	for (unsigned int i = 0; i < 5; i++) {
		paper.refused++;
		seconds(1);
		CHECK(!paper.let_go);
	}
	paper.refused++;
	seconds(1);
	CHECK(paper.let_go == 1 && !is_there(0));
	end();
}

static void waits(unsigned int i, uint64_t rate)
{
	paper.flow[i].state = TOE_STATE_HOST;
	paper.flow[i].reason = TOE_REASON_TABLE_FULL;
	paper.flow[i].id = 0;
	paper.flow[i].engine[0] = 0;
	paper.engine[0].flows--;
	paper.rate[i] = rate;
}

/* The heavy one that waits is matched with the lightest, if it is twice as fast. */
static void test_known_waits(void)
{
	begin(8, 6);
	for (unsigned int i = 0; i < 6; i++)
		paper.rate[i] = (i + 1) * MB;
	waits(6, 5 * MB);
	waits(7, 3 * MB);
	seconds(5);
	CHECK(!paper.let_go);
	seconds(1);
	/* 5 against 1 is enough, 3 against 2 is not. */
	CHECK(paper.let_go == 1 && !is_there(0));
	end();
}

/* Those that wait but are left alone for long yet, or do not move: no place. */
static void test_not_soon(void)
{
	begin(4, 2);
	paper.rate[0] = 0;
	waits(2, 5 * MB);
	waits(3, 100);
	paper.flow[2].retry_ns = 30000000000;
	seconds(60);
	CHECK(!paper.let_go);
	paper.flow[2].retry_ns = 1000000000;
	seconds(1);
	CHECK(paper.let_go == 1);
	end();
}

/* One that is on its way back makes room, too: no second one goes. */
static void test_coming(void)
{
	begin(4, 3);
	paper.rate[0] = 0;
	paper.rate[1] = 0;
	waits(3, 5 * MB);
	paper.flow[0].state = TOE_STATE_CLOSING;
	seconds(20);
	CHECK(!paper.let_go);
	/* And so does one that is too slow in the same round. */
	paper.flow[0].state = TOE_STATE_ENGINE;
	paper.flow[0].min_rate = MB;
	paper.flow[0].dwell_ms = 7000;
	paper.flow[3].reason = TOE_REASON_NONE;
	seconds(7);
	CHECK(!paper.let_go);
	paper.flow[3].reason = TOE_REASON_TABLE_FULL;
	seconds(1);
	CHECK(paper.let_go == 1 && !is_there(0) && is_there(1));
	end();
}

/* A known one that is matched with nobody, and an unknown one: one idle flow goes. */
static void test_both_wait(void)
{
	struct room_flow light[] = { { 7500, NULL }, { 7000, NULL } };
	struct room_flow waiting[] = { { 9000, NULL } };
	struct room room = {
		.light = light, .n_light = 2, .waiting = waiting, .n_waiting = 1,
		.idle_rate = 8000, .limit = 64,
	};

	CHECK(room_choose(&room) == 0);
	room.unknown = 1;
	CHECK(room_choose(&room) == 1 && light[0].rate == 7000);
	room.coming = 1;
	CHECK(room_choose(&room) == 1);
	room.coming = 2;
	CHECK(room_choose(&room) == 0);
}

static void test_limit(void)
{
	begin(32, 16);
	config.room_limit = 3;
	for (unsigned int i = 0; i < 16; i++)
		paper.rate[i] = i;
	for (unsigned int i = 16; i < 32; i++)
		waits(i, 5 * MB);
	seconds(6);
	CHECK(paper.let_go == 3 && !is_there(2));
	end();
}

static void test_keep(void)
{
	begin(4, 3);
	config.make_room = false;
	paper.rate[0] = 0;
	waits(3, 5 * MB);
	seconds(60);
	CHECK(!paper.let_go);
	end();
}

/* The module's own limit, over all engines */
static void test_table_full(void)
{
	begin(4, 100);
	paper.rate[0] = 0;
	waits(3, 5 * MB);
	seconds(20);
	CHECK(!paper.let_go);
	paper.max_flows = 3;
	seconds(1);
	CHECK(paper.let_go == 1 && !is_there(0));
	end();
}

/* Two engines: flows of the one that has room stay. */
static void test_two_engines(void)
{
	begin(6, 3);
	paper.engines = 2;
	paper.engine[1] = (struct toe_engine) {
		.name = "e1", .alive = 1, .flows = 2, .max_flows = 3,
	};
	paper.engine[0].flows = 4;
	waits(5, 5 * MB);
	strcpy(paper.flow[0].engine, "e1");
	strcpy(paper.flow[1].engine, "e1");
	paper.rate[0] = 0;
	paper.rate[2] = 1000;
	seconds(6);
	CHECK(paper.let_go == 1 && !is_there(2));
	/* An engine that does not answer is not made room on. */
	fill();
	paper.engine[0].alive = 0;
	paper.rate[3] = 0;
	seconds(20);
	CHECK(paper.let_go == 1);
	end();
}

int main(void)
{
	static const struct test tests[] = {
		{ "flows that are too slow are let go, others not", test_rate },
		{ "after a time in which nobody ran, all begins anew", test_gap },
		{ "a table that moves while it is read", test_changing },
		{ "errors of the module", test_errors },
		{ "who is idle stays while nobody waits", test_no_pressure },
		{ "a full engine and somebody unknown who waits", test_unknown_waits },
		{ "a flow that has just come stays", test_young_stays },
		{ "a full engine and flows that wait", test_known_waits },
		{ "no place for who does not come soon", test_not_soon },
		{ "places that get free anyway", test_coming },
		{ "a flow that waits, and another one", test_both_wait },
		{ "a limit for each interval", test_limit },
		{ "engine-full keep", test_keep },
		{ "the module's table is full", test_table_full },
		{ "one full engine of two", test_two_engines },
	};

	log_set_level(LOG_LEVEL_ERR);
	return run_tests(tests, sizeof(tests) / sizeof(tests[0]));
}
