// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include "flow_filter.h"
#include "names.h"
#include "policy_words.h"
#include "units.h"

#define BIT(n) (1u << (n))

/* The number of a word, or -1. */
static int number_of(const char *word, const char *(*name)(unsigned int number),
		     unsigned int max)
{
	for (unsigned int i = 0; i < max; i++)
		if (!strcmp(word, name(i)))
			return i;
	return -1;
}

static int read_one_state(struct rule_reader *r, const char *element, void *at)
{
	int state = number_of(element, toe_state_name, __TOE_STATE_MAX);

	if (state < 0)
		return why_word(r->why, element,
				"is not a state (host, opening, engine, closing)");
	*(uint8_t *)at = state;
	return 0;
}

static int read_state(struct toe_filter *f, const char *word, char *why)
{
	struct rule_reader r = { .why = why };
	uint8_t state[TOE_RULE_LIST], n = 0;
	int err;

	err = read_list(&r, word, "states", &n, read_one_state, state, sizeof(*state));
	for (unsigned int i = 0; !err && i < n; i++)
		f->state |= BIT(state[i]);
	return err;
}

static int read_one_reason(struct rule_reader *r, const char *element, void *at)
{
	int reason = number_of(element, toe_reason_name, __TOE_REASON_MAX);

	if (reason < 0)
		return why_word(r->why, element, "is not a reason (toe(7) lists them)");
	*(uint8_t *)at = reason;
	return 0;
}
_Static_assert(__TOE_REASON_MAX <= 256, "a reason is an u8");

static int read_reason(struct toe_filter *f, const char *word, char *why)
{
	struct rule_reader r = { .why = why };

	return read_list(&r, word, "reasons", &f->n_reason, read_one_reason,
			 f->reason, sizeof(*f->reason));
}

static int read_one_rule(struct rule_reader *r, const char *element, void *at)
{
	uint32_t *prio = at;

	*prio = 0;
	if (!strcmp(element, "none"))
		return 0;
	if (toe_parse_u32(element, prio) || !*prio || *prio > TOE_RULE_PRIO_MAX)
		return why_word(r->why, element, "is not a rule's priority (1 to %u, or none)",
				TOE_RULE_PRIO_MAX);
	return 0;
}

static int read_rule(struct toe_filter *f, const char *word, char *why)
{
	struct rule_reader r = { .why = why };

	return read_list(&r, word, "priorities", &f->n_rule, read_one_rule, f->rule,
			 sizeof(*f->rule));
}

static int read_filter_engine(struct toe_filter *f, const char *word, char *why)
{
	if (!strcmp(word, "any"))
		return 0;
	if (!is_name(word, sizeof(f->engine)))
		return why_word(why, word, "is not the name of an engine");
	strcpy(f->engine, word);
	return 0;
}

static int read_filter_netns(struct toe_filter *f, const char *word, char *why)
{
	if (!is_name(word, sizeof(f->netns)))
		return why_word(why, word, "is not the name or number of a network namespace");
	strcpy(f->netns, word);
	return 0;
}

static int read_rate(struct toe_filter *f, const char *word, char *why)
{
	int err = toe_parse_rate(word, &f->rate);

	if (err)
		return why_word(why, word, "is not a rate such as 20mbit%s",
				err == -ERANGE ? ": it is too large" : "");
	return 0;
}

/**
 * struct keyword - a word of the grammar
 * @word: the word
 * @second: the word that has to follow, or NULL
 * @key: what is asked
 * @value: what stands behind it
 * @read: takes that
 * @read_end: or this does, of @ends, for condition @dim of a rule
 */
static const struct keyword {
	const char *word;
	const char *second;
	enum toe_filter_key key;
	const char *value;
	int (*read)(struct toe_filter *f, const char *word, char *why);
	int (*read_end)(struct rule_reader *r, const char *word);
	enum toe_policy_dim dim;
} keywords[] = {
	{ "local", NULL, TOE_FILTER_LOCAL, "a prefix", NULL, read_local, TOE_DIM_LOCAL },
	{ "remote", NULL, TOE_FILTER_REMOTE, "a prefix", NULL, read_remote, TOE_DIM_REMOTE },
	{ "lport", NULL, TOE_FILTER_LPORT, "a port", NULL, read_lport, TOE_DIM_LPORT },
	{ "rport", NULL, TOE_FILTER_RPORT, "a port", NULL, read_rport, TOE_DIM_RPORT },
	{ "state", NULL, TOE_FILTER_STATE, "a state", read_state, NULL, 0 },
	{ "engine", NULL, TOE_FILTER_ENGINE, "a name", read_filter_engine, NULL, 0 },
	{ "netns", NULL, TOE_FILTER_NETNS, "a name or number", read_filter_netns, NULL, 0 },
	{ "rule", NULL, TOE_FILTER_RULE, "a priority", read_rule, NULL, 0 },
	{ "reason", NULL, TOE_FILTER_REASON, "a reason", read_reason, NULL, 0 },
	{ "rate", "above", TOE_FILTER_RATE, "a rate", read_rate, NULL, 0 },
};

static const struct keyword *find_keyword(const char *word)
{
	for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (!strcmp(word, keywords[i].word))
			return &keywords[i];
	return NULL;
}

static int read_value(struct toe_filter *f, const struct keyword *k, const char *word,
		      char *why)
{
	struct rule_reader r = { .rule = &f->ends, .why = why };

	if (!k->read_end)
		return k->read(f, word, why);
	f->ends.asks |= BIT(k->dim);
	return k->read_end(&r, word);
}

int toe_filter_read(struct toe_filter *f, int argc, char **argv, char *why)
{
	const struct keyword *k = argc > 0 ? find_keyword(argv[0]) : NULL;
	int at = 1;
	int err;

	if (!k)
		return 0;
	if (f->asks & BIT(k->key))
		return why_word(why, argv[0], "stands twice");
	if (k->second && at < argc && strcmp(argv[at], k->second))
		return why_word(why, argv[at], "is not '%s', which '%s' needs behind it",
				k->second, k->word);
	if (k->second && at == argc)
		return why_word(why, k->word, "needs '%s' behind it", k->second);
	at += !!k->second;
	if (at >= argc)
		return why_word(why, argv[at - 1], "needs %s behind it", k->value);
	err = read_value(f, k, argv[at], why);
	if (err)
		return err;
	f->asks |= BIT(k->key);
	return at + 1;
}

bool toe_filter_engine(const struct toe_filter *f, const char *name)
{
	if (!(f->asks & BIT(TOE_FILTER_ENGINE)))
		return true;
	return *f->engine ? !strcmp(f->engine, name) : *name;
}

bool toe_filter_rule(const struct toe_filter *f, uint32_t prio)
{
	if (!(f->asks & BIT(TOE_FILTER_RULE)))
		return true;
	for (unsigned int i = 0; i < f->n_rule; i++)
		if (f->rule[i] == prio)
			return true;
	return false;
}

static bool match_reason(const struct toe_filter *f, uint8_t reason)
{
	if (!(f->asks & BIT(TOE_FILTER_REASON)))
		return true;
	return memchr(f->reason, reason, f->n_reason);
}

bool toe_filter_match(const struct toe_filter *f, const struct toe_flow *flow)
{
	const struct toe_policy_facts facts = { .tuple = flow->tuple };

	/* A state that this build has no word for nobody can ask for. */
	if ((f->asks & BIT(TOE_FILTER_STATE)) &&
	    (flow->state >= __TOE_STATE_MAX || !(f->state & BIT(flow->state))))
		return false;
	return match_reason(f, flow->reason) && toe_filter_rule(f, flow->rule) &&
	       toe_filter_engine(f, flow->engine) &&
	       !toe_rule_mismatch(&f->ends, &facts, NULL);
}

bool toe_filter_only(const struct toe_filter *f, uint32_t keys)
{
	return !(f->asks & ~(keys | BIT(TOE_FILTER_NETNS)));
}
