// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lock.h"

#define NETNS_PATH	"/proc/self/ns/net"

static int fail(char *why, const char *path, int err)
{
	snprintf(why, LOCK_WHY_LEN, "%.200s: %s", path, strerror(-err));
	return err;
}

static int refuse(char *why, int fd)
{
	char pid[24] = "";

	if (pread(fd, pid, sizeof(pid) - 1, 0) < 0)
		pid[0] = 0;
	pid[strspn(pid, "0123456789")] = 0;
	snprintf(why, LOCK_WHY_LEN, "toed runs already in this network namespace%s%s%s",
		 *pid ? " (process " : "", pid, *pid ? ")" : "");
	return -EBUSY;
}

/* For a person, and for the words of who comes second. */
static void write_pid(int fd)
{
	char pid[24];
	int len = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());

	if (ftruncate(fd, 0) || pwrite(fd, pid, len, 0) < 0)
		return;
}

int lock_take(const char *dir, char *why)
{
	struct stat netns, held, there;
	char path[256];
	int fd, err;

	if (stat(NETNS_PATH, &netns))
		return fail(why, NETNS_PATH, -errno);
	if (mkdir(dir, 0755) && errno != EEXIST)
		return fail(why, dir, -errno);
	snprintf(path, sizeof(path), "%s/toed-%lu.lock", dir,
		 (unsigned long)netns.st_ino);
	for (;;) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return fail(why, path, -errno);
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			err = errno == EWOULDBLOCK ? refuse(why, fd) :
						     fail(why, path, -errno);
			close(fd);
			return err;
		}
		/* Somebody may have removed the file before it was locked. */
		if (!fstat(fd, &held) && !stat(path, &there) &&
		    held.st_ino == there.st_ino && held.st_dev == there.st_dev)
			break;
		close(fd);
	}
	write_pid(fd);
	return fd;
}
