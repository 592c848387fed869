/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside the policy model: how its files read and write words.
 */
#ifndef _TOE_LIB_POLICY_WORDS_H
#define _TOE_LIB_POLICY_WORDS_H

#include "policy.h"

/**
 * struct rule_reader - a rule that is being read
 * @rule: the result
 * @kept: the words were kept in the kernel, see toe_policy_read_kept()
 * @why: what is wrong, TOE_WHY_LEN
 */
struct rule_reader {
	struct toe_rule *rule;
	bool kept;
	char *why;
};

/**
 * why_word() - say what is wrong with a word
 * @why: the result, TOE_WHY_LEN
 * @word: the word; quoted, shortened when it is long, and without anything that
 *	a terminal would obey
 * @fmt: what it is, or is not
 *
 * Return: -EINVAL.
 */
int why_word(char *why, const char *word, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * read_list() - read a list with commas, of up to TOE_RULE_LIST elements
 * @r: for @one, and what is wrong
 * @word: the list
 * @what: what it is a list of
 * @n: counts what is stored
 * @one: reads an element into its place
 * @list: the places
 * @size: of one
 *
 * Return: 0 or -EINVAL.
 */
int read_list(struct rule_reader *r, const char *word, const char *what, uint8_t *n,
	      int (*one)(struct rule_reader *r, const char *element, void *at),
	      void *list, size_t size);

/**
 * is_name() - could the kernel have given this name to a thing that is no path?
 * @word: the name
 * @room: for it, with its zero
 */
bool is_name(const char *word, size_t room);

/* policy_words.c: each reads the value of one keyword; 0 or -EINVAL and @why. */
int read_prio(struct rule_reader *r, const char *word);
int read_local(struct rule_reader *r, const char *word);
int read_remote(struct rule_reader *r, const char *word);
int read_lport(struct rule_reader *r, const char *word);
int read_rport(struct rule_reader *r, const char *word);
int read_dev(struct rule_reader *r, const char *word);
int read_cgroup(struct rule_reader *r, const char *word);
int read_uid(struct rule_reader *r, const char *word);
int read_mark(struct rule_reader *r, const char *word);
int read_ctmark(struct rule_reader *r, const char *word);
int read_no_ctmark(struct rule_reader *r, const char *word);
int read_pktmark(struct rule_reader *r, const char *word);
int read_no_pktmark(struct rule_reader *r, const char *word);
int read_netns(struct rule_reader *r, const char *word);
int read_threshold(struct rule_reader *r, const char *word);
int read_min_rate(struct rule_reader *r, const char *word);
int read_dwell(struct rule_reader *r, const char *word);
int read_engine(struct rule_reader *r, const char *word);
int read_max_flows(struct rule_reader *r, const char *word);

/* policy_rule.c, policy_format.c: toe_rule_parse() and toe_rule_format() */
int rule_parse(struct toe_rule *rule, bool kept, int argc, char **argv, char *why);
void rule_format(const struct toe_rule *rule, bool kept, char *buf, size_t len);

/**
 * user_id() - the number of a user
 * @name: the name
 * @uid: the result
 *
 * Return: 0, -ENOENT when there is no such user, or a negative errno.
 */
int user_id(const char *name, uint32_t *uid);

#endif /* _TOE_LIB_POLICY_WORDS_H */
