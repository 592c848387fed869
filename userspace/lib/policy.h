/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy: rules in the order of their priorities; the first that matches a
 * connection decides. Its words are the grammar of toectl-policy(8), on the
 * command line and, a rule a line, in a file.
 *
 * Functions that take words return 0 or -EINVAL, and then say in @why, in one
 * line without a newline, which word is wrong.
 */
#ifndef _TOE_LIB_POLICY_H
#define _TOE_LIB_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <toe/policy.h>

#define TOE_RULE_LIST		16	/* ports, prefixes, uids of a rule */
#define TOE_RULE_CGROUP_LEN	1024
#define TOE_RULE_NETNS_LEN	64
#define TOE_WHY_LEN		256

struct toe_port_range {
	uint16_t first;
	uint16_t last;
};

/**
 * struct toe_prefix - a network
 * @family: AF_INET or AF_INET6
 * @len: bits, 0 to 32 or 128
 * @addr: its address, zero behind @len; IPv4 in element 0
 */
struct toe_prefix {
	uint16_t family;
	uint16_t len;
	__be32 addr[4];
};

/**
 * struct toe_rule - one rule
 * @asks: bit per enum toe_policy_dim that it asks about; the members of others
 *	are zero
 * @accepted: TOE_DIM_DIR
 * @local: TOE_DIM_LOCAL, @n_local of them, one of which must match
 * @remote: TOE_DIM_REMOTE
 * @lport: TOE_DIM_LPORT
 * @rport: TOE_DIM_RPORT
 * @dev: TOE_DIM_DEV
 * @cgroup: TOE_DIM_CGROUP, a path from the root of cgroup2, "/" or "/a/b"
 * @uid: TOE_DIM_UID
 * @mark: TOE_DIM_MARK, no bit outside of @mask
 * @mask: its mask
 * @netns: TOE_DIM_NETNS, a name under /run/netns
 * @netns_cookie: what that name meant when the rule was read
 * @action: prio, and what to do: TOE_SIGNAL_NEVER, or threshold and the others,
 *	with or without TOE_SIGNAL_CAREFUL
 */
struct toe_rule {
	uint32_t asks;
	bool accepted;
	uint8_t n_local, n_remote, n_lport, n_rport, n_uid;
	struct toe_prefix local[TOE_RULE_LIST];
	struct toe_prefix remote[TOE_RULE_LIST];
	struct toe_port_range lport[TOE_RULE_LIST];
	struct toe_port_range rport[TOE_RULE_LIST];
	uint32_t uid[TOE_RULE_LIST];
	char dev[TOE_POLICY_DEV_NAME];
	char cgroup[TOE_RULE_CGROUP_LEN];
	uint32_t mark;
	uint32_t mask;
	char netns[TOE_RULE_NETNS_LEN];
	uint64_t netns_cookie;
	struct toe_signal action;
};

/**
 * struct toe_policy - rules by rising priority, no two alike
 * @rules: allocated
 * @n: their number, at most TOE_POLICY_MAX_RULES
 */
struct toe_policy {
	struct toe_rule *rules;
	unsigned int n;
};

/* policy.c: the list */

void toe_policy_free(struct toe_policy *p);

/**
 * toe_policy_find() - a rule by priority
 * Return: the rule, or NULL.
 */
struct toe_rule *toe_policy_find(const struct toe_policy *p, uint32_t prio);

/**
 * toe_policy_insert() - add a rule at its place
 * Return: 0, -EEXIST when the priority is taken, -ENOSPC, -ENOMEM.
 */
int toe_policy_insert(struct toe_policy *p, const struct toe_rule *rule);

/**
 * toe_policy_remove() - remove a rule
 * Return: 0 or -ENOENT.
 */
int toe_policy_remove(struct toe_policy *p, uint32_t prio);

/* policy_names.c: what names mean on this machine */

/**
 * toe_cgroup_root() - where cgroup2 is mounted
 * @path: the result, the first such folder
 * @len: of @path
 *
 * Return: 0, -ENOENT when it is not mounted.
 */
int toe_cgroup_root(char *path, size_t len);

/**
 * toe_cgroup_id() - the number of a cgroup
 * @path: from the root of cgroup2
 * @id: the result
 *
 * Return: 0; -ENOENT; -ENODEV when cgroup2 is not mounted; or another negative
 * errno.
 */
int toe_cgroup_id(const char *path, uint64_t *id);

/**
 * toe_cgroup_path() - the path of a cgroup
 * @id: its number
 * @path: the result, from the root of cgroup2
 * @len: of @path
 *
 * Return: 0, -ESTALE when it is gone, or another negative errno.
 */
int toe_cgroup_path(uint64_t id, char *path, size_t len);

/**
 * toe_netns_cookie() - the cookie of a network namespace
 * @name: its name under /run/netns; NULL: the caller's own
 * @cookie: the result
 *
 * Return: 0, -ENOENT when there is none of that name, or a negative errno.
 */
int toe_netns_cookie(const char *name, uint64_t *cookie);

/* policy_rule.c: words to rule; policy_format.c: rule to words */

/**
 * toe_rule_parse() - read a rule from words
 * @rule: the result
 * @argc: number of words, "prio N" and what follows
 * @argv: the words
 * @why: what is wrong, TOE_WHY_LEN
 *
 * Asks the system for what names mean: interfaces need not exist, cgroups,
 * users and network namespaces must.
 */
int toe_rule_parse(struct toe_rule *rule, int argc, char **argv, char *why);

/**
 * toe_rule_format() - a rule in words that toe_rule_parse() takes
 * @rule: the rule
 * @buf: the result
 * @len: of @buf; TOE_RULE_TEXT_LEN is always enough
 */
#define TOE_RULE_TEXT_LEN	5120
void toe_rule_format(const struct toe_rule *rule, char *buf, size_t len);

/**
 * toe_dim_format() - one condition of a rule in words
 * @rule: the rule
 * @dim: the condition; the rule asks about it
 * @buf: the result, "lport 80,443"
 * @len: of @buf; TOE_RULE_TEXT_LEN is always enough
 */
void toe_dim_format(const struct toe_rule *rule, enum toe_policy_dim dim,
		    char *buf, size_t len);

/**
 * toe_prefix_format() - a prefix in words
 * @p: the prefix
 * @buf: the result
 * @len: of @buf; TOE_PREFIX_LEN is always enough
 *
 * Return: @buf.
 */
#define TOE_PREFIX_LEN		56
const char *toe_prefix_format(const struct toe_prefix *p, char *buf, size_t len);

/* policy_file.c: a whole policy in words */

/* The longest line of a file, with its zero */
#define TOE_POLICY_LINE_LEN	8192

/**
 * toe_policy_read() - read a policy
 * @p: the result; nothing when it fails
 * @file: where from
 * @name: its name, for @why, which begins "NAME:LINE: "
 * @why: what is wrong, TOE_WHY_LEN
 *
 * Return: 0, -EINVAL, -ENOMEM or what reading failed with.
 */
int toe_policy_read(struct toe_policy *p, FILE *file, const char *name, char *why);

/**
 * toe_policy_write() - write a policy
 * Return: 0 or what writing failed with.
 */
int toe_policy_write(const struct toe_policy *p, FILE *file);

/*
 * The same for the words that are kept in the kernel beside the program that
 * was made of them. They were right once: a cgroup that is gone by now is no
 * error, and a network namespace is written NAME/COOKIE and means what NAME
 * meant then, whatever it means now.
 */
int toe_policy_read_kept(struct toe_policy *p, FILE *file, const char *name,
			 char *why);
int toe_policy_write_kept(const struct toe_policy *p, FILE *file);

/* policy_match.c: rule by rule, as the grammar says it */

/**
 * toe_rule_mismatch() - which conditions of a rule a connection does not meet
 * @rule: the rule
 * @facts: the connection
 * @cgroup: path of its cgroup
 *
 * Return: bit per enum toe_policy_dim; 0: the rule matches.
 */
uint32_t toe_rule_mismatch(const struct toe_rule *rule,
			   const struct toe_policy_facts *facts,
			   const char *cgroup);

/**
 * toe_policy_match() - the first rule that matches
 * Return: its number, or TOE_POLICY_NO_RULE.
 */
unsigned int toe_policy_match(const struct toe_policy *p,
			      const struct toe_policy_facts *facts,
			      const char *cgroup);

#endif /* _TOE_LIB_POLICY_H */
