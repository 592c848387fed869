/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The classifier that is loaded, with all that belongs to it, found from its pin;
 * and what is said when libbpf fails.
 */
#ifndef _LOADED_H
#define _LOADED_H

#include <bpf/libbpf.h>
#include "toectl.h"

#define LOADED_MAPS_MAX	32

/**
 * struct loaded - the loaded classifier
 * @link: its link
 * @prog: the program that holds the policy
 * @cgroup: id of the cgroup where it is attached
 * @n: number of maps
 * @maps: its maps
 */
struct loaded {
	int link;
	int prog;
	__u64 cgroup;
	unsigned int n;
	struct {
		char name[BPF_OBJ_NAME_LEN];
		int fd;
	} maps[LOADED_MAPS_MAX];
};

/**
 * loaded_open() - find it
 * @ctl: the invocation
 * @l: the result, for loaded_close()
 *
 * Return: an exit status.
 */
int loaded_open(const struct ctl *ctl, struct loaded *l);

void loaded_close(struct loaded *l);

/**
 * loaded_map() - one of its maps
 * Return: a descriptor that @l owns, or -1.
 */
int loaded_map(const struct loaded *l, const char *name);

/**
 * loaded_share() - let an object use the maps of the loaded classifier
 * @ctl: the invocation
 * @l: the loaded classifier
 * @obj: the object, not loaded yet
 * @only: NULL: every map that both have; or these, ended by NULL
 *
 * Return: an exit status.
 */
int loaded_share(const struct ctl *ctl, const struct loaded *l,
		 struct bpf_object *obj, const char *const *only);

/**
 * bpf_quiet() - from here on keep libbpf's words until something fails
 */
void bpf_quiet(void);

/**
 * fail_bpf() - say what libbpf failed with, and its own words
 * @ctl: the invocation
 * @step: what was tried
 * @err: negative errno
 *
 * Return: EXIT_FAIL.
 */
int fail_bpf(const struct ctl *ctl, const char *step, int err);

#endif /* _LOADED_H */
