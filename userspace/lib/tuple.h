/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection's name as text: ADDRESS:PORT twice, IPv6 addresses in brackets.
 */
#ifndef _TOE_LIB_TUPLE_H
#define _TOE_LIB_TUPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/toe.h>

#define TOE_ENDPOINT_LEN	56	/* room for "[IPv6]:port" */

/**
 * toe_tuple_parse() - read a connection's name
 * @tuple: the result
 * @local: the host's end, ADDRESS:PORT
 * @remote: the peer's end, ADDRESS:PORT
 * @bad: what is wrong and where: the word that could not be read, or @remote
 *	when the two belong to different address families
 *
 * IPv4-mapped IPv6 addresses become IPv4, as they are on the wire.
 *
 * Return: 0, or -EINVAL for a word that is no endpoint, or -EAFNOSUPPORT for
 * two endpoints that cannot be connected.
 */
int toe_tuple_parse(struct toe_tuple *tuple, const char *local,
		    const char *remote, const char **bad);

/**
 * toe_tuple_local() - write the host's end as ADDRESS:PORT
 * @tuple: the connection
 * @buf: where to
 * @len: its size, TOE_ENDPOINT_LEN is always enough
 *
 * Return: @buf.
 */
const char *toe_tuple_local(const struct toe_tuple *tuple, char *buf, size_t len);

/**
 * toe_tuple_remote() - write the peer's end as ADDRESS:PORT
 * @tuple: the connection
 * @buf: where to
 * @len: its size, TOE_ENDPOINT_LEN is always enough
 *
 * Return: @buf.
 */
const char *toe_tuple_remote(const struct toe_tuple *tuple, char *buf, size_t len);

/**
 * toe_tuple_addr() - write one address alone
 * @tuple: the connection
 * @remote: the peer's, not the host's
 * @buf: where to
 * @len: its size, TOE_ENDPOINT_LEN is always enough
 *
 * Return: @buf.
 */
const char *toe_tuple_addr(const struct toe_tuple *tuple, bool remote,
			   char *buf, size_t len);

#endif /* _TOE_LIB_TUPLE_H */
