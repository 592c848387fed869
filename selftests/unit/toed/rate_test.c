// SPDX-License-Identifier: GPL-2.0-only
/*
 * rate.c: flows of every kind, at intervals and dwells of every kind. Times are
 * milliseconds here, from 1 on; a flow is a function of time.
 */
#include <stdlib.h>

#include "../check.h"
#include "rate.h"

#define MS	1000000ULL
#define MB	1000000ULL
#define NEVER	UINT64_MAX

/* Bytes that a flow has moved by a time */
typedef uint64_t (*flow_fn)(uint64_t ms);

struct world {
	uint64_t interval;
	uint64_t dwell;
	uint64_t min;		/* bytes per second */
	uint64_t first;		/* time of the first sample */
	uint64_t jitter;	/* samples are up to so much late */
};

static struct rate_rule rule_of(const struct world *w)
{
	return (struct rate_rule) {
		w->min, w->dwell * MS, w->interval * MS / 8,
	};
}

/* When is the flow returned? */
static uint64_t returned_at(const struct world *w, flow_fn moved, uint64_t end,
			    struct rate *r)
{
	const struct rate_rule rule = rule_of(w);
	uint64_t now;

	for (uint64_t t = w->first; t < end; t += w->interval) {
		now = t + (w->jitter ? rand() % (w->jitter + 1) : 0);
		rate_sample(r, now * MS, moved(now));
		if (rate_too_slow(r, &rule))
			return now;
	}
	return NEVER;
}

static uint64_t returned(const struct world *w, flow_fn moved, uint64_t end)
{
	struct rate r = { 0 };

	return returned_at(w, moved, end, &r);
}

/* Where the flows of these tests change: */
static uint64_t turn;

static uint64_t before_turn(uint64_t t, uint64_t rate)
{
	return (t < turn ? t : turn) * rate / 1000;
}

static uint64_t after_turn(uint64_t t, uint64_t rate)
{
	return t > turn ? (t - turn) * rate / 1000 : 0;
}

static uint64_t nothing(uint64_t t)
{
	return 0 * t;
}

static uint64_t slow(uint64_t t)
{
	return t * (MB / 2) / 1000;
}

static uint64_t just_above(uint64_t t)
{
	return t * (MB + MB / 50) / 1000;
}

static uint64_t fast_then_idle(uint64_t t)
{
	return before_turn(t, 1000 * MB);
}

static uint64_t fast_then_slow(uint64_t t)
{
	return before_turn(t, 1000 * MB) + after_turn(t, MB * 9 / 10);
}

static uint64_t above_then_below(uint64_t t)
{
	return before_turn(t, MB * 12 / 10) + after_turn(t, MB * 95 / 100);
}

static uint64_t pause_then_fast(uint64_t t)
{
	return before_turn(t, 2 * MB) + (t > turn + 3000 ?
		(t - turn - 3000) * (2 * MB) / 1000 : 0);
}

/* 6 MB each 4 s, at once: 1.5 MB/s */
static uint64_t bursts_heavy(uint64_t t)
{
	return (t / 4000 + 1) * 6 * MB;
}

/* 2 MB each 4 s, at once: 0.5 MB/s, and each burst is above the minimum */
static uint64_t bursts_light(uint64_t t)
{
	return (t / 4000 + 1) * 2 * MB;
}

static const struct world usual = { 1000, 5000, MB, 1, 0 };

static void test_slow(void)
{
	CHECK(returned(&usual, slow, 100000) == 5001);
	CHECK(returned(&usual, nothing, 100000) == 5001);
}

static void test_above(void)
{
	CHECK(returned(&usual, just_above, 10000000) == NEVER);
}

/* The bar: from below the minimum to returned, at most a dwell and two intervals,
 * whatever the flow did before and wherever in the interval it turned.
 */
static void test_bar(void)
{
	static const flow_fn flows[] = { fast_then_idle, fast_then_slow, above_then_below };
	static const uint64_t intervals[] = { 100, 300, 1000, 7000 };
	static const uint64_t dwells[] = { 0, 100, 950, 1000, 1001, 5000, 5500, 60000 };
	int64_t late, worst = 0;
	uint64_t at;

	for (unsigned int f = 0; f < 3; f++)
		for (unsigned int i = 0; i < 4; i++)
			for (unsigned int d = 0; d < 8; d++)
				for (unsigned int n = 0; n < 40; n++) {
					struct world w = { intervals[i], dwells[d], MB,
							   1 + rand() % 500, 0 };

					turn = 20000 + rand() % 30000;
					at = returned(&w, flows[f], 10000000);
					CHECK(at != NEVER && at > turn);
					CHECK_LE(at - turn, w.dwell + 2 * w.interval);
					/* nor before the dwell, but for the interval
					 * in which it turned
					 */
					CHECK_LE(w.dwell, at - turn + w.interval * 9 / 8);
					late = (int64_t)(at - turn - w.dwell) * 100 /
					       (int64_t)w.interval;
					worst = late > worst ? late : worst;
				}
	printf("# slowest return: the dwell and %d.%02d intervals\n",
	       (int)worst / 100, (int)worst % 100);
}

/* Samples are late now and then, and differently each time. */
static void test_bar_jitter(void)
{
	struct world w = usual;

	w.jitter = 100;
	for (unsigned int n = 0; n < 500; n++) {
		turn = 20000 + rand() % 3000;
		CHECK_LE(returned(&w, fast_then_idle, 1000000) - turn,
			 w.dwell + 2 * w.interval + w.jitter);
	}
	/* A dwell of five intervals takes five, not six. */
	for (unsigned int n = 0; n < 100; n++)
		CHECK_LE(returned(&w, nothing, 1000000), 1 + w.jitter + w.dwell + w.jitter);
}

static void test_bursts(void)
{
	struct world w = usual;

	/* With an interval of a second three of four see nothing at all. */
	CHECK(returned(&w, bursts_heavy, 1000000) == NEVER);
	CHECK_LE(returned(&w, bursts_light, 1000000), 12000);
	w.interval = 100;
	CHECK(returned(&w, bursts_heavy, 1000000) == NEVER);
	CHECK_LE(returned(&w, bursts_light, 1000000), 12000);
	/* A gap longer than the dwell is one. */
	w.dwell = 3000;
	CHECK_LE(returned(&w, bursts_heavy, 1000000), 5000);
}

/* It paused for less than the dwell and is faster than demanded again. */
static void test_recovering(void)
{
	turn = 10500;
	CHECK(returned(&usual, pause_then_fast, 1000000) == NEVER);
}

static uint64_t noisy_bytes, noisy_at, noisy_rate;

/* Around noisy_rate, a tenth up or down in each step */
static uint64_t noisy(uint64_t t)
{
	uint64_t tenth = noisy_rate / 10;

	noisy_bytes += (t - noisy_at) * (noisy_rate - tenth + rand() % (2 * tenth)) / 1000;
	noisy_at = t;
	return noisy_bytes;
}

/* At the limit, a flow that comes back whenever it was returned does so once. */
static void test_hysteresis(void)
{
	struct world w = usual;
	struct rate r;
	unsigned int bounces, total = 0;
	uint64_t at;

	for (unsigned int n = 0; n < 50; n++) {
		r = (struct rate) { 0 };
		noisy_bytes = noisy_at = bounces = 0;
		noisy_rate = MB * (90 + n / 2) / 100;
		w.first = 1;
		while ((at = returned_at(&w, noisy, 3600000, &r)) != NEVER) {
			bounces++;
			r.bounced = true;
			w.first = at + 2000;
			rate_start(&r, w.first * MS, noisy(w.first));
			w.first += w.interval;
		}
		CHECK_LE(bounces, 1);
		total += bounces;
	}
	CHECK(total > 20);
	printf("# 50 flows at the limit for an hour: %u bounces\n", total);
}

/* But one that bounced goes when it stops, and when it was fast meanwhile it is
 * judged as at first.
 */
static void test_bounced(void)
{
	struct rate r = { .bounced = true };

	CHECK(returned_at(&usual, nothing, 1000000, &r) == 5001);
	r = (struct rate) { .bounced = true };
	turn = 4000;
	CHECK(returned_at(&usual, above_then_below, 1000000, &r) == NEVER);
	CHECK(r.bounced);
	r = (struct rate) { .bounced = true };
	turn = 20000;
	CHECK_LE(returned_at(&usual, fast_then_slow, 1000000, &r), 27000);
	CHECK(!r.bounced);
}

static void test_counter_back(void)
{
	const struct rate_rule rule = rule_of(&usual);
	struct rate r = { 0 };
	uint64_t rate;

	for (uint64_t t = 1; t <= 5; t++) {
		rate_sample(&r, t * 1000 * MS, 1000 * MB + t);
		CHECK(!rate_too_slow(&r, &rule));
	}
	/* Another connection, say: its dwell begins here. */
	for (uint64_t t = 6; t <= 10; t++) {
		rate_sample(&r, t * 1000 * MS, 7);
		CHECK(!rate_too_slow(&r, &rule));
		CHECK(!rate_recent(&r, &rate));
	}
	rate_sample(&r, 11 * 1000 * MS, 7);
	CHECK(rate_too_slow(&r, &rule));
	CHECK(rate_recent(&r, &rate) && !rate);
}

static void test_clock(void)
{
	const struct rate_rule rule = rule_of(&usual);
	struct rate r = { 0 };

	/* Standing still or going back: nothing is said, nothing divided by zero. */
	for (int i = 0; i < 100; i++) {
		rate_sample(&r, (100 - i / 2) * 1000 * MS, 0);
		CHECK(!rate_too_slow(&r, &rule));
		CHECK(r.last.ns == 100 * 1000 * MS);
	}
	/* A jump is a long interval: its average counts. */
	rate_sample(&r, 1000 * 1000 * MS, 899 * MB);
	CHECK(rate_too_slow(&r, &rule));
	rate_start(&r, 1000 * 1000 * MS, 899 * MB);
	rate_sample(&r, 2000 * 1000 * MS, 2000 * MB);
	CHECK(!rate_too_slow(&r, &rule));
	/* Begun anew, as after a time in which nobody ran: the dwell is a whole one. */
	rate_start(&r, 9000 * 1000 * MS, 2000 * MB);
	CHECK(!rate_too_slow(&r, &rule));
	rate_sample(&r, 9004 * 1000 * MS, 2000 * MB);
	CHECK(!rate_too_slow(&r, &rule));
}

static void test_extremes(void)
{
	struct rate_rule rule = { UINT64_MAX, 0, 0 };
	struct rate r = { 0 };
	uint64_t rate;

	rate_sample(&r, 1, 0);
	CHECK(!rate_too_slow(&r, &rule));
	rate_sample(&r, UINT64_MAX, UINT64_MAX);
	CHECK(rate_too_slow(&r, &rule));
	CHECK(rate_recent(&r, &rate) && rate == 1000000000);
	rule.min = 1000000000;
	CHECK(!rate_too_slow(&r, &rule));
	rule.dwell_ns = UINT32_MAX * MS;
	r = (struct rate) { 0 };
	rate_sample(&r, 1, 0);
	rate_sample(&r, UINT32_MAX * MS, 0);
	CHECK(!rate_too_slow(&r, &rule));
	rate_sample(&r, UINT32_MAX * MS + 1, 0);
	CHECK(rate_too_slow(&r, &rule));
	/* No minimum: never */
	rule = (struct rate_rule) { 0 };
	CHECK(!rate_too_slow(&r, &rule));
}

static void test_recent(void)
{
	struct rate r = { 0 };
	uint64_t rate = 7;

	for (uint64_t t = 1; t <= 5; t++) {
		rate_sample(&r, t * 1000 * MS, t * MB);
		CHECK(!rate_recent(&r, &rate) && rate == 7);
	}
	for (uint64_t t = 6; t <= 30; t++) {
		rate_sample(&r, t * 1000 * MS, t * MB);
		CHECK(rate_recent(&r, &rate) && rate == MB);
	}
	/* Stopped: idle when twice the window is over, however fast it was. */
	for (uint64_t t = 31; t <= 40; t++)
		rate_sample(&r, t * 1000 * MS, 30 * MB);
	CHECK(rate_recent(&r, &rate) && !rate);
}

#define HISTORY 4000

/* Any flow at all. (a) Returned only if its average over the last dwell is below
 * the minimum. (b) Kept only if no stretch of a dwell and two intervals was below
 * it in each single interval.
 */
static void test_any(void)
{
	static uint64_t at[HISTORY], bytes[HISTORY];

	for (unsigned int run = 0; run < 300; run++) {
		struct world w = { 100 + rand() % 2000, rand() % 10000, MB, 1, 0 };
		const struct rate_rule rule = rule_of(&w);
		unsigned int i, low = 0, from;
		struct rate r = { 0 };

		w.jitter = w.interval / 10;
		for (i = 0; i < HISTORY; i++) {
			uint64_t ms = w.interval - w.jitter / 2 + rand() % (w.jitter + 1);
			/* mostly around the minimum, sometimes none, sometimes much */
			uint64_t part = rand() % 8 == 0 ? 0 : rand() % 20 == 0 ? 1000 :
					50 + rand() % 110;

			at[i] = i ? at[i - 1] + ms : 1;
			bytes[i] = i ? bytes[i - 1] + ms * MB / 1000 * part / 100 : 0;
			low = i && part >= 100 ? i : low;
			rate_sample(&r, at[i] * MS, bytes[i]);
			if (rate_too_slow(&r, &rule))
				break;
			CHECK_LE(at[i] - at[low], w.dwell + 2 * (w.interval + w.jitter));
		}
		if (i == HISTORY)
			continue;
		/* a window at least as long as the dwell and below the minimum */
		for (from = i; from > 0; from--)
			if (at[i] - at[from] + w.interval / 8 >= w.dwell && from < i &&
			    (bytes[i] - bytes[from]) * 1000 < (at[i] - at[from]) * MB)
				break;
		CHECK(at[i] - at[from] + w.interval / 8 >= w.dwell);
		CHECK((bytes[i] - bytes[from]) * 1000 < (at[i] - at[from]) * MB);
	}
}

int main(void)
{
	static const struct test tests[] = {
		{ "slow and idle flows are returned after the dwell", test_slow },
		{ "a flow above the minimum stays", test_above },
		{ "returned within the dwell and two intervals", test_bar },
		{ "the same with samples that are late", test_bar_jitter },
		{ "bursts count by their average", test_bursts },
		{ "a flow that recovers stays", test_recovering },
		{ "a flow at the limit bounces once", test_hysteresis },
		{ "a flow that bounced is judged again", test_bounced },
		{ "a counter that goes back", test_counter_back },
		{ "a clock that stands, goes back, jumps", test_clock },
		{ "the largest numbers", test_extremes },
		{ "the recent rate", test_recent },
		{ "any flow: returned only if, kept only if", test_any },
	};

	srand(1);	/* the same each time */
	return run_tests(tests, sizeof(tests) / sizeof(tests[0]));
}
