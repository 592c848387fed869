// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "policy_words.h"

#define NETNS_DIR "/run/netns"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

int toe_cgroup_root(char *path, size_t len)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *entry;
	int err = -ENOENT;

	if (!mounts)
		return -ENOENT;
	while (err && (entry = getmntent(mounts))) {
		if (strcmp(entry->mnt_type, "cgroup2") ||
		    strlen(entry->mnt_dir) >= len)
			continue;
		strcpy(path, entry->mnt_dir);
		err = 0;
	}
	endmntent(mounts);
	return err;
}

int toe_cgroup_id(const char *path, uint64_t *id)
{
	char full[PATH_MAX];
	struct stat st;
	size_t len;

	if (toe_cgroup_root(full, sizeof(full)))
		return -ENODEV;
	len = strlen(full);
	if (len + strlen(path) >= sizeof(full))
		return -ENAMETOOLONG;
	strcpy(full + len, path);
	if (stat(full, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	*id = st.st_ino;
	return 0;
}

/* The path of an open cgroup behind @root. */
static int path_of(int fd, const char *root, char *path, size_t len)
{
	char link[32], full[PATH_MAX];
	size_t skip = strlen(root);
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, full, sizeof(full) - 1);
	if (n < 0)
		return -errno;
	full[n] = 0;
	if (strncmp(full, root, skip))
		return -ESTALE;
	if ((size_t)snprintf(path, len, "%s", full[skip] ? full + skip : "/") >= len)
		return -ENAMETOOLONG;
	return 0;
}

/* A cgroup's number is all that a file handle of its file system holds. */
int toe_cgroup_path(uint64_t id, char *path, size_t len)
{
	struct {
		struct file_handle head;
		char id[sizeof(uint64_t)];
	} handle = {
		.head = { .handle_bytes = sizeof(id), .handle_type = 0xfe },
	};
	char root[PATH_MAX];
	int mount, fd, err;

	if (toe_cgroup_root(root, sizeof(root)))
		return -ENODEV;
	mount = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount < 0)
		return -errno;
	memcpy(handle.id, &id, sizeof(id));
	fd = open_by_handle_at(mount, &handle.head, O_RDONLY | O_CLOEXEC);
	err = fd < 0 ? -errno : path_of(fd, root, path, len);
	if (fd >= 0)
		close(fd);
	close(mount);
	return err;
}

int user_id(const char *name, uint32_t *uid)
{
	struct passwd pw, *found;
	char buf[16384];
	int err;

	err = getpwnam_r(name, &pw, buf, sizeof(buf), &found);
	if (!found)
		return err ? -err : -ENOENT;
	*uid = found->pw_uid;
	return 0;
}

/* What the thread gets and gives; @fd is a network namespace. */
struct cookie_job {
	int fd;
	int err;
	uint64_t cookie;
};

static int own_cookie(uint64_t *cookie)
{
	int sk = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*cookie);
	int err = 0;

	if (sk < 0)
		return -errno;
	if (getsockopt(sk, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &len))
		err = -errno;
	close(sk);
	return err;
}

static void *ask_cookie(void *data)
{
	struct cookie_job *job = data;

	job->err = setns(job->fd, CLONE_NEWNET) ? -errno : own_cookie(&job->cookie);
	return NULL;
}

/*
 * Only a socket of the namespace tells its cookie. A thread goes there: it need
 * not come back, and the caller stays where he is whatever happens.
 */
int toe_netns_cookie(const char *name, uint64_t *cookie)
{
	char path[sizeof(NETNS_DIR) + TOE_RULE_NETNS_LEN + 1];
	struct cookie_job job = { 0 };
	pthread_t thread;
	int err;

	if (!name)
		return own_cookie(cookie);
	if (snprintf(path, sizeof(path), NETNS_DIR "/%s", name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	job.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (job.fd < 0)
		return -errno;
	err = -pthread_create(&thread, NULL, ask_cookie, &job);
	if (!err) {
		pthread_join(thread, NULL);
		err = job.err;
	}
	close(job.fd);
	if (!err)
		*cookie = job.cookie;
	return err;
}
