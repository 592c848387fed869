// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "netns.h"
#include "options.h"
#include "selection.h"
#include "units.h"

#define INTERVAL_MIN_MS	50
#define INTERVAL_MAX_MS	3600000

static int read_sort(const struct ctl *ctl, const char *word, void *data)
{
	struct selection *s = data;

	s->order.key = toe_sort_find(word);
	return s->order.key ? EXIT_OK : bad_word(ctl, word, "a key to sort by");
}

static int read_limit(const struct ctl *ctl, const char *word, void *data)
{
	struct selection *s = data;

	if (toe_parse_u32(word, &s->limit) || !s->limit)
		return bad_word(ctl, word, "a number of flows (1 or more)");
	return EXIT_OK;
}

static int read_interval(const struct ctl *ctl, const char *word, void *data)
{
	struct selection *s = data;

	if (toe_parse_ms(word, &s->interval_ms) || s->interval_ms < INTERVAL_MIN_MS ||
	    s->interval_ms > INTERVAL_MAX_MS)
		return bad_word(ctl, word, "a time from 50ms to 3600s");
	return EXIT_OK;
}

static void read_reverse(void *data)
{
	struct selection *s = data;

	s->order.reverse = true;
}

static const struct option_word words[] = {
	{ "sort",	"the key to sort by",		read_sort, "reverse", read_reverse },
	{ "limit",	"the number of flows",		read_limit, NULL, NULL },
	{ "interval",	"the time of the interval",	read_interval, NULL, NULL },
	{ NULL, NULL, NULL, NULL, NULL }
};

int parse_selection(const struct ctl *ctl, int argc, char **argv, struct selection *s)
{
	return parse_options(ctl, argc, argv, words, &s->filter, s);
}

struct toe_nl *connect_selected(const struct ctl *ctl, const struct toe_filter *filter)
{
	if (*filter->netns && netns_enter(ctl, filter->netns))
		return NULL;
	return connect_module(ctl);
}

/* A growing array */
struct gathered {
	struct toe_view *views;
	size_t n;
	size_t room;
};

static int gather(const struct toe_flow *flow, void *data)
{
	struct gathered *g = data;
	size_t room = g->room ? 2 * g->room : 64;
	struct toe_view *views;

	if (g->n == g->room) {
		views = reallocarray(g->views, room, sizeof(*views));
		if (!views)
			return -ENOMEM;
		g->views = views;
		g->room = room;
	}
	g->views[g->n++] = (struct toe_view) { .flow = *flow };
	return 0;
}

int arrange(const struct selection *s, struct looks *l)
{
	bool by_rate = s->filter.asks & 1u << TOE_FILTER_RATE;
	struct toe_view *views = malloc((l->n_base + 1) * sizeof(*views));
	size_t n = 0;

	if (!views)
		return -ENOMEM;
	for (size_t i = 0; i < l->n_base; i++) {
		const struct toe_view *v = &l->base[i];

		if (toe_filter_match(&s->filter, &v->flow) &&
		    (!by_rate || (v->rated && toe_view_rate(v) > s->filter.rate)))
			views[n++] = *v;
	}
	toe_views_sort(views, n, &s->order);
	free(l->views);
	l->views = views;
	l->met = n;
	l->n = s->limit && n > s->limit ? s->limit : n;
	return 0;
}

static int gather_steady(struct toe_nl *nl, struct gathered *g)
{
	struct toe_flow *flows;
	int err, no_room = 0;
	size_t n;

	err = toe_nl_flow_dump(nl, &flows, &n);
	for (size_t i = 0; !no_room && i < n; i++)
		no_room = gather(&flows[i], g);
	free(flows);
	return no_room ? no_room : err;
}

int look(const struct ctl *ctl, struct toe_nl *nl, const struct selection *s,
	 struct looks *l)
{
	uint64_t at = toe_now_ns();
	struct gathered g = { 0 };
	int err;

	err = s->steady ? gather_steady(nl, &g) : toe_nl_flow_each(nl, gather, &g);
	if (err && err != -EAGAIN) {
		free(g.views);
		/* Its family is gone. */
		if (err == -ENOENT)
			return fail(ctl, "module toe was unloaded");
		return fail_nl(ctl, nl, err);
	}
	if (err && s->steady)
		warn_unsteady(ctl);
	l->ns = l->at_ns ? at - l->at_ns : 0;
	l->n_base = toe_views_rate(g.views, g.n, l->base, l->ns ? l->n_base : 0, l->ns);
	free(l->base);
	l->base = g.views;
	l->at_ns = at;
	err = arrange(s, l);
	return err ? fail(ctl, "%s", strerror(-err)) : EXIT_OK;
}

void looks_free(struct looks *l)
{
	free(l->views);
	free(l->base);
	memset(l, 0, sizeof(*l));
}
