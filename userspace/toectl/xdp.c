// SPDX-License-Identifier: GPL-2.0-only
/*
 * The administrator chooses the interfaces where receivers are found by XDP.
 *
 * Map "xdp_devs" tells the classifier where our program is: it is written when
 * the program is there, and before the program goes the interface is taken out.
 * Then connections that are open are watched anew, in the way that is right now.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "classify_xdp.skel.h"
#include "classifier.h"
#include "scan.h"
#include "xdp.h"
#include "xdp_dev.h"
#include "xdp_devs.h"

static const char usage[] =
	"Usage: toectl xdp attach IFACE [ native | generic ]\n"
	"       toectl xdp detach IFACE\n"
	"       toectl xdp show [ IFACE ]\n"
	"\n"
	"Without a word it is native.\n";

/**
 * struct place - an interface, and the classifier
 * @name: the interface's name
 * @key: the interface in map "xdp_devs"
 * @l: the loaded classifier
 * @map: its map "xdp_devs", -1 when there is no classifier
 * @id: what the map says: id of our program; 0: it is not there
 * @dev: what the kernel says
 */
struct place {
	const char *name;
	struct toe_xdp_dev key;
	struct loaded l;
	int map;
	__u32 id;
	struct xdp_dev dev;
};

static int fail_dev(const struct ctl *ctl, const struct place *p, const char *step,
		    int err)
{
	return fail(ctl, "%s: %s: %s", p->name, step, xdp_dev_why(err));
}

static int look(const struct ctl *ctl, struct place *p)
{
	int err;

	if (p->map >= 0)
		p->id = xdp_devs_get(p->map, &p->key);
	err = xdp_dev_look(p->key.ifindex, p->id, &p->dev);
	return err ? fail_dev(ctl, p, "what XDP there is", err) : EXIT_OK;
}

/* Changes something on an interface, under the classifier's lock. */
typedef int (*change_fn)(const struct ctl *ctl, struct place *p, void *arg);

static int with_classifier(const struct ctl *ctl, struct place *p, change_fn change,
			   void *arg)
{
	int ret = loaded_open(ctl, &p->l);

	if (ret)
		return ret;
	p->map = loaded_map(&p->l, "xdp_devs");
	if (p->map < 0)
		ret = fail(ctl, "the loaded classifier has no map 'xdp_devs'");
	if (!ret)
		ret = look(ctl, p);
	if (!ret)
		ret = change(ctl, p, arg);
	loaded_close(&p->l);
	return ret;
}

static int without_classifier(const struct ctl *ctl, struct place *p, change_fn change,
			      void *arg)
{
	int ret = look(ctl, p);

	return ret ? ret : change(ctl, p, arg);
}

/* @needs: the change is one that needs a classifier */
static int with_place(const struct ctl *ctl, const char *name, bool needs,
		      change_fn change, void *arg)
{
	struct place p = { .name = name, .map = -1 };
	int lock, ret;

	p.key.ifindex = if_nametoindex(name);
	if (!p.key.ifindex)
		return fail(ctl, "there is no interface '%s'", name);
	ret = xdp_devs_netns(ctl, &p.key.netns);
	if (ret)
		return ret;
	lock = classifier_lock(ctl);
	if (lock < 0)
		return EXIT_FAIL;
	if (needs || classifier_loaded())
		ret = with_classifier(ctl, &p, change, arg);
	else
		ret = without_classifier(ctl, &p, change, arg);
	close(lock);
	return ret;
}

static int may_attach(const struct ctl *ctl, struct place *p)
{
	if (p->dev.position)
		return fail(ctl, "%s: already attached (%s%s)", p->name,
			    xdp_mode_word(p->dev.mode),
			    p->id ? "" : ", by an earlier load: toectl xdp detach");
	if (p->dev.programs && !p->dev.dispatcher)
		return fail(ctl, "%s: program '%s' (id %u) is there alone, without libxdp's dispatcher",
			    p->name, p->dev.other, p->dev.other_id);
	return EXIT_OK;
}

static int put_on(const struct ctl *ctl, struct place *p, enum xdp_attach_mode mode)
{
	struct classify_xdp_bpf *skel;
	int err, ret;

	bpf_quiet();
	skel = classify_xdp_bpf__open();
	if (!skel)
		return fail_bpf(ctl, "open the program", -errno);
	ret = loaded_share(ctl, &p->l, skel->obj, NULL);
	if (!ret) {
		err = xdp_dev_attach(p->key.ifindex, mode, skel->obj, &p->id);
		if (err)
			ret = fail(ctl, "%s: cannot attach %s: %s%s", p->name,
				   xdp_mode_word(mode), xdp_dev_why(err),
				   err == -EOPNOTSUPP && mode == XDP_MODE_NATIVE ?
				   " ('generic' needs no driver's help)" : "");
	}
	classify_xdp_bpf__destroy(skel);
	return ret;
}

static int attach(const struct ctl *ctl, struct place *p, void *arg)
{
	enum xdp_attach_mode *mode = arg;
	int ret = may_attach(ctl, p);

	if (ret)
		return ret;
	/* Somebody took it away behind our back. */
	if (p->id)
		xdp_dev_clean(p->key.ifindex, p->id);
	ret = put_on(ctl, p, *mode);
	if (ret)
		return ret;
	if (!bpf_map_update_elem(p->map, &p->key, &p->id, BPF_ANY))
		return scan_all(ctl, &p->l, TOE_SCAN_AGAIN, NULL);
	ret = fail(ctl, "%s: map 'xdp_devs': %s", p->name, strerror(errno));
	if (!xdp_dev_look(p->key.ifindex, p->id, &p->dev) && p->dev.position)
		xdp_dev_detach(p->key.ifindex, &p->dev);
	return ret;
}

static int xdp_attach(struct ctl *ctl, int argc, char **argv)
{
	enum xdp_attach_mode mode = XDP_MODE_NATIVE;
	int ret;

	if (argc < 1)
		return bad_word(ctl, NULL, "the interface");
	if (argc > 1 && !strcmp(argv[1], "generic"))
		mode = XDP_MODE_SKB;
	else if (argc > 1 && strcmp(argv[1], "native"))
		return bad_word(ctl, argv[1], "'native' or 'generic'");
	ret = argc > 2 ? no_more(ctl, argc - 2, argv + 2) : EXIT_OK;
	return ret ? ret : with_place(ctl, argv[0], true, attach, &mode);
}

static int take_off(const struct ctl *ctl, struct place *p)
{
	int err;

	if (!p->dev.position) {
		/* Somebody took it away behind our back. */
		xdp_dev_clean(p->key.ifindex, p->id);
		return EXIT_OK;
	}
	err = xdp_dev_detach(p->key.ifindex, &p->dev);
	return err ? fail_dev(ctl, p, "cannot detach", err) : EXIT_OK;
}

static int detach(const struct ctl *ctl, struct place *p, void *arg)
{
	int ret;

	(void)arg;
	if (!p->id && !p->dev.position)
		return fail(ctl, "%s: not attached", p->name);
	if (p->map < 0)
		return take_off(ctl, p);
	bpf_map_delete_elem(p->map, &p->key);
	ret = take_off(ctl, p);
	if (!ret)
		return scan_all(ctl, &p->l, TOE_SCAN_AGAIN, NULL);
	if (p->id)
		bpf_map_update_elem(p->map, &p->key, &p->id, BPF_ANY);
	return ret;
}

static int xdp_detach(struct ctl *ctl, int argc, char **argv)
{
	int ret;

	if (argc < 1)
		return bad_word(ctl, NULL, "the interface");
	ret = no_more(ctl, argc - 1, argv + 1);
	return ret ? ret : with_place(ctl, argv[0], false, detach, NULL);
}

static const struct command commands[] = {
	{ "attach",	xdp_attach },
	{ "detach",	xdp_detach },
	{ "show",	xdp_show },
	{ NULL,		NULL },
};

int do_xdp(struct ctl *ctl, int argc, char **argv)
{
	return dispatch(ctl, commands, usage, argc, argv);
}
