// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card's face towards the host, driven as a front-end and its guest drive
 * it: over the vhost-user socket and through rings in shared memory. The flows
 * behind it are fakes that note what they are asked.
 *
 * Everything runs in one thread: turn() lets the card run for a moment.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <toe/virtio_state.h>

#include "capture.h"
#include "control.h"
#include "device.h"
#include "fault.h"
#include "flow.h"
#include "front.h"
#include "log.h"
#include "repair.h"
#include "sock.h"

#define W	VRING_DESC_F_WRITE
#define N	VRING_DESC_F_NEXT
#define I	VRING_DESC_F_INDIRECT

#define CTL	0
#define EVENT	1
#define RX	2
#define TX	3
#define CAPTURE	4
#define QUEUES	5

#define FEATURES	(1ull << 32 | 1ull << 30 | 1ull << 29 | 1ull << 28)
#define CAPTURE_BIT	(1ull << VIRTIO_TOE_F_CAPTURE)
#define INFO_BIT	(1ull << VIRTIO_TOE_F_INFO)
#define DEVICE_BITS	0xffffffull	/* features that belong to the device */
#define MAX_FLOWS	8

/* Places in the guest's memory */
#define CMD(i)		(DATA + (i) * 0x1000ull)
#define REPLY(i)	(DATA + (i) * 0x1000ull + 0x800)
#define EVENT_BUF	(DATA + 0x10000)
#define RX_HDR		(DATA + 0x20000)
#define RX_BUF		(DATA + 0x21000)
#define TX_BUF		(DATA + 0x30000)
#define FRAME(i)	(DATA + 0x28000 + (i) * 0x100)
#define FRAME_LEN	0x80

/* What the card did to its flows */
static struct {
	struct device_cmd *held;
	bool hold;		/* leave commands unanswered, in held */
	uint32_t status;
	const struct toe_state *answer;
	char last[16];
	uint32_t id;
	struct toe_state st;
	uint8_t pkt[100000];
	size_t pkt_len;
	struct device_tx *tx[16];
	unsigned int num_tx;
	uint32_t credit;
	int resets, rx_ready, capture_ready;
	uint32_t snaplen;
} seen;

static uint64_t capture_bit = CAPTURE_BIT;	/* what the driver accepts */
static struct front front;
static struct loop *loop;
static struct device *device;
static struct control *control;
static char dir[] = "/tmp/device_test.XXXXXX", path[64], control_path[64];
static int sock, kick[QUEUES], call[QUEUES];
static int logged;

enum log_level log_level;

void log_msg(enum log_level lvl, const char *fmt, ...)
{
	(void)fmt;
	if (lvl <= LOG_LEVEL_WARN)
		logged++;
}

static void answer(struct device_cmd *cmd, const char *what, uint32_t id)
{
	strcpy(seen.last, what);
	seen.id = id;
	if (seen.hold)
		seen.held = cmd;
	else
		device_reply(device, cmd, seen.status, seen.answer);
}

void flow_prepare(struct card *c, struct device_cmd *cmd, uint32_t id,
		  const struct toe_tuple *t)
{
	(void)c;
	seen.st.tuple = *t;
	answer(cmd, "prepare", id);
}

void flow_open(struct card *c, struct device_cmd *cmd, uint32_t id,
	       const struct toe_state *st)
{
	(void)c;
	seen.st = *st;
	answer(cmd, "open", id);
}

void flow_close(struct card *c, struct device_cmd *cmd, uint32_t id)
{
	(void)c;
	answer(cmd, "close", id);
}

void flow_release(struct card *c, struct device_cmd *cmd, uint32_t id)
{
	(void)c;
	answer(cmd, "release", id);
}

void flow_inject(struct card *c, struct device_cmd *cmd, uint32_t id,
		 const void *pkt, size_t len)
{
	(void)c;
	memcpy(seen.pkt, pkt, len);
	seen.pkt_len = len;
	answer(cmd, "inject", id);
}

void flow_transmit(struct card *c, struct device_tx *tx)
{
	(void)c;
	seen.tx[seen.num_tx++ % 16] = tx;
}

void flow_credit(struct card *c, uint32_t id, uint32_t rcv_edge)
{
	(void)c;
	seen.id = id;
	seen.credit = rcv_edge;
}

void flow_rx_ready(struct card *c)
{
	(void)c;
	seen.rx_ready++;
}

void capture_start(struct card *c, struct device_cmd *cmd, uint32_t id,
		   uint32_t snaplen)
{
	(void)c;
	seen.snaplen = snaplen;
	answer(cmd, "capture", id);
}

void capture_stop(struct card *c, struct device_cmd *cmd, uint32_t id)
{
	(void)c;
	answer(cmd, "stop", id);
}

void capture_ready(struct card *c)
{
	(void)c;
	seen.capture_ready++;
}

void flow_reset(struct card *c)
{
	(void)c;
	seen.resets++;
	seen.held = NULL;
	seen.num_tx = 0;
}

void card_status_json(struct card *c, FILE *out)
{
	(void)c;
	fputs("{}", out);
}

static void turn_over(struct loop_timer *lt)
{
	(void)lt;
	loop_stop(loop);
}

static void turn_ms(unsigned int ms)
{
	struct loop_timer lt = { .expired = turn_over };

	loop_timer_arm(loop, &lt, ms * 1000000ull);
	assert_int_equal(loop_run(loop), 0);
}

static void turn(void)
{
	turn_ms(2);
}

/* vhost-user, front-end side */

struct vu_msg {
	uint32_t request, flags, size;
	union {
		uint64_t u64;
		uint32_t u32[2];
		uint8_t raw[300];
	} __attribute__((packed)) p;
} __attribute__((packed));

static int vu_send_fds(uint32_t request, const void *p, uint32_t size,
		       const int *fds, int num_fds)
{
	struct vu_msg m = { .request = request, .flags = 1, .size = size };
	struct iovec iov = { &m, 12 + size };
	union {
		char buf[CMSG_SPACE(16 * sizeof(int))];
		struct cmsghdr align;
	} c = { { 0 } };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cm;

	memcpy(&m.p, p, size);
	if (num_fds) {
		mh.msg_control = &c;
		mh.msg_controllen = CMSG_SPACE(num_fds * sizeof(int));
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(num_fds * sizeof(int));
		memcpy(CMSG_DATA(cm), fds, num_fds * sizeof(int));
	}
	return sendmsg(sock, &mh, MSG_NOSIGNAL) == 12 + (ssize_t)size ? 0 : -1;
}

static void vu_send(uint32_t request, const void *p, uint32_t size)
{
	assert_int_equal(vu_send_fds(request, p, size, NULL, 0), 0);
	turn();
}

static void vu_u64(uint32_t request, uint64_t v, int fd)
{
	assert_int_equal(vu_send_fds(request, &v, 8, &fd, fd >= 0), 0);
	turn();
}

static void vu_state(uint32_t request, uint32_t index, uint32_t num)
{
	uint32_t p[2] = { index, num };

	vu_send(request, p, 8);
}

static struct vu_msg vu_reply(uint32_t request)
{
	struct vu_msg m;
	ssize_t n = recv(sock, &m, sizeof(m), MSG_DONTWAIT);

	assert_true(n >= 12);
	assert_int_equal(n, 12 + m.size);
	assert_int_equal(m.request, request);
	assert_int_equal(m.flags & 7, 5);
	return m;
}

static bool vu_disconnected(void)
{
	char c;

	turn();
	return recv(sock, &c, 1, MSG_DONTWAIT) == 0 ||
	       (errno != EAGAIN && errno != EWOULDBLOCK);
}

static int vu_mem_table(void)
{
	struct {
		uint32_t num, pad;
		uint64_t r[2][4];
	} m = { 2, 0, { { GPA0, REGION_SIZE, UADDR0, 0 },
			{ GPA1, REGION_SIZE, UADDR1, 0 } } };

	return vu_send_fds(5, &m, sizeof(m), front.memfd, 2);
}

static void vu_addr(unsigned int q)
{
	struct {
		uint32_t index, flags;
		uint64_t desc, used, avail, log;
	} a = { q, 0, UADDR0 + RING_DESC(q), UADDR0 + RING_USED(q),
		UADDR0 + RING_AVAIL(q), 0 };

	vu_send(9, &a, sizeof(a));
}

static void start_queue(unsigned int q, uint16_t base)
{
	vu_state(8, q, RING_NUM);
	vu_state(10, q, base);
	vu_addr(q);
	vu_u64(12, q, kick[q]);
	vu_u64(13, q, call[q]);
}

/* As QEMU does it: all queues, then enable, then the call descriptors anew */
static void start_queues(uint16_t base)
{
	unsigned int q;

	for (q = 0; q < QUEUES; q++)
		start_queue(q, base ? front.avail[q] : 0);
	for (q = 0; q < QUEUES; q++)
		vu_state(18, q, 1);
	for (q = 0; q < QUEUES; q++)
		vu_u64(13, q, call[q]);
}

static void stop_queues(void)
{
	unsigned int q;

	for (q = 0; q < QUEUES; q++)
		vu_state(18, q, 0);
	for (q = 0; q < QUEUES; q++) {
		vu_state(11, q, 0);
		/* Nothing in flight: what was offered is used. */
		assert_int_equal(vu_reply(11).p.u32[1],
				 front_used(&front, q)->idx);
	}
}

/* As stop_queues(), when buffers may wait that the device has not taken */
static void stop_queues_paused(void)
{
	unsigned int q;

	for (q = 0; q < QUEUES; q++) {
		vu_state(11, q, 0);
		assert_int_equal(vu_reply(11).p.u32[1],
				 front_used(&front, q)->idx);
	}
}

static void connect_front(void)
{
	sock = sock_connect(path);
	assert_true(sock >= 0);
	turn();
	vu_send(1, "", 0);
	assert_int_equal(vu_reply(1).p.u64 & ~DEVICE_BITS, FEATURES);
	vu_send(15, "", 0);
	assert_int_equal(vu_reply(15).p.u64, 1 << 0 | 1 << 3 | 1 << 5 | 1 << 9);
	vu_u64(16, 1 << 0 | 1 << 3 | 1 << 5 | 1 << 9, -1);
	vu_send(17, "", 0);
	assert_int_equal(vu_reply(17).p.u64, QUEUES);
	vu_send(3, "", 0);
	vu_u64(2, FEATURES | INFO_BIT | capture_bit, -1);
	assert_int_equal(vu_mem_table(), 0);
	turn();
}

static int setup(void **state)
{
	struct device_config cfg = {
		.socket_path = path, .max_flows = MAX_FLOWS,
		.mac = { 2, 0, 0, 0, 0, 7 },
	};
	int i;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	logged = 0;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/vhost", dir);
	snprintf(control_path, sizeof(control_path), "%s/control", dir);
	front_init(&front);
	for (i = 0; i < QUEUES; i++) {
		kick[i] = eventfd(0, EFD_NONBLOCK);
		call[i] = eventfd(0, EFD_NONBLOCK);
	}
	loop = loop_new();
	device = device_new(loop, NULL, &cfg);
	assert_non_null(device);
	control = control_new(loop, control_path, NULL, device);
	assert_non_null(control);
	connect_front();
	start_queues(0);
	return 0;
}

static int teardown(void **state)
{
	int i;

	(void)state;
	close(sock);
	control_free(control);
	device_free(device);
	loop_free(loop);
	for (i = 0; i < FAULT_MAX; i++)
		fault_arm(fault_word(i), 0, 0);
	for (i = 0; i < QUEUES; i++) {
		close(kick[i]);
		close(call[i]);
	}
	front_exit(&front);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(control_path, F_OK), -1);
	return rmdir(dir);
}

/* The driver's side */

static void do_kick(unsigned int q)
{
	eventfd_write(kick[q], 1);
	turn();
}

static bool interrupted(unsigned int q)
{
	eventfd_t n;

	return !eventfd_read(call[q], &n);
}

static void offer_command(unsigned int i, uint16_t cmd, uint32_t id,
			  const struct toe_state *st, const void *pkt,
			  uint32_t len)
{
	struct virtio_toe_cmd *c = front_ptr(&front, CMD(i));

	memset(c, 0, sizeof(*c));
	c->cmd = cmd;
	c->flow = id;
	c->len = len;
	if (st)
		toe_state_to_virtio(&c->state, st);
	front_set_desc(&front, CTL, 3 * i, CMD(i), sizeof(*c), N, 3 * i + 2);
	if (len) {
		memcpy(front_ptr(&front, GPA1), pkt, len);
		front_desc(&front, CTL)[3 * i].next = 3 * i + 1;
		front_set_desc(&front, CTL, 3 * i + 1, GPA1, len, N, 3 * i + 2);
	}
	front_set_desc(&front, CTL, 3 * i + 2, REPLY(i),
		       sizeof(struct virtio_toe_reply), W, 0);
	memset(front_ptr(&front, REPLY(i)), 0xee,
	       sizeof(struct virtio_toe_reply));
	front_offer(&front, CTL, 3 * i);
}

static struct virtio_toe_reply *reply_of(unsigned int i)
{
	struct virtio_toe_reply *r = front_ptr(&front, REPLY(i));
	uint32_t head, len;

	assert_true(front_take(&front, CTL, &head, &len));
	assert_int_equal(head, 3 * i);
	assert_int_equal(len, sizeof(*r));
	return r;
}

static const struct toe_state example = {
	.tuple = { .local_addr = { 0x0100000a }, .remote_addr = { 0x0200000a },
		   .local_port = 0x5000, .remote_port = 0x1234, .family = 2 },
	.snd_una = 1000, .snd_nxt = 5000, .rcv_nxt = 70000, .tsval = 12,
	.mss_cache = 1448, .snd_wscale = 7, .ca_name = "cubic",
};

static uint32_t command(uint16_t cmd, uint32_t id)
{
	offer_command(0, cmd, id, &example, NULL, 0);
	do_kick(CTL);
	return reply_of(0)->status;
}

static void open_flow(uint32_t id)
{
	assert_int_equal(command(VIRTIO_TOE_CMD_PREPARE, id), 0);
	assert_int_equal(command(VIRTIO_TOE_CMD_OPEN, id), 0);
}

static void post_events(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		front_set_desc(&front, EVENT, i, EVENT_BUF + 16 * i, 8, W, 0);
		front_offer(&front, EVENT, i);
	}
	do_kick(EVENT);
}

static bool event_is(uint16_t type, uint32_t id)
{
	struct virtio_toe_event *e;
	uint32_t head, len;

	if (!front_take(&front, EVENT, &head, &len))
		return false;
	e = front_ptr(&front, EVENT_BUF + 16 * head);
	return len == 8 && e->type == type && e->flow == id;
}

static void post_rx(uint16_t i)
{
	front_set_desc(&front, RX, 2 * i, RX_HDR + 64 * i,
		       sizeof(struct virtio_toe_rx_hdr), W | N, 2 * i + 1);
	front_set_desc(&front, RX, 2 * i + 1, RX_BUF + 0x1000 * i, 0x1000, W,
		       0);
	front_offer(&front, RX, 2 * i);
}

/* A tx message: head of its own, payload pieces through an indirect table */
static void offer_tx(uint16_t i, uint32_t id, uint32_t seq, uint32_t len,
		     unsigned int niov)
{
	uint64_t at = TX_BUF + i * 0x2000ull, table = at + 0x40;
	struct virtio_toe_tx_hdr *h = front_ptr(&front, at);
	struct vring_desc *d = front_ptr(&front, table);
	unsigned int k;

	*h = (struct virtio_toe_tx_hdr){
		.flow = id, .type = VIRTIO_TOE_TX_DATA, .seq = seq,
		.len = len * niov, .rcv_edge = 99 };
	d[0] = (struct vring_desc){ at, sizeof(*h), niov ? N : 0, 1 };
	for (k = 0; k < niov; k++)
		/* a gap behind each, so that none merge */
		d[k + 1] = (struct vring_desc){ GPA1 + k * (len + 8), len,
						k + 1 < niov ? N : 0, k + 2 };
	front_set_desc(&front, TX, i, table, 16 * (niov + 1), I, 0);
	front_offer(&front, TX, i);
}

/* Tests */

static void config_space(void **state)
{
	struct {
		uint32_t offset, size, flags;
		uint8_t data[64];
	} q = { .size = 64 };
	struct virtio_toe_config c;
	struct vu_msg m;

	(void)state;
	vu_send(24, &q, sizeof(q));
	m = vu_reply(24);
	assert_int_equal(m.size, sizeof(q));
	memcpy(&c, m.p.raw + 12, sizeof(c));
	assert_int_equal(c.version, VIRTIO_TOE_VERSION);
	assert_int_equal(c.max_flows, MAX_FLOWS);
	assert_int_equal(c.max_tx_len, 1 << 20);
	assert_int_equal(c.num_pairs, 1);
	assert_int_equal(c.mac[5], 7);
	q.offset = 60;
	vu_send(24, &q, sizeof(q));
	m = vu_reply(24);
	assert_int_equal(m.p.raw[12 + 63], 0);
	q.offset = 0xffffffff;
	vu_send(24, &q, sizeof(q));
	vu_reply(24);
}

static void ping(void **state)
{
	(void)state;
	while (interrupted(CTL))
		;
	assert_int_equal(command(VIRTIO_TOE_CMD_PING, 0), VIRTIO_TOE_S_OK);
	assert_true(interrupted(CTL));
}

static void commands(void **state)
{
	struct toe_state out = example;
	struct virtio_toe_reply *r;
	uint8_t pkt[1500];

	(void)state;
	open_flow(7);
	assert_string_equal(seen.last, "open");
	assert_memory_equal(&seen.st, &example, sizeof(example));
	memset(pkt, 0x5a, sizeof(pkt));
	offer_command(0, VIRTIO_TOE_CMD_INJECT, 7, NULL, pkt, sizeof(pkt));
	do_kick(CTL);
	assert_int_equal(reply_of(0)->status, VIRTIO_TOE_S_OK);
	assert_int_equal(seen.pkt_len, sizeof(pkt));
	assert_memory_equal(seen.pkt, pkt, sizeof(pkt));
	out.snd_una = 4000;
	out.rcv_nxt = 80000;
	seen.answer = &out;
	offer_command(0, VIRTIO_TOE_CMD_CLOSE, 7, NULL, NULL, 0);
	do_kick(CTL);
	r = reply_of(0);
	assert_int_equal(r->flow, 7);
	assert_int_equal(r->state.snd_una, 4000);
	assert_int_equal(r->state.rcv_nxt, 80000);
	seen.answer = NULL;
	seen.status = VIRTIO_TOE_S_NOENT;
	assert_int_equal(command(VIRTIO_TOE_CMD_RELEASE, 8),
			 VIRTIO_TOE_S_NOENT);
	assert_string_equal(seen.last, "release");
}

static uint32_t bad_state(const struct toe_state *st)
{
	offer_command(0, VIRTIO_TOE_CMD_PREPARE, 7, st, NULL, 0);
	do_kick(CTL);
	return reply_of(0)->status;
}

static void invalid_commands(void **state)
{
	struct toe_state st = example;
	struct virtio_toe_cmd *c = front_ptr(&front, CMD(0));

	(void)state;
	assert_int_equal(command(99, 7), VIRTIO_TOE_S_INVAL);
	assert_int_equal(command(0, 7), VIRTIO_TOE_S_INVAL);
	assert_int_equal(command(VIRTIO_TOE_CMD_OPEN, 0), VIRTIO_TOE_S_INVAL);
	assert_int_equal(command(VIRTIO_TOE_CMD_INJECT, 7), VIRTIO_TOE_S_INVAL);
	offer_command(0, VIRTIO_TOE_CMD_CLOSE, 7, NULL, "x", 1);
	do_kick(CTL);
	assert_int_equal(reply_of(0)->status, VIRTIO_TOE_S_INVAL);
	offer_command(0, VIRTIO_TOE_CMD_INJECT, 7, NULL, "x", 1);
	c->len = 0xffffffff;
	do_kick(CTL);
	assert_int_equal(reply_of(0)->status, VIRTIO_TOE_S_INVAL);
	st.tuple.family = 10;
	assert_int_equal(bad_state(&st), VIRTIO_TOE_S_UNSUPP);
	st.tuple.family = 3;
	assert_int_equal(bad_state(&st), VIRTIO_TOE_S_INVAL);
	st.tuple.family = 2;
	st.tuple.local_addr[3] = 1;
	assert_int_equal(bad_state(&st), VIRTIO_TOE_S_INVAL);
	st = example;
	st.tuple.remote_port = 0;
	assert_int_equal(bad_state(&st), VIRTIO_TOE_S_INVAL);
	assert_string_equal(seen.last, "");	/* no flow heard of any */
	assert_int_equal(command(VIRTIO_TOE_CMD_PING, 0), VIRTIO_TOE_S_OK);
}

static void late_answers_out_of_order(void **state)
{
	struct device_cmd *first;
	uint32_t head, len;

	(void)state;
	seen.hold = true;
	offer_command(0, VIRTIO_TOE_CMD_OPEN, 1, &example, NULL, 0);
	do_kick(CTL);
	first = seen.held;
	offer_command(1, VIRTIO_TOE_CMD_OPEN, 2, &example, NULL, 0);
	do_kick(CTL);
	assert_false(front_take(&front, CTL, &head, &len));
	device_reply(device, seen.held, VIRTIO_TOE_S_FAIL, NULL);
	assert_int_equal(reply_of(1)->status, VIRTIO_TOE_S_FAIL);
	device_reply(device, first, VIRTIO_TOE_S_OK, NULL);
	assert_int_equal(reply_of(0)->status, VIRTIO_TOE_S_OK);
	/* A second answer is noticed and does no harm. */
	device_reply(device, first, VIRTIO_TOE_S_OK, NULL);
	assert_false(front_take(&front, CTL, &head, &len));
}

static void no_room_for_reply(void **state)
{
	(void)state;
	post_events(1);
	offer_command(0, VIRTIO_TOE_CMD_PING, 0, NULL, NULL, 0);
	front_desc(&front, CTL)[2].len = sizeof(struct virtio_toe_reply) - 1;
	do_kick(CTL);
	assert_int_equal(logged, 1);
	assert_true(event_is(VIRTIO_TOE_EV_FAILED, 0));
	offer_command(1, VIRTIO_TOE_CMD_PING, 0, NULL, NULL, 0);
	do_kick(CTL);
	assert_int_equal(logged, 1);
}

static void command_cut_short(void **state)
{
	(void)state;
	post_events(1);
	offer_command(0, VIRTIO_TOE_CMD_PING, 0, NULL, NULL, 0);
	front_desc(&front, CTL)[0].len = sizeof(struct virtio_toe_cmd) - 1;
	do_kick(CTL);
	assert_true(event_is(VIRTIO_TOE_EV_FAILED, 0));
}

static void transmit(void **state)
{
	uint32_t head, len;
	struct device_tx *tx;

	(void)state;
	offer_tx(0, 7, 5000, 1000, 3);
	offer_tx(1, 7, 8000, 100, DEVICE_TX_IOV);
	do_kick(TX);
	assert_int_equal(seen.num_tx, 2);
	tx = seen.tx[0];
	assert_int_equal(tx->id, 7);
	assert_int_equal(tx->seq, 5000);
	assert_int_equal(tx->len, 3000);
	assert_int_equal(tx->rcv_edge, 99);
	assert_int_equal(tx->niov, 3);
	strcpy(front_ptr(&front, GPA1 + 1008), "second piece");
	assert_string_equal(tx->iov[1].iov_base, "second piece");
	assert_int_equal(seen.tx[1]->niov, DEVICE_TX_IOV);
	assert_false(front_take(&front, TX, &head, &len));
	device_tx_done(device, seen.tx[1]);
	device_tx_done(device, tx);
	turn();
	assert_true(front_take(&front, TX, &head, &len));
	assert_int_equal(head, 1);
	assert_int_equal(len, 0);
	assert_true(front_take(&front, TX, &head, &len));
	assert_int_equal(head, 0);
	assert_true(interrupted(TX));
	logged = 0;
	device_tx_done(device, tx);
	assert_int_equal(logged, 1);
}

static void head_and_payload_in_one(void **state)
{
	struct virtio_toe_tx_hdr *h = front_ptr(&front, TX_BUF);

	(void)state;
	*h = (struct virtio_toe_tx_hdr){ .flow = 7, .type = VIRTIO_TOE_TX_DATA,
					 .seq = 1, .len = 6 };
	memcpy(h + 1, "abcdef", 6);
	front_set_desc(&front, TX, 0, TX_BUF, sizeof(*h) + 6, 0, 0);
	front_offer(&front, TX, 0);
	do_kick(TX);
	assert_int_equal(seen.num_tx, 1);
	assert_int_equal(seen.tx[0]->niov, 1);
	assert_memory_equal(seen.tx[0]->iov[0].iov_base, "abcdef", 6);
}

static void credit(void **state)
{
	struct virtio_toe_tx_hdr *h = front_ptr(&front, TX_BUF);
	uint32_t head, len;

	(void)state;
	offer_tx(0, 9, 0, 0, 0);
	h->type = VIRTIO_TOE_TX_CREDIT;
	h->rcv_edge = 0xfffffff0;
	do_kick(TX);
	assert_int_equal(seen.id, 9);
	assert_int_equal(seen.credit, 0xfffffff0);
	assert_true(front_take(&front, TX, &head, &len));
}

/* Wrong in what they say, not in their chains: dropped, and the flow named */
static void malformed_tx(void **state)
{
	struct virtio_toe_tx_hdr *h = front_ptr(&front, TX_BUF);
	uint32_t head, len;
	int i;

	(void)state;
	post_events(5);
	for (i = 0; i < 5; i++) {
		offer_tx(0, 20 + i, 0, 10, i == 4 ? DEVICE_TX_IOV + 1 : 1);
		if (i == 0)
			h->len = 11;
		else if (i == 1)
			h->type = 3;
		else if (i == 2)
			h->len = 0xffffffff;
		else if (i == 3)
			h->type = VIRTIO_TOE_TX_CREDIT;
		do_kick(TX);
		assert_true(front_take(&front, TX, &head, &len));
		assert_true(event_is(VIRTIO_TOE_EV_RETURN, 20 + i));
	}
	assert_int_equal(seen.num_tx, 0);
	assert_int_equal(logged, 1);
	offer_tx(0, 7, 0, 10, 1);
	do_kick(TX);
	assert_int_equal(seen.num_tx, 1);
}

static void tx_too_long(void **state)
{
	struct virtio_toe_tx_hdr *h = front_ptr(&front, TX_BUF);
	uint64_t table = TX_BUF + 0x40;
	struct vring_desc *d = front_ptr(&front, table);
	uint32_t head, len;

	(void)state;
	offer_tx(0, 7, 0, 1, 1);
	d[1] = (struct vring_desc){ GPA1, 1 << 19, N, 2 };
	d[2] = (struct vring_desc){ GPA1, 1 << 19, N, 3 };
	d[3] = (struct vring_desc){ GPA1, 1, 0, 0 };
	front_desc(&front, TX)[0].len = 16 * 4;
	h->len = (1 << 20) + 1;
	do_kick(TX);
	assert_int_equal(seen.num_tx, 0);
	assert_true(front_take(&front, TX, &head, &len));
	offer_tx(0, 7, 0, 1, 1);
	d[1] = (struct vring_desc){ GPA1, 1 << 19, N, 2 };
	d[2] = (struct vring_desc){ GPA1, 1 << 19, 0, 0 };
	front_desc(&front, TX)[0].len = 16 * 3;
	h->len = 1 << 20;
	do_kick(TX);
	assert_int_equal(seen.num_tx, 1);
}

static void broken_tx(void **state)
{
	uint32_t head, len;

	(void)state;
	post_events(2);
	offer_tx(0, 7, 0, 10, 1);
	do_kick(TX);
	assert_int_equal(seen.num_tx, 1);
	front_set_desc(&front, TX, 1, GPA_END, 64, 0, 0);
	front_offer(&front, TX, 1);
	do_kick(TX);
	assert_true(event_is(VIRTIO_TOE_EV_FAILED, 0));
	assert_false(event_is(VIRTIO_TOE_EV_FAILED, 0));
	/* What was taken before can still be given back, control works. */
	device_tx_done(device, seen.tx[0]);
	assert_true(front_take(&front, TX, &head, &len));
	assert_int_equal(command(VIRTIO_TOE_CMD_CLOSE, 7), 0);
}

static void writable_tx(void **state)
{
	(void)state;
	post_events(1);
	front_set_desc(&front, TX, 0, TX_BUF, 64, N, 1);
	front_set_desc(&front, TX, 1, TX_BUF + 64, 64, W, 0);
	front_offer(&front, TX, 0);
	do_kick(TX);
	assert_true(event_is(VIRTIO_TOE_EV_FAILED, 0));
}

/* More than a batch, and everything after one single kick */
static void many_messages(void **state)
{
	struct virtio_toe_tx_hdr *h = front_ptr(&front, TX_BUF);
	uint32_t head, len;
	unsigned int i, k, done = 0;

	(void)state;
	*h = (struct virtio_toe_tx_hdr){ .flow = 1,
					 .type = VIRTIO_TOE_TX_CREDIT };
	for (i = 0; i < 20; i++) {
		for (k = 0; k < RING_NUM; k++) {
			front_set_desc(&front, TX, k, TX_BUF, sizeof(*h), 0, 0);
			front_offer(&front, TX, k);
		}
		do_kick(TX);
		while (front_take(&front, TX, &head, &len))
			done++;
	}
	assert_int_equal(done, 20 * RING_NUM);
}

static void receive(void **state)
{
	struct device_rx msg = { .id = 7, .type = VIRTIO_TOE_RX_DATA,
				 .seq = 70000, .len = 5, .snd_una = 4000,
				 .snd_wnd = 65536, .srtt_us = 321 };
	struct virtio_toe_rx_hdr *h = front_ptr(&front, RX_HDR);
	struct iovec iov[4];
	uint32_t head, len;

	(void)state;
	assert_int_equal(device_rx_peek(device, iov, 4), -EAGAIN);
	assert_int_equal(device_rx_send(device, &msg), -EINVAL);
	post_rx(0);
	post_rx(1);
	do_kick(RX);
	assert_int_equal(seen.rx_ready, 1);
	assert_int_equal(device_rx_peek(device, iov, 4), 1);
	assert_int_equal(iov[0].iov_len, 0x1000);
	memcpy(iov[0].iov_base, "bytes", 5);
	assert_int_equal(device_rx_send(device, &msg), 0);
	msg.type = VIRTIO_TOE_RX_ACK;
	msg.len = 0;
	assert_int_equal(device_rx_send(device, &msg), 0);
	assert_int_equal(device_rx_send(device, &msg), -EAGAIN);
	turn();
	assert_true(interrupted(RX));
	assert_true(front_take(&front, RX, &head, &len));
	assert_int_equal(len, sizeof(*h) + 5);
	assert_int_equal(h->flow, 7);
	assert_int_equal(h->seq, 70000);
	assert_int_equal(h->len, 5);
	assert_int_equal(h->snd_una, 4000);
	assert_int_equal(h->snd_wnd, 65536);
	assert_int_equal(h->srtt_us, 321);
	assert_memory_equal(front_ptr(&front, RX_BUF), "bytes", 5);
	assert_true(front_take(&front, RX, &head, &len));
	assert_int_equal(len, sizeof(*h));
}

/* Only to a driver that wants it; whole, or not at all */
static void report(void **state)
{
	struct device_rx msg = { .id = 7, .type = VIRTIO_TOE_RX_INFO,
				 .seq = 70000, .snd_una = 4000,
				 .snd_wnd = 65536, .srtt_us = 321 };
	struct repair_counts counts = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct virtio_toe_rx_hdr *h = front_ptr(&front, RX_HDR);
	uint32_t head, len, i, le;

	(void)state;
	assert_true(device_wants_info(device));
	assert_int_equal(device_rx_info(device, &msg, &counts), -EAGAIN);
	post_rx(0);
	do_kick(RX);
	assert_int_equal(device_rx_info(device, &msg, &counts), 0);
	turn();
	assert_true(front_take(&front, RX, &head, &len));
	assert_int_equal(len, sizeof(*h) + sizeof(struct virtio_toe_info));
	assert_int_equal(h->type, VIRTIO_TOE_RX_INFO);
	assert_int_equal(h->seq, 70000);
	assert_int_equal(h->len, sizeof(struct virtio_toe_info));
	assert_int_equal(h->srtt_us, 321);
	for (i = 0; i < 8; i++) {
		memcpy(&le, (char *)front_ptr(&front, RX_BUF) + 4 * i, sizeof(le));
		assert_int_equal(le32toh(le), i + 1);
	}
}

static void rx_too_long(void **state)
{
	struct device_rx msg = { .id = 7, .type = VIRTIO_TOE_RX_DATA,
				 .len = 0x1001 };
	struct iovec iov[4];

	(void)state;
	post_rx(0);
	do_kick(RX);
	assert_int_equal(device_rx_peek(device, iov, 4), 1);
	assert_int_equal(device_rx_send(device, &msg), -EINVAL);
	msg.len--;
	assert_int_equal(device_rx_send(device, &msg), 0);
}

static void unfit_rx_buffer(void **state)
{
	struct iovec iov[4];

	(void)state;
	post_events(1);
	post_rx(0);
	front_desc(&front, RX)[0].len++;
	do_kick(RX);
	assert_int_equal(device_rx_peek(device, iov, 4), -EAGAIN);
	assert_int_equal(device_rx_peek(device, iov, 4), -EAGAIN);
	turn();
	assert_true(event_is(VIRTIO_TOE_EV_FAILED, 0));
	assert_int_equal(logged, 1);
}

static uint32_t start_capture(const void *what, uint32_t len)
{
	offer_command(0, VIRTIO_TOE_CMD_CAPTURE_START, 7, NULL, what, len);
	do_kick(CTL);
	return reply_of(0)->status;
}

static void capture_commands(void **state)
{
	const struct { struct virtio_toe_capture c; char more[4]; } what = {
		{ .snaplen = 96 }, "" };

	(void)state;
	assert_int_equal(start_capture(&what, sizeof(what.c)), VIRTIO_TOE_S_OK);
	assert_string_equal(seen.last, "capture");
	assert_int_equal(seen.id, 7);
	assert_int_equal(seen.snaplen, 96);
	assert_int_equal(command(VIRTIO_TOE_CMD_CAPTURE_STOP, 7), VIRTIO_TOE_S_OK);
	assert_string_equal(seen.last, "stop");
	/* lengths that are wrong, and the fault */
	strcpy(seen.last, "-");
	assert_int_equal(start_capture(&what, 0), VIRTIO_TOE_S_INVAL);
	assert_int_equal(start_capture(&what, 7), VIRTIO_TOE_S_INVAL);
	assert_int_equal(start_capture(&what, 12), VIRTIO_TOE_S_INVAL);
	fault_arm("capture-refuse", 1, 0);
	assert_int_equal(start_capture(&what, sizeof(what.c)), VIRTIO_TOE_S_UNSUPP);
	assert_string_equal(seen.last, "-");
}

static int setup_without_capture(void **state)
{
	int err;

	capture_bit = 0;
	err = setup(state);
	capture_bit = CAPTURE_BIT;
	return err;
}

static void capture_not_agreed(void **state)
{
	const struct virtio_toe_capture what = { .snaplen = 96 };

	(void)state;
	assert_int_equal(start_capture(&what, sizeof(what)), VIRTIO_TOE_S_UNSUPP);
}

static void post_frame(uint16_t i)
{
	front_set_desc(&front, CAPTURE, i, FRAME(i),
		       sizeof(struct virtio_toe_capture_hdr) + FRAME_LEN, W, 0);
	front_offer(&front, CAPTURE, i);
	do_kick(CAPTURE);
}

static struct device_frame a_frame = {
	.id = 7, .type = VIRTIO_TOE_CAPTURE_SENT, .len = 1514, .caplen = 5,
	.time_ns = 1700000000123456789, .dropped = 3, .data = "frame",
};

static void frames(void **state)
{
	struct virtio_toe_capture_hdr *h = front_ptr(&front, FRAME(0));
	struct device_frame f = a_frame;
	uint32_t head, len;

	(void)state;
	assert_int_equal(device_capture_room(device), -EAGAIN);
	assert_int_equal(device_capture_send(device, &f), -EAGAIN);
	post_frame(0);
	assert_int_equal(seen.capture_ready, 1);
	assert_int_equal(device_capture_room(device), FRAME_LEN);
	f.caplen = FRAME_LEN + 1;
	assert_int_equal(device_capture_send(device, &f), -EINVAL);
	f.caplen = 5;
	assert_int_equal(device_capture_send(device, &f), 0);
	assert_int_equal(device_capture_send(device, &f), -EAGAIN);
	turn();
	assert_true(interrupted(CAPTURE));
	assert_true(front_take(&front, CAPTURE, &head, &len));
	assert_int_equal(len, sizeof(*h) + 5);
	assert_int_equal(h->flow, 7);
	assert_int_equal(h->type, VIRTIO_TOE_CAPTURE_SENT);
	assert_int_equal(h->len, 1514);
	assert_int_equal(h->caplen, 5);
	assert_true(h->time_ns == 1700000000123456789);
	assert_int_equal(h->dropped, 3);
	assert_memory_equal(h + 1, "frame", 5);
	/* The end has no bytes. */
	post_frame(1);
	f = (struct device_frame){ .id = 7, .type = VIRTIO_TOE_CAPTURE_END,
				   .dropped = 4 };
	assert_int_equal(device_capture_send(device, &f), 0);
	assert_true(front_take(&front, CAPTURE, &head, &len));
	assert_int_equal(len, sizeof(*h));
	h = front_ptr(&front, FRAME(1));
	assert_int_equal(h->type, VIRTIO_TOE_CAPTURE_END);
	assert_int_equal(h->dropped, 4);
}

static void unfit_frame_buffer(void **state)
{
	(void)state;
	post_events(1);
	front_set_desc(&front, CAPTURE, 0, FRAME(0),
		       sizeof(struct virtio_toe_capture_hdr), W, 0);
	front_offer(&front, CAPTURE, 0);
	do_kick(CAPTURE);
	assert_int_equal(device_capture_room(device), -EAGAIN);
	assert_int_equal(device_capture_room(device), -EAGAIN);
	turn();
	assert_true(event_is(VIRTIO_TOE_EV_FAILED, 0));
	assert_int_equal(logged, 1);
	/* The other queues are served. */
	assert_int_equal(command(VIRTIO_TOE_CMD_PING, 0), VIRTIO_TOE_S_OK);
}

static void fault_frames(void **state)
{
	struct virtio_toe_capture_hdr *h;
	unsigned int i;

	(void)state;
	fault_arm("capture-absurd-len", 1, 0);
	fault_arm("capture-short-len", 1, 0);
	fault_arm("capture-wrong-type", 1, 0);
	fault_arm("capture-unknown-flow", 1, 0);
	for (i = 0; i < 2; i++) {
		post_frame(i);
		assert_int_equal(device_capture_send(device, &a_frame), 0);
		h = front_ptr(&front, FRAME(i));
		assert_int_equal(h->caplen, i ? 5 : UINT32_MAX);
		assert_int_equal(h->len, i ? 1514 : 1);
		assert_int_equal(h->type, i ? VIRTIO_TOE_CAPTURE_SENT : 99);
		assert_int_equal(h->flow, i ? 7 : 0x80000007);
	}
}

/* A buffer that was looked at goes back to the driver unused. */
static void frame_at_reset(void **state)
{
	(void)state;
	post_frame(0);
	device_capture_room(device);
	stop_queues_paused();
	assert_int_equal(seen.resets, 1);
	assert_int_equal(device_capture_room(device), -EAGAIN);
}

static void events_wait(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < MAX_FLOWS; i++)
		assert_int_equal(device_event(device, VIRTIO_TOE_EV_RETURN,
					      100 + i), 0);
	assert_int_equal(device_event(device, VIRTIO_TOE_EV_RETURN, 1),
			 -EAGAIN);
	turn();
	post_events(3);
	for (i = 0; i < 3; i++)
		assert_true(event_is(VIRTIO_TOE_EV_RETURN, 100 + i));
	assert_false(event_is(VIRTIO_TOE_EV_RETURN, 103));
	post_events(5);
	for (i = 3; i < 8; i++)
		assert_true(event_is(VIRTIO_TOE_EV_RETURN, 100 + i));
}

/* The driver resets the device while commands and messages are out. */
static void reset_with_work(void **state)
{
	struct virtio_toe_reply *r;
	uint32_t head, len;
	struct iovec iov;

	(void)state;
	open_flow(7);
	seen.hold = true;
	offer_command(1, VIRTIO_TOE_CMD_CLOSE, 7, NULL, NULL, 0);
	do_kick(CTL);
	offer_tx(0, 7, 5000, 10, 2);
	do_kick(TX);
	post_rx(0);
	do_kick(RX);
	assert_int_equal(device_rx_peek(device, &iov, 1), 1);
	stop_queues();
	assert_int_equal(seen.resets, 1);
	r = reply_of(1);
	assert_int_equal(r->status, VIRTIO_TOE_S_FAIL);
	assert_true(front_take(&front, TX, &head, &len));
	/* The rx buffer was only looked at. */
	assert_int_equal(front_used(&front, RX)->idx, 0);
	assert_int_equal(device_event(device, VIRTIO_TOE_EV_RETURN, 1),
			 -EAGAIN);
	assert_int_equal(device_rx_peek(device, &iov, 1), -EAGAIN);
	/* Rings are set up anew, from zero: no event about the past. */
	seen.hold = false;
	memset(front.mem[0], 0, 0x10000);
	memset(front.avail, 0, sizeof(front.avail));
	memset(front.used, 0, sizeof(front.used));
	start_queues(0);
	post_events(1);
	assert_false(event_is(VIRTIO_TOE_EV_FAILED, 0));
	open_flow(7);
}

/* The machine was paused: the driver goes on where it was, the flows do not. */
static void paused(void **state)
{
	(void)state;
	open_flow(7);
	post_events(2);
	stop_queues_paused();
	assert_int_equal(seen.resets, 1);
	front.avail[EVENT] = 0;		/* none was used */
	start_queues(1);
	front.avail[EVENT] = 2;
	turn();
	assert_true(event_is(VIRTIO_TOE_EV_FAILED, 0));
	assert_int_equal(command(VIRTIO_TOE_CMD_PING, 0), VIRTIO_TOE_S_OK);
}

static void front_end_gone(void **state)
{
	(void)state;
	open_flow(7);
	seen.hold = true;
	offer_command(1, VIRTIO_TOE_CMD_CLOSE, 7, NULL, NULL, 0);
	do_kick(CTL);
	close(sock);
	turn();
	assert_int_equal(seen.resets, 1);
	/* The next one finds a device like new. */
	seen.hold = false;
	memset(front.mem[0], 0, 0x10000);
	memset(front.avail, 0, sizeof(front.avail));
	memset(front.used, 0, sizeof(front.used));
	connect_front();
	start_queues(0);
	assert_int_equal(command(VIRTIO_TOE_CMD_PING, 0), VIRTIO_TOE_S_OK);
}

static void second_front_end_waits(void **state)
{
	int first = sock;

	(void)state;
	sock = sock_connect(path);
	assert_true(sock >= 0);
	vu_send(1, "", 0);
	close(first);
	turn();
	turn();
	assert_int_equal(vu_reply(1).p.u64 & ~DEVICE_BITS, FEATURES);
}

static void memory_replaced(void **state)
{
	(void)state;
	offer_tx(0, 7, 0, 10, 1);
	do_kick(TX);
	assert_int_equal(vu_mem_table(), 0);
	turn();
	strcpy(front_ptr(&front, GPA1), "still");
	assert_string_equal(seen.tx[0]->iov[0].iov_base, "still");
	device_tx_done(device, seen.tx[0]);
	assert_int_equal(command(VIRTIO_TOE_CMD_PING, 0), VIRTIO_TOE_S_OK);
}

static void reply_ack(void **state)
{
	struct vu_msg m = { .request = 8, .flags = 1 | 8, .size = 8,
			    .p.u32 = { 99, 64 } };

	(void)state;
	assert_int_equal(send(sock, &m, 20, 0), 20);
	turn();
	assert_int_equal(vu_reply(8).p.u64, 1);
	m.request = 3;
	m.size = 0;
	/* byte by byte */
	for (int i = 0; i < 12; i++) {
		assert_int_equal(send(sock, (char *)&m + i, 1, 0), 1);
		turn();
	}
	assert_int_equal(vu_reply(3).p.u64, 0);
}

/* Each of these ends the connection, and nothing else. */
static void hostile_front_ends(void **state)
{
	static const struct {
		uint32_t request, size, p[8];
		int fds;
	} bad[] = {
		{ 1, 8, { 0 }, 0 },			/* payload too much */
		{ 2, 4, { 0 }, 0 },			/* payload too short */
		{ 2, 8, { 0, 0x80000000 }, 0 },		/* feature unknown */
		{ 16, 8, { 0x80000000 }, 0 },
		{ 5, 8, { 1 }, 1 },			/* no region */
		{ 5, 8, { 9 }, 0 },			/* too many regions */
		{ 5, 8, { 0xffffffff }, 0 },
		/* a region without a descriptor; with one too many */
		{ 5, 40, { 1, 0, GPA0, 0, 4096, 0, 4096, 0 }, 0 },
		{ 5, 40, { 1, 0, GPA0, 0, 4096, 0, 4096, 0 }, 2 },
		{ 8, 8, { 4, 64 }, 0 },			/* no such queue */
		{ 8, 8, { 0, 64 }, 0 },			/* while it runs */
		{ 8, 8, { 0, 63 }, 0 },			/* no power of two */
		{ 8, 8, { 0, 1 << 16 }, 0 },
		{ 9, 40, { 0, 0, 1, 2, 3, 4, 5, 6 }, 0 },	/* nowhere */
		{ 9, 40, { 0xffffffff }, 0 },
		{ 10, 8, { 9, 0 }, 0 },
		{ 11, 8, { 0xffffffff, 0 }, 0 },
		{ 12, 8, { 200 }, 1 },
		{ 12, 8, { 0 }, 0 },			/* descriptor missing */
		{ 12, 8, { 0x100 }, 1 },		/* one too many */
		{ 13, 8, { 0 }, 2 },
		{ 13, 8, { 0x1000 }, 1 },
		{ 1, 0, { 0 }, 1 },			/* not expected */
		{ 18, 8, { 77, 1 }, 0 },
		{ 18, 8, { 0, 2 }, 0 },
		{ 21, 0, { 0 }, 0 },
		{ 24, 12, { 0, 64, 0 }, 0 },		/* no room */
		{ 24, 12, { 0, 0xffffffff, 0 }, 0 },
		{ 24, 4, { 0 }, 0 },
		{ 77, 0, { 0 }, 0 },			/* unknown */
		{ 0xffffffff, 0, { 0 }, 0 },
	};
	int fds[4] = { front.memfd[0], front.memfd[1], kick[0], call[0] };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t p[64] = { 0 };

		memcpy(p, bad[i].p, sizeof(bad[i].p));
		assert_int_equal(vu_send_fds(bad[i].request, p, bad[i].size,
					     fds, bad[i].fds), 0);
		if (!vu_disconnected())
			fail_msg("row %u was taken", i);
		close(sock);
		memset(front.mem[0], 0, 0x10000);
		connect_front();
		start_queues(0);
	}
}

static void hostile_headers(void **state)
{
	static const struct vu_msg bad[] = {
		{ .request = 1, .flags = 2 },
		{ .request = 1, .flags = 5 },
		{ .request = 5, .flags = 1, .size = 0xffffffff },
		{ .request = 5, .flags = 1, .size = 281 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(send(sock, &bad[i], 12, MSG_NOSIGNAL), 12);
		assert_true(vu_disconnected());
		close(sock);
		connect_front();
	}
}

static int open_files(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Descriptors that nobody asked for are closed. */
static void no_descriptor_stays(void **state)
{
	int fds[16], i, before;

	(void)state;
	for (i = 0; i < 16; i++)
		fds[i] = kick[0];
	close(sock);
	turn();
	connect_front();
	before = open_files();
	for (i = 1; i < 16; i++) {
		vu_send_fds(1, "", 0, fds, i);
		assert_true(vu_disconnected());
		close(sock);
		connect_front();
	}
	assert_int_equal(open_files(), before);
}

static void call_again(void **state)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	eventfd_t n;

	(void)state;
	vu_u64(13, CTL, fd);
	/* One for what the old one may have missed */
	assert_int_equal(eventfd_read(fd, &n), 0);
	/* The driver wants to hear of the first used entry. */
	assert_int_equal(command(VIRTIO_TOE_CMD_PING, 0), 0);
	assert_int_equal(eventfd_read(fd, &n), 0);
	close(fd);
}

/* Faults and the control socket */

static char answer_text[4096];

static void ask(const char *line)
{
	int fd = sock_connect(control_path);
	ssize_t n;
	char end;

	assert_true(fd >= 0);
	errno = 0;
	assert_int_equal(send(fd, line, strlen(line), 0), strlen(line));
	turn();
	n = recv(fd, answer_text, sizeof(answer_text) - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	answer_text[n] = 0;
	/* One answer, then the end of the connection */
	assert_true(recv(fd, &end, 1, MSG_DONTWAIT) <= 0 && errno != EAGAIN);
	close(fd);
}

static void control_socket(void **state)
{
	char line[600];

	(void)state;
	ask("status\n");
	assert_non_null(strstr(answer_text, "{\"card\":{},\"device\":{\"running\":true,"));
	ask("fault open-late 1 5\n");
	assert_string_equal(answer_text, "{\"ok\":true}\n");
	ask("fault \"no\\ 1\n");
	assert_string_equal(answer_text,
			    "{\"error\":\"no such fault: ?no?\"}\n");
	ask("fault open-late many\n");
	assert_string_equal(answer_text, "{\"error\":\"not a count: many\"}\n");
	ask("fault open-late 1 -1\n");
	assert_non_null(strstr(answer_text, "error"));
	ask("fault open-late\n");
	assert_non_null(strstr(answer_text, "error"));
	ask("status now\n");
	assert_non_null(strstr(answer_text, "error"));
	ask("\n");
	assert_non_null(strstr(answer_text, "error"));
	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = 0;
	ask(line);
	assert_non_null(strstr(answer_text, "too long"));
}

static void fault_late(void **state)
{
	uint32_t head, len;

	(void)state;
	ask("fault open-late 1 20\n");
	assert_int_equal(command(VIRTIO_TOE_CMD_PREPARE, 7), 0);
	offer_command(0, VIRTIO_TOE_CMD_OPEN, 7, &example, NULL, 0);
	do_kick(CTL);
	assert_false(front_take(&front, CTL, &head, &len));
	turn_ms(40);
	assert_int_equal(reply_of(0)->status, VIRTIO_TOE_S_OK);
	assert_int_equal(command(VIRTIO_TOE_CMD_OPEN, 8), 0);
	/* A late answer is not lost, and not given twice, by a reset. */
	ask("fault close-late 1 20\n");
	offer_command(0, VIRTIO_TOE_CMD_CLOSE, 7, NULL, NULL, 0);
	do_kick(CTL);
	assert_false(front_take(&front, CTL, &head, &len));
	vu_state(11, CTL, 0);
	vu_reply(11);
	assert_int_equal(reply_of(0)->status, VIRTIO_TOE_S_FAIL);
	turn_ms(40);
	assert_false(front_take(&front, CTL, &head, &len));
}

static void fault_rx(void **state)
{
	struct virtio_toe_rx_hdr *h = front_ptr(&front, RX_HDR);
	uint32_t head, len;
	uint16_t i;

	(void)state;
	ask("fault rx-wrong-seq 1\n");		/* no flow yet: it waits */
	ask("fault rx-wrong-ack 1\n");
	ask("fault rx-unknown-flow 1\n");	/* no buffer yet */
	assert_false(front_take(&front, RX, &head, &len));
	for (i = 0; i < 6; i++)
		post_rx(i);
	do_kick(RX);
	assert_true(front_take(&front, RX, &head, &len));
	assert_int_not_equal(h->flow, 7);
	assert_false(front_take(&front, RX, &head, &len));
	open_flow(7);
	assert_true(front_take(&front, RX, &head, &len));
	h = front_ptr(&front, RX_HDR + 32 * head);
	assert_int_equal(h->flow, 7);
	assert_int_equal(h->seq, 70000 + 0x40000000);
	assert_int_equal(len, sizeof(*h) + sizeof(struct virtio_toe_info));
	assert_true(front_take(&front, RX, &head, &len));
	h = front_ptr(&front, RX_HDR + 32 * head);
	assert_int_equal(h->type, VIRTIO_TOE_RX_ACK);
	assert_int_equal(h->snd_una, 5000 + 0x40000000);
	ask("fault rx-wrong-info 1\n");
	assert_true(front_take(&front, RX, &head, &len));
	h = front_ptr(&front, RX_HDR + 32 * head);
	assert_int_equal(h->type, VIRTIO_TOE_RX_INFO);
	assert_int_equal(len, sizeof(*h) + sizeof(struct virtio_toe_info));
	ask("fault rx-absurd-len 1\n");
	assert_true(front_take(&front, RX, &head, &len));
	h = front_ptr(&front, RX_HDR + 32 * head);
	assert_int_equal(h->len, 0xffffffff);
	assert_int_equal(len, sizeof(*h) + sizeof(struct virtio_toe_info));
	assert_false(front_take(&front, RX, &head, &len));
}

static void fault_close(void **state)
{
	struct virtio_toe_reply *r;

	(void)state;
	ask("fault close-wrong-seq 1\n");
	seen.answer = &example;
	offer_command(0, VIRTIO_TOE_CMD_CLOSE, 7, NULL, NULL, 0);
	do_kick(CTL);
	r = reply_of(0);
	assert_int_equal(r->state.rcv_nxt, 70000 + 0x40000000);
	assert_int_equal(r->state.snd_nxt, 5000 + 0x40000000);
	assert_int_equal(r->state.snd_una, 1000);
}

/* What was received is seen behind CLOSE's answer, or when the fault is withdrawn. */
static void fault_rx_after_close(void **state)
{
	struct device_rx msg = { .id = 7, .type = VIRTIO_TOE_RX_ACK };
	uint32_t head, len;

	(void)state;
	post_rx(0);
	post_rx(1);
	do_kick(RX);
	interrupted(RX);			/* of the setup */
	ask("fault rx-after-close 1 20\n");
	assert_int_equal(device_rx_send(device, &msg), 0);
	turn();
	assert_int_equal(command(VIRTIO_TOE_CMD_CLOSE, 7), VIRTIO_TOE_S_OK);
	assert_false(front_take(&front, RX, &head, &len));
	assert_false(interrupted(RX));
	turn_ms(40);
	assert_true(front_take(&front, RX, &head, &len));
	assert_true(interrupted(RX));
	ask("fault rx-after-close 1 20\n");
	assert_int_equal(device_rx_send(device, &msg), 0);
	turn();
	assert_false(front_take(&front, RX, &head, &len));
	ask("fault rx-after-close 0\n");
	assert_true(front_take(&front, RX, &head, &len));
}

/* Messages wait for OPEN and a time, or until the fault is withdrawn. */
static void fault_tx_after_open(void **state)
{
	(void)state;
	ask("fault tx-after-open 1 20\n");
	offer_tx(0, 7, 5000, 1000, 1);
	do_kick(TX);
	assert_int_equal(command(VIRTIO_TOE_CMD_PREPARE, 7), 0);
	turn_ms(40);
	assert_int_equal(seen.num_tx, 0);
	assert_int_equal(command(VIRTIO_TOE_CMD_OPEN, 7), 0);
	assert_int_equal(seen.num_tx, 0);
	turn_ms(40);
	assert_int_equal(seen.num_tx, 1);
	ask("fault tx-after-open 1 20\n");
	offer_tx(1, 7, 6000, 1000, 1);
	do_kick(TX);
	assert_int_equal(seen.num_tx, 1);
	ask("fault tx-after-open 0\n");
	turn_ms(10);
	assert_int_equal(seen.num_tx, 2);
}

static void farewell(void **state)
{
	struct device_config cfg = { .socket_path = path, .max_flows = 1 };

	(void)state;
	post_events(1);
	device_free(device);
	assert_true(event_is(VIRTIO_TOE_EV_FAILED, 0));
	assert_true(interrupted(EVENT));
	/* A living process's socket is not replaced. */
	device = device_new(loop, NULL, &cfg);
	assert_non_null(device);
	assert_null(device_new(loop, NULL, &cfg));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(config_space),
		TEST(ping),
		TEST(commands),
		TEST(invalid_commands),
		TEST(late_answers_out_of_order),
		TEST(no_room_for_reply),
		TEST(command_cut_short),
		TEST(transmit),
		TEST(head_and_payload_in_one),
		TEST(credit),
		TEST(malformed_tx),
		TEST(tx_too_long),
		TEST(broken_tx),
		TEST(writable_tx),
		TEST(many_messages),
		TEST(receive),
		TEST(report),
		TEST(rx_too_long),
		TEST(unfit_rx_buffer),
		TEST(capture_commands),
		cmocka_unit_test_setup_teardown(capture_not_agreed,
						setup_without_capture, teardown),
		TEST(frames),
		TEST(unfit_frame_buffer),
		TEST(fault_frames),
		TEST(frame_at_reset),
		TEST(events_wait),
		TEST(reset_with_work),
		TEST(paused),
		TEST(front_end_gone),
		TEST(second_front_end_waits),
		TEST(memory_replaced),
		TEST(reply_ack),
		TEST(hostile_front_ends),
		TEST(hostile_headers),
		TEST(no_descriptor_stays),
		TEST(call_again),
		TEST(control_socket),
		TEST(fault_late),
		TEST(fault_rx),
		TEST(fault_close),
		TEST(fault_rx_after_close),
		TEST(fault_tx_after_open),
		TEST(farewell),
	};

	return cmocka_run_group_tests_name("toecard device", tests, NULL, NULL);
}
