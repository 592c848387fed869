// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where receivers are found by XDP: what map "xdp_devs" says, and what the kernel
 * says of the interfaces.
 */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <string.h>
#include <bpf/bpf.h>
#include "classifier.h"
#include "xdp.h"
#include "xdp_devs.h"

const char *xdp_mode_word(enum xdp_attach_mode mode)
{
	switch (mode) {
	case XDP_MODE_NATIVE:
		return "native";
	case XDP_MODE_SKB:
		return "generic";
	case XDP_MODE_HW:
		return "hardware";
	default:
		return NULL;
	}
}

/**
 * struct list - what "show" goes through
 * @ctl: the invocation
 * @netns: cookie of this network namespace
 * @map: map "xdp_devs", or -1: no classifier is loaded
 * @only: the one interface that was asked for, or 0
 */
struct list {
	struct ctl *ctl;
	__u64 netns;
	int map;
	unsigned int only;
};

static void show_one(struct list *list, const char *name, unsigned int ifindex,
		     __u32 id, const struct xdp_dev *dev)
{
	struct toe_out *out = &list->ctl->out;
	const char *state;

	if (!dev->position)
		state = "removed";
	else if (!id || id != dev->id)
		state = "unused";
	else
		state = "attached";
	toe_out_open(out, NULL, '{');
	toe_out_str(out, "ifname", "%s", name);
	toe_out_u64(out, "ifindex", name ? NULL : "ifindex %" PRIu64, ifindex);
	toe_out_str(out, "state", " state %s", state);
	toe_out_str(out, "mode", " mode %s", dev->position ? xdp_mode_word(dev->mode) : NULL);
	if (dev->position) {
		toe_out_u64(out, "program", " program %" PRIu64, dev->id);
		toe_out_u64(out, "position", " position %" PRIu64, dev->position);
		toe_out_u64(out, "programs", " of %" PRIu64, dev->programs);
	} else {
		toe_out_null(out, "program");
		toe_out_null(out, "position");
		toe_out_null(out, "programs");
	}
	toe_out_text(out, "\n");
	toe_out_close(out, '}');
}

/* An interface that is there: if the map or the kernel knows of our program. */
static int show_iface(struct list *list, const char *name, unsigned int ifindex)
{
	struct toe_xdp_dev key = { .netns = list->netns, .ifindex = ifindex };
	__u32 id = list->map < 0 ? 0 : xdp_devs_get(list->map, &key);
	struct xdp_dev dev;
	int err;

	err = xdp_dev_look(ifindex, id, &dev);
	if (!err && !dev.position)
		/* another one of ours, of an earlier load */
		err = xdp_dev_look(ifindex, 0, &dev);
	if (err)
		return fail(list->ctl, "%s: what XDP there is: %s", name, xdp_dev_why(err));
	if (id || dev.position)
		show_one(list, name, ifindex, id, &dev);
	return EXIT_OK;
}

/* An entry whose interface is gone */
static void show_gone(int map, const struct toe_xdp_dev *key, __u32 id, void *arg)
{
	struct xdp_dev none = { .mode = XDP_MODE_UNSPEC };
	struct list *list = arg;
	char name[IF_NAMESIZE];

	(void)map;
	if (key->netns == list->netns && !if_indextoname(key->ifindex, name))
		show_one(list, NULL, key->ifindex, id, &none);
}

static int show_all(struct list *list)
{
	struct if_nameindex *all = if_nameindex(), *i;
	int ret = EXIT_OK;

	if (!all)
		return fail(list->ctl, "the list of interfaces: %s", strerror(errno));
	for (i = all; i->if_index && !ret; i++)
		if (!list->only || list->only == i->if_index)
			ret = show_iface(list, i->if_name, i->if_index);
	if_freenameindex(all);
	if (list->map >= 0 && !list->only && !ret)
		xdp_devs_each(list->map, show_gone, list);
	return ret;
}

static uint64_t count_tracks(int map)
{
	struct toe_tuple key, *previous = NULL;
	uint64_t n = 0;

	/* Tracks come and go; a walk that begins anew must end. */
	while (n < TOE_TRACK_MAX && !bpf_map_get_next_key(map, previous, &key)) {
		previous = &key;
		n++;
	}
	return n;
}

static int show(struct list *list, const struct loaded *l)
{
	struct toe_out *out = &list->ctl->out;
	int ret, tracks;

	list->map = l ? loaded_map(l, "xdp_devs") : -1;
	tracks = l ? loaded_map(l, "track") : -1;
	toe_out_open(out, NULL, '{');
	toe_out_open(out, "interfaces", '[');
	ret = show_all(list);
	toe_out_close(out, ']');
	if (tracks >= 0)
		toe_out_u64(out, "tracked", "tracked %" PRIu64 "\n", count_tracks(tracks));
	else
		toe_out_null(out, "tracked");
	toe_out_close(out, '}');
	return ret ? ret : finish(list->ctl);
}

int xdp_show(struct ctl *ctl, int argc, char **argv)
{
	struct list list = { .ctl = ctl };
	struct loaded l;
	int ret;

	ret = argc > 1 ? no_more(ctl, argc - 1, argv + 1) : EXIT_OK;
	if (!ret && argc > 0) {
		list.only = if_nametoindex(argv[0]);
		if (!list.only)
			ret = fail(ctl, "there is no interface '%s'", argv[0]);
	}
	if (!ret)
		ret = xdp_devs_netns(ctl, &list.netns);
	if (ret)
		return ret;
	/* A program that was left behind is there without a classifier, too. */
	if (!classifier_loaded())
		return show(&list, NULL);
	ret = loaded_open(ctl, &l);
	if (ret)
		return ret;
	ret = show(&list, &l);
	loaded_close(&l);
	return ret;
}
