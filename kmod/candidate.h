/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Candidates: connections that a rule or an administrator wants on an engine.
 * Once the module knows of one it is in charge of it: it decides when to try,
 * and when to try again.
 */
#ifndef _TOE_CANDIDATE_H
#define _TOE_CANDIDATE_H

#include "flow.h"

/**
 * toe_candidate_signal() - make a connection a candidate
 * @sk: its socket, locked by anyone or no one
 * @sig: the rule that makes it one, checked; NULL: an administrator asks
 * @flowp: when not NULL, a reference to the flow on success and on -EEXIST
 *
 * Takes a reference to @sk, removes duplicates, queues the work. Nothing else. An
 * administrator does not have to wait until a flow that failed may try again.
 *
 * Context: any but hard interrupt and NMI.
 * Return: 0 when it is tried now; -EEXIST when it is known, and on its way or
 * left alone for a while; -ENOSPC when too many flows are known, -ENOMEM,
 * -ENOTCONN, -EAGAIN when another connection has hardly left the name,
 * -ESHUTDOWN.
 */
int toe_candidate_signal(struct sock *sk, const struct toe_signal *sig,
			 struct toe_flow **flowp);

/**
 * toe_candidate_policy() - the policy for a connection is now this
 * @sk: its socket, locked by anyone or no one
 * @sig: the rule that matches, checked; prio 0: none
 *
 * Returns a flow that is offloaded and that no rule wants there any more: it is
 * never to be, or there is no rule for it and no administrator asked either; and
 * one of whose packets the rule wants to know what the old rule did not.
 *
 * Context: any but hard interrupt and NMI.
 * Return: 1 when the connection is known, 0 when not.
 */
int toe_candidate_policy(struct sock *sk, const struct toe_signal *sig);

/**
 * toe_candidate_rule() - the rule that has a flow where it is, or would have
 * @flow: any
 *
 * Return: the rule; prio 0: none, an administrator or nobody.
 */
struct toe_signal toe_candidate_rule(struct toe_flow *flow);

/**
 * toe_candidate_why() - what would become of a signal for a connection now
 * @sk: its socket, referenced
 * @flow: its flow, or NULL
 * @engine: the engine that it would go to; TOE_ENGINE_NAME_LEN bytes
 *
 * Context: process, sleeps. Changes nothing.
 * Return: TOE_REASON_NONE when it would be tried, else why not.
 */
enum toe_reason toe_candidate_why(struct sock *sk, struct toe_flow *flow,
				  char *engine);

/**
 * toe_candidate_returned() - a flow came back
 * @flow: in its work, before it settles
 * @reason: why
 *
 * One that came for the firewall's sake is tried again as soon as that is content.
 */
void toe_candidate_returned(struct toe_flow *flow, enum toe_reason reason);

/**
 * toe_candidate_refused() - a flow stays in the stack
 * @flow: in its work, before it settles
 * @reason: why
 *
 * As above; one that was waiting so goes on waiting.
 */
void toe_candidate_refused(struct toe_flow *flow, enum toe_reason reason);

/**
 * toe_candidate_stay() - an administrator wants a flow in the stack, where it is
 * @flow: any
 */
void toe_candidate_stay(struct toe_flow *flow);

/**
 * toe_candidate_again() - who waits for the firewall may go now
 *
 * Context: any but hard interrupt.
 */
void toe_candidate_again(void);

/* There is a new flow to be looked at from time to time. */
void toe_candidate_sweep(void);
/* Nothing is tried again any more. */
void toe_candidate_stop(void);

#endif /* _TOE_CANDIDATE_H */
