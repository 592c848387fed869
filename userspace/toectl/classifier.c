// SPDX-License-Identifier: GPL-2.0-only
/*
 * One pin, the link; the program and its maps are found from it. A lock on the
 * file system's root lets one change happen at a time.
 *
 * A change of policy is a new program with new maps that takes the old one's
 * place in the link. What is remembered of connections stays: those maps go from
 * program to program.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <linux/magic.h>
#include "classifier.h"
#include "loaded.h"
#include "policy_compile.h"
#include "policy_maps.h"
#include "scan.h"
#include "xdp_devs.h"
#include "classify.skel.h"

#define BPFFS "/sys/fs/bpf"

static const char *const lasting[] = {
	"watches", "track", "track_filter", "xdp_devs", NULL
};

static void unpin(void)
{
	unlink(TOE_PIN_CLASSIFY);
	rmdir(TOE_PIN_DIR);	/* not when somebody else has pins there */
}

int classifier_lock(const struct ctl *ctl)
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

/* The program with its policy, not attached; NULL: it has been said why.
 * @old: NULL, or the classifier whose place it will take.
 */
static struct classify_bpf *load_program(const struct ctl *ctl,
					 const struct toe_policy_image *img,
					 const struct loaded *old)
{
	struct classify_bpf *skel;
	int err;

	bpf_quiet();
	skel = classify_bpf__open();
	if (!skel) {
		fail_bpf(ctl, "open the program", -errno);
		return NULL;
	}
	memcpy((void *)&skel->rodata_head->head, &img->head, sizeof(img->head));
	err = policy_maps_size(skel->obj, img);
	if (err) {
		fail_bpf(ctl, "size the maps", err);
		goto fail;
	}
	if (old && loaded_share(ctl, old, skel->obj, lasting))
		goto fail;
	err = classify_bpf__load(skel);
	if (err) {
		fail_bpf(ctl, "load the program", err);
		goto fail;
	}
	err = policy_maps_fill(skel->obj, img);
	if (!err)
		err = policy_text_bind(bpf_program__fd(skel->progs.classify), img);
	if (!err)
		return skel;
	fail_bpf(ctl, "fill the maps", err);
fail:
	classify_bpf__destroy(skel);
	return NULL;
}

static int compile(const struct ctl *ctl, const struct toe_policy *policy,
		   struct toe_policy_image *img)
{
	char why[TOE_WHY_LEN] = "";
	int err = toe_policy_compile(policy, img, why);

	if (!err)
		return EXIT_OK;
	return fail(ctl, "%s", *why ? why : strerror(-err));
}

static struct classify_bpf *make_program(const struct ctl *ctl,
					 const struct toe_policy *policy,
					 const struct loaded *old)
{
	struct classify_bpf *skel = NULL;
	struct toe_policy_image img;

	if (!compile(ctl, policy, &img)) {
		skel = load_program(ctl, &img, old);
		toe_policy_image_free(&img);
	}
	return skel;
}

static int attach_and_pin(const struct ctl *ctl, struct classify_bpf *skel, int cgroup)
{
	struct bpf_link *link;
	int err;

	link = bpf_program__attach_cgroup(skel->progs.classify, cgroup);
	if (!link)
		return fail_bpf(ctl, "attach to the cgroup", -errno);
	err = bpf_link__pin(link, TOE_PIN_CLASSIFY);
	/* The pin keeps it; without a pin it goes here. */
	bpf_link__destroy(link);
	return err ? fail_bpf(ctl, "pin " TOE_PIN_CLASSIFY, err) : EXIT_OK;
}

static int prepare_pins(const struct ctl *ctl)
{
	if (!access(TOE_PIN_CLASSIFY, F_OK))
		return fail(ctl, "already loaded (toectl unload)");
	if (errno != ENOENT)
		return fail(ctl, TOE_PIN_CLASSIFY ": %s", strerror(errno));
	if (mkdir(TOE_PIN_DIR, 0700) && errno != EEXIST)
		return fail(ctl, TOE_PIN_DIR ": %s", strerror(errno));
	return EXIT_OK;
}

static int apply(const struct ctl *ctl, struct apply_counts *counts)
{
	struct toe_policy_counts result;
	struct loaded l;
	int ret = loaded_open(ctl, &l);

	if (ret)
		return ret;
	ret = scan_all(ctl, &l, TOE_SCAN_APPLY, &result);
	if (!ret)
		*counts = (struct apply_counts){
			.seen = result.seen,
			.offload = result.offload,
			.never = result.never,
			.none = result.none,
		};
	loaded_close(&l);
	return ret;
}

static int load_locked(const struct ctl *ctl, int cgroup,
		       const struct toe_policy *policy, struct apply_counts *counts)
{
	struct classify_bpf *skel;
	int ret = prepare_pins(ctl);

	if (ret)
		return ret;
	skel = make_program(ctl, policy, NULL);
	ret = skel ? attach_and_pin(ctl, skel, cgroup) : EXIT_FAIL;
	if (!ret)
		ret = apply(ctl, counts);
	if (ret)
		unpin();
	classify_bpf__destroy(skel);
	return ret;
}

int classifier_load(const struct ctl *ctl, const char *cgroup,
		    const struct toe_policy *policy, struct apply_counts *counts)
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
	lock = classifier_lock(ctl);
	if (lock >= 0) {
		ret = load_locked(ctl, fd, policy, counts);
		close(lock);
	}
	close(fd);
	return ret;
}

static int unload_locked(const struct ctl *ctl)
{
	struct loaded l;
	int ret = loaded_open(ctl, &l);

	if (ret)
		return ret;
	ret = xdp_devs_check(ctl, &l);
	if (!ret && (unlink(TOE_PIN_CLASSIFY) || bpf_link_detach(l.link)))
		ret = fail(ctl, TOE_PIN_CLASSIFY ": %s", strerror(errno));
	if (!ret) {
		unpin();
		ret = scan_all(ctl, &l, TOE_SCAN_FORGET, NULL);
	}
	loaded_close(&l);
	return ret;
}

int classifier_unload(const struct ctl *ctl)
{
	int lock = classifier_lock(ctl);
	int ret;

	if (lock < 0)
		return EXIT_FAIL;
	ret = unload_locked(ctl);
	close(lock);
	return ret;
}

static int read_policy(const struct ctl *ctl, const struct loaded *l,
		       struct toe_policy *policy)
{
	char why[TOE_WHY_LEN] = "";
	int fd = loaded_map(l, "text");

	memset(policy, 0, sizeof(*policy));
	if (fd < 0)
		return fail(ctl, "the loaded classifier has no map 'text'");
	if (policy_text_read(fd, policy, why))
		return fail(ctl, "%s", why);
	return EXIT_OK;
}

static int read_hits(const struct ctl *ctl, const struct loaded *l, unsigned int n,
		     uint64_t **hits)
{
	int fd = loaded_map(l, "hits"), err = -ENOENT;

	*hits = calloc(n ? n : 1, sizeof(**hits));
	if (!*hits)
		err = -ENOMEM;
	else if (fd >= 0)
		err = policy_hits_read(fd, *hits, n);
	if (!err)
		return EXIT_OK;
	free(*hits);
	return fail(ctl, "map 'hits': %s", strerror(-err));
}

int classifier_policy(const struct ctl *ctl, struct toe_policy *policy,
		      uint64_t **hits)
{
	struct loaded l;
	int ret = loaded_open(ctl, &l);

	if (ret)
		return ret;
	ret = read_policy(ctl, &l, policy);
	if (!ret && hits) {
		ret = read_hits(ctl, &l, policy->n, hits);
		if (ret)
			toe_policy_free(policy);
	}
	loaded_close(&l);
	return ret;
}

/* Puts a new program in the place of the loaded one. */
static int replace(const struct ctl *ctl, const struct loaded *l,
		   const struct toe_policy *from, const struct toe_policy *to)
{
	struct classify_bpf *skel = make_program(ctl, to, l);
	int err, ret = EXIT_OK;

	if (!skel)
		return EXIT_FAIL;
	err = policy_hits_move(bpf_map__fd(skel->maps.hits), to,
			       loaded_map(l, "hits"), from);
	if (err)
		ret = fail_bpf(ctl, "carry the counters over", err);
	else if (bpf_link_update(l->link, bpf_program__fd(skel->progs.classify), NULL))
		ret = fail_bpf(ctl, "change the program", -errno);
	classify_bpf__destroy(skel);
	return ret;
}

static int edit_locked(const struct ctl *ctl, policy_edit_fn edit, void *arg)
{
	struct toe_policy from, to;
	struct loaded l;
	int ret = loaded_open(ctl, &l);

	if (ret)
		return ret;
	ret = read_policy(ctl, &l, &from);
	if (!ret) {
		ret = read_policy(ctl, &l, &to);
		if (!ret)
			ret = edit(ctl, &to, arg);
		if (!ret)
			ret = replace(ctl, &l, &from, &to);
		toe_policy_free(&to);
		toe_policy_free(&from);
	}
	loaded_close(&l);
	return ret;
}

int classifier_edit(const struct ctl *ctl, policy_edit_fn edit, void *arg)
{
	int lock = classifier_lock(ctl);
	int ret;

	if (lock < 0)
		return EXIT_FAIL;
	ret = edit_locked(ctl, edit, arg);
	close(lock);
	return ret;
}

int classifier_apply(const struct ctl *ctl, struct apply_counts *counts)
{
	int lock = classifier_lock(ctl);
	int ret;

	if (lock < 0)
		return EXIT_FAIL;
	ret = apply(ctl, counts);
	close(lock);
	return ret;
}

bool classifier_loaded(void)
{
	return !access(TOE_PIN_CLASSIFY, F_OK);
}
