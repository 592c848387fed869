/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * toe_virtio: driver of the virtio-toe card (include/uapi/linux/virtio_toe.h)
 *
 * 1. Who touches a ring. The callbacks run in hard interrupt context and only
 *    queue work; all work but that for captured frames runs on system_bh_wq,
 *    that is in softirq, and a work item never runs twice at once.
 *
 *	control	toe_virtio.ctl_lock (submitters and ctl_work)
 *	event	event_work alone
 *	rx	the pair's work alone
 *	capture	capture_work alone, after capture_fill() under capture_lock
 *	tx	toe_virtio_pair.tx_lock (transmit and the pair's work)
 *
 *    Before TOE_VIRTIO_UP is set, and after the works are cancelled, probe and
 *    remove own them all.
 *
 * 2. No lock is held during an up-call into toe.ko: it may take locks of its
 *    own, and call transmit from within.
 *
 * 3. A flow belongs to the pair (id modulo pairs in use). So toe.ko sees one
 *    message of a flow at a time.
 *
 * 4. The device writes what it received before it answers CLOSE, but the two
 *    come through different rings. So the pair's work makes the up-call for
 *    replies, after it has looked at every rx buffer that could have been used
 *    before the reply.
 *
 * 5. The device is not trusted. What it writes is copied once, then checked. A
 *    device that breaks a ring breaks the virtqueue, which the heartbeat sees.
 *
 * 6. Memory the device may write or read is freed only after it gave it back or
 *    was reset; a device that failed keeps all until remove.
 */
#ifndef _TOE_VIRTIO_H
#define _TOE_VIRTIO_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/virtio.h>
#include <linux/workqueue.h>

#include <linux/virtio_toe.h>
#include <toe/engine.h>

#define TOE_VIRTIO_MAX_PAIRS	8
#define TOE_VIRTIO_EVENTS	16

/* Most elements of a chain: head, linear part, fragments. */
#define TOE_VIRTIO_SG		(MAX_SKB_FRAGS + 2)
/* A ring this big holds one such chain, also without indirect descriptors. */
#define TOE_VIRTIO_MIN_RING	32

/* An rx buffer, bytes */
#define TOE_VIRTIO_PAGE		SZ_64K

/* struct toe_virtio.flags */
#define TOE_VIRTIO_UP		0	/* registered and not failed */
#define TOE_VIRTIO_SAYS_FAILED	1	/* the card said so */

struct toe_virtio;
struct toe_virtio_buf;
struct toe_virtio_frame;
struct toe_virtio_msg;

/**
 * struct toe_virtio_pages - big pages that were given away, to be used again
 * @given: a ring of them; each with a reference
 * @max: entries of it
 * @first: where the one is that was given first
 * @num: how many there are
 */
struct toe_virtio_pages {
	struct page		**given;
	unsigned int		max;
	unsigned int		first;
	unsigned int		num;
};

/**
 * struct toe_virtio_pair - an rx and a tx queue
 * @tv: the device
 * @work: processes @rx, replies and completed @tx messages; BH
 * @retry: queues @work when memory was short
 * @rx: receive queue; only @work
 * @bufs: its buffers, @nbufs of them
 * @nbufs: at most half the ring
 * @posted: how many of @bufs the device has; only @work
 * @spare: the others; only @work
 * @stuck: a used buffer that toe.ko had no memory for, to be shown again before
 *	any other; only @work
 * @stuck_used: bytes the device wrote to it
 * @pages: for @bufs; only @work
 * @replies: commands answered for flows of this pair; toe_virtio.ctl_lock
 * @tx_lock: what follows, but for @nmsgs and @msgs
 * @tx: transmit queue
 * @tx_full: toe_engine_writable() is owed
 * @tx_owned: messages that the device has and whose skb has a socket
 * @tx_spare: those of @msgs that the device does not have
 * @tx_sg: scratch
 * @nmsgs: as many as the ring has room for, if that is not too many
 * @msgs: allocated once
 */
struct toe_virtio_pair {
	struct toe_virtio	*tv;
	struct work_struct	work;
	struct timer_list	retry;

	struct virtqueue	*rx;
	struct toe_virtio_buf	*bufs;
	unsigned int		nbufs;
	unsigned int		posted;
	struct list_head	spare;
	struct toe_virtio_buf	*stuck;
	unsigned int		stuck_used;
	struct toe_virtio_pages	pages;

	struct list_head	replies;

	/* protects the members below */
	spinlock_t		tx_lock;
	struct virtqueue	*tx;
	bool			tx_full;
	unsigned int		tx_owned;
	struct toe_virtio_msg	*tx_spare;
	struct scatterlist	tx_sg[TOE_VIRTIO_SG];

	unsigned int		nmsgs;
	struct toe_virtio_msg	*msgs;
};

/**
 * struct toe_virtio - a card
 * @engine: what toe.ko sees of it
 * @vdev: the device
 * @flags: TOE_VIRTIO_*
 * @index: number in the engine's name
 * @tick: heartbeat, once a second
 * @ctl_lock: @ctl and all below it up to @ctl_sg, toe_virtio_pair.replies
 * @ctl: control queue
 * @ticks: heartbeats so far; the clock for unanswered commands. It stands when
 *	the machine does, as jiffies may not
 * @backlog: commands that wait for room in @ctl, oldest first
 * @backlogged: how many
 * @inflight: commands the device has, oldest first
 * @marking: PREPAREs that were answered and wait for their marker
 * @ctl_sg: scratch
 * @ctl_work: processes @ctl; BH
 * @marker: takes marker frames; its type is 0 when the card sends none
 * @event: event queue; only @event_work
 * @events: its buffers
 * @event_work: processes @event; BH
 * @capture: capture queue, NULL when the card shows no frames
 * @capture_lock: @capture until it is filled, @frames
 * @frames: its buffers, posted; NULL before the first capture
 * @capture_work: processes @capture; not BH: nothing waits for it
 * @npairs: entries in @pairs
 * @pairs: see there
 */
struct toe_virtio {
	struct toe_engine	engine;
	struct virtio_device	*vdev;
	unsigned long		flags;
	int			index;
	struct delayed_work	tick;

	/* protects the members below */
	spinlock_t		ctl_lock;
	struct virtqueue	*ctl;
	unsigned long		ticks;
	struct list_head	backlog;
	unsigned int		backlogged;
	struct list_head	inflight;
	struct list_head	marking;
	struct scatterlist	ctl_sg[TOE_VIRTIO_SG];

	struct work_struct	ctl_work;
	struct packet_type	marker;

	struct virtqueue	*event;
	struct virtio_toe_event	*events;
	struct work_struct	event_work;

	struct virtqueue	*capture;
	/* protects the members below */
	struct mutex		capture_lock;
	struct toe_virtio_frame	*frames;

	struct work_struct	capture_work;

	unsigned int		npairs;
	struct toe_virtio_pair	pairs[] __counted_by(npairs);
};

static inline struct toe_virtio *toe_virtio(struct toe_engine *e)
{
	return container_of(e, struct toe_virtio, engine);
}

static inline bool toe_virtio_up(const struct toe_virtio *tv)
{
	return test_bit(TOE_VIRTIO_UP, &tv->flags);
}

static inline struct toe_virtio_pair *toe_virtio_pair(struct toe_virtio *tv,
						      u32 id)
{
	return &tv->pairs[id % tv->npairs];
}

/* control.c */
struct toe_virtio_command;

void toe_virtio_ctl_init(struct toe_virtio *tv);
void toe_virtio_ctl_free(struct toe_virtio *tv);
void toe_virtio_reply(struct toe_virtio *tv, struct list_head *replies);
void toe_virtio_marked(struct toe_virtio *tv, u32 id);
int toe_virtio_prepare(struct toe_engine *e, u32 id, const struct toe_tuple *t);
int toe_virtio_open(struct toe_engine *e, u32 id, const struct toe_state *st);
int toe_virtio_close(struct toe_engine *e, u32 id);
int toe_virtio_release(struct toe_engine *e, u32 id);
int toe_virtio_inject(struct toe_engine *e, u32 id, struct sk_buff *skb);

int toe_virtio_send_capture(struct toe_virtio *tv, u16 op, u32 id, u32 snaplen);

/* capture.c */
void toe_virtio_capture_init(struct toe_virtio *tv);
void toe_virtio_capture_free(struct toe_virtio *tv);
int toe_virtio_capture_start(struct toe_engine *e, u32 id, u32 snaplen);
int toe_virtio_capture_stop(struct toe_engine *e, u32 id);

/* data.c */
int toe_virtio_pair_init(struct toe_virtio_pair *pair);
int toe_virtio_pair_alloc(struct toe_virtio_pair *pair);
void toe_virtio_pair_start(struct toe_virtio_pair *pair);
void toe_virtio_pair_disown(struct toe_virtio_pair *pair);
void toe_virtio_pair_free(struct toe_virtio_pair *pair);
int toe_virtio_transmit(struct toe_engine *e, u32 id, u32 seq,
			struct sk_buff *skb, u32 offset, u32 rcv_edge);
int toe_virtio_credit(struct toe_engine *e, u32 id, u32 rcv_edge);

/* pages.c */
int toe_virtio_pages_init(struct toe_virtio_pages *p, unsigned int max);
void toe_virtio_pages_free(struct toe_virtio_pages *p);
void toe_virtio_page_given(struct toe_virtio_pages *p, struct page *page);
struct page *toe_virtio_page_get(struct toe_virtio_pages *p, gfp_t gfp,
				 unsigned int *size);

/* marker.c */
void toe_virtio_marker_start(struct toe_virtio *tv);
void toe_virtio_marker_stop(struct toe_virtio *tv);

/* event.c */
int toe_virtio_event_init(struct toe_virtio *tv);
void toe_virtio_event_start(struct toe_virtio *tv);
void toe_virtio_event_free(struct toe_virtio *tv);

#endif /* _TOE_VIRTIO_H */
