// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "netns.h"
#include "units.h"

#define NAMES "/run/netns"

/* Namespaces, open and no two alike */
struct list {
	struct {
		dev_t dev;
		ino_t ino;
		int fd;
	} *ns;
	size_t n;
};

/* A process may be gone by now, a name may be none: such are passed over. */
static bool add(struct list *list, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *ns;
	size_t i;

	if (fd < 0)
		return true;
	if (fstat(fd, &st)) {
		close(fd);
		return true;
	}
	for (i = 0; i < list->n; i++) {
		if (list->ns[i].ino == st.st_ino && list->ns[i].dev == st.st_dev) {
			close(fd);
			return true;
		}
	}
	ns = realloc(list->ns, (list->n + 1) * sizeof(*list->ns));
	if (!ns) {
		close(fd);
		return false;
	}
	list->ns = ns;
	list->ns[list->n].dev = st.st_dev;
	list->ns[list->n].ino = st.st_ino;
	list->ns[list->n++].fd = fd;
	return true;
}

static bool add_folder(struct list *list, const char *folder, bool processes)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[512];
	bool ok = true;

	if (!dir)
		return true;
	while (ok && (entry = readdir(dir))) {
		if (processes ? !isdigit((unsigned char)*entry->d_name) :
				*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", folder, entry->d_name,
			 processes ? "/ns/net" : "");
		ok = add(list, path);
	}
	closedir(dir);
	return ok;
}

static int visit(const struct ctl *ctl, const struct list *list,
		 int (*fn)(const struct ctl *ctl, void *arg), void *arg)
{
	int ret = EXIT_OK;
	size_t i;

	for (i = 0; ret == EXIT_OK && i < list->n; i++)
		/* A name under which there is no namespace (any more) */
		if (!setns(list->ns[i].fd, CLONE_NEWNET))
			ret = fn(ctl, arg);
		else if (errno != EINVAL)
			ret = fail(ctl, "setns: %s", strerror(errno));
	return ret;
}

static void list_free(struct list *list)
{
	while (list->n)
		close(list->ns[--list->n].fd);
	free(list->ns);
}

static bool add_all(struct list *list)
{
	return add(list, "/proc/self/ns/net") && add_folder(list, "/proc", true) &&
	       add_folder(list, NAMES, false);
}

int netns_each(const struct ctl *ctl, int (*fn)(const struct ctl *ctl, void *arg),
	       void *arg)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct list list = {};
	int ret;

	if (home < 0)
		return fail(ctl, "/proc/self/ns/net: %s", strerror(errno));
	if (!add_all(&list))
		ret = fail(ctl, "%s", strerror(ENOMEM));
	else
		ret = visit(ctl, &list, fn, arg);
	if (setns(home, CLONE_NEWNET))
		ret = fail(ctl, "setns: %s", strerror(errno));
	list_free(&list);
	close(home);
	return ret;
}

static int enter(const struct ctl *ctl, const char *word, int fd)
{
	if (setns(fd, CLONE_NEWNET))
		return fail(ctl, "network namespace '%s': %s", word, strerror(errno));
	return EXIT_OK;
}

static int enter_number(const struct ctl *ctl, const char *word, ino_t ino)
{
	struct list list = {};
	int ret = EXIT_FAIL;
	size_t i;

	if (!add_all(&list)) {
		list_free(&list);
		return fail(ctl, "%s", strerror(ENOMEM));
	}
	for (i = 0; i < list.n && list.ns[i].ino != ino; i++)
		;
	if (i == list.n)
		fail(ctl, "network namespace '%s': no process is in it, and it has no name",
		     word);
	else if (i == 0)	/* our own: needs no privilege */
		ret = EXIT_OK;
	else
		ret = enter(ctl, word, list.ns[i].fd);
	list_free(&list);
	return ret;
}

int netns_enter(const struct ctl *ctl, const char *word)
{
	char path[PATH_MAX];
	uint32_t number;
	int fd, ret;

	snprintf(path, sizeof(path), NAMES "/%s", word);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && !toe_parse_u32(word, &number))
		return enter_number(ctl, word, number);
	if (fd < 0)
		return fail(ctl, "network namespace '%s': %s", word, strerror(errno));
	ret = enter(ctl, word, fd);
	close(fd);
	return ret;
}
