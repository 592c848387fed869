/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands that go on until somebody ends them: by a signal, or by closing what
 * they write to. Both are the usual end, and no failure.
 */
#ifndef _AWAIT_H
#define _AWAIT_H

#include "toectl.h"

enum await {
	AWAIT_TIME,	/* nothing happened for so long */
	AWAIT_INPUT,	/* the descriptor is readable, or closed at its other end */
	AWAIT_SIGNAL,	/* one of those given to await_begin() */
	AWAIT_END,	/* a signal to end, or nobody reads any more */
	AWAIT_ERROR,	/* it was said */
};

/**
 * await_begin() - from now on signals are awaited
 * @ctl: the invocation
 * @more: signals beside SIGINT, SIGTERM, SIGHUP and SIGQUIT, ended by 0; or NULL
 *
 * SIGPIPE is ignored: writing fails with EPIPE.
 *
 * Return: EXIT_*.
 */
int await_begin(const struct ctl *ctl, const int *more);

/**
 * await() - wait
 * @ctl: the invocation
 * @fd: a descriptor to be read from, or -1
 * @timeout_ms: milliseconds; -1: for ever
 * @signal: the result for AWAIT_SIGNAL; NULL when none was given
 */
enum await await(const struct ctl *ctl, int fd, int timeout_ms, int *signal);

/**
 * await_flush() - write out what was printed
 * @ctl: the invocation
 *
 * Return: AWAIT_TIME when it is written, AWAIT_END when nobody reads any more, or
 * AWAIT_ERROR.
 */
enum await await_flush(const struct ctl *ctl);

/**
 * await_status() - the exit status of a command that has come to its end
 * @end: AWAIT_END or AWAIT_ERROR
 */
int await_status(enum await end);

#endif /* _AWAIT_H */
