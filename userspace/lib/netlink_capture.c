// SPDX-License-Identifier: GPL-2.0-only
/*
 * The client's third part: a connection that captures a flow's frames.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <linux/genetlink.h>
#include "netlink_private.h"

#define CAPTURE_RCVBUF	(32 << 20)
#define ANSWER_S	2	/* longer than the module waits for an engine */
#define STOP_TRIES	3

static int read_capture(const struct nlmsghdr *nlh, const struct toe_nl *nl)
{
	struct toe_capture capture;
	int err = toe_decode_capture(nlh, &capture);

	if (err)
		return err;
	if (toe_has(capture.has, TOE_A_CAPTURE_REASON))
		return nl->capture->over(capture.reason, nl->capture_data);
	if (!toe_has(capture.has, TOE_A_CAPTURE_FRAME))
		return -EBADMSG;
	return nl->capture->frame(&capture, nl->capture_data);
}

/* An answer has the number of its question, and what comes unasked has none. */
static int read_unasked(const struct nlmsghdr *nlh, void *data)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct toe_nl *nl = data;
	struct toe_event event;
	int err;

	if (nlh->nlmsg_seq)
		return 0;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*genl))
		return -EBADMSG;
	if (nlh->nlmsg_type == GENL_ID_CTRL)
		return toe_nl_check_family(nlh, nl);
	if (nlh->nlmsg_type != nl->family)
		return 0;
	switch (genl->cmd) {
	case TOE_CMD_CAPTURE:
		return read_capture(nlh, nl);
	case TOE_CMD_EVENT:
		err = toe_decode_event(nlh, &event);
		return err ? err : nl->capture->event(&event, nl->capture_data);
	}
	return 0;
}

int toe_nl_captured(struct toe_nl *nl, size_t len)
{
	return toe_events_read(nl->buf, len, read_unasked, nl);
}

int toe_nl_capture_start(struct toe_nl *nl, const struct toe_flow_key *key,
			 uint32_t snaplen, const struct toe_capture_ops *ops,
			 void *data, struct toe_flow *flow)
{
	const struct timeval limit = { .tv_sec = ANSWER_S };
	int err;

	toe_nl_set_rcvbuf(nl, CAPTURE_RCVBUF);
	/* An answer may be among what is lost. */
	setsockopt(toe_nl_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	err = toe_nl_join_control(nl);
	if (err)
		return err;
	nl->capture = ops;
	nl->capture_data = data;
	return toe_nl_capture_ask(nl, key, snaplen, flow);
}

int toe_nl_capture_read(struct toe_nl *nl)
{
	ssize_t len = toe_nl_receive_now(nl);
	int err;

	if (len == -EAGAIN)
		return 0;
	if (len < 0)
		return len;
	err = toe_nl_captured(nl, len);
	return err ? err : 1;
}

int toe_nl_capture_stop(struct toe_nl *nl, struct toe_capture *totals)
{
	int err = 0;

	/* What waits already leaves room for the answer. */
	for (int i = 0; i < STOP_TRIES; i++) {
		do {
			err = toe_nl_capture_read(nl);
		} while (err == 1 || err == -ENOBUFS);
		if (err)
			return err;
		err = toe_nl_capture_end(nl, totals);
		if (err != -EAGAIN)
			break;
	}
	return err;
}
