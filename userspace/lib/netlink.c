// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/genetlink.h>
#include "netlink_private.h"

#define REQUEST_LEN	256	/* more than any request takes */
#define DUMP_TRIES	10

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

static ssize_t receive(struct toe_nl *nl, int flags)
{
	struct iovec iov = { nl->buf, sizeof(nl->buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t len;

	do {
		len = recvmsg(mnl_socket_get_fd(nl->sock), &msg, flags);
	} while (len < 0 && errno == EINTR);
	if (len < 0)
		return -errno;
	return msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : len;
}

ssize_t toe_nl_receive(struct toe_nl *nl)
{
	return receive(nl, 0);
}

ssize_t toe_nl_receive_now(struct toe_nl *nl)
{
	return receive(nl, MSG_DONTWAIT);
}

static void reply_begin(struct toe_nl *nl, const struct nlmsghdr *nlh)
{
	memset(&nl->reply, 0, sizeof(nl->reply));
	nl->reply.seq = nlh->nlmsg_seq;
}

/* Sends a request and reads its whole answer. */
static int talk(struct toe_nl *nl, const struct nlmsghdr *nlh, toe_msg_fn fn,
		void *data)
{
	struct toe_reply *reply = &nl->reply;
	ssize_t len;
	int err;

	reply_begin(nl, nlh);
	if (mnl_socket_sendto(nl->sock, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (!reply->done) {
		len = receive(nl, 0);
		/* A capture counts what it loses. */
		if (len == -ENOBUFS && nl->capture)
			continue;
		if (len < 0)
			return len;
		err = toe_reply_read(reply, nl->buf, len, fn, data);
		if (!err && nl->capture)
			err = toe_nl_captured(nl, len);
		if (err)
			return err;
	}
	/* A dump of a module that is about to go (__netlink_dump_start() of
	 * net/netlink/af_netlink.c). A moment later its family is not there.
	 */
	return reply->error == -EPROTONOSUPPORT ? -ENOENT : reply->error;
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

static int decode_capture(const struct nlmsghdr *nlh, void *item)
{
	return toe_decode_capture(nlh, item);
}

static int decode_firewall(const struct nlmsghdr *nlh, void *item)
{
	return toe_decode_firewall(nlh, item);
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

struct each {
	toe_flow_fn fn;
	void *data;
};

static int read_each(const struct nlmsghdr *nlh, void *data)
{
	const struct each *each = data;
	struct toe_flow flow;
	int err;

	err = toe_decode_flow(nlh, &flow);
	return err ? err : each->fn(&flow, each->data);
}

int toe_nl_flow_each(struct toe_nl *nl, toe_flow_fn fn, void *data)
{
	struct each each = { .fn = fn, .data = data };
	char buf[REQUEST_LEN] __attribute__((aligned(8)));
	int err;

	err = talk(nl, request(nl, buf, nl->family, TOE_CMD_FLOW_GET, NLM_F_DUMP),
		   read_each, &each);
	return err == -EINTR || (!err && nl->reply.interrupted) ? -EAGAIN : err;
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

/* Without NLM_F_ACK nobody waits, and only an error is answered: before sendto()
 * returns, since the kernel works in the sender's context.
 */
static int talk_and_go(struct toe_nl *nl, struct nlmsghdr *nlh)
{
	ssize_t len;
	int err;

	reply_begin(nl, nlh);
	if (mnl_socket_sendto(nl->sock, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (!nl->reply.done) {
		len = receive(nl, MSG_DONTWAIT);
		if (len < 0)
			return len == -EAGAIN ? 0 : len;
		err = toe_reply_read(&nl->reply, nl->buf, len, ignore, NULL);
		if (err)
			return err;
	}
	return nl->reply.error;
}

int toe_nl_flow_let_go(struct toe_nl *nl, uint32_t id, enum toe_reason reason)
{
	const struct toe_flow_key key = { .id = id };
	char buf[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;

	nlh = request(nl, buf, nl->family, TOE_CMD_FLOW_RETURN, 0);
	put_flow(nlh, &key, reason);
	return talk_and_go(nl, nlh);
}

int toe_nl_flow_begin(struct toe_nl *nl, const struct toe_tuple *tuple, bool there)
{
	const struct toe_flow_key key = { .tuple = *tuple };
	char buf[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;

	nlh = request(nl, buf, nl->family,
		      there ? TOE_CMD_FLOW_OFFLOAD : TOE_CMD_FLOW_RETURN, 0);
	put_key(nlh, &key);
	return talk_and_go(nl, nlh);
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
	if (toe_has(settings->has, TOE_A_SETTINGS_NEVER_MARK)) {
		mnl_attr_put_u32(nlh, TOE_A_SETTINGS_NEVER_MARK, settings->never_mark);
		mnl_attr_put_u32(nlh, TOE_A_SETTINGS_NEVER_MASK, settings->never_mask);
	}
	mnl_attr_nest_end(nlh, nest);
	return talk(nl, nlh, ignore, NULL);
}

int toe_nl_capture_ask(struct toe_nl *nl, const struct toe_flow_key *key,
		       uint32_t snaplen, struct toe_flow *flow)
{
	struct single single = { .decode = decode_flow, .item = flow };
	char buf[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
	struct nlattr *nest;

	nlh = request(nl, buf, nl->family, TOE_CMD_CAPTURE_START, NLM_F_ACK);
	put_key(nlh, key);
	nest = mnl_attr_nest_start(nlh, TOE_A_CAPTURE);
	mnl_attr_put_u32(nlh, TOE_A_CAPTURE_SNAPLEN, snaplen);
	mnl_attr_nest_end(nlh, nest);
	return get(nl, nlh, &single);
}

int toe_nl_capture_end(struct toe_nl *nl, struct toe_capture *totals)
{
	struct single single = { .decode = decode_capture, .item = totals };
	char buf[REQUEST_LEN] __attribute__((aligned(8)));
	int err;

	err = get(nl, request(nl, buf, nl->family, TOE_CMD_CAPTURE_STOP, NLM_F_ACK),
		  &single);
	/* What follows the answer may be lost. */
	return single.came ? 0 : err;
}

int toe_nl_firewall_get(struct toe_nl *nl, struct toe_firewall *fw)
{
	struct single single = { .decode = decode_firewall, .item = fw };
	char buf[REQUEST_LEN] __attribute__((aligned(8)));

	return get(nl, request(nl, buf, nl->family, TOE_CMD_FIREWALL_GET, NLM_F_ACK),
		   &single);
}

int toe_nl_firewall_changed(struct toe_nl *nl)
{
	char buf[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
	struct nlattr *nest;

	nlh = request(nl, buf, nl->family, TOE_CMD_FIREWALL_SET, NLM_F_ACK);
	nest = mnl_attr_nest_start(nlh, TOE_A_FIREWALL);
	mnl_attr_put(nlh, TOE_A_FIREWALL_CHANGED, 0, NULL);
	mnl_attr_nest_end(nlh, nest);
	return talk(nl, nlh, ignore, NULL);
}

int toe_nl_firewall_judge(struct toe_nl *nl, uint32_t generation,
			  enum toe_careful careful)
{
	char buf[REQUEST_LEN] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
	struct nlattr *nest;

	nlh = request(nl, buf, nl->family, TOE_CMD_FIREWALL_SET, NLM_F_ACK);
	nest = mnl_attr_nest_start(nlh, TOE_A_FIREWALL);
	mnl_attr_put_u32(nlh, TOE_A_FIREWALL_GENERATION, generation);
	mnl_attr_put_u8(nlh, TOE_A_FIREWALL_CAREFUL, careful);
	mnl_attr_nest_end(nlh, nest);
	return talk(nl, nlh, ignore, NULL);
}
