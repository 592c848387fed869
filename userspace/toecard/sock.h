/* SPDX-License-Identifier: GPL-2.0-only */
/* Unix stream sockets by path. */
#ifndef TOECARD_SOCK_H
#define TOECARD_SOCK_H

/* A non-blocking listening socket, for this user alone. A socket that a dead
 * process left at path is replaced, anything else is not. fd or -errno.
 */
int sock_listen(const char *path);
/* A blocking connection; fd or -errno. */
int sock_connect(const char *path);

#endif
