// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include "msg.h"
#include "netlink.h"

#define REQUEST_LEN	256	/* more than any request takes */
#define DUMP_TRIES	10
#define EVENT_RCVBUF	(4 << 20)
#define REPLY_LEN	(32 << 10)	/* the kernel's largest dump buffer */

struct toe_nl {
	struct mnl_socket *sock;
	uint16_t family;
	uint32_t group;
	uint32_t seq;
	struct toe_reply reply;
	char buf[REPLY_LEN] __attribute__((aligned(8)));
};

/* A growing array of equal things, filled by a dump. */
struct list {
	char *items;
	size_t n;
	size_t room;
	size_t size;
	int (*decode)(const struct nlmsghdr *nlh, void *item);
};

static struct nlmsghdr *request(struct toe_nl *nl, char *buf, uint16_t type,
				uint8_t cmd, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++nl->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = TOE_GENL_VERSION;
	return nlh;
}

static ssize_t receive(struct toe_nl *nl)
{
	ssize_t len;

	do {
		len = mnl_socket_recvfrom(nl->sock, nl->buf, sizeof(nl->buf));
	} while (len < 0 && errno == EINTR);
	return len < 0 ? -errno : len;
}

/* Sends a request and reads its whole answer. */
static int talk(struct toe_nl *nl, const struct nlmsghdr *nlh, toe_msg_fn fn,
		void *data)
{
	struct toe_reply *reply = &nl->reply;
	ssize_t len;
	int err;

	memset(reply, 0, sizeof(*reply));
	reply->seq = nlh->nlmsg_seq;
	if (mnl_socket_sendto(nl->sock, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (!reply->done) {
		len = receive(nl);
		if (len < 0)
			return len;
		err = toe_reply_read(reply, nl->buf, len, fn, data);
		if (err)
			return err;
	}
	return reply->error;
}

static int ignore(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh;
	(void)data;
	return 0;
}

static int read_groups(const struct nlattr *groups, uint32_t *id)
{
	const struct nlattr *group, *attr;

	mnl_attr_for_each_nested(group, groups) {
		const char *name = NULL;
		uint32_t found = 0;

		mnl_attr_for_each_nested(attr, group) {
			if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME &&
			    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
				name = mnl_attr_get_str(attr);
			if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID &&
			    mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
				found = mnl_attr_get_u32(attr);
		}
		if (name && !strcmp(name, TOE_GENL_MCGRP_EVENTS))
			*id = found;
	}
	return 0;
}

static int read_family(const struct nlmsghdr *nlh, void *data)
{
	struct toe_nl *nl = data;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(attr)) {
		case CTRL_ATTR_FAMILY_ID:
			if (mnl_attr_validate(attr, MNL_TYPE_U16) < 0)
				return -EBADMSG;
			nl->family = mnl_attr_get_u16(attr);
			break;
		case CTRL_ATTR_MCAST_GROUPS:
			read_groups(attr, &nl->group);
			break;
		}
	}
	return 0;
}

static int resolve(struct toe_nl *nl)
{
	char buf[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
	int err;

	nlh = request(nl, buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, TOE_GENL_NAME);
	err = talk(nl, nlh, read_family, nl);
	if (err)
		return err;
	return nl->family && nl->group ? 0 : -EBADMSG;
}

int toe_nl_open(struct toe_nl **result)
{
	struct toe_nl *nl = calloc(1, sizeof(*nl));
	int on = 1;
	int err;

	if (!nl)
		return -ENOMEM;
	nl->sock = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = -errno;
		goto fail;
	}
	/* Without them errors lose their text, and nothing else. */
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &on, sizeof(on));
	err = resolve(nl);
	if (err)
		goto fail;
	*result = nl;
	return 0;
fail:
	toe_nl_close(nl);
	return err;
}

void toe_nl_close(struct toe_nl *nl)
{
	if (!nl)
		return;
	if (nl->sock)
		mnl_socket_close(nl->sock);
	free(nl);
}

const char *toe_nl_text(const struct toe_nl *nl)
{
	return nl->reply.text;
}

static void put_flow(struct nlmsghdr *nlh, const struct toe_flow_key *key,
		     enum toe_reason reason)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, TOE_A_FLOW);

	if (key->id)
		mnl_attr_put_u32(nlh, TOE_A_FLOW_ID, key->id);
	else
		mnl_attr_put(nlh, TOE_A_FLOW_TUPLE, sizeof(key->tuple), &key->tuple);
	if (reason)
		mnl_attr_put_u8(nlh, TOE_A_FLOW_REASON, reason);
	mnl_attr_nest_end(nlh, nest);
}

static void put_key(struct nlmsghdr *nlh, const struct toe_flow_key *key)
{
	put_flow(nlh, key, TOE_REASON_NONE);
}

/* An answer of one message; without it the request has not been answered. */
struct single {
	int (*decode)(const struct nlmsghdr *nlh, void *item);
	void *item;
	bool came;
};

static int read_single(const struct nlmsghdr *nlh, void *data)
{
	struct single *single = data;

	single->came = true;
	return single->decode(nlh, single->item);
}

static int get(struct toe_nl *nl, const struct nlmsghdr *nlh, struct single *single)
{
	int err = talk(nl, nlh, read_single, single);

	if (err)
		return err;
	return single->came ? 0 : -EBADMSG;
}

static int decode_flow(const struct nlmsghdr *nlh, void *item)
{
	return toe_decode_flow(nlh, item);
}

static int decode_engine(const struct nlmsghdr *nlh, void *item)
{
	return toe_decode_engine(nlh, item);
}

static int decode_stats(const struct nlmsghdr *nlh, void *item)
{
	return toe_decode_stats(nlh, item);
}

static int decode_settings(const struct nlmsghdr *nlh, void *item)
{
	return toe_decode_settings(nlh, item);
}

static int decode_why(const struct nlmsghdr *nlh, void *item)
{
	return toe_decode_why(nlh, item);
}

static int decode_rule(const struct nlmsghdr *nlh, void *item)
{
	return toe_decode_rule(nlh, item);
}

static int append(const struct nlmsghdr *nlh, void *data)
{
	struct list *list = data;
	int err;

	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		char *items = reallocarray(list->items, room, list->size);

		if (!items)
			return -ENOMEM;
		list->items = items;
		list->room = room;
	}
	err = list->decode(nlh, list->items + list->n * list->size);
	if (!err)
		list->n++;
	return err;
}

static int dump(struct toe_nl *nl, uint8_t cmd, struct list *list)
{
	char buf[REQUEST_LEN] __attribute__((aligned(8)));
	int err;

	for (int i = 0; i < DUMP_TRIES; i++) {
		list->n = 0;
		err = talk(nl, request(nl, buf, nl->family, cmd, NLM_F_DUMP),
			   append, list);
		if (err && err != -EINTR) {
			free(list->items);
			list->items = NULL;
			list->n = 0;
			return err;
		}
		if (!err && !nl->reply.interrupted)
			return 0;
	}
	return -EAGAIN;
}

int toe_nl_flow_get(struct toe_nl *nl, const struct toe_flow_key *key,
		    struct toe_flow *flow)
{
	struct single single = { .decode = decode_flow, .item = flow };
	char buf[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;

	nlh = request(nl, buf, nl->family, TOE_CMD_FLOW_GET, NLM_F_ACK);
	put_key(nlh, key);
	return get(nl, nlh, &single);
}

int toe_nl_flow_dump(struct toe_nl *nl, struct toe_flow **flows, size_t *n)
{
	struct list list = { .size = sizeof(**flows), .decode = decode_flow };
	int err = dump(nl, TOE_CMD_FLOW_GET, &list);

	*flows = (void *)list.items;
	*n = list.n;
	return err;
}

int toe_nl_flow_offload(struct toe_nl *nl, const struct toe_tuple *tuple)
{
	const struct toe_flow_key key = { .tuple = *tuple };
	char buf[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;

	nlh = request(nl, buf, nl->family, TOE_CMD_FLOW_OFFLOAD, NLM_F_ACK);
	put_key(nlh, &key);
	return talk(nl, nlh, ignore, NULL);
}

int toe_nl_flow_return(struct toe_nl *nl, const struct toe_flow_key *key,
		       enum toe_reason reason)
{
	char buf[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;

	nlh = request(nl, buf, nl->family, TOE_CMD_FLOW_RETURN, NLM_F_ACK);
	put_flow(nlh, key, reason);
	return talk(nl, nlh, ignore, NULL);
}

int toe_nl_flow_why(struct toe_nl *nl, const struct toe_tuple *tuple,
		    struct toe_why *why)
{
	struct single single = { .decode = decode_why, .item = why };
	const struct toe_flow_key key = { .tuple = *tuple };
	char buf[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;

	nlh = request(nl, buf, nl->family, TOE_CMD_FLOW_WHY, NLM_F_ACK);
	put_key(nlh, &key);
	return get(nl, nlh, &single);
}

int toe_nl_rule_dump(struct toe_nl *nl, struct toe_rule_use **rules, size_t *n)
{
	struct list list = { .size = sizeof(**rules), .decode = decode_rule };
	int err = dump(nl, TOE_CMD_RULE_GET, &list);

	*rules = (void *)list.items;
	*n = list.n;
	return err;
}

int toe_nl_engine_dump(struct toe_nl *nl, struct toe_engine **engines, size_t *n)
{
	struct list list = { .size = sizeof(**engines), .decode = decode_engine };
	int err = dump(nl, TOE_CMD_ENGINE_GET, &list);

	*engines = (void *)list.items;
	*n = list.n;
	return err;
}

int toe_nl_stats_get(struct toe_nl *nl, struct toe_stats *stats)
{
	struct single single = { .decode = decode_stats, .item = stats };
	char buf[REQUEST_LEN] __attribute__((aligned(8)));

	return get(nl, request(nl, buf, nl->family, TOE_CMD_STATS_GET, NLM_F_ACK),
		   &single);
}

int toe_nl_settings_get(struct toe_nl *nl, struct toe_settings *settings)
{
	struct single single = { .decode = decode_settings, .item = settings };
	char buf[REQUEST_LEN] __attribute__((aligned(8)));

	return get(nl, request(nl, buf, nl->family, TOE_CMD_SETTINGS_GET, NLM_F_ACK),
		   &single);
}

int toe_nl_settings_set(struct toe_nl *nl, const struct toe_settings *settings)
{
	char buf[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
	struct nlattr *nest;

	nlh = request(nl, buf, nl->family, TOE_CMD_SETTINGS_SET, NLM_F_ACK);
	nest = mnl_attr_nest_start(nlh, TOE_A_SETTINGS);
	if (toe_has(settings->has, TOE_A_SETTINGS_MAX_FLOWS))
		mnl_attr_put_u32(nlh, TOE_A_SETTINGS_MAX_FLOWS, settings->max_flows);
	if (toe_has(settings->has, TOE_A_SETTINGS_TIMEOUT_MS))
		mnl_attr_put_u32(nlh, TOE_A_SETTINGS_TIMEOUT_MS, settings->timeout_ms);
	if (toe_has(settings->has, TOE_A_SETTINGS_NETNS_FLOWS))
		mnl_attr_put_u32(nlh, TOE_A_SETTINGS_NETNS_FLOWS, settings->netns_flows);
	mnl_attr_nest_end(nlh, nest);
	return talk(nl, nlh, ignore, NULL);
}

static int join(struct toe_nl *nl, int group)
{
	return mnl_socket_setsockopt(nl->sock, NETLINK_ADD_MEMBERSHIP, &group,
				     sizeof(group)) < 0 ? -errno : 0;
}

int toe_nl_subscribe(struct toe_nl *nl)
{
	int size = EVENT_RCVBUF;
	int fd = mnl_socket_get_fd(nl->sock);
	int err;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	err = join(nl, nl->group);
	/* The group in which families announce themselves has a fixed number. */
	return err ? err : join(nl, GENL_ID_CTRL);
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

static int check_family(const struct nlmsghdr *nlh, const struct toe_nl *nl)
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
		return check_family(nlh, call->nl);
	if (nlh->nlmsg_type != call->nl->family || genl->cmd != TOE_CMD_EVENT)
		return 0;
	err = toe_decode_event(nlh, &event);
	return err ? err : call->fn(&event, call->data);
}

int toe_nl_events(struct toe_nl *nl, toe_event_fn fn, void *data)
{
	struct event_call call = { .nl = nl, .fn = fn, .data = data };
	ssize_t len = receive(nl);

	nl->reply.text[0] = 0;
	if (len < 0)
		return len;
	return toe_events_read(nl->buf, len, read_event, &call);
}
