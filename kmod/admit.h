/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * May this connection go to an engine, and to which? One way through all the
 * tests, for who opens and for who only wants to know.
 */
#ifndef _TOE_ADMIT_H
#define _TOE_ADMIT_H

#include <linux/if_ether.h>
#include <linux/toe.h>
#include <toe/signal.h>

#include "conntrack.h"

struct net;
struct sock;
struct toe_engine;
struct toe_flow;
struct toe_places;

/**
 * struct toe_admission - the question, and the answer
 * @net: the connection's network namespace
 * @tuple: its name
 * @sk: its socket, referenced by the caller
 * @flow: its flow; NULL: it has none
 * @sig: the rule that makes it a candidate; NULL: an administrator asks
 * @places: taken in the quotas, for toe_quota_put(); NULL: only look, take
 *	nothing and do not wait for calm
 * @engine: answer: the engine, with a reference and a place on it for
 *	toe_engine_put(); NULL when only looking
 * @engine_name: answer: its name
 * @entry: answer: its entry in conntrack, for toe_entry_put(); empty when only
 *	looking
 */
struct toe_admission {
	struct net		*net;
	const struct toe_tuple	*tuple;
	struct sock		*sk;
	struct toe_flow		*flow;
	const struct toe_signal	*sig;
	struct toe_places	*places;

	struct toe_engine	*engine;
	char			engine_name[TOE_ENGINE_NAME_LEN];
	struct toe_entry	entry;
};

/**
 * toe_admit() - ask
 * @a: the question filled in
 *
 * Waits, bounded, until the connection is calm. With the socket unlocked on
 * return what was found may change, so the last look is who opens' own.
 *
 * Context: process, sleeps.
 * Return: TOE_REASON_NONE, or why not; then nothing is taken.
 */
enum toe_reason toe_admit(struct toe_admission *a);

#endif /* _TOE_ADMIT_H */
