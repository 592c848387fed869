// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "names.h"
#include "toectl.h"

static const char usage[] =
	"Usage: toectl monitor\n";

static void show_text(struct toe_out *out, const struct toe_event *e)
{
	const struct toe_flow *flow = &e->flow;

	out_time(out, e->time_ns);
	out_tuple(out, &flow->tuple);
	out_word(out, NULL, " from %s", toe_state_name(e->from), e->from);
	out_word(out, NULL, " to %s", toe_state_name(e->to), e->to);
	out_word(out, NULL, " reason %s", toe_reason_name(e->reason), e->reason);
	if (flow->id)
		toe_out_u64(out, NULL, " id %" PRIu64, flow->id);
	if (*flow->engine)
		toe_out_str(out, NULL, " engine %s", flow->engine);
	toe_out_text(out, "\n");
}

static void show_json(struct toe_out *out, const struct toe_event *e)
{
	toe_out_open(out, NULL, '{');
	out_time(out, e->time_ns);
	out_word(out, "from", NULL, toe_state_name(e->from), e->from);
	out_word(out, "to", NULL, toe_state_name(e->to), e->to);
	out_word(out, "reason", NULL, toe_reason_name(e->reason), e->reason);
	show_flow(out, "flow", &e->flow);
	toe_out_close(out, '}');
}

static int show_event(const struct toe_event *event, void *data)
{
	struct ctl *ctl = data;

	if (ctl->out.json)
		show_json(&ctl->out, event);
	else
		show_text(&ctl->out, event);
	return finish(ctl) ? -EPIPE : 0;
}

static int watch(struct ctl *ctl, struct toe_nl *nl)
{
	int err = toe_nl_subscribe(nl);

	if (err)
		return fail_nl(ctl, nl, err);
	for (;;) {
		err = toe_nl_events(nl, show_event, ctl);
		switch (err) {
		case 0:
			break;
		case -ENOBUFS:
			fail(ctl, "events were lost: they came faster than they were read");
			break;
		case -EBADMSG:
			fail(ctl, "a message of the module could not be read");
			break;
		case -ENODEV:
			return fail(ctl, "module toe was unloaded");
		case -EPIPE:
			return EXIT_FAIL;	/* finish() said why */
		default:
			return fail_nl(ctl, nl, err);
		}
	}
}

int do_monitor(struct ctl *ctl, int argc, char **argv)
{
	struct toe_nl *nl;
	int ret;

	if (is_help(argc, argv)) {
		fputs(usage, stdout);
		return finish(ctl);
	}
	ret = no_more(ctl, argc, argv);
	if (ret)
		return ret;
	nl = connect_module(ctl);
	if (!nl)
		return EXIT_FAIL;
	ret = watch(ctl, nl);
	toe_nl_close(nl);
	return ret;
}
