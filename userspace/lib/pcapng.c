// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include "pcapng.h"

#define SECTION		0x0a0d0d0a
#define INTERFACE	1
#define STATISTICS	5
#define PACKET		6

#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define LINK_ETHERNET	1

/* Options (draft 3.5); the numbers count anew for each kind of block */
#define OPT_END		0
#define SHB_OS		3
#define SHB_APPLICATION	4
#define IF_NAME		2
#define IF_DESCRIPTION	3
#define IF_TSRESOL	9
#define EPB_FLAGS	2
#define EPB_DROPCOUNT	4
#define ISB_STARTTIME	2
#define ISB_ENDTIME	3
#define ISB_IFRECV	4
#define ISB_IFDROP	5
#define ISB_USRDELIV	8

#define FLAGS_INBOUND	1u
#define FLAGS_OUTBOUND	2u
#define NANOSECONDS	9	/* tsresol: a power of ten */

#define TEXT_MAX	255	/* bytes of a text option; more is cut off */

/* What a block has beside a frame's bytes: texts are the longest of it. */
struct block {
	uint32_t type;
	size_t len;
	uint8_t bytes[2 * (TEXT_MAX + 8) + 64];
};

static void put(struct block *b, const void *data, size_t len)
{
	static const uint8_t zero[4];
	size_t pad = -len & 3;

	memcpy(b->bytes + b->len, data, len);
	memcpy(b->bytes + b->len + len, zero, pad);
	b->len += len + pad;
}

static void put_u16(struct block *b, uint16_t first, uint16_t second)
{
	uint16_t both[2] = { first, second };

	put(b, both, sizeof(both));
}

static void put_u32(struct block *b, uint32_t val)
{
	put(b, &val, sizeof(val));
}

/* A time has its upper half first, whatever the byte order. */
static void put_time(struct block *b, uint64_t ns)
{
	put_u32(b, ns >> 32);
	put_u32(b, (uint32_t)ns);
}

static void put_option(struct block *b, uint16_t code, const void *data, size_t len)
{
	put_u16(b, code, len);
	put(b, data, len);
}

static void put_text(struct block *b, uint16_t code, const char *text)
{
	if (text)
		put_option(b, code, text, strnlen(text, TEXT_MAX));
}

static void put_option_u64(struct block *b, uint16_t code, uint64_t val)
{
	put_option(b, code, &val, sizeof(val));
}

static void put_option_time(struct block *b, uint16_t code, uint64_t ns)
{
	put_u16(b, code, sizeof(ns));
	put_time(b, ns);
}

/* Writes a block: what stands before the frame, the frame, the options. */
static int write_block(struct toe_pcapng *p, const struct block *head,
		       const void *data, size_t len, const struct block *options)
{
	static const uint8_t zero[4];
	size_t pad = -len & 3, tail = options ? options->len : 0;
	uint32_t total = 12 + head->len + len + pad + tail;
	const uint32_t begin[2] = { head->type, total };

	if (fwrite(begin, sizeof(begin), 1, p->file) != 1 ||
	    fwrite(head->bytes, 1, head->len, p->file) != head->len ||
	    fwrite(data, 1, len, p->file) != len ||
	    fwrite(zero, 1, pad, p->file) != pad ||
	    (tail && fwrite(options->bytes, 1, tail, p->file) != tail) ||
	    fwrite(&total, sizeof(total), 1, p->file) != 1)
		return errno ? -errno : -EIO;
	return 0;
}

static int write_head(struct toe_pcapng *p, struct block *b)
{
	put_u16(b, OPT_END, 0);
	return write_block(p, b, "", 0, NULL);
}

int toe_pcapng_begin(struct toe_pcapng *p, FILE *file, const char *os,
		     const char *application)
{
	struct block b = { .type = SECTION };

	p->file = file;
	p->interfaces = 0;
	put_u32(&b, BYTE_ORDER_MAGIC);
	put_u16(&b, 1, 0);		/* version */
	put_u32(&b, UINT32_MAX);	/* the section's length: not known */
	put_u32(&b, UINT32_MAX);
	put_text(&b, SHB_OS, os);
	put_text(&b, SHB_APPLICATION, application);
	return write_head(p, &b);
}

int toe_pcapng_interface(struct toe_pcapng *p, const char *name,
			 const char *description, uint32_t snaplen)
{
	struct block b = { .type = INTERFACE };
	uint8_t resolution = NANOSECONDS;
	int err;

	put_u16(&b, LINK_ETHERNET, 0);
	put_u32(&b, snaplen);
	put_text(&b, IF_NAME, name);
	put_text(&b, IF_DESCRIPTION, description);
	put_option(&b, IF_TSRESOL, &resolution, sizeof(resolution));
	err = write_head(p, &b);
	return err ? err : (int)p->interfaces++;
}

int toe_pcapng_frame(struct toe_pcapng *p, const struct toe_pcapng_frame *frame)
{
	uint32_t flags = frame->sent ? FLAGS_OUTBOUND : FLAGS_INBOUND;
	struct block b = { .type = PACKET }, options = {};

	put_u32(&b, frame->interface);
	put_time(&b, frame->time_ns);
	put_u32(&b, frame->caplen);
	put_u32(&b, frame->len);
	put_option(&options, EPB_FLAGS, &flags, sizeof(flags));
	if (frame->dropped)
		put_option_u64(&options, EPB_DROPCOUNT, frame->dropped);
	put_u16(&options, OPT_END, 0);
	return write_block(p, &b, frame->data, frame->caplen, &options);
}

int toe_pcapng_stats(struct toe_pcapng *p, const struct toe_pcapng_stats *stats)
{
	struct block b = { .type = STATISTICS };

	put_u32(&b, stats->interface);
	put_time(&b, stats->end_ns);
	put_option_time(&b, ISB_STARTTIME, stats->start_ns);
	put_option_time(&b, ISB_ENDTIME, stats->end_ns);
	put_option_u64(&b, ISB_IFRECV, stats->frames + stats->dropped);
	put_option_u64(&b, ISB_IFDROP, stats->dropped);
	put_option_u64(&b, ISB_USRDELIV, stats->frames);
	return write_head(p, &b);
}
