// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <linux/toe.h>
#include "toectl.h"
#include "units.h"

static const char set_usage[] =
	"Usage: toectl set max-flows NUMBER\n"
	"       toectl set netns-flows { NUMBER | off }\n"
	"       toectl set timeout MS\n"
	"       toectl set never-mark { MARK[/MASK] | off }\n"
	"\n"
	"MS := NUMBER[ms|s]\n";

static const char settings_usage[] =
	"Usage: toectl settings show\n";

static int one_word(const struct ctl *ctl, int argc, char **argv,
		    const char *expected)
{
	if (argc < 1)
		return bad_word(ctl, NULL, expected);
	return no_more(ctl, argc - 1, argv + 1);
}

static int change(struct ctl *ctl, const struct toe_settings *settings)
{
	struct toe_nl *nl = connect_module(ctl);
	int err, ret;

	if (!nl)
		return EXIT_FAIL;
	err = toe_nl_settings_set(nl, settings);
	ret = err ? fail_nl(ctl, nl, err) : EXIT_OK;
	toe_nl_close(nl);
	return ret;
}

static int set_max_flows(struct ctl *ctl, int argc, char **argv)
{
	struct toe_settings s = { .has = 1u << TOE_A_SETTINGS_MAX_FLOWS };
	int ret = one_word(ctl, argc, argv, "a number of flows");

	if (ret)
		return ret;
	if (toe_parse_u32(argv[0], &s.max_flows))
		return bad_word(ctl, argv[0], "a number of flows");
	return change(ctl, &s);
}

static int set_netns_flows(struct ctl *ctl, int argc, char **argv)
{
	struct toe_settings s = { .has = 1u << TOE_A_SETTINGS_NETNS_FLOWS };
	int ret = one_word(ctl, argc, argv, "a number of flows");

	if (ret)
		return ret;
	/* 0 is the module's word for no limit, and nobody's for none */
	if (strcmp(argv[0], "off") &&
	    (toe_parse_u32(argv[0], &s.netns_flows) || !s.netns_flows))
		return bad_word(ctl, argv[0], "a number of flows, or 'off'");
	return change(ctl, &s);
}

static int set_timeout(struct ctl *ctl, int argc, char **argv)
{
	struct toe_settings s = { .has = 1u << TOE_A_SETTINGS_TIMEOUT_MS };
	int ret = one_word(ctl, argc, argv, "a number of milliseconds");

	if (ret)
		return ret;
	if (toe_parse_ms(argv[0], &s.timeout_ms))
		return bad_word(ctl, argv[0], "a number of milliseconds");
	return change(ctl, &s);
}

static int set_never_mark(struct ctl *ctl, int argc, char **argv)
{
	struct toe_settings s = { .has = 1u << TOE_A_SETTINGS_NEVER_MARK };
	int ret = one_word(ctl, argc, argv, "a mark");
	const char *why;

	if (ret)
		return ret;
	if (strcmp(argv[0], "off") &&
	    toe_parse_mark(argv[0], &s.never_mark, &s.never_mask, &why))
		return bad_word(ctl, argv[0], "a mark, or 'off'");
	return change(ctl, &s);
}

static void show_never_mark(struct toe_out *out, const struct toe_settings *s)
{
	char mark[32];

	if (out->json) {
		toe_out_u64(out, "never_mark", NULL, s->never_mark);
		toe_out_u64(out, "never_mask", NULL, s->never_mask);
		return;
	}
	snprintf(mark, sizeof(mark), s->never_mask == UINT32_MAX ? "0x%x" :
		 s->never_mask ? "0x%x/0x%x" : "off", s->never_mark, s->never_mask);
	toe_out_str(out, NULL, "never-mark %s\n", mark);
}

static int show_settings(struct ctl *ctl, struct toe_nl *nl)
{
	struct toe_settings settings;
	int err = toe_nl_settings_get(nl, &settings);

	if (err)
		return fail_nl(ctl, nl, err);
	toe_out_open(&ctl->out, NULL, '{');
	toe_out_u64(&ctl->out, "max_flows", "max-flows %" PRIu64 "\n",
		    settings.max_flows);
	if (ctl->out.json || settings.netns_flows)
		toe_out_u64(&ctl->out, "netns_flows", "netns-flows %" PRIu64 "\n",
			    settings.netns_flows);
	else
		toe_out_text(&ctl->out, "netns-flows off\n");
	toe_out_u64(&ctl->out, "timeout_ms", "timeout %" PRIu64 "ms\n",
		    settings.timeout_ms);
	show_never_mark(&ctl->out, &settings);
	toe_out_close(&ctl->out, '}');
	return finish(ctl);
}

static int settings_show(struct ctl *ctl, int argc, char **argv)
{
	return ask_module(ctl, argc, argv, show_settings);
}

static const struct command set_commands[] = {
	{ "max-flows",	set_max_flows },
	{ "netns-flows", set_netns_flows },
	{ "timeout",	set_timeout },
	{ "never-mark",	set_never_mark },
	{ NULL,		NULL },
};

static const struct command settings_commands[] = {
	{ "show",	settings_show },
	{ NULL,		NULL },
};

int do_set(struct ctl *ctl, int argc, char **argv)
{
	return dispatch(ctl, set_commands, set_usage, argc, argv);
}

int do_settings(struct ctl *ctl, int argc, char **argv)
{
	return dispatch(ctl, settings_commands, settings_usage, argc, argv);
}
