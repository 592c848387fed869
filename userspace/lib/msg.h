/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What arrives from a netlink socket, message by message.
 */
#ifndef _TOE_LIB_MSG_H
#define _TOE_LIB_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/netlink.h>

#define TOE_ERROR_LEN 256	/* the kernel's extack text */

/* Called for each message of data. Return: 0, or a negative errno to stop. */
typedef int (*toe_msg_fn)(const struct nlmsghdr *nlh, void *data);

/**
 * struct toe_reply - the answer to one request, as far as it has come
 * @seq: the request's sequence number; messages with another one are left over
 *	from an earlier request and are passed over
 * @done: nothing more will come
 * @interrupted: the kernel's table changed under the dump
 * @error: 0, or the negative errno the kernel answered
 * @text: the kernel's extack text, or empty
 */
struct toe_reply {
	uint32_t seq;
	bool done;
	bool interrupted;
	int error;
	char text[TOE_ERROR_LEN];
};

/**
 * toe_reply_read() - read what one recvmsg() brought of an answer
 * @reply: the answer
 * @buf: the bytes, aligned for struct nlmsghdr
 * @len: their number
 * @fn: called for each message of data
 * @data: passed to @fn
 *
 * Return: 0, -EBADMSG, or what @fn returned.
 */
int toe_reply_read(struct toe_reply *reply, const void *buf, size_t len,
		   toe_msg_fn fn, void *data);

/**
 * toe_events_read() - read what one recvmsg() brought of multicast messages
 * @buf: the bytes, aligned for struct nlmsghdr
 * @len: their number
 * @fn: called for each message of data
 * @data: passed to @fn
 *
 * Return: 0, -EBADMSG, or what @fn returned.
 */
int toe_events_read(const void *buf, size_t len, toe_msg_fn fn, void *data);

#endif /* _TOE_LIB_MSG_H */
