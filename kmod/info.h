/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the engine's TCP knows and the host's cannot, because it sees no segment:
 * put where people look for it, in the socket and in the namespace's counters.
 */
#ifndef _TOE_INFO_H
#define _TOE_INFO_H

#include <linux/types.h>

struct sock;
struct toe_engine_info;
struct toe_flow;

/**
 * toe_info_ok() - can an engine's numbers follow on those before?
 * @old: before
 * @new: now
 *
 * No counter goes back, nor further ahead than a wire carries.
 */
bool toe_info_ok(const struct toe_engine_info *old,
		 const struct toe_engine_info *new);

/**
 * toe_info_install() - nothing is booked yet
 * @flow: in its work
 * @sk: its socket, locked, about to become a shadow
 */
void toe_info_install(struct toe_flow *flow, struct sock *sk);

/**
 * toe_info_book() - put what the engine has said since the last time into the
 *	socket and into its namespace's counters
 * @flow: its lock not held
 * @sk: its socket, locked, or in its spinlock with nobody owning it
 */
void toe_info_book(struct toe_flow *flow, struct sock *sk);

/**
 * toe_info_rtt() - let a socket show and use a round-trip time
 * @sk: locked, or in its spinlock
 * @srtt_us: smoothed, microseconds; 0: not known, nothing is done
 * @rttvar_us: its mean deviation, microseconds
 */
void toe_info_rtt(struct sock *sk, u32 srtt_us, u32 rttvar_us);

#endif /* _TOE_INFO_H */
