/* SPDX-License-Identifier: GPL-2.0-only */
/* The name by which the module knows a socket's connection */
#ifndef _TUPLE_H
#define _TUPLE_H

#include <linux/toe.h>

/* Return: 0 or a negative errno; -ENOTCONN when @fd is negative. */
int socket_tuple(int fd, struct toe_tuple *t);

#endif /* _TUPLE_H */
