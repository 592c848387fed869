// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <sys/socket.h>

#include "module.h"
#include "msg.h"

#define BUF_LEN	(32 << 10)

int module_reconnect(struct module *m)
{
	int err;

	toe_nl_close(m->nl);
	m->nl = NULL;
	err = toe_nl_open(&m->nl);
	if (err)
		m->nl = NULL;
	return err == -ENOENT ? 0 : err;
}

int module_open(struct module *m)
{
	int group = GENL_ID_CTRL;	/* a fixed number: that of nlctrl's "notify" */

	m->sock = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!m->sock || mnl_socket_bind(m->sock, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(m->sock, NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof(group)) < 0)
		return -errno;
	m->source.fd = mnl_socket_get_fd(m->sock);
	/* Listening first: what comes between the two is seen. */
	return module_reconnect(m);
}

static int is_ours(const struct nlmsghdr *nlh, void *data)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	bool *ours = data;

	if (nlh->nlmsg_type != GENL_ID_CTRL ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*genl) ||
	    (genl->cmd != CTRL_CMD_NEWFAMILY && genl->cmd != CTRL_CMD_DELFAMILY))
		return 0;
	mnl_attr_for_each(attr, nlh, sizeof(*genl))
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_NAME &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 &&
		    !strcmp(mnl_attr_get_str(attr), TOE_GENL_NAME))
			*ours = true;
	return 0;
}

int module_look(struct module *m, bool *changed)
{
	char buf[BUF_LEN] __attribute__((aligned(8)));
	bool ours = false;
	ssize_t len;

	*changed = false;
	for (;;) {
		len = mnl_socket_recvfrom(m->sock, buf, sizeof(buf));
		if (len < 0 && errno == EAGAIN)
			break;
		if (len < 0 && errno != EINTR && errno != ENOBUFS && errno != ENOSPC)
			return -errno;
		/* Some were lost, or one did not fit: it may have been ours. */
		if (len < 0 && errno != EINTR)
			ours = true;
		if (len >= 0 && toe_events_read(buf, len, is_ours, &ours))
			ours = true;
	}
	if (!ours)
		return 0;
	*changed = true;
	return module_reconnect(m);
}
