// SPDX-License-Identifier: GPL-2.0-only
/*
 * One flow, from PREPARE to RELEASE.
 *
 *   HELD        frames go to hold0 and are kept
 *   RESTORING   OPEN came; waits for the bytes [snd_una, snd_nxt)
 *   RUNNING     the card's stack has it
 *   CLOSING     frames are kept; waits until no CPU can still bring a frame to
 *               the socket, then until all it received is with the host
 *   CLOSED      state reported, socket gone, frames kept
 *
 * The order of a restore: guard element, socket, frames into it, steering to
 * CARD, the frames that came meanwhile, an advertisement if the window was
 * small, unsent data. Frames before the switch, or the peer's segments overtake
 * those that were held.
 *
 * The order of a close: steering to HOLD; SETTLE_NS for those CPUs that were
 * beyond the steering by then; nothing out of order any more, which held frames
 * may have to see to; a filter that drops what comes later still (it is not
 * acknowledged, so it is not lost); all data out; freeze; state. Reading makes
 * the socket acknowledge, so the windows and the timestamp are read last.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_ether.h>

#include "capture.h"
#include "card_internal.h"
#include "fault.h"
#include "log.h"
#include "neigh.h"
#include "pump.h"
#include "repair.h"
#include "steer.h"
#include "tell.h"

#define SETTLE_NS	300000ULL
#define CALM_NS		20000000ULL	/* patience with what is out of order */

/* More than this in flight is no state, it is nonsense. */
#define MAX_FLIGHT	(1u << 30)

static void reply(struct flow *f, uint32_t status, const struct toe_state *st)
{
	struct device_cmd *cmd = f->cmd;

	f->cmd = NULL;
	if (cmd)
		device_reply(f->card->device, cmd, status, st);
}

static uint32_t status_of(int err)
{
	switch (err) {
	case 0:
		return VIRTIO_TOE_S_OK;
	case -EEXIST:
	case -EADDRINUSE:
		return VIRTIO_TOE_S_EXIST;
	case -E2BIG:
	case -ENOSPC:
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
		return VIRTIO_TOE_S_FULL;
	default:
		return VIRTIO_TOE_S_FAIL;
	}
}

void flow_wants_back(struct flow *f, const char *why)
{
	struct card *c = f->card;

	if (f->reported)
		return;
	f->reported = true;
	c->n.returns++;
	log_debug("flow %u: back to the host: %s", f->id, why);
	if (!device_event(c->device, VIRTIO_TOE_EV_RETURN, f->id))
		return;
	f->event_due = true;
	if (!c->events_due++ && list_empty(&c->narrow))
		loop_timer_arm(c->loop, &c->slow, 1000000);
}

static void event_done(struct flow *f)
{
	if (f->event_due)
		f->card->events_due--;
	f->event_due = false;
}

void flow_retry_events(struct card *c)
{
	struct flow *f;
	uint32_t i;

	for (i = 0; c->events_due && i <= c->hash_mask; i++) {
		for (f = c->ids[i]; f; f = f->by_id) {
			if (!f->event_due)
				continue;
			if (device_event(c->device, VIRTIO_TOE_EV_RETURN,
					 f->id))
				return;
			event_done(f);
		}
	}
}

/* PREPARE */

static void settled(struct loop_timer *lt);

static struct flow *flow_new(struct card *c, uint32_t id,
			     const struct toe_tuple *t)
{
	struct flow *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->card = c;
	f->id = id;
	f->tuple = *t;
	f->lf.fd = -1;
	f->tx_tail = &f->tx;
	f->timer.expired = settled;
	hold_list_init(&f->held);
	list_init(&f->starved);
	list_init(&f->busy);
	list_init(&f->narrow);
	list_init(&f->untold);
	return f;
}

static uint32_t prepare(struct card *c, uint32_t id, const struct toe_tuple *t)
{
	struct flow *f;
	int err;

	if (!id || (t->family != AF_INET && t->family != AF_INET6))
		return VIRTIO_TOE_S_INVAL;
	if (card_flow_by_id(c, id) || card_flow_by_tuple(c, t))
		return VIRTIO_TOE_S_EXIST;
	if (fault_take(FAULT_PREPARE_REFUSE) || c->num_flows >= c->max_flows)
		return VIRTIO_TOE_S_FULL;
	f = flow_new(c, id, t);
	if (!f)
		return VIRTIO_TOE_S_FULL;
	/* In the tables before the first frame can come */
	card_flow_insert(c, f);
	err = steer_set(c->steer, t, TOE_STEER_HOLD);
	if (err) {
		log_warn("flow %u: steer: %s", id, strerror(-err));
		card_flow_remove(c, f);
		free(f);
		return status_of(err);
	}
	return VIRTIO_TOE_S_OK;
}

/* Those CPUs that were still passing a frame on have passed it: the marker
 * comes behind it.
 */
static void prepared(struct flow *f)
{
	hold_mark(f->card->hold, f->id);
	f->card->n.prepares++;
	reply(f, VIRTIO_TOE_S_OK, NULL);
}

void flow_prepare(struct card *c, struct device_cmd *cmd, uint32_t id,
		  const struct toe_tuple *t)
{
	uint32_t status = prepare(c, id, t);
	struct flow *f;

	if (status != VIRTIO_TOE_S_OK) {
		device_reply(c->device, cmd, status, NULL);
		return;
	}
	f = card_flow_by_id(c, id);
	f->cmd = cmd;
	loop_timer_arm(c->loop, &f->timer, SETTLE_NS);
}

/* OPEN */

static int set_guard(struct flow *f)
{
	const struct toe_state *st = &f->st;
	struct toe_guard g = {
		.iw = st->snd_cwnd,
		.rcv_wscale = st->options & TOE_OPT_WSCALE ? st->rcv_wscale : 0,
		.snd_nxt = st->snd_nxt,
		.rcv_edge = st->rcv_wup + st->rcv_wnd,
		.own_edge = st->rcv_wup + st->rcv_wnd,
		.tsecr = st->ts_recent,
		.flow_label = st->flow_label,
		.ip_id = st->ip_id,
	};
	int err;

	/* First: without it the stack would promise what it likes. */
	err = steer_credit_set(f->card->steer, &f->tuple, f->rcv_edge, false);
	if (err)
		return err;
	return steer_guard_set(f->card->steer, &f->tuple, &g);
}

/* Everything that the flow has beyond its steering and its held frames */
static void unwire(struct flow *f)
{
	if (f->lf.fd >= 0)
		repair_close(f->lf.fd);
	f->lf.fd = -1;
	if (!f->wired)
		return;
	steer_guard_clear(f->card->steer, &f->tuple);
	neigh_put(f->card->neigh, &f->tuple);
	f->wired = false;
}

static int wire(struct flow *f)
{
	int err;

	err = neigh_get(f->card->neigh, &f->st);
	if (err)
		return err;
	err = set_guard(f);
	if (err) {
		neigh_put(f->card->neigh, &f->tuple);
		return err;
	}
	f->wired = true;
	return 0;
}

/* The queue's bytes before snd_nxt go in as sent; the rest stays queued. */
static int restore_sent(struct flow *f)
{
	struct device_tx *tx = f->tx;
	struct iovec iov[DEVICE_TX_IOV];
	uint32_t left, part;
	unsigned int n;
	int err;

	while ((tx = f->tx) && seq_before(tx->seq, f->st.snd_nxt)) {
		left = f->st.snd_nxt - tx->seq;
		if (left > tx->len)
			left = tx->len;
		for (n = 0, part = 0; n < tx->niov && part < left; n++) {
			iov[n] = tx->iov[n];
			if (iov[n].iov_len > left - part)
				iov[n].iov_len = left - part;
			part += (uint32_t)iov[n].iov_len;
		}
		err = repair_sent(f->lf.fd, iov, (int)n);
		if (err)
			return err;
		pump_taken(f, left);
	}
	return 0;
}

static int restore(struct flow *f)
{
	int err;

	err = wire(f);
	if (err)
		return err;
	err = repair_open(&f->st, f->card->wire);
	if (err < 0)
		return err;
	f->lf.fd = err;
	err = restore_sent(f);
	if (err)
		return err;
	if (fault_take(FAULT_OPEN_REFUSE))
		return -EIO;
	return repair_start(f->lf.fd, &f->st,
			    (loop_now_ns() - f->open_ns) / 1000);
}

/* From the first frame on the peer has its answers from here: whatever fails
 * now, the flow runs, and may have to be taken back.
 */
static void run(struct flow *f)
{
	struct card *c = f->card;
	int err = 0;

	hold_to_stack(c->hold, f);
	if (!f->urgent)
		err = steer_set(c->steer, &f->tuple, TOE_STEER_CARD);
	f->state = FLOW_RUNNING;
	hold_to_stack(c->hold, f);
	repair_advertise(f->lf.fd, &f->st);
	c->n.opens++;
	reply(f, VIRTIO_TOE_S_OK, NULL);
	if (pump_start(f) || err)
		flow_wants_back(f, "no memory");
	else if (f->urgent)
		flow_wants_back(f, "urgent data");
}

/* RESTORING goes on when all bytes [snd_una, snd_nxt) are there. */
static void try_restore(struct flow *f)
{
	int err;

	if (seq_before(f->tx_next, f->st.snd_nxt))
		return;
	err = restore(f);
	if (!err) {
		run(f);
		return;
	}
	log_warn("flow %u: restore: %s", f->id, strerror(-err));
	f->card->n.open_fails++;
	unwire(f);
	pump_drop_tx(f, true);
	f->state = FLOW_HELD;
	reply(f, status_of(err), NULL);
}

static uint32_t check_open(struct flow *f, const struct toe_state *st)
{
	if (f->state != FLOW_HELD || f->opened ||
	    memcmp(&f->tuple, &st->tuple, sizeof(f->tuple)))
		return VIRTIO_TOE_S_INVAL;
	if (st->snd_nxt - st->snd_una > MAX_FLIGHT ||
	    st->rcv_nxt - st->rcv_wup > MAX_FLIGHT ||
	    st->rcv_wnd > MAX_FLIGHT || st->snd_wnd > MAX_FLIGHT ||
	    seq_before(st->rcv_wup + st->rcv_wnd, st->rcv_nxt) ||
	    st->snd_wscale > 14 || st->rcv_wscale > 14 ||
	    st->mss_clamp < 88 || st->mss_clamp > 65535)
		return VIRTIO_TOE_S_INVAL;
	/* TCP_REPAIR knows no ECN: the peer's marks would go unanswered. */
	if (st->options & TOE_OPT_ECN)
		return VIRTIO_TOE_S_UNSUPP;
	return VIRTIO_TOE_S_OK;
}

void flow_open(struct card *c, struct device_cmd *cmd, uint32_t id,
	       const struct toe_state *st)
{
	struct flow *f = card_flow_by_id(c, id);
	uint32_t status = f ? check_open(f, st) : VIRTIO_TOE_S_NOENT;

	/* Not while PREPARE is unanswered */
	if (f && f->cmd)
		status = VIRTIO_TOE_S_INVAL;
	if (status != VIRTIO_TOE_S_OK) {
		device_reply(c->device, cmd, status, NULL);
		return;
	}
	f->open_ns = loop_now_ns();
	f->st = *st;
	f->opened = true;
	f->cmd = cmd;
	f->state = FLOW_RESTORING;
	f->tx_next = st->snd_una;
	f->snd_base = st->snd_una;
	f->snd_una = st->snd_una;
	f->snd_wnd = st->snd_wnd;
	f->srtt_us = st->srtt_us;
	f->rcv_nxt = st->rcv_nxt;
	f->rcv_edge = st->rcv_wup + st->rcv_wnd;
	try_restore(f);
}

void flow_transmit(struct card *c, struct device_tx *tx)
{
	struct flow *f = card_flow_by_id(c, tx->id);

	if (!f || f->reported ||
	    (f->state != FLOW_RUNNING && f->state != FLOW_RESTORING)) {
		c->n.tx_unknown++;
		device_tx_done(c->device, tx);
		return;
	}
	pump_credit(f, tx->rcv_edge);
	if (!pump_queue(f, tx)) {
		log_warn("flow %u: DATA leaves a gap", f->id);
		flow_wants_back(f, "gap");
	} else if (f->state == FLOW_RUNNING) {
		pump_send(f);
	} else {
		try_restore(f);
	}
}

void flow_credit(struct card *c, uint32_t id, uint32_t rcv_edge)
{
	struct flow *f = card_flow_by_id(c, id);

	if (f && (f->state == FLOW_RUNNING || f->state == FLOW_RESTORING))
		pump_credit(f, rcv_edge);
}

void flow_rx_ready(struct card *c)
{
	pump_rx_ready(c);
}

/* CLOSE */

/* What the guard saw on the wire corrects what the socket believes. */
static void correct(struct flow *f, struct toe_state *st)
{
	struct toe_guard g;

	st->snd_nxt = f->st.snd_nxt;
	st->rcv_nxt = f->rcv_nxt;
	if (steer_guard_get(f->card->steer, &f->tuple, &g))
		return;
	if (seq_after(g.snd_nxt, st->snd_nxt))
		st->snd_nxt = g.snd_nxt;
	if (seq_after(st->snd_nxt, f->tx_next))
		st->snd_nxt = f->tx_next;
	if (seq_before(st->snd_nxt, st->snd_una))
		st->snd_nxt = st->snd_una;
	/* What the peer knows of the window is what went over the wire: the
	 * socket may believe in more, and then nobody would tell the peer.
	 */
	if (!seq_before(g.rcv_edge, st->rcv_wup))
		st->rcv_wnd = g.rcv_edge - st->rcv_wup;
	st->ip_id = g.ip_id;
	if (!(g.sent & TOE_GUARD_SENT_TS))
		return;
	st->ts_recent = g.tsecr;
	if (seq_before(st->tsval, g.tsval + 2))
		st->tsval = g.tsval + 2;
}

static void finish_close(struct flow *f)
{
	struct toe_state st = f->st;
	int err;

	err = repair_dump(f->lf.fd, &st);
	correct(f, &st);
	repair_close(f->lf.fd);
	f->lf.fd = -1;
	f->st = st;
	f->state = FLOW_CLOSED;
	f->card->n.closes++;
	reply(f, err ? VIRTIO_TOE_S_FAIL : VIRTIO_TOE_S_OK, &st);
}

/* Data out of order can't be handed over, and the peer was told that it is
 * here. What fills the gap is among the held frames, or on its way: lets the
 * socket have them. False when there is nothing to wait for.
 */
static bool wait_for_calm(struct flow *f)
{
	struct card *c = f->card;
	uint64_t now = loop_now_ns();

	if (!f->settled_ns)
		f->settled_ns = now;
	if (repair_calm(f->lf.fd) || now - f->settled_ns > CALM_NS)
		return false;
	c->n.not_calm++;
	hold_to_stack(c->hold, f);
	loop_timer_arm(c->loop, &f->timer, SETTLE_NS);
	return true;
}

/* In parts: it may have to wait for rx buffers, or for calm. */
void flow_drain(struct flow *f)
{
	uint32_t rcv_nxt;
	int tries, err;

	if (!f->deaf) {
		if (pump_empty(f) || wait_for_calm(f))
			return;
		repair_deafen(f->lf.fd);
		f->deaf = true;
	}
	/* What is unread when it is frozen came before it was deaf, so there is
	 * no third time.
	 */
	for (tries = 0; tries < 3; tries++) {
		if (pump_empty(f))
			return;
		err = repair_freeze(f->lf.fd, &rcv_nxt);
		if (err || rcv_nxt == f->rcv_nxt)
			break;
		repair_thaw(f->lf.fd);
	}
	/* The last word, before the reply */
	if (tell_now(f)) {
		pump_starve(f);
		return;
	}
	finish_close(f);
}

static void settled(struct loop_timer *lt)
{
	struct flow *f = container_of(lt, struct flow, timer);

	if (f->state == FLOW_HELD)
		prepared(f);
	else
		flow_drain(f);
}

void flow_close(struct card *c, struct device_cmd *cmd, uint32_t id)
{
	struct flow *f = card_flow_by_id(c, id);

	if (!f || f->state == FLOW_CLOSING || f->state == FLOW_CLOSED) {
		device_reply(c->device, cmd, f ? VIRTIO_TOE_S_INVAL :
			     VIRTIO_TOE_S_NOENT, NULL);
		return;
	}
	event_done(f);
	f->reported = true;
	if (f->state != FLOW_RUNNING) {
		/* Nothing was sent: the state is still the host's own. */
		reply(f, VIRTIO_TOE_S_FAIL, NULL);
		pump_drop_tx(f, true);
		f->st.tuple = f->tuple;
		f->state = FLOW_CLOSED;
		c->n.closes++;
		device_reply(c->device, cmd, VIRTIO_TOE_S_OK, &f->st);
		return;
	}
	f->cmd = cmd;
	steer_set(c->steer, &f->tuple, TOE_STEER_HOLD);
	f->state = FLOW_CLOSING;
	pump_stop(f);
	loop_timer_arm(c->loop, &f->timer, SETTLE_NS);
}

/* RELEASE */

/* From any state. The steering ends when all that was held is with the host. */
static void flow_gone(struct flow *f, bool answer)
{
	struct card *c = f->card;

	loop_timer_disarm(c->loop, &f->timer);
	event_done(f);
	if (f->state == FLOW_RUNNING)
		steer_set(c->steer, &f->tuple, TOE_STEER_HOLD);
	f->state = FLOW_CLOSED;
	if (!answer)
		pump_drop_tx(f, false);
	pump_stop(f);
	if (answer)
		reply(f, VIRTIO_TOE_S_FAIL, NULL);
	unwire(f);
	hold_to_host(c->hold, f);
	steer_clear(c->steer, &f->tuple);
	hold_to_host(c->hold, f);
	hold_list_purge(c->hold, &f->held);
	capture_end(c, f->id);
	card_flow_remove(c, f);
	free(f);
}

void flow_release(struct card *c, struct device_cmd *cmd, uint32_t id)
{
	struct flow *f = card_flow_by_id(c, id);

	if (f) {
		flow_gone(f, true);
		c->n.releases++;
	}
	device_reply(c->device, cmd, f ? VIRTIO_TOE_S_OK : VIRTIO_TOE_S_NOENT,
		     NULL);
}

void flow_reset(struct card *c)
{
	uint32_t i;

	for (i = 0; i <= c->hash_mask; i++)
		while (c->ids[i])
			flow_gone(c->ids[i], false);
	captures_reset(c);
}

/* INJECT */

void flow_inject(struct card *c, struct device_cmd *cmd, uint32_t id,
		 const void *pkt, size_t len)
{
	struct flow *f = card_flow_by_id(c, id);
	/* two bytes in, so that the IP header is aligned */
	uint8_t buf[2 + ETH_HLEN + 40 + 65535] __attribute__((aligned(4)));
	uint8_t *frame = buf + 2;
	struct ethhdr *eth = (void *)frame;

	if (!f || !len || len > sizeof(buf) - 2 - ETH_HLEN) {
		device_reply(c->device, cmd, f ? VIRTIO_TOE_S_INVAL :
			     VIRTIO_TOE_S_NOENT, NULL);
		return;
	}
	c->n.injects++;
	card_ether(c, eth, f->tuple.family);
	memcpy(frame + ETH_HLEN, pkt, len);
	hold_inject(c->hold, f, frame, ETH_HLEN + len);
	device_reply(c->device, cmd, VIRTIO_TOE_S_OK, NULL);
}
