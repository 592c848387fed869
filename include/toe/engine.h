/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine API: what toe.ko asks of an offload engine's driver, and what the
 * driver tells toe.ko. Nothing here knows of virtio.
 *
 * An engine is told of a flow by a 32-bit id that the core chooses anew for
 * each offload. Every up-call names the id; one that names an id which the
 * engine does not have (any more) is counted and ignored, so a late message
 * cannot touch a later life of the same connection.
 *
 * A flow's life as the engine sees it:
 *
 *	prepare -> open -> transmit/credit/inject ... -> close -> release
 *
 * release may come at any point after prepare and ends it. prepare, open,
 * close and release are commands: the driver submits them and returns, and
 * reports the outcome with toe_engine_reply() exactly once. The core waits
 * with a timeout of its own; a reply that comes later is counted and ignored.
 */
#ifndef _TOE_ENGINE_H
#define _TOE_ENGINE_H

#include <linux/if_ether.h>
#include <linux/completion.h>
#include <linux/skbuff.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include <toe/state.h>

struct toe_engine;

/**
 * enum toe_engine_cmd - the commands of the engine API
 * @TOE_ENGINE_PREPARE: hold the frames of a connection
 * @TOE_ENGINE_OPEN: restore it
 * @TOE_ENGINE_CLOSE: stop it, hold its frames, report its state
 * @TOE_ENGINE_RELEASE: forget it, its frames are the host's again
 */
enum toe_engine_cmd {
	TOE_ENGINE_PREPARE,
	TOE_ENGINE_OPEN,
	TOE_ENGINE_CLOSE,
	TOE_ENGINE_RELEASE,
};

/**
 * struct toe_engine_ops - what a driver does for the core
 *
 * All of them may be called in atomic context unless said otherwise, for
 * different flows at the same time; for one flow the core calls them in order.
 * No flow holds the driver's module: unloading it unregisters the engine, and
 * that returns the flows. They return 0 or a negative errno; -ENODEV when the
 * engine is dead. The core makes no call after toe_engine_unregister() has
 * returned.
 *
 * @prepare: submit PREPARE for connection @t under @id; process context, may
 *	sleep
 * @open: submit OPEN with the state @st; called with the socket locked, process
 *	context. The bytes [st->snd_una, st->snd_nxt) follow by @transmit; the
 *	engine answers once it has them and the connection runs
 * @transmit: send the payload of @skb from @offset on; its first byte has
 *	sequence number @seq. The engine may deliver received bytes before
 *	sequence number @rcv_edge. On success the driver owns @skb and frees it
 *	with consume_skb() when the engine has copied or dropped the payload,
 *	from any context. -ENOBUFS: no room now, the core keeps @skb and tries
 *	again after toe_engine_writable(); called with the socket locked or from
 *	toe_engine_writable()'s work
 * @credit: only @rcv_edge; -ENOBUFS as for @transmit
 * @close: submit CLOSE; process context, may sleep
 * @release: submit RELEASE; process context, may sleep
 * @inject: give the engine an IP packet (@skb->data at its IP header, length
 *	@skb->len) of the flow that reached the host late; the driver frees @skb
 *	in every case; softirq
 * @capture_start: optional: show the flow's frames on the wire, at most @snaplen
 *	bytes of each, by toe_engine_captured(); answers with
 *	toe_engine_capture_started(). Any time between @prepare and @release,
 *	which ends it; process context, may sleep. -EOPNOTSUPP when this engine
 *	cannot
 * @capture_stop: there with @capture_start: show no more; process context, may
 *	sleep. However a capture ends, toe_engine_capture_ended() follows the
 *	last frame
 */
struct toe_engine_ops {
	int (*prepare)(struct toe_engine *e, u32 id, const struct toe_tuple *t);
	int (*open)(struct toe_engine *e, u32 id, const struct toe_state *st);
	int (*transmit)(struct toe_engine *e, u32 id, u32 seq,
			struct sk_buff *skb, u32 offset, u32 rcv_edge);
	int (*credit)(struct toe_engine *e, u32 id, u32 rcv_edge);
	int (*close)(struct toe_engine *e, u32 id);
	int (*release)(struct toe_engine *e, u32 id);
	int (*inject)(struct toe_engine *e, u32 id, struct sk_buff *skb);
	int (*capture_start)(struct toe_engine *e, u32 id, u32 snaplen);
	int (*capture_stop)(struct toe_engine *e, u32 id);
};

/**
 * struct toe_engine - an engine; embedded in the driver's own structure
 * @name: unique name, what toectl shows; set by the driver
 * @driver: name of the driver; set by the driver
 * @ops: set by the driver
 * @mac: address of the interface it serves; set by the driver
 * @max_flows: its capacity; set by the driver
 * @max_tx_len: most payload bytes one @ops->transmit may carry; set by the
 *	driver, at least 64 KiB
 * @ipv6: carries IPv6; set by the driver
 * @ecn: carries connections that agreed on ECN (RFC 3168); set by the driver
 * @alive: it answers; cleared by toe_engine_failed()
 * @list: the registry's, under its mutex
 * @refs: flows that hold the engine, and the registry
 * @idle: completed when the last of @refs is gone
 * @flows: flows on it now
 * @tx_bytes: payload bytes given to it
 * @rx_bytes: payload bytes it delivered
 * @tx_work: tries again what the engine had no room for
 */
struct toe_engine {
	char			name[TOE_ENGINE_NAME_LEN];
	const char		*driver;
	const struct toe_engine_ops *ops;
	u8			mac[ETH_ALEN];
	u32			max_flows;
	u32			max_tx_len;
	bool			ipv6;
	bool			ecn;

	/* the core's own */
	bool			alive;
	struct list_head	list;
	refcount_t		refs;
	struct completion	idle;
	atomic_t		flows;
	atomic64_t		tx_bytes;
	atomic64_t		rx_bytes;
	struct work_struct	tx_work;
};

/**
 * toe_engine_register() - make an engine known
 * @e: the engine, its driver's fields filled in
 *
 * Context: process, may sleep.
 * Return: 0, -EEXIST when the name is taken, -EINVAL when a field is missing.
 */
int toe_engine_register(struct toe_engine *e);

/**
 * toe_engine_unregister() - take an engine away
 * @e: the engine
 *
 * Returns all its flows to the host first: with the engine's help when it is
 * alive, else without. After it no call is made and no up-call has any effect.
 *
 * Context: process, may sleep.
 */
void toe_engine_unregister(struct toe_engine *e);

/**
 * toe_engine_reply() - the outcome of a command
 * @e: the engine
 * @id: the flow
 * @cmd: which command
 * @err: 0 or a negative errno: -EINVAL, -ENOENT, -EEXIST, -ENOSPC (full),
 *	-EOPNOTSUPP, -EIO (could not)
 * @st: for a successful TOE_ENGINE_CLOSE the final state, else NULL
 *
 * Context: any but hard interrupt.
 */
void toe_engine_reply(struct toe_engine *e, u32 id, enum toe_engine_cmd cmd,
		      int err, const struct toe_state *st);

/**
 * struct toe_engine_info - what the engine's TCP knows of a flow
 * @rttvar_us: mean deviation of the round-trip time, microseconds
 * @segs_out: segments sent, retransmissions and acknowledgements among them
 * @segs_in: segments received
 * @data_segs_in: those with payload
 * @retrans: segments sent again
 * @retrans_bytes: their payload
 * @timeouts: of its retransmission timer
 * @unanswered: of these since the peer last acknowledged something
 *
 * The counters are those of this offload, modulo 2^32.
 */
struct toe_engine_info {
	u32		rttvar_us;
	u32		segs_out;
	u32		segs_in;
	u32		data_segs_in;
	u32		retrans;
	u32		retrans_bytes;
	u32		timeouts;
	u32		unanswered;
};

/**
 * struct toe_engine_rx - bytes or acknowledgements from the engine
 * @seq: sequence number of the first byte
 * @len: payload bytes, 0 for a mere acknowledgement
 * @snd_una: first byte the peer has not acknowledged
 * @snd_wnd: the peer's window from @snd_una, bytes
 * @srtt_us: smoothed round-trip time, microseconds
 * @page: where the payload is, NULL when @len is 0
 * @offset: of its first byte in @page (may exceed PAGE_SIZE in a compound page)
 * @truesize: memory that keeping @page keeps busy, bytes
 * @info: news of what the engine's TCP knows, or NULL
 */
struct toe_engine_rx {
	u32		seq;
	u32		len;
	u32		snd_una;
	u32		snd_wnd;
	u32		srtt_us;
	struct page	*page;
	u32		offset;
	u32		truesize;
	const struct toe_engine_info *info;
};

/**
 * toe_engine_receive() - bytes from the peer, or its acknowledgements
 * @e: the engine
 * @id: the flow
 * @rx: what came; checked here, the driver needs to check only that the
 *	payload lies within its own buffer
 *
 * Context: softirq (bottom halves disabled), one call at a time for one flow.
 * Return: 1 when the core took the driver's reference to @rx->page over (the
 * driver must not use the page again), 0 when the driver may reuse the page,
 * -ENOMEM when the core has no memory now: the driver must call again with the
 * same @rx before it makes any later up-call for the flow.
 */
int toe_engine_receive(struct toe_engine *e, u32 id,
			const struct toe_engine_rx *rx);

/**
 * toe_engine_writable() - transmit and credit may be tried again
 * @e: the engine
 *
 * Context: any but hard interrupt.
 */
void toe_engine_writable(struct toe_engine *e);

/**
 * toe_engine_wish() - the engine wants a flow to be closed
 * @e: the engine
 * @id: the flow
 *
 * Context: any but hard interrupt.
 */
void toe_engine_wish(struct toe_engine *e, u32 id);

/**
 * struct toe_engine_frame - a frame of a flow on the engine's wire
 * @data: its bytes from the Ethernet header on, @caplen of them; they may change
 *	at any time, and only the call that gets them may look at them
 * @len: bytes on the wire
 * @caplen: bytes there are of it, at most @len
 * @time_ns: when, by the engine's clock, nanoseconds since 1970-01-01 UTC
 * @dropped: frames that the engine could not show since the capture's start
 * @sent: it was sent, else received
 */
struct toe_engine_frame {
	const void	*data;
	u32		len;
	u32		caplen;
	u64		time_ns;
	u64		dropped;
	bool		sent;
};

/**
 * toe_engine_capture_started() - the outcome of capture_start
 * @e: the engine
 * @id: the flow
 * @err: 0 or a negative errno, as for toe_engine_reply()
 *
 * Context: any but hard interrupt.
 */
void toe_engine_capture_started(struct toe_engine *e, u32 id, int err);

/**
 * toe_engine_captured() - a frame of a captured flow
 * @e: the engine
 * @id: the flow; of a capture that has ended it has no effect
 * @frame: the frame
 *
 * Context: softirq, or bottom halves disabled; one call at a time for one flow.
 */
void toe_engine_captured(struct toe_engine *e, u32 id,
			 const struct toe_engine_frame *frame);

/**
 * toe_engine_capture_ended() - the last frame of a flow has been shown
 * @e: the engine
 * @id: the flow
 * @dropped: frames that the engine could not show, in all
 *
 * Context: any but hard interrupt.
 */
void toe_engine_capture_ended(struct toe_engine *e, u32 id, u64 dropped);

/**
 * toe_engine_error() - the driver saw the engine break the protocol
 * @e: the engine
 * @id: the flow it was about, or 0: it comes back, if it is this engine's
 * @stat: which counter: TOE_STAT_ERR_UNKNOWN_FLOW, _ERR_LENGTH, _ERR_PROTOCOL
 *
 * Logs (rate limited) and counts.
 *
 * Context: any but hard interrupt.
 */
void toe_engine_error(struct toe_engine *e, u32 id, enum toe_stat stat);

/**
 * toe_engine_failed() - the engine does not answer any more
 * @e: the engine
 *
 * Its flows go on in the host's stack at once, from the shadow sockets. Takes
 * no new flows until it is unregistered.
 *
 * Context: process.
 */
void toe_engine_failed(struct toe_engine *e);

#endif /* _TOE_ENGINE_H */
