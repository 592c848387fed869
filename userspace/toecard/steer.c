// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads and attaches bpf/card.bpf.c, and writes its maps.
 *
 * XDP and tc programs are attached without a link: they outlive a toecard that
 * is killed, so that its sockets' last words stay off the wire. Whoever comes
 * next replaces them. The sockops program goes with its link, and the process.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "card.skel.h"
#include "log.h"
#include "loop.h"
#include "steer.h"

/* Our place among tc filters; fixed, so that a predecessor's are replaced */
#define TC_HANDLE	1
#define TC_PRIORITY	1

struct tc_place {
	unsigned int ifindex;
	enum bpf_tc_attach_point point;
	bool attached;
	bool qdisc;		/* clsact is ours */
};

struct steer {
	struct card_bpf *skel;
	struct bpf_link *sockops;
	unsigned int wire;
	uint32_t xdp_flags;	/* 0: not attached */
	uint32_t max_flows;
	uint32_t entries;
	struct tc_place wire_in, wire_out, host_in;
};

/* Our own cgroup2 directory's name within the hierarchy */
static int own_cgroup(char *path, size_t size)
{
	FILE *f = fopen("/proc/self/cgroup", "r");
	char line[PATH_MAX];
	int err = -ENOENT;

	if (!f)
		return -errno;
	while (err && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "0::/", 4))
			continue;
		err = (size_t)snprintf(path, size, "./%s", line + 4) < size ?
		      0 : -ENAMETOOLONG;
	}
	fclose(f);
	return err;
}

/* Opens it in a mount that nobody else sees: "ip netns exec" hides the one at
 * /sys/fs/cgroup.
 */
static int open_own_cgroup(void)
{
	char path[PATH_MAX];
	int fs, mnt, fd, err;

	err = own_cgroup(path, sizeof(path));
	if (err)
		return err;
	fs = fsopen("cgroup2", FSOPEN_CLOEXEC);
	if (fs < 0)
		return -errno;
	mnt = fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (!mnt)
		mnt = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	err = -errno;
	close(fs);
	if (mnt < 0)
		return err;
	fd = openat(mnt, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = -errno;
	close(mnt);
	return fd < 0 ? err : fd;
}

static int attach_sockops(struct steer *s, const char *cgroup)
{
	int fd, err;

	if (cgroup) {
		fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
	} else {
		fd = open_own_cgroup();
		cgroup = "(own)";
	}
	if (fd < 0) {
		log_err("steer: cgroup %s: open: %s", cgroup, strerror(-fd));
		return fd;
	}
	s->sockops = bpf_program__attach_cgroup(s->skel->progs.toe_restore, fd);
	err = s->sockops ? 0 : -errno;
	close(fd);
	if (err)
		log_err("steer: cgroup %s: attach: %s", cgroup, strerror(-err));
	return err;
}

static int tc_attach(struct tc_place *p, const char *what,
		     struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)p->ifindex,
		    .attach_point = p->point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE,
		    .priority = TC_PRIORITY, .flags = BPF_TC_F_REPLACE,
		    .prog_fd = bpf_program__fd(prog));
	LIBBPF_OPTS(bpf_tc_opts, old, .handle = TC_HANDLE,
		    .priority = TC_PRIORITY);
	int err;

	err = bpf_tc_hook_create(&hook);
	if (err && err != -EEXIST) {
		log_err("steer: %s: clsact: %s", what, strerror(-err));
		return err;
	}
	/* Ours when nobody had it, or when a predecessor left its filter there */
	p->qdisc = !err || !bpf_tc_query(&hook, &old);
	err = bpf_tc_attach(&hook, &opts);
	if (err) {
		log_err("steer: %s: tc attach: %s", what, strerror(-err));
		return err;
	}
	p->attached = true;
	return 0;
}

static void tc_detach(struct tc_place *p)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)p->ifindex,
		    .attach_point = p->point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE,
		    .priority = TC_PRIORITY);

	if (p->attached)
		bpf_tc_detach(&hook, &opts);
	if (p->qdisc) {
		hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
		bpf_tc_hook_destroy(&hook);
	}
}

/* In the driver if it can, else in the stack. */
static int xdp_attach(struct steer *s)
{
	static const uint32_t modes[] = { XDP_FLAGS_DRV_MODE,
					  XDP_FLAGS_SKB_MODE };
	int fd = bpf_program__fd(s->skel->progs.toe_wire_xdp), err = 0;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		/* a predecessor's may sit in the other mode */
		bpf_xdp_detach((int)s->wire, modes[!i], NULL);
		err = bpf_xdp_attach((int)s->wire, fd, modes[i], NULL);
		if (!err) {
			s->xdp_flags = modes[i];
			if (i)
				log_warn("steer: wire: no native XDP, generic is slower");
			return 0;
		}
	}
	log_err("steer: wire: XDP attach: %s", strerror(-err));
	return err;
}

static int libbpf_log(enum libbpf_print_level level, const char *fmt,
		      va_list args)
{
	char line[1024];

	/* The kernel's own words are repeated by libbpf as warnings, also
	 * when nothing is wrong (a qdisc that exists already).
	 */
	if (level == LIBBPF_DEBUG || log_level < LOG_LEVEL_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = 0;
	log_debug("%s", line);
	return 0;
}

static int load(struct steer *s, const struct steer_config *cfg)
{
	int err;

	s->skel = card_bpf__open();
	if (!s->skel) {
		log_err("steer: open: %s", strerror(errno));
		return -errno;
	}
	s->skel->rodata->hold_ifindex = cfg->hold;
	s->skel->rodata->host_ifindex = cfg->host;
	s->skel->rodata->wire_ifindex = cfg->wire;
	bpf_map__set_max_entries(s->skel->maps.steer, cfg->max_flows);
	bpf_map__set_max_entries(s->skel->maps.guard, cfg->max_flows);
	bpf_map__set_max_entries(s->skel->maps.credit, cfg->max_flows);
	err = card_bpf__load(s->skel);
	if (err)
		log_err("steer: load: %s", strerror(-err));
	return err;
}

struct steer *steer_new(const struct steer_config *cfg)
{
	struct steer *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	libbpf_set_print(libbpf_log);
	s->wire = cfg->wire;
	s->max_flows = cfg->max_flows;
	s->wire_in = (struct tc_place){ .ifindex = cfg->wire,
					.point = BPF_TC_INGRESS };
	s->wire_out = (struct tc_place){ .ifindex = cfg->wire,
					 .point = BPF_TC_EGRESS };
	s->host_in = (struct tc_place){ .ifindex = cfg->host,
					.point = BPF_TC_INGRESS };
	if (load(s, cfg))
		goto fail;
	steer_beat(s);
	/* The guard first: nothing of ours gets out before it stands. */
	if (tc_attach(&s->wire_out, "wire", s->skel->progs.toe_wire_out) ||
	    tc_attach(&s->host_in, "host", s->skel->progs.toe_host_in) ||
	    tc_attach(&s->wire_in, "wire", s->skel->progs.toe_wire_in) ||
	    xdp_attach(s) ||
	    attach_sockops(s, cfg->cgroup))
		goto fail;
	return s;

fail:
	steer_free(s);
	return NULL;
}

void steer_free(struct steer *s)
{
	if (!s)
		return;
	if (s->xdp_flags)
		bpf_xdp_detach((int)s->wire, s->xdp_flags, NULL);
	tc_detach(&s->wire_in);
	tc_detach(&s->host_in);
	tc_detach(&s->wire_out);	/* the guard last */
	bpf_link__destroy(s->sockops);
	card_bpf__destroy(s->skel);
	free(s);
}

int steer_set(struct steer *s, const struct toe_tuple *t, enum toe_steer to)
{
	int fd = bpf_map__fd(s->skel->maps.steer);
	__u32 value = to;

	if (!bpf_map_update_elem(fd, t, &value, BPF_EXIST))
		return 0;
	if (bpf_map_update_elem(fd, t, &value, BPF_NOEXIST))
		return -errno;
	s->entries++;
	return 0;
}

void steer_clear(struct steer *s, const struct toe_tuple *t)
{
	if (!bpf_map_delete_elem(bpf_map__fd(s->skel->maps.steer), t))
		s->entries--;
}

int steer_guard_set(struct steer *s, const struct toe_tuple *t,
		    const struct toe_guard *g)
{
	if (bpf_map_update_elem(bpf_map__fd(s->skel->maps.guard), t, g, BPF_ANY))
		return -errno;
	return 0;
}

int steer_guard_get(struct steer *s, const struct toe_tuple *t,
		    struct toe_guard *g)
{
	if (bpf_map_lookup_elem(bpf_map__fd(s->skel->maps.guard), t, g))
		return -errno;
	return 0;
}

void steer_guard_clear(struct steer *s, const struct toe_tuple *t)
{
	bpf_map_delete_elem(bpf_map__fd(s->skel->maps.guard), t);
	bpf_map_delete_elem(bpf_map__fd(s->skel->maps.credit), t);
}

int steer_credit_set(struct steer *s, const struct toe_tuple *t, uint32_t edge,
		     bool tell)
{
	struct toe_credit value = { .edge = edge, .tell = tell };

	if (bpf_map_update_elem(bpf_map__fd(s->skel->maps.credit), t, &value,
				BPF_ANY))
		return -errno;
	return 0;
}

int steer_capture_set(struct steer *s, const struct toe_tuple *t, uint32_t id)
{
	struct toe_card_capture value = { .flow = id };

	if (bpf_map_update_elem(bpf_map__fd(s->skel->maps.capture), t, &value,
				BPF_NOEXIST))
		return -errno;
	s->skel->bss->capturing++;
	return 0;
}

uint64_t steer_capture_clear(struct steer *s, const struct toe_tuple *t)
{
	struct toe_card_capture value = {};
	int fd = bpf_map__fd(s->skel->maps.capture);

	bpf_map_lookup_elem(fd, t, &value);
	if (!bpf_map_delete_elem(fd, t))
		s->skel->bss->capturing--;
	return value.dropped;
}

int steer_frames_fd(const struct steer *s)
{
	return bpf_map__fd(s->skel->maps.frames);
}

void steer_beat(struct steer *s)
{
	__u64 now = loop_now_ns();
	__u32 zero = 0;

	bpf_map_update_elem(bpf_map__fd(s->skel->maps.heartbeat), &zero, &now,
			    BPF_ANY);
}

uint32_t steer_entries(struct steer *s)
{
	return s->entries;
}

void steer_counters_json(struct steer *s, FILE *out)
{
	static const char *const names[__TOE_CARD_COUNT_MAX] = {
		[TOE_CARD_HELD] = "bpf_held",
		[TOE_CARD_PASSED] = "bpf_passed",
		[TOE_CARD_TO_HOST] = "bpf_to_host",
		[TOE_CARD_ICMP_BOTH] = "bpf_icmp_both",
		[TOE_CARD_HOST_DROPPED] = "bpf_host_dropped",
		[TOE_CARD_GUARD_FLAGS] = "bpf_guard_flags",
		[TOE_CARD_GUARD_OTHER] = "bpf_guard_other",
	};
	int fd = bpf_map__fd(s->skel->maps.card_count);
	int cpus = libbpf_num_possible_cpus(), cpu;
	__u64 *values, sum;
	__u32 i;

	if (cpus < 1)
		return;
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return;
	for (i = 0; i < __TOE_CARD_COUNT_MAX; i++) {
		if (bpf_map_lookup_elem(fd, &i, values))
			continue;
		for (sum = 0, cpu = 0; cpu < cpus; cpu++)
			sum += values[cpu];
		fprintf(out, ",\"%s\":%llu", names[i],
			(unsigned long long)sum);
	}
	free(values);
}
