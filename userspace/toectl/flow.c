// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "names.h"
#include "selection.h"
#include "toectl.h"
#include "tuple.h"
#include "units.h"

/* Between the two looks that rates need, when nothing else is said */
#define RATE_INTERVAL_MS	1000

static const char usage[] =
	"Usage: toectl flow show [ FLOW | [ FILTER ] [ rate above RATE ] [ ORDER ] ]\n"
	"       toectl flow offload TUPLE\n"
	"       toectl flow return { FLOW | all }\n"
	"       toectl flow churn [ FILTER ] [ every { TIME | BYTES } ] [ for TIME ] [ seed NUMBER ]\n"
	"\n"
	"FLOW := { id NUMBER | TUPLE }\n"
	"TUPLE := [ local ] ADDRESS:PORT [ remote ] ADDRESS:PORT\n"
	"ADDRESS := { IPv4 | [IPv6] }\n"
	SELECTION_USAGE ORDER_USAGE;

/* One word behind an optional keyword. */
static const char *take(int *argc, char ***argv, const char *keyword)
{
	const char *word;

	if (*argc > 0 && !strcmp((*argv)[0], keyword)) {
		(*argc)--;
		(*argv)++;
	}
	if (*argc < 1)
		return NULL;
	word = (*argv)[0];
	(*argc)--;
	(*argv)++;
	return word;
}

int parse_tuple(const struct ctl *ctl, int argc, char **argv,
		struct toe_tuple *tuple)
{
	const char *local, *remote, *bad;
	int err;

	local = take(&argc, &argv, "local");
	if (!local)
		return bad_word(ctl, NULL, "the local ADDRESS:PORT");
	remote = take(&argc, &argv, "remote");
	err = toe_tuple_parse(tuple, local, remote ? remote : local, &bad);
	if (err == -EINVAL)
		return bad_word(ctl, bad, "an ADDRESS:PORT");
	if (!remote)
		return bad_word(ctl, NULL, "the remote ADDRESS:PORT");
	if (err)
		return bad_word(ctl, bad, "of the local address's family");
	return no_more(ctl, argc, argv);
}

int parse_flow(const struct ctl *ctl, int argc, char **argv,
	       struct toe_flow_key *key)
{
	memset(key, 0, sizeof(*key));
	if (argc < 1 || strcmp(argv[0], "id"))
		return parse_tuple(ctl, argc, argv, &key->tuple);
	if (argc < 2)
		return bad_word(ctl, NULL, "the flow's id");
	if (toe_parse_u32(argv[1], &key->id) || !key->id)
		return bad_word(ctl, argv[1], "a flow's id");
	return no_more(ctl, argc - 2, argv + 2);
}

void out_tuple(struct toe_out *out, const struct toe_tuple *tuple)
{
	char buf[TOE_ENDPOINT_LEN];

	toe_out_str(out, NULL, "local %s ", toe_tuple_local(tuple, buf, sizeof(buf)));
	toe_out_str(out, NULL, "remote %s", toe_tuple_remote(tuple, buf, sizeof(buf)));
}

void out_addresses(struct toe_out *out, const struct toe_tuple *tuple)
{
	char buf[TOE_ENDPOINT_LEN];

	toe_out_str(out, "local", NULL,
		    toe_tuple_addr(tuple, false, buf, sizeof(buf)));
	toe_out_u64(out, "local_port", NULL, ntohs(tuple->local_port));
	toe_out_str(out, "remote", NULL,
		    toe_tuple_addr(tuple, true, buf, sizeof(buf)));
	toe_out_u64(out, "remote_port", NULL, ntohs(tuple->remote_port));
	toe_out_str(out, "family", NULL,
		    tuple->family == AF_INET6 ? "inet6" : "inet");
}

/* The bytes, and what moving the flow took. */
static void out_traffic(struct toe_out *out, const struct toe_flow *flow)
{
	toe_out_bytes(out, "tx_engine", "    tx %s", flow->tx_engine);
	toe_out_bytes(out, "tx_total", " of %s", flow->tx_total);
	toe_out_bytes(out, "rx_engine", " rx %s", flow->rx_engine);
	toe_out_bytes(out, "rx_total", " of %s", flow->rx_total);
	if (out->json)
		toe_out_u64(out, "srtt_us", NULL, flow->srtt_us);
	else if (flow->srtt_us)
		toe_out_ns(out, NULL, " rtt %s", flow->srtt_us * 1000ULL);
	toe_out_u64(out, "opens", " opens %" PRIu64, flow->opens);
	toe_out_ns(out, "open_ns", flow->open_ns ? " open %s" : NULL, flow->open_ns);
	toe_out_ns(out, "close_ns", flow->close_ns ? " close %s" : NULL, flow->close_ns);
}

/* What made it a candidate, and how that went. */
static void out_rule(struct toe_out *out, const struct toe_flow *flow)
{
	if (flow->rule)
		toe_out_u64(out, "rule", " rule %" PRIu64, flow->rule);
	else
		toe_out_null(out, "rule");
	toe_out_bytes(out, "threshold", NULL, flow->threshold);
	toe_out_u64(out, "min_rate", NULL, flow->min_rate);
	toe_out_u64(out, "dwell_ms", NULL, flow->dwell_ms);
	toe_out_u64(out, "fails", flow->fails ? " fails %" PRIu64 : NULL,
		    flow->fails);
	toe_out_ns(out, "retry_ns", flow->retry_ns ? " retry %s" : NULL,
		   flow->retry_ns);
}

static void out_flow(struct toe_out *out, const struct toe_flow *flow)
{
	const char *engine = *flow->engine ? flow->engine : NULL;

	if (out->json)
		out_addresses(out, &flow->tuple);
	else
		out_tuple(out, &flow->tuple);
	out_word(out, "state", " state %s", toe_state_name(flow->state), flow->state);
	toe_out_u64(out, "id", flow->id ? " id %" PRIu64 : NULL, flow->id);
	toe_out_str(out, "engine", " engine %s", engine);
	out_word(out, "reason", " reason %s", toe_reason_name(flow->reason),
		 flow->reason);
	toe_out_ns(out, "age_ns", " age %s\n", flow->age_ns);
	out_traffic(out, flow);
	out_rule(out, flow);
	toe_out_u64(out, "netns", " netns %" PRIu64 "\n", flow->netns);
}

void show_flow(struct toe_out *out, const char *key, const struct toe_flow *flow)
{
	toe_out_open(out, key, '{');
	out_flow(out, flow);
	toe_out_close(out, '}');
}

static void out_rate(struct toe_out *out, const char *key, const char *fmt, uint64_t rate)
{
	char buf[TOE_UNIT_LEN];

	if (out->json)
		toe_out_u64(out, key, NULL, rate);
	else
		toe_out_str(out, key, fmt, toe_format_rate(buf, sizeof(buf), rate));
}

void show_view(struct toe_out *out, const struct toe_view *v, uint64_t ns)
{
	toe_out_open(out, NULL, '{');
	out_flow(out, &v->flow);
	if (ns && v->rated) {
		out_rate(out, "tx_rate", "    rate tx %s", v->tx_rate);
		out_rate(out, "rx_rate", " rx %s", v->rx_rate);
		toe_out_ns(out, "rate_ns", " over %s\n", ns);
	} else {
		toe_out_null(out, "tx_rate");
		toe_out_null(out, "rx_rate");
		toe_out_null(out, "rate_ns");
	}
	toe_out_close(out, '}');
}

static bool wants_rates(const struct selection *s)
{
	return s->interval_ms || toe_sort_by_rate(s->order.key) ||
	       s->filter.asks & 1u << TOE_FILTER_RATE;
}

/* With a second look for rates, which is a while later. */
static int look_as_asked(struct ctl *ctl, struct toe_nl *nl, const struct selection *s,
			 struct looks *l)
{
	uint32_t ms = s->interval_ms ? s->interval_ms : RATE_INTERVAL_MS;
	int ret = look(ctl, nl, s, l);

	if (ret || !wants_rates(s))
		return ret;
	progress_begin("measuring rates");
	usleep(ms * 1000);
	ret = look(ctl, nl, s, l);
	progress_end();
	return ret;
}

static int show_selected(struct ctl *ctl, struct toe_nl *nl, const struct selection *s)
{
	struct looks l = { 0 };
	int ret = look_as_asked(ctl, nl, s, &l);

	if (!ret) {
		toe_out_open(&ctl->out, NULL, '[');
		for (size_t i = 0; i < l.n; i++)
			show_view(&ctl->out, &l.views[i], l.ns);
		toe_out_close(&ctl->out, ']');
		ret = finish(ctl);
	}
	looks_free(&l);
	return ret;
}

static int show_one(struct ctl *ctl, struct toe_nl *nl,
		    const struct toe_flow_key *key)
{
	struct toe_view view = { 0 };
	int err = toe_nl_flow_get(nl, key, &view.flow);

	if (err)
		return fail_nl(ctl, nl, err);
	toe_out_open(&ctl->out, NULL, '[');
	show_view(&ctl->out, &view, 0);
	toe_out_close(&ctl->out, ']');
	return finish(ctl);
}

/* ADDRESS:PORT, right or wrong, and not a prefix or a word */
static bool is_endpoint(const char *word)
{
	const char *colon = strchr(word, ':');

	return *word == '[' || (colon && !strchr(colon + 1, ':'));
}

/* Is it one flow by its name? What begins like a list of flows is one. */
static bool is_flow(int argc, char **argv)
{
	if (argc > 0 && !strcmp(argv[0], "id"))
		return true;
	if (argc > 1 && !strcmp(argv[0], "local"))
		return is_endpoint(argv[1]);
	return argc > 0 && is_endpoint(argv[0]);
}

static int flow_show(struct ctl *ctl, int argc, char **argv)
{
	struct selection s = { .steady = true };
	bool one = is_flow(argc, argv);
	struct toe_flow_key key;
	struct toe_nl *nl;
	int ret;

	ret = one ? parse_flow(ctl, argc, argv, &key) : parse_selection(ctl, argc, argv, &s);
	if (ret)
		return ret;
	nl = connect_selected(ctl, &s.filter);
	if (!nl)
		return EXIT_FAIL;
	ret = one ? show_one(ctl, nl, &key) : show_selected(ctl, nl, &s);
	toe_nl_close(nl);
	return ret;
}

static int flow_offload(struct ctl *ctl, int argc, char **argv)
{
	struct toe_tuple tuple;
	struct toe_nl *nl;
	int err, ret;

	ret = parse_tuple(ctl, argc, argv, &tuple);
	if (ret)
		return ret;
	nl = connect_module(ctl);
	if (!nl)
		return EXIT_FAIL;
	err = toe_nl_flow_offload(nl, &tuple);
	ret = err ? fail_nl(ctl, nl, err) : EXIT_OK;
	toe_nl_close(nl);
	return ret;
}

/* A flow that came back by itself meanwhile is back. */
static int return_listed(struct ctl *ctl, struct toe_nl *nl,
			 const struct toe_flow *flow)
{
	struct toe_flow_key key = { .id = flow->id, .tuple = flow->tuple };
	char local[TOE_ENDPOINT_LEN], remote[TOE_ENDPOINT_LEN];
	int err;

	if (flow->state == TOE_STATE_HOST)
		return EXIT_OK;
	err = toe_nl_flow_return(nl, &key, TOE_REASON_ADMIN);
	if (!err || err == -ENOENT)
		return EXIT_OK;
	return fail(ctl, "%s %s: %s",
		    toe_tuple_local(&flow->tuple, local, sizeof(local)),
		    toe_tuple_remote(&flow->tuple, remote, sizeof(remote)),
		    *toe_nl_text(nl) ? toe_nl_text(nl) : strerror(-err));
}

static int return_all(struct ctl *ctl, struct toe_nl *nl)
{
	struct toe_flow *flows;
	int ret = EXIT_OK;
	size_t n;
	int err;

	err = toe_nl_flow_dump(nl, &flows, &n);
	if (err == -EAGAIN)
		warn_unsteady(ctl);
	else if (err)
		return fail_nl(ctl, nl, err);
	for (size_t i = 0; i < n; i++)
		if (return_listed(ctl, nl, &flows[i]))
			ret = EXIT_FAIL;
	free(flows);
	return ret;
}

static int flow_return(struct ctl *ctl, int argc, char **argv)
{
	bool all = argc > 0 && !strcmp(argv[0], "all");
	struct toe_flow_key key;
	struct toe_nl *nl;
	int err, ret;

	ret = all ? no_more(ctl, argc - 1, argv + 1) : parse_flow(ctl, argc, argv, &key);
	if (ret)
		return ret;
	nl = connect_module(ctl);
	if (!nl)
		return EXIT_FAIL;
	if (all) {
		ret = return_all(ctl, nl);
	} else {
		err = toe_nl_flow_return(nl, &key, TOE_REASON_ADMIN);
		ret = err ? fail_nl(ctl, nl, err) : EXIT_OK;
	}
	toe_nl_close(nl);
	return ret;
}

static const struct command commands[] = {
	{ "show",	flow_show },
	{ "offload",	flow_offload },
	{ "return",	flow_return },
	{ "churn",	flow_churn },
	{ NULL,		NULL },
};

int do_flow(struct ctl *ctl, int argc, char **argv)
{
	return dispatch(ctl, commands, usage, argc, argv);
}
