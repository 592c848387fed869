// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "terminal.h"
#include "toectl.h"

bool is_help(int argc, char **argv)
{
	return argc > 0 && !strcmp(argv[0], "help");
}

int dispatch(struct ctl *ctl, const struct command *cmds, const char *usage,
	     int argc, char **argv)
{
	static char what[64];

	if (is_help(argc, argv)) {
		fputs(usage, stdout);
		return finish(ctl);
	}
	if (argc < 1) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	for (; cmds->word; cmds++) {
		if (strcmp(argv[0], cmds->word))
			continue;
		if (ctl->what && is_help(argc - 1, argv + 1)) {
			fputs(usage, stdout);
			return finish(ctl);
		}
		if (ctl->what)
			snprintf(what, sizeof(what), "%s %s", ctl->what, argv[0]);
		ctl->what = ctl->what ? what : cmds->word;
		return cmds->fn(ctl, argc - 1, argv + 1);
	}
	return bad_word(ctl, argv[0], ctl->what ? "a command" : "an object");
}

static void prefix(const struct ctl *ctl)
{
	fflush(stdout);
	progress_clear();
	/* What is said on a screen that is given back is gone with it. */
	terminal_end();
	fputs("toectl: ", stderr);
	if (ctl->what)
		fprintf(stderr, "%s: ", ctl->what);
}

static int see_help(const struct ctl *ctl)
{
	int object = ctl->what ? (int)strcspn(ctl->what, " ") : 0;

	fprintf(stderr, " (see 'toectl %.*s%shelp')\n", object,
		ctl->what ? ctl->what : "", object ? " " : "");
	return EXIT_USAGE;
}

int bad_words(const struct ctl *ctl, const char *why)
{
	prefix(ctl);
	fputs(why, stderr);
	return see_help(ctl);
}

int bad_word(const struct ctl *ctl, const char *word, const char *expected)
{
	prefix(ctl);
	if (word)
		fprintf(stderr, "'%s' is not %s", word, expected);
	else
		fprintf(stderr, "%s is missing", expected);
	return see_help(ctl);
}

int no_more(const struct ctl *ctl, int argc, char **argv)
{
	return argc > 0 ? bad_word(ctl, argv[0], "expected here") : EXIT_OK;
}

int fail(const struct ctl *ctl, const char *fmt, ...)
{
	va_list ap;

	prefix(ctl);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_FAIL;
}

struct toe_nl *connect_module(const struct ctl *ctl)
{
	struct toe_nl *nl;
	int err = toe_nl_open(&nl);

	if (!err)
		return nl;
	if (err == -ENOENT)
		fail(ctl, "module toe is not loaded (modprobe toe)");
	else
		fail(ctl, "generic netlink: %s", strerror(-err));
	return NULL;
}

int ask_module(struct ctl *ctl, int argc, char **argv,
	       int (*ask)(struct ctl *ctl, struct toe_nl *nl))
{
	int ret = no_more(ctl, argc, argv);
	struct toe_nl *nl;

	if (ret)
		return ret;
	nl = connect_module(ctl);
	if (!nl)
		return EXIT_FAIL;
	ret = ask(ctl, nl);
	toe_nl_close(nl);
	return ret;
}

int fail_nl(const struct ctl *ctl, const struct toe_nl *nl, int err)
{
	const char *text = toe_nl_text(nl);

	if (*text)
		return fail(ctl, "%s (%s)", text, strerror(-err));
	return fail(ctl, "%s", strerror(-err));
}

void warn_unsteady(const struct ctl *ctl)
{
	fail(ctl, "the list kept changing while it was read; entries may be missing or repeated");
}

int show_list(struct ctl *ctl, const struct toe_nl *nl, int err, void *list,
	      size_t n, size_t size,
	      void (*show)(struct toe_out *out, const void *entry))
{
	if (err == -EAGAIN)
		warn_unsteady(ctl);
	else if (err)
		return fail_nl(ctl, nl, err);
	toe_out_open(&ctl->out, NULL, '[');
	for (size_t i = 0; i < n; i++)
		show(&ctl->out, (const char *)list + i * size);
	toe_out_close(&ctl->out, ']');
	free(list);
	return finish(ctl);
}

int finish(const struct ctl *ctl)
{
	if (fflush(stdout) || ferror(stdout))
		return fail(ctl, "standard output: %s", strerror(errno));
	return EXIT_OK;
}

void out_word(struct toe_out *out, const char *key, const char *fmt,
	      const char *word, unsigned int number)
{
	char buf[16];

	if (!word) {
		snprintf(buf, sizeof(buf), "%u", number);
		word = buf;
	}
	toe_out_str(out, key, fmt, word);
}

/* RFC 3339 in local time, microseconds. */
static void format_time(char *buf, size_t len, uint64_t ns)
{
	time_t sec = ns / 1000000000;
	char date[32] = "", zone[8] = "";
	struct tm tm;

	if (localtime_r(&sec, &tm)) {
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
		strftime(zone, sizeof(zone), "%z", &tm);
	}
	snprintf(buf, len, "%s.%06u%.3s:%s", date,
		 (unsigned int)(ns % 1000000000 / 1000), zone,
		 strlen(zone) > 3 ? zone + 3 : "");
}

void out_time(struct toe_out *out, uint64_t ns)
{
	char when[64];

	format_time(when, sizeof(when), ns);
	toe_out_str(out, "time", "%s ", when);
	toe_out_u64(out, "time_ns", NULL, ns);
}
