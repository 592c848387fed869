/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How fast a flow is, from its byte counters at the times they were read, and
 * whether that is too slow. No clock and no kernel in here.
 *
 * 1. The clock of the dwell. It starts with a sample (@since_ns, @since_bytes).
 *    At each later one the average since then is
 *
 *	average = (bytes - since_bytes) / (now - since_ns)
 *
 *    When it reaches the minimum, the clock starts anew with this sample. When
 *    it has not for the whole dwell, the flow is too slow. So a flow is returned
 *    only if its average over the last dwell is below the minimum, as is every
 *    average from the beginning of that time on; and one that stays is, from one
 *    start of the clock to the next, as fast as the rule demands.
 *
 *    An exponentially weighted average was the other choice. It remembers what
 *    does not matter: a flow that stops at 1 GB/s, with a minimum of 1 MB/s,
 *    stays above it for seven time constants, so its return would depend on how
 *    fast it was. And a clock that asks each interval alone never returns a flow
 *    that moves a little in bursts, and returns one that moves much in bursts.
 *
 * 2. Hysteresis. A flow whose last interval is clearly above the minimum (by a
 *    quarter) is not returned now: it would be back at once. And a flow that was
 *    returned for its rate and came back must fall clearly below the minimum (by
 *    a quarter) to be returned again, until it has been clearly above for a
 *    dwell. Thus what sits at the limit bounces once and then stays.
 *
 * 3. The recent rate, by which flows are compared: over a window that is between
 *    RATE_WINDOW_NS and twice as long, from two marks of which the older one is
 *    given up in turn. A flow that stops is seen as idle after a time that does
 *    not depend on how fast it was.
 */
#ifndef TOED_RATE_H
#define TOED_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define RATE_WINDOW_NS	5000000000ULL

/* A counter at a time; @ns is 0: none */
struct rate_mark {
	uint64_t ns;
	uint64_t bytes;
};

/**
 * struct rate - a flow's
 * @last: the last sample
 * @step: the one before
 * @since: the clock of the dwell
 * @slow_ns: last time that an interval was not clearly above the minimum
 * @old: recent rate: where the window begins
 * @mid: where it will begin
 * @bounced: was returned for its rate, see 2.
 */
struct rate {
	struct rate_mark last;
	struct rate_mark step;
	struct rate_mark since;
	uint64_t slow_ns;
	struct rate_mark old;
	struct rate_mark mid;
	bool bounced;
};

/**
 * struct rate_rule - what is demanded
 * @min: bytes per second; 0: nothing
 * @dwell_ns: for how long it may be slower
 * @early_ns: by how much a dwell may be shorter: samples come at intervals that
 *	are not quite even, and a dwell of five of them is not to take six
 */
struct rate_rule {
	uint64_t min;
	uint64_t dwell_ns;
	uint64_t early_ns;
};

/**
 * rate_start() - all begins with this sample; but that it bounced is kept
 */
void rate_start(struct rate *r, uint64_t now_ns, uint64_t bytes);

/**
 * rate_sample() - the next sample
 * @r: the flow's
 * @now_ns: when it was taken, CLOCK_MONOTONIC
 * @bytes: the counter
 *
 * A counter that went back belongs to another connection or lost its source: all
 * begins anew. A sample of the same time as the last one or before is ignored.
 */
void rate_sample(struct rate *r, uint64_t now_ns, uint64_t bytes);

/**
 * rate_too_slow() - is the flow to be returned, as of the last sample?
 * @r: the flow's; its clock goes on
 * @rule: what is demanded
 *
 * To be called after each sample.
 */
bool rate_too_slow(struct rate *r, const struct rate_rule *rule);

/**
 * rate_recent() - bytes per second, lately
 * @r: the flow's
 * @rate: the result
 *
 * Return: false when it has not been watched for RATE_WINDOW_NS yet.
 */
bool rate_recent(const struct rate *r, uint64_t *rate);

#endif
