// SPDX-License-Identifier: GPL-2.0-only
/* userspace/toecard/loop.c: timers by the thousand, descriptors, hooks. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "loop.h"

#define TIMERS	5000

struct item {
	struct loop_timer lt;
	uint64_t want;		/* 0: must not expire */
	int expired;
};

static struct loop *loop;
static struct item items[TIMERS];
static uint64_t last_due;
static int left;

static int setup(void **state)
{
	(void)state;
	loop = loop_new();
	memset(items, 0, sizeof(items));
	last_due = 0;
	left = 0;
	return !loop;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

static void item_expired(struct loop_timer *lt)
{
	struct item *it = (struct item *)lt;

	assert_true(it->want);
	assert_int_equal(lt->due_ns, 0);
	assert_true(loop_now_ns() >= it->want);
	assert_true(it->want >= last_due);
	last_due = it->want;
	it->expired++;
	if (!--left)
		loop_stop(loop);
}

/* Armed, re-armed and disarmed at random; the rest expires in order. */
static void many_timers(void **state)
{
	int i, k;

	(void)state;
	srandom(1);
	for (k = 0; k < 4 * TIMERS; k++) {
		i = random() % TIMERS;
		items[i].lt.expired = item_expired;
		left -= items[i].want != 0;
		if (random() % 4) {
			loop_timer_arm(loop, &items[i].lt,
				       random() % 30000000 + 20000000);
			items[i].want = items[i].lt.due_ns;
			left++;
		} else {
			loop_timer_disarm(loop, &items[i].lt);
			items[i].want = 0;
		}
	}
	assert_int_equal(loop_run(loop), 0);
	for (i = 0; i < TIMERS; i++)
		assert_int_equal(items[i].expired, items[i].want != 0);
}

static void fine_timer(void **state)
{
	uint64_t start = loop_now_ns(), took;

	(void)state;
	items[0].lt.expired = item_expired;
	loop_timer_arm(loop, &items[0].lt, 300000);
	items[0].want = items[0].lt.due_ns;
	left = 1;
	assert_int_equal(loop_run(loop), 0);
	took = loop_now_ns() - start;
	assert_true(took >= 300000);
	/* Generous for a busy machine; a timeout in whole milliseconds that
	 * is rounded down would spin, rounded up would sleep 1 ms or more.
	 */
	assert_true(took < 50000000);
}

static struct loop_fd fds[2];
static int ready[2], rounds;
static bool drop_other;

static void fd_ready(struct loop_fd *lf, uint32_t events)
{
	int i = lf - fds;

	(void)events;
	ready[i]++;
	if (drop_other)
		loop_del(loop, &fds[!i]);
	loop_stop(loop);
}

static void open_fds(void)
{
	int i;

	ready[0] = 0;
	ready[1] = 0;
	for (i = 0; i < 2; i++) {
		fds[i].fd = eventfd(1, EFD_NONBLOCK);
		fds[i].ready = fd_ready;
		assert_int_equal(loop_add(loop, &fds[i], EPOLLIN), 0);
	}
}

static void close_fds(void)
{
	close(fds[0].fd);
	close(fds[1].fd);
}

static void both_ready(void **state)
{
	(void)state;
	open_fds();
	drop_other = false;
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(ready[0] + ready[1], 2);
	close_fds();
}

/* The event of the other was fetched, but its owner is gone. */
static void deleted_while_fetched(void **state)
{
	(void)state;
	open_fds();
	drop_other = true;
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(ready[0] + ready[1], 1);
	close_fds();
}

static struct item again, stop;

static void again_expired(struct loop_timer *lt)
{
	again.expired++;
	loop_timer_arm(loop, lt, 0);
}

static void hook(struct loop_hook *lh)
{
	(void)lh;
	rounds++;
}

static void stop_expired(struct loop_timer *lt)
{
	(void)lt;
	loop_stop(loop);
}

/* A timer that arms itself with 0 gets one turn a round. */
static void rounds_go_on(void **state)
{
	struct loop_hook lh = { .round = hook };

	(void)state;
	rounds = 0;
	memset(&again, 0, sizeof(again));
	memset(&stop, 0, sizeof(stop));
	again.lt.expired = again_expired;
	stop.lt.expired = stop_expired;
	loop_on_round(loop, &lh);
	loop_timer_arm(loop, &again.lt, 0);
	loop_timer_arm(loop, &stop.lt, 5000000);
	assert_int_equal(loop_run(loop), 0);
	assert_true(rounds > 10);
	assert_true(again.expired <= rounds);
	loop_off_round(loop, &lh);
	loop_timer_arm(loop, &stop.lt, 0);
	rounds = 0;
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(rounds, 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(many_timers),
		TEST(fine_timer),
		TEST(both_ready),
		TEST(deleted_while_fetched),
		TEST(rounds_go_on),
	};

	return cmocka_run_group_tests_name("toecard loop", tests, NULL, NULL);
}
