// SPDX-License-Identifier: GPL-2.0-only
/*
 * The question of room.h, put together from what the module says.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "room.h"
#include "round.h"


/* A growing array of flows in the scales. What finds no memory is not weighed. */
struct scales {
	struct room_flow *flow;
	size_t n;
	size_t room;
};

static void put(struct scales *s, struct flow *flow, uint64_t rate)
{
	size_t room = s->room ? 2 * s->room : 64;
	struct room_flow *more;

	if (s->n == s->room) {
		more = reallocarray(s->flow, room, sizeof(*more));
		if (!more)
			return;
		s->flow = more;
		s->room = room;
	}
	s->flow[s->n++] = (struct room_flow) { rate, flow };
}

/**
 * struct full - what is full, and the flows that it is about
 * @engines: all engines
 * @n: their number
 * @table: the module takes no more flows at all
 * @any: something is full
 * @light: flows on what is full
 * @waiting: flows that wait
 * @coming: flows that are on their way back from what is full
 */
struct full {
	struct toe_engine *engines;
	size_t n;
	bool table;
	bool any;
	struct scales light;
	struct scales waiting;
	size_t coming;
	const struct config *config;
};

static bool engine_is_full(const struct toe_engine *e)
{
	return e->alive && e->flows >= e->max_flows;
}

static bool is_on_full(const struct full *full, const struct flow *flow)
{
	if (full->table)
		return true;
	for (size_t i = 0; i < full->n; i++)
		if (!strncmp(full->engines[i].name, flow->engine, sizeof(flow->engine)))
			return engine_is_full(&full->engines[i]);
	return false;
}

/* A flow counts that moves, and that the module is about to try again: a place
 * kept free for one that is still left alone serves nobody.
 */
static bool add_waiting(struct flow *flow, void *data)
{
	struct full *full = data;
	uint64_t soon = 2 * (uint64_t)full->config->interval_ms * NS_PER_MS;
	uint64_t rate;

	if (flow->state == TOE_STATE_HOST && flow->reason == TOE_REASON_TABLE_FULL &&
	    flow->retry_ns <= soon && rate_recent(&flow->rate, &rate) &&
	    rate >= full->config->idle_rate)
		put(&full->waiting, flow, rate);
	return true;
}

static bool add_light(struct flow *flow, void *data)
{
	struct full *full = data;
	uint64_t rate;

	if (flow->state == TOE_STATE_CLOSING && is_on_full(full, flow))
		full->coming++;
	if (flow->state == TOE_STATE_ENGINE && is_on_full(full, flow) &&
	    rate_recent(&flow->rate, &rate))
		put(&full->light, flow, rate);
	return true;
}

static uint64_t counter(const struct toe_counters *c, unsigned int i)
{
	return i < c->n ? c->val[i] : 0;
}

/* How many more refusals for want of room than in the last round? */
static uint64_t refusals(struct round *r, const struct toe_stats *stats)
{
	uint64_t now = counter(&stats->refused, TOE_REASON_TABLE_FULL);
	uint64_t grown = r->refused_known && now > r->refused ? now - r->refused : 0;

	r->refused = now;
	r->refused_known = true;
	return grown;
}

static int find_full(struct full *full, struct toe_nl *nl, const struct toe_stats *stats)
{
	uint64_t used = counter(&stats->flows, TOE_STATE_OPENING) +
			counter(&stats->flows, TOE_STATE_ENGINE) +
			counter(&stats->flows, TOE_STATE_CLOSING);
	struct toe_settings settings;
	int err;

	err = toe_nl_settings_get(nl, &settings);
	if (err)
		return err;
	full->table = toe_has(settings.has, TOE_A_SETTINGS_MAX_FLOWS) &&
		      used >= settings.max_flows;
	err = toe_nl_engine_dump(nl, &full->engines, &full->n);
	/* -EAGAIN: an engine came or went. What was heard last will do. */
	if (err && err != -EAGAIN)
		return err;
	full->any = full->table;
	for (size_t i = 0; i < full->n; i++)
		full->any = full->any || engine_is_full(&full->engines[i]);
	return 0;
}

/* One connection is refused many times while it moves, so the counter says that
 * somebody waits, not how many. One place is made, then two, then four, while it
 * grows and all is full again.
 */
static size_t guess(struct round *r, uint64_t grown, size_t known)
{
	if (grown <= known) {
		r->guess = 0;
		return 0;
	}
	r->guess = r->guess ? 2 * r->guess : 1;
	if (r->guess > grown - known)
		r->guess = grown - known;
	return r->guess;
}

static int make_room(struct round *r, struct full *full, struct toe_nl *nl,
		     uint64_t grown)
{
	struct room room = {
		.idle_rate = full->config->idle_rate,
		.limit = full->config->room_limit,
	};
	size_t go;
	int err;

	flows_each(r->flows, add_light, full);
	room.light = full->light.flow;
	room.n_light = full->light.n;
	room.waiting = full->waiting.flow;
	room.n_waiting = full->waiting.n;
	room.unknown = guess(r, grown, full->waiting.n);
	room.coming = full->coming;
	go = room_choose(&room);
	for (size_t i = 0; i < go; i++) {
		err = round_let_go(nl, room.light[i].flow, "makes room on a full engine");
		if (err)
			return err;
	}
	return 0;
}

int round_make_room(struct round *r, struct toe_nl *nl, const struct config *c)
{
	struct full full = { .config = c };
	struct toe_stats stats;
	uint64_t grown;
	int err;

	err = toe_nl_stats_get(nl, &stats);
	if (err)
		return err;
	grown = refusals(r, &stats);
	flows_each(r->flows, add_waiting, &full);
	if (grown || full.waiting.n)
		err = find_full(&full, nl, &stats);
	if (!err && full.any)
		err = make_room(r, &full, nl, grown);
	else if (!grown)
		r->guess = 0;
	free(full.engines);
	free(full.light.flow);
	free(full.waiting.flow);
	return err;
}
