// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <linux/toe.h>
#include "names.h"
#include "toectl.h"

static const char usage[] =
	"Usage: toectl [ -a ] stats show\n"
	"\n"
	"-a shows the counters that are zero, too. JSON always has them all.\n";

/* The module may have fewer or more entries than this build has names. */
static void show_counters(const struct ctl *ctl, struct toe_out *out,
			  const char *title, const struct toe_counters *c,
			  unsigned int known, const char *(*name)(unsigned int))
{
	unsigned int n = c->n > known ? c->n : known;
	bool titled = false;

	toe_out_open(out, title, '{');
	for (unsigned int i = 0; i < n; i++) {
		uint64_t val = i < c->n ? c->val[i] : 0;
		char number[16];
		const char *word = name(i);

		if (!word) {
			snprintf(number, sizeof(number), "%u", i);
			word = number;
		}
		if (out->json) {
			toe_out_u64(out, word, NULL, val);
		} else if (val || ctl->all) {
			if (!titled)
				toe_out_str(out, NULL, "%s:\n", title);
			titled = true;
			toe_out_str(out, NULL, "    %-20s", word);
			toe_out_u64(out, NULL, " %" PRIu64 "\n", val);
		}
	}
	toe_out_close(out, '}');
}

static int show_stats(struct ctl *ctl, struct toe_nl *nl)
{
	struct toe_stats stats;
	int err = toe_nl_stats_get(nl, &stats);

	if (err)
		return fail_nl(ctl, nl, err);
	toe_out_open(&ctl->out, NULL, '{');
	show_counters(ctl, &ctl->out, "flows", &stats.flows, __TOE_STATE_MAX,
		      toe_state_name);
	show_counters(ctl, &ctl->out, "counters", &stats.counters, __TOE_STAT_MAX,
		      toe_stat_name);
	show_counters(ctl, &ctl->out, "refused", &stats.refused, __TOE_REASON_MAX,
		      toe_reason_name);
	show_counters(ctl, &ctl->out, "returned", &stats.returned, __TOE_REASON_MAX,
		      toe_reason_name);
	toe_out_close(&ctl->out, '}');
	return finish(ctl);
}

static int stats_show(struct ctl *ctl, int argc, char **argv)
{
	return ask_module(ctl, argc, argv, show_stats);
}

static const struct command commands[] = {
	{ "show",	stats_show },
	{ NULL,		NULL },
};

int do_stats(struct ctl *ctl, int argc, char **argv)
{
	return dispatch(ctl, commands, usage, argc, argv);
}
