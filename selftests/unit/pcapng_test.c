// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pcapng writer: its file is walked block by block, and read by tcpdump.
 * KTAP on standard output.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "check.h"
#include "pcapng.h"

#define START	1700000000000000000ULL
#define STEP	1234567ULL
#define FRAMES	3

static char path[] = "/tmp/pcapng_test.XXXXXX";

/* Ethernet, IPv4, TCP: 10.77.0.1.4097 > 10.77.0.2.4098, ACK, and 5 bytes */
static const uint8_t frame[] =
	"\x52\x54\x00\x77\x00\x02\x52\x54\x00\x77\x00\x01\x08\x00"
	"\x45\x00\x00\x2d\x00\x01\x40\x00\x40\x06\x26\x2f\x0a\x4d\x00\x01\x0a\x4d\x00\x02"
	"\x10\x01\x10\x02\x00\x00\x03\xe8\x00\x00\x07\xd0\x50\x10\x01\x00\x00\x00\x00\x00"
	"hello";
#define FRAME_LEN (sizeof(frame) - 1)

static void write_file(void)
{
	struct toe_pcapng_stats stats = { .start_ns = START, .end_ns = START + 9,
					  .frames = FRAMES, .dropped = 7 };
	char long_text[1000];
	struct toe_pcapng p;
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");
	int i;

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = 0;
	CHECK(f);
	CHECK(!toe_pcapng_begin(&p, f, "Linux 6.12", "toectl"));
	CHECK(toe_pcapng_interface(&p, "toe0", long_text, 262144) == 0);
	CHECK(toe_pcapng_interface(&p, "toe1", NULL, 262144) == 1);
	for (i = 0; i < FRAMES; i++) {
		struct toe_pcapng_frame fr = {
			.interface = i % 2,
			.sent = i % 2,
			.time_ns = START + i * STEP,
			.len = FRAME_LEN,
			.caplen = FRAME_LEN - i,	/* every padding */
			.dropped = i == 2 ? 7 : 0,
			.data = frame,
		};

		CHECK(!toe_pcapng_frame(&p, &fr));
	}
	CHECK(!toe_pcapng_stats(&p, &stats));
	CHECK(!fclose(f));
}

static uint8_t file[8192];
static size_t file_len;

static void read_file(void)
{
	FILE *f = fopen(path, "r");

	file_len = f ? fread(file, 1, sizeof(file), f) : 0;
	if (f)
		fclose(f);
}

static uint32_t u32(const uint8_t *at)
{
	uint32_t val;

	memcpy(&val, at, sizeof(val));
	return val;
}

/* The n-th block of a type, its body; checks the lengths on the way. */
static const uint8_t *block(uint32_t type, int n, uint32_t *body_len)
{
	const uint8_t *b = file;
	uint32_t len;

	while (b + 12 <= file + file_len) {
		len = u32(b + 4);
		if (len < 12 || len % 4 || b + len > file + file_len ||
		    u32(b + len - 4) != len)
			return NULL;
		if (u32(b) == type && !n--) {
			*body_len = len - 12;
			return b + 8;
		}
		b += len;
	}
	return NULL;
}

/* An option's value, behind the fixed part of a body */
static const uint8_t *option(const uint8_t *body, uint32_t len, uint32_t fixed,
			     uint16_t code, uint16_t *opt_len)
{
	const uint8_t *at = body + fixed;
	uint16_t head[2];

	while (at + 4 <= body + len) {
		memcpy(head, at, sizeof(head));
		if (at + 4 + head[1] > body + len || (!head[0] && head[1]))
			return NULL;
		if (head[0] == code) {
			*opt_len = head[1];
			return at + 4;
		}
		if (!head[0])
			return NULL;
		at += 4 + ((head[1] + 3) & ~3);
	}
	return NULL;
}

static void test_blocks(void)
{
	const uint8_t *b, *end = file;
	uint32_t len = 0, all = 0;

	CHECK(block(0x0a0d0d0a, 0, &len) == file + 8);
	CHECK(u32(file + 8) == 0x1a2b3c4d);
	while (all < file_len) {
		len = u32(end + 4);
		if (len < 12)
			break;
		all += len;
		end += len;
	}
	CHECK(all == file_len);
	b = block(1, 0, &len);
	CHECK(b && u32(b) == 1 && u32(b + 4) == 262144);
	CHECK(block(1, 1, &len) && !block(1, 2, &len));
	CHECK(block(6, FRAMES - 1, &len) && !block(6, FRAMES, &len));
	CHECK(block(5, 0, &len) && !block(5, 1, &len));
}

static void test_interface(void)
{
	const uint8_t *b, *opt;
	uint16_t n = 0;
	uint32_t len;

	b = block(1, 0, &len);
	CHECK(b);
	if (!b)
		return;
	opt = option(b, len, 8, 2, &n);
	CHECK(opt && n == 4 && !memcmp(opt, "toe0", 4));
	opt = option(b, len, 8, 3, &n);
	CHECK(opt && n == 255 && opt[0] == 'x' && opt[254] == 'x');
	opt = option(b, len, 8, 9, &n);
	CHECK(opt && n == 1 && *opt == 9);
}

static void test_frames(void)
{
	const uint8_t *b, *opt;
	uint64_t drops;
	uint16_t n;
	uint32_t len;
	int i;

	for (i = 0; i < FRAMES; i++) {
		uint32_t caplen = FRAME_LEN - i, fixed = 20 + ((caplen + 3) & ~3);

		b = block(6, i, &len);
		CHECK(b);
		if (!b)
			return;
		CHECK(u32(b) == (uint32_t)(i % 2));
		CHECK(((uint64_t)u32(b + 4) << 32 | u32(b + 8)) == START + i * STEP);
		CHECK(u32(b + 12) == caplen && u32(b + 16) == FRAME_LEN);
		CHECK(!memcmp(b + 20, frame, caplen));
		opt = option(b, len, fixed, 2, &n);
		CHECK(opt && n == 4 && u32(opt) == (i % 2 ? 2u : 1u));
		opt = option(b, len, fixed, 4, &n);
		CHECK(!opt == (i != 2));
		if (opt) {
			memcpy(&drops, opt, sizeof(drops));
			CHECK(n == 8 && drops == 7);
		}
	}
}

static void test_stats(void)
{
	static const struct {
		uint16_t code;
		uint64_t val;
	} want[] = { { 4, FRAMES + 7 }, { 5, 7 }, { 8, FRAMES } };
	const uint8_t *b, *opt;
	uint64_t val;
	uint16_t n;
	uint32_t len;

	b = block(5, 0, &len);
	CHECK(b);
	if (!b)
		return;
	CHECK(!u32(b));
	for (size_t i = 0; i < 3; i++) {
		opt = option(b, len, 12, want[i].code, &n);
		CHECK(opt && n == 8);
		if (!opt)
			return;
		memcpy(&val, opt, sizeof(val));
		CHECK(val == want[i].val);
	}
	opt = option(b, len, 12, 2, &n);
	CHECK(opt && ((uint64_t)u32(opt) << 32 | u32(opt + 4)) == START);
	opt = option(b, len, 12, 3, &n);
	CHECK(opt && ((uint64_t)u32(opt) << 32 | u32(opt + 4)) == START + 9);
}

/* What another reads in it */
static void test_tcpdump(void)
{
	static const char *const want[FRAMES] = {
		"1700000000.000000000 IP 10.77.0.1.4097 > 10.77.0.2.4098: Flags [.], seq 1000:1005, ack 2000, win 256, length 5",
		"1700000000.001234567 IP 10.77.0.1.4097 > 10.77.0.2.4098: Flags [.], seq 1000:1005, ack 2000, win 256, length 5",
		"1700000000.002469134 IP 10.77.0.1.4097 > 10.77.0.2.4098: Flags [.], seq 1000:1005, ack 2000, win 256, length 5",
	};
	char cmd[256], line[512];
	int n = 0, status;
	FILE *f;

	snprintf(cmd, sizeof(cmd),
		 "tcpdump -r %s -nnStt --time-stamp-precision=nano 2>&1", path);
	f = popen(cmd, "r");
	CHECK(f);
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (strstr(line, "reading from file"))
			continue;
		if (n < FRAMES && strcmp(line, want[n]))
			printf("# %s\n", line);
		CHECK(n < FRAMES && !strcmp(line, want[n]));
		n++;
	}
	status = pclose(f);
	CHECK(!status && n == FRAMES);
}

/* A full disk is an error, not a short file. */
static void test_full(void)
{
	struct toe_pcapng_frame fr = { .len = FRAME_LEN, .caplen = FRAME_LEN,
				       .data = frame };
	FILE *f = fopen("/dev/full", "w");
	struct toe_pcapng p;
	int err, i;

	CHECK(f);
	if (!f)
		return;
	err = toe_pcapng_begin(&p, f, NULL, "toectl");
	for (i = 0; !err && i < 10000; i++)
		err = toe_pcapng_frame(&p, &fr);
	CHECK(err == -ENOSPC);
	fclose(f);
}

int main(void)
{
	static const struct test tests[] = {
		{ "blocks have true lengths", test_blocks },
		{ "an interface has its name and nanoseconds", test_interface },
		{ "a frame has its time, lengths, direction and drops", test_frames },
		{ "statistics count frames and drops", test_stats },
		{ "tcpdump reads it", test_tcpdump },
		{ "a full disk is an error", test_full },
	};
	int failed;

	write_file();
	read_file();
	failed = run_tests(tests, sizeof(tests) / sizeof(tests[0]));
	unlink(path);
	return failed;
}
