/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * toectl: what the objects share. Each object has a file; its function gets the
 * words behind the object's name and returns the exit status.
 */
#ifndef _TOECTL_H
#define _TOECTL_H

#include <stdbool.h>
#include "netlink.h"
#include "print.h"

#define TOECTL_VERSION "0.1"

/* Exit status */
enum {
	EXIT_OK,
	EXIT_FAIL,	/* it was understood and could not be done */
	EXIT_USAGE,	/* it was not understood */
};

/**
 * struct ctl - one invocation
 * @out: standard output
 * @all: -a: what is left out otherwise, too
 * @times: -n: how often; 0: for ever
 * @what: object and command, for messages
 */
struct ctl {
	struct toe_out out;
	bool all;
	uint32_t times;
	const char *what;
};

int do_capture(struct ctl *ctl, int argc, char **argv);
int do_engine(struct ctl *ctl, int argc, char **argv);
int do_flow(struct ctl *ctl, int argc, char **argv);
int do_load(struct ctl *ctl, int argc, char **argv);
int do_monitor(struct ctl *ctl, int argc, char **argv);
int do_policy(struct ctl *ctl, int argc, char **argv);
int do_set(struct ctl *ctl, int argc, char **argv);
int do_settings(struct ctl *ctl, int argc, char **argv);
int do_stats(struct ctl *ctl, int argc, char **argv);
int do_top(struct ctl *ctl, int argc, char **argv);
int do_unload(struct ctl *ctl, int argc, char **argv);
int do_why(struct ctl *ctl, int argc, char **argv);
int do_xdp(struct ctl *ctl, int argc, char **argv);

/* churn.c: toectl flow churn */
int flow_churn(struct ctl *ctl, int argc, char **argv);

/**
 * struct command - a word and what it does
 * @word: the keyword
 * @fn: gets the words behind it
 */
struct command {
	const char *word;
	int (*fn)(struct ctl *ctl, int argc, char **argv);
};

/**
 * dispatch() - find a command by its first word and run it
 * @ctl: the invocation
 * @cmds: the commands, ended by one without a word
 * @usage: the grammar, printed for "help"
 * @argc: words
 * @argv: the words
 *
 * Return: the exit status.
 */
int dispatch(struct ctl *ctl, const struct command *cmds, const char *usage,
	     int argc, char **argv);

/**
 * is_help() - is the first word "help"?
 * @argc: words
 * @argv: the words
 *
 * Return: true when it is.
 */
bool is_help(int argc, char **argv);

/**
 * bad_word() - complain about a word of the command line
 * @ctl: the invocation
 * @word: the word, or NULL when one is missing
 * @expected: what should have been there
 *
 * Return: EXIT_USAGE.
 */
int bad_word(const struct ctl *ctl, const char *word, const char *expected);

/**
 * bad_words() - complain about words of the command line
 * @ctl: the invocation
 * @why: what is wrong with them
 *
 * Return: EXIT_USAGE.
 */
int bad_words(const struct ctl *ctl, const char *why);

/**
 * no_more() - complain when words are left over
 * @ctl: the invocation
 * @argc: words left
 * @argv: the words left
 *
 * Return: EXIT_OK or EXIT_USAGE.
 */
int no_more(const struct ctl *ctl, int argc, char **argv);

/**
 * fail() - say why something could not be done
 * @ctl: the invocation
 * @fmt: the reason
 *
 * Return: EXIT_FAIL.
 */
int fail(const struct ctl *ctl, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * connect_module() - open the netlink connection or say why not
 * @ctl: the invocation
 *
 * Return: the connection, or NULL.
 */
struct toe_nl *connect_module(const struct ctl *ctl);

/**
 * ask_module() - a command that takes no words and asks the module something
 * @ctl: the invocation
 * @argc: words left over
 * @argv: the words
 * @ask: asks and shows, with an open connection; returns EXIT_*
 *
 * Return: EXIT_*.
 */
int ask_module(struct ctl *ctl, int argc, char **argv,
	       int (*ask)(struct ctl *ctl, struct toe_nl *nl));

/**
 * fail_nl() - say why the module refused, in its own words when it has some
 * @ctl: the invocation
 * @nl: the connection
 * @err: negative errno
 *
 * Return: EXIT_FAIL.
 */
int fail_nl(const struct ctl *ctl, const struct toe_nl *nl, int err);

/**
 * show_list() - print what a dump answered, and free it
 * @ctl: the invocation
 * @nl: the connection that was asked
 * @err: what the dump returned
 * @list: the entries
 * @n: their number
 * @size: of one
 * @show: prints one
 *
 * Return: EXIT_*.
 */
int show_list(struct ctl *ctl, const struct toe_nl *nl, int err, void *list,
	      size_t n, size_t size,
	      void (*show)(struct toe_out *out, const void *entry));

/**
 * warn_unsteady() - say that a list changed faster than it could be read
 * @ctl: the invocation
 */
void warn_unsteady(const struct ctl *ctl);

/**
 * progress_begin() - show on a terminal that work goes on, when it takes longer
 * @what: the work
 */
void progress_begin(const char *what);

/**
 * progress_clear() - make room for a message
 */
void progress_clear(void);

/**
 * progress_end() - the work is done
 */
void progress_end(void);

/**
 * finish() - end the output
 * @ctl: the invocation
 *
 * Return: EXIT_OK, or EXIT_FAIL when it could not be written.
 */
int finish(const struct ctl *ctl);

/**
 * out_word() - print a keyword of the UAPI, or its number when it is too new
 * @out: the output
 * @key: JSON member
 * @fmt: format with one %s, or NULL
 * @word: the keyword, or NULL
 * @number: what it stands for
 */
void out_word(struct toe_out *out, const char *key, const char *fmt,
	      const char *word, unsigned int number);

/**
 * show_flow() - print one flow
 * @out: the output
 * @key: name of the JSON object, or NULL
 * @flow: the flow
 */
void show_flow(struct toe_out *out, const char *key, const struct toe_flow *flow);

/**
 * show_engine() - print one engine
 * @out: the output
 * @key: name of the JSON object, or NULL
 * @e: the engine
 */
void show_engine(struct toe_out *out, const char *key, const struct toe_engine *e);

/**
 * out_tuple() - print a connection's name in text: "local A:P remote A:P"
 * @out: the output
 * @tuple: the connection
 */
void out_tuple(struct toe_out *out, const struct toe_tuple *tuple);

/**
 * out_time() - print a point in time
 * @out: the output
 * @ns: CLOCK_REALTIME, nanoseconds
 */
void out_time(struct toe_out *out, uint64_t ns);

/**
 * out_addresses() - print a connection's name as members of a JSON object
 * @out: the output
 * @tuple: the connection
 */
void out_addresses(struct toe_out *out, const struct toe_tuple *tuple);

/**
 * parse_tuple() - read a connection's name and nothing behind it
 * @ctl: the invocation
 * @argc: words
 * @argv: the words
 * @tuple: the result
 *
 * Return: EXIT_*.
 */
int parse_tuple(const struct ctl *ctl, int argc, char **argv,
		struct toe_tuple *tuple);

/**
 * parse_flow() - read a flow's name, a tuple or an id, and nothing behind it
 * @ctl: the invocation
 * @argc: words
 * @argv: the words
 * @key: the result
 *
 * Return: EXIT_*.
 */
int parse_flow(const struct ctl *ctl, int argc, char **argv,
	       struct toe_flow_key *key);

#endif /* _TOECTL_H */
