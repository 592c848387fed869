// SPDX-License-Identifier: GPL-2.0-only
/* The event queue: what the card says unasked. */
#include <linux/slab.h>

#include "toe_virtio.h"

static void event_post(struct toe_virtio *tv, struct virtio_toe_event *ev)
{
	struct scatterlist sg;

	sg_init_one(&sg, ev, sizeof(*ev));
	/* Cannot fail: the ring has room for all, and takes no memory. */
	virtqueue_add_inbuf(tv->event, &sg, 1, ev, GFP_ATOMIC);
}

static void event_one(struct toe_virtio *tv, const struct virtio_toe_event *ev)
{
	u32 id = le32_to_cpu(ev->flow);

	switch (le16_to_cpu(ev->type)) {
	case VIRTIO_TOE_EV_RETURN:
		toe_engine_wish(&tv->engine, id);
		break;
	case VIRTIO_TOE_EV_FAILED:
		/* What follows needs a process. */
		set_bit(TOE_VIRTIO_SAYS_FAILED, &tv->flags);
		mod_delayed_work(system_percpu_wq, &tv->tick, 0);
		break;
	default:
		toe_engine_error(&tv->engine, 0, TOE_STAT_ERR_PROTOCOL);
	}
}

static void event_work(struct work_struct *work)
{
	struct toe_virtio *tv = container_of(work, struct toe_virtio,
					     event_work);
	struct virtio_toe_event copy, *ev;
	unsigned int used, i;

	if (!toe_virtio_up(tv))
		return;
	virtqueue_disable_cb(tv->event);
	for (i = 0; i < TOE_VIRTIO_EVENTS; i++) {
		ev = virtqueue_get_buf(tv->event, &used);
		if (!ev)
			break;
		memcpy(&copy, ev, sizeof(copy));
		barrier();	/* nothing below looks at *ev again */
		event_post(tv, ev);
		if (used < sizeof(copy))
			toe_engine_error(&tv->engine, 0, TOE_STAT_ERR_LENGTH);
		else
			event_one(tv, &copy);
	}
	virtqueue_kick(tv->event);
	if (i == TOE_VIRTIO_EVENTS || !virtqueue_enable_cb(tv->event))
		queue_work(system_bh_wq, work);
}

/**
 * toe_virtio_event_init() - prepare the event queue's side of the driver
 * @tv: the card, before its queues exist
 *
 * Return: 0 or -ENOMEM.
 */
int toe_virtio_event_init(struct toe_virtio *tv)
{
	INIT_WORK(&tv->event_work, event_work);
	tv->events = kcalloc(TOE_VIRTIO_EVENTS, sizeof(*tv->events),
			     GFP_KERNEL);
	return tv->events ? 0 : -ENOMEM;
}

/**
 * toe_virtio_event_start() - give the card its event buffers
 * @tv: the card, ready but not TOE_VIRTIO_UP
 */
void toe_virtio_event_start(struct toe_virtio *tv)
{
	int i;

	for (i = 0; i < TOE_VIRTIO_EVENTS; i++)
		event_post(tv, &tv->events[i]);
	virtqueue_kick(tv->event);
}

/**
 * toe_virtio_event_free() - undo toe_virtio_event_init()
 * @tv: the card, reset or without queues, its works cancelled
 */
void toe_virtio_event_free(struct toe_virtio *tv)
{
	while (tv->event && virtqueue_detach_unused_buf(tv->event))
		;
	kfree(tv->events);
}
