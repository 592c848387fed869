// SPDX-License-Identifier: GPL-2.0-only
/*
 * userspace/toecard/pump.c, room.c: who is read and asked when, and how much may wait,
 * with a device that has few rx buffers. What else a pump needs is not here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "card_internal.h"
#include "device.h"
#include "pump.h"
#include "repair.h"
#include "room.h"
#include "tell.h"
#include "window.h"

#define FLOWS	24
#define BUF	2048u
#define HAS	40		/* buffers that a flow can fill */

static struct card card;
static struct flow flows[FLOWS];
static int peers[FLOWS];
static struct loop_hook hook;
static struct loop_timer tick;	/* nobody waits for a descriptor */
static unsigned int posted;	/* buffers that the device has */
static unsigned int a_round;	/* that come with each round */
static unsigned int left;	/* rounds */
static unsigned int used[FLOWS];
static bool starved;
static unsigned int opened;	/* windows */

/* The device */

int device_rx_peek(struct device *d, struct iovec *iov, int max)
{
	static char buf[BUF];

	(void)d;
	(void)max;
	starved |= !posted;
	if (!posted)
		return -EAGAIN;
	iov->iov_base = buf;
	iov->iov_len = BUF;
	return 1;
}

int device_rx_send(struct device *d, const struct device_rx *msg)
{
	(void)d;
	assert_true(posted);
	assert_int_equal(msg->len, BUF);
	posted--;
	used[msg->id]++;
	return 0;
}

void device_tx_done(struct device *d, struct device_tx *tx)
{
	(void)d;
	(void)tx;
	fail();
}

/* What has nothing to do with it */

void flow_wants_back(struct flow *f, const char *why)
{
	(void)f;
	fail_msg("%s", why);
}

void flow_retry_events(struct card *c)
{
	(void)c;
}

void flow_drain(struct flow *f)
{
	(void)f;
	fail();
}

int repair_info(int fd, struct repair_info *info)
{
	(void)fd;
	(void)info;
	return -ENOTCONN;
}

void repair_measured(int fd)
{
	(void)fd;
}

void repair_probe(int fd)
{
	(void)fd;
}

void tell_soon(struct flow *f)
{
	(void)f;
}

void tell_leave(struct flow *f)
{
	(void)f;
}

void window_open(struct flow *f)
{
	(void)f;
	opened++;
}

void window_again(struct flow *f)
{
	(void)f;
	fail();
}

static void ticked(struct loop_timer *lt)
{
	(void)lt;
}

/* The end of a round, as device.c has it */
static void round_ends(struct loop_hook *lh)
{
	(void)lh;
	if (!--left)
		loop_stop(card.loop);
	loop_timer_arm(card.loop, &tick, 0);
	posted += a_round;
	if (!starved || !posted)
		return;
	starved = false;
	pump_rx_ready(&card);
}

static int setup(void **state)
{
	(void)state;
	memset(&card, 0, sizeof(card));
	memset(&tick, 0, sizeof(tick));
	memset(flows, 0, sizeof(flows));
	memset(used, 0, sizeof(used));
	posted = 0;
	starved = false;
	card.loop = loop_new();
	if (!card.loop)
		return -1;
	pump_init(&card);
	hook.round = round_ends;
	loop_on_round(card.loop, &hook);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pump_exit(&card);
	loop_timer_disarm(card.loop, &tick);
	loop_free(card.loop);
	return 0;
}

static void begin(unsigned int n)
{
	char data[HAS * BUF] = {};
	struct flow *f;
	int fds[2];

	for (unsigned int i = 0; i < n; i++) {
		f = &flows[i];
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
		assert_int_equal(write(fds[0], data, sizeof(data)), sizeof(data));
		peers[i] = fds[0];
		f->card = &card;
		f->id = i;
		f->state = FLOW_RUNNING;
		f->lf.fd = fds[1];
		f->tx_tail = &f->tx;
		f->snd_wnd = 65535;
		f->rcv_edge = 1u << 30;
		list_init(&f->starved);
		list_init(&f->busy);
		list_init(&f->narrow);
		list_init(&f->untold);
		assert_int_equal(pump_start(f), 0);
	}
}

static void end(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		pump_stop(&flows[i]);
		close(flows[i].lf.fd);
		close(peers[i]);
	}
	assert_int_equal(card.num_starved, 0);
}

static void rounds(unsigned int n)
{
	left = n;
	tick.expired = ticked;
	loop_timer_arm(card.loop, &tick, 0);
	assert_int_equal(loop_run(card.loop), 0);
}

/* However many buffers come at once, none has one more than another. */
static void test_few_buffers(void **state)
{
	unsigned int least, most, sum;

	(void)state;
	for (a_round = 1; a_round <= 2 * FLOWS; a_round += 5) {
		memset(flows, 0, sizeof(flows));
		memset(used, 0, sizeof(used));
		begin(FLOWS);
		posted = 0;
		rounds(FLOWS * HAS / 2 / a_round);
		least = HAS;
		most = 0;
		sum = 0;
		for (unsigned int i = 0; i < FLOWS; i++) {
			least = used[i] < least ? used[i] : least;
			most = used[i] > most ? used[i] : most;
			sum += used[i];
		}
		assert_true(sum + 2 * a_round >= FLOWS * HAS / 2);
		/* and a turn when nobody waited yet */
		assert_true(most - least <= 3);
		end(FLOWS);
	}
}

/* Who comes while others wait comes behind them. */
static void test_no_overtaking(void **state)
{
	(void)state;
	begin(2);
	a_round = 0;
	posted = 1;
	rounds(2);
	assert_int_equal(used[0] + used[1], 1);
	assert_int_equal(card.num_starved, 2);
	memset(used, 0, sizeof(used));
	for (unsigned int n = 1; n <= 8; n++) {
		posted = 2;
		pump_rx_ready(&card);
		assert_int_equal(used[0], n);
		assert_int_equal(used[1], n);
	}
	end(2);
}

/* Alone it has a long turn. */
static void test_alone(void **state)
{
	(void)state;
	begin(1);
	a_round = 0;
	posted = HAS;
	rounds(1);
	assert_int_equal(used[0], 16);
	rounds(2);
	assert_int_equal(used[0], HAS);
	end(1);
}

/* Those that wait share the room; a credit that is smaller holds. */
static void test_room(void **state)
{
	struct flow *f = flows;

	(void)state;
	room_init(&card);
	assert_true(card.room >= 1 << 20);
	card.room = 1 << 20;
	f->card = &card;
	f->rcv_nxt = 0xfffffff0;
	f->rcv_edge = f->rcv_nxt + (1 << 20);
	assert_int_equal(room_edge(f), f->rcv_edge);
	card.num_starved = 3;
	assert_int_equal(room_edge(f) - f->rcv_nxt, 256 << 10);
	card.num_starved = 1000;
	assert_int_equal(room_edge(f) - f->rcv_nxt, 64 << 10);
	f->rcv_edge = f->rcv_nxt + 1000;
	assert_int_equal(room_edge(f), f->rcv_edge);
	f->rcv_edge = f->rcv_nxt - 1000;
	assert_int_equal(room_edge(f), f->rcv_edge);
}

/* What was taken of it makes room: the peer is told, and only then. */
static void test_curbed(void **state)
{
	(void)state;
	begin(1);
	a_round = 0;
	posted = 1;
	opened = 0;
	rounds(1);
	assert_int_equal(opened, 0);
	flows[0].curbed = true;
	posted = 1;
	pump_rx_ready(&card);
	assert_int_equal(opened, 1);
	end(1);
}

/* In how many microseconds, at most, a flow's acknowledgements are asked for */
static uint64_t asked_in_us(uint32_t snd_wnd, uint32_t out, uint32_t srtt_us)
{
	struct flow *f = flows;
	uint64_t now, us;

	memset(flows, 0, sizeof(flows));
	begin(1);
	f->snd_wnd = snd_wnd;
	f->srtt_us = srtt_us;
	f->tx_next = f->snd_una + out;
	now = loop_now_ns();
	pump_send(f);
	assert_int_equal(card.num_busy, 1);
	us = (card.poll.due_ns - now) / 1000;
	end(1);
	return us;
}

/* Whose window is small and half used is asked often, so that the host goes on. */
static void test_tight(void **state)
{
	(void)state;
	assert_in_range(asked_in_us(65535, 40000, 100), 100, 400);
	assert_true(asked_in_us(65535, 30000, 100) >= 500);	/* there is room */
	assert_true(asked_in_us(1 << 20, 1 << 20, 100) >= 500);	/* wide */
	assert_true(asked_in_us(65535, 40000, 50000) >= 500);	/* far away */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_few_buffers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_overtaking, setup, teardown),
		cmocka_unit_test_setup_teardown(test_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_curbed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tight, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
