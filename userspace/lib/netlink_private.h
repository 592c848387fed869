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
 * @buf: what recvmsg() brought last
 */
struct toe_nl {
	struct mnl_socket *sock;
	uint16_t family;
	uint32_t group;
	uint32_t seq;
	struct toe_reply reply;
	char buf[REPLY_LEN] __attribute__((aligned(8)));
};

/**
 * toe_nl_receive() - wait for a message and read it into the buffer
 * @nl: the connection
 *
 * Return: its length or a negative errno.
 */
ssize_t toe_nl_receive(struct toe_nl *nl);

#endif /* _TOE_LIB_NETLINK_PRIVATE_H */
