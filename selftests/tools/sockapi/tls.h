/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kTLS with one key for both directions: what was sent can be sent back as it is, and
 * be read.
 */
#ifndef SOCKAPI_TLS_H
#define SOCKAPI_TLS_H

/* Switches it on in both directions. Returns 0 or an errno. */
int tls_both(int fd);

#endif
