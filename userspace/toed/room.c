// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "room.h"

static int lighter(const void *a, const void *b)
{
	const struct room_flow *x = a, *y = b;

	return x->rate < y->rate ? -1 : x->rate > y->rate;
}

static int heavier(const void *a, const void *b)
{
	return lighter(b, a);
}

size_t room_choose(struct room *r)
{
	size_t next = r->coming;	/* the first who gets no place by itself */
	size_t go = 0;

	if (r->n_light)
		qsort(r->light, r->n_light, sizeof(*r->light), lighter);
	if (r->n_waiting)
		qsort(r->waiting, r->n_waiting, sizeof(*r->waiting), heavier);
	for (; next < r->n_waiting && go < r->limit && go < r->n_light; next++, go++)
		if (r->light[go].rate >= r->waiting[next].rate / 2)
			break;
	if (next < r->n_waiting)
		next = r->n_waiting;
	for (; next < r->n_waiting + r->unknown && go < r->limit && go < r->n_light;
	     next++, go++)
		if (r->light[go].rate >= r->idle_rate)
			break;
	return go;
}
