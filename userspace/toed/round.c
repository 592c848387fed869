// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "round.h"
#include "tuple.h"

void round_free(struct round *r)
{
	flows_free(r->flows);
	free(r->due);
	memset(r, 0, sizeof(*r));
}

int round_begin(struct round *r)
{
	round_free(r);
	r->flows = flows_new();
	return r->flows ? 0 : -ENOMEM;
}

/* Without memory it is due again in the next round. */
static void add_due(struct round *r, struct flow *flow)
{
	size_t room = r->due_room ? 2 * r->due_room : 64;
	struct flow **due;

	if (r->n_due == r->due_room) {
		due = reallocarray(r->due, room, sizeof(*due));
		if (!due)
			return;
		r->due = due;
		r->due_room = room;
	}
	r->due[r->n_due++] = flow;
}

struct look {
	struct round *round;
	const struct config *config;
};

static int look_at(const struct toe_flow *seen, void *data)
{
	const struct look *look = data;
	struct rate_rule rule;
	struct flow *flow;

	if (!toe_has(seen->has, TOE_A_FLOW_TUPLE) || !toe_has(seen->has, TOE_A_FLOW_STATE))
		return 0;
	flow = flows_seen(look->round->flows, seen);
	if (!flow || flow->state != TOE_STATE_ENGINE)
		return 0;
	rule.min = flow->min_rate;
	rule.dwell_ns = flow->dwell_ms * NS_PER_MS;
	rule.early_ns = look->config->interval_ms * NS_PER_MS / 8;
	if (rate_too_slow(&flow->rate, &rule))
		add_due(look->round, flow);
	return 0;
}

int round_let_go(struct toe_nl *nl, struct flow *flow, const char *why)
{
	char local[TOE_ENDPOINT_LEN], remote[TOE_ENDPOINT_LEN];
	uint64_t rate = 0;
	int err;

	err = toe_nl_flow_let_go(nl, flow->id, TOE_REASON_RATE);
	if (log_wants(LOG_LEVEL_DEBUG)) {
		rate_recent(&flow->rate, &rate);
		log_debug("%s %s: %s, recently %" PRIu64 " bytes/s%s%s",
			  toe_tuple_local(&flow->tuple, local, sizeof(local)),
			  toe_tuple_remote(&flow->tuple, remote, sizeof(remote)),
			  why, rate, err ? ": " : "", err ? strerror(-err) : "");
	}
	if (err && err != -ENOENT)
		return err;
	/* Until the next dump says so itself */
	flow->state = TOE_STATE_CLOSING;
	return 0;
}

/* Was nobody running for so long that the counters' standing still says nothing
 * about the flows? The time that the last round took is not in it.
 */
static bool is_gap(const struct round *r, uint64_t now, const struct config *c)
{
	uint64_t limit = 3 * (uint64_t)c->interval_ms * NS_PER_MS + NS_PER_S;

	return r->end_ns && now - r->end_ns > limit;
}

static int return_due(struct round *r, struct toe_nl *nl)
{
	int err;

	for (size_t i = 0; i < r->n_due; i++) {
		err = round_let_go(nl, r->due[i], "below its minimum rate");
		if (err)
			return err;
		r->due[i]->rate.bounced = true;
	}
	return 0;
}

int round_run(struct round *r, struct toe_nl *nl, const struct config *c)
{
	struct look look = { .round = r, .config = c };
	uint64_t now = toe_now_ns();
	bool gap = is_gap(r, now, c);
	bool whole;
	int err;

	if (gap)
		log_info("nothing ran for %" PRIu64 " ms: the rates are measured anew",
			 (uint64_t)((now - r->end_ns) / NS_PER_MS));
	r->n_due = 0;
	flows_begin(r->flows, now, gap);
	err = toe_nl_flow_each(nl, look_at, &look);
	if (err && err != -EAGAIN)
		return err;
	/* The table moved meanwhile: what came is true, each for itself, but who is
	 * the lightest of all cannot be said.
	 */
	whole = !err;
	flows_end(r->flows, whole);
	err = return_due(r, nl);
	if (!err && whole && c->make_room)
		err = round_make_room(r, nl, c);
	r->end_ns = toe_now_ns();
	return err;
}
