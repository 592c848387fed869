// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of flows and engines come by netlink; the policy, which is BPF's, is
 * looked at besides.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include "await.h"
#include "names.h"
#include "options.h"
#include "policy_watch.h"
#include "selection.h"

#define BIT(n) (1u << (n))

static const char usage[] =
	"Usage: toectl monitor [ FILTER ]\n"
	"\n"
	SELECTION_USAGE;

/**
 * struct watcher - a monitor that runs
 * @ctl: the invocation
 * @filter: which events
 * @policy: the policy, as it was
 * @watch_policy: it is looked at: the filter can be met by a rule
 */
struct watcher {
	struct ctl *ctl;
	struct toe_filter filter;
	struct policy_watch policy;
	bool watch_policy;
};

static void out_event(struct toe_out *out, uint64_t ns, const char *object)
{
	out_time(out, ns);
	toe_out_str(out, "object", "%s ", object);
}

static void show_flow_text(struct toe_out *out, const struct toe_event *e)
{
	const struct toe_flow *flow = &e->flow;

	out_event(out, e->time_ns, "flow");
	out_tuple(out, &flow->tuple);
	out_word(out, NULL, " from %s", toe_state_name(e->from), e->from);
	out_word(out, NULL, " to %s", toe_state_name(e->to), e->to);
	out_word(out, NULL, " reason %s", toe_reason_name(e->reason), e->reason);
	if (flow->id)
		toe_out_u64(out, NULL, " id %" PRIu64, flow->id);
	if (*flow->engine)
		toe_out_str(out, NULL, " engine %s", flow->engine);
	if (flow->rule)
		toe_out_u64(out, NULL, " rule %" PRIu64, flow->rule);
	toe_out_text(out, "\n");
}

static void show_flow_json(struct toe_out *out, const struct toe_event *e)
{
	toe_out_open(out, NULL, '{');
	out_event(out, e->time_ns, "flow");
	out_word(out, "from", NULL, toe_state_name(e->from), e->from);
	out_word(out, "to", NULL, toe_state_name(e->to), e->to);
	out_word(out, "reason", NULL, toe_reason_name(e->reason), e->reason);
	show_flow(out, "flow", &e->flow);
	toe_out_close(out, '}');
}

/* The flow as it is after the event: the state is the one entered. */
static void flow_event(struct watcher *w, const struct toe_event *e)
{
	struct toe_flow flow = e->flow;

	flow.state = e->to;
	flow.reason = e->reason;
	if (!toe_filter_match(&w->filter, &flow))
		return;
	if (w->ctl->out.json)
		show_flow_json(&w->ctl->out, e);
	else
		show_flow_text(&w->ctl->out, e);
}

static void engine_event(struct watcher *w, const struct toe_event *e)
{
	struct toe_out *out = &w->ctl->out;

	if (!toe_filter_only(&w->filter, BIT(TOE_FILTER_ENGINE)) ||
	    !toe_filter_engine(&w->filter, e->engine.name))
		return;
	toe_out_open(out, NULL, '{');
	out_event(out, e->time_ns, "engine");
	out_word(out, "event", "%s ", toe_engine_change_name(e->change), e->change);
	show_engine(out, "engine", &e->engine);
	toe_out_close(out, '}');
}

static int show_event(const struct toe_event *event, void *data)
{
	if (event->of_engine)
		engine_event(data, event);
	else
		flow_event(data, event);
	return 0;
}

static int policy_event(const char *event, const struct toe_rule *rule, void *arg)
{
	struct watcher *w = arg;

	if (toe_filter_rule(&w->filter, rule->action.prio))
		show_policy_change(&w->ctl->out, "rule", event, rule);
	return EXIT_OK;
}

/* In the stream, too: who reads it has to ask anew what is there now. */
static void lost(struct watcher *w)
{
	struct toe_out *out = &w->ctl->out;

	fail(w->ctl, "events were lost: they came faster than they were read");
	toe_out_open(out, NULL, '{');
	if (out->json) {
		out_event(out, now_ns(), "monitor");
		toe_out_str(out, "event", NULL, "lost");
	}
	toe_out_close(out, '}');
}

/* Return: EXIT_*. */
static int read_events(struct watcher *w, struct toe_nl *nl)
{
	int err = toe_nl_events(nl, show_event, w);

	switch (err) {
	case 0:
		return EXIT_OK;
	case -ENOBUFS:
		lost(w);
		return EXIT_OK;
	case -EBADMSG:
		fail(w->ctl, "a message of the module could not be read");
		return EXIT_OK;
	case -ENODEV:
		await_flush(w->ctl);
		return fail(w->ctl, "module toe was unloaded");
	default:
		return fail_nl(w->ctl, nl, err);
	}
}

/* It is for administrators; the other events are for everybody. */
static void look_at_policy(struct watcher *w)
{
	if (!policy_watch_look(w->ctl, &w->policy, policy_event, w))
		return;
	fail(w->ctl, "changes of the policy are not seen");
	w->watch_policy = false;
}

static int watch(struct watcher *w, struct toe_nl *nl)
{
	enum await what;
	int ret;

	for (;;) {
		if (w->watch_policy)
			look_at_policy(w);
		what = await_flush(w->ctl);
		if (what == AWAIT_TIME)
			what = await(w->ctl, toe_nl_fd(nl),
				     w->watch_policy ? POLICY_WATCH_MS : -1, NULL);
		if (what == AWAIT_END || what == AWAIT_ERROR)
			return await_status(what);
		ret = what == AWAIT_INPUT ? read_events(w, nl) : EXIT_OK;
		if (ret)
			return ret;
	}
}

int do_monitor(struct ctl *ctl, int argc, char **argv)
{
	struct watcher w = { .ctl = ctl };
	struct toe_nl *nl;
	int ret, err;

	if (is_help(argc, argv)) {
		fputs(usage, stdout);
		return finish(ctl);
	}
	ret = parse_filter(ctl, &argc, &argv, &w.filter);
	if (!ret && w.filter.asks & BIT(TOE_FILTER_RATE))
		return bad_words(ctl, "'rate' is nothing that an event has");
	if (!ret)
		ret = no_more(ctl, argc, argv);
	if (!ret)
		ret = await_begin(ctl, NULL);
	if (ret)
		return ret;
	nl = connect_selected(ctl, &w.filter);
	if (!nl)
		return EXIT_FAIL;
	w.watch_policy = toe_filter_only(&w.filter, BIT(TOE_FILTER_RULE));
	err = toe_nl_subscribe(nl);
	ret = err ? fail_nl(ctl, nl, err) : watch(&w, nl);
	toe_policy_free(&w.policy.rules);
	toe_nl_close(nl);
	return ret;
}
