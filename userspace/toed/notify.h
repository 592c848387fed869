/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a service manager is told, sd_notify(3): datagrams to $NOTIFY_SOCKET.
 */
#ifndef TOED_NOTIFY_H
#define TOED_NOTIFY_H

/**
 * notify_open() - take the socket's name out of the environment
 */
void notify_open(void);

/**
 * notify() - tell it
 * @fmt: assignments, a line each
 *
 * Without a service manager nothing happens, and who does not listen is not
 * waited for.
 */
void notify(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* It is being changed; READY=1 has to follow. */
void notify_reloading(void);

#endif
