/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules of nftables, and so those of iptables-nft, in this network namespace.
 */
#ifndef TOED_NFTABLES_H
#define TOED_NFTABLES_H

#include <stddef.h>

#define NFTABLES_WHY_LEN	256

/**
 * nftables_careful() - is there a rule that must see each packet?
 * @why: the result: which one, in words; empty: there is none. NFTABLES_WHY_LEN
 *
 * Looks at the chains that the host's own packets pass. To be called only when
 * nftables is loaded: the question would load it.
 *
 * Return: 0 or a negative errno; -EAGAIN when the rules changed meanwhile.
 */
int nftables_careful(char *why);

#endif
