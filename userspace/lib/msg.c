// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <libmnl/libmnl.h>
#include "msg.h"

/* The text stands in attributes behind the fixed part of the message. */
static void read_extack(struct toe_reply *reply, const struct nlmsghdr *nlh,
			size_t fixed)
{
	size_t left = mnl_nlmsg_get_payload_len(nlh);
	const char *at = mnl_nlmsg_get_payload(nlh);

	fixed = MNL_ALIGN(fixed);
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || fixed > left)
		return;
	at += fixed;
	left -= fixed;
	while (left >= sizeof(struct nlattr)) {
		const struct nlattr *attr = (const void *)at;
		size_t len;

		if (attr->nla_len < sizeof(*attr) || attr->nla_len > left)
			return;
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG) {
			len = strnlen(mnl_attr_get_payload(attr),
				      mnl_attr_get_payload_len(attr));
			if (len >= sizeof(reply->text))
				len = sizeof(reply->text) - 1;
			memcpy(reply->text, mnl_attr_get_payload(attr), len);
			reply->text[len] = 0;
		}
		len = MNL_ALIGN(attr->nla_len);
		if (len > left)
			return;
		at += len;
		left -= len;
	}
}

static int read_error(struct toe_reply *reply, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	size_t fixed = sizeof(*err);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*err))
		return -EBADMSG;
	/* An error quotes the whole request unless it is capped. */
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED) && err->msg.nlmsg_len > sizeof(err->msg))
		fixed += err->msg.nlmsg_len - sizeof(err->msg);
	reply->error = err->error;
	reply->done = true;
	read_extack(reply, nlh, fixed);
	return 0;
}

static int read_done(struct toe_reply *reply, const struct nlmsghdr *nlh)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
	if (error < 0)
		reply->error = error;
	reply->done = true;
	read_extack(reply, nlh, sizeof(error));
	return 0;
}

int toe_reply_read(struct toe_reply *reply, const void *buf, size_t len,
		   toe_msg_fn fn, void *data)
{
	const struct nlmsghdr *nlh = buf;
	int left = len;
	int err = 0;

	for (; !reply->done && mnl_nlmsg_ok(nlh, left);
	     nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_seq != reply->seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			reply->interrupted = true;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			err = read_error(reply, nlh);
		else if (nlh->nlmsg_type == NLMSG_DONE)
			err = read_done(reply, nlh);
		else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE)
			err = fn(nlh, data);
		if (err)
			return err;
	}
	return !reply->done && left > 0 ? -EBADMSG : 0;
}

int toe_events_read(const void *buf, size_t len, toe_msg_fn fn, void *data)
{
	const struct nlmsghdr *nlh = buf;
	int left = len;
	int err;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type < NLMSG_MIN_TYPE)
			continue;
		err = fn(nlh, data);
		if (err)
			return err;
	}
	return left > 0 ? -EBADMSG : 0;
}
