// SPDX-License-Identifier: GPL-2.0-only
/*
 * The running flow.
 *
 * Out: DATA goes from the host's memory into the socket with sendmsg(). The
 * host sends only what the peer's window takes, and the socket's buffer is
 * larger than that; should it be full all the same, messages wait in f->tx and
 * epoll says when to go on.
 *
 * In: from the socket into the host's rx buffers, as far as credit allows. A
 * flow without credit isn't watched for input; one without rx buffers stands
 * in card.starved, and while somebody does, buffers are given out there, one a
 * turn, to who has waited longest.
 *
 * Acknowledgements: nothing in Linux tells a process of each, so flows with
 * unacknowledged data ("busy") are asked by one timer, and more often while one
 * of them is "tight": its peer takes little at a time, so the host has nothing
 * to send until it hears of the acknowledgement. An idle flow is in no list and
 * costs nothing; but one whose peer closed its window ("narrow") is
 * asked slowly, because the host waits for the window to open and nothing else
 * would say so. The update may get lost on the wire, and the card's stack, with
 * nothing to send, would not ask for it: so it is made to probe, with the
 * patience that zero window probes have.
 *
 * A socket that recovers from a loss sends as much as is acknowledged, and what the
 * host hands over then, which natively would have been in its queue before, waits. When
 * the acknowledgement behind which nothing more was sent gets lost, that is the end
 * of it until the retransmission timer fires: the stack's probe for such a tail is
 * not sent in a recovery (tcp_schedule_loss_probe()). So the peer is asked, once for
 * what is outstanding, and its answer goes on with it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "card_internal.h"
#include "log.h"
#include "pump.h"
#include "repair.h"
#include "tell.h"
#include "window.h"

#define POLL_NS		500000ULL	/* busy flows */
#define POLL_TIGHT_NS	100000ULL	/* ... while one is tight */
#define POLL_FLOW_NS	4000ULL		/* ... but no more often than this each */
#define SLOW_NS		10000000ULL	/* narrow flows */
#define TIGHT_WND	131072U
#define TIGHT_SRTT_US	4000U		/* beyond that POLL_NS is little */
/* The second probe comes 600 ms after the first: a peer may leave one that
 * comes within half a second unanswered.
 */
#define PROBE_FIRST_NS	200000000ULL
#define PROBE_NEXT_NS	600000000ULL
#define PROBE_MAX_NS	60000000000ULL

/* Beyond twice the round trip: nobody who answers takes that long. */
#define MUTE_US		10000U

#define FILLED		(32u << 10)	/* bytes: half of the largest window without scaling */

#define RX_IOV		64
#define RX_ROUND	64		/* rx messages of a round of the loop */
#define RX_TURN		16		/* ... of which one flow has at most */

static void watch(struct flow *f)
{
	uint32_t events = 0;

	if (!f->no_credit && list_empty(&f->starved))
		events |= EPOLLIN;
	if (f->tx)
		events |= EPOLLOUT;
	if (f->watched && events != f->events) {
		f->events = events;
		loop_mod(f->card->loop, &f->lf, events);
	}
}

static void unwatch(struct flow *f)
{
	if (f->watched)
		loop_del(f->card->loop, &f->lf);
	f->watched = false;
}

/* The socket is of no more use; its state still is. */
static void broken(struct flow *f, const char *what, int err)
{
	log_info("flow %u: %s: %s", f->id, what, strerror(err));
	unwatch(f);
	flow_wants_back(f, what);
}

/* Acknowledgements */

static bool narrow(const struct flow *f)
{
	return f->snd_wnd < 2 * f->st.mss_cache;
}

/* Half of a small window is out */
static bool tight(const struct flow *f)
{
	return f->snd_wnd <= TIGHT_WND && f->srtt_us < TIGHT_SRTT_US &&
	       f->tx_next - f->snd_una >= f->snd_wnd / 2 &&
	       f->tx_next != f->snd_una;
}

static uint64_t poll_ns(const struct card *c, bool tight)
{
	uint64_t least = tight ? POLL_TIGHT_NS : POLL_NS;
	uint64_t ns = c->num_busy * POLL_FLOW_NS;

	return ns > least ? ns : least;
}

/* In which list the flow belongs by what is known of it */
static void classify(struct flow *f)
{
	struct card *c = f->card;
	bool busy = f->snd_una != f->tx_next || f->told_una != f->snd_una ||
		    f->told_wnd != f->snd_wnd;

	if (busy && list_empty(&f->busy)) {
		list_add_tail(&c->busy, &f->busy);
		if (!c->num_busy++)
			loop_timer_arm(c->loop, &c->poll, poll_ns(c, tight(f)));
	} else if (!busy && !list_empty(&f->busy)) {
		list_del(&f->busy);
		c->num_busy--;
	}

	if (!busy && narrow(f)) {
		if (!list_empty(&f->narrow))
			return;
		if (list_empty(&c->narrow) && !c->events_due)
			loop_timer_arm(c->loop, &c->slow, SLOW_NS);
		list_add_tail(&c->narrow, &f->narrow);
		f->probe_gap_ns = PROBE_NEXT_NS;
		f->probe_ns = loop_now_ns() + PROBE_FIRST_NS;
	} else {
		list_del(&f->narrow);
	}
}

static void unstarve(struct flow *f)
{
	if (!list_empty(&f->starved))
		f->card->num_starved--;
	list_del(&f->starved);
}

static void leave_lists(struct flow *f)
{
	if (!list_empty(&f->busy)) {
		list_del(&f->busy);
		f->card->num_busy--;
	}
	list_del(&f->narrow);
	unstarve(f);
	tell_leave(f);
}

void pump_refresh(struct flow *f)
{
	struct repair_info info;

	f->card->n.polls++;
	if (repair_info(f->lf.fd, &info))
		return;
	f->snd_una = f->snd_base + info.acked;
	f->snd_wnd = info.snd_wnd;
	f->counts = info.counts;
	f->mute = info.recovering && info.silent_us > 2 * info.srtt_us + MUTE_US;
	if (!info.srtt_us)
		return;
	f->srtt_us = info.srtt_us;
	if (!f->measured)
		repair_measured(f->lf.fd);
	f->measured = true;
}

void pump_told(struct flow *f)
{
	f->told_una = f->snd_una;
	f->told_wnd = f->snd_wnd;
}

static void ask(struct flow *f)
{
	/* Without SACK the answer would pass for one to a segment behind a gap. */
	if (!f->mute || !(f->st.options & TOE_OPT_SACK) ||
	    f->snd_una == f->tx_next || f->asked_una == f->snd_una)
		return;
	f->asked_una = f->snd_una;
	f->card->n.asks++;
	repair_probe(f->lf.fd);
}

/* Tells the host when there is something to tell. Without an rx buffer the
 * flow stays busy, and the next tick tries again.
 */
static void report(struct flow *f)
{
	struct device_rx msg = {
		.id = f->id,
		.type = VIRTIO_TOE_RX_ACK,
		.seq = f->rcv_nxt,
	};

	pump_refresh(f);
	ask(f);
	if (f->told_una != f->snd_una || f->told_wnd != f->snd_wnd) {
		msg.snd_una = f->snd_una;
		msg.snd_wnd = f->snd_wnd;
		msg.srtt_us = f->srtt_us;
		if (!device_rx_send(f->card->device, &msg)) {
			f->card->n.rx_acks++;
			pump_told(f);
		}
	}
	classify(f);
}

static void poll_expired(struct loop_timer *lt)
{
	struct card *c = container_of(lt, struct card, poll);
	uint32_t left = c->num_busy;
	bool any_tight = false;
	struct flow *f;

	/* report() may take it out of the list; nothing takes another out */
	while (left-- && !list_empty(&c->busy)) {
		f = container_of(c->busy.next, struct flow, busy);
		list_del(&f->busy);
		list_add_tail(&c->busy, &f->busy);
		report(f);
		any_tight |= tight(f);
	}
	if (c->num_busy)
		loop_timer_arm(c->loop, &c->poll, poll_ns(c, any_tight));
}

static void slow_expired(struct loop_timer *lt)
{
	struct card *c = container_of(lt, struct card, slow);
	uint64_t now = loop_now_ns();
	struct list *at, *next;
	struct flow *f;

	flow_retry_events(c);
	for (at = c->narrow.next; at != &c->narrow; at = next) {
		next = at->next;
		f = container_of(at, struct flow, narrow);
		if (now >= f->probe_ns) {
			f->card->n.probes++;
			repair_probe(f->lf.fd);
			tell_soon(f);
			f->probe_ns = now + f->probe_gap_ns;
			f->probe_gap_ns *= 2;
			if (f->probe_gap_ns > PROBE_MAX_NS)
				f->probe_gap_ns = PROBE_MAX_NS;
		}
		report(f);
	}
	if (!list_empty(&c->narrow) || c->events_due)
		loop_timer_arm(c->loop, &c->slow, SLOW_NS);
}

void pump_init(struct card *c)
{
	list_init(&c->starved);
	list_init(&c->busy);
	list_init(&c->narrow);
	c->poll.expired = poll_expired;
	c->slow.expired = slow_expired;
}

void pump_exit(struct card *c)
{
	loop_timer_disarm(c->loop, &c->poll);
	loop_timer_disarm(c->loop, &c->slow);
}

/* Out */

/* Drops n bytes at the head of a message. */
static void advance(struct device_tx *tx, uint32_t n)
{
	unsigned int i = 0;

	tx->seq += n;
	tx->len -= n;
	while (i < tx->niov && n >= tx->iov[i].iov_len)
		n -= (uint32_t)tx->iov[i++].iov_len;
	if (i) {
		tx->niov -= i;
		memmove(tx->iov, tx->iov + i, tx->niov * sizeof(tx->iov[0]));
	}
	if (n) {
		tx->iov[0].iov_base = (char *)tx->iov[0].iov_base + n;
		tx->iov[0].iov_len -= n;
	}
}

bool pump_queue(struct flow *f, struct device_tx *tx)
{
	struct card *c = f->card;
	uint32_t old = f->tx_next - tx->seq;

	if (seq_after(tx->seq, f->tx_next)) {
		device_tx_done(c->device, tx);
		return false;
	}
	if (old) {
		c->n.tx_trimmed++;
		if (old >= tx->len) {
			device_tx_done(c->device, tx);
			return true;
		}
		advance(tx, old);
	}
	f->tx_next += tx->len;
	tx->next = NULL;
	*f->tx_tail = tx;
	f->tx_tail = &tx->next;
	c->n.tx_msgs++;
	c->n.tx_bytes += tx->len;
	f->tx_bytes += tx->len;
	return true;
}

static void pop_tx(struct flow *f)
{
	struct device_tx *tx = f->tx;

	f->tx = tx->next;
	if (!f->tx)
		f->tx_tail = &f->tx;
	device_tx_done(f->card->device, tx);
}

void pump_taken(struct flow *f, uint32_t n)
{
	if (n == f->tx->len)
		pop_tx(f);
	else
		advance(f->tx, n);
}

void pump_drop_tx(struct flow *f, bool answer)
{
	while (answer && f->tx)
		pop_tx(f);
	f->tx = NULL;
	f->tx_tail = &f->tx;
}

void pump_send(struct flow *f)
{
	struct msghdr msg = {};
	ssize_t n;

	while (f->tx) {
		msg.msg_iov = f->tx->iov;
		msg.msg_iovlen = f->tx->niov;
		n = sendmsg(f->lf.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL |
			    (f->tx->next ? MSG_MORE : 0));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			f->card->n.tx_queued++;
			break;
		}
		if (n < 0) {
			broken(f, "send", errno);
			return;
		}
		pump_taken(f, (uint32_t)n);
	}
	tell_soon(f);
	watch(f);
	classify(f);
}

/* In */

/* Moves at most "room" bytes of the socket's into one rx buffer. How many, 0
 * when the socket has none, -ENOBUFS without a buffer, else -errno.
 */
static int receive(struct flow *f, uint32_t room)
{
	struct card *c = f->card;
	struct device_rx msg = { .id = f->id, .type = VIRTIO_TOE_RX_DATA };
	struct iovec iov[RX_IOV];
	struct msghdr mh = { .msg_iov = iov };
	uint32_t sum = 0;
	ssize_t n;
	int niov;

	niov = device_rx_peek(c->device, iov, RX_IOV);
	if (niov < 0) {
		c->n.rx_no_buffer++;
		return -ENOBUFS;
	}
	for (mh.msg_iovlen = 0; (int)mh.msg_iovlen < niov && sum < room;
	     mh.msg_iovlen++) {
		struct iovec *v = &iov[mh.msg_iovlen];

		if (v->iov_len > room - sum)
			v->iov_len = room - sum;
		sum += (uint32_t)v->iov_len;
	}
	n = recvmsg(f->lf.fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (!n)
		return -ESHUTDOWN;	/* the peer's FIN never gets here */

	/* What the peer acknowledged rides along. */
	if (!list_empty(&f->busy))
		pump_refresh(f);
	msg.seq = f->rcv_nxt;
	msg.len = (uint32_t)n;
	msg.snd_una = f->snd_una;
	msg.snd_wnd = f->snd_wnd;
	msg.srtt_us = f->srtt_us;
	if (device_rx_send(c->device, &msg))
		return -EIO;	/* we have just seen the buffer */
	pump_told(f);
	f->rcv_nxt += (uint32_t)n;
	f->rx_bytes += (uint32_t)n;
	if (f->state == FLOW_RUNNING)
		tell_soon(f);
	c->n.rx_msgs++;
	c->n.rx_bytes += (uint32_t)n;
	return (int)n;
}

void pump_starve(struct flow *f)
{
	if (!list_empty(&f->starved))
		return;
	list_add_tail(&f->card->starved, &f->starved);
	f->card->num_starved++;
}

/* How many rx messages a flow may fill before others have their turn. The more the
 * better: the host is interrupted once a round.
 */
static unsigned int turn_of(const struct card *c)
{
	unsigned int turn = RX_ROUND / loop_ready(c->loop);

	if (c->num_starved || !turn)
		return 1;
	return turn < RX_TURN ? turn : RX_TURN;
}

/* When a gap is filled, all that waited behind it can be read in one piece, and is
 * acknowledged by one packet. A peer without window scaling may have sent all that its
 * window takes, and probes for no lost tail, as it recovers from a loss: should that packet
 * get lost, only its retransmission timer would be left. So it is told twice.
 */
static void tell_twice(struct flow *f, uint32_t bytes)
{
	struct repair_info info;

	if (bytes < FILLED || (f->st.options & (TOE_OPT_WSCALE | TOE_OPT_SACK)) != TOE_OPT_SACK ||
	    repair_info(f->lf.fd, &info) || info.behind_gaps == f->behind_gaps)
		return;
	f->behind_gaps = info.behind_gaps;
	window_again(f);
}

static void pump_receive(struct flow *f)
{
	unsigned int turn = turn_of(f->card);
	uint32_t from = f->rcv_nxt;
	int n = 0;

	for (; turn; turn--) {
		if (!seq_after(f->rcv_edge, f->rcv_nxt)) {
			f->card->n.rx_no_credit++;
			f->no_credit = true;
			break;
		}
		n = receive(f, f->rcv_edge - f->rcv_nxt);
		if (n <= 0)
			break;
	}
	/* There may be more, and others wait already */
	if (n == -ENOBUFS || (!turn && f->card->num_starved))
		pump_starve(f);
	if (n < 0 && n != -ENOBUFS) {
		broken(f, "receive", -n);
		return;
	}
	if (f->curbed)
		window_open(f);
	tell_twice(f, f->rcv_nxt - from);
	watch(f);
	classify(f);
}

int pump_empty(struct flow *f)
{
	int n;

	do {
		n = receive(f, UINT32_MAX);
	} while (n > 0);
	if (n == -ENOBUFS) {
		pump_starve(f);
		return n;
	}
	return 0;	/* an error of the socket ends it just as well */
}

void pump_credit(struct flow *f, uint32_t rcv_edge)
{
	if (seq_after(rcv_edge, f->rcv_edge)) {
		f->rcv_edge = rcv_edge;
		window_open(f);
	}
	if (f->no_credit && seq_after(f->rcv_edge, f->rcv_nxt)) {
		f->no_credit = false;
		watch(f);
	}
}

void pump_rx_ready(struct card *c)
{
	struct iovec iov[RX_IOV];
	struct flow *f;

	while (!list_empty(&c->starved) &&
	       device_rx_peek(c->device, iov, RX_IOV) >= 0) {
		f = container_of(c->starved.next, struct flow, starved);
		unstarve(f);
		if (f->state == FLOW_CLOSING)
			flow_drain(f);
		else
			pump_receive(f);
	}
}

static void socket_ready(struct loop_fd *lf, uint32_t events)
{
	struct flow *f = container_of(lf, struct flow, lf);
	socklen_t len = sizeof(int);
	int err = 0;

	if (events & (EPOLLERR | EPOLLHUP)) {
		getsockopt(f->lf.fd, SOL_SOCKET, SO_ERROR, &err, &len);
		if (err || (events & EPOLLHUP)) {
			broken(f, "socket", err ? err : ESHUTDOWN);
			return;
		}
	}
	if ((events & EPOLLIN) && !f->no_credit && list_empty(&f->starved)) {
		if (f->card->num_starved) {
			pump_starve(f);
			watch(f);
		} else {
			pump_receive(f);
		}
	}
	if ((events & EPOLLOUT) && f->watched)
		pump_send(f);
}

int pump_start(struct flow *f)
{
	int err;

	f->lf.ready = socket_ready;
	f->events = EPOLLIN;
	err = loop_add(f->card->loop, &f->lf, f->events);
	if (err)
		return err;
	f->watched = true;
	f->no_credit = !seq_after(f->rcv_edge, f->rcv_nxt);
	f->asked_una = f->snd_una;
	f->behind_gaps = 0;
	pump_told(f);
	pump_send(f);	/* and finds its lists */
	return 0;
}

void pump_stop(struct flow *f)
{
	unwatch(f);
	leave_lists(f);
	pump_drop_tx(f, true);
}
