/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event loop: one thread, epoll, and timers. Every call-back of the card
 * runs in it, so nothing in toecard needs a lock.
 */
#ifndef TOECARD_LOOP_H
#define TOECARD_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* What the loop calls for a descriptor. Embedded in its owner's structure. */
struct loop_fd {
	int fd;
	void (*ready)(struct loop_fd *lf, uint32_t events);
};

/* A one-shot timer. Embedded in its owner's structure; zero it before use. */
struct loop_timer {
	void (*expired)(struct loop_timer *lt);
	uint64_t due_ns;	/* CLOCK_MONOTONIC, 0: not armed */
	struct loop_timer *child, *next, *prev;	/* loop.c's heap */
};

/* What the loop calls at the end of every round, when all descriptors and
 * timers that were due had their turn. Embedded in its owner's structure.
 */
struct loop_hook {
	void (*round)(struct loop_hook *lh);
	struct loop_hook *next;
};

struct loop *loop_new(void);
void loop_free(struct loop *l);

/* events as for epoll_ctl(2); 0 or -errno */
int loop_add(struct loop *l, struct loop_fd *lf, uint32_t events);
int loop_mod(struct loop *l, struct loop_fd *lf, uint32_t events);
/* After it returns, lf->ready is not called any more, also not for events
 * already fetched: the owner may free it at once.
 */
void loop_del(struct loop *l, struct loop_fd *lf);

/* How many descriptors this round has found ready, at least 1 */
unsigned int loop_ready(const struct loop *l);

/* Arms (again) to expire in ns nanoseconds; disarm may be called at any time */
void loop_timer_arm(struct loop *l, struct loop_timer *lt, uint64_t ns);
void loop_timer_disarm(struct loop *l, struct loop_timer *lt);

/* A hook may do work that arms timers, but must not remove another hook. */
void loop_on_round(struct loop *l, struct loop_hook *lh);
void loop_off_round(struct loop *l, struct loop_hook *lh);

/* Runs until loop_stop(); 0 or -errno. May be called again afterwards. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* CLOCK_MONOTONIC */
uint64_t loop_now_ns(void);

#endif
