// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "flows.h"

#define BUCKETS_MIN	64
#define MISSES_MAX	3

/**
 * struct flows - see flows.h
 * @bucket: lists of flows
 * @buckets: their number, a power of two
 * @n: flows
 * @seed: of the hash: peers choose their ports, and are not to choose buckets
 * @round: number of the dump
 * @now_ns: its time
 * @anew: see flows_begin()
 */
struct flows {
	struct flow **bucket;
	size_t buckets;
	size_t n;
	uint64_t seed;
	uint64_t round;
	uint64_t now_ns;
	bool anew;
};

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 29;
}

static uint64_t hash_of(const struct flows *f, const struct toe_flow *seen)
{
	uint64_t word[sizeof(seen->tuple) / sizeof(uint64_t)];
	uint64_t h = mix(f->seed, seen->netns);

	_Static_assert(sizeof(word) == sizeof(seen->tuple), "no part is left out");
	memcpy(word, &seen->tuple, sizeof(word));
	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++)
		h = mix(h, word[i]);
	return mix(h, f->seed);
}

struct flows *flows_new(void)
{
	struct flows *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->bucket = calloc(BUCKETS_MIN, sizeof(*f->bucket));
	if (!f->bucket) {
		free(f);
		return NULL;
	}
	f->buckets = BUCKETS_MIN;
	/* Early in the boot there may be none: then it is no secret, and works. */
	if (getrandom(&f->seed, sizeof(f->seed), GRND_NONBLOCK) < 0)
		f->seed = (uintptr_t)f;
	return f;
}

void flows_free(struct flows *f)
{
	struct flow *flow;

	if (!f)
		return;
	for (size_t i = 0; i < f->buckets; i++) {
		while ((flow = f->bucket[i])) {
			f->bucket[i] = flow->next;
			free(flow);
		}
	}
	free(f->bucket);
	free(f);
}

/* Without memory the table stays as it is: slower, and right. */
static void resize(struct flows *f, size_t buckets)
{
	struct flow **bucket = calloc(buckets, sizeof(*bucket));
	struct flow *flow, **to;

	if (!bucket)
		return;
	for (size_t i = 0; i < f->buckets; i++) {
		while ((flow = f->bucket[i])) {
			f->bucket[i] = flow->next;
			to = &bucket[flow->hash & (buckets - 1)];
			flow->next = *to;
			*to = flow;
		}
	}
	free(f->bucket);
	f->bucket = bucket;
	f->buckets = buckets;
}

void flows_begin(struct flows *f, uint64_t now_ns, bool anew)
{
	f->round++;
	f->now_ns = now_ns;
	f->anew = anew;
}

static struct flow *find(const struct flows *f, uint64_t hash,
			 const struct toe_flow *seen)
{
	struct flow *flow = f->bucket[hash & (f->buckets - 1)];

	for (; flow; flow = flow->next)
		if (flow->hash == hash && flow->netns == seen->netns &&
		    !memcmp(&flow->tuple, &seen->tuple, sizeof(flow->tuple)))
			break;
	return flow;
}

static struct flow *add(struct flows *f, uint64_t hash, const struct toe_flow *seen)
{
	struct flow *flow = calloc(1, sizeof(*flow));
	struct flow **to;

	if (!flow)
		return NULL;
	if (++f->n > f->buckets)
		resize(f, 2 * f->buckets);
	to = &f->bucket[hash & (f->buckets - 1)];
	flow->next = *to;
	*to = flow;
	flow->hash = hash;
	flow->tuple = seen->tuple;
	flow->netns = seen->netns;
	return flow;
}

/* Does what was measured say nothing about what is to come? */
static bool begins_anew(const struct flows *f, const struct flow *flow,
			const struct toe_flow *seen)
{
	bool was = flow->state == TOE_STATE_ENGINE;
	bool is = seen->state == TOE_STATE_ENGINE;

	return f->anew || was != is || (is && flow->id != seen->id);
}

struct flow *flows_seen(struct flows *f, const struct toe_flow *seen)
{
	uint64_t hash = hash_of(f, seen);
	uint64_t bytes = seen->tx_total + seen->rx_total;
	struct flow *flow = find(f, hash, seen);

	if (flow && flow->round == f->round)
		return NULL;
	if (!flow)
		flow = add(f, hash, seen);
	if (!flow)
		return NULL;
	/* The module counts from the beginning for a new connection of that name. */
	if (seen->opens < flow->opens)
		memset(&flow->rate, 0, sizeof(flow->rate));
	if (begins_anew(f, flow, seen))
		rate_start(&flow->rate, f->now_ns, bytes);
	else
		rate_sample(&flow->rate, f->now_ns, bytes);
	flow->id = seen->id;
	flow->opens = seen->opens;
	flow->state = seen->state;
	flow->reason = seen->reason;
	memcpy(flow->engine, seen->engine, sizeof(flow->engine));
	flow->min_rate = seen->min_rate;
	flow->dwell_ms = seen->dwell_ms;
	flow->retry_ns = seen->retry_ns;
	flow->round = f->round;
	flow->missed = 0;
	return flow;
}

void flows_end(struct flows *f, bool whole)
{
	struct flow *flow, **at;

	if (!whole)
		return;
	for (size_t i = 0; i < f->buckets; i++) {
		at = &f->bucket[i];
		while ((flow = *at)) {
			if (flow->round != f->round && ++flow->missed == MISSES_MAX) {
				*at = flow->next;
				free(flow);
				f->n--;
			} else {
				at = &flow->next;
			}
		}
	}
	if (f->buckets > BUCKETS_MIN && f->n < f->buckets / 8)
		resize(f, f->buckets / 2);
}

void flows_each(struct flows *f, flows_fn fn, void *data)
{
	for (size_t i = 0; i < f->buckets; i++)
		for (struct flow *flow = f->bucket[i]; flow; flow = flow->next)
			if (flow->round == f->round && !fn(flow, data))
				return;
}

size_t flows_count(const struct flows *f)
{
	return f->n;
}
