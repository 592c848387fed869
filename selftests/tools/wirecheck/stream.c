// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bytes of one direction. Where frames were cut short by the capture there
 * are gaps: pieces are kept in the order of the stream, none touches another's
 * bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "wirecheck.h"

struct piece {
	uint64_t at;
	uint32_t len;
	uint8_t *data;
};

struct stream {
	struct piece *pieces;
	size_t num, room;
};

struct stream *stream_new(void)
{
	return calloc(1, sizeof(struct stream));
}

void stream_free(struct stream *st)
{
	if (!st)
		return;
	for (size_t i = 0; i < st->num; i++)
		free(st->pieces[i].data);
	free(st->pieces);
	free(st);
}

/* The first piece that ends behind a place */
static size_t stream_find(const struct stream *st, uint64_t at)
{
	size_t low = 0, high = st->num;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (st->pieces[mid].at + st->pieces[mid].len > at)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static void stream_insert(struct stream *st, size_t where, uint64_t at,
			  const uint8_t *data, uint32_t len)
{
	struct piece *p;

	if (st->num == st->room) {
		st->room = st->room ? 2 * st->room : 64;
		st->pieces = realloc(st->pieces, st->room * sizeof(*p));
		if (!st->pieces)
			abort();
	}
	p = &st->pieces[where];
	memmove(p + 1, p, (st->num - where) * sizeof(*p));
	st->num++;
	*p = (struct piece){ at, len, malloc(len) };
	if (!p->data)
		abort();
	memcpy(p->data, data, len);
}

bool stream_put(struct stream *st, uint64_t at, const uint8_t *data, uint32_t len)
{
	bool same = true;

	while (len) {
		size_t i = stream_find(st, at);
		const struct piece *p = i < st->num ? &st->pieces[i] : NULL;
		uint32_t n = len;

		if (p && p->at <= at) {
			/* was there before */
			if (n > p->at + p->len - at)
				n = (uint32_t)(p->at + p->len - at);
			same &= !memcmp(p->data + (at - p->at), data, n);
		} else {
			if (p && n > p->at - at)
				n = (uint32_t)(p->at - at);
			stream_insert(st, i, at, data, n);
		}
		at += n;
		data += n;
		len -= n;
	}
	return same;
}
