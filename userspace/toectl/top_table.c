// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "names.h"
#include "top_table.h"
#include "tuple.h"
#include "units.h"

#define CELL_LEN	64

/* A cell's text is in @buf, or is something that lasts. */
typedef const char *(*cell_fn)(const struct toe_view *v, char *buf);

static const char *number(char *buf, uint64_t val)
{
	snprintf(buf, CELL_LEN, "%llu", (unsigned long long)val);
	return buf;
}

static const char *cell_local(const struct toe_view *v, char *buf)
{
	return toe_tuple_local(&v->flow.tuple, buf, CELL_LEN);
}

static const char *cell_remote(const struct toe_view *v, char *buf)
{
	return toe_tuple_remote(&v->flow.tuple, buf, CELL_LEN);
}

static const char *cell_tx(const struct toe_view *v, char *buf)
{
	return v->rated ? toe_format_rate(buf, CELL_LEN, v->tx_rate) : "-";
}

static const char *cell_rx(const struct toe_view *v, char *buf)
{
	return v->rated ? toe_format_rate(buf, CELL_LEN, v->rx_rate) : "-";
}

static const char *cell_state(const struct toe_view *v, char *buf)
{
	const char *name = toe_state_name(v->flow.state);

	return name ? name : number(buf, v->flow.state);
}

static const char *cell_engine(const struct toe_view *v, char *buf)
{
	(void)buf;
	return *v->flow.engine ? v->flow.engine : "-";
}

static const char *cell_rule(const struct toe_view *v, char *buf)
{
	return v->flow.rule ? number(buf, v->flow.rule) : "-";
}

static const char *cell_rtt(const struct toe_view *v, char *buf)
{
	return v->flow.srtt_us ? toe_format_ns(buf, CELL_LEN, v->flow.srtt_us * 1000ULL) :
				 "-";
}

static const char *cell_age(const struct toe_view *v, char *buf)
{
	return toe_format_ns(buf, CELL_LEN, v->flow.age_ns);
}

static const char *cell_reason(const struct toe_view *v, char *buf)
{
	const char *name = toe_reason_name(v->flow.reason);

	return name ? name : number(buf, v->flow.reason);
}

/* From left to right; @rank: the more important, the smaller */
static const struct column {
	const char *title;
	bool right;
	unsigned int rank;
	cell_fn cell;
} columns[] = {
	{ "LOCAL",  false, 6, cell_local },
	{ "REMOTE", false, 0, cell_remote },
	{ "TX",	    true,  1, cell_tx },
	{ "RX",	    true,  2, cell_rx },
	{ "STATE",  false, 3, cell_state },
	{ "ENGINE", false, 4, cell_engine },
	{ "RULE",   true,  5, cell_rule },
	{ "RTT",    true,  7, cell_rtt },
	{ "AGE",    true,  8, cell_age },
	{ "REASON", false, 9, cell_reason },
};

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* A name of the kernel's could hold anything, and a terminal obeys much. */
static void print_cell(FILE *file, const char *text, int room)
{
	for (; *text && room; text++, room--)
		fputc(*text >= ' ' && *text <= '~' ? *text : '?', file);
}

static void measure(unsigned int *width, const struct toe_view *views, size_t n)
{
	char buf[CELL_LEN];

	for (size_t c = 0; c < N_COLUMNS; c++) {
		width[c] = strlen(columns[c].title);
		for (size_t i = 0; i < n; i++) {
			size_t len = strlen(columns[c].cell(&views[i], buf));

			if (len > width[c])
				width[c] = len;
		}
	}
}

/* The most important one stays even where it has to be cut. Two blanks between. */
static void choose(bool *shown, const unsigned int *width, unsigned int room)
{
	unsigned int taken = 0;

	memset(shown, 0, N_COLUMNS * sizeof(*shown));
	for (unsigned int rank = 0; rank < N_COLUMNS; rank++) {
		size_t c;

		for (c = 0; columns[c].rank != rank; c++)
			;
		taken += width[c] + (rank ? 2 : 0);
		if (rank && room && taken > room)
			return;
		shown[c] = true;
	}
}

static void print_line(FILE *file, const struct toe_view *v, const bool *shown,
		       const unsigned int *width, unsigned int room)
{
	unsigned int last = 0, blanks = 0;
	char buf[CELL_LEN];

	for (unsigned int c = 0; c < N_COLUMNS; c++)
		if (shown[c])
			last = c;
	for (unsigned int c = 0; c <= last; c++) {
		const char *text = v ? columns[c].cell(v, buf) : columns[c].title;
		unsigned int pad = width[c] - strlen(text);

		if (!shown[c])
			continue;
		blanks += columns[c].right ? pad : 0;
		fprintf(file, "%*s", (int)blanks, "");
		print_cell(file, text, room ? room : CELL_LEN);
		blanks = 2 + (columns[c].right ? 0 : pad);
	}
	fputc('\n', file);
}

void top_table(FILE *file, const struct toe_view *views, size_t n, unsigned int room)
{
	unsigned int width[N_COLUMNS];
	bool shown[N_COLUMNS];

	measure(width, views, n);
	choose(shown, width, room);
	print_line(file, NULL, shown, width, room);
	for (size_t i = 0; i < n; i++)
		print_line(file, &views[i], shown, width, room);
}
