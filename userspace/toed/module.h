/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is the module there? The kernel announces when its netlink family comes and
 * goes, so nothing is polled. An announcement says no more than "look again": what
 * is lost or late does no harm.
 */
#ifndef TOED_MODULE_H
#define TOED_MODULE_H

#include <stdbool.h>

#include "loop.h"
#include "netlink.h"

struct mnl_socket;

/**
 * struct module - the connection to it
 * @source: where the announcements come; who embeds this sets @source.ready, which
 *	is to call module_look()
 * @sock: the same, libmnl's
 * @nl: the connection, or NULL: it is not there
 */
struct module {
	struct loop_source source;
	struct mnl_socket *sock;
	struct toe_nl *nl;
};

/**
 * module_open() - listen for announcements, and connect if it is there
 * Return: 0 or a negative errno. That it is not there is no error.
 */
int module_open(struct module *m);

/**
 * module_look() - read the announcements; when one was about it, connect anew
 * @m: the connection
 * @changed: the result: @m->nl is not what it was
 *
 * Return: 0 or a negative errno. That it is not there is no error.
 */
int module_look(struct module *m, bool *changed);

/**
 * module_reconnect() - after an error: close, and connect if it is there
 * Return: as module_open().
 */
int module_reconnect(struct module *m);

#endif
