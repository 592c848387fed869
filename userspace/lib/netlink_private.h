/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the client's files share.
 */
#ifndef _TOE_LIB_NETLINK_PRIVATE_H
#define _TOE_LIB_NETLINK_PRIVATE_H

#include <sys/types.h>
#include <libmnl/libmnl.h>
#include "msg.h"
#include "netlink.h"

#define REPLY_LEN	(32 << 10)	/* the kernel's largest dump buffer */

/**
 * struct toe_nl - a connection to the module
 * @sock: the socket
 * @family: number of the module's family, which is new with each load
 * @group: number of its group of events
 * @seq: of the last request
 * @reply: the answer to it
 * @capture: what a connection that captures does with what it gets, or NULL
 * @capture_data: passed to it
 * @buf: what recvmsg() brought last
 */
struct toe_nl {
	struct mnl_socket *sock;
	uint16_t family;
	uint32_t group;
	uint32_t seq;
	struct toe_reply reply;
	const struct toe_capture_ops *capture;
	void *capture_data;
	char buf[REPLY_LEN] __attribute__((aligned(8)));
};

/**
 * toe_nl_receive() - wait for a message and read it into the buffer
 * @nl: the connection
 *
 * Return: its length or a negative errno.
 */
ssize_t toe_nl_receive(struct toe_nl *nl);

/**
 * toe_nl_receive_now() - read a message into the buffer if there is one
 * @nl: the connection
 *
 * Return: its length or a negative errno; -EAGAIN when there is none.
 */
ssize_t toe_nl_receive_now(struct toe_nl *nl);

/**
 * toe_nl_set_rcvbuf() - give a connection room for what it does not read at once
 * @nl: the connection
 * @size: bytes; without privilege it may be less
 */
void toe_nl_set_rcvbuf(struct toe_nl *nl, int size);

/**
 * toe_nl_join_control() - hear of families that come and go
 * @nl: the connection
 *
 * Return: 0 or a negative errno.
 */
int toe_nl_join_control(struct toe_nl *nl);

/**
 * toe_nl_check_family() - was the module unloaded?
 * @nlh: a message of the group that toe_nl_join_control() joins
 * @nl: the connection
 *
 * Return: 0, or -ENODEV when the message says so.
 */
int toe_nl_check_family(const struct nlmsghdr *nlh, const struct toe_nl *nl);

/**
 * toe_nl_captured() - read what the buffer brought unasked
 * @nl: a connection that captures
 * @len: bytes in its buffer
 *
 * Return: 0, -EBADMSG, -ENODEV when the module was unloaded, or what one of
 * the connection's functions returned.
 */
int toe_nl_captured(struct toe_nl *nl, size_t len);

/**
 * toe_nl_capture_ask() - TOE_CMD_CAPTURE_START
 * @nl: the connection, @nl->capture set
 * @key: the flow
 * @snaplen: most bytes of a frame
 * @flow: the flow, as the module answers
 *
 * Return: 0 or a negative errno.
 */
int toe_nl_capture_ask(struct toe_nl *nl, const struct toe_flow_key *key,
		       uint32_t snaplen, struct toe_flow *flow);

/**
 * toe_nl_capture_end() - TOE_CMD_CAPTURE_STOP
 * @nl: the connection
 * @totals: frames and drops
 *
 * Return: 0 or a negative errno; -EAGAIN when the answer was lost.
 */
int toe_nl_capture_end(struct toe_nl *nl, struct toe_capture *totals);

#endif /* _TOE_LIB_NETLINK_PRIVATE_H */
