// SPDX-License-Identifier: GPL-2.0-only
/*
 * xdp-other: XDP programs of somebody else, by libxdp
 *
 *	xdp-other attach IFACE native|generic OBJECT PRIORITY
 *	xdp-other detach IFACE ID
 *	xdp-other show IFACE		a line each: ID NAME PRIORITY FRAMES
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <xdp/libxdp.h>

static int fail(const char *what, int err)
{
	fprintf(stderr, "xdp-other: %s: %s\n", what, strerror(-err));
	return 1;
}

static int attach(int ifindex, const char *mode, const char *object, int priority)
{
	struct xdp_program *prog = xdp_program__open_file(object, "xdp.frags", NULL);
	int err = libxdp_get_error(prog);

	if (err)
		return fail(object, err);
	xdp_program__set_run_prio(prog, priority);
	err = xdp_program__attach(prog, ifindex, strcmp(mode, "native") ? XDP_MODE_SKB :
				  XDP_MODE_NATIVE, 0);
	if (err)
		return fail("attach", err);
	printf("%u\n", xdp_program__id(prog));
	return 0;
}

static int detach(int ifindex, unsigned int id)
{
	struct xdp_program *prog = xdp_program__from_id(id);
	int err = libxdp_get_error(prog);

	if (!err)
		err = xdp_program__detach(prog, ifindex, XDP_MODE_UNSPEC, 0);
	return err ? fail("detach", err) : 0;
}

/* Frames that a program has counted; it has one map. */
static unsigned long long frames(const struct xdp_program *prog)
{
	__u32 map = 0, key = 0, len;
	struct bpf_prog_info info = {
		.nr_map_ids = 1,
		.map_ids = (__u64)(unsigned long)&map,
	};
	__u64 n = 0;
	int fd;

	len = sizeof(info);
	if (bpf_prog_get_info_by_fd(xdp_program__fd(prog), &info, &len) || !map)
		return 0;
	fd = bpf_map_get_fd_by_id(map);
	if (fd >= 0 && !strcmp(xdp_program__name(prog), "other"))
		bpf_map_lookup_elem(fd, &key, &n);
	if (fd >= 0)
		close(fd);
	return n;
}

static int show(int ifindex)
{
	struct xdp_multiprog *all = xdp_multiprog__get_from_ifindex(ifindex);
	struct xdp_program *prog = NULL;
	int err = libxdp_get_error(all);

	if (err)
		return err == -ENOENT ? 0 : fail("show", err);
	while ((prog = xdp_multiprog__next_prog(prog, all)))
		printf("%u %s %u %llu\n", xdp_program__id(prog), xdp_program__name(prog),
		       xdp_program__run_prio(prog), frames(prog));
	xdp_multiprog__close(all);
	return 0;
}

static int no_words(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return level == LIBBPF_WARN && strstr(fmt, "error") ? vfprintf(stderr, fmt, ap) : 0;
}

int main(int argc, char **argv)
{
	int ifindex = argc > 2 ? (int)if_nametoindex(argv[2]) : 0;

	libbpf_set_print(no_words);
	if (ifindex && argc == 6 && !strcmp(argv[1], "attach"))
		return attach(ifindex, argv[3], argv[4], atoi(argv[5]));
	if (ifindex && argc == 4 && !strcmp(argv[1], "detach"))
		return detach(ifindex, atoi(argv[3]));
	if (ifindex && argc == 3 && !strcmp(argv[1], "show"))
		return show(ifindex);
	fputs("usage: xdp-other { attach IFACE native|generic OBJECT PRIORITY | detach IFACE ID | show IFACE }\n",
	      stderr);
	return 2;
}
