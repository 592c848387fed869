// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capture queue: frames of a flow as they are on the card's wire.
 *
 * It has buffers from the first capture on, and keeps them: a queue gives
 * nothing back before it is reset. What the card writes there touches no flow.
 * Its work is an ordinary one, which the flows' works and the applications get
 * the better of.
 */
#include <linux/sizes.h>
#include <linux/slab.h>

#include "toe_virtio.h"

#define FRAMES		64		/* 1 MiB of buffers */
#define FRAME_BYTES	SZ_16K		/* head and frame */

/**
 * struct toe_virtio_frame - a capture buffer
 * @buf: FRAME_BYTES bytes, written by the device
 */
struct toe_virtio_frame {
	void *buf;
};

static int frame_post(struct toe_virtio *tv, struct toe_virtio_frame *f)
{
	struct scatterlist sg;

	sg_init_one(&sg, f->buf, FRAME_BYTES);
	return virtqueue_add_inbuf(tv->capture, &sg, 1, f, GFP_ATOMIC);
}

/* What the card says of a frame is checked; the frame itself is only copied. */
static void frame_one(struct toe_virtio *tv, const struct toe_virtio_frame *f,
		      unsigned int used)
{
	struct toe_engine *e = &tv->engine;
	struct virtio_toe_capture_hdr hdr;
	struct toe_engine_frame frame;
	u32 id;

	if (used < sizeof(hdr) || used > FRAME_BYTES) {
		toe_engine_error(e, 0, TOE_STAT_ERR_LENGTH);
		return;
	}
	memcpy(&hdr, f->buf, sizeof(hdr));
	barrier();	/* nothing below looks at the head again */
	id = le32_to_cpu(hdr.flow);
	frame = (struct toe_engine_frame) {
		.data = f->buf + sizeof(hdr),
		.len = le32_to_cpu(hdr.len),
		.caplen = le32_to_cpu(hdr.caplen),
		.time_ns = le64_to_cpu(hdr.time_ns),
		.dropped = le64_to_cpu(hdr.dropped),
	};
	if (frame.caplen != used - sizeof(hdr) || frame.caplen > frame.len) {
		toe_engine_error(e, 0, TOE_STAT_ERR_LENGTH);
		return;
	}
	switch (le16_to_cpu(hdr.type)) {
	case VIRTIO_TOE_CAPTURE_SENT:
		frame.sent = true;
		fallthrough;
	case VIRTIO_TOE_CAPTURE_RECEIVED:
		toe_engine_captured(e, id, &frame);
		break;
	case VIRTIO_TOE_CAPTURE_END:
		toe_engine_capture_ended(e, id, frame.dropped);
		break;
	default:
		toe_engine_error(e, 0, TOE_STAT_ERR_PROTOCOL);
	}
}

static void capture_work(struct work_struct *work)
{
	struct toe_virtio *tv = container_of(work, struct toe_virtio,
					     capture_work);
	struct toe_virtio_frame *f;
	unsigned int used, i;

	/* Pairs with capture_fill(): the queue is ours once it is filled. */
	if (!toe_virtio_up(tv) || !smp_load_acquire(&tv->frames))
		return;
	virtqueue_disable_cb(tv->capture);
	for (i = 0; i < FRAMES; i++) {
		f = virtqueue_get_buf(tv->capture, &used);
		if (!f)
			break;
		local_bh_disable();
		frame_one(tv, f, used);
		local_bh_enable();
		/* Cannot fail: the ring has room for all, and takes no memory. */
		frame_post(tv, f);
	}
	virtqueue_kick(tv->capture);
	if (i == FRAMES || !virtqueue_enable_cb(tv->capture))
		queue_work(system_dfl_wq, work);
}

static void frames_free(struct toe_virtio_frame *frames)
{
	unsigned int i;

	for (i = 0; frames && i < FRAMES; i++)
		kfree(frames[i].buf);
	kfree(frames);
}

/* The first capture gives the queue its buffers. */
static int capture_fill(struct toe_virtio *tv)
{
	struct toe_virtio_frame *frames;
	unsigned int i;

	lockdep_assert_held(&tv->capture_lock);
	if (tv->frames)
		return 0;
	frames = kcalloc(FRAMES, sizeof(*frames), GFP_KERNEL);
	for (i = 0; frames && i < FRAMES; i++) {
		frames[i].buf = kmalloc(FRAME_BYTES, GFP_KERNEL | __GFP_NOWARN);
		if (!frames[i].buf) {
			frames_free(frames);
			frames = NULL;
		}
	}
	if (!frames)
		return -ENOMEM;
	for (i = 0; i < FRAMES; i++)
		frame_post(tv, &frames[i]);
	virtqueue_kick(tv->capture);
	/* From here on capture_work() has the queue. */
	smp_store_release(&tv->frames, frames);
	queue_work(system_dfl_wq, &tv->capture_work);
	return 0;
}

/**
 * toe_virtio_capture_start() - struct toe_engine_ops.capture_start
 * @e: the engine
 * @id: the flow
 * @snaplen: bytes of a frame that are wanted
 *
 * Return: 0, -EOPNOTSUPP when the card shows no frames, -ENOMEM, -ENODEV when
 * the card is dead.
 */
int toe_virtio_capture_start(struct toe_engine *e, u32 id, u32 snaplen)
{
	struct toe_virtio *tv = toe_virtio(e);
	int err;

	if (!tv->capture)
		return -EOPNOTSUPP;
	mutex_lock(&tv->capture_lock);
	err = toe_virtio_up(tv) ? capture_fill(tv) : -ENODEV;
	mutex_unlock(&tv->capture_lock);
	if (err)
		return err;
	return toe_virtio_send_capture(tv, VIRTIO_TOE_CMD_CAPTURE_START, id,
				       snaplen);
}

/**
 * toe_virtio_capture_stop() - struct toe_engine_ops.capture_stop
 * @e: the engine
 * @id: the flow
 *
 * Return: 0, -ENOMEM, -ENODEV when the card is dead.
 */
int toe_virtio_capture_stop(struct toe_engine *e, u32 id)
{
	return toe_virtio_send_capture(toe_virtio(e),
				       VIRTIO_TOE_CMD_CAPTURE_STOP, id, 0);
}

/**
 * toe_virtio_capture_init() - prepare the capture queue's side of the driver
 * @tv: the card, before its queues exist
 */
void toe_virtio_capture_init(struct toe_virtio *tv)
{
	mutex_init(&tv->capture_lock);
	INIT_WORK(&tv->capture_work, capture_work);
}

/**
 * toe_virtio_capture_free() - free the buffers
 * @tv: the card, reset or without queues, its works cancelled
 */
void toe_virtio_capture_free(struct toe_virtio *tv)
{
	while (tv->capture && virtqueue_detach_unused_buf(tv->capture))
		;
	frames_free(tv->frames);
}
