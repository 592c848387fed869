// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks again and again. On a terminal it draws and obeys keys; into a pipe it
 * prints a table after each interval, or a JSON object.
 *
 * The flows are read in one pass of the module's table, and only what is on the
 * screen is put into words; what remains for the others is to sort them.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "await.h"
#include "clock.h"
#include "policy_watch.h"
#include "selection.h"
#include "terminal.h"
#include "top_table.h"
#include "units.h"

#define INTERVAL_MS	2000
#define HEAD_LINES	2u	/* the summary, the table's head */
#define KEYS_ROWS	8	/* from so many on a line tells the keys */

static const char usage[] =
	"Usage: toectl [ -n NUMBER ] top [ FILTER ] [ rate above RATE ] [ ORDER ]\n"
	"\n"
	SELECTION_USAGE ORDER_USAGE
	"\n"
	"Keys: q quit, s and S the next and the previous order, r reverse, n and p the\n"
	"next and the previous page, blank now\n";

/**
 * struct top - one that runs
 * @ctl: the invocation
 * @s: what is to be seen
 * @l: what was
 * @screen: on a terminal
 * @keys: standard input, or -1
 * @page: which part of the list is on the screen, from 0 on
 * @left: so many pictures are still wanted; 0: no end
 */
struct top {
	struct ctl *ctl;
	struct selection s;
	struct looks l;
	bool screen;
	int keys;
	size_t page;
	uint32_t left;
};

static void summary(const struct top *t, FILE *file)
{
	char tx[TOE_UNIT_LEN], rx[TOE_UNIT_LEN], when[16] = "";
	uint64_t tx_rate = 0, rx_rate = 0;
	time_t now = time(NULL);
	size_t engine = 0;
	struct tm tm;

	for (size_t i = 0; i < t->l.met; i++) {
		tx_rate += t->l.views[i].tx_rate;
		rx_rate += t->l.views[i].rx_rate;
		engine += t->l.views[i].flow.state == TOE_STATE_ENGINE;
	}
	if (localtime_r(&now, &tm))
		strftime(when, sizeof(when), "%H:%M:%S", &tm);
	fprintf(file, "%s  flows %zu, on engines %zu  tx %s rx %s  by %s%s\n", when,
		t->l.met, engine, toe_format_rate(tx, sizeof(tx), tx_rate),
		toe_format_rate(rx, sizeof(rx), rx_rate),
		toe_sort_name(t->s.order.key), t->s.order.reverse ? " reverse" : "");
}

/* Cut where it would be too long. */
static void print_cut(FILE *file, const char *text, unsigned int columns)
{
	size_t len = strcspn(text, "\n");

	fprintf(file, "%.*s\n", (int)(len > columns ? columns : len), text);
}

static void print_keys(const struct top *t, FILE *file, size_t per_page,
		       unsigned int columns)
{
	char text[128];
	size_t pages = t->l.n ? (t->l.n + per_page - 1) / per_page : 1;

	snprintf(text, sizeof(text),
		 "q quit  s sort  r reverse  n/p page %zu of %zu", t->page + 1, pages);
	print_cut(file, text, columns);
}

static int draw(struct top *t)
{
	unsigned int rows, columns;
	size_t per_page, first, n, size = 0;
	char *text = NULL, *head = NULL;
	FILE *file;
	bool keys;
	int err;

	terminal_size(&rows, &columns);
	keys = rows >= KEYS_ROWS;
	per_page = rows > HEAD_LINES + keys ? rows - HEAD_LINES - keys : 1;
	if (t->page * per_page >= t->l.n)
		t->page = t->l.n ? (t->l.n - 1) / per_page : 0;
	first = t->page * per_page;
	n = t->l.n - first < per_page ? t->l.n - first : per_page;

	file = open_memstream(&head, &size);
	if (!file)
		return -errno;
	summary(t, file);
	if (fclose(file)) {
		free(head);
		return -ENOMEM;
	}
	file = open_memstream(&text, &size);
	if (!file) {
		free(head);
		return -errno;
	}
	print_cut(file, head, columns);
	if (rows > 1)
		top_table(file, t->l.views + first, rows > HEAD_LINES ? n : 0, columns);
	if (keys) {
		for (; n < per_page; n++)
			fputc('\n', file);
		print_keys(t, file, per_page, columns);
	}
	err = fclose(file) ? -ENOMEM : terminal_draw(text, size);
	free(text);
	free(head);
	return err;
}

static void print_json(struct top *t)
{
	struct toe_out *out = &t->ctl->out;

	toe_out_open(out, NULL, '{');
	out_time(out, now_ns());
	toe_out_u64(out, "interval_ns", NULL, t->l.ns);
	toe_out_u64(out, "count", NULL, t->l.met);
	toe_out_open(out, "flows", '[');
	for (size_t i = 0; i < t->l.n; i++)
		show_view(out, &t->l.views[i], t->l.ns);
	toe_out_close(out, ']');
	toe_out_close(out, '}');
}

static void print_plain(struct top *t, bool first)
{
	if (!first)
		fputc('\n', stdout);
	summary(t, stdout);
	top_table(stdout, t->l.views, t->l.n, 0);
}

/* Return: as await_flush(). */
static enum await show(struct top *t, bool first)
{
	int err;

	if (t->screen) {
		err = draw(t);
		if (!err)
			return AWAIT_TIME;
		if (err == -EIO || err == -EPIPE)	/* the terminal is gone */
			return AWAIT_END;
		fail(t->ctl, "%s", strerror(-err));
		return AWAIT_ERROR;
	}
	if (t->ctl->out.json)
		print_json(t);
	else
		print_plain(t, first);
	return await_flush(t->ctl);
}

static void next_order(struct top *t, int step)
{
	int key = t->s.order.key + step;

	if (key == __TOE_SORT_MAX)
		key = TOE_SORT_NONE + 1;
	if (key == TOE_SORT_NONE)
		key = __TOE_SORT_MAX - 1;
	t->s.order.key = key;
}

/* Return: false to end. @now: look again at once. */
static bool obey(struct top *t, char key, bool *now)
{
	switch (key) {
	case 'q':
	case 'Q':
	case 4:		/* Ctrl-D */
		return false;
	case 's':
		next_order(t, 1);
		break;
	case 'S':
		next_order(t, -1);
		break;
	case 'r':
		t->s.order.reverse = !t->s.order.reverse;
		break;
	case 'n':
		t->page++;
		break;
	case 'p':
		t->page -= !!t->page;
		break;
	case ' ':
		*now = true;
		break;
	}
	return true;
}

static bool read_keys(struct top *t, bool *now)
{
	char keys[64];
	ssize_t n = read(t->keys, keys, sizeof(keys));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0)
		return false;	/* the terminal is gone */
	for (ssize_t i = 0; i < n; i++)
		if (!obey(t, keys[i], now))
			return false;
	return true;
}

static void got_signal(int signal)
{
	switch (signal) {
	case SIGTSTP:
		terminal_end();
		kill(getpid(), SIGSTOP);
		break;
	case SIGCONT:
		terminal_begin();
		break;
	}
	/* SIGWINCH: the size is asked for with each picture. */
}

/* Waits until the next look is due. Return: AWAIT_TIME, AWAIT_END or AWAIT_ERROR. */
static enum await pause_between(struct top *t, uint64_t due)
{
	bool now = false;
	enum await what;
	int signal = 0;

	for (;;) {
		uint64_t at = toe_now_ms();

		if (now || at >= due)
			return AWAIT_TIME;
		what = await(t->ctl, t->keys, due - at, &signal);
		switch (what) {
		case AWAIT_TIME:
			continue;
		case AWAIT_SIGNAL:
			got_signal(signal);
			break;
		case AWAIT_INPUT:
			if (!read_keys(t, &now))
				return AWAIT_END;
			if (arrange(&t->s, &t->l))
				return AWAIT_ERROR;
			break;
		default:
			return what;
		}
		what = show(t, false);
		if (what != AWAIT_TIME)
			return what;
	}
}

static int run(struct top *t, struct toe_nl *nl)
{
	enum await what = AWAIT_TIME;
	bool first = true;
	uint64_t due;

	for (;;) {
		due = toe_now_ms() + t->s.interval_ms;
		if (look(t->ctl, nl, &t->s, &t->l))
			return EXIT_FAIL;
		/* Without rates there is nothing to print, but a screen need not be
		 * empty.
		 */
		if (t->l.ns || t->screen)
			what = show(t, first);
		if (t->l.ns) {
			first = false;
			if (what == AWAIT_TIME && t->left && !--t->left)
				what = AWAIT_END;
		}
		if (what == AWAIT_TIME)
			what = pause_between(t, due);
		if (what != AWAIT_TIME)
			return await_status(what);
	}
}

/* One on which something can be put in its place. */
static bool is_screen(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb");
}

int do_top(struct ctl *ctl, int argc, char **argv)
{
	static const int signals[] = { SIGWINCH, SIGTSTP, SIGCONT, 0 };
	struct top t = {
		.ctl = ctl,
		.s.interval_ms = INTERVAL_MS,
		.s.order.key = TOE_SORT_RATE,
		.keys = -1,
		.left = ctl->times,
	};
	struct toe_nl *nl;
	int ret;

	if (is_help(argc, argv)) {
		fputs(usage, stdout);
		return finish(ctl);
	}
	ret = parse_selection(ctl, argc, argv, &t.s);
	if (ret)
		return ret;
	nl = connect_selected(ctl, &t.s.filter);
	if (!nl)
		return EXIT_FAIL;
	t.screen = !ctl->out.json && is_screen();
	ret = await_begin(ctl, t.screen ? signals : NULL);
	if (!ret) {
		if (t.screen) {
			terminal_begin();
			t.keys = isatty(STDIN_FILENO) ? STDIN_FILENO : -1;
		}
		ret = run(&t, nl);
		terminal_end();
	}
	looks_free(&t.l);
	toe_nl_close(nl);
	return ret;
}
