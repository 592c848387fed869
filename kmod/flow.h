/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flow: a connection that toe knows.
 *
 * Who holds a reference:
 *	the table (from toe_flow_new() until toe_flow_forget()),
 *	the work while it is queued, for now or for later, or runs,
 *	the list of flows that settle (gate.c), the timer while it is armed,
 *	the id while the flow is on an engine, each toe_flow_get*() caller.
 * The last toe_flow_put() frees it after an RCU grace period.
 *
 * flow->sk is a counted reference from the signal until the flow is HOST
 * again; between offloads the socket is not held: it is looked up by name, and is
 * ours if it has the address it had.
 *
 * flow->busy says that the work has the flow, from toe_flow_begin() until
 * toe_flow_settle(). A flow that is not busy is HOST, and only its name, its
 * rule and its past are of interest (candidate.c).
 *
 * Locks, outermost first:
 *	the socket lock (lock_sock() or bh_lock_sock() with nobody owning it),
 *	flow->lock (a BH spinlock), the driver's own locks.
 *
 * Only the flow's own work changes state and step; one work item does not run
 * twice at the same time, so the migration code in it needs no lock of its own.
 */
#ifndef _TOE_FLOW_H
#define _TOE_FLOW_H

#include <linux/completion.h>
#include <linux/rhashtable.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <net/sock.h>
#include <net/tcp.h>

#include <toe/engine.h>
#include <toe/signal.h>

#include "backoff.h"
#include "keep.h"
#include "quota.h"
#include "room.h"
#include "stall.h"
#include "seen.h"

struct tcp_congestion_ops;
struct inet_connection_sock_af_ops;

/* What the gate does with a wire frame of the flow */
enum toe_gate_mode {
	TOE_GATE_OPEN,		/* nothing: the stack has the flow */
	TOE_GATE_INJECT,	/* data to the engine; SYN, FIN, RST parked */
	TOE_GATE_PARK,		/* everything parked */
};

/* What the work of a flow waits for. Where it goes on then: migrate.c */
enum toe_step {
	TOE_STEP_NONE,		/* nothing: it is HOST or ENGINE */
	TOE_STEP_PREPARED,	/* the engine's answer to PREPARE */
	TOE_STEP_SETTLED,	/* what passed the gate is in the socket */
	TOE_STEP_OPENED,	/* the answer to OPEN */
	TOE_STEP_CLOSED,	/* to CLOSE */
	TOE_STEP_ARRIVED,	/* all that the engine received */
	TOE_STEP_RELEASED,	/* the answer to RELEASE */
};

struct toe_flow_key {
	struct toe_tuple	tuple;
	struct net		*net;
};

/**
 * struct toe_flow - see the head of this file
 * @node: in the table, by @key
 * @key: name and network namespace; constant
 * @refs: see above
 * @rcu: frees it
 * @work: the state machine, see migrate.c
 * @timer: tries again to feed what the stack had no room for
 * @wait: woken at every state change
 * @sk: the socket, see above; set and cleared under @lock
 * @last_sk: the socket of the last signal; compared, never followed
 * @forgotten: out of the table; under toe_host_lock
 * @state: enum toe_flow_state; written by the work only
 * @reason: enum toe_reason, of @state
 * @step: enum toe_step; written by the work only, TOE_STEP_ARRIVED under @lock
 * @tries: so often it was tried to open it; the work's
 * @outcome: enum toe_reason, why an open that is being undone failed; the work's
 * @settled: a grace period is over since toe_gate_settle()
 * @settling: in the list of gate.c from toe_gate_settle() until then
 * @step_err: outcome of submitting the command that is awaited; the work's
 * @step_until: jiffies when the wait for it ends; the work's
 * @moved_ns: ktime when the data began to stand still; the work's
 * @busy: a signal is being worked on; under @lock
 * @leaving: L, about to leave the table: no signal is taken any more
 * @close_reason: first reason to return the flow, 0: none (cmpxchg)
 * @look: its work is to look whether its way is still the engine's
 * @open_reason: why it was signalled
 * @sig: L, the rule that makes it a candidate; prio 0: none does
 * @backoff: how long it is left alone; written by the work, and under @lock while
 *	the flow is not busy
 * @again: L, it is in the stack for the firewall's sake only, and is tried again as
 *	soon as that is content, however much it has moved
 * @seen: L, what the firewall has seen of it
 * @host_bytes: L, toe_sock_bytes() when it became HOST
 * @places: in the quotas; the work's
 * @room: S, what was done to the receive buffer
 * @error: outcome of the last open, errno
 * @since_ns: ktime of the last state change
 * @opens: how often it reached an engine
 * @open_ns: handover time of the last open
 * @close_ns: of the last close
 * @id: on the engine, 0 when on none
 * @engine: reference held while @id is set
 * @lock: protects what is marked L
 * @awaited: L, bit per enum toe_engine_cmd: the work waits for its reply
 * @replied: L, bit per enum toe_engine_cmd: the reply is there
 * @reply_err: L, its outcome
 * @final: L, the state of TOE_ENGINE_CLOSE's reply
 * @opened: the state given to the engine; written by the work
 * @shadow: S: the socket lock protects what is in it. @shadow.looked_bytes: when its
 *	way was looked up; @shadow.keepalive: a probe was not sent; @shadow.booked: what the socket has of @info;
 *	@shadow.segs_out: the socket's when it became a shadow
 * @gate: enum toe_gate_mode, L
 * @scope: interface of link-local addresses, 0: others; set before the gate is shut
 * @parked: L, frames that wait for the flow's return
 * @okfn: L, where a parked frame goes on
 * @draining: L, the work feeds, up-calls only queue
 * @rx_queue: L, payload from the engine not yet given to the stack
 * @rx_backlog: L, clones of what went through the socket's backlog
 * @rx_nxt: L, the sequence number expected from the engine
 * @scaling_ratio: L, tp->scaling_ratio of the native path, see shadow_rx.c
 * @fed_nxt: L, what was fed reaches to here, if the stack took all
 * @rcv_edge: L, highest right edge told to the engine
 * @snd_una: L, the peer's acknowledgement as last reported
 * @snd_wnd: L, its window
 * @tx_nxt: S and L, one past the last byte submitted to the engine
 * @srtt_us: as last reported
 * @info: L, what the engine's TCP counts, as last reported
 * @info_due: L, some of it is not in the socket yet
 * @credit_owed: L, the engine had no room for a credit
 * @ack_pending: L, an acknowledgement waits to be fed
 * @tx_engine: bytes acknowledged while on an engine
 * @rx_engine: bytes taken from an engine
 * @rx_gate: L, bytes that came by the gate before an engine had them
 * @kept: its entry in conntrack
 */
struct toe_flow {
	struct rhash_head	node;
	struct toe_flow_key	key;
	refcount_t		refs;
	struct rcu_head		rcu;
	struct delayed_work	work;
	struct timer_list	timer;
	wait_queue_head_t	wait;

	struct sock		*sk;
	const struct sock	*last_sk;
	bool			forgotten;
	u8			state;
	u8			reason;
	u8			step;
	u8			tries;
	u8			outcome;
	bool			settled;
	bool			busy;
	bool			leaving;
	int			close_reason;
	bool			look;
	u8			open_reason;
	struct toe_signal	sig;
	struct toe_backoff	backoff;
	bool			again;
	struct toe_seen		seen;
	u64			host_bytes;
	struct toe_places	places;
	struct toe_room		room;
	int			error;
	int			step_err;
	unsigned long		step_until;
	struct list_head	settling;
	u64			moved_ns;
	u64			since_ns;
	u32			opens;
	u64			open_ns;
	u64			close_ns;

	u32			id;
	struct toe_engine	*engine;

	spinlock_t		lock;
	unsigned long		awaited;
	unsigned long		replied;
	int			reply_err[TOE_ENGINE_RELEASE + 1];
	struct toe_state	final;
	struct toe_state	opened;

	struct {
		bool			installed;
		const struct tcp_congestion_ops *ca_ops;
		u64			ca_priv[ICSK_CA_PRIV_SIZE / sizeof(u64)];
		const struct inet_connection_sock_af_ops *af_ops;
		u32			gso_max_size;
		u16			gso_max_segs;
		netdev_features_t	route_caps;
		unsigned long		pacing_rate;
		bool			mtup_enabled;
		u8			tos;
		s16			ttl;
		bool			tx_stopped;
		bool			keepalive;
		u32			rcv_edge;
		struct sk_buff_head	tx_pending;
		struct sk_buff		*rst;
		u64			looked_bytes;
		struct toe_engine_info	booked;
		u32			segs_out;
		struct toe_stall	stall;
	} shadow;

	enum toe_gate_mode	gate;
	int			scope;
	struct sk_buff_head	parked;
	int (*okfn)(struct net *net, struct sock *sk, struct sk_buff *skb);
	bool			draining;
	struct sk_buff_head	rx_queue;
	struct sk_buff_head	rx_backlog;
	u8			scaling_ratio;
	u32			rx_nxt;
	u32			fed_nxt;
	u32			rcv_edge;
	u32			snd_una;
	u32			snd_wnd;
	u32			tx_nxt;
	u32			srtt_us;
	struct toe_engine_info	info;
	bool			info_due;
	bool			credit_owed;
	bool			ack_pending;

	u64			tx_engine;
	u64			rx_engine;
	u64			rx_gate;
	struct toe_kept		kept;
};

/* Where every work of the module runs */
/* Most flows that the stack carries and we know, set when loaded. Their memory is
 * what bounds them, about a kilobyte each, and the sweep that looks at each.
 */
extern unsigned int toe_max_waiting;
#define TOE_MAX_MAX_WAITING	(1U << 20)

extern struct workqueue_struct *toe_wq;

/**
 * toe_tuple_from_sock() - name a connection
 * @t: filled in
 * @sk: a full TCP socket, IPv4, IPv6 or IPv4-mapped
 */
void toe_tuple_from_sock(struct toe_tuple *t, const struct sock *sk);

/**
 * toe_flow_begin() - somebody wants the flow on an engine
 * @flow: @flow->lock held
 * @sk: its socket; on success the flow holds a reference
 * @reason: TOE_REASON_THRESHOLD or TOE_REASON_ADMIN
 *
 * The caller queues the work, which ends it with toe_flow_settle().
 *
 * Return: 0, -EEXIST when somebody did before, -EAGAIN when the flow is about to
 * leave the table, -ENOTCONN when @sk dies.
 */
int toe_flow_begin(struct toe_flow *flow, struct sock *sk,
		   enum toe_reason reason);

/**
 * toe_flow_kick() - ask for a flow's return
 * @flow: referenced by the caller or found under RCU with a reference
 * @reason: why; the first one stays
 *
 * Context: any but hard interrupt.
 * Return: was this the first reason?
 */
bool toe_flow_kick(struct toe_flow *flow, enum toe_reason reason);

/**
 * toe_flow_queue() - run the flow's work
 * @flow: referenced by the caller
 *
 * Context: any but hard interrupt.
 */
void toe_flow_queue(struct toe_flow *flow);

/**
 * toe_flow_queue_later() - run it in a while, or when it is queued before
 * @flow: in its work
 * @delay: jiffies
 */
void toe_flow_queue_later(struct toe_flow *flow, unsigned long delay);

/**
 * toe_flow_obtain() - the flow of a key, made when there is none
 * @key: the key
 *
 * Return: the flow with a reference, or an error: -ENOSPC when there are too many
 * in the stack already, -ENOMEM, -ESHUTDOWN.
 */
struct toe_flow *toe_flow_obtain(const struct toe_flow_key *key);

/**
 * toe_flow_forget() - take a flow out of the table
 * @flow: with @leaving set, or of a namespace that is gone
 *
 * Context: process.
 */
void toe_flow_forget(struct toe_flow *flow);

struct toe_flow *toe_flow_lookup(const struct toe_flow_key *key);
struct toe_flow *toe_flow_by_id(u32 id);
bool toe_flow_hold(struct toe_flow *flow);
void toe_flow_put(struct toe_flow *flow);
DEFINE_FREE(toe_flow_put, struct toe_flow *, if (_T) toe_flow_put(_T))

/**
 * toe_flow_find() - the flow a key names, without a reference
 * @key: the key
 *
 * Context: rcu_read_lock() held; the flow is valid until it is dropped.
 */
struct toe_flow *toe_flow_find(const struct toe_flow_key *key);

/**
 * toe_flow_bind() - give the flow an id on an engine
 * @flow: in its work
 * @e: referenced; the flow takes the reference over on success
 *
 * Return: 0 or -ENOMEM.
 */
int toe_flow_bind(struct toe_flow *flow, struct toe_engine *e);

/**
 * toe_flow_unbind() - take the id away; later up-calls find nothing
 * @flow: in its work
 */
void toe_flow_unbind(struct toe_flow *flow);

/**
 * toe_flow_set_state() - the one place where a state changes
 * @flow: in its work
 * @state: the new one
 * @reason: why
 */
void toe_flow_set_state(struct toe_flow *flow, enum toe_flow_state state,
			enum toe_reason reason);

/**
 * toe_flow_settle() - the flow is HOST (again): let the socket go
 * @flow: in its work
 * @forget: take it out of the table, too
 */
void toe_flow_settle(struct toe_flow *flow, bool forget);

/**
 * toe_flow_alive() - does a HOST flow's connection still exist?
 * @flow: any
 *
 * Context: process or softirq.
 */
bool toe_flow_alive(struct toe_flow *flow);

/**
 * toe_flow_sock() - the flow's socket with a reference of its own
 * @flow: any
 *
 * Return: the socket, for sock_put(), or NULL when the connection is gone.
 */
struct sock *toe_flow_sock(struct toe_flow *flow);

/* Bytes acknowledged and received on a connection, both ways together */
static inline u64 toe_sock_bytes(const struct sock *sk)
{
	return READ_ONCE(tcp_sk(sk)->bytes_acked) +
	       READ_ONCE(tcp_sk(sk)->bytes_received);
}

/**
 * toe_sock_lookup() - the established socket of a connection
 * @net: where
 * @t: its name
 *
 * Return: a referenced full socket, for sock_put(), or NULL.
 */
struct sock *toe_sock_lookup(struct net *net, const struct toe_tuple *t);

/**
 * struct toe_flow_iter - a place in the table, which may stay there for long
 * @iter: the same, rhashtable's
 * @again: set by the caller: the flow that came last is to come again, or if it is
 *	no longer there the one behind it
 * @changed: set when the table was resized: flows may come twice. None that is
 *	there all the time is passed over
 */
struct toe_flow_iter {
	struct rhashtable_iter	iter;
	bool			again;
	bool			changed;
};

/**
 * toe_flow_iter_begin() - before the first flow
 * @it: the place; to be ended
 *
 * Context: process.
 */
void toe_flow_iter_begin(struct toe_flow_iter *it);

/**
 * toe_flow_iter_next() - the next flow
 * @it: the place
 *
 * Context: process; nothing is held when it returns.
 * Return: a flow, for toe_flow_put(), or NULL after the last one.
 */
struct toe_flow *toe_flow_iter_next(struct toe_flow_iter *it);

void toe_flow_iter_end(struct toe_flow_iter *it);

/**
 * toe_flow_walk() - call a function for every flow
 * @fn: called with a reference held and no lock; a return other than 0 ends it
 * @arg: for @fn
 *
 * Context: process, may sleep if @fn does.
 */
int toe_flow_walk(int (*fn)(struct toe_flow *flow, void *arg), void *arg);

/**
 * toe_flow_return_all() - return flows and wait until they are back
 * @e: of this engine, or NULL for all
 * @reason: why
 */
void toe_flow_return_all(struct toe_engine *e, enum toe_reason reason);

/**
 * toe_flow_kick_all() - ask for the return of all flows; does not wait
 * @reason: why
 *
 * Context: process.
 */
void toe_flow_kick_all(enum toe_reason reason);

/**
 * toe_flow_return_net() - return the flows of a network namespace that goes, and
 *	wait until they are back
 * @net: the namespace; nobody holds it any more, but sockets of the kernel's own
 *	may still be there
 *
 * Context: process.
 */
void toe_flow_return_net(struct net *net);

/**
 * toe_flow_forget_net() - a network namespace goes away
 * @net: the namespace; all its flows are HOST
 *
 * Context: process.
 */
void toe_flow_forget_net(struct net *net);

u32 toe_flow_count(enum toe_flow_state state);

int toe_flow_init(void);
void toe_flow_stop(void);
void toe_flow_exit(void);

#endif /* _TOE_FLOW_H */
