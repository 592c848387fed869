/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iptables-legacy: the kernel tells nobody when its rules change, so they are read
 * and compared.
 */
#ifndef TOED_LEGACY_H
#define TOED_LEGACY_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct picture - the rules of one address family, as they were read
 * @data: table by table, without counters; NULL: nothing
 * @len: of @data
 */
struct picture {
	char *data;
	size_t len;
};

/**
 * struct legacy - what was seen of them
 * @was: by address family, IPv4 and IPv6
 * @seen: they were read once
 * @careful: a rule that must see each packet; empty: there is none
 * @err: of the last look, so that the same one is not told each time
 */
#define LEGACY_WHY_LEN	128
struct legacy {
	struct picture was[2];
	bool seen;
	char careful[LEGACY_WHY_LEN];
	int err;
};

/**
 * legacy_there() - is there anything to read, or was there?
 * @l: what was seen before
 *
 * Next to nothing where iptables-legacy is not in use.
 */
bool legacy_there(const struct legacy *l);

/**
 * legacy_look() - read the rules, once more
 * @l: what was seen before; zero at first
 * @changed: the result: they are not what they were
 *
 * Tables that are not loaded are not touched, so that none is loaded for it.
 *
 * Return: 0 or a negative errno; then nothing has changed in @l, and it was said.
 */
int legacy_look(struct legacy *l, bool *changed);

void legacy_free(struct legacy *l);

/* legacy_rules.c: one table */

/**
 * legacy_strip() - take out of a table what changes without anybody changing it
 * @entries: its rules, struct ipt_entry or struct ip6t_entry
 * @len: of @entries
 * @ipv6: which
 *
 * Return: 0, or -EBADMSG for lengths that are impossible.
 */
int legacy_strip(char *entries, size_t len, bool ipv6);

/**
 * struct legacy_table - a table's rules
 * @entries: as legacy_strip() left them
 * @len: of @entries
 * @n: number of entries
 * @ipv6: struct ip6t_entry, not struct ipt_entry
 * @valid_hooks: bit per hook that has a chain
 * @hook_entry: where that chain begins
 * @underflow: its last rule
 */
struct legacy_table {
	const char *entries;
	size_t len;
	size_t n;
	bool ipv6;
	unsigned int valid_hooks;
	const unsigned int *hook_entry;
	const unsigned int *underflow;
};

/**
 * legacy_careful() - a match or a target that must see each packet
 * @t: the table
 *
 * Looks at the chains that the host's own packets pass.
 *
 * Return: its name, or NULL when there is none.
 */
const char *legacy_careful(const struct legacy_table *t);

/**
 * xt_careful() - must it see each packet?
 * @name: of a match or a target of iptables
 */
bool xt_careful(const char *name);

#endif
