// SPDX-License-Identifier: GPL-2.0-only
/*
 * The event loop. A round: wait for descriptors or for the nearest timer, call
 * what is ready, call what is due, call the hooks.
 *
 * Timers are a pairing heap through the timers themselves: arming costs O(1)
 * and can't fail, taking the nearest or disarming any costs O(log n) amortised.
 * A flow that re-arms its timer with every segment among thousands of flows is
 * the case that counts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "loop.h"

#define LOOP_EVENTS	64

struct loop {
	int epfd;
	bool stop;
	struct loop_timer *timers;	/* the heap's root: the nearest */
	struct loop_hook *hooks;
	uint64_t round_ns;		/* when the current round's timers ran */
	struct epoll_event ev[LOOP_EVENTS];
	int next_ev, num_ev;		/* fetched, not yet called */
};

uint64_t loop_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

struct loop *loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epfd < 0) {
		free(l);
		return NULL;
	}
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	close(l->epfd);
	free(l);
}

static int loop_ctl(struct loop *l, int op, struct loop_fd *lf, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = lf };

	return epoll_ctl(l->epfd, op, lf->fd, &ev) < 0 ? -errno : 0;
}

int loop_add(struct loop *l, struct loop_fd *lf, uint32_t events)
{
	return loop_ctl(l, EPOLL_CTL_ADD, lf, events);
}

int loop_mod(struct loop *l, struct loop_fd *lf, uint32_t events)
{
	return loop_ctl(l, EPOLL_CTL_MOD, lf, events);
}

void loop_del(struct loop *l, struct loop_fd *lf)
{
	int i;

	loop_ctl(l, EPOLL_CTL_DEL, lf, 0);
	/* This round may have fetched an event for it already. */
	for (i = l->next_ev; i < l->num_ev; i++)
		if (l->ev[i].data.ptr == lf)
			l->ev[i].data.ptr = NULL;
}

unsigned int loop_ready(const struct loop *l)
{
	return l->num_ev > 1 ? (unsigned int)l->num_ev : 1;
}

/* Joins two heaps; both roots stand alone. ->prev of a first child is its
 * parent, of another child its elder sibling.
 */
static struct loop_timer *heap_join(struct loop_timer *a, struct loop_timer *b)
{
	struct loop_timer *t;

	if (!a)
		return b;
	if (!b)
		return a;
	if (b->due_ns < a->due_ns) {
		t = a;
		a = b;
		b = t;
	}
	b->prev = a;
	b->next = a->child;
	if (b->next)
		b->next->prev = b;
	a->child = b;
	return a;
}

/* Makes one heap of a list of siblings: in pairs from the left, then the pairs
 * from the right. The pairs wait in a list through ->next.
 */
static struct loop_timer *heap_join_all(struct loop_timer *list)
{
	struct loop_timer *pairs = NULL, *root = NULL, *a, *b;

	while (list) {
		a = list;
		b = a->next;
		list = b ? b->next : NULL;
		a->next = NULL;
		a->prev = NULL;
		if (b) {
			b->next = NULL;
			b->prev = NULL;
		}
		a = heap_join(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		a = pairs;
		pairs = a->next;
		a->next = NULL;
		root = heap_join(root, a);
	}
	return root;
}

static void heap_remove(struct loop *l, struct loop_timer *lt)
{
	struct loop_timer *sub = heap_join_all(lt->child);

	if (lt == l->timers) {
		l->timers = sub;
	} else {
		if (lt->prev->child == lt)
			lt->prev->child = lt->next;
		else
			lt->prev->next = lt->next;
		if (lt->next)
			lt->next->prev = lt->prev;
		l->timers = heap_join(l->timers, sub);
	}
	lt->child = NULL;
	lt->next = NULL;
	lt->prev = NULL;
}

void loop_timer_disarm(struct loop *l, struct loop_timer *lt)
{
	if (!lt->due_ns)
		return;
	heap_remove(l, lt);
	lt->due_ns = 0;
}

void loop_timer_arm(struct loop *l, struct loop_timer *lt, uint64_t ns)
{
	loop_timer_disarm(l, lt);
	lt->due_ns = loop_now_ns() + ns;
	/* Never in the round that arms it: a timer that arms itself with 0
	 * must not keep descriptors from their turn.
	 */
	if (lt->due_ns <= l->round_ns)
		lt->due_ns = l->round_ns + 1;
	l->timers = heap_join(l->timers, lt);
}

void loop_on_round(struct loop *l, struct loop_hook *lh)
{
	lh->next = l->hooks;
	l->hooks = lh;
}

void loop_off_round(struct loop *l, struct loop_hook *lh)
{
	struct loop_hook **p;

	for (p = &l->hooks; *p; p = &(*p)->next) {
		if (*p == lh) {
			*p = lh->next;
			return;
		}
	}
}

static int loop_wait(struct loop *l)
{
	struct timespec ts = { 0 }, *timeout = NULL;
	uint64_t now;

	if (l->timers) {
		now = loop_now_ns();
		if (l->timers->due_ns > now) {
			ts.tv_sec = (l->timers->due_ns - now) / 1000000000;
			ts.tv_nsec = (l->timers->due_ns - now) % 1000000000;
		}
		timeout = &ts;
	}
	l->next_ev = 0;
	l->num_ev = epoll_pwait2(l->epfd, l->ev, LOOP_EVENTS, timeout, NULL);
	if (l->num_ev < 0) {
		l->num_ev = 0;
		return errno == EINTR ? 0 : -errno;
	}
	return 0;
}

static void loop_run_fds(struct loop *l)
{
	struct epoll_event *ev;
	struct loop_fd *lf;

	while (l->next_ev < l->num_ev) {
		ev = &l->ev[l->next_ev++];
		lf = ev->data.ptr;
		if (lf)
			lf->ready(lf, ev->events);
	}
}

static void loop_run_timers(struct loop *l)
{
	struct loop_timer *lt;

	l->round_ns = loop_now_ns();
	while ((lt = l->timers) && lt->due_ns <= l->round_ns) {
		loop_timer_disarm(l, lt);
		lt->expired(lt);
	}
}

int loop_run(struct loop *l)
{
	struct loop_hook *lh;
	int err;

	l->stop = false;
	while (!l->stop) {
		err = loop_wait(l);
		if (err)
			return err;
		loop_run_fds(l);
		loop_run_timers(l);
		for (lh = l->hooks; lh; lh = lh->next)
			lh->round(lh);
	}
	return 0;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}
