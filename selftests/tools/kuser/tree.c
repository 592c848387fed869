// SPDX-License-Identifier: GPL-2.0-only
/*
 * tree - makes a tree of files: many small ones, some of about a mebibyte, three
 * large ones. No two are alike, and each byte says where in which file it belongs.
 *
 * Usage: tree DIR MIB SEED
 */
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../actor/pattern.h"

#define MIB		(1ULL << 20)
#define DIRS		8
#define LARGE		3

static void make_dir(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		error(1, errno, "%s", path);
}

static void make_file(const char *dir, unsigned int n, uint64_t size, uint64_t seed)
{
	static uint8_t buf[MIB];
	char path[4096];
	uint64_t at;
	size_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/d%u", dir, n % DIRS);
	make_dir(path);
	snprintf(path, sizeof(path), "%s/d%u/e%u", dir, n % DIRS, n % 3);
	make_dir(path);
	snprintf(path, sizeof(path), "%s/d%u/e%u/f%u", dir, n % DIRS, n % 3, n);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		error(1, errno, "%s", path);
	for (at = 0; at < size; at += len) {
		len = size - at < sizeof(buf) ? size - at : sizeof(buf);
		pattern_fill(buf, len, at, seed << 20 | n);
		if (write(fd, buf, len) != (ssize_t)len)
			error(1, errno, "%s", path);
	}
	if (close(fd))
		error(1, errno, "%s", path);
}

int main(int argc, char **argv)
{
	uint64_t left, mib, size, seed;
	unsigned int n = 0, i;

	if (argc != 4)
		error(2, 0, "usage: tree DIR MIB SEED");
	mib = strtoull(argv[2], NULL, 0);
	seed = strtoull(argv[3], NULL, 0);
	if (mib < 8)
		error(2, 0, "'%s' is less than 8 MiB", argv[2]);
	make_dir(argv[1]);
	left = mib * MIB;
	for (i = 0; i < mib; i++) {
		size = i * 7919 % 65536;
		make_file(argv[1], n++, size, seed);
		left -= size;
	}
	for (i = 0; i < mib / 12; i++) {
		size = MIB - 333 + i * 91;
		make_file(argv[1], n++, size, seed);
		left -= size;
	}
	for (i = 0; i < LARGE; i++)
		make_file(argv[1], n++, left / LARGE + (i ? 0 : left % LARGE), seed);
	printf("%u files\n", n);
	return 0;
}
