// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two pins: the configuration map and the link. The link is pinned last and
 * unpinned first, so whoever finds the link finds all of it. A map without a
 * link is what an interrupted load has left; the next load clears it away. A
 * lock on the file system's root lets one load or unload happen at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/magic.h>
#include <toe/bpf.h>
#include "classifier.h"
#include "classify.skel.h"

#define BPFFS "/sys/fs/bpf"

/* libbpf's warnings of the current call; shown only when it fails. */
static char libbpf_words[1024];

static int keep_words(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	size_t used = strlen(libbpf_words);

	if (level == LIBBPF_WARN)
		vsnprintf(libbpf_words + used, sizeof(libbpf_words) - used, fmt, ap);
	return 0;
}

static int fail_libbpf(const struct ctl *ctl, const char *step, int err)
{
	char *line, *rest = libbpf_words;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			fprintf(stderr, "%s\n", line);
	return fail(ctl, "%s: %s", step, strerror(-err));
}

static void unpin(void)
{
	unlink(TOE_PIN_CLASSIFY);
	unlink(TOE_PIN_CONFIG);
	rmdir(TOE_PIN_DIR);	/* not when somebody else has pins there */
}

/* Return: a descriptor whose end is the end of the lock, or -1. */
static int lock_pins(const struct ctl *ctl)
{
	struct statfs fs;
	int fd;

	fd = open(BPFFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		fail(ctl, BPFFS ": %s", strerror(errno));
		return -1;
	}
	if (!fstatfs(fd, &fs) && fs.f_type == BPF_FS_MAGIC && !flock(fd, LOCK_EX))
		return fd;
	fail(ctl, "no bpf file system at " BPFFS " (mount -t bpf bpf " BPFFS ")");
	close(fd);
	return -1;
}

static int prepare_pins(const struct ctl *ctl)
{
	if (!access(TOE_PIN_CLASSIFY, F_OK))
		return fail(ctl, "already loaded (toectl unload)");
	if (errno != ENOENT)
		return fail(ctl, TOE_PIN_CLASSIFY ": %s", strerror(errno));
	unlink(TOE_PIN_CONFIG);
	if (mkdir(TOE_PIN_DIR, 0700) && errno != EEXIST)
		return fail(ctl, TOE_PIN_DIR ": %s", strerror(errno));
	return EXIT_OK;
}

static int pin(const struct ctl *ctl, struct classify_bpf *skel, int cgroup)
{
	const struct toe_classify_config config = {
		.threshold = TOE_THRESHOLD_DEFAULT,
	};
	const __u32 key = 0;
	struct bpf_link *link;
	int err;

	err = bpf_map__update_elem(skel->maps.config, &key, sizeof(key), &config,
				   sizeof(config), BPF_ANY);
	if (err)
		return fail_libbpf(ctl, "set the threshold", err);
	err = bpf_map__pin(skel->maps.config, TOE_PIN_CONFIG);
	if (err)
		return fail_libbpf(ctl, "pin " TOE_PIN_CONFIG, err);
	link = bpf_program__attach_cgroup(skel->progs.classify, cgroup);
	if (!link)
		return fail_libbpf(ctl, "attach to the cgroup", -errno);
	err = bpf_link__pin(link, TOE_PIN_CLASSIFY);
	/* The pin keeps it; without a pin it goes here. */
	bpf_link__destroy(link);
	return err ? fail_libbpf(ctl, "pin " TOE_PIN_CLASSIFY, err) : EXIT_OK;
}

/* toe.ko being there, this build's kfunc may be unknown to it all the same. */
static int fail_load(const struct ctl *ctl, int err)
{
	if (err == -ESRCH && strstr(libbpf_words, "bpf_toe_signal"))
		return fail(ctl, "module toe does not offer bpf_toe_signal(), or its BTF is missing");
	return fail_libbpf(ctl, "load the program", err);
}

static int load_and_pin(const struct ctl *ctl, int cgroup)
{
	struct classify_bpf *skel;
	int err, ret;

	libbpf_set_print(keep_words);
	skel = classify_bpf__open();
	if (!skel)
		return fail_libbpf(ctl, "open the program", -errno);
	err = classify_bpf__load(skel);
	ret = err ? fail_load(ctl, err) : pin(ctl, skel, cgroup);
	classify_bpf__destroy(skel);
	return ret;
}

static int load_locked(const struct ctl *ctl, int cgroup)
{
	int ret = prepare_pins(ctl);

	if (ret)
		return ret;
	ret = load_and_pin(ctl, cgroup);
	if (ret)
		unpin();
	return ret;
}

static int open_cgroup(const struct ctl *ctl, const char *path)
{
	struct statfs fs;
	int fd;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &fs)) {
		fail(ctl, "%s: %s", path, strerror(errno));
	} else if (fs.f_type != CGROUP2_SUPER_MAGIC) {
		fail(ctl, "%s: not a cgroup2", path);
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

int classifier_load(const struct ctl *ctl, const char *cgroup)
{
	struct toe_nl *nl;
	int fd, lock, ret = EXIT_FAIL;

	nl = connect_module(ctl);
	if (!nl)
		return EXIT_FAIL;
	toe_nl_close(nl);

	fd = open_cgroup(ctl, cgroup);
	if (fd < 0)
		return EXIT_FAIL;
	lock = lock_pins(ctl);
	if (lock >= 0) {
		ret = load_locked(ctl, fd);
		close(lock);
	}
	close(fd);
	return ret;
}

static int unload_locked(const struct ctl *ctl)
{
	bool loaded = !access(TOE_PIN_CLASSIFY, F_OK);

	if (!loaded && errno != ENOENT)
		return fail(ctl, TOE_PIN_CLASSIFY ": %s", strerror(errno));
	if (loaded && unlink(TOE_PIN_CLASSIFY))
		return fail(ctl, TOE_PIN_CLASSIFY ": %s", strerror(errno));
	unpin();
	return loaded ? EXIT_OK : fail(ctl, "the classifier is not loaded");
}

int classifier_unload(const struct ctl *ctl)
{
	int lock = lock_pins(ctl);
	int ret;

	if (lock < 0)
		return EXIT_FAIL;
	ret = unload_locked(ctl);
	close(lock);
	return ret;
}

static int open_config(void)
{
	int fd = bpf_obj_get(TOE_PIN_CONFIG);

	return fd < 0 ? -errno : fd;
}

int threshold_get(uint64_t *threshold)
{
	struct toe_classify_config config;
	const __u32 key = 0;
	int fd = open_config();
	int err = 0;

	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &key, &config))
		err = -errno;
	else
		*threshold = config.threshold;
	close(fd);
	return err;
}

int threshold_set(uint64_t threshold)
{
	const struct toe_classify_config config = { .threshold = threshold };
	const __u32 key = 0;
	int fd = open_config();
	int err = 0;

	if (fd < 0)
		return fd;
	if (bpf_map_update_elem(fd, &key, &config, BPF_ANY))
		err = -errno;
	close(fd);
	return err;
}
