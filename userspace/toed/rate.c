// SPDX-License-Identifier: GPL-2.0-only
#include "clock.h"
#include "rate.h"


/* Products of bytes and nanoseconds do not fit in 64 bits. */
typedef unsigned __int128 u128;

/* Quarters of the minimum: what is clearly above, clearly below, and exact */
enum { BELOW = 3, EXACT = 4, ABOVE = 5 };

/* Has the counter moved at least so many quarters of @min from one to the other? */
static bool reaches(const struct rate_mark *from, const struct rate_mark *to,
		    uint64_t min, unsigned int quarters)
{
	return (u128)(to->bytes - from->bytes) * NS_PER_S * EXACT >=
	       (u128)min * (to->ns - from->ns) * quarters;
}

void rate_start(struct rate *r, uint64_t now_ns, uint64_t bytes)
{
	const struct rate_mark now = { now_ns, bytes };

	r->last = now;
	r->step = now;
	r->since = now;
	r->slow_ns = now_ns;
	r->old = now;
	r->mid = now;
}

void rate_sample(struct rate *r, uint64_t now_ns, uint64_t bytes)
{
	if (!r->last.ns || bytes < r->last.bytes) {
		rate_start(r, now_ns, bytes);
		return;
	}
	if (now_ns <= r->last.ns)
		return;
	r->step = r->last;
	r->last.ns = now_ns;
	r->last.bytes = bytes;
	if (now_ns - r->mid.ns >= RATE_WINDOW_NS) {
		r->old = r->mid;
		r->mid = r->last;
	}
}

bool rate_too_slow(struct rate *r, const struct rate_rule *rule)
{
	bool clearly;

	if (!rule->min || r->last.ns <= r->since.ns)
		return false;
	clearly = reaches(&r->step, &r->last, rule->min, ABOVE);
	if (!clearly)
		r->slow_ns = r->last.ns;
	else if (r->last.ns - r->slow_ns >= rule->dwell_ns)
		r->bounced = false;

	if (reaches(&r->since, &r->last, rule->min, r->bounced ? BELOW : EXACT)) {
		r->since = r->last;
		return false;
	}
	return !clearly && r->last.ns - r->since.ns + rule->early_ns >= rule->dwell_ns;
}

bool rate_recent(const struct rate *r, uint64_t *rate)
{
	uint64_t ns = r->last.ns - r->old.ns;

	if (ns < RATE_WINDOW_NS)
		return false;
	*rate = (u128)(r->last.bytes - r->old.bytes) * NS_PER_S / ns;
	return true;
}
