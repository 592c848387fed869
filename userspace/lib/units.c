// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "units.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct unit {
	const char *word;
	uint64_t factor;
};

static const struct unit byte_units[] = {
	{ "",	 1 },
	{ "b",	 1 },
	{ "k",	 1ULL << 10 },
	{ "kib", 1ULL << 10 },
	{ "m",	 1ULL << 20 },
	{ "mib", 1ULL << 20 },
	{ "g",	 1ULL << 30 },
	{ "gib", 1ULL << 30 },
	{ "t",	 1ULL << 40 },
	{ "tib", 1ULL << 40 },
	{ "kb",	 1000ULL },
	{ "mb",	 1000000ULL },
	{ "gb",	 1000000000ULL },
	{ "tb",	 1000000000000ULL },
};

static const struct unit time_units[] = {
	{ "",	1 },
	{ "ms",	1 },
	{ "s",	1000 },
};

/* Bits per second */
static const struct unit bit_units[] = {
	{ "",	   1 },
	{ "bit",   1 },
	{ "kbit",  1000ULL },
	{ "mbit",  1000000ULL },
	{ "gbit",  1000000000ULL },
	{ "tbit",  1000000000000ULL },
	{ "kibit", 1ULL << 10 },
	{ "mibit", 1ULL << 20 },
	{ "gibit", 1ULL << 30 },
	{ "tibit", 1ULL << 40 },
};

/* Bytes per second */
static const struct unit bps_units[] = {
	{ "bps",   1 },
	{ "kbps",  1000ULL },
	{ "mbps",  1000000ULL },
	{ "gbps",  1000000000ULL },
	{ "tbps",  1000000000000ULL },
	{ "kibps", 1ULL << 10 },
	{ "mibps", 1ULL << 20 },
	{ "gibps", 1ULL << 30 },
	{ "tibps", 1ULL << 40 },
};

/* Digits first: strtoull() alone would take blanks and signs. */
static int parse_digits(const char *word, uint64_t *val, const char **rest)
{
	char *end;

	if (!isdigit((unsigned char)*word))
		return -EINVAL;
	errno = 0;
	*val = strtoull(word, &end, 10);
	*rest = end;
	return errno ? -ERANGE : 0;
}

static int parse_unit(const char *word, const struct unit *units, size_t n,
		      uint64_t *val)
{
	const char *rest;
	uint64_t digits;
	int err;

	err = parse_digits(word, &digits, &rest);
	if (err == -EINVAL)
		return err;
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(rest, units[i].word))
			continue;
		if (err || __builtin_mul_overflow(digits, units[i].factor, val))
			return -ERANGE;
		return 0;
	}
	return -EINVAL;
}

int toe_parse_u32(const char *word, uint32_t *val)
{
	const char *rest;
	uint64_t wide;
	int err;

	err = parse_digits(word, &wide, &rest);
	if (err == -EINVAL || *rest)
		return -EINVAL;
	if (err || wide > UINT32_MAX)
		return -ERANGE;
	*val = wide;
	return 0;
}

int toe_parse_bytes(const char *word, uint64_t *val)
{
	return parse_unit(word, byte_units, ARRAY_SIZE(byte_units), val);
}

int toe_parse_ms(const char *word, uint32_t *val)
{
	uint64_t wide;
	int err;

	err = parse_unit(word, time_units, ARRAY_SIZE(time_units), &wide);
	if (err)
		return err;
	if (wide > UINT32_MAX)
		return -ERANGE;
	*val = wide;
	return 0;
}

int toe_parse_rate(const char *word, uint64_t *val)
{
	uint64_t bits;
	int err;

	err = parse_unit(word, bps_units, ARRAY_SIZE(bps_units), val);
	if (err != -EINVAL)
		return err;
	err = parse_unit(word, bit_units, ARRAY_SIZE(bit_units), &bits);
	if (err)
		return err;
	*val = bits / 8 + !!(bits % 8);
	return 0;
}

/* The largest unit that leaves no rest. */
static const char *write_unit(char *buf, size_t len, uint64_t val, uint64_t base,
			      const char *const *units, unsigned int n)
{
	unsigned int i = 0;

	while (val && i + 1 < n && !(val % base)) {
		val /= base;
		i++;
	}
	snprintf(buf, len, "%" PRIu64 "%s", val, units[i]);
	return buf;
}

const char *toe_write_bytes(char *buf, size_t len, uint64_t bytes)
{
	static const char *const binary[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	static const char *const decimal[] = { "B", "kB", "MB", "GB", "TB" };

	if (bytes % 1024 && !(bytes % 1000))
		return write_unit(buf, len, bytes, 1000, decimal,
				  ARRAY_SIZE(decimal));
	return write_unit(buf, len, bytes, 1024, binary, ARRAY_SIZE(binary));
}

const char *toe_write_rate(char *buf, size_t len, uint64_t rate)
{
	static const char *const bits[] = { "bit", "kbit", "mbit", "gbit", "tbit" };
	static const char *const bytes[] = { "bps", "kbps", "mbps", "gbps", "tbps" };
	uint64_t wide;

	if (__builtin_mul_overflow(rate, 8, &wide))
		return write_unit(buf, len, rate, 1000, bytes, ARRAY_SIZE(bytes));
	return write_unit(buf, len, wide, 1000, bits, ARRAY_SIZE(bits));
}

const char *toe_write_ms(char *buf, size_t len, uint32_t ms)
{
	static const char *const units[] = { "ms", "s" };

	return write_unit(buf, len, ms, 1000, units, ARRAY_SIZE(units));
}

const char *toe_format_bytes(char *buf, size_t len, uint64_t bytes)
{
	static const char prefix[] = "KMGTPE";
	double scaled = bytes;
	int i = -1;

	/* 1023.95 would be printed as 1024.0 of the smaller unit */
	while (scaled >= (i < 0 ? 1024.0 : 1023.95)) {
		scaled /= 1024.0;
		i++;
	}
	if (i < 0)
		snprintf(buf, len, "%" PRIu64 "B", bytes);
	else
		snprintf(buf, len, "%.1f%ciB", scaled, prefix[i]);
	return buf;
}

const char *toe_format_rate(char *buf, size_t len, uint64_t rate)
{
	static const char *const units[] = { "bit", "kbit", "mbit", "gbit", "tbit" };
	double scaled = rate * 8.0;
	unsigned int i = 0;

	/* 999.95 would be printed as 1000.0 of the smaller unit */
	while (i + 1 < ARRAY_SIZE(units) && scaled >= (i ? 999.95 : 1000.0)) {
		scaled /= 1000.0;
		i++;
	}
	snprintf(buf, len, i ? "%.1f%s" : "%.0f%s", scaled, units[i]);
	return buf;
}

const char *toe_format_ns(char *buf, size_t len, uint64_t ns)
{
	uint64_t sec = ns / 1000000000;

	if (ns < 1000)
		snprintf(buf, len, "%" PRIu64 "ns", ns);
	else if (ns < 1000000)
		snprintf(buf, len, "%.1fus", ns / 1e3);
	else if (ns < 1000000000)
		snprintf(buf, len, "%.1fms", ns / 1e6);
	else if (sec < 60)
		snprintf(buf, len, "%.1fs", ns / 1e9);
	else if (sec < 3600)
		snprintf(buf, len, "%" PRIu64 "m%02" PRIu64 "s",
			 sec / 60, sec % 60);
	else
		snprintf(buf, len, "%" PRIu64 "h%02" PRIu64 "m",
			 sec / 3600, sec / 60 % 60);
	return buf;
}

/* Decimal, or hexadecimal behind 0x. */
static bool is_number(const char *word, uint32_t *val)
{
	char *end;
	uint64_t wide;

	if (strncmp(word, "0x", 2) && strncmp(word, "0X", 2))
		return !toe_parse_u32(word, val);
	if (!word[2] || strspn(word + 2, "0123456789abcdefABCDEF") != strlen(word + 2))
		return false;
	errno = 0;
	wide = strtoull(word + 2, &end, 16);
	*val = wide;
	return !errno && wide <= UINT32_MAX;
}

int toe_parse_mark(const char *word, uint32_t *mark, uint32_t *mask,
		   const char **why)
{
	size_t len = strcspn(word, "/");
	char value[32];

	*why = " (NUMBER or NUMBER/MASK)";
	if (len >= sizeof(value))
		return -EINVAL;
	memcpy(value, word, len);
	value[len] = 0;
	*mask = UINT32_MAX;
	if (!is_number(value, mark) ||
	    (word[len] && !is_number(word + len + 1, mask)))
		return -EINVAL;
	*why = ": its mask is zero, which asks nothing";
	if (!*mask)
		return -EINVAL;
	*why = ": bits of it are outside of its mask";
	return *mark & ~*mask ? -EINVAL : 0;
}
