// SPDX-License-Identifier: GPL-2.0-only
/*
 * Three are asked: the module, whether it knows the flow and what would become
 * of a signal; the loaded program, which rule the connection meets; the rules,
 * what that one says. The first that has something to say makes the sentence.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "classifier.h"
#include "names.h"
#include "rules.h"
#include "units.h"

static const char usage[] =
	"Usage: toectl why FLOW\n"
	"\n"
	"FLOW := { id NUMBER | TUPLE }\n"
	"TUPLE := [ local ] ADDRESS:PORT [ remote ] ADDRESS:PORT\n";

/* Why it is where it is; the words are those of JSON. */
enum cause {
	CAUSE_ENGINE,
	CAUSE_OPENING,
	CAUSE_CLOSING,
	CAUSE_UNKNOWN,
	CAUSE_TRIED,
	CAUSE_NOT_LOADED,
	CAUSE_STATE,
	CAUSE_OUTSIDE,
	CAUSE_LOCAL,
	CAUSE_NO_RULE,
	CAUSE_NEVER,
	CAUSE_LIGHT,
	CAUSE_OLD,
};

static const char *const cause_words[] = {
	[CAUSE_ENGINE]	   = "engine",
	[CAUSE_OPENING]	   = "opening",
	[CAUSE_CLOSING]	   = "closing",
	[CAUSE_UNKNOWN]	   = "unknown",
	[CAUSE_TRIED]	   = "tried",
	[CAUSE_NOT_LOADED] = "not-loaded",
	[CAUSE_STATE]	   = "state",
	[CAUSE_OUTSIDE]	   = "outside",
	[CAUSE_LOCAL]	   = "local",
	[CAUSE_NO_RULE]	   = "no-rule",
	[CAUSE_NEVER]	   = "never",
	[CAUSE_LIGHT]	   = "light",
	[CAUSE_OLD]	   = "old",
};

/**
 * struct findings - what was found out
 * @tuple: the connection's name
 * @why: what the module says
 * @loaded: there is a classifier, and @e what it says
 * @e: the connection as rules see it
 * @outside: of the cgroup where the classifier is attached
 * @matches: it matches @rule
 * @rule: that rule
 * @cause: what it comes to
 * @sentence: and in words
 */
struct findings {
	struct toe_tuple tuple;
	struct toe_why why;
	bool loaded;
	struct explained e;
	bool outside;
	bool matches;
	struct toe_rule rule;
	enum cause cause;
	char sentence[512];
};

__attribute__((format(printf, 2, 3)))
static void say(struct findings *f, const char *fmt, ...)
{
	size_t used = strlen(f->sentence);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->sentence + used, sizeof(f->sentence) - used, fmt, ap);
	va_end(ap);
}

static void say_reason(struct findings *f, unsigned int reason)
{
	const char *text = toe_reason_text(reason);

	if (text)
		say(f, "%s", text);
	else
		say(f, "reason %u, which this toectl does not know", reason);
}

/* Who wanted it there. */
static void say_rule(struct findings *f, const struct toe_flow *flow)
{
	if (flow->rule)
		say(f, ", under rule %u", flow->rule);
	else
		say(f, ", by hand");
}

/* What a signal would meet now, when it is anything new. */
static void say_now(struct findings *f)
{
	unsigned int reason = f->why.reason;

	if (reason == TOE_REASON_NONE || reason == TOE_REASON_HELD_OFF ||
	    reason == TOE_REASON_DUPLICATE ||
	    (f->why.known && reason == f->why.flow.reason))
		return;
	say(f, "; it could not go now: ");
	say_reason(f, reason);
}

static bool on_the_engine(struct findings *f)
{
	const struct toe_flow *flow = &f->why.flow;
	char age[TOE_UNIT_LEN];

	if (!f->why.known)
		return false;
	switch (flow->state) {
	case TOE_STATE_ENGINE:
		f->cause = CAUSE_ENGINE;
		say(f, "offloaded: on engine %s for %s", flow->engine,
		    toe_format_ns(age, sizeof(age), flow->age_ns));
		say_rule(f, flow);
		return true;
	case TOE_STATE_OPENING:
		f->cause = CAUSE_OPENING;
		say(f, "not offloaded yet: on its way to an engine");
		say_rule(f, flow);
		return true;
	case TOE_STATE_CLOSING:
		f->cause = CAUSE_CLOSING;
		say(f, "not offloaded any more: on its way back: ");
		say_reason(f, flow->reason);
		return true;
	default:
		return false;
	}
}

/* It is in the stack for the firewall's sake, and goes when that is content, also
 * what an administrator wanted on an engine.
 */
static bool waits_for_firewall(struct findings *f)
{
	const struct toe_flow *flow = &f->why.flow;

	if (!f->why.known || f->why.reason == TOE_REASON_STATE ||
	    (flow->reason != TOE_REASON_NETFILTER && flow->reason != TOE_REASON_UNTESTED &&
	     flow->reason != TOE_REASON_CAREFUL) ||
	    (!flow->rule && flow->reason != TOE_REASON_NETFILTER))
		return false;
	f->cause = CAUSE_TRIED;
	say(f, "not offloaded: ");
	say_reason(f, flow->reason);
	if (f->why.reason == TOE_REASON_NONE)
		say(f, "; it is tried again at any moment");
	else
		say_now(f);
	return true;
}

/* It was refused or came back, and the module looks after it. */
static bool was_tried(struct findings *f)
{
	const struct toe_flow *flow = &f->why.flow;
	char buf[TOE_UNIT_LEN];
	uint64_t more;

	/* Once it is closing it is not tried again. */
	if (!f->why.known || !flow->rule || f->why.reason == TOE_REASON_STATE)
		return false;
	f->cause = CAUSE_TRIED;
	say(f, "not offloaded: ");
	say_reason(f, flow->reason);
	if (flow->fails > 1)
		say(f, ", %u times in a row", flow->fails);
	more = flow->threshold > TOE_SIGNAL_GAP ? flow->threshold : TOE_SIGNAL_GAP;
	say(f, "; rule %u has it tried again ", flow->rule);
	if (flow->retry_ns)
		say(f, "in %s, and ", toe_format_ns(buf, sizeof(buf), flow->retry_ns));
	say(f, "when it has moved %s more since",
	    toe_format_bytes(buf, sizeof(buf), more));
	say_now(f);
	if (f->loaded && f->e.found &&
	    (!f->matches || f->rule.action.prio != flow->rule))
		say(f, "; the rules changed since (toectl policy apply)");
	return true;
}

/* As the classifier sees it: the same address twice, or loopback. */
static bool is_local(const struct toe_tuple *t)
{
	return !memcmp(t->local_addr, t->remote_addr, sizeof(t->local_addr)) ||
	       (t->family == AF_INET && ntohl(t->remote_addr[0]) >> 24 == 127);
}

static void by_the_rules(struct findings *f)
{
	const struct toe_signal *action = &f->rule.action;
	char want[TOE_UNIT_LEN], have[TOE_UNIT_LEN];

	say(f, "not offloaded: ");
	if (f->outside) {
		f->cause = CAUSE_OUTSIDE;
		say(f, "the classifier is attached to another cgroup");
		return;
	}
	if (is_local(&f->tuple)) {
		f->cause = CAUSE_LOCAL;
		say(f, "it is a connection of the host to itself");
		return;
	}
	if (!f->matches) {
		f->cause = CAUSE_NO_RULE;
		say(f, "no rule matches it");
		return;
	}
	if (action->flags & TOE_SIGNAL_NEVER) {
		f->cause = CAUSE_NEVER;
		say(f, "rule %u says never", action->prio);
		return;
	}
	toe_format_bytes(have, sizeof(have), f->why.bytes);
	if (!f->e.watched) {
		f->cause = CAUSE_OLD;
		say(f, "rule %u matches it, but the rules are newer than it is (toectl policy apply); %s so far",
		    action->prio, have);
		return;
	}
	f->cause = CAUSE_LIGHT;
	say(f, "rule %u wants it when it has moved %s; %s so far", action->prio,
	    toe_write_bytes(want, sizeof(want), f->e.watch.next > action->threshold ?
			    f->e.watch.next : action->threshold), have);
	say_now(f);
}

static void conclude(struct findings *f)
{
	if (waits_for_firewall(f) || was_tried(f))
		return;
	if (!f->loaded) {
		f->cause = CAUSE_NOT_LOADED;
		say(f, "not offloaded: the classifier is not loaded (toectl load)");
	} else if (!f->e.found) {
		f->cause = CAUSE_STATE;
		say(f, "not offloaded: ");
		say_reason(f, f->why.reason ? f->why.reason : TOE_REASON_STATE);
	} else {
		by_the_rules(f);
	}
}

static int explain(const struct ctl *ctl, void *arg)
{
	struct findings *f = arg;
	char cgroup[TOE_RULE_CGROUP_LEN];
	int ret = classifier_explain(ctl, &f->tuple, &f->e);

	f->outside = !ret && f->e.found &&
		     !toe_cgroup_path(f->e.facts.cgroup, cgroup, sizeof(cgroup)) &&
		     !covered(ctl, cgroup);
	return ret;
}

static int ask_classifier(const struct ctl *ctl, struct findings *f)
{
	struct toe_policy policy;
	int ret;

	f->loaded = classifier_loaded();
	if (!f->loaded && errno != ENOENT)
		return fail(ctl, "only an administrator may ask (%s: %s)",
			    TOE_PIN_CLASSIFY, strerror(errno));
	if (!f->loaded)
		return EXIT_OK;
	ret = ask_policy(ctl, &policy, explain, f);
	if (ret)
		return ret;
	f->matches = f->e.found && f->e.rule < policy.n;
	if (f->matches)
		f->rule = policy.rules[f->e.rule];
	toe_policy_free(&policy);
	return EXIT_OK;
}

static void out_prio(struct toe_out *out, const struct findings *f)
{
	if (f->why.known && f->why.flow.rule)
		toe_out_u64(out, "rule", NULL, f->why.flow.rule);
	else if (f->matches)
		toe_out_u64(out, "rule", NULL, f->rule.action.prio);
	else
		toe_out_null(out, "rule");
}

static int show(struct ctl *ctl, const struct findings *f)
{
	const struct toe_flow *flow = &f->why.flow;
	struct toe_out *out = &ctl->out;

	toe_out_open(out, NULL, '{');
	if (out->json)
		out_addresses(out, &f->tuple);
	toe_out_bool(out, "offloaded", NULL, f->cause == CAUSE_ENGINE);
	toe_out_str(out, "cause", NULL, cause_words[f->cause]);
	toe_out_str(out, "sentence", "%s\n", f->sentence);
	if (f->why.known) {
		out_word(out, "state", NULL, toe_state_name(flow->state), flow->state);
		out_word(out, "reason", NULL, toe_reason_name(flow->reason),
			 flow->reason);
	} else {
		toe_out_null(out, "state");
		toe_out_null(out, "reason");
	}
	out_word(out, "now", NULL, toe_reason_name(f->why.reason), f->why.reason);
	out_prio(out, f);
	toe_out_u64(out, "threshold", NULL, f->why.known && flow->rule ?
		    flow->threshold : f->rule.action.threshold);
	toe_out_u64(out, "bytes", NULL, f->why.bytes);
	toe_out_str(out, "engine", NULL, *flow->engine ? flow->engine :
		    *f->why.engine ? f->why.engine : NULL);
	toe_out_u64(out, "fails", NULL, flow->fails);
	toe_out_u64(out, "retry_ns", NULL, flow->retry_ns);
	toe_out_close(out, '}');
	return finish(ctl);
}

/* A flow's id to its name. */
static int find_tuple(const struct ctl *ctl, struct toe_nl *nl,
		      const struct toe_flow_key *key, struct toe_tuple *tuple)
{
	struct toe_flow flow;
	int err;

	*tuple = key->tuple;
	if (!key->id)
		return EXIT_OK;
	err = toe_nl_flow_get(nl, key, &flow);
	if (err)
		return fail_nl(ctl, nl, err);
	*tuple = flow.tuple;
	return EXIT_OK;
}

static int find_out(struct ctl *ctl, struct toe_nl *nl,
		    const struct toe_flow_key *key)
{
	struct findings f = { 0 };
	int ret, err;

	ret = find_tuple(ctl, nl, key, &f.tuple);
	if (ret)
		return ret;
	err = toe_nl_flow_why(nl, &f.tuple, &f.why);
	if (err == -EPERM)
		return fail(ctl, "only an administrator may ask (CAP_NET_ADMIN)");
	if (err && err != -ENOENT)
		return fail_nl(ctl, nl, err);
	if (err || (!f.why.known && f.why.reason == TOE_REASON_UNKNOWN)) {
		f.cause = CAUSE_UNKNOWN;
		f.why.reason = TOE_REASON_UNKNOWN;
		say(&f, "there is no such connection in this network namespace");
		if (ctl->out.json)
			show(ctl, &f);
		return fail(ctl, "%s", f.sentence);
	}
	if (!on_the_engine(&f)) {
		ret = ask_classifier(ctl, &f);
		if (ret)
			return ret;
		conclude(&f);
	}
	return show(ctl, &f);
}

int do_why(struct ctl *ctl, int argc, char **argv)
{
	struct toe_flow_key key;
	struct toe_nl *nl;
	int ret;

	if (is_help(argc, argv)) {
		fputs(usage, stdout);
		return finish(ctl);
	}
	ret = parse_flow(ctl, argc, argv, &key);
	if (ret)
		return ret;
	nl = connect_module(ctl);
	if (!nl)
		return EXIT_FAIL;
	ret = find_out(ctl, nl, &key);
	toe_nl_close(nl);
	return ret;
}
