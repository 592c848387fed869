/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event loop: descriptors that become readable, signals among them, and one
 * thread that answers. What watches something else beside the flows adds a
 * descriptor here.
 */
#ifndef TOED_LOOP_H
#define TOED_LOOP_H

struct loop_source;

/* Return: 0, or a negative errno, or what loop_run() is to return: ends it. */
typedef int (*loop_fn)(struct loop_source *source);

/**
 * struct loop_source - a descriptor; embedded in its owner's structure
 * @fd: the descriptor
 * @ready: called when it is readable
 */
struct loop_source {
	int fd;
	loop_fn ready;
};

/* Another answer than an errno: it was asked to end */
#define LOOP_END	1

/**
 * loop_open() - the epoll instance
 * Return: it, or a negative errno.
 */
int loop_open(void);

/**
 * loop_add() - have a descriptor watched
 * @epoll: the loop
 * @source: lives as long as the loop
 *
 * Return: 0 or a negative errno.
 */
int loop_add(int epoll, struct loop_source *source);

/**
 * loop_run() - until a source ends it
 * @epoll: the loop
 *
 * Return: LOOP_END or a negative errno.
 */
int loop_run(int epoll);

#endif
