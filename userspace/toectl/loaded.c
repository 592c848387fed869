// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <toe/policy.h>
#include "loaded.h"

/* libbpf's warnings of the current call; shown only when it fails. */
static char libbpf_words[4096];

static int keep_words(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	size_t used = strlen(libbpf_words);

	if (level == LIBBPF_WARN)
		vsnprintf(libbpf_words + used, sizeof(libbpf_words) - used, fmt, ap);
	return 0;
}

void bpf_quiet(void)
{
	libbpf_words[0] = '\0';
	libbpf_set_print(keep_words);
}

int fail_bpf(const struct ctl *ctl, const char *step, int err)
{
	static const char *const kfuncs[] = { "bpf_toe_signal", "bpf_toe_policy" };
	char *line, *rest = libbpf_words;
	unsigned int i;

	/* toe.ko being there, this build's kfuncs may be unknown to it all the same. */
	for (i = 0; err == -ESRCH && i < 2; i++)
		if (strstr(libbpf_words, kfuncs[i]))
			return fail(ctl, "module toe does not offer %s(), or its BTF is missing",
				    kfuncs[i]);
	while ((line = strsep(&rest, "\n")))
		if (*line)
			fprintf(stderr, "%s\n", line);
	return fail(ctl, "%s: %s", step, strerror(-err));
}

static int find_prog(struct loaded *l)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);

	if (bpf_link_get_info_by_fd(l->link, &info, &len))
		return -errno;
	l->cgroup = info.cgroup.cgroup_id;
	l->prog = bpf_prog_get_fd_by_id(info.prog_id);
	return l->prog < 0 ? -errno : 0;
}

static int find_maps(struct loaded *l)
{
	__u32 ids[LOADED_MAPS_MAX];
	struct bpf_prog_info info = {
		.nr_map_ids = LOADED_MAPS_MAX,
		.map_ids = (__u64)(unsigned long)ids,
	};
	struct bpf_map_info map;
	__u32 len = sizeof(info), i;

	if (bpf_prog_get_info_by_fd(l->prog, &info, &len))
		return -errno;
	for (i = 0; i < info.nr_map_ids && i < LOADED_MAPS_MAX; i++) {
		int fd = bpf_map_get_fd_by_id(ids[i]);

		if (fd < 0)
			return -errno;
		l->maps[l->n++].fd = fd;
		memset(&map, 0, sizeof(map));
		len = sizeof(map);
		if (bpf_map_get_info_by_fd(fd, &map, &len))
			return -errno;
		memcpy(l->maps[i].name, map.name, sizeof(map.name));
	}
	return 0;
}

int loaded_open(const struct ctl *ctl, struct loaded *l)
{
	int err;

	memset(l, 0, sizeof(*l));
	l->prog = -1;
	l->link = bpf_obj_get(TOE_PIN_CLASSIFY);
	if (l->link < 0 && errno == ENOENT)
		return fail(ctl, "the classifier is not loaded (toectl load)");
	if (l->link < 0)
		return fail(ctl, TOE_PIN_CLASSIFY ": %s", strerror(errno));
	err = find_prog(l);
	if (!err)
		err = find_maps(l);
	if (!err)
		return EXIT_OK;
	loaded_close(l);
	return fail(ctl, "the loaded classifier: %s", strerror(-err));
}

void loaded_close(struct loaded *l)
{
	while (l->n)
		close(l->maps[--l->n].fd);
	if (l->prog >= 0)
		close(l->prog);
	close(l->link);
}

int loaded_map(const struct loaded *l, const char *name)
{
	unsigned int i;

	for (i = 0; i < l->n; i++)
		if (!strcmp(l->maps[i].name, name))
			return l->maps[i].fd;
	return -1;
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

int loaded_share(const struct ctl *ctl, const struct loaded *l,
		 struct bpf_object *obj, const char *const *only)
{
	struct bpf_map *map;
	int fd, err;

	bpf_object__for_each_map(map, obj) {
		if (only && !is_one_of(bpf_map__name(map), only))
			continue;
		fd = loaded_map(l, bpf_map__name(map));
		if (fd < 0 && only)
			return fail(ctl, "the loaded classifier has no map '%s'",
				    bpf_map__name(map));
		if (fd < 0)
			continue;
		err = bpf_map__reuse_fd(map, fd);
		if (err)
			return fail_bpf(ctl, bpf_map__name(map), err);
	}
	return EXIT_OK;
}
