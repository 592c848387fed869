/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module cannot know of the firewall: that rules of iptables-legacy
 * changed, and whether a rule must see each packet, which the policy's word careful
 * asks. Looked at in this network namespace, many times a second.
 */
#ifndef TOED_FIREWALL_H
#define TOED_FIREWALL_H

#include <stdbool.h>
#include <stdint.h>

#include "legacy.h"
#include "loop.h"
#include "netlink.h"
#include "nftables.h"

/**
 * struct firewall - what was seen of it
 * @timer: says when to look; who embeds this sets @timer.ready, which is to call
 *	firewall_look()
 * @on: the module is there
 * @legacy: the rules of iptables-legacy
 * @asked_ns: when the module was asked last, CLOCK_MONOTONIC
 * @busy_ns: until then @legacy is looked at often
 * @looked_ns: when it was looked at last
 * @generation: as the module said it last
 * @settling: the rules have just changed, and the module wants to know of them
 * @judged: the module was told what was found
 * @why: what that was, so that it is logged once
 */
struct firewall {
	struct loop_source timer;
	bool on;
	struct legacy legacy;
	uint64_t asked_ns;
	uint64_t busy_ns;
	uint64_t looked_ns;
	uint32_t generation;
	bool settling;
	bool judged;
	char why[NFTABLES_WHY_LEN];
};

/**
 * firewall_open() - make the timer; it stands still
 * Return: 0 or a negative errno.
 */
int firewall_open(struct firewall *fw);

/**
 * firewall_begin() - the module has come, gone, or is another one
 * @fw: the firewall
 * @on: it is there: look from now on
 *
 * Return: 0 or a negative errno.
 */
int firewall_begin(struct firewall *fw, bool on);

/**
 * firewall_look() - once
 * @fw: the firewall
 * @nl: the module; NULL: it does not answer at the moment
 *
 * Return: 0, or what asking the module failed with.
 */
int firewall_look(struct firewall *fw, struct toe_nl *nl);

void firewall_free(struct firewall *fw);

#endif
