// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtio-toe device. A message from the host is taken, copied where a
 * decision hangs on it, checked, and handed to flow.h; payload stays where it
 * is, by reference. Nothing is allocated per message: what a chain needs while
 * the device has it lies in an array, at the place of the chain's head.
 *
 * Lifetime of a chain: from vq_pop() to vq_push(), which device_reply() and
 * device_tx_done() do, or device_reset() for all that are left. After
 * device_reset() nobody may name one of them any more: flow_reset() saw to it.
 *
 * A queue that the driver broke is not served any more; the others are, so that
 * the host can get its flows back. It learns of it by the event FAILED.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <toe/virtio_state.h>

#include "capture.h"
#include "device.h"
#include "fault.h"
#include "flow.h"
#include "log.h"
#include "repair.h"
#include "vhost_user.h"

#define CTL		VIRTIO_TOE_VQ_CONTROL
#define EVENT		VIRTIO_TOE_VQ_EVENT
#define RX		VIRTIO_TOE_VQ_RX(0)
#define TX		VIRTIO_TOE_VQ_TX(0)
#define NUM_PAIRS	1
#define CAPTURE		VIRTIO_TOE_VQ_CAPTURE(NUM_PAIRS)

#define MAX_TX_LEN	(1u << 20)
#define MAX_INJECT	(40 + 65535)	/* an IPv6 header and its longest payload */

/* What one round of the loop does for a queue before others get their turn */
#define CTL_BATCH	64
#define TX_BATCH	256
#define TX_BATCH_BYTES	(4u << 20)

#define REPLY_IOV	8

struct device_cmd {
	struct device *d;
	bool busy;
	uint16_t head;
	uint16_t cmd;
	uint32_t id;
	uint32_t rcv_nxt, snd_nxt;	/* of OPEN, for faults */
	struct guest_mem *mem;
	struct iovec reply[REPLY_IOV];
	unsigned int num_reply;
	struct virtio_toe_reply answer;
	struct loop_timer late;		/* fault: the answer waits for it */
};

struct tx_slot {
	struct device_tx tx;		/* first: flow.h knows only this */
	struct guest_mem *mem;
	bool busy;
};

/* A flow of which enough is known to tell lies about it */
struct victim {
	uint32_t id;			/* 0: none */
	uint32_t seq;
	uint32_t snd_una;
};

struct device {
	struct loop *loop;
	struct card *card;
	struct vhost_user *vu;
	struct virtio_toe_config config;
	uint32_t max_flows;
	bool running;			/* a driver is there */
	bool lost;			/* flows were lost by the last reset */
	uint32_t flows;			/* prepared and not released */
	struct loop_hook round;
	struct loop_timer again;	/* a batch ended before its queue did */
	struct vq_chain chain;		/* the one being looked at */
	struct vq_chain rx;		/* the one peeked at */
	bool rx_have;
	bool rx_starved;		/* flow_rx_ready() is owed */
	struct loop_timer rx_after;	/* fault: what is withheld waits for it */
	struct loop_timer tx_after;	/* fault: tx messages wait for it */
	bool tx_waits;
	struct vq_chain frame;		/* the capture buffer peeked at */
	bool frame_have;
	bool frame_starved;		/* capture_ready() is owed */
	struct virtio_toe_event *events;	/* wait for a buffer; a ring */
	uint32_t first_event, num_events;
	struct victim victim;
	struct {
		uint64_t commands, tx_msgs, tx_bytes, tx_bad, credits;
		uint64_t rx_msgs, rx_bytes, rx_acks, rx_starved, events;
		uint64_t frames, frames_starved;
		uint64_t resets, broken;
	} n;
	struct device_cmd cmd[VQ_MAX_NUM];
	struct tx_slot tx[VQ_MAX_NUM];
	uint8_t packet[MAX_INJECT];
};

static struct vq *device_vq(struct device *d, unsigned int q)
{
	return vhost_user_vq(d->vu, q);
}

static void queue_broke(struct device *d, unsigned int q)
{
	d->n.broken++;
	vhost_user_vq_error(d->vu, q);
	device_event(d, VIRTIO_TOE_EV_FAILED, 0);
}

/* The chain just popped breaks a rule of this device. */
static void refuse_chain(struct device *d, unsigned int q, struct vq_chain *c,
			 const char *why)
{
	struct vq *vq = device_vq(d, q);

	vq_unpop(vq, c);
	vq_break(vq, why);
	queue_broke(d, q);
}

/* The next chain of a queue that is served until it is empty: 1, or 0 when
 * there is none and a kick will tell of the next.
 */
static int next_chain(struct device *d, unsigned int q, struct vq_chain *c)
{
	struct vq *vq = device_vq(d, q);
	int got;

	do {
		got = vq_pop(vq, c);
		if (got < 0)
			queue_broke(d, q);
	} while (!got && vq_kick_on(vq));
	return got > 0;
}

/* Events */

static void flush_events(struct device *d)
{
	struct vq *vq = device_vq(d, EVENT);
	struct virtio_toe_event *e;
	struct vq_chain *c = &d->chain;

	while (d->num_events && next_chain(d, EVENT, c)) {
		e = &d->events[d->first_event];
		if (c->nread ||
		    iov_write(c->iov, c->nwrite, e, sizeof(*e)) < sizeof(*e)) {
			refuse_chain(d, EVENT, c, "an unfit event buffer");
			return;
		}
		vq_push(vq, c->head, c->mem, sizeof(*e));
		d->n.events++;
		d->first_event = (d->first_event + 1) % d->max_flows;
		d->num_events--;
	}
}

int device_event(struct device *d, uint16_t type, uint32_t id)
{
	struct virtio_toe_event *e;

	if (!d->running || d->num_events == d->max_flows)
		return -EAGAIN;
	e = &d->events[(d->first_event + d->num_events++) % d->max_flows];
	e->type = htole16(type);
	e->reserved = 0;
	e->flow = htole32(id);
	/* Buffers are taken at the end of the round: the caller may be in the
	 * middle of a chain, and a broken queue is no reason to recurse.
	 */
	return 0;
}

/* Control */

static void send_answer(struct device_cmd *cmd)
{
	struct device *d = cmd->d;

	iov_write(cmd->reply, cmd->num_reply, &cmd->answer,
		  sizeof(cmd->answer));
	cmd->busy = false;
	vq_push(device_vq(d, CTL), cmd->head, cmd->mem, sizeof(cmd->answer));
}

static void answer_is_due(struct loop_timer *lt)
{
	send_answer((void *)((char *)lt - offsetof(struct device_cmd, late)));
}

/* True when a fault makes this command's answer late. */
static bool late_fault(const struct device_cmd *cmd, uint32_t *ms)
{
	enum fault f;

	switch (cmd->cmd) {
	case VIRTIO_TOE_CMD_PREPARE:
		f = FAULT_PREPARE_LATE;
		break;
	case VIRTIO_TOE_CMD_OPEN:
		f = FAULT_OPEN_LATE;
		break;
	case VIRTIO_TOE_CMD_CLOSE:
		f = FAULT_CLOSE_LATE;
		break;
	default:
		return false;
	}
	*ms = fault_ms(f);
	return fault_take(f);
}

static void note_reply(struct device *d, const struct device_cmd *cmd,
		       uint32_t status)
{
	if (d->victim.id == cmd->id && (cmd->cmd == VIRTIO_TOE_CMD_CLOSE ||
					cmd->cmd == VIRTIO_TOE_CMD_RELEASE))
		d->victim.id = 0;
	if (status != VIRTIO_TOE_S_OK)
		return;
	switch (cmd->cmd) {
	case VIRTIO_TOE_CMD_PREPARE:
		d->flows++;
		break;
	case VIRTIO_TOE_CMD_OPEN:
		d->victim.id = cmd->id;
		d->victim.seq = cmd->rcv_nxt;
		d->victim.snd_una = cmd->snd_nxt;
		break;
	case VIRTIO_TOE_CMD_RELEASE:
		if (d->flows)
			d->flows--;
		break;
	}
}

void device_reply(struct device *d, struct device_cmd *cmd, uint32_t status,
		  const struct toe_state *st)
{
	struct virtio_toe_reply *r = &cmd->answer;
	uint32_t ms;

	if (!cmd->busy || cmd->late.due_ns) {
		log_err("flow %u: a second answer to its command", cmd->id);
		return;
	}
	memset(r, 0, sizeof(*r));
	r->status = htole32(status);
	r->flow = htole32(cmd->id);
	if (st)
		toe_state_to_virtio(&r->state, st);
	if (st && cmd->cmd == VIRTIO_TOE_CMD_CLOSE &&
	    fault_take(FAULT_CLOSE_SEQ)) {
		r->state.rcv_nxt = htole32(st->rcv_nxt + 0x40000000);
		r->state.snd_nxt = htole32(st->snd_nxt + 0x40000000);
	}
	note_reply(d, cmd, status);
	if (cmd->cmd == VIRTIO_TOE_CMD_CLOSE &&
	    fault_take(FAULT_RX_AFTER_CLOSE))
		loop_timer_arm(d->loop, &d->rx_after,
			       fault_ms(FAULT_RX_AFTER_CLOSE) * 1000000ull);
	if (late_fault(cmd, &ms))
		loop_timer_arm(d->loop, &cmd->late, ms * 1000000ull);
	else
		send_answer(cmd);
}

/* A tuple is a hash key as it stands: what does not count must be zero. */
static uint32_t check_tuple(struct device *d, const struct toe_tuple *t)
{
	static const __be32 zero[3];
	bool ipv6 = vhost_user_features(d->vu) & (1ull << VIRTIO_TOE_F_IPV6);

	if (!t->local_port || !t->remote_port)
		return VIRTIO_TOE_S_INVAL;
	if (t->family == AF_INET6)
		return ipv6 ? VIRTIO_TOE_S_OK : VIRTIO_TOE_S_UNSUPP;
	if (t->family != AF_INET ||
	    memcmp(&t->local_addr[1], zero, sizeof(zero)) ||
	    memcmp(&t->remote_addr[1], zero, sizeof(zero)))
		return VIRTIO_TOE_S_INVAL;
	return VIRTIO_TOE_S_OK;
}

static void run_inject(struct device *d, struct device_cmd *cmd, uint32_t len)
{
	struct vq_chain *c = &d->chain;
	struct iovec iov[VQ_IOV];
	int n;

	if (!len || len > sizeof(d->packet)) {
		device_reply(d, cmd, VIRTIO_TOE_S_INVAL, NULL);
		return;
	}
	n = iov_skip(c->iov, c->nread, sizeof(struct virtio_toe_cmd), iov,
		     VQ_IOV);
	iov_read(iov, n, d->packet, len);
	flow_inject(d->card, cmd, cmd->id, d->packet, len);
}

static void run_capture(struct device *d, struct device_cmd *cmd, uint32_t len)
{
	struct virtio_toe_capture what;
	struct vq_chain *c = &d->chain;
	struct iovec iov[VQ_IOV];
	int n;

	n = iov_skip(c->iov, c->nread, sizeof(struct virtio_toe_cmd), iov,
		     VQ_IOV);
	if (!(vhost_user_features(d->vu) & (1ull << VIRTIO_TOE_F_CAPTURE)) ||
	    fault_take(FAULT_CAPTURE_REFUSE))
		device_reply(d, cmd, VIRTIO_TOE_S_UNSUPP, NULL);
	else if (len != sizeof(what) ||
		 iov_read(iov, n, &what, sizeof(what)) < sizeof(what))
		device_reply(d, cmd, VIRTIO_TOE_S_INVAL, NULL);
	else
		capture_start(d->card, cmd, cmd->id, le32toh(what.snaplen));
}

static void run_command(struct device *d, struct device_cmd *cmd,
			const struct virtio_toe_cmd *c, size_t follow)
{
	uint32_t len = le32toh(c->len), status;
	struct toe_state st;

	if (cmd->cmd == VIRTIO_TOE_CMD_PING) {
		device_reply(d, cmd, VIRTIO_TOE_S_OK, NULL);
		return;
	}
	if (!cmd->id || len != follow ||
	    (len && cmd->cmd != VIRTIO_TOE_CMD_INJECT &&
	     cmd->cmd != VIRTIO_TOE_CMD_CAPTURE_START)) {
		device_reply(d, cmd, VIRTIO_TOE_S_INVAL, NULL);
		return;
	}
	toe_state_from_virtio(&st, &c->state);
	switch (cmd->cmd) {
	case VIRTIO_TOE_CMD_PREPARE:
	case VIRTIO_TOE_CMD_OPEN:
		status = check_tuple(d, &st.tuple);
		if (status != VIRTIO_TOE_S_OK) {
			device_reply(d, cmd, status, NULL);
		} else if (cmd->cmd == VIRTIO_TOE_CMD_PREPARE) {
			flow_prepare(d->card, cmd, cmd->id, &st.tuple);
		} else {
			cmd->rcv_nxt = st.rcv_nxt;
			cmd->snd_nxt = st.snd_nxt;
			if (fault_take(FAULT_TX_AFTER_OPEN))
				loop_timer_arm(d->loop, &d->tx_after,
					       fault_ms(FAULT_TX_AFTER_OPEN) *
					       1000000ull);
			flow_open(d->card, cmd, cmd->id, &st);
		}
		break;
	case VIRTIO_TOE_CMD_CLOSE:
		flow_close(d->card, cmd, cmd->id);
		break;
	case VIRTIO_TOE_CMD_RELEASE:
		flow_release(d->card, cmd, cmd->id);
		break;
	case VIRTIO_TOE_CMD_INJECT:
		run_inject(d, cmd, len);
		break;
	case VIRTIO_TOE_CMD_CAPTURE_START:
		run_capture(d, cmd, len);
		break;
	case VIRTIO_TOE_CMD_CAPTURE_STOP:
		capture_stop(d->card, cmd, cmd->id);
		break;
	default:
		device_reply(d, cmd, VIRTIO_TOE_S_INVAL, NULL);
	}
}

/* The pieces of the first len bytes; returns how many, or -E2BIG. */
static int iov_first(const struct iovec *iov, unsigned int n, size_t len,
		     struct iovec *to, unsigned int max)
{
	unsigned int i;

	for (i = 0; i < n && len; i++) {
		if (i == max)
			return -E2BIG;
		to[i] = iov[i];
		if (to[i].iov_len > len)
			to[i].iov_len = len;
		len -= to[i].iov_len;
	}
	return len ? -E2BIG : (int)i;
}

static void take_command(struct device *d)
{
	struct vq_chain *c = &d->chain;
	struct virtio_toe_cmd wire;
	struct device_cmd *cmd = &d->cmd[c->head];
	int n;

	n = iov_first(c->iov + c->nread, c->nwrite,
		      sizeof(struct virtio_toe_reply), cmd->reply, REPLY_IOV);
	if (n < 0) {
		refuse_chain(d, CTL, c, "a command without room for its reply");
		return;
	}
	if (iov_read(c->iov, c->nread, &wire, sizeof(wire)) < sizeof(wire)) {
		refuse_chain(d, CTL, c, "a command cut short");
		return;
	}
	cmd->d = d;
	cmd->busy = true;
	cmd->head = c->head;
	cmd->mem = c->mem;
	cmd->num_reply = n;
	cmd->cmd = le16toh(wire.cmd);
	cmd->id = le32toh(wire.flow);
	cmd->late.expired = answer_is_due;
	d->n.commands++;
	run_command(d, cmd, &wire,
		    iov_bytes(c->iov, c->nread) - sizeof(wire));
}

/* True when the batch is over and there may be more. */
static bool run_control(struct device *d)
{
	unsigned int i;

	vq_kick_off(device_vq(d, CTL));
	for (i = 0; i < CTL_BATCH; i++) {
		if (!next_chain(d, CTL, &d->chain))
			return false;
		take_command(d);
	}
	return true;
}

/* tx: from the host to the wire */

static void tx_bad(struct device *d, struct vq_chain *c, uint32_t id)
{
	if (!d->n.tx_bad++)
		log_warn("flow %u: a malformed tx message; this and all later ones are dropped and counted",
			 id);
	vq_push(device_vq(d, TX), c->head, c->mem, 0);
	/* What it should have carried is missing now: the flow must go back. */
	if (id)
		device_event(d, VIRTIO_TOE_EV_RETURN, id);
}

/* Returns the payload bytes. */
static uint32_t take_tx(struct device *d)
{
	struct vq_chain *c = &d->chain;
	struct tx_slot *slot = &d->tx[c->head];
	struct device_tx *tx = &slot->tx;
	struct virtio_toe_tx_hdr h;
	size_t follow;
	int n;

	if (c->nwrite ||
	    iov_read(c->iov, c->nread, &h, sizeof(h)) < sizeof(h)) {
		refuse_chain(d, TX, c, "a tx message without a head");
		return 0;
	}
	follow = iov_bytes(c->iov, c->nread) - sizeof(h);
	tx->id = le32toh(h.flow);
	tx->len = le32toh(h.len);
	tx->seq = le32toh(h.seq);
	tx->rcv_edge = le32toh(h.rcv_edge);
	switch (le16toh(h.type)) {
	case VIRTIO_TOE_TX_CREDIT:
		if (tx->len || follow)
			break;
		d->n.credits++;
		vq_push(device_vq(d, TX), c->head, c->mem, 0);
		flow_credit(d->card, tx->id, tx->rcv_edge);
		return 0;
	case VIRTIO_TOE_TX_DATA:
		if (!tx->len || tx->len != follow || tx->len > MAX_TX_LEN)
			break;
		n = iov_skip(c->iov, c->nread, sizeof(h), tx->iov,
			     DEVICE_TX_IOV);
		if (n < 0)
			break;
		tx->next = NULL;
		tx->niov = n;
		tx->head = c->head;
		tx->pair = 0;
		slot->mem = c->mem;
		slot->busy = true;
		d->n.tx_msgs++;
		d->n.tx_bytes += follow;
		flow_transmit(d->card, tx);
		return follow;
	}
	tx_bad(d, c, tx->id);
	return 0;
}

void device_tx_done(struct device *d, struct device_tx *tx)
{
	struct tx_slot *slot = (struct tx_slot *)tx;

	if (!slot->busy) {
		log_err("flow %u: a tx message given back twice", tx->id);
		return;
	}
	slot->busy = false;
	vq_push(device_vq(d, TX), tx->head, slot->mem, 0);
}

/* end_of_round() looks at what is due: the fault may as well be withdrawn. */
static void fault_is_due(struct loop_timer *lt)
{
	(void)lt;
}

static bool fault_lasts(enum fault f, const struct loop_timer *lt)
{
	return fault_armed(f) || lt->due_ns;
}

/* A command that the driver submitted before a message is taken before it: the
 * sent-but-unacknowledged bytes follow OPEN by the other queue.
 */
static bool run_tx(struct device *d)
{
	uint32_t bytes = 0;
	unsigned int i;

	d->tx_waits = fault_lasts(FAULT_TX_AFTER_OPEN, &d->tx_after);
	if (d->tx_waits)
		return false;
	vq_kick_off(device_vq(d, TX));
	for (i = 0; i < TX_BATCH && bytes < TX_BATCH_BYTES; i++) {
		if (!next_chain(d, TX, &d->chain))
			return false;
		if (vq_ready(device_vq(d, CTL))) {
			vq_unpop(device_vq(d, TX), &d->chain);
			if (run_control(d))
				return true;
			continue;
		}
		bytes += take_tx(d);
	}
	return true;
}

/* rx: from the wire to the host */

static int rx_take(struct device *d)
{
	struct vq_chain *c = &d->rx;

	if (d->rx_have)
		return 0;
	if (!d->running || !next_chain(d, RX, c)) {
		if (!d->rx_starved)
			d->n.rx_starved++;
		d->rx_starved = true;
		return -EAGAIN;
	}
	if (c->nread || c->first_write != sizeof(struct virtio_toe_rx_hdr) ||
	    iov_bytes(c->iov, c->nwrite) == sizeof(struct virtio_toe_rx_hdr)) {
		refuse_chain(d, RX, c, "an unfit rx buffer");
		d->rx_starved = true;
		return -EAGAIN;
	}
	vq_kick_off(device_vq(d, RX));
	d->rx_have = true;
	return 0;
}

int device_rx_peek(struct device *d, struct iovec *iov, int max)
{
	int err = rx_take(d), n;

	if (err)
		return err;
	n = iov_skip(d->rx.iov, d->rx.nwrite, sizeof(struct virtio_toe_rx_hdr),
		     iov, max);
	return n == -E2BIG ? max : n;
}

/* Sends the taken buffer with written payload bytes, whatever msg->len says. */
static void rx_put(struct device *d, const struct device_rx *msg,
		   uint32_t written)
{
	struct vq_chain *c = &d->rx;
	struct virtio_toe_rx_hdr h = {
		.flow = htole32(msg->id),
		.type = htole16(msg->type),
		.seq = htole32(msg->seq),
		.len = htole32(msg->len),
		.snd_una = htole32(msg->snd_una),
		.snd_wnd = htole32(msg->snd_wnd),
		.srtt_us = htole32(msg->srtt_us),
	};

	iov_write(c->iov, c->nwrite, &h, sizeof(h));
	d->rx_have = false;
	if (fault_armed(FAULT_RX_AFTER_CLOSE))
		vq_withhold(device_vq(d, RX), true);
	vq_push(device_vq(d, RX), c->head, c->mem, sizeof(h) + written);
}

int device_rx_send(struct device *d, const struct device_rx *msg)
{
	struct victim *v = &d->victim;
	int err;

	if (msg->len && !d->rx_have)
		return -EINVAL;
	err = rx_take(d);
	if (err)
		return err;
	if (msg->len > iov_bytes(d->rx.iov, d->rx.nwrite) -
			       sizeof(struct virtio_toe_rx_hdr))
		return -EINVAL;
	if (msg->type == VIRTIO_TOE_RX_DATA) {
		d->n.rx_msgs++;
		d->n.rx_bytes += msg->len;
	} else {
		d->n.rx_acks++;
	}
	if (!v->id || v->id == msg->id) {
		v->id = msg->id;
		v->seq = msg->seq;
		if (msg->type == VIRTIO_TOE_RX_DATA)
			v->seq += msg->len;
		v->snd_una = msg->snd_una;
	}
	rx_put(d, msg, msg->len);
	return 0;
}

int device_rx_info(struct device *d, const struct device_rx *msg,
		   const struct repair_counts *counts)
{
	struct virtio_toe_info vi = {
		.rttvar_us = htole32(counts->rttvar_us),
		.segs_out = htole32(counts->segs_out),
		.segs_in = htole32(counts->segs_in),
		.data_segs_in = htole32(counts->data_segs_in),
		.retrans = htole32(counts->retrans),
		.retrans_bytes = htole32(counts->retrans_bytes),
		.timeouts = htole32(counts->timeouts),
		.unanswered = htole32(counts->unanswered),
	};
	struct device_rx whole = *msg;
	struct iovec iov[VQ_IOV];
	int n = device_rx_peek(d, iov, VQ_IOV);

	if (n < 0)
		return n;
	if (iov_write(iov, (unsigned int)n, &vi, sizeof(vi)) < sizeof(vi))
		return 0;
	whole.len = sizeof(vi);
	return device_rx_send(d, &whole);
}

bool device_wants_info(struct device *d)
{
	return vhost_user_features(d->vu) & (1ull << VIRTIO_TOE_F_INFO);
}

static void run_rx(struct device *d)
{
	if (!d->rx_starved || rx_take(d))
		return;
	d->rx_starved = false;
	flow_rx_ready(d->card);
}

/* The lies that fault.h asks for: each an rx message beside the true ones. */
static void rx_lie(struct device *d, enum fault f)
{
	static const uint8_t payload[sizeof(struct virtio_toe_info)] = {
		[0 ... sizeof(struct virtio_toe_info) - 1] = 0xff
	};
	struct device_rx msg = {
		.id = d->victim.id,
		.type = VIRTIO_TOE_RX_DATA,
		.seq = d->victim.seq,
		.len = sizeof(payload),
		.snd_una = d->victim.snd_una,
		.snd_wnd = 65535,
	};
	struct iovec iov[VQ_IOV];
	uint32_t written = 0;
	int n;

	switch ((int)f) {
	case FAULT_RX_UNKNOWN:
		msg.id ^= 0x80000000;
		break;
	case FAULT_RX_SEQ:
		msg.seq += 0x40000000;
		break;
	case FAULT_RX_ACK:
		msg.type = VIRTIO_TOE_RX_ACK;
		msg.len = 0;
		msg.snd_una += 0x40000000;
		break;
	case FAULT_RX_INFO:
		msg.type = VIRTIO_TOE_RX_INFO;
		break;
	}
	if (msg.len) {
		n = iov_skip(d->rx.iov, d->rx.nwrite,
			     sizeof(struct virtio_toe_rx_hdr), iov, VQ_IOV);
		written = iov_write(iov, n, payload, sizeof(payload));
		msg.len = f == FAULT_RX_LEN ? UINT32_MAX : written;
	}
	rx_put(d, &msg, written);
}

static void rx_lies(struct device *d)
{
	static const enum fault lies[] = {
		FAULT_RX_UNKNOWN, FAULT_RX_SEQ, FAULT_RX_LEN, FAULT_RX_ACK,
		FAULT_RX_INFO,
	};
	unsigned int i;

	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		while (fault_armed(lies[i]) &&
		       (d->victim.id || lies[i] == FAULT_RX_UNKNOWN) &&
		       !rx_take(d) && fault_take(lies[i]))
			rx_lie(d, lies[i]);
}

/* What a fault has kept standing goes on when the fault is over. */
static void faults_end(struct device *d)
{
	if (!fault_lasts(FAULT_RX_AFTER_CLOSE, &d->rx_after))
		vq_withhold(device_vq(d, RX), false);
	if (d->tx_waits && !fault_lasts(FAULT_TX_AFTER_OPEN, &d->tx_after)) {
		d->tx_waits = false;
		loop_timer_arm(d->loop, &d->again, 0);
	}
}

/* capture: frames of the wire, shown to the host */

/* The next buffer, if there is one. */
static int frame_take(struct device *d)
{
	struct vq_chain *c = &d->frame;

	if (d->frame_have)
		return 0;
	if (!d->running || !next_chain(d, CAPTURE, c)) {
		if (!d->frame_starved)
			d->n.frames_starved++;
		d->frame_starved = true;
		return -EAGAIN;
	}
	if (c->nread || iov_bytes(c->iov, c->nwrite) <=
			sizeof(struct virtio_toe_capture_hdr)) {
		refuse_chain(d, CAPTURE, c, "an unfit capture buffer");
		d->frame_starved = true;
		return -EAGAIN;
	}
	vq_kick_off(device_vq(d, CAPTURE));
	d->frame_have = true;
	return 0;
}

int device_capture_room(struct device *d)
{
	int err = frame_take(d);

	return err ? err : (int)(iov_bytes(d->frame.iov, d->frame.nwrite) -
				 sizeof(struct virtio_toe_capture_hdr));
}

static void frame_lie(struct virtio_toe_capture_hdr *h)
{
	if (fault_take(FAULT_CAPTURE_LEN))
		h->caplen = htole32(UINT32_MAX);
	if (fault_take(FAULT_CAPTURE_SHORT))
		h->len = htole32(1);
	if (fault_take(FAULT_CAPTURE_TYPE))
		h->type = htole16(99);
	if (fault_take(FAULT_CAPTURE_UNKNOWN))
		h->flow ^= htole32(0x80000000);
}

int device_capture_send(struct device *d, const struct device_frame *f)
{
	struct virtio_toe_capture_hdr h = {
		.flow = htole32(f->id),
		.type = htole16(f->type),
		.len = htole32(f->len),
		.caplen = htole32(f->caplen),
		.time_ns = htole64(f->time_ns),
		.dropped = htole64(f->dropped),
	};
	struct vq_chain *c = &d->frame;
	struct iovec iov[VQ_IOV];
	int n = device_capture_room(d);

	if (n < 0)
		return n;
	if (f->caplen > (uint32_t)n)
		return -EINVAL;
	if (f->type != VIRTIO_TOE_CAPTURE_END)
		frame_lie(&h);
	iov_write(c->iov, c->nwrite, &h, sizeof(h));
	n = iov_skip(c->iov, c->nwrite, sizeof(h), iov, VQ_IOV);
	iov_write(iov, n, f->data, f->caplen);
	d->frame_have = false;
	d->n.frames++;
	vq_push(device_vq(d, CAPTURE), c->head, c->mem, sizeof(h) + f->caplen);
	return 0;
}

static void run_frames(struct device *d)
{
	if (!d->frame_starved || frame_take(d))
		return;
	d->frame_starved = false;
	capture_ready(d->card);
}

/* Start, stop, rounds */

static void run_queues(struct device *d)
{
	bool more;

	if (!d->running)
		return;
	more = run_control(d);
	more |= run_tx(d);
	if (more)
		loop_timer_arm(d->loop, &d->again, 0);
}

static void queues_again(struct loop_timer *lt)
{
	run_queues((void *)((char *)lt - offsetof(struct device, again)));
}

static void end_of_round(struct loop_hook *lh)
{
	struct device *d = (void *)((char *)lh - offsetof(struct device, round));
	unsigned int q;

	if (!d->running)
		return;
	rx_lies(d);
	faults_end(d);
	flush_events(d);
	for (q = 0; q < VHOST_USER_QUEUES; q++)
		vq_signal(device_vq(d, q));
}

static void on_kick(void *arg, unsigned int q)
{
	struct device *d = arg;

	if (!d->running)
		return;
	if (q == RX)
		run_rx(d);
	else if (q == CAPTURE)
		run_frames(d);
	else if (q != EVENT)
		run_queues(d);
	/* Events go out at the end of the round. */
}

static void on_start(void *arg, unsigned int q)
{
	struct device *d = arg;

	d->running = true;
	/* A driver that begins anew begins with empty queues. This one goes on
	 * (the machine was paused) and believes in flows that are gone.
	 */
	if (d->lost && device_vq(d, q)->base) {
		d->lost = false;
		device_event(d, VIRTIO_TOE_EV_FAILED, 0);
	}
	log_debug("queue %u: started", q);
	on_kick(d, q);
}

/* Afterwards the device has no chain of any queue. */
static void device_reset(struct device *d)
{
	struct device_cmd *cmd;
	unsigned int i;

	/* First the flows forget their commands and messages. */
	flow_reset(d->card);
	for (i = 0; i < VQ_MAX_NUM; i++) {
		cmd = &d->cmd[i];
		loop_timer_disarm(d->loop, &cmd->late);
		if (cmd->busy) {
			memset(&cmd->answer, 0, sizeof(cmd->answer));
			cmd->answer.status = htole32(VIRTIO_TOE_S_FAIL);
			cmd->answer.flow = htole32(cmd->id);
			send_answer(cmd);
		}
		if (d->tx[i].busy)
			device_tx_done(d, &d->tx[i].tx);
	}
	loop_timer_disarm(d->loop, &d->rx_after);
	loop_timer_disarm(d->loop, &d->tx_after);
	d->tx_waits = false;
	vq_withhold(device_vq(d, RX), false);
	if (d->rx_have)
		vq_unpop(device_vq(d, RX), &d->rx);
	d->rx_have = false;
	d->rx_starved = false;
	if (d->frame_have)
		vq_unpop(device_vq(d, CAPTURE), &d->frame);
	d->frame_have = false;
	d->frame_starved = false;
	d->num_events = 0;
	d->victim.id = 0;
	d->lost = d->flows > 0;
	d->flows = 0;
	loop_timer_disarm(d->loop, &d->again);
	d->running = false;
	d->n.resets++;
}

static void on_stop(void *arg, unsigned int q)
{
	struct device *d = arg;

	log_debug("queue %u: stops", q);
	/* One queue alone is never stopped: with the first, all flows end,
	 * while every queue can still take back its chains.
	 */
	if (d->running)
		device_reset(d);
}

static const struct vhost_user_ops ops = {
	.start = on_start,
	.stop = on_stop,
	.kick = on_kick,
};

struct device *device_new(struct loop *l, struct card *c,
			  const struct device_config *cfg)
{
	struct device *d = calloc(1, sizeof(*d));
	struct vhost_user_config vc = {
		.path = cfg->socket_path,
		.features = 1ull << VIRTIO_TOE_F_MARKER |
			    1ull << VIRTIO_TOE_F_CAPTURE |
			    1ull << VIRTIO_TOE_F_INFO |
			    (cfg->ipv6 ? 1ull << VIRTIO_TOE_F_IPV6 : 0),
		.ops = &ops,
		.arg = d,
	};

	if (d)
		d->events = calloc(cfg->max_flows, sizeof(*d->events));
	if (!d || !d->events) {
		log_err("device: out of memory");
		free(d);
		return NULL;
	}
	d->loop = l;
	d->card = c;
	d->max_flows = cfg->max_flows;
	d->config.version = htole32(VIRTIO_TOE_VERSION);
	d->config.max_flows = htole32(cfg->max_flows);
	d->config.max_tx_len = htole32(MAX_TX_LEN);
	d->config.num_pairs = htole16(NUM_PAIRS);
	memcpy(d->config.mac, cfg->mac, sizeof(d->config.mac));
	d->again.expired = queues_again;
	d->rx_after.expired = fault_is_due;
	d->tx_after.expired = fault_is_due;
	d->round.round = end_of_round;
	vc.config = &d->config;
	vc.config_len = sizeof(d->config);
	d->vu = vhost_user_new(l, &vc);
	if (!d->vu) {
		free(d->events);
		free(d);
		return NULL;
	}
	loop_on_round(l, &d->round);
	return d;
}

void device_free(struct device *d)
{
	if (!d)
		return;
	/* The host need not wait for its heartbeat to find out. */
	device_event(d, VIRTIO_TOE_EV_FAILED, 0);
	end_of_round(&d->round);
	loop_off_round(d->loop, &d->round);
	vhost_user_free(d->vu);
	free(d->events);
	free(d);
}

void device_status_json(struct device *d, FILE *out)
{
	fprintf(out, "{\"running\":%s", d->running ? "true" : "false");
#define COUNTER(name) \
	fprintf(out, ",\"%s\":%llu", #name, (unsigned long long)d->n.name)
	COUNTER(commands);
	COUNTER(tx_msgs);
	COUNTER(tx_bytes);
	COUNTER(tx_bad);
	COUNTER(credits);
	COUNTER(rx_msgs);
	COUNTER(rx_bytes);
	COUNTER(rx_acks);
	COUNTER(rx_starved);
	COUNTER(events);
	COUNTER(frames);
	COUNTER(frames_starved);
	COUNTER(resets);
	COUNTER(broken);
#undef COUNTER
	fprintf(out, "}");
}
