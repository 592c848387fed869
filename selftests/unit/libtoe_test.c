// SPDX-License-Identifier: GPL-2.0-only
/*
 * libtoe without a kernel: words, numbers, names of connections, and canned
 * netlink messages, good and broken. KTAP on standard output.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include "decode.h"
#include "msg.h"
#include "names.h"
#include "print.h"
#include "tuple.h"
#include "units.h"
#include "check.h"

static void test_names(void)
{
	CHECK(!strcmp(toe_state_name(TOE_STATE_CLOSING), "closing"));
	CHECK(!toe_state_name(__TOE_STATE_MAX));
	CHECK(!strcmp(toe_reason_name(TOE_REASON_PEER_FIN), "peer-fin"));
	CHECK(!toe_reason_name(__TOE_REASON_MAX));
	CHECK(!toe_reason_text(~0u));
	CHECK(!strcmp(toe_stat_name(TOE_STAT_ERR_PROTOCOL), "err_protocol"));
	for (unsigned int i = 0; i < __TOE_REASON_MAX; i++)
		CHECK(toe_reason_name(i) && *toe_reason_text(i));
}

static void test_bytes(void)
{
	static const struct {
		const char *word;
		int err;
		uint64_t val;
	} cases[] = {
		{ "0", 0, 0 },
		{ "1", 0, 1 },
		{ "64KiB", 0, 65536 },
		{ "64k", 0, 65536 },
		{ "1m", 0, 1 << 20 },
		{ "1MiB", 0, 1 << 20 },
		{ "1MB", 0, 1000000 },
		{ "2g", 0, 2ULL << 30 },
		{ "16777215TiB", 0, 16777215ULL << 40 },
		{ "16777216TiB", -ERANGE, 0 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999x", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 k", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1.5m", -EINVAL, 0 },
		{ "k", -EINVAL, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t val = 0;

		CHECK(toe_parse_bytes(cases[i].word, &val) == cases[i].err);
		CHECK(val == cases[i].val);
	}
}

static void test_numbers(void)
{
	uint32_t val = 7;

	CHECK(!toe_parse_u32("4294967295", &val) && val == UINT32_MAX);
	CHECK(toe_parse_u32("4294967296", &val) == -ERANGE);
	CHECK(toe_parse_u32("12x", &val) == -EINVAL);
	CHECK(!toe_parse_ms("1500", &val) && val == 1500);
	CHECK(!toe_parse_ms("250ms", &val) && val == 250);
	CHECK(!toe_parse_ms("2s", &val) && val == 2000);
	CHECK(toe_parse_ms("4294968s", &val) == -ERANGE);
	CHECK(toe_parse_ms("2h", &val) == -EINVAL);
}

static void test_format(void)
{
	char buf[TOE_UNIT_LEN];

	CHECK(!strcmp(toe_format_bytes(buf, sizeof(buf), 0), "0B"));
	CHECK(!strcmp(toe_format_bytes(buf, sizeof(buf), 1023), "1023B"));
	CHECK(!strcmp(toe_format_bytes(buf, sizeof(buf), 1024), "1.0KiB"));
	CHECK(!strcmp(toe_format_bytes(buf, sizeof(buf), 1048575), "1.0MiB"));
	CHECK(!strcmp(toe_format_bytes(buf, sizeof(buf), UINT64_MAX), "16.0EiB"));
	CHECK(!strcmp(toe_format_rate(buf, sizeof(buf), 0), "0bit"));
	CHECK(!strcmp(toe_format_rate(buf, sizeof(buf), 124), "992bit"));
	CHECK(!strcmp(toe_format_rate(buf, sizeof(buf), 125), "1.0kbit"));
	CHECK(!strcmp(toe_format_rate(buf, sizeof(buf), 124999), "1.0mbit"));
	CHECK(!strcmp(toe_format_rate(buf, sizeof(buf), 1562500), "12.5mbit"));
	CHECK(!strcmp(toe_format_rate(buf, sizeof(buf), UINT64_MAX), "147573952.6tbit"));
	CHECK(!strcmp(toe_format_ns(buf, sizeof(buf), 999), "999ns"));
	CHECK(!strcmp(toe_format_ns(buf, sizeof(buf), 1500), "1.5us"));
	CHECK(!strcmp(toe_format_ns(buf, sizeof(buf), 2500000), "2.5ms"));
	CHECK(!strcmp(toe_format_ns(buf, sizeof(buf), 61000000000), "1m01s"));
	CHECK(!strcmp(toe_format_ns(buf, sizeof(buf), 7260000000000), "2h01m"));
	CHECK(strlen(toe_format_ns(buf, sizeof(buf), UINT64_MAX)) < sizeof(buf));
}

static void test_tuple(void)
{
	char buf[TOE_ENDPOINT_LEN];
	struct toe_tuple t;
	const char *bad;

	CHECK(!toe_tuple_parse(&t, "192.0.2.1:443", "198.51.100.7:5000", &bad));
	CHECK(t.family == AF_INET && t.local_port == htons(443) && !t.zero);
	CHECK(t.local_addr[0] == htonl(0xc0000201) && !t.local_addr[1]);
	CHECK(!strcmp(toe_tuple_remote(&t, buf, sizeof(buf)), "198.51.100.7:5000"));
	CHECK(!toe_tuple_parse(&t, "[2001:db8::1]:1", "[2001:db8::2]:65535", &bad));
	CHECK(t.family == AF_INET6);
	CHECK(!strcmp(toe_tuple_local(&t, buf, sizeof(buf)), "[2001:db8::1]:1"));
	CHECK(!toe_tuple_parse(&t, "[::ffff:192.0.2.1]:1", "192.0.2.2:2", &bad));
	CHECK(t.family == AF_INET && t.local_addr[0] == htonl(0xc0000201));
	CHECK(toe_tuple_parse(&t, "[::1]:1", "192.0.2.2:2", &bad) == -EAFNOSUPPORT);
}

static void test_tuple_bad(void)
{
	static const char *const words[] = {
		"", ":", ":1", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536",
		"1.2.3.4:x", "1.2.3:5", "::1:5", "[::1]", "[::1]5", "[::1:5", "[]:5",
		"[1.2.3.4]:5", "[fe80::1%eth0]:5", "host:80", "[:5", "]:5",
		"[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]:1",
	};
	struct toe_tuple t;
	const char *bad;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		CHECK(toe_tuple_parse(&t, words[i], "1.2.3.4:5", &bad) == -EINVAL);
		CHECK(bad == words[i]);
		CHECK(toe_tuple_parse(&t, "1.2.3.4:5", words[i], &bad) == -EINVAL);
		CHECK(bad == words[i]);
	}
}

static char msg_buf[8192] __attribute__((aligned(8)));

static struct nlmsghdr *message(uint16_t type, uint16_t flags, uint32_t seq)
{
	struct nlmsghdr *nlh;
	struct genlmsghdr *genl;

	memset(msg_buf, 0, sizeof(msg_buf));
	nlh = mnl_nlmsg_put_header(msg_buf);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	nlh->nlmsg_seq = seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->version = TOE_GENL_VERSION;
	return nlh;
}

static void put_flow(struct nlmsghdr *nlh)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, TOE_A_FLOW);
	struct toe_tuple tuple;
	const char *bad;

	toe_tuple_parse(&tuple, "192.0.2.1:443", "198.51.100.7:5000", &bad);
	mnl_attr_put_u32(nlh, TOE_A_FLOW_ID, 7);
	mnl_attr_put(nlh, TOE_A_FLOW_TUPLE, sizeof(tuple), &tuple);
	mnl_attr_put_u8(nlh, TOE_A_FLOW_STATE, TOE_STATE_ENGINE);
	mnl_attr_put_u8(nlh, TOE_A_FLOW_REASON, TOE_REASON_THRESHOLD);
	mnl_attr_put_strz(nlh, TOE_A_FLOW_ENGINE, "virtio0");
	mnl_attr_put_u64(nlh, TOE_A_FLOW_TX_TOTAL, 1ULL << 40);
	mnl_attr_put_u32(nlh, 77, 1);	/* of a newer module */
	mnl_attr_nest_end(nlh, nest);
}

static void test_decode_flow(void)
{
	struct nlmsghdr *nlh = message(0x20, 0, 1);
	struct toe_flow flow;

	put_flow(nlh);
	CHECK(!toe_decode_flow(nlh, &flow));
	CHECK(flow.id == 7 && flow.state == TOE_STATE_ENGINE);
	CHECK(flow.reason == TOE_REASON_THRESHOLD);
	CHECK(flow.tuple.remote_port == htons(5000));
	CHECK(!strcmp(flow.engine, "virtio0"));
	CHECK(flow.tx_total == 1ULL << 40 && !flow.rx_total);
	CHECK(toe_has(flow.has, TOE_A_FLOW_TX_TOTAL));
	CHECK(!toe_has(flow.has, TOE_A_FLOW_RX_TOTAL));
}

static void test_decode_long_string(void)
{
	struct nlmsghdr *nlh = message(0x20, 0, 1);
	struct nlattr *nest = mnl_attr_nest_start(nlh, TOE_A_FLOW);
	struct toe_flow flow;

	mnl_attr_put_str(nlh, TOE_A_FLOW_ENGINE, "abcdefghijklmnopqrstuvwxyz");
	mnl_attr_nest_end(nlh, nest);
	CHECK(!toe_decode_flow(nlh, &flow));
	CHECK(!strcmp(flow.engine, "abcdefghijklmno"));
}

static void test_decode_stats(void)
{
	const uint64_t counters[] = { 5, 6, 7 };
	const uint32_t flows[] = { 1, 2, 3, 4, 5 };
	struct nlmsghdr *nlh = message(0x20, 0, 1);
	struct nlattr *nest = mnl_attr_nest_start(nlh, TOE_A_STATS);
	struct toe_stats *stats = calloc(1, sizeof(*stats));

	mnl_attr_put(nlh, TOE_A_STATS_COUNTERS, sizeof(counters), counters);
	mnl_attr_put(nlh, TOE_A_STATS_FLOWS, sizeof(flows), flows);
	mnl_attr_nest_end(nlh, nest);
	CHECK(!toe_decode_stats(nlh, stats));
	CHECK(stats->counters.n == 3 && stats->counters.val[2] == 7);
	CHECK(stats->flows.n == 5 && stats->flows.val[4] == 5);
	CHECK(!stats->refused.n);
	free(stats);
}

static void test_decode_rest(void)
{
	struct nlmsghdr *nlh = message(0x20, 0, 1);
	struct nlattr *nest = mnl_attr_nest_start(nlh, TOE_A_EVENT);
	struct toe_settings settings;
	struct toe_engine engine;
	struct toe_event event;

	mnl_attr_put_u64(nlh, TOE_A_EVENT_TIME_NS, 1700000000000000000ULL);
	mnl_attr_put_u8(nlh, TOE_A_EVENT_FROM, TOE_STATE_ENGINE);
	mnl_attr_put_u8(nlh, TOE_A_EVENT_TO, TOE_STATE_CLOSING);
	mnl_attr_put_u8(nlh, TOE_A_EVENT_REASON, TOE_REASON_RATE);
	mnl_attr_nest_end(nlh, nest);
	CHECK(toe_decode_event(nlh, &event) == -EBADMSG);	/* no flow yet */
	put_flow(nlh);
	CHECK(!toe_decode_event(nlh, &event));
	CHECK(event.reason == TOE_REASON_RATE && event.flow.id == 7);

	nlh = message(0x20, 0, 1);
	nest = mnl_attr_nest_start(nlh, TOE_A_ENGINE);
	mnl_attr_put(nlh, TOE_A_ENGINE_MAC, 6, "\x02\0\0\0\0\x01");
	mnl_attr_put_u8(nlh, TOE_A_ENGINE_ALIVE, 1);
	mnl_attr_nest_end(nlh, nest);
	nest = mnl_attr_nest_start(nlh, TOE_A_SETTINGS);
	mnl_attr_put_u32(nlh, TOE_A_SETTINGS_TIMEOUT_MS, 3000);
	mnl_attr_nest_end(nlh, nest);
	CHECK(toe_decode_engine_event(nlh, &event) == -EBADMSG);	/* no event yet */
	nest = mnl_attr_nest_start(nlh, TOE_A_EVENT);
	mnl_attr_put_u8(nlh, TOE_A_EVENT_CHANGE, TOE_ENGINE_CHANGE_FAILED);
	mnl_attr_nest_end(nlh, nest);
	CHECK(!toe_decode_engine_event(nlh, &event) && event.of_engine);
	CHECK(event.change == TOE_ENGINE_CHANGE_FAILED && event.engine.mac[5] == 1);
	CHECK(!toe_decode_engine(nlh, &engine) && engine.alive && engine.mac[5] == 1);
	CHECK(!toe_decode_settings(nlh, &settings) && settings.timeout_ms == 3000);
}

static void test_decode_capture(void)
{
	struct nlmsghdr *nlh = message(0x20, 0, 1);
	struct toe_capture capture;
	struct nlattr *nest;

	CHECK(toe_decode_capture(nlh, &capture) == -EBADMSG);
	nest = mnl_attr_nest_start(nlh, TOE_A_CAPTURE);
	mnl_attr_put_u64(nlh, TOE_A_CAPTURE_TIME_NS, 1700000000123456789);
	mnl_attr_put_u8(nlh, TOE_A_CAPTURE_SENT, 1);
	mnl_attr_put_u32(nlh, TOE_A_CAPTURE_LEN, 1514);
	mnl_attr_put_u64(nlh, TOE_A_CAPTURE_DROPPED, 3);
	mnl_attr_put(nlh, TOE_A_CAPTURE_FRAME, 5, "frame");
	mnl_attr_nest_end(nlh, nest);
	CHECK(!toe_decode_capture(nlh, &capture));
	CHECK(capture.time_ns == 1700000000123456789 && capture.sent == 1);
	CHECK(capture.len == 1514 && capture.dropped == 3);
	CHECK(capture.frame.len == 5 && !memcmp(capture.frame.data, "frame", 5));
	CHECK(!toe_has(capture.has, TOE_A_CAPTURE_REASON));
	/* Its bytes lie in the message, and nowhere behind it. */
	CHECK((const char *)capture.frame.data + 5 <= (char *)nlh + nlh->nlmsg_len);

	nlh = message(0x20, 0, 1);
	nest = mnl_attr_nest_start(nlh, TOE_A_CAPTURE);
	mnl_attr_put_u8(nlh, TOE_A_CAPTURE_REASON, TOE_REASON_UNKNOWN);
	mnl_attr_nest_end(nlh, nest);
	CHECK(!toe_decode_capture(nlh, &capture) && !capture.frame.data);
	CHECK(toe_has(capture.has, TOE_A_CAPTURE_REASON));
}

static void test_decode_bad(void)
{
	struct nlmsghdr *nlh = message(0x20, 0, 1);
	struct nlattr *nest;
	struct toe_flow flow;

	CHECK(toe_decode_flow(nlh, &flow) == -EBADMSG);
	nest = mnl_attr_nest_start(nlh, TOE_A_FLOW);
	mnl_attr_put_u8(nlh, TOE_A_FLOW_ID, 1);		/* too short */
	mnl_attr_nest_end(nlh, nest);
	CHECK(toe_decode_flow(nlh, &flow) == -EBADMSG);
}

/* Every byte of a good message changed in turn: no crash, no endless loop. */
static void test_decode_broken(void)
{
	static char copy[sizeof(msg_buf)];
	struct nlmsghdr *nlh = message(0x20, 0, 1);
	unsigned int len;
	struct toe_flow flow;

	put_flow(nlh);
	len = nlh->nlmsg_len;
	memcpy(copy, msg_buf, sizeof(copy));
	for (unsigned int i = sizeof(*nlh); i < len; i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			/* exactly as long as the message: a sanitizer sees more */
			char *exact = malloc(len);

			memcpy(exact, copy, len);
			exact[i] ^= 1 << bit;
			toe_decode_flow((void *)exact, &flow);
			CHECK(memchr(flow.engine, 0, sizeof(flow.engine)));
			free(exact);
		}
	}
}

static int count(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh;
	(*(int *)data)++;
	return 0;
}

static void test_reply_data(void)
{
	struct toe_reply reply = { .seq = 1 };
	struct nlmsghdr *nlh = message(0x20, NLM_F_DUMP_INTR, 1);
	int n = 0;

	put_flow(nlh);
	CHECK(!toe_reply_read(&reply, nlh, nlh->nlmsg_len, count, &n));
	CHECK(n == 1 && !reply.done && reply.interrupted);
	nlh->nlmsg_seq = 9;
	CHECK(!toe_reply_read(&reply, nlh, nlh->nlmsg_len, count, &n) && n == 1);
	CHECK(toe_reply_read(&reply, nlh, nlh->nlmsg_len - 1, count, &n) == -EBADMSG);
}

static struct nlmsghdr *error_message(int error, const char *text, bool capped)
{
	struct nlmsghdr *nlh;
	struct nlmsgerr *err;

	memset(msg_buf, 0, sizeof(msg_buf));
	nlh = mnl_nlmsg_put_header(msg_buf);
	nlh->nlmsg_type = NLMSG_ERROR;
	nlh->nlmsg_seq = 1;
	nlh->nlmsg_flags = NLM_F_ACK_TLVS | (capped ? NLM_F_CAPPED : 0);
	err = mnl_nlmsg_put_extra_header(nlh, sizeof(*err));
	err->error = error;
	err->msg.nlmsg_len = sizeof(err->msg) + 20;
	if (!capped)
		mnl_nlmsg_put_extra_header(nlh, 20);
	mnl_attr_put_u32(nlh, NLMSGERR_ATTR_OFFS, 4);
	mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, text);
	return nlh;
}

static void test_reply_error(void)
{
	struct nlmsghdr *nlh;
	char longer[400];

	for (int capped = 0; capped < 2; capped++) {
		struct toe_reply reply = { .seq = 1 };

		nlh = error_message(-EBUSY, "not calm", capped);
		CHECK(!toe_reply_read(&reply, nlh, nlh->nlmsg_len, count, NULL));
		CHECK(reply.done && reply.error == -EBUSY);
		CHECK(!strcmp(reply.text, "not calm"));
	}
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = 0;
	nlh = error_message(-EINVAL, longer, true);
	{
		struct toe_reply reply = { .seq = 1 };

		CHECK(!toe_reply_read(&reply, nlh, nlh->nlmsg_len, count, NULL));
		CHECK(strlen(reply.text) == TOE_ERROR_LEN - 1);
	}
	/* the quoted request claims to be longer than the whole message */
	((struct nlmsgerr *)mnl_nlmsg_get_payload(nlh))->msg.nlmsg_len = ~0u;
	nlh->nlmsg_flags &= ~NLM_F_CAPPED;
	{
		struct toe_reply reply = { .seq = 1 };

		CHECK(!toe_reply_read(&reply, nlh, nlh->nlmsg_len, count, NULL));
		CHECK(reply.error == -EINVAL && !*reply.text);
	}
}

static void test_reply_done(void)
{
	struct toe_reply reply = { .seq = 1 };
	struct nlmsghdr *nlh;
	int *error;

	memset(msg_buf, 0, sizeof(msg_buf));
	nlh = mnl_nlmsg_put_header(msg_buf);
	nlh->nlmsg_type = NLMSG_DONE;
	nlh->nlmsg_seq = 1;
	nlh->nlmsg_flags = NLM_F_ACK_TLVS;
	error = mnl_nlmsg_put_extra_header(nlh, sizeof(*error));
	*error = -EPERM;
	mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, "no");
	CHECK(!toe_reply_read(&reply, nlh, nlh->nlmsg_len, count, NULL));
	CHECK(reply.done && reply.error == -EPERM && !strcmp(reply.text, "no"));
}

static void print_things(struct toe_out *out)
{
	toe_out_open(out, NULL, '{');
	toe_out_str(out, "name", "%s", "a\"b\\\n");
	toe_out_u64(out, "big", " big %lu", UINT64_MAX);
	toe_out_bytes(out, "bytes", " bytes %s", 2048);
	toe_out_ns(out, "ns", NULL, 1500);
	toe_out_bool(out, "flag", " flag %s", true);
	toe_out_str(out, "none", " none %s", NULL);
	toe_out_open(out, "list", '[');
	toe_out_u64(out, NULL, NULL, 1);
	toe_out_u64(out, NULL, NULL, 2);
	toe_out_close(out, ']');
	toe_out_open(out, "empty", '{');
	toe_out_close(out, '}');
	toe_out_text(out, "\n");
	toe_out_close(out, '}');
}

static void test_print(void)
{
	char text[512] = "", json[512] = "", pretty[512] = "";
	struct toe_out out = { 0 };

	out.file = fmemopen(text, sizeof(text), "w");
	print_things(&out);
	fclose(out.file);
	CHECK(!strcmp(text, "a\"b\\\n big 18446744073709551615 bytes 2.0KiB flag yes\n"));

	out.json = true;
	out.file = fmemopen(json, sizeof(json), "w");
	print_things(&out);
	print_things(&out);
	fclose(out.file);
#define LINE "{\"name\":\"a\\\"b\\\\\\u000a\",\"big\":18446744073709551615," \
	"\"bytes\":2048,\"ns\":1500,\"flag\":true,\"none\":null," \
	"\"list\":[1,2],\"empty\":{}}\n"
	CHECK(!strcmp(json, LINE LINE));

	out.pretty = true;
	out.file = fmemopen(pretty, sizeof(pretty), "w");
	print_things(&out);
	fclose(out.file);
	CHECK(!strncmp(pretty, "{\n  \"name\": \"a", 14));
	CHECK(strstr(pretty, "  \"list\": [\n    1,\n    2\n  ],\n  \"empty\": {}\n}\n"));
}

int main(void)
{
	static const struct test tests[] = {
		{ "states, reasons and counters have names", test_names },
		{ "numbers of bytes", test_bytes },
		{ "plain numbers and time spans", test_numbers },
		{ "numbers for people", test_format },
		{ "names of connections", test_tuple },
		{ "words that name no endpoint", test_tuple_bad },
		{ "a flow message", test_decode_flow },
		{ "a name longer than its room", test_decode_long_string },
		{ "a stats message, shorter and longer than expected", test_decode_stats },
		{ "event, engine and settings messages", test_decode_rest },
		{ "a captured frame", test_decode_capture },
		{ "messages with something missing or short", test_decode_bad },
		{ "messages with any bit flipped", test_decode_broken },
		{ "data, interrupted dumps, foreign answers", test_reply_data },
		{ "errors with the kernel's text", test_reply_error },
		{ "the end of a dump with an error", test_reply_done },
		{ "text and JSON from one call", test_print },
	};

	return run_tests(tests, sizeof(tests) / sizeof(tests[0]));
}
