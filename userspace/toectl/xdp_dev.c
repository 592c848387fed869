// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "xdp_dev.h"

#define PROGRAM		"toe_receivers"
#define SECTION		"xdp.frags"
#define PROGRAMS_MAX	10	/* of one dispatcher */

/* The driver's words, as libbpf prints them */
#define KERNEL_SAYS	"Kernel error message: "

/* What libbpf and libxdp would have printed during the current call */
static char words[4096];

static void keep(const char *fmt, va_list ap)
{
	size_t used = strlen(words);

	vsnprintf(words + used, sizeof(words) - used, fmt, ap);
}

static int keep_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_WARN)
		keep(fmt, ap);
	return 0;
}

static int keep_libxdp(enum libxdp_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBXDP_WARN)
		keep(fmt, ap);
	return 0;
}

static void quiet(void)
{
	words[0] = '\0';
	libbpf_set_print(keep_libbpf);
	libxdp_set_print(keep_libxdp);
}

const char *xdp_dev_why(int err)
{
	char *line = strstr(words, KERNEL_SAYS);

	if (line)
		line += strlen(KERNEL_SAYS);
	else if (err == -EBUSY && *words)
		line = words;
	if (!line)
		return strerror(-err);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static void look_at(const struct xdp_program *prog, __u32 id, struct xdp_dev *dev)
{
	if (dev->position)
		return;
	if (id ? xdp_program__id(prog) != id : strcmp(xdp_program__name(prog), PROGRAM))
		return;
	dev->position = dev->programs;
	dev->id = xdp_program__id(prog);
}

int xdp_dev_look(int ifindex, __u32 id, struct xdp_dev *dev)
{
	const struct xdp_program *prog = NULL;
	struct xdp_multiprog *all;
	int err;

	memset(dev, 0, sizeof(*dev));
	quiet();
	all = xdp_multiprog__get_from_ifindex(ifindex);
	err = libxdp_get_error(all);
	if (err)
		return err == -ENOENT ? 0 : err;
	dev->mode = xdp_multiprog__attach_mode(all);
	dev->dispatcher = !xdp_multiprog__is_legacy(all);
	while ((prog = xdp_multiprog__next_prog(prog, all))) {
		dev->programs++;
		look_at(prog, id, dev);
	}
	prog = xdp_multiprog__main_prog(all);
	if (!dev->dispatcher && prog) {
		dev->programs = 1;
		look_at(prog, id, dev);
		snprintf(dev->other, sizeof(dev->other), "%s", xdp_program__name(prog));
		dev->other_id = xdp_program__id(prog);
	}
	xdp_multiprog__close(all);
	return 0;
}

int xdp_dev_attach(int ifindex, enum xdp_attach_mode mode, struct bpf_object *obj,
		   __u32 *id)
{
	struct xdp_program *prog;
	int err;

	quiet();
	prog = xdp_program__from_bpf_obj(obj, SECTION);
	err = libxdp_get_error(prog);
	if (err)
		return err;
	err = xdp_program__attach(prog, ifindex, mode, 0);
	*id = xdp_program__id(prog);
	xdp_program__close(prog);
	return err;
}

int xdp_dev_detach(int ifindex, const struct xdp_dev *dev)
{
	struct xdp_program *prog;
	int err;

	quiet();
	prog = xdp_program__from_id(dev->id);
	err = libxdp_get_error(prog);
	if (err)
		return err;
	err = xdp_program__detach(prog, ifindex, dev->mode, 0);
	xdp_program__close(prog);
	return err;
}

static __u32 pinned_id(const char *path)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return 0;
	if (bpf_prog_get_info_by_fd(fd, &info, &len))
		info.id = 0;
	close(fd);
	return info.id;
}

static void remove_pins(const char *folder, __u32 id)
{
	char prog[PATH_MAX], link[PATH_MAX];
	unsigned int i;

	for (i = 0; i < PROGRAMS_MAX; i++) {
		snprintf(prog, sizeof(prog), "%s/prog%u-prog", folder, i);
		snprintf(link, sizeof(link), "%s/prog%u-link", folder, i);
		if (pinned_id(prog) != id)
			continue;
		unlink(link);
		unlink(prog);
		rmdir(folder);	/* not when others are left there */
	}
}

/* libxdp_clean_references() would take whatever has this ifindex, in other
 * network namespaces, too.
 */
void xdp_dev_clean(int ifindex, __u32 id)
{
	const char *root = secure_getenv(XDP_BPFFS_ENVVAR);
	char pattern[PATH_MAX];
	glob_t found;
	size_t i;

	snprintf(pattern, sizeof(pattern), "%s/xdp/dispatch-%d-*",
		 root ? root : "/sys/fs/bpf", ifindex);
	if (glob(pattern, 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++)
		remove_pins(found.gl_pathv[i], id);
	globfree(&found);
}
