// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include "policy_words.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* What stands behind min-rate when nothing is said */
#define DWELL_DEFAULT_MS 5000

/* The keywords; behind the conditions, whose numbers are those of toe_policy_dim */
enum key {
	KEY_PRIO = __TOE_DIM_MAX,
	KEY_OFFLOAD,
	KEY_NEVER,
	KEY_THRESHOLD,
	KEY_MIN_RATE,
	KEY_DWELL,
	KEY_ENGINE,
	KEY_MAX_FLOWS,
	KEY_CTMARK,
	KEY_PKTMARK,
	KEY_CAREFUL,
};

#define BIT(n) (1u << (n))
#define CONDITIONS (BIT(__TOE_DIM_MAX) - 1)
/* What offloading is described with */
#define OFFLOAD_KEYS (BIT(KEY_OFFLOAD) | BIT(KEY_THRESHOLD) | BIT(KEY_MIN_RATE) | \
		      BIT(KEY_DWELL) | BIT(KEY_ENGINE) | BIT(KEY_MAX_FLOWS) | \
		      BIT(KEY_CTMARK) | BIT(KEY_PKTMARK) | BIT(KEY_CAREFUL))

/**
 * struct keyword - a word of the grammar
 * @word: the word
 * @key: what it says; two words of one key exclude each other
 * @value: what has to stand behind it; NULL: nothing
 * @read: takes that
 */
struct keyword {
	const char *word;
	unsigned int key;
	const char *value;
	int (*read)(struct rule_reader *r, const char *word);
};

static const struct keyword keywords[] = {
	{ "prio",	KEY_PRIO,	"a priority",	read_prio },
	{ "in",		TOE_DIM_DIR,	NULL,		NULL },
	{ "out",	TOE_DIM_DIR,	NULL,		NULL },
	{ "local",	TOE_DIM_LOCAL,	"a prefix",	read_local },
	{ "remote",	TOE_DIM_REMOTE,	"a prefix",	read_remote },
	{ "lport",	TOE_DIM_LPORT,	"a port",	read_lport },
	{ "rport",	TOE_DIM_RPORT,	"a port",	read_rport },
	{ "dev",	TOE_DIM_DEV,	"an interface",	read_dev },
	{ "cgroup",	TOE_DIM_CGROUP,	"a path",	read_cgroup },
	{ "uid",	TOE_DIM_UID,	"a user",	read_uid },
	{ "mark",	TOE_DIM_MARK,	"a mark",	read_mark },
	{ "netns",	TOE_DIM_NETNS,	"a name",	read_netns },
	{ "offload",	KEY_OFFLOAD,	NULL,		NULL },
	{ "never",	KEY_NEVER,	NULL,		NULL },
	{ "threshold",	KEY_THRESHOLD,	"a number of bytes", read_threshold },
	{ "min-rate",	KEY_MIN_RATE,	"a rate",	read_min_rate },
	{ "dwell",	KEY_DWELL,	"a time",	read_dwell },
	{ "engine",	KEY_ENGINE,	"a name",	read_engine },
	{ "max-flows",	KEY_MAX_FLOWS,	"a number of flows", read_max_flows },
	{ "ctmark",	KEY_CTMARK,	"a mark",	read_ctmark },
	{ "no-ctmark",	KEY_CTMARK,	"a mark",	read_no_ctmark },
	{ "pktmark",	KEY_PKTMARK,	"a mark",	read_pktmark },
	{ "no-pktmark",	KEY_PKTMARK,	"a mark",	read_no_pktmark },
	{ "careful",	KEY_CAREFUL,	NULL,		NULL },
};

static const struct keyword *find_keyword(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
		if (!strcmp(word, keywords[i].word))
			return &keywords[i];
	return NULL;
}

/* The word of @keys that was said. */
static const char *word_of(uint32_t keys, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		const struct keyword *k = find_keyword(argv[i]);

		if (!k)
			continue;
		if (keys & BIT(k->key))
			return k->word;
		if (k->value)
			i++;
	}
	return "";
}

/* Words that stand for one thing stand once. */
static const char *why_twice(unsigned int key)
{
	switch (key) {
	case TOE_DIM_DIR:
		return "is a second direction";
	case KEY_CTMARK:
	case KEY_PKTMARK:
		return "is a second mark of that kind";
	default:
		return "stands twice";
	}
}

/* What the words say together. */
static int check_together(struct rule_reader *r, uint32_t said, int argc,
			  char **argv)
{
	struct toe_signal *action = &r->rule->action;

	if (!(said & BIT(KEY_PRIO))) {
		snprintf(r->why, TOE_WHY_LEN, "a rule needs a priority: 'prio' is missing");
		return -EINVAL;
	}
	if (said & BIT(KEY_NEVER)) {
		if (said & OFFLOAD_KEYS)
			return why_word(r->why, word_of(said & OFFLOAD_KEYS, argc, argv),
					"does not go with 'never'");
		action->flags = TOE_SIGNAL_NEVER;
		return 0;
	}
	if ((said & BIT(KEY_DWELL)) && !(said & BIT(KEY_MIN_RATE)))
		return why_word(r->why, "dwell", "says nothing without 'min-rate'");
	if (said & BIT(KEY_CAREFUL))
		action->flags |= TOE_SIGNAL_CAREFUL;
	if (!(said & BIT(KEY_THRESHOLD)))
		action->threshold = TOE_POLICY_DEFAULT_THRESHOLD;
	if ((said & BIT(KEY_MIN_RATE)) && !(said & BIT(KEY_DWELL)))
		action->dwell_ms = DWELL_DEFAULT_MS;
	return 0;
}

int rule_parse(struct toe_rule *rule, bool kept, int argc, char **argv, char *why)
{
	struct rule_reader r = { .rule = rule, .kept = kept, .why = why };
	uint32_t said = 0;

	memset(rule, 0, sizeof(*rule));
	*why = 0;
	for (int i = 0; i < argc; i++) {
		const struct keyword *k = find_keyword(argv[i]);
		int err;

		if (!k)
			return why_word(why, argv[i], "is not a word of a rule");
		if (said & BIT(k->key))
			return why_word(why, argv[i], "%s", why_twice(k->key));
		said |= BIT(k->key);
		if (!k->value) {
			if (!strcmp(k->word, "in"))
				rule->accepted = true;
			continue;
		}
		if (++i == argc)
			return why_word(why, k->word, "needs %s behind it", k->value);
		err = k->read(&r, argv[i]);
		if (err)
			return err;
	}
	rule->asks = said & CONDITIONS;
	return check_together(&r, said, argc, argv);
}

int toe_rule_parse(struct toe_rule *rule, int argc, char **argv, char *why)
{
	return rule_parse(rule, false, argc, argv, why);
}
