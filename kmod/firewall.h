/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The firewall's rules, by network namespace: when they changed, and what the
 * daemon says of them.
 */
#ifndef _TOE_FIREWALL_H
#define _TOE_FIREWALL_H

#include <linux/toe.h>
#include <linux/types.h>

struct net;

/**
 * struct toe_firewall - what is known of a namespace's rules
 * @generation: counts the changes; 0: none was noticed
 * @changed_ns: ktime of the last one
 * @nftables: changes of nftables are heard
 * @asked: somebody wanted to know what @careful says
 * @careful: enum toe_careful, of this generation
 */
struct toe_firewall {
	u32	generation;
	u64	changed_ns;
	bool	nftables;
	bool	asked;
	u8	careful;
};

/**
 * toe_firewall_watch() - notice changes in a namespace from now on
 * @net: the namespace
 *
 * Context: process, may sleep.
 * Return: 0, or why its changes cannot be heard.
 */
int toe_firewall_watch(struct net *net);

/**
 * toe_firewall_get() - what is known
 * @net: the namespace
 *
 * Context: any.
 */
struct toe_firewall toe_firewall_get(struct net *net);

/**
 * toe_firewall_quiet() - have the rules stood still for a while?
 * @fw: the rules
 *
 * Who changes many, one by one, does not have flows go back and forth.
 */
bool toe_firewall_quiet(const struct toe_firewall *fw);

/**
 * toe_firewall_changed() - the rules of a namespace changed
 * @net: the namespace
 *
 * Its flows come back, and what was said of the rules is void.
 *
 * Context: any but hard interrupt.
 */
void toe_firewall_changed(struct net *net);

/**
 * toe_firewall_judge() - what the daemon found in the rules
 * @net: the namespace
 * @generation: when it looked
 * @careful: TOE_CAREFUL_CLEAR or TOE_CAREFUL_RULES
 *
 * Context: process.
 * Return: 0, or -ESTALE when the rules have changed since.
 */
int toe_firewall_judge(struct net *net, u32 generation,
		       enum toe_careful careful);

/**
 * toe_firewall_clear() - may a careful rule's flow leave the stack?
 * @net: its namespace
 *
 * Context: any.
 * Return: true when the daemon has said that no rule of the firewall has to see
 * each packet, and nothing has changed since.
 */
bool toe_firewall_clear(struct net *net);

int toe_firewall_init(void);
void toe_firewall_exit(void);

#endif /* _TOE_FIREWALL_H */
