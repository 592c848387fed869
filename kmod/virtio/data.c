// SPDX-License-Identifier: GPL-2.0-only
/* The rx and tx queues: payload, acknowledgements, credit. */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>

#include "../param.h"
#include "toe_virtio.h"

#define RX_KICK		16		/* refills per kick */
#define TX_MSGS		4096U		/* most at a time, however large the ring */
#define RETRY		msecs_to_jiffies(20)

static unsigned int rx_buffers = 128;
TOE_PARAM(rx_buffers, rx_buffers, 16, 1024, 0444);
MODULE_PARM_DESC(rx_buffers, "receive buffers of 64 KiB per card, 16 to 1024");

/**
 * struct toe_virtio_buf - a receive buffer
 * @hdr: written by the device
 * @page: for the payload; NULL when toe.ko kept it
 * @size: bytes in @page
 * @node: in toe_virtio_pair.spare when the device does not have it
 */
struct toe_virtio_buf {
	struct virtio_toe_rx_hdr hdr;
	struct page *page ____cacheline_aligned;
	unsigned int size;
	struct list_head node;
};

/**
 * struct toe_virtio_msg - a tx message
 * @hdr: read by the device
 * @skb: the payload, NULL for credit or when the device does not have it
 * @next: in toe_virtio_pair.tx_spare, when the device does not have it
 */
struct toe_virtio_msg {
	struct virtio_toe_tx_hdr hdr;
	struct sk_buff *skb;
	struct toe_virtio_msg *next;
};

/* A smaller buffer is better than none. */
static bool rx_alloc(struct toe_virtio_pair *pair, struct toe_virtio_buf *b,
		     gfp_t gfp)
{
	b->page = toe_virtio_page_get(&pair->pages, gfp, &b->size);
	return b->page;
}

static int rx_post(struct toe_virtio_pair *pair, struct toe_virtio_buf *b)
{
	struct scatterlist sg[2];

	sg_init_table(sg, 2);
	sg_set_buf(&sg[0], &b->hdr, sizeof(b->hdr));
	sg_set_page(&sg[1], b->page, b->size, 0);
	return virtqueue_add_inbuf(pair->rx, sg, 2, b, GFP_ATOMIC);
}

static void rx_fill(struct toe_virtio_pair *pair, gfp_t gfp)
{
	struct toe_virtio_buf *b;

	while ((b = list_first_entry_or_null(&pair->spare, typeof(*b), node))) {
		if ((!b->page && !rx_alloc(pair, b, gfp)) ||
		    rx_post(pair, b)) {
			mod_timer(&pair->retry, jiffies + RETRY);
			break;
		}
		list_del(&b->node);
		pair->posted++;
	}
	virtqueue_kick(pair->rx);
}

static bool rx_type_ok(const struct toe_virtio_pair *pair, u16 type)
{
	return type == VIRTIO_TOE_RX_DATA || type == VIRTIO_TOE_RX_ACK ||
	       (type == VIRTIO_TOE_RX_INFO &&
		virtio_has_feature(pair->tv->vdev, VIRTIO_TOE_F_INFO));
}

static bool rx_len_ok(u16 type, u32 len)
{
	if (type == VIRTIO_TOE_RX_INFO)
		return len == sizeof(struct virtio_toe_info);
	return (type == VIRTIO_TOE_RX_DATA) == !!len;
}

static void rx_info(struct toe_engine_info *to, const void *from)
{
	struct virtio_toe_info vi;

	memcpy(&vi, from, sizeof(vi));
	barrier();	/* nothing below looks at the buffer again */
	to->rttvar_us = le32_to_cpu(vi.rttvar_us);
	to->segs_out = le32_to_cpu(vi.segs_out);
	to->segs_in = le32_to_cpu(vi.segs_in);
	to->data_segs_in = le32_to_cpu(vi.data_segs_in);
	to->retrans = le32_to_cpu(vi.retrans);
	to->retrans_bytes = le32_to_cpu(vi.retrans_bytes);
	to->timeouts = le32_to_cpu(vi.timeouts);
	to->unanswered = le32_to_cpu(vi.unanswered);
}

/* False when toe.ko has no memory now: the buffer must be shown again, before
 * any later one and before any reply. Its bytes are acknowledged to the peer.
 */
static bool rx_one(struct toe_virtio_pair *pair, struct toe_virtio_buf *b,
		   unsigned int used)
{
	struct toe_engine *e = &pair->tv->engine;
	struct virtio_toe_rx_hdr hdr;
	struct toe_engine_rx rx = {};
	struct toe_engine_info info;
	u16 type;
	u32 id;
	int err;

	if (used < sizeof(hdr)) {
		toe_engine_error(e, 0, TOE_STAT_ERR_LENGTH);
		return true;
	}
	memcpy(&hdr, &b->hdr, sizeof(hdr));
	barrier();	/* nothing below looks at b->hdr again */
	id = le32_to_cpu(hdr.flow);
	type = le16_to_cpu(hdr.type);
	rx.len = le32_to_cpu(hdr.len);
	if (!rx_type_ok(pair, type) || !id || pair != toe_virtio_pair(pair->tv, id)) {
		toe_engine_error(e, id, TOE_STAT_ERR_PROTOCOL);
		return true;
	}
	if (rx.len > b->size || rx.len != used - sizeof(hdr) ||
	    !rx_len_ok(type, rx.len)) {
		toe_engine_error(e, id, TOE_STAT_ERR_LENGTH);
		return true;
	}
	rx.seq = le32_to_cpu(hdr.seq);
	rx.snd_una = le32_to_cpu(hdr.snd_una);
	rx.snd_wnd = le32_to_cpu(hdr.snd_wnd);
	rx.srtt_us = le32_to_cpu(hdr.srtt_us);
	if (type == VIRTIO_TOE_RX_INFO) {
		rx_info(&info, page_address(b->page));
		rx.info = &info;
		rx.len = 0;
	} else if (rx.len) {
		rx.page = b->page;
		rx.truesize = b->size;
	}
	get_page(b->page);	/* toe.ko may keep one reference, not both */
	err = toe_engine_receive(e, id, &rx);
	if (err <= 0 || b->size < TOE_VIRTIO_PAGE)
		put_page(b->page);
	else
		toe_virtio_page_given(&pair->pages, b->page);
	if (err > 0)
		b->page = NULL;
	return err != -ENOMEM;
}

/* Returns how many buffers were processed, at most @budget. */
static unsigned int rx_poll(struct toe_virtio_pair *pair, unsigned int budget)
{
	struct toe_virtio_buf *b;
	unsigned int n, used;

	for (n = 0; n < budget; n++) {
		b = pair->stuck;
		used = pair->stuck_used;
		if (!b) {
			b = virtqueue_get_buf(pair->rx, &used);
			if (!b)
				break;
			pair->posted--;
		}
		pair->stuck = NULL;
		if (!rx_one(pair, b, used)) {
			pair->stuck = b;
			pair->stuck_used = used;
			mod_timer(&pair->retry, jiffies + RETRY);
			break;
		}
		/* A small one is given back for a chance of a big one. */
		if (b->page && b->size < TOE_VIRTIO_PAGE) {
			put_page(b->page);
			b->page = NULL;
		}
		list_add_tail(&b->node, &pair->spare);
		if (n % RX_KICK == RX_KICK - 1)
			rx_fill(pair, GFP_ATOMIC);
	}
	rx_fill(pair, GFP_ATOMIC);
	return n;
}

/* Must hold pair->tx_lock. What is put in @done is freed by tx_free() without. */
static void tx_reap(struct toe_virtio_pair *pair, struct sk_buff_head *done)
{
	struct toe_virtio_msg *m;
	unsigned int used;

	lockdep_assert_held(&pair->tx_lock);
	while ((m = virtqueue_get_buf(pair->tx, &used))) {
		if (m->skb) {
			pair->tx_owned -= !!m->skb->sk;
			__skb_queue_tail(done, m->skb);
			m->skb = NULL;
		}
		m->next = pair->tx_spare;
		pair->tx_spare = m;
	}
}

static void tx_free(struct sk_buff_head *done)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(done)))
		consume_skb(skb);
}

static bool tx_room(const struct toe_virtio_pair *pair)
{
	return pair->tx_spare && pair->tx->num_free >= TOE_VIRTIO_SG;
}

/* Must hold pair->tx_lock. Looks again when the device is through with most of
 * what it has.
 */
static void tx_await(struct toe_virtio_pair *pair)
{
	lockdep_assert_held(&pair->tx_lock);
	if (!virtqueue_enable_cb_delayed(pair->tx))
		queue_work(system_bh_wq, &pair->work);
}

static void tx_clean(struct toe_virtio_pair *pair)
{
	struct sk_buff_head done;
	bool writable = false;

	__skb_queue_head_init(&done);
	spin_lock_bh(&pair->tx_lock);
	tx_reap(pair, &done);
	if (pair->tx_full && tx_room(pair)) {
		pair->tx_full = false;
		writable = true;
	}
	if (pair->tx_full || pair->tx_owned)
		tx_await(pair);
	else
		virtqueue_disable_cb(pair->tx);
	spin_unlock_bh(&pair->tx_lock);
	tx_free(&done);
	if (writable)
		toe_engine_writable(&pair->tv->engine);
}

/* Must hold pair->tx_lock. Sees to it that toe_engine_writable() will come. */
static int tx_full(struct toe_virtio_pair *pair)
{
	lockdep_assert_held(&pair->tx_lock);
	pair->tx_full = true;
	if (tx_room(pair))	/* no memory */
		mod_timer(&pair->retry, jiffies + RETRY);
	else
		tx_await(pair);
	return -ENOBUFS;
}

static int tx_post(struct toe_virtio_pair *pair, struct toe_virtio_msg *m,
		   u32 offset, u32 len)
{
	struct scatterlist *sg = pair->tx_sg;
	int n = 0;

	lockdep_assert_held(&pair->tx_lock);
	sg_init_table(sg, TOE_VIRTIO_SG);
	sg_set_buf(sg, &m->hdr, sizeof(m->hdr));
	if (m->skb)
		n = skb_to_sgvec(m->skb, sg + 1, offset, len);
	else
		sg_mark_end(sg);
	if (n < 0)
		return n;
	return virtqueue_add_outbuf(pair->tx, sg, 1 + n, m, GFP_ATOMIC);
}

static int tx_send(struct toe_virtio *tv, const struct virtio_toe_tx_hdr *hdr,
		   struct sk_buff *skb, u32 offset, u32 len)
{
	struct toe_virtio_pair *pair = toe_virtio_pair(tv,
						       le32_to_cpu(hdr->flow));
	struct toe_virtio_msg *m;
	struct sk_buff_head done;
	bool kick = false;
	int err = 0;

	__skb_queue_head_init(&done);
	spin_lock_bh(&pair->tx_lock);
	/* Under the lock: see toe_virtio_pair_disown(). */
	if (!toe_virtio_up(tv)) {
		err = -ENODEV;
		goto unlock;
	}
	tx_reap(pair, &done);
	m = pair->tx_spare;
	if (m) {
		m->hdr = *hdr;
		m->skb = skb;
	}
	if (!m || tx_post(pair, m, offset, len)) {
		if (m)
			m->skb = NULL;
		err = tx_full(pair);
		goto unlock;
	}
	pair->tx_spare = m->next;
	if (skb && skb->sk && !pair->tx_owned++)
		tx_await(pair);
	kick = virtqueue_kick_prepare(pair->tx);
unlock:
	spin_unlock_bh(&pair->tx_lock);
	if (kick)
		virtqueue_notify(pair->tx);
	tx_free(&done);
	return err;
}

/**
 * toe_virtio_transmit() - struct toe_engine_ops.transmit
 * @e: the engine
 * @id: the flow
 * @seq: sequence number of the first byte
 * @skb: the payload, from @offset on, by reference
 * @offset: where it starts
 * @rcv_edge: credit
 *
 * As long as the device has not said that it is through with an skb that a socket
 * owns, the socket gathers what is written next (tcp_should_autocork(),
 * net/ipv4/tcp.c), so the device's answer is waited for by an interrupt. Others are
 * freed when the ring is looked at next.
 *
 * Return: 0, -ENOBUFS when there is no room, -EINVAL for an skb that no chain
 * can carry, -ENODEV when the card is dead.
 */
int toe_virtio_transmit(struct toe_engine *e, u32 id, u32 seq,
			struct sk_buff *skb, u32 offset, u32 rcv_edge)
{
	struct virtio_toe_tx_hdr hdr = {
		.flow = cpu_to_le32(id),
		.type = cpu_to_le16(VIRTIO_TOE_TX_DATA),
		.seq = cpu_to_le32(seq),
		.rcv_edge = cpu_to_le32(rcv_edge),
	};
	u32 len = skb->len - offset;

	if (offset >= skb->len || len > e->max_tx_len || skb_has_frag_list(skb))
		return -EINVAL;
	hdr.len = cpu_to_le32(len);
	return tx_send(toe_virtio(e), &hdr, skb, offset, len);
}

/**
 * toe_virtio_credit() - struct toe_engine_ops.credit
 * @e: the engine
 * @id: the flow
 * @rcv_edge: the card may deliver bytes before this sequence number
 *
 * Return: 0, -ENOBUFS when there is no room, -ENODEV when the card is dead.
 */
int toe_virtio_credit(struct toe_engine *e, u32 id, u32 rcv_edge)
{
	struct virtio_toe_tx_hdr hdr = {
		.flow = cpu_to_le32(id),
		.type = cpu_to_le16(VIRTIO_TOE_TX_CREDIT),
		.rcv_edge = cpu_to_le32(rcv_edge),
	};

	return tx_send(toe_virtio(e), &hdr, NULL, 0, 0);
}

/* Note 4 of toe_virtio.h: a buffer used before a reply in @replies is one of
 * those posted now, so it is processed before the replies are.
 */
static void pair_work(struct work_struct *work)
{
	struct toe_virtio_pair *pair = container_of(work, typeof(*pair), work);
	struct toe_virtio *tv = pair->tv;
	unsigned int budget = pair->posted + !!pair->stuck, done;
	LIST_HEAD(replies);

	if (!toe_virtio_up(tv))
		return;
	spin_lock_bh(&tv->ctl_lock);
	list_splice_init(&pair->replies, &replies);
	spin_unlock_bh(&tv->ctl_lock);

	virtqueue_disable_cb(pair->rx);
	done = rx_poll(pair, budget);
	if (pair->stuck) {
		spin_lock_bh(&tv->ctl_lock);
		list_splice(&replies, &pair->replies);
		spin_unlock_bh(&tv->ctl_lock);
	} else {
		toe_virtio_reply(tv, &replies);
	}
	tx_clean(pair);
	if (pair->stuck)
		return;		/* the timer looks again */
	if ((done && done == budget) || !virtqueue_enable_cb(pair->rx))
		queue_work(system_bh_wq, work);
}

static void pair_retry(struct timer_list *t)
{
	struct toe_virtio_pair *pair = container_of(t, typeof(*pair), retry);

	queue_work(system_bh_wq, &pair->work);
}

/**
 * toe_virtio_pair_init() - prepare a pair's side of the driver
 * @pair: the pair, its tv set, before its queues exist
 *
 * Return: 0 or -ENOMEM.
 */
int toe_virtio_pair_init(struct toe_virtio_pair *pair)
{
	INIT_WORK(&pair->work, pair_work);
	timer_setup(&pair->retry, pair_retry, 0);
	INIT_LIST_HEAD(&pair->spare);
	INIT_LIST_HEAD(&pair->replies);
	spin_lock_init(&pair->tx_lock);
	pair->nbufs = max(rx_buffers / pair->tv->npairs, 16U);
	pair->bufs = kcalloc(pair->nbufs, sizeof(*pair->bufs), GFP_KERNEL);
	if (!pair->bufs)
		return -ENOMEM;
	return toe_virtio_pages_init(&pair->pages, 2 * pair->nbufs);
}

/**
 * toe_virtio_pair_alloc() - memory for the messages that its ring has room for
 * @pair: a pair that has queues
 *
 * Return: 0 or -ENOMEM.
 */
int toe_virtio_pair_alloc(struct toe_virtio_pair *pair)
{
	unsigned int i, n = min(virtqueue_get_vring_size(pair->tx), TX_MSGS);

	/* Not vmalloc(): the device reads the headers. */
	pair->msgs = kcalloc(n, sizeof(*pair->msgs), GFP_KERNEL);
	if (!pair->msgs)
		return -ENOMEM;
	pair->nmsgs = n;
	for (i = 0; i < n; i++) {
		pair->msgs[i].next = pair->tx_spare;
		pair->tx_spare = &pair->msgs[i];
	}
	return 0;
}

/**
 * toe_virtio_pair_start() - give the card its receive buffers
 * @pair: a pair of a card that is ready but not TOE_VIRTIO_UP
 */
void toe_virtio_pair_start(struct toe_virtio_pair *pair)
{
	unsigned int i;

	pair->nbufs = min(pair->nbufs, virtqueue_get_vring_size(pair->rx) / 2);
	for (i = 0; i < pair->nbufs; i++)
		list_add_tail(&pair->bufs[i].node, &pair->spare);
	virtqueue_disable_cb(pair->tx);
	rx_fill(pair, GFP_KERNEL);
}

/**
 * toe_virtio_pair_disown() - let sockets go on without the card's answer
 * @pair: a pair of a card that is not TOE_VIRTIO_UP any more
 *
 * They would wait for it with what they send next. The payload stays until the card
 * is reset.
 *
 * Context: any but hard interrupt.
 */
void toe_virtio_pair_disown(struct toe_virtio_pair *pair)
{
	unsigned int i;

	spin_lock_bh(&pair->tx_lock);
	for (i = 0; i < pair->nmsgs; i++)
		if (pair->msgs[i].skb)
			skb_orphan(pair->msgs[i].skb);
	pair->tx_owned = 0;
	spin_unlock_bh(&pair->tx_lock);
}

/**
 * toe_virtio_pair_free() - undo toe_virtio_pair_init(), _alloc() and _start()
 * @pair: a pair of a card that is reset or has no queues, its work cancelled
 */
void toe_virtio_pair_free(struct toe_virtio_pair *pair)
{
	unsigned int i;

	while (pair->rx && virtqueue_detach_unused_buf(pair->rx))
		;
	while (pair->tx && virtqueue_detach_unused_buf(pair->tx))
		;
	for (i = 0; i < pair->nmsgs; i++)
		kfree_skb(pair->msgs[i].skb);
	kfree(pair->msgs);
	for (i = 0; pair->bufs && i < pair->nbufs; i++)
		if (pair->bufs[i].page)
			put_page(pair->bufs[i].page);
	kfree(pair->bufs);
	toe_virtio_pages_free(&pair->pages);
}
