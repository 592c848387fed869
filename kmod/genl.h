/* SPDX-License-Identifier: GPL-2.0-only */
/* The netlink face. */
#ifndef _TOE_GENL_H
#define _TOE_GENL_H

#include "flow.h"

/**
 * toe_genl_event() - tell listeners of a transition
 * @flow: referenced
 * @from: state left
 * @to: state entered
 * @reason: why
 *
 * Context: process, may sleep.
 */
void toe_genl_event(struct toe_flow *flow, enum toe_flow_state from,
		    enum toe_flow_state to, enum toe_reason reason);

/**
 * toe_genl_engine_event() - tell the listeners of all network namespaces
 * @e: the engine
 * @change: what became of it
 *
 * Who has no memory for the message hears nothing.
 */
void toe_genl_engine_event(struct toe_engine *e, enum toe_engine_change change);

struct toe_capture;

/**
 * toe_genl_capture_frame() - send a frame to who captures it
 * @c: under RCU
 * @frame: the frame; copied
 *
 * Context: any.
 * Return: 0, -ENOMEM, -EAGAIN when the socket has no room.
 */
int toe_genl_capture_frame(const struct toe_capture *c,
			   const struct toe_engine_frame *frame);

/**
 * toe_genl_capture_over() - tell who captures that nothing more will come
 * @c: under RCU or its lock
 * @reason: why
 *
 * Context: any.
 */
void toe_genl_capture_over(const struct toe_capture *c, enum toe_reason reason);

int toe_genl_init(void);
void toe_genl_exit(void);

#endif /* _TOE_GENL_H */
