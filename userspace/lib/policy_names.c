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

int cgroup_exists(const char *path)
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
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
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

static void *ask_cookie(void *data)
{
	struct cookie_job *job = data;
	socklen_t len = sizeof(job->cookie);
	int sk;

	if (setns(job->fd, CLONE_NEWNET)) {
		job->err = -errno;
		return NULL;
	}
	sk = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sk < 0) {
		job->err = -errno;
		return NULL;
	}
	if (getsockopt(sk, SOL_SOCKET, SO_NETNS_COOKIE, &job->cookie, &len))
		job->err = -errno;
	close(sk);
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
