/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers as people write and read them.
 */
#ifndef _TOE_LIB_UNITS_H
#define _TOE_LIB_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define TOE_UNIT_LEN	24	/* room for any formatted number */

/**
 * toe_parse_u32() - read a plain decimal number
 * @word: the text; digits only, nothing before or after them
 * @val: the result
 *
 * Return: 0, -EINVAL when it is no number, -ERANGE when it does not fit.
 */
int toe_parse_u32(const char *word, uint32_t *val);

/**
 * toe_parse_bytes() - read a number of bytes
 * @word: digits, then nothing or a unit: B, K, KiB, M, MiB, G, GiB, T, TiB in
 *	upper or lower case, powers of 1024 all; or kB, MB, GB, TB in any case,
 *	powers of 1000
 * @val: the result
 *
 * Return: 0, -EINVAL when it is no such number, -ERANGE when it does not fit.
 */
int toe_parse_bytes(const char *word, uint64_t *val);

/**
 * toe_parse_ms() - read a time span
 * @word: digits, then nothing (milliseconds), "ms" or "s"
 * @val: the result, milliseconds
 *
 * Return: 0, -EINVAL when it is no such number, -ERANGE when it does not fit.
 */
int toe_parse_ms(const char *word, uint32_t *val);

/**
 * toe_parse_rate() - read a rate as iproute2 writes rates
 * @word: digits, then nothing or a unit in upper or lower case: bit, kbit, mbit,
 *	gbit, tbit (powers of 1000), kibit, mibit, gibit, tibit (powers of 1024);
 *	or bps, kbps, mbps, gbps, tbps, kibps, mibps, gibps, tibps, which are
 *	bytes per second. No unit: bits per second
 * @val: the result, bytes per second, rounded up
 *
 * Return: 0, -EINVAL when it is no such number, -ERANGE when it does not fit.
 */
int toe_parse_rate(const char *word, uint64_t *val);

/**
 * toe_parse_mark() - read a mark
 * @word: NUMBER or NUMBER/MASK, decimal or hexadecimal behind "0x"
 * @mark: the result, no bit outside of @mask
 * @mask: the bits that count, not 0; all when none are named
 * @why: what is wrong with it, to stand behind "is not a mark"
 *
 * Return: 0 or -EINVAL.
 */
int toe_parse_mark(const char *word, uint32_t *mark, uint32_t *mask,
		   const char **why);

/**
 * toe_write_bytes() - write a number of bytes so that toe_parse_bytes() reads
 *	exactly it
 * @buf: where to
 * @len: its size, TOE_UNIT_LEN is always enough
 * @bytes: the number
 *
 * Return: @buf.
 */
const char *toe_write_bytes(char *buf, size_t len, uint64_t bytes);

/**
 * toe_write_rate() - write a rate so that toe_parse_rate() reads exactly it
 * @buf: where to
 * @len: its size, TOE_UNIT_LEN is always enough
 * @rate: bytes per second
 *
 * Return: @buf.
 */
const char *toe_write_rate(char *buf, size_t len, uint64_t rate);

/**
 * toe_write_ms() - write a time span so that toe_parse_ms() reads exactly it
 * @buf: where to
 * @len: its size, TOE_UNIT_LEN is always enough
 * @ms: milliseconds
 *
 * Return: @buf.
 */
const char *toe_write_ms(char *buf, size_t len, uint32_t ms);

/**
 * toe_format_bytes() - write a number of bytes for a person
 * @buf: where to
 * @len: its size, TOE_UNIT_LEN is always enough
 * @bytes: the number
 *
 * Return: @buf.
 */
const char *toe_format_bytes(char *buf, size_t len, uint64_t bytes);

/**
 * toe_format_rate() - write a rate for a person
 * @buf: where to
 * @len: its size, TOE_UNIT_LEN is always enough
 * @rate: bytes per second
 *
 * Return: @buf, such as "12.3mbit".
 */
const char *toe_format_rate(char *buf, size_t len, uint64_t rate);

/**
 * toe_format_ns() - write a time span for a person
 * @buf: where to
 * @len: its size, TOE_UNIT_LEN is always enough
 * @ns: nanoseconds
 *
 * Return: @buf.
 */
const char *toe_format_ns(char *buf, size_t len, uint64_t ns);

#endif /* _TOE_LIB_UNITS_H */
