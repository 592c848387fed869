// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames of a flow, from the ring that card.bpf.c fills to the device's capture
 * queue.
 *
 * Nobody waits for a capture: the programs drop a frame when the ring is full,
 * and count it; here a bounded number of frames is handed on each time, after
 * everything else of the loop's round that came before. Without a capture buffer
 * of the host's the frames wait in the ring.
 *
 * A packet that the port cuts into frames comes from the ring as these frames
 * with the headers of the whole. What makes them true ones is what a port does
 * that offers TSO and checksums; for what came from the wire, nothing is done.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include <bpf/libbpf.h>
#include <toe/bpf.h>

#include "capture.h"
#include "card_internal.h"
#include "csum.h"
#include "log.h"
#include "steer.h"

#define BATCH	32	/* frames handed on before others get their turn */

/**
 * struct one - a flow that is shown
 * @id: 0: free
 * @tuple: its name
 * @snaplen: bytes of a frame that the host wants
 * @ending: no more of its frames go into the ring
 * @until: what lies before this place in the ring may still be its own
 * @dropped: as last known; the final count once @ending
 */
struct one {
	uint32_t id;
	struct toe_tuple tuple;
	uint32_t snaplen;
	bool ending;
	unsigned long until;
	uint64_t dropped;
};

/**
 * struct captures - all of them
 * @card: the card
 * @rb: the ring
 * @lf: its descriptor
 * @listening: the loop watches it
 * @ended: a capture has ended: expires at once
 * @room: bytes of a frame that fit into the next buffer
 * @clock: CLOCK_REALTIME - CLOCK_MONOTONIC, nanoseconds
 * @one: the flows
 * @frame: the frame in hand
 */
struct captures {
	struct card *card;
	struct ring_buffer *rb;
	struct loop_fd lf;
	bool listening;
	struct loop_timer ended;
	uint32_t room;
	uint64_t clock;
	struct one one[TOE_CARD_CAPTURES];
	uint8_t align[2] __attribute__((aligned(4)));
	uint8_t frame[TOE_FRAME_MAX];
};

static struct one *find(struct captures *cs, uint32_t id)
{
	unsigned int i;

	for (i = 0; i < TOE_CARD_CAPTURES; i++)
		if (cs->one[i].id == id)
			return &cs->one[i];
	return NULL;
}

static void listen_to_ring(struct captures *cs, bool on)
{
	if (cs->listening != on)
		loop_mod(cs->card->loop, &cs->lf, on ? EPOLLIN : 0);
	cs->listening = on;
}

/* What the port does */

static void fix_tcp(const struct toe_card_frame *fr, struct tcphdr *th, size_t tcp_len,
		    uint16_t pseudo_sum)
{
	/* A frame by itself has its sum, or that of the pseudo-header when
	 * the port is to finish it.
	 */
	if (!fr->gso_size && th->check != pseudo_sum)
		return;
	if (fr->gso_size) {
		th->seq = htonl(ntohl(th->seq) + fr->segment * fr->gso_size);
		th->cwr &= !fr->segment;
		th->psh &= fr->last;
		th->fin &= fr->last;
	}
	th->check = 0;
	th->check = (uint16_t)~csum_fold(pseudo_sum + csum_add(th, tcp_len));
}

/* Only what parse() of card.bpf.c takes for a frame of a flow comes here. */
static void fix_sent(const struct toe_card_frame *fr, uint8_t *frame)
{
	struct iphdr *ip = (void *)(frame + ETH_HLEN);
	struct ipv6hdr *ip6 = (void *)ip;
	size_t len = fr->len - ETH_HLEN;

	/* Of one longer than the ring takes, the rest cannot be summed up. */
	if (fr->caplen < fr->len)
		return;
	if (ip->version == 4) {
		if (fr->gso_size) {
			ip->tot_len = htons((uint16_t)len);
			ip->id = htons((uint16_t)(ntohs(ip->id) + fr->segment));
			ip->check = 0;
			ip->check = (uint16_t)~csum_fold(csum_add(ip, sizeof(*ip)));
		}
		len -= sizeof(*ip);
		fix_tcp(fr, (void *)(ip + 1), len, csum_pseudo(ip + 1, true, len));
	} else {
		len -= sizeof(*ip6);
		if (fr->gso_size)
			ip6->payload_len = htons((uint16_t)len);
		fix_tcp(fr, (void *)(ip6 + 1), len, csum_pseudo(ip6 + 1, false, len));
	}
}

/* From the ring to the host */

/* There is a buffer. */
static int hand_on(void *ctx, void *data, size_t size)
{
	struct captures *cs = ctx;
	const struct toe_card_frame *fr = data;
	struct one *one = find(cs, fr->flow);
	struct device_frame f;

	if (size < sizeof(*fr) || size - sizeof(*fr) < fr->caplen || !one ||
	    !fr->flow)
		return 0;
	memcpy(cs->frame, fr + 1, fr->caplen);
	if (fr->sent)
		fix_sent(fr, cs->frame);
	f = (struct device_frame){
		.id = fr->flow,
		.type = fr->sent ? VIRTIO_TOE_CAPTURE_SENT :
				   VIRTIO_TOE_CAPTURE_RECEIVED,
		.len = fr->len,
		.caplen = fr->caplen,
		.time_ns = fr->time_ns + cs->clock,
		.dropped = fr->dropped,
		.data = cs->frame,
	};
	if (f.caplen > one->snaplen)
		f.caplen = one->snaplen;
	if (f.caplen > cs->room)
		f.caplen = cs->room;
	device_capture_send(cs->card->device, &f);
	cs->card->n.capture_frames++;
	return 0;
}

static bool room(struct captures *cs)
{
	int n = device_capture_room(cs->card->device);

	cs->room = n > 0 ? (uint32_t)n : 0;
	return n >= 0;
}

/* The ends of those whose last frame has left the ring; false: no buffer. */
static bool send_ends(struct captures *cs)
{
	unsigned long at = ring__consumer_pos(ring_buffer__ring(cs->rb, 0));
	struct device_frame f = { .type = VIRTIO_TOE_CAPTURE_END };
	struct one *one;
	unsigned int i;

	for (i = 0; i < TOE_CARD_CAPTURES; i++) {
		one = &cs->one[i];
		if (!one->id || !one->ending || (long)(at - one->until) < 0)
			continue;
		f.id = one->id;
		f.dropped = one->dropped;
		if (device_capture_send(cs->card->device, &f))
			return false;
		one->id = 0;
	}
	return true;
}

static void set_clock(struct captures *cs)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	cs->clock = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec -
		    loop_now_ns();
}

/* Without a buffer the ring is left alone until capture_ready(). */
static void run(struct captures *cs)
{
	unsigned int i;
	bool more = true;

	set_clock(cs);
	for (i = 0; more && i < BATCH; i++) {
		if (!send_ends(cs) || !room(cs)) {
			listen_to_ring(cs, false);
			return;
		}
		more = ring_buffer__consume_n(cs->rb, 1) > 0;
	}
	listen_to_ring(cs, send_ends(cs));
}

static void ring_ready(struct loop_fd *lf, uint32_t events)
{
	(void)events;
	run(container_of(lf, struct captures, lf));
}

static void capture_ended(struct loop_timer *lt)
{
	run(container_of(lt, struct captures, ended));
}

void capture_ready(struct card *c)
{
	run(c->captures);
}

/* Begin and end */

static uint32_t start(struct card *c, uint32_t id, uint32_t snaplen)
{
	struct flow *f = card_flow_by_id(c, id);
	struct one *one;

	if (!f)
		return VIRTIO_TOE_S_NOENT;
	if (!snaplen)
		return VIRTIO_TOE_S_INVAL;
	if (find(c->captures, id))
		return VIRTIO_TOE_S_EXIST;
	one = find(c->captures, 0);
	if (!one)
		return VIRTIO_TOE_S_FULL;
	if (steer_capture_set(c->steer, &f->tuple, id))
		return VIRTIO_TOE_S_FAIL;
	*one = (struct one){ .id = id, .tuple = f->tuple, .snaplen = snaplen };
	c->n.captures++;
	return VIRTIO_TOE_S_OK;
}

void capture_start(struct card *c, struct device_cmd *cmd, uint32_t id,
		   uint32_t snaplen)
{
	device_reply(c->device, cmd, start(c, id, snaplen), NULL);
}

static void end(struct captures *cs, struct one *one)
{
	if (one->ending)
		return;
	one->dropped = steer_capture_clear(cs->card->steer, &one->tuple);
	one->until = ring__producer_pos(ring_buffer__ring(cs->rb, 0));
	one->ending = true;
	cs->card->n.capture_dropped += one->dropped;
}

void capture_end(struct card *c, uint32_t id)
{
	struct one *one = find(c->captures, id);

	if (!one)
		return;
	end(c->captures, one);
	/* Not now: whoever ends it is busy with more important things. */
	loop_timer_arm(c->loop, &c->captures->ended, 0);
}

void capture_stop(struct card *c, struct device_cmd *cmd, uint32_t id)
{
	struct one *one = find(c->captures, id);
	bool known = one && !one->ending;

	device_reply(c->device, cmd, known ? VIRTIO_TOE_S_OK :
		     VIRTIO_TOE_S_NOENT, NULL);
	if (known)
		capture_end(c, id);
}

void captures_reset(struct card *c)
{
	struct captures *cs = c->captures;
	unsigned int i;

	for (i = 0; i < TOE_CARD_CAPTURES; i++) {
		if (cs->one[i].id)
			end(cs, &cs->one[i]);
		cs->one[i].id = 0;
	}
	loop_timer_disarm(c->loop, &cs->ended);
	/* Frames of nobody */
	ring_buffer__consume(cs->rb);
	listen_to_ring(cs, true);
}

uint32_t captures_running(const struct captures *cs)
{
	uint32_t n = 0, i;

	for (i = 0; i < TOE_CARD_CAPTURES; i++)
		n += cs->one[i].id && !cs->one[i].ending;
	return n;
}

struct captures *captures_new(struct card *c)
{
	struct captures *cs = calloc(1, sizeof(*cs));
	int err = -ENOMEM;

	if (!cs)
		goto fail;
	cs->card = c;
	cs->rb = ring_buffer__new(steer_frames_fd(c->steer), hand_on, cs, NULL);
	if (!cs->rb)
		goto fail;
	cs->lf.fd = ring_buffer__epoll_fd(cs->rb);
	cs->lf.ready = ring_ready;
	cs->ended.expired = capture_ended;
	err = loop_add(c->loop, &cs->lf, EPOLLIN);
	if (err)
		goto fail;
	cs->listening = true;
	return cs;

fail:
	log_err("capture: %s", strerror(-err));
	if (cs)
		ring_buffer__free(cs->rb);
	free(cs);
	return NULL;
}

void captures_free(struct captures *cs)
{
	if (!cs)
		return;
	loop_timer_disarm(cs->card->loop, &cs->ended);
	loop_del(cs->card->loop, &cs->lf);
	ring_buffer__free(cs->rb);
	free(cs);
}
