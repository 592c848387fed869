// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names follow Prometheus's conventions: a prefix, base units (bytes, seconds), and
 * _total behind a counter. All samples of a metric stand together, behind its HELP
 * and TYPE. Counters are the module's own, so they go on when toed starts anew.
 */
#include <inttypes.h>
#include <net/if.h>

#include "metrics_text.h"
#include "names.h"

/* What each of the module's counters counts */
static const char *const stat_help[__TOE_STAT_MAX] = {
	[TOE_STAT_SIGNALS] = "Signals from BPF.",
	[TOE_STAT_SIGNALS_DUP] = "Signals from BPF for flows that were known already.",
	[TOE_STAT_SIGNALS_HELD] = "Signals from BPF for flows that are left alone for a while.",
	[TOE_STAT_RETRIES] = "Flows that the module tried again by itself.",
	[TOE_STAT_OPENS] = "Flows that reached an engine.",
	[TOE_STAT_OPEN_FAILS] = "Flows that were refused or failed on the way to an engine.",
	[TOE_STAT_CLOSES] = "Flows that came back from an engine.",
	[TOE_STAT_TAKEOVERS] = "Flows that came back without the engine's help.",
	[TOE_STAT_CALM_RETRIES] = "How often a flow was not calm and waited.",
	[TOE_STAT_TX_BYTES] = "Payload handed to engines.",
	[TOE_STAT_TX_MSGS] = "Messages in which payload was handed to engines.",
	[TOE_STAT_TX_STALLS] = "How often an engine's ring was full.",
	[TOE_STAT_RX_BYTES] = "Payload taken from engines.",
	[TOE_STAT_RX_MSGS] = "Messages in which payload was taken from engines.",
	[TOE_STAT_RX_REFEEDS] = "How often the stack had no room for payload at first.",
	[TOE_STAT_ACKS_FED] = "Acknowledgements of peers told to the host's stack.",
	[TOE_STAT_ACKS_SWALLOWED] = "Acknowledgements of the host's stack that engines take care of.",
	[TOE_STAT_RETRANS_SWALLOWED] = "Retransmissions of the host's stack that engines take care of.",
	[TOE_STAT_CREDITS] = "Window updates given to engines.",
	[TOE_STAT_UNSENT_BYTES] = "Payload handed over, never sent, and taken back.",
	[TOE_STAT_GATE_INJECTED] = "Late frames of offloaded flows given to the engine.",
	[TOE_STAT_GATE_PARKED] = "Frames of offloaded flows kept until the flow is back.",
	[TOE_STAT_GATE_DROPPED] = "Frames of offloaded flows for which there was no room.",
	[TOE_STAT_ERR_UNKNOWN_FLOW] = "Messages of engines that name no flow of theirs.",
	[TOE_STAT_ERR_SEQUENCE] = "Messages of engines with impossible sequence numbers.",
	[TOE_STAT_ERR_LENGTH] = "Messages of engines with impossible lengths.",
	[TOE_STAT_ERR_LATE_REPLY] = "Answers of engines that came too late.",
	[TOE_STAT_ERR_PROTOCOL] = "Other breaches of the protocol by engines.",
	[TOE_STAT_LOOKS] = "Looks at the way of a flow after a change of routes.",
	[TOE_STAT_CAPTURE_FRAMES] = "Frames given to captures.",
	[TOE_STAT_CAPTURE_DROPS] = "Frames lost on their way to captures.",
	[TOE_STAT_FIREWALL_CHANGES] = "Messages that told of changed rules of the firewall.",
};

static void head(FILE *file, const char *name, const char *type, const char *help)
{
	fprintf(file, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value may be anything; these three would end it. */
static void value_of_label(FILE *file, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", file);
		else if (*text == '"' || *text == '\\')
			fprintf(file, "\\%c", *text);
		else
			fputc(*text, file);
	}
}

static void label(FILE *file, char before, const char *name, const char *text)
{
	fprintf(file, "%c%s=\"", before, name);
	value_of_label(file, text);
	fputc('"', file);
}

static void sample(FILE *file, const char *name, const char *key, const char *text,
		   uint64_t value)
{
	fputs(name, file);
	if (key) {
		label(file, '{', key, text);
		fputc('}', file);
	}
	fprintf(file, " %" PRIu64 "\n", value);
}

static void single(FILE *file, const char *name, const char *help, uint64_t value)
{
	head(file, name, "gauge", help);
	sample(file, name, NULL, NULL, value);
}

/* An array of the module's; it may be newer, and have more than this build knows. */
static void array(FILE *file, const char *name, const char *key,
		  const struct toe_counters *c, unsigned int first,
		  const char *(*word)(unsigned int number))
{
	for (unsigned int i = first; i < c->n; i++) {
		const char *text = word(i);
		char number[16];

		snprintf(number, sizeof(number), "%u", i);
		sample(file, name, key, text ? text : number, c->val[i]);
	}
}

static void counters(FILE *file, const struct toe_counters *c)
{
	char name[64];

	for (unsigned int i = 0; i < c->n && i < __TOE_STAT_MAX; i++) {
		snprintf(name, sizeof(name), "toe_%s_total", toe_stat_name(i));
		head(file, name, "counter",
		     stat_help[i] ? stat_help[i] : toe_stat_name(i));
		sample(file, name, NULL, NULL, c->val[i]);
	}
}

static void print_stats(FILE *file, const struct toe_stats *stats)
{
	head(file, "toe_flows", "gauge", "Flows that the module knows, by state.");
	array(file, "toe_flows", "state", &stats->flows, 0, toe_state_name);
	head(file, "toe_refused_total", "counter", "Offloads refused or failed, by reason.");
	array(file, "toe_refused_total", "reason", &stats->refused, 1, toe_reason_name);
	head(file, "toe_returned_total", "counter", "Flows that came back, by reason.");
	array(file, "toe_returned_total", "reason", &stats->returned, 1, toe_reason_name);
	counters(file, &stats->counters);
}

static void print_settings(FILE *file, const struct toe_settings *s)
{
	single(file, "toe_max_flows", "How many flows may be on engines or on their way.",
	       s->max_flows);
	single(file, "toe_netns_max_flows",
	       "How many of these one network namespace may have, 0: no limit.",
	       s->netns_flows);
	head(file, "toe_engine_timeout_seconds", "gauge", "How long an engine may take to answer.");
	fprintf(file, "toe_engine_timeout_seconds %u.%03u\n", s->timeout_ms / 1000,
		s->timeout_ms % 1000);
}

/* What an engine has one number for */
static uint64_t engine_up(const struct toe_engine *e)
{
	return !!e->alive;
}

static uint64_t engine_flows(const struct toe_engine *e)
{
	return e->flows;
}

static uint64_t engine_max_flows(const struct toe_engine *e)
{
	return e->max_flows;
}

static uint64_t engine_tx(const struct toe_engine *e)
{
	return e->tx_bytes;
}

static uint64_t engine_rx(const struct toe_engine *e)
{
	return e->rx_bytes;
}

static void print_engines(FILE *file, const struct metrics_input *in)
{
	static const struct {
		const char *name, *type, *help;
		uint64_t (*value)(const struct toe_engine *e);
	} metrics[] = {
		{ "toe_engine_up", "gauge", "Whether the engine answers.", engine_up },
		{ "toe_engine_flows", "gauge", "Flows on the engine.", engine_flows },
		{ "toe_engine_max_flows", "gauge", "How many it can carry.",
		  engine_max_flows },
		{ "toe_engine_tx_bytes_total", "counter", "Payload that it took to send.",
		  engine_tx },
		{ "toe_engine_rx_bytes_total", "counter", "Payload that it delivered.",
		  engine_rx },
	};
	char device[IF_NAMESIZE];

	head(file, "toe_engine_info", "gauge", "The engine's driver and interface.");
	for (size_t i = 0; i < in->n_engines; i++) {
		const struct toe_engine *e = &in->engines[i];

		fputs("toe_engine_info", file);
		label(file, '{', "engine", e->name);
		label(file, ',', "driver", e->driver);
		label(file, ',', "device", e->ifindex && if_indextoname(e->ifindex, device) ?
					   device : "");
		fputs("} 1\n", file);
	}
	for (size_t m = 0; m < sizeof(metrics) / sizeof(metrics[0]); m++) {
		head(file, metrics[m].name, metrics[m].type, metrics[m].help);
		for (size_t i = 0; i < in->n_engines; i++)
			sample(file, metrics[m].name, "engine", in->engines[i].name,
			       metrics[m].value(&in->engines[i]));
	}
}

static uint64_t rule_flows(const struct toe_rule_use *r)
{
	return r->flows;
}

static uint64_t rule_opens(const struct toe_rule_use *r)
{
	return r->opens;
}

static uint64_t rule_refused(const struct toe_rule_use *r)
{
	return r->refused;
}

static void print_rules(FILE *file, const struct metrics_input *in)
{
	static const struct {
		const char *name, *type, *help;
		uint64_t (*value)(const struct toe_rule_use *r);
	} metrics[] = {
		{ "toe_rule_flows", "gauge", "Its flows on engines or on their way.",
		  rule_flows },
		{ "toe_rule_opens_total", "counter", "Its flows that reached an engine.",
		  rule_opens },
		{ "toe_rule_refused_total", "counter", "Offloads that its quota kept away.",
		  rule_refused },
	};
	char prio[16];

	for (size_t m = 0; m < sizeof(metrics) / sizeof(metrics[0]); m++) {
		head(file, metrics[m].name, metrics[m].type, metrics[m].help);
		for (size_t i = 0; i < in->n_rules; i++) {
			snprintf(prio, sizeof(prio), "%u", in->rules[i].prio);
			sample(file, metrics[m].name, "rule", prio,
			       metrics[m].value(&in->rules[i]));
		}
	}
}

void metrics_print(FILE *file, const struct metrics_input *in)
{
	single(file, "toe_up", "Whether module toe is loaded.", in->up);
	if (!in->up)
		return;
	print_stats(file, &in->stats);
	print_settings(file, &in->settings);
	print_engines(file, in);
	print_rules(file, in);
}
