/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words with a value each, in any order, each once, mixed with those of a filter.
 */
#ifndef _OPTIONS_H
#define _OPTIONS_H

#include "flow_filter.h"
#include "toectl.h"

/**
 * struct option_word - a word that takes a value
 * @word: the word
 * @value: what comes behind it, for the message when nothing does
 * @read: reads the value; EXIT_*
 * @suffix: a word that may stand behind the value; NULL: none
 * @suffixed: it does
 */
struct option_word {
	const char *word;
	const char *value;
	int (*read)(const struct ctl *ctl, const char *word, void *data);
	const char *suffix;
	void (*suffixed)(void *data);
};

/**
 * parse_options() - read all words that are left
 * @ctl: the invocation
 * @argc: words
 * @argv: the words
 * @words: the options, up to 32, ends with an empty one
 * @filter: what the words of a filter say, zero at first
 * @data: for the functions of @words
 *
 * Return: EXIT_*.
 */
int parse_options(const struct ctl *ctl, int argc, char **argv,
		  const struct option_word *words, struct toe_filter *filter, void *data);

/**
 * parse_filter() - read words of a filter, as many as there are
 * @ctl: the invocation
 * @argc: words left, becomes less
 * @argv: the words, move on
 * @filter: the result, zero at first
 *
 * Return: EXIT_*.
 */
int parse_filter(const struct ctl *ctl, int *argc, char ***argv,
		 struct toe_filter *filter);

#endif /* _OPTIONS_H */
