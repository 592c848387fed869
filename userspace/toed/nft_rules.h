/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chains, sets and rules of nftables as far as it matters which of them a packet
 * meets and which of them must meet each packet. nftables.c fills it in from the
 * kernel's messages.
 */
#ifndef TOED_NFT_RULES_H
#define TOED_NFT_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;

#define NFT_NAME_LEN	256	/* NFT_NAME_MAXLEN */
#define NFT_WORD_LEN	32

struct nft_rules;

/* Return: an empty one, or NULL: no memory. */
struct nft_rules *nft_rules_new(void);

void nft_rules_free(struct nft_rules *r);

/*
 * Each takes a message of the kernel: NFT_MSG_NEWCHAIN, NFT_MSG_NEWSET,
 * NFT_MSG_NEWRULE; chains and sets come before rules. Return: 0, -ENOMEM, or
 * -EBADMSG for a message without a name.
 */
int nft_rules_chain(struct nft_rules *r, const struct nlmsghdr *nlh);
int nft_rules_set(struct nft_rules *r, const struct nlmsghdr *nlh);
int nft_rules_rule(struct nft_rules *r, const struct nlmsghdr *nlh);

/**
 * nft_rules_careful() - a rule that must see each packet of the host
 * @r: all of them
 * @why: the result, in words; empty: there is none
 * @len: of @why
 */
void nft_rules_careful(struct nft_rules *r, char *why, size_t len);

#endif
