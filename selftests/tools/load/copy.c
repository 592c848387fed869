// SPDX-License-Identifier: GPL-2.0-only
/* What a copy between user space and page cache costs in calls of that size. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "load.h"

int copy(int argc, char **argv)
{
	uint64_t count = number(argv[2], 1ULL << 32), size = number(argv[3], BUFFER), begin;
	bool out = !strcmp(argv[0], "out");
	int fd = open(argv[1], O_RDWR | O_CLOEXEC);
	struct stat st;
	off_t at = 0;

	(void)argc;
	if (!out && strcmp(argv[0], "in")) {
		errno = EINVAL;
		die(argv[0]);
	}
	if (fd < 0 || fstat(fd, &st) || (uint64_t)st.st_size < size) {
		errno = errno ?: ENODATA;
		die(argv[1]);
	}
	begin = now_ns();
	MARK(1);
	for (uint64_t i = 0; i < count; i++) {
		ssize_t r = out ? pwrite(fd, buffer, size, at) : pread(fd, buffer, size, at);

		if (r != (ssize_t)size)
			die("the file");
		at = at + 2 * size <= (uint64_t)st.st_size ? at + size : 0;
	}
	MARK(2);
	done(count * size, begin);
	return 0;
}
