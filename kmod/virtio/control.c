// SPDX-License-Identifier: GPL-2.0-only
/* The control queue: commands, their replies, the heartbeat. */
#include <linux/module.h>
#include <linux/slab.h>

#include <toe/virtio_state.h>

#include "../param.h"
#include "toe_virtio.h"

#define MAX_BACKLOG	256	/* packets to inject are dropped beyond it */

static unsigned int dead_after_ms = 5000;
TOE_PARAM(dead_after_ms, dead_after_ms, 2000, 600000, 0644);
MODULE_PARM_DESC(dead_after_ms, "milliseconds: a card that owes an answer this long is dead");

/**
 * struct toe_virtio_command - a command, from its submission to its reply
 * @node: in toe_virtio.backlog, then .inflight, then for a flow's command
 *	toe_virtio_pair.replies, a PREPARE perhaps in .marking before; under
 *	toe_virtio.ctl_lock
 * @marked: the marker of this PREPARE has come
 * @tick: toe_virtio.ticks at submission
 * @op: VIRTIO_TOE_CMD_*
 * @id: the flow, 0 for PING
 * @used: bytes of @reply the device says it wrote
 * @skb: the packet of INJECT, else NULL
 * @capture: what follows CAPTURE_START
 * @cmd: read by the device
 * @reply: written by the device
 */
struct toe_virtio_command {
	struct list_head node;
	unsigned long tick;
	u16 op;
	u32 id;
	unsigned int used;
	bool marked;
	struct sk_buff *skb;
	struct virtio_toe_capture capture;
	struct virtio_toe_cmd cmd;
	struct virtio_toe_reply reply ____cacheline_aligned;
};

static struct toe_virtio_command *command_new(u16 op, u32 id, gfp_t gfp)
{
	struct toe_virtio_command *c = kzalloc(sizeof(*c), gfp);

	if (!c)
		return NULL;
	c->op = op;
	c->id = id;
	c->cmd.cmd = cpu_to_le16(op);
	c->cmd.flow = cpu_to_le32(id);
	return c;
}

static void command_free(struct toe_virtio_command *c)
{
	consume_skb(c->skb);
	kfree(c);
}

static int command_post(struct toe_virtio *tv, struct toe_virtio_command *c)
{
	struct scatterlist reply, *sgs[] = { tv->ctl_sg, &reply };
	int n;

	lockdep_assert_held(&tv->ctl_lock);
	sg_init_table(tv->ctl_sg, TOE_VIRTIO_SG);
	sg_set_buf(tv->ctl_sg, &c->cmd, sizeof(c->cmd));
	if (c->skb) {
		n = skb_to_sgvec(c->skb, tv->ctl_sg + 1, 0, c->skb->len);
		if (n < 0)
			return n;
	} else if (c->op == VIRTIO_TOE_CMD_CAPTURE_START) {
		sg_set_buf(tv->ctl_sg + 1, &c->capture, sizeof(c->capture));
		sg_mark_end(tv->ctl_sg + 1);
	} else {
		sg_mark_end(tv->ctl_sg);
	}
	sg_init_one(&reply, &c->reply, sizeof(c->reply));
	return virtqueue_add_sgs(tv->ctl, sgs, 1, 1, c, GFP_ATOMIC);
}

/* Must hold ctl_lock. Returns whether to notify the device, after unlocking. */
static bool backlog_push(struct toe_virtio *tv)
{
	struct toe_virtio_command *c;

	lockdep_assert_held(&tv->ctl_lock);
	while ((c = list_first_entry_or_null(&tv->backlog, typeof(*c), node))) {
		if (command_post(tv, c))
			break;
		list_move_tail(&c->node, &tv->inflight);
		tv->backlogged--;
	}
	return virtqueue_kick_prepare(tv->ctl);
}

/* Owns @c from here on, also when it fails. */
static int command_submit(struct toe_virtio *tv, struct toe_virtio_command *c)
{
	bool kick = false;
	int err = 0;

	if (!c)
		return -ENOMEM;
	spin_lock_bh(&tv->ctl_lock);
	if (!toe_virtio_up(tv) || virtqueue_is_broken(tv->ctl)) {
		err = -ENODEV;
	} else if (c->skb && tv->backlogged >= MAX_BACKLOG) {
		err = -ENOBUFS;
	} else {
		c->tick = tv->ticks;
		list_add_tail(&c->node, &tv->backlog);
		tv->backlogged++;
		kick = backlog_push(tv);
	}
	spin_unlock_bh(&tv->ctl_lock);
	if (kick)
		virtqueue_notify(tv->ctl);
	if (err)
		command_free(c);
	return err;
}

/* Whether an answered command waits for its marker. A refused one does not;
 * what else is wrong with the reply, reply_one() says.
 */
static bool wants_marker(const struct toe_virtio *tv,
			 const struct toe_virtio_command *c)
{
	return tv->marker.type && c->op == VIRTIO_TOE_CMD_PREPARE &&
	       !c->marked && READ_ONCE(c->reply.status) ==
			     cpu_to_le32(VIRTIO_TOE_S_OK);
}

/* Must hold ctl_lock. Makes a command's up-call due. */
static void answered(struct toe_virtio *tv, struct toe_virtio_command *c)
{
	struct toe_virtio_pair *pair = toe_virtio_pair(tv, c->id);

	lockdep_assert_held(&tv->ctl_lock);
	list_move_tail(&c->node, &pair->replies);
	queue_work(system_bh_wq, &pair->work);
}

static struct toe_virtio_command *find_prepare(struct list_head *list, u32 id)
{
	struct toe_virtio_command *c;

	list_for_each_entry(c, list, node)
		if (c->op == VIRTIO_TOE_CMD_PREPARE && c->id == id)
			return c;
	return NULL;
}

/**
 * toe_virtio_marked() - the frames of a flow have ended
 * @tv: the card
 * @id: the flow its marker named; not trusted
 *
 * Context: softirq.
 */
void toe_virtio_marked(struct toe_virtio *tv, u32 id)
{
	struct toe_virtio_command *c;

	spin_lock_bh(&tv->ctl_lock);
	c = find_prepare(&tv->marking, id);
	if (c) {
		answered(tv, c);
	} else {
		c = find_prepare(&tv->inflight, id);
		if (c)
			c->marked = true;
	}
	spin_unlock_bh(&tv->ctl_lock);
}

static const int status_errno[] = {
	[VIRTIO_TOE_S_OK]	= 0,
	[VIRTIO_TOE_S_INVAL]	= -EINVAL,
	[VIRTIO_TOE_S_NOENT]	= -ENOENT,
	[VIRTIO_TOE_S_EXIST]	= -EEXIST,
	[VIRTIO_TOE_S_FULL]	= -ENOSPC,
	[VIRTIO_TOE_S_UNSUPP]	= -EOPNOTSUPP,
	[VIRTIO_TOE_S_FAIL]	= -EIO,
};

static const enum toe_engine_cmd engine_cmd[] = {
	[VIRTIO_TOE_CMD_PREPARE] = TOE_ENGINE_PREPARE,
	[VIRTIO_TOE_CMD_OPEN]	 = TOE_ENGINE_OPEN,
	[VIRTIO_TOE_CMD_CLOSE]	 = TOE_ENGINE_CLOSE,
	[VIRTIO_TOE_CMD_RELEASE] = TOE_ENGINE_RELEASE,
};

/* Does toe.ko wait for the reply in the flow's own work? */
static bool engine_waits(const struct toe_virtio_command *c)
{
	return c->op >= VIRTIO_TOE_CMD_PREPARE &&
	       c->op <= VIRTIO_TOE_CMD_RELEASE;
}

/* The outcome of a command: a reply that is no reply still ends it, with -EIO.
 * @st: filled in after a CLOSE that succeeded.
 */
static int reply_check(struct toe_virtio *tv,
		       const struct toe_virtio_command *c, struct toe_state *st)
{
	bool closed = c->op == VIRTIO_TOE_CMD_CLOSE;
	struct virtio_toe_reply reply;
	u32 status;

	memcpy(&reply, &c->reply, sizeof(reply));
	barrier();	/* nothing below looks at c->reply again */
	status = le32_to_cpu(reply.status);
	if (c->used < offsetof(struct virtio_toe_reply, state) ||
	    (closed && status == VIRTIO_TOE_S_OK && c->used < sizeof(reply))) {
		toe_engine_error(&tv->engine, 0, TOE_STAT_ERR_LENGTH);
		return -EIO;
	}
	if (le32_to_cpu(reply.flow) != c->id ||
	    status >= ARRAY_SIZE(status_errno)) {
		toe_engine_error(&tv->engine, 0, TOE_STAT_ERR_PROTOCOL);
		return -EIO;
	}
	if (closed && status == VIRTIO_TOE_S_OK)
		toe_state_from_virtio(st, &reply.state);
	return status_errno[status];
}

static void ctl_work(struct work_struct *work)
{
	struct toe_virtio *tv = container_of(work, struct toe_virtio, ctl_work);
	struct toe_virtio_command *c, *tmp;
	unsigned int used;
	LIST_HEAD(done);
	bool kick;

	if (!toe_virtio_up(tv))
		return;
	spin_lock_bh(&tv->ctl_lock);
	do {
		virtqueue_disable_cb(tv->ctl);
		while ((c = virtqueue_get_buf(tv->ctl, &used))) {
			c->used = used;
			if (!engine_waits(c)) {
				list_move_tail(&c->node, &done);
				continue;
			}
			if (wants_marker(tv, c))
				list_move_tail(&c->node, &tv->marking);
			else
				answered(tv, c);
		}
	} while (!virtqueue_enable_cb(tv->ctl));
	kick = backlog_push(tv);
	spin_unlock_bh(&tv->ctl_lock);
	if (kick)
		virtqueue_notify(tv->ctl);
	list_for_each_entry_safe(c, tmp, &done, node) {
		if (c->op == VIRTIO_TOE_CMD_CAPTURE_START)
			toe_engine_capture_started(&tv->engine, c->id,
						   reply_check(tv, c, NULL));
		command_free(c);
	}
}

static void reply_one(struct toe_virtio *tv, const struct toe_virtio_command *c)
{
	bool closed = c->op == VIRTIO_TOE_CMD_CLOSE;
	struct toe_state st;
	int err = reply_check(tv, c, &st);

	toe_engine_reply(&tv->engine, c->id, engine_cmd[c->op], err,
			 closed && !err ? &st : NULL);
}

/**
 * toe_virtio_reply() - tell toe.ko of answered commands, and free them
 * @tv: the card
 * @replies: the commands, taken off toe_virtio_pair.replies
 *
 * Context: softirq, no lock held.
 */
void toe_virtio_reply(struct toe_virtio *tv, struct list_head *replies)
{
	struct toe_virtio_command *c, *tmp;

	list_for_each_entry_safe(c, tmp, replies, node) {
		reply_one(tv, c);
		command_free(c);
	}
}

/**
 * toe_virtio_prepare() - struct toe_engine_ops.prepare
 * @e: the engine
 * @id: the flow
 * @t: the connection
 *
 * Return: 0, -ENOMEM, -ENODEV when the card is dead.
 */
int toe_virtio_prepare(struct toe_engine *e, u32 id, const struct toe_tuple *t)
{
	struct toe_virtio_command *c;

	c = command_new(VIRTIO_TOE_CMD_PREPARE, id, GFP_KERNEL);
	if (c)
		toe_tuple_to_virtio(&c->cmd.state.tuple, t);
	return command_submit(toe_virtio(e), c);
}

/**
 * toe_virtio_open() - struct toe_engine_ops.open
 * @e: the engine
 * @id: the flow
 * @st: the connection's state
 *
 * Return: 0, -ENOMEM, -ENODEV when the card is dead.
 */
int toe_virtio_open(struct toe_engine *e, u32 id, const struct toe_state *st)
{
	struct toe_virtio_command *c;

	c = command_new(VIRTIO_TOE_CMD_OPEN, id, GFP_ATOMIC);
	if (c)
		toe_state_to_virtio(&c->cmd.state, st);
	return command_submit(toe_virtio(e), c);
}

/**
 * toe_virtio_close() - struct toe_engine_ops.close
 * @e: the engine
 * @id: the flow
 *
 * Return: 0, -ENOMEM, -ENODEV when the card is dead.
 */
int toe_virtio_close(struct toe_engine *e, u32 id)
{
	return command_submit(toe_virtio(e),
			      command_new(VIRTIO_TOE_CMD_CLOSE, id,
					  GFP_KERNEL));
}

/**
 * toe_virtio_release() - struct toe_engine_ops.release
 * @e: the engine
 * @id: the flow
 *
 * Return: 0, -ENOMEM, -ENODEV when the card is dead.
 */
int toe_virtio_release(struct toe_engine *e, u32 id)
{
	struct toe_virtio *tv = toe_virtio(e);
	struct toe_virtio_command *c;

	/* A marker that never came: toe.ko has given up. */
	spin_lock_bh(&tv->ctl_lock);
	c = find_prepare(&tv->marking, id);
	if (c)
		list_del(&c->node);
	spin_unlock_bh(&tv->ctl_lock);
	if (c)
		command_free(c);
	return command_submit(tv,
			      command_new(VIRTIO_TOE_CMD_RELEASE, id,
					  GFP_KERNEL));
}

/**
 * toe_virtio_inject() - struct toe_engine_ops.inject
 * @e: the engine
 * @id: the flow
 * @skb: an IP packet; freed in every case
 *
 * Return: 0, -ENOMEM, -ENOBUFS, -ENODEV when the card is dead.
 */
int toe_virtio_inject(struct toe_engine *e, u32 id, struct sk_buff *skb)
{
	struct toe_virtio_command *c = NULL;

	if (!skb_has_frag_list(skb) || !skb_linearize(skb))
		c = command_new(VIRTIO_TOE_CMD_INJECT, id, GFP_ATOMIC);
	if (!c) {
		kfree_skb(skb);
		return -ENOMEM;
	}
	c->skb = skb;
	c->cmd.len = cpu_to_le32(skb->len);
	return command_submit(toe_virtio(e), c);
}

/**
 * toe_virtio_send_capture() - submit CAPTURE_START or CAPTURE_STOP
 * @tv: the card
 * @op: which
 * @id: the flow
 * @snaplen: for START
 *
 * Return: 0, -ENOMEM, -ENODEV when the card is dead.
 */
int toe_virtio_send_capture(struct toe_virtio *tv, u16 op, u32 id, u32 snaplen)
{
	struct toe_virtio_command *c = command_new(op, id, GFP_KERNEL);

	if (c && op == VIRTIO_TOE_CMD_CAPTURE_START) {
		c->capture.snaplen = cpu_to_le32(snaplen);
		c->cmd.len = cpu_to_le32(sizeof(c->capture));
	}
	return command_submit(tv, c);
}

/* From here on nothing is asked of the card, its configuration included: the
 * backend may be gone, and QEMU would not survive that access.
 */
static void card_failed(struct toe_virtio *tv, const char *why)
{
	unsigned int i;

	if (!test_and_clear_bit(TOE_VIRTIO_UP, &tv->flags))
		return;
	dev_err(&tv->vdev->dev, "%s: the card %s, its flows return\n",
		tv->engine.name, why);
	for (i = 0; i < tv->npairs; i++)
		toe_virtio_pair_disown(&tv->pairs[i]);
	toe_engine_failed(&tv->engine);
}

/* Must hold ctl_lock. Whether the oldest command waits for too long. */
static bool unanswered(struct toe_virtio *tv)
{
	struct toe_virtio_command *c;

	lockdep_assert_held(&tv->ctl_lock);
	c = list_first_entry_or_null(&tv->inflight, typeof(*c), node);
	if (!c)
		c = list_first_entry_or_null(&tv->backlog, typeof(*c), node);
	return c && (tv->ticks - c->tick) * MSEC_PER_SEC >
		    READ_ONCE(dead_after_ms);
}

static bool broken(struct toe_virtio *tv)
{
	unsigned int i;

	for (i = 0; i < tv->npairs; i++)
		if (virtqueue_is_broken(tv->pairs[i].rx) ||
		    virtqueue_is_broken(tv->pairs[i].tx))
			return true;
	return virtqueue_is_broken(tv->ctl) || virtqueue_is_broken(tv->event) ||
	       (tv->capture && virtqueue_is_broken(tv->capture));
}

/* The heartbeat. Any unanswered command serves as PING. It also starts the
 * pairs' works, so no skb stays with a queue that has become silent.
 */
static void tick(struct work_struct *work)
{
	struct toe_virtio *tv = container_of(work, struct toe_virtio,
					     tick.work);
	bool idle, dead;
	unsigned int i;

	spin_lock_bh(&tv->ctl_lock);
	tv->ticks++;
	dead = unanswered(tv);
	idle = list_empty(&tv->inflight) && list_empty(&tv->backlog);
	spin_unlock_bh(&tv->ctl_lock);
	if (dead)
		card_failed(tv, "does not answer");
	else if (broken(tv))
		card_failed(tv, "broke a queue");
	else if (test_bit(TOE_VIRTIO_SAYS_FAILED, &tv->flags))
		card_failed(tv, "says that it fails");
	if (!toe_virtio_up(tv))
		return;
	if (idle && atomic_read(&tv->engine.flows))
		command_submit(tv, command_new(VIRTIO_TOE_CMD_PING, 0,
					       GFP_KERNEL));
	queue_work(system_bh_wq, &tv->ctl_work);
	for (i = 0; i < tv->npairs; i++)
		queue_work(system_bh_wq, &tv->pairs[i].work);
	schedule_delayed_work(&tv->tick, HZ);
}

/**
 * toe_virtio_ctl_init() - prepare the control queue's side of the driver
 * @tv: the card, before its queues exist
 */
void toe_virtio_ctl_init(struct toe_virtio *tv)
{
	spin_lock_init(&tv->ctl_lock);
	INIT_LIST_HEAD(&tv->backlog);
	INIT_LIST_HEAD(&tv->inflight);
	INIT_LIST_HEAD(&tv->marking);
	INIT_WORK(&tv->ctl_work, ctl_work);
	INIT_DELAYED_WORK(&tv->tick, tick);
}

/**
 * toe_virtio_ctl_free() - free all commands
 * @tv: the card, reset or without queues, its works cancelled
 */
void toe_virtio_ctl_free(struct toe_virtio *tv)
{
	struct toe_virtio_command *c, *tmp;
	unsigned int i;

	while (tv->ctl && virtqueue_detach_unused_buf(tv->ctl))
		;	/* these are on the inflight list */
	for (i = 0; i < tv->npairs; i++)
		list_splice_init(&tv->pairs[i].replies, &tv->backlog);
	list_splice_init(&tv->inflight, &tv->backlog);
	list_splice_init(&tv->marking, &tv->backlog);
	list_for_each_entry_safe(c, tmp, &tv->backlog, node)
		command_free(c);
}
