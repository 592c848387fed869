/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The receive buffer of a socket that is offloaded and comes back: what the
 * stack's own tuning learnt there is forgotten, and what the peer was promised
 * gets its memory.
 */
#ifndef _TOE_ROOM_H
#define _TOE_ROOM_H

#include <linux/compiler.h>
#include <linux/types.h>

struct sock;

/**
 * struct toe_room - of a flow; the socket lock protects it
 * @tuned_rcvbuf: buffer size as tuned at the last offload
 * @tuned_clamp: the window's bound, likewise
 * @tuned_space: what the application read in a round trip, likewise
 * @rcvbuf: the buffer's size before the gift
 * @given: and with it; 0: none was made
 * @ratio: tp->scaling_ratio before the gift
 * @given_ratio: and with it
 * @rested: toe_room_take() has looked since the gift
 */
struct toe_room {
	int	tuned_rcvbuf;
	u32	tuned_clamp;
	u32	tuned_space;
	int	rcvbuf;
	int	given;
	u8	ratio;
	u8	given_ratio;
	bool	rested;
};

/**
 * toe_room_rcvbuf() - the receive buffer's size, as the stack or the application has it
 * @room: of the socket's flow
 * @sk: locked
 *
 * Return: bytes, without what a return has added.
 */
int toe_room_rcvbuf(const struct toe_room *room, const struct sock *sk);

/**
 * toe_room_install() - the socket becomes a shadow, without what a return has added
 * @room: of its flow
 * @sk: locked
 */
void toe_room_install(struct toe_room *room, struct sock *sk);

/**
 * toe_room_remove() - the socket is native again: as tuned as it was
 * @room: of its flow
 * @sk: locked
 */
void toe_room_remove(struct toe_room *room, struct sock *sk);

/**
 * toe_room_make() - memory for what comes home
 * @room: of its flow
 * @sk: locked, native, fed with what the engine received
 *
 * The buffer becomes larger, and a smaller part of it is promised, until the next
 * offload or toe_room_take().
 */
void toe_room_make(struct toe_room *room, struct sock *sk);

/**
 * toe_room_take() - the receive buffer as it was before the last return
 * @room: of a flow that toe_room_given(); does nothing when it is asked for the first
 *	time, or while the peer has a promise that would not fit
 * @sk: locked
 */
void toe_room_take(struct toe_room *room, struct sock *sk);

/* Is there something to take? Without the socket lock. */
static inline bool toe_room_given(const struct toe_room *room)
{
	return READ_ONCE(room->given);
}

#endif /* _TOE_ROOM_H */
