// SPDX-License-Identifier: GPL-2.0-only
/*
 * The client's other half: a connection that listens.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include "netlink_private.h"

#define EVENT_RCVBUF	(4 << 20)

static int join(struct toe_nl *nl, int group)
{
	return mnl_socket_setsockopt(nl->sock, NETLINK_ADD_MEMBERSHIP, &group,
				     sizeof(group)) < 0 ? -errno : 0;
}

void toe_nl_set_rcvbuf(struct toe_nl *nl, int size)
{
	int fd = toe_nl_fd(nl);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

/* The group in which families announce themselves has a fixed number. */
int toe_nl_join_control(struct toe_nl *nl)
{
	return join(nl, GENL_ID_CTRL);
}

int toe_nl_subscribe(struct toe_nl *nl)
{
	int err;

	toe_nl_set_rcvbuf(nl, EVENT_RCVBUF);
	err = join(nl, nl->group);
	return err ? err : toe_nl_join_control(nl);
}

int toe_nl_fd(const struct toe_nl *nl)
{
	return mnl_socket_get_fd(nl->sock);
}

struct event_call {
	struct toe_nl *nl;
	toe_event_fn fn;
	void *data;
};

int toe_nl_check_family(const struct nlmsghdr *nlh, const struct toe_nl *nl)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	if (genl->cmd != CTRL_CMD_DELFAMILY)
		return 0;
	mnl_attr_for_each(attr, nlh, sizeof(*genl))
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U16) >= 0 &&
		    mnl_attr_get_u16(attr) == nl->family)
			return -ENODEV;
	return 0;
}

static int read_event(const struct nlmsghdr *nlh, void *data)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct event_call *call = data;
	struct toe_event event;
	int err;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*genl))
		return -EBADMSG;
	if (nlh->nlmsg_type == GENL_ID_CTRL)
		return toe_nl_check_family(nlh, call->nl);
	if (nlh->nlmsg_type != call->nl->family)
		return 0;
	switch (genl->cmd) {
	case TOE_CMD_EVENT:
		err = toe_decode_event(nlh, &event);
		break;
	case TOE_CMD_ENGINE_EVENT:
		err = toe_decode_engine_event(nlh, &event);
		break;
	default:
		return 0;
	}
	return err ? err : call->fn(&event, call->data);
}

int toe_nl_events(struct toe_nl *nl, toe_event_fn fn, void *data)
{
	struct event_call call = { .nl = nl, .fn = fn, .data = data };
	ssize_t len = toe_nl_receive(nl);

	nl->reply.text[0] = 0;
	if (len < 0)
		return len;
	return toe_events_read(nl->buf, len, read_event, &call);
}
