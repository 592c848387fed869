// SPDX-License-Identifier: GPL-2.0-only
/*
 * toectl capture: the frames of an offloaded flow, into a pcapng file. Its
 * options are tcpdump's.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "clock.h"
#include "names.h"
#include "pcapng.h"
#include "toectl.h"
#include "tuple.h"
#include "units.h"

#define SNAPLEN_MAX	262144		/* tcpdump's, too */
#define READS		256		/* between two looks at the clock */
#define ENGINES_MAX	16		/* interfaces of a file */

static const char usage[] =
	"Usage: toectl capture FLOW -w { FILE | - } [ -s SNAPLEN ] [ -c COUNT ]\n"
	"                      [ -G SECONDS ] [ --once ]\n"
	"FLOW := { id NUMBER | [ local ] ADDRESS:PORT [ remote ] ADDRESS:PORT }\n";

/* Why it ends: words for JSON, sentences for people (NULL: they know) */
enum end {
	RUNNING,
	BY_SIGNAL,
	BY_COUNT,
	BY_TIME,
	BY_READER,
	FLOW_LEFT,
	FLOW_ENDED,
	ENGINE_CANNOT,
	MODULE_GONE,
	FAILED,
};

static const struct {
	const char *word;
	const char *text;
} ends[] = {
	[BY_SIGNAL]	= { "signal", NULL },
	[BY_COUNT]	= { "count", NULL },
	[BY_TIME]	= { "time", NULL },
	[BY_READER]	= { "reader", NULL },
	[FLOW_LEFT]	= { "left", NULL },
	[FLOW_ENDED]	= { "ended", "the connection has ended" },
	[ENGINE_CANNOT]	= { "engine", "the flow's new engine cannot capture" },
	[MODULE_GONE]	= { "module", "module toe was unloaded" },
	[FAILED]	= { "failed", NULL },
};

/* An engine that showed frames: an interface of the file */
struct shown_by {
	char name[TOE_ENGINE_NAME_LEN];
	uint64_t frames;
	uint64_t dropped;
};

struct capture {
	struct ctl *ctl;
	struct toe_nl *nl;
	/* the options */
	const char *path;
	uint32_t snaplen;
	uint32_t count;		/* 0: no limit */
	uint32_t seconds;	/* likewise */
	bool once;
	/* the file */
	FILE *file;
	struct toe_pcapng out;
	struct shown_by engine[ENGINES_MAX];
	int now;		/* the engine that has the flow */
	uint64_t start_ns;
	uint64_t frames;
	uint64_t bytes;
	uint64_t dropped;
	struct toe_tuple tuple;
	enum end end;
};

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *fmt, ...)
{
	va_list ap;

	fputs("toectl: capture: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* The file could not be written; a reader that has gone has seen enough. */
static int write_failed(struct capture *c, int err)
{
	if (err == -EPIPE) {
		c->end = BY_READER;
	} else {
		fail(c->ctl, "%s: %s", c->path, strerror(-err));
		c->end = FAILED;
	}
	return err;
}

/* From now on frames are this engine's. */
static int shown_by(struct capture *c, const char *name)
{
	char what[200], local[TOE_ENDPOINT_LEN], remote[TOE_ENDPOINT_LEN];
	int i, err;

	for (i = 0; i < (int)c->out.interfaces; i++)
		if (!strcmp(c->engine[i].name, name)) {
			c->now = i;
			return 0;
		}
	if (i == ENGINES_MAX)	/* the file's readers can live with it */
		return 0;
	snprintf(what, sizeof(what), "toe engine %s, flow local %s remote %s", name,
		 toe_tuple_local(&c->tuple, local, sizeof(local)),
		 toe_tuple_remote(&c->tuple, remote, sizeof(remote)));
	err = toe_pcapng_interface(&c->out, name, what, c->snaplen);
	if (err < 0)
		return write_failed(c, err);
	snprintf(c->engine[i].name, sizeof(c->engine[i].name), "%s", name);
	c->now = i;
	return 0;
}

/* The count of lost frames is at least this. */
static uint64_t lost(struct capture *c, uint64_t dropped)
{
	uint64_t more = dropped > c->dropped ? dropped - c->dropped : 0;

	c->dropped += more;
	c->engine[c->now].dropped += more;
	return more;
}

static int take_frame(const struct toe_capture *in, void *data)
{
	struct capture *c = data;
	struct toe_pcapng_frame frame = {
		.sent = in->sent,
		.time_ns = in->time_ns,
		.len = in->len,
		.caplen = in->frame.len,
		.data = in->frame.data,
	};
	int err;

	/* Before the file is open, or behind its last frame */
	if (!c->file || (c->count && c->frames == c->count))
		return 0;
	frame.interface = c->now;
	frame.dropped = lost(c, in->dropped);
	err = toe_pcapng_frame(&c->out, &frame);
	if (err)
		return write_failed(c, err);
	c->frames++;
	c->bytes += frame.caplen;
	c->engine[c->now].frames++;
	if (c->frames == c->count)
		c->end = BY_COUNT;
	return 0;
}

static int take_event(const struct toe_event *event, void *data)
{
	struct capture *c = data;

	if (!c->file || c->end)
		return 0;
	switch (event->to) {
	case TOE_STATE_OPENING:
		return *event->flow.engine ? shown_by(c, event->flow.engine) : 0;
	case TOE_STATE_ENGINE:
		note("the flow is on engine %s", event->flow.engine);
		break;
	case TOE_STATE_HOST:
		if (event->from != TOE_STATE_CLOSING)
			break;
		note("the flow has left the engine: %s",
		     toe_reason_text(event->reason) ? toe_reason_text(event->reason) :
						      "for a reason this toectl does not know");
		if (c->once)
			c->end = FLOW_LEFT;
		break;
	}
	return 0;
}

static int take_over(enum toe_reason reason, void *data)
{
	struct capture *c = data;

	if (!c->end)
		c->end = reason == TOE_REASON_UNKNOWN ? FLOW_ENDED : ENGINE_CANNOT;
	return 0;
}

static const struct toe_capture_ops capture_ops = {
	.frame = take_frame,
	.event = take_event,
	.over = take_over,
};

/* Messages were lost, and one of them may have said that it is over. */
static void look_again(struct capture *c)
{
	const struct toe_flow_key key = { .tuple = c->tuple };
	struct toe_flow flow;
	struct toe_nl *nl;
	int err = toe_nl_open(&nl);

	if (err == -ENOENT) {
		c->end = MODULE_GONE;
		return;
	}
	if (err)
		return;
	if (toe_nl_flow_get(nl, &key, &flow) == -ENOENT)
		c->end = FLOW_ENDED;
	else if (c->once && flow.state == TOE_STATE_HOST)
		c->end = FLOW_LEFT;
	toe_nl_close(nl);
}

/* Reads what is there. */
static void take_some(struct capture *c)
{
	bool missed = false;
	int i, got = 1;

	for (i = 0; i < READS && got && !c->end; i++) {
		got = toe_nl_capture_read(c->nl);
		if (got == -ENOBUFS) {
			missed = true;
		} else if (got == -ENODEV) {
			c->end = MODULE_GONE;
		} else if (got < 0 && !c->end) {
			fail_nl(c->ctl, c->nl, got);
			c->end = FAILED;
		}
	}
	if (missed && !c->end)
		look_again(c);
	/* A reader at the other end of a pipe wants to see it. */
	if (!got && !c->end && fflush(c->file))
		write_failed(c, -errno);
}

static void take(struct capture *c, int signals)
{
	struct pollfd fds[] = {
		{ .fd = toe_nl_fd(c->nl), .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
		/* only its errors: the reader of a pipe has gone */
		{ .fd = c->file == stdout ? STDOUT_FILENO : -1 },
	};
	uint64_t begin = toe_clock_ns(CLOCK_MONOTONIC), now, left;
	struct timespec ts = {};

	while (!c->end) {
		now = toe_clock_ns(CLOCK_MONOTONIC);
		if (c->seconds && now - begin >= c->seconds * NS_PER_S) {
			c->end = BY_TIME;
			break;
		}
		left = c->seconds * NS_PER_S - (now - begin);
		ts.tv_sec = left / NS_PER_S;
		ts.tv_nsec = left % NS_PER_S;
		if (ppoll(fds, 3, c->seconds ? &ts : NULL, NULL) <= 0)
			continue;
		if (fds[1].revents)
			c->end = BY_SIGNAL;
		else if (fds[2].revents)
			c->end = BY_READER;
		else
			take_some(c);
	}
}

/* A file that exists is only touched when there is something to write. */
static int open_file(struct capture *c, const char *engine)
{
	char os[sizeof(((struct utsname *)0)->sysname) * 2 + 1] = "";
	struct utsname uts;
	int err;

	c->file = strcmp(c->path, "-") ? fopen(c->path, "we") : stdout;
	if (!c->file)
		return fail(c->ctl, "%s: %s", c->path, strerror(errno));
	if (!uname(&uts))
		snprintf(os, sizeof(os), "%s %s", uts.sysname, uts.release);
	err = toe_pcapng_begin(&c->out, c->file, os, "toectl " TOECTL_VERSION);
	if (!err)
		return shown_by(c, engine) ? EXIT_FAIL : EXIT_OK;
	write_failed(c, err);
	return EXIT_FAIL;
}

static void close_file(struct capture *c)
{
	struct toe_pcapng_stats stats = {
		.start_ns = c->start_ns,
		.end_ns = toe_clock_ns(CLOCK_REALTIME),
	};
	int err = 0;

	for (uint32_t i = 0; !err && i < c->out.interfaces; i++) {
		stats.interface = i;
		stats.frames = c->engine[i].frames;
		stats.dropped = c->engine[i].dropped;
		err = toe_pcapng_stats(&c->out, &stats);
	}
	if (c->file == stdout ? fflush(c->file) : fclose(c->file))
		err = err ? err : -errno;
	/* An error is said once. */
	if (err && c->end != FAILED && c->end != BY_READER)
		write_failed(c, err);
}

static void stop(struct capture *c)
{
	struct toe_capture totals;
	enum end end = c->end;
	int err;

	if (end == MODULE_GONE || end == FAILED)
		return;
	err = toe_nl_capture_stop(c->nl, &totals);
	if (!err)
		lost(c, totals.dropped);
	else if (err == -ENODEV)
		c->end = MODULE_GONE;
	else if (c->end == end)
		fail_nl(c->ctl, c->nl, err);
	/* What came behind the end is no other end. */
	if (c->end != FAILED && c->end != BY_READER)
		c->end = end;
}

static int summary(struct capture *c)
{
	bool failed = c->end == FAILED || c->end == MODULE_GONE ||
		      c->end == ENGINE_CANNOT;
	struct toe_out *out = &c->ctl->out;

	if (ends[c->end].text)
		note("%s", ends[c->end].text);
	if (!out->json) {
		fprintf(stderr, "%" PRIu64 " frames captured, %" PRIu64 " dropped\n",
			c->frames, c->dropped);
		return failed ? EXIT_FAIL : EXIT_OK;
	}
	toe_out_open(out, NULL, '{');
	toe_out_u64(out, "frames", NULL, c->frames);
	toe_out_u64(out, "bytes", NULL, c->bytes);
	toe_out_u64(out, "dropped", NULL, c->dropped);
	toe_out_str(out, "end", NULL, ends[c->end].word);
	toe_out_close(out, '}');
	return finish(c->ctl) || failed ? EXIT_FAIL : EXIT_OK;
}

/* A descriptor that becomes readable when it is to end */
static int catch_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int run(struct capture *c, const struct toe_flow_key *key)
{
	char local[TOE_ENDPOINT_LEN], remote[TOE_ENDPOINT_LEN];
	struct toe_flow flow;
	int err, signals;

	signals = catch_signals();
	if (signals < 0)
		return fail(c->ctl, "signals: %s", strerror(errno));
	c->start_ns = toe_clock_ns(CLOCK_REALTIME);
	err = toe_nl_capture_start(c->nl, key, c->snaplen, &capture_ops, c, &flow);
	if (err)
		return fail_nl(c->ctl, c->nl, err);
	c->tuple = flow.tuple;
	if (open_file(c, *flow.engine ? flow.engine : "toe"))
		return EXIT_FAIL;
	note("local %s remote %s on engine %s, snapshot length %u bytes",
	     toe_tuple_local(&flow.tuple, local, sizeof(local)),
	     toe_tuple_remote(&flow.tuple, remote, sizeof(remote)), flow.engine,
	     c->snaplen);
	take(c, signals);
	stop(c);
	close_file(c);
	return summary(c);
}

static int read_number(struct capture *c, char opt, const char *word, uint32_t *val)
{
	if (!toe_parse_u32(word, val) && *val)
		return EXIT_OK;
	return bad_word(c->ctl, word, opt == 'c' ? "a number of frames" :
			"a number of seconds");
}

static int read_snaplen(struct capture *c, const char *word)
{
	if (toe_parse_u32(word, &c->snaplen) || c->snaplen > SNAPLEN_MAX)
		return bad_word(c->ctl, word, "a snaplen, at most 262144 bytes");
	/* as tcpdump has it */
	if (!c->snaplen)
		c->snaplen = SNAPLEN_MAX;
	return EXIT_OK;
}

static const struct option options[] = {
	{ "once",	no_argument, NULL, '1' },
	{ "json",	no_argument, NULL, 'j' },
	{ "pretty",	no_argument, NULL, 'p' },
	{ "help",	no_argument, NULL, 'h' },
	{ NULL,		0,	     NULL, 0 },
};

/* Leaves the words that are no options at the end, from optind on. */
static int read_options(struct capture *c, int argc, char **argv, bool *help)
{
	int opt, index = -1, ret = EXIT_OK;

	/* argv[-1] is the object's name, and stands for the program's. */
	optind = 0;
	opterr = 0;
	while (!ret && (opt = getopt_long(argc + 1, argv - 1, ":w:s:c:G:jph", options,
					  &index)) != -1) {
		if (index >= 0 && opt != '?' &&
		    strcmp(argv[optind - 2] + 2, options[index].name))
			opt = '?';
		index = -1;
		switch (opt) {
		case 'w':
			c->path = optarg;
			break;
		case 's':
			ret = read_snaplen(c, optarg);
			break;
		case 'c':
			ret = read_number(c, opt, optarg, &c->count);
			break;
		case 'G':
			ret = read_number(c, opt, optarg, &c->seconds);
			break;
		case '1':
			c->once = true;
			break;
		case 'p':
			c->ctl->out.pretty = true;
			/* fall through */
		case 'j':
			c->ctl->out.json = true;
			break;
		case 'h':
			*help = true;
			break;
		case ':':
			ret = bad_word(c->ctl, NULL, optopt == 'w' ? "the file of '-w'" :
				       optopt == 's' ? "the snaplen of '-s'" :
				       optopt == 'c' ? "the number of '-c'" :
				       "the seconds of '-G'");
			break;
		default:
			ret = bad_word(c->ctl, argv[optind - 2], "an option of capture");
		}
	}
	return ret;
}

int do_capture(struct ctl *ctl, int argc, char **argv)
{
	struct capture c = { .ctl = ctl, .snaplen = SNAPLEN_MAX };
	struct toe_flow_key key;
	bool help = false;
	int ret;

	ret = read_options(&c, argc, argv, &help);
	if (ret)
		return ret;
	argc -= optind - 1;
	argv += optind - 1;
	if (help || is_help(argc, argv)) {
		fputs(usage, stdout);
		return finish(ctl);
	}
	ret = parse_flow(ctl, argc, argv, &key);
	if (ret)
		return ret;
	if (!c.path)
		return bad_word(ctl, NULL, "'-w FILE'");
	if (ctl->out.json && !strcmp(c.path, "-"))
		return bad_words(ctl, "'-j' and '-w -' both want standard output");
	if (!strcmp(c.path, "-") && isatty(STDOUT_FILENO))
		return bad_words(ctl, "'-w -' would write to the terminal");
	c.nl = connect_module(ctl);
	if (!c.nl)
		return EXIT_FAIL;
	ret = run(&c, &key);
	toe_nl_close(c.nl);
	return ret;
}
