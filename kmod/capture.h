/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captures: frames of offloaded flows, from an engine to a netlink socket.
 *
 * A capture belongs to a socket and ends with it. It follows its connection: on
 * whatever engine and under whatever id that is. Nothing waits for a capture,
 * neither the engine nor the flow: what has no room is dropped and counted.
 *
 * Who holds a reference: the list, until the socket is closed or its capture
 * stopped; each call that starts or stops it. Found by up-calls under RCU.
 */
#ifndef _TOE_CAPTURE_H
#define _TOE_CAPTURE_H

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/wait.h>

#include "flow.h"

#define TOE_MAX_CAPTURES	16

/**
 * struct toe_capture - a flow's frames on their way to a socket
 * @node: in the list; L
 * @listed: it is there; L
 * @refs: see above
 * @rcu: frees it
 * @key: the connection; @key.net is the socket's, too
 * @portid: the socket
 * @snaplen: most bytes of a frame
 * @id: of the flow on its engine, 0: it has been on none since; L
 * @engine: that engine; compared, never followed; L
 * @wait: woken when what follows changes
 * @answered: the engine has answered the first start; written under L
 * @err: how; L
 * @ended: the engine has shown the last frame of @id
 * @over: nothing of this connection will come any more
 * @frames: given to the socket; written by up-calls, one at a time
 * @dropped: the socket had no room; likewise
 * @engine_dropped: by the engine, of @id
 * @before_dropped: by the engine, of earlier ids; L
 *
 * L: toe_captures_lock
 */
struct toe_capture {
	struct list_head	node;
	bool			listed;
	refcount_t		refs;
	struct rcu_head		rcu;
	struct toe_flow_key	key;
	u32			portid;
	u32			snaplen;
	u32			id;
	const struct toe_engine	*engine;
	wait_queue_head_t	wait;
	bool			answered;
	int			err;
	bool			ended;
	bool			over;
	u64			frames;
	u64			dropped;
	u64			engine_dropped;
	u64			before_dropped;
};

/**
 * toe_capture_start() - begin to capture a flow, wait for the engine's answer
 * @flow: the flow, referenced by the caller
 * @portid: the socket, in the flow's network namespace
 * @snaplen: most bytes of a frame
 *
 * Context: process, may sleep.
 * Return: 0; -ENOENT: the flow is on no engine; -EBUSY: it is captured already;
 * -EALREADY: the socket captures already; -ENOSPC: too many captures;
 * -EOPNOTSUPP: its engine cannot; what the engine answered; -ETIMEDOUT;
 * -ENOMEM.
 */
int toe_capture_start(struct toe_flow *flow, u32 portid, u32 snaplen);

/**
 * toe_capture_get() - the capture of a socket
 * @net: its namespace
 * @portid: the socket
 *
 * Return: the capture, for toe_capture_put(), or NULL.
 */
struct toe_capture *toe_capture_get(const struct net *net, u32 portid);
void toe_capture_put(struct toe_capture *c);
DEFINE_FREE(toe_capture_put, struct toe_capture *, if (_T) toe_capture_put(_T))

/**
 * toe_capture_stop() - show no more, wait for the last frame
 * @c: referenced by the caller; stays the socket's
 *
 * Context: process, may sleep.
 */
void toe_capture_stop(struct toe_capture *c);

/**
 * toe_capture_remove() - the capture ends
 * @c: referenced by the caller
 *
 * Waits for the engine's last word on it, for a second at most: until then the
 * flow is captured for everybody else.
 *
 * Context: process, may sleep.
 */
void toe_capture_remove(struct toe_capture *c);

/**
 * toe_capture_dropped() - frames that were lost, wherever
 * @c: referenced, or under RCU
 *
 * Return: their number.
 */
u64 toe_capture_dropped(const struct toe_capture *c);

/**
 * toe_capture_open() - a flow is on its way to an engine: does somebody capture it?
 * @flow: in its work, with an id, known to the engine
 *
 * Context: process, may sleep.
 */
void toe_capture_open(struct toe_flow *flow);

/**
 * toe_capture_portid() - who captures a connection
 * @key: the connection
 *
 * Return: the socket, 0: nobody.
 */
u32 toe_capture_portid(const struct toe_flow_key *key);

/**
 * toe_capture_forget() - a connection has ended
 * @key: its name
 *
 * Context: process.
 */
void toe_capture_forget(const struct toe_flow_key *key);

/**
 * toe_capture_engine_gone() - an engine has failed or is unregistered
 * @e: the engine; it shows nothing more
 */
void toe_capture_engine_gone(const struct toe_engine *e);

int toe_capture_init(void);
void toe_capture_exit(void);

#endif /* _TOE_CAPTURE_H */
