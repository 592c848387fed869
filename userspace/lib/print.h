/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One call prints a value in both forms: as a member of a JSON object, or
 * through a format in a text line. A NULL format leaves it out of the text; a
 * NULL key makes it an array's element.
 */
#ifndef _TOE_LIB_PRINT_H
#define _TOE_LIB_PRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/**
 * struct toe_out - where output goes and in which form
 * @file: where to
 * @json: JSON instead of text
 * @pretty: JSON with line breaks and indentation
 * @depth: open objects and arrays
 * @comma: something stands before in the innermost of them
 */
struct toe_out {
	FILE *file;
	bool json;
	bool pretty;
	unsigned int depth;
	bool comma;
};

/**
 * toe_out_open() - begin a JSON object or array; nothing in text
 * @out: the output
 * @key: its name in the enclosing object, or NULL
 * @bracket: '{' or '['
 *
 * The outermost one is a line of its own.
 */
void toe_out_open(struct toe_out *out, const char *key, char bracket);

/**
 * toe_out_close() - end what toe_out_open() began
 * @out: the output
 * @bracket: '}' or ']'
 */
void toe_out_close(struct toe_out *out, char bracket);

/**
 * toe_out_str() - print a string
 * @out: the output
 * @key: JSON member
 * @fmt: format with one %s for text, or NULL
 * @val: the string; NULL is JSON's null and nothing in text
 */
void toe_out_str(struct toe_out *out, const char *key, const char *fmt,
		 const char *val);

/**
 * toe_out_u64() - print a number
 * @out: the output
 * @key: JSON member
 * @fmt: format with one PRIu64 for text, or NULL
 * @val: the number
 */
void toe_out_u64(struct toe_out *out, const char *key, const char *fmt,
		 uint64_t val);

/**
 * toe_out_bytes() - print a number of bytes, for a person with its unit
 * @out: the output
 * @key: JSON member
 * @fmt: format with one %s for text, or NULL
 * @val: bytes
 */
void toe_out_bytes(struct toe_out *out, const char *key, const char *fmt,
		   uint64_t val);

/**
 * toe_out_ns() - print a time span, for a person with its unit
 * @out: the output
 * @key: JSON member
 * @fmt: format with one %s for text, or NULL
 * @val: nanoseconds
 */
void toe_out_ns(struct toe_out *out, const char *key, const char *fmt,
		uint64_t val);

/**
 * toe_out_bool() - print a truth value, "yes" or "no" in text
 * @out: the output
 * @key: JSON member
 * @fmt: format with one %s for text, or NULL
 * @val: the value
 */
void toe_out_bool(struct toe_out *out, const char *key, const char *fmt, bool val);

/**
 * toe_out_null() - print JSON's null; nothing in text
 * @out: the output
 * @key: JSON member
 */
void toe_out_null(struct toe_out *out, const char *key);

/**
 * toe_out_text() - print words that belong to the text alone
 * @out: the output
 * @text: the words
 */
void toe_out_text(struct toe_out *out, const char *text);

#endif /* _TOE_LIB_PRINT_H */
