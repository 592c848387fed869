// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread of its own, for the work is one long call.
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include "toectl.h"

#define PATIENCE 2	/* seconds */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t done;
	pthread_t thread;
	bool running;
	bool ended;	/* under @lock */
	bool shown;	/* under @lock */
	const char *what;
} progress = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
};

static void *show_progress(void *unused)
{
	struct timespec next;
	int seconds = PATIENCE;

	(void)unused;
	clock_gettime(CLOCK_MONOTONIC, &next);
	next.tv_sec += PATIENCE;
	pthread_mutex_lock(&progress.lock);
	while (!progress.ended) {
		if (!pthread_cond_timedwait(&progress.done, &progress.lock, &next))
			continue;
		fprintf(stderr, "\r%s: %d s ", progress.what, seconds++);
		progress.shown = true;
		next.tv_sec++;
	}
	pthread_mutex_unlock(&progress.lock);
	return NULL;
}

void progress_begin(const char *what)
{
	pthread_condattr_t attr;

	if (!isatty(STDERR_FILENO))
		return;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&progress.done, &attr);
	pthread_condattr_destroy(&attr);
	progress.what = what;
	progress.ended = false;
	progress.running = !pthread_create(&progress.thread, NULL, show_progress, NULL);
}

void progress_clear(void)
{
	pthread_mutex_lock(&progress.lock);
	if (progress.shown)
		fputs("\r\033[K", stderr);
	progress.shown = false;
	pthread_mutex_unlock(&progress.lock);
}

void progress_end(void)
{
	if (!progress.running)
		return;
	pthread_mutex_lock(&progress.lock);
	progress.ended = true;
	pthread_cond_signal(&progress.done);
	pthread_mutex_unlock(&progress.lock);
	pthread_join(progress.thread, NULL);
	progress.running = false;
	progress_clear();
}
