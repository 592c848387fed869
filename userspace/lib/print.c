// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include "print.h"
#include "units.h"

static void newline(struct toe_out *out)
{
	if (!out->pretty)
		return;
	fputc('\n', out->file);
	for (unsigned int i = 0; i < out->depth; i++)
		fputs("  ", out->file);
}

static void quote(struct toe_out *out, const char *text)
{
	fputc('"', out->file);
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			fprintf(out->file, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out->file, "\\u%04x", c);
		else
			fputc(c, out->file);
	}
	fputc('"', out->file);
}

/* Everything that stands before a value: comma, line break, name. */
static void before(struct toe_out *out, const char *key)
{
	if (out->comma)
		fputc(',', out->file);
	if (out->depth)
		newline(out);
	if (key) {
		quote(out, key);
		fputs(out->pretty ? ": " : ":", out->file);
	}
	out->comma = true;
}

void toe_out_open(struct toe_out *out, const char *key, char bracket)
{
	if (!out->json)
		return;
	before(out, key);
	fputc(bracket, out->file);
	out->depth++;
	out->comma = false;
}

void toe_out_close(struct toe_out *out, char bracket)
{
	if (!out->json)
		return;
	out->depth--;
	if (out->comma)
		newline(out);
	fputc(bracket, out->file);
	out->comma = out->depth;
	if (!out->depth)
		fputc('\n', out->file);
}

void toe_out_str(struct toe_out *out, const char *key, const char *fmt,
		 const char *val)
{
	if (!val) {
		toe_out_null(out, key);
	} else if (out->json) {
		before(out, key);
		quote(out, val);
	} else if (fmt) {
		fprintf(out->file, fmt, val);
	}
}

void toe_out_u64(struct toe_out *out, const char *key, const char *fmt,
		 uint64_t val)
{
	if (out->json) {
		before(out, key);
		fprintf(out->file, "%" PRIu64, val);
	} else if (fmt) {
		fprintf(out->file, fmt, val);
	}
}

void toe_out_bytes(struct toe_out *out, const char *key, const char *fmt,
		   uint64_t val)
{
	char buf[TOE_UNIT_LEN];

	if (out->json)
		toe_out_u64(out, key, NULL, val);
	else
		toe_out_str(out, key, fmt, toe_format_bytes(buf, sizeof(buf), val));
}

void toe_out_ns(struct toe_out *out, const char *key, const char *fmt,
		uint64_t val)
{
	char buf[TOE_UNIT_LEN];

	if (out->json)
		toe_out_u64(out, key, NULL, val);
	else
		toe_out_str(out, key, fmt, toe_format_ns(buf, sizeof(buf), val));
}

void toe_out_bool(struct toe_out *out, const char *key, const char *fmt, bool val)
{
	if (out->json) {
		before(out, key);
		fputs(val ? "true" : "false", out->file);
	} else if (fmt) {
		fprintf(out->file, fmt, val ? "yes" : "no");
	}
}

void toe_out_null(struct toe_out *out, const char *key)
{
	if (!out->json)
		return;
	before(out, key);
	fputs("null", out->file);
}

void toe_out_text(struct toe_out *out, const char *text)
{
	if (!out->json)
		fputs(text, out->file);
}
