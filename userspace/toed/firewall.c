// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>

#include "clock.h"
#include "firewall.h"
#include "log.h"

/* Between two looks at the rules of iptables-legacy; and no more than this share of
 * a processor is spent on them, however long they are.
 */
#define LOOK_NS		(50 * NS_PER_MS)
#define SHARE		10
/* Where there are no such rules, between two questions to the module; and between two
 * looks when there have been no flows on engines for a while: the picture is not to be
 * out of date when there are some again, or that would be a change.
 */
#define IDLE_LOOK_NS	NS_PER_S
#define LINGER_NS	(10 * NS_PER_S)

/* @ns: from now; 0: never */
static int set_timer(const struct firewall *fw, uint64_t ns)
{
	struct itimerspec when = {
		.it_value = { ns / NS_PER_S, ns % NS_PER_S },
	};

	return timerfd_settime(fw->timer.fd, 0, &when, NULL) ? -errno : 0;
}

int firewall_open(struct firewall *fw)
{
	fw->timer.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return fw->timer.fd < 0 ? -errno : 0;
}

int firewall_begin(struct firewall *fw, bool on)
{
	/* What is in the picture stays: a change meanwhile is one. */
	fw->judged = false;
	fw->on = on;
	return set_timer(fw, on ? LOOK_NS : 0);
}

/* What the module asks, once the rules stand still. */
static int judge(struct firewall *fw, struct toe_nl *nl, const struct toe_firewall *now)
{
	char why[NFTABLES_WHY_LEN] = "";
	enum toe_careful careful;
	int err = 0;

	/* Not known is not harmless; it is looked at again. */
	if (!fw->legacy.seen || fw->legacy.err)
		return 0;
	strcpy(why, fw->legacy.careful);
	if (!*why && now->nftables)
		err = nftables_careful(why);
	if (err == -EAGAIN)
		return 0;
	if (err) {
		log_warn("the rules of nftables cannot be read: %s", strerror(-err));
		return 0;
	}
	careful = *why ? TOE_CAREFUL_RULES : TOE_CAREFUL_CLEAR;
	err = toe_nl_firewall_judge(nl, now->generation, careful);
	if (err)
		return err == -ESTALE ? 0 : err;
	if (fw->judged && !strcmp(why, fw->why))
		return 0;
	if (*why)
		log_info("careful rules refuse: %s", why);
	else
		log_info("careful rules need not refuse: no rule of the firewall must see each packet");
	fw->judged = true;
	strcpy(fw->why, why);
	return 0;
}

/* What the module does not hear. Return: it was told of a change. */
static int look_legacy(struct firewall *fw, struct toe_nl *nl, bool *changed)
{
	/* What fails was said, and is tried again. */
	if (legacy_look(&fw->legacy, changed) || !*changed)
		return 0;
	log_debug("rules of iptables-legacy changed");
	return toe_nl_firewall_changed(nl);
}

static int look(struct firewall *fw, struct toe_nl *nl)
{
	bool unknown, quiet, changed = false;
	struct toe_firewall now;
	uint64_t at = toe_clock_ns(CLOCK_MONOTONIC);
	int err;

	if (!fw->settling && at < fw->asked_ns + IDLE_LOOK_NS &&
	    !legacy_there(&fw->legacy))
		return 0;
	fw->asked_ns = at;
	err = toe_nl_firewall_get(nl, &now);
	/* A module that is older than this daemon */
	if (err == -EOPNOTSUPP)
		return 0;
	if (err)
		return err;
	quiet = now.generation == fw->generation;
	fw->generation = now.generation;
	if (now.flows)
		fw->busy_ns = at + LINGER_NS;
	unknown = now.asked && now.careful == TOE_CAREFUL_UNKNOWN;
	if (unknown || at < fw->busy_ns || at >= fw->looked_ns + IDLE_LOOK_NS) {
		fw->looked_ns = at;
		err = look_legacy(fw, nl, &changed);
	}
	if (!err && unknown && quiet && !changed)
		err = judge(fw, nl, &now);
	fw->settling = unknown && !quiet;
	return err;
}

int firewall_look(struct firewall *fw, struct toe_nl *nl)
{
	uint64_t start = toe_clock_ns(CLOCK_PROCESS_CPUTIME_ID), next;
	int err = nl ? look(fw, nl) : 0;

	/* It stood still if the module has just been found gone. */
	if (!fw->on)
		return err;
	next = SHARE * (toe_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start);
	set_timer(fw, next < LOOK_NS ? LOOK_NS : next);
	return err;
}

void firewall_free(struct firewall *fw)
{
	legacy_free(&fw->legacy);
}
