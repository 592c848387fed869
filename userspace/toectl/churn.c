// SPDX-License-Identifier: GPL-2.0-only
/*
 * toectl flow churn: hands flows over in both directions, at random, again and again.
 * For tests: whatever an application or the peer can tell of a hand-over shows.
 *
 * Each flow is handed over as if by a coin that is thrown for each millisecond, or
 * for each byte that it moves: nothing need be remembered of a flow, and the next
 * time cannot be known from the last one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "await.h"
#include "clock.h"
#include "options.h"
#include "selection.h"
#include "toectl.h"
#include "units.h"

#define EVERY_MS	5
#define LOOK_MS		1	/* pause between two looks at the flows */

/**
 * struct churn - the command
 * @ctl: the invocation
 * @nl: the connection to the module
 * @s: which flows
 * @l: what was seen of them
 * @every_ms: time between two hand-overs of a flow, on the average; 0: @every_bytes
 * @every_bytes: bytes that it moves between them, likewise
 * @for_ms: end after so long; 0: when told
 * @seed: of the coins
 * @random: their state
 * @offloads: so many flows went to an engine
 * @returns: came back
 * @refused: could not be moved then
 */
struct churn {
	const struct ctl *ctl;
	struct toe_nl *nl;
	struct selection s;
	struct looks l;
	uint32_t every_ms;
	uint64_t every_bytes;
	uint32_t for_ms;
	uint32_t seed;
	uint64_t random;
	uint64_t offloads;
	uint64_t returns;
	uint64_t refused;
};

/* Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014 */
static uint64_t next_random(struct churn *c)
{
	uint64_t z = c->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static bool is_due(struct churn *c, const struct toe_view *v)
{
	double chance, ms = c->l.ns / 1e6;

	if (c->every_ms)
		chance = ms / c->every_ms;
	else
		chance = toe_view_rate(v) * ms / 1e3 / c->every_bytes;
	return next_random(c) / 18446744073709551616.0 < chance;
}

/* Waits for an offload, which may be refused, and not for a return. A flow that has
 * gone meanwhile is none.
 */
static int hand_over(struct churn *c, const struct toe_flow *flow)
{
	bool back = flow->state == TOE_STATE_ENGINE;
	int err;

	if (back)
		err = toe_nl_flow_let_go(c->nl, flow->id, TOE_REASON_ADMIN);
	else if (flow->state == TOE_STATE_HOST)
		err = toe_nl_flow_offload(c->nl, &flow->tuple);
	else
		return 0;
	switch (err) {
	case 0:
		c->offloads += !back;
		c->returns += back;
		return 0;
	case -ENOENT:
	case -EEXIST:
		return 0;
	case -ENODEV:
	case -EBUSY:
	case -EAGAIN:
	case -ENOSPC:
	case -ENOTCONN:
	case -EOPNOTSUPP:
	case -ETIMEDOUT:
		c->refused++;
		return 0;
	}
	return err;
}

static int churn(struct churn *c)
{
	uint64_t end = toe_now_ms() + c->for_ms;
	enum await what;
	int err;

	do {
		if (look(c->ctl, c->nl, &c->s, &c->l))
			return EXIT_FAIL;
		for (size_t i = 0; i < c->l.n; i++) {
			if (!c->l.ns || !is_due(c, &c->l.views[i]))
				continue;
			err = hand_over(c, &c->l.views[i].flow);
			if (err)
				return fail_nl(c->ctl, c->nl, err);
		}
		what = await(c->ctl, -1, LOOK_MS, NULL);
	} while (what == AWAIT_TIME && (!c->for_ms || toe_now_ms() < end));
	return what == AWAIT_ERROR ? EXIT_FAIL : EXIT_OK;
}

static int summary(struct ctl *ctl, const struct churn *c)
{
	struct toe_out *out = &ctl->out;

	toe_out_open(out, NULL, '{');
	toe_out_u64(out, "offloads", "%" PRIu64 " offloads", c->offloads);
	toe_out_u64(out, "returns", ", %" PRIu64 " returns", c->returns);
	toe_out_u64(out, "refused", ", %" PRIu64 " refused", c->refused);
	toe_out_u64(out, "seed", " (seed %" PRIu64 ")\n", c->seed);
	toe_out_close(out, '}');
	return finish(ctl);
}

static int read_every(const struct ctl *ctl, const char *word, void *data)
{
	struct churn *c = data;

	if (!toe_parse_ms(word, &c->every_ms) && c->every_ms)
		return EXIT_OK;
	c->every_ms = 0;
	if (!toe_parse_bytes(word, &c->every_bytes) && c->every_bytes)
		return EXIT_OK;
	return bad_word(ctl, word, "a time or a number of bytes");
}

static int read_for(const struct ctl *ctl, const char *word, void *data)
{
	struct churn *c = data;

	if (!toe_parse_ms(word, &c->for_ms) && c->for_ms)
		return EXIT_OK;
	return bad_word(ctl, word, "a time");
}

static int read_seed(const struct ctl *ctl, const char *word, void *data)
{
	struct churn *c = data;

	if (!toe_parse_u32(word, &c->seed))
		return EXIT_OK;
	return bad_word(ctl, word, "a number");
}

static const struct option_word words[] = {
	{ "every",	"the time or the bytes between hand-overs",	read_every, NULL, NULL },
	{ "for",	"the time",					read_for, NULL, NULL },
	{ "seed",	"the number",					read_seed, NULL, NULL },
	{ NULL, NULL, NULL, NULL, NULL }
};

int flow_churn(struct ctl *ctl, int argc, char **argv)
{
	struct churn c = { .ctl = ctl, .every_ms = EVERY_MS, .seed = time(NULL) };
	int ret;

	ret = parse_options(ctl, argc, argv, words, &c.s.filter, &c);
	if (ret)
		return ret;
	if (c.s.filter.asks & 1u << TOE_FILTER_RATE)
		return bad_word(ctl, "rate", "what churn can choose flows by");
	c.random = c.seed;
	c.nl = connect_selected(ctl, &c.s.filter);
	if (!c.nl)
		return EXIT_FAIL;
	ret = await_begin(ctl, NULL);
	if (!ret) {
		progress_begin("handing flows over");
		ret = churn(&c);
		progress_end();
	}
	if (!ret)
		ret = summary(ctl, &c);
	looks_free(&c.l);
	toe_nl_close(c.nl);
	return ret;
}
