// SPDX-License-Identifier: GPL-2.0-only
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "toectl.h"
#include "units.h"

static const char usage[] =
	"Usage: toectl [ OPTIONS ] OBJECT { COMMAND | help }\n"
	"       toectl { help | -V }\n"
	"\n"
	"OBJECT := { load | unload | engine | flow | capture | why | policy | monitor | top |\n"
	"            stats | set | settings | xdp }\n"
	"OPTIONS := { -j[son] | -p[retty] | -a[ll] | -n NUMBER }\n"
	"\n"
	"       toectl load [ cgroup PATH ] [ policy FILE ]\n"
	"       toectl unload\n"
	"       toectl engine show\n"
	"       toectl flow show [ FLOW | [ FILTER ] [ rate above RATE ] [ ORDER ] ]\n"
	"       toectl flow offload TUPLE\n"
	"       toectl flow return { FLOW | all }\n"
	"       toectl capture FLOW -w { FILE | - } [ CAPTURE-OPTIONS ]\n"
	"       toectl why FLOW\n"
	"       toectl policy { add | replace } RULE\n"
	"       toectl policy del prio NUMBER\n"
	"       toectl policy flush\n"
	"       toectl policy show [ prio NUMBER ]\n"
	"       toectl policy test { flow TUPLE | CONNECTION }\n"
	"       toectl policy save [ FILE | - ]\n"
	"       toectl policy restore { FILE | - }\n"
	"       toectl policy apply\n"
	"       toectl policy monitor\n"
	"       toectl monitor [ FILTER ]\n"
	"       toectl top [ FILTER ] [ rate above RATE ] [ ORDER ]\n"
	"       toectl stats show\n"
	"       toectl set max-flows NUMBER\n"
	"       toectl set netns-flows { NUMBER | off }\n"
	"       toectl set timeout MS\n"
	"       toectl settings show\n"
	"       toectl xdp attach IFACE [ native | generic ]\n"
	"       toectl xdp detach IFACE\n"
	"       toectl xdp show [ IFACE ]\n"
	"\n"
	"FLOW := { id NUMBER | TUPLE }\n"
	"TUPLE := [ local ] ADDRESS:PORT [ remote ] ADDRESS:PORT\n"
	"FILTER, ORDER: see 'toectl flow help'\n"
	"RULE, CONNECTION: see 'toectl policy help'\n"
	"CAPTURE-OPTIONS: see 'toectl capture help'\n";

static const struct command objects[] = {
	{ "load",	do_load },
	{ "unload",	do_unload },
	{ "engine",	do_engine },
	{ "flow",	do_flow },
	{ "capture",	do_capture },
	{ "why",	do_why },
	{ "policy",	do_policy },
	{ "monitor",	do_monitor },
	{ "top",	do_top },
	{ "stats",	do_stats },
	{ "set",	do_set },
	{ "settings",	do_settings },
	{ "xdp",	do_xdp },
	{ NULL,		NULL },
};

static const struct option options[] = {
	{ "json",	no_argument, NULL, 'j' },
	{ "pretty",	no_argument, NULL, 'p' },
	{ "all",	no_argument, NULL, 'a' },
	{ "iterations",	required_argument, NULL, 'n' },
	{ "version",	no_argument, NULL, 'V' },
	{ "help",	no_argument, NULL, 'h' },
	{ NULL,		0,	     NULL, 0 },
};

#define SHORT_OPTIONS "jpan:Vh"

/*
 * A known letter in @optopt: it was a long option, with a value that it does not
 * take; or -n, without the one that it takes.
 */
static int bad_option(char **argv)
{
	if (optopt == 'n')
		fputs("toectl: option '-n' needs a number (see 'toectl help')\n", stderr);
	else if (optopt && !strchr(SHORT_OPTIONS, optopt))
		fprintf(stderr, "toectl: unknown option '-%c' (see 'toectl help')\n",
			optopt);
	else
		fprintf(stderr, "toectl: unknown option '%s' (see 'toectl help')\n",
			argv[optind - 1]);
	return EXIT_USAGE;
}

/* getopt_long() takes any beginning of a long option for the option. */
static bool is_abbreviated(char **argv, int index)
{
	return index >= 0 && strcmp(argv[optind - 1] + 2, options[index].name);
}

/* capture has options of its own: those behind its name are left to it. */
static const char *short_options(char **argv)
{
	while (*argv && **argv == '-')
		argv++;
	return *argv && !strcmp(*argv, "capture") ? "+" SHORT_OPTIONS : SHORT_OPTIONS;
}

/* Does -a mean anything to them? */
static bool has_all(int argc, char **argv)
{
	if (argc > 0 && !strcmp(argv[0], "stats"))
		return true;
	return argc > 1 && !strcmp(argv[0], "policy") && !strcmp(argv[1], "test");
}

static int bad_times(const char *word)
{
	fprintf(stderr, "toectl: '%s' is not a number of iterations (1 or more)\n", word);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const char *letters = short_options(argv + 1);
	struct ctl ctl = { .out.file = stdout };
	int index = -1;
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, letters, options, &index)) != -1) {
		if (opt != '?' && is_abbreviated(argv, index)) {
			optopt = 0;
			return bad_option(argv);
		}
		index = -1;
		switch (opt) {
		case 'p':
			ctl.out.pretty = true;
			ctl.out.json = true;
			break;
		case 'j':
			ctl.out.json = true;
			break;
		case 'a':
			ctl.all = true;
			break;
		case 'n':
			if (toe_parse_u32(optarg, &ctl.times) || !ctl.times)
				return bad_times(optarg);
			break;
		case 'V':
			printf("toectl %s\n", TOECTL_VERSION);
			return finish(&ctl);
		case 'h':
			fputs(usage, stdout);
			return finish(&ctl);
		default:
			return bad_option(argv);
		}
	}
	argc -= optind;
	argv += optind;
	if (ctl.all && !has_all(argc, argv)) {
		fputs("toectl: option '-a' belongs to 'stats show' and 'policy test'\n",
		      stderr);
		return EXIT_USAGE;
	}
	if (ctl.times && (argc < 1 || strcmp(argv[0], "top"))) {
		fputs("toectl: option '-n' belongs to 'top'\n", stderr);
		return EXIT_USAGE;
	}
	return dispatch(&ctl, objects, usage, argc, argv);
}
