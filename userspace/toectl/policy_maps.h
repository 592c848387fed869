/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A compiled policy in the maps of a program.
 */
#ifndef _POLICY_MAPS_H
#define _POLICY_MAPS_H

#include <bpf/libbpf.h>
#include "policy_compile.h"

/* Functions return 0 or a negative errno. */

/**
 * policy_maps_size() - give an object's maps their sizes
 * @obj: the object, opened and not loaded
 * @img: the policy
 */
int policy_maps_size(struct bpf_object *obj, const struct toe_policy_image *img);

/**
 * policy_maps_fill() - write a policy into an object's maps
 * @obj: the object, loaded
 * @img: the policy
 */
int policy_maps_fill(struct bpf_object *obj, const struct toe_policy_image *img);

/**
 * policy_text_bind() - keep a policy's words with its program
 * @prog: the program
 * @img: the policy
 */
int policy_text_bind(int prog, const struct toe_policy_image *img);

/**
 * policy_text_read() - read a policy from the words beside its program
 * @fd: map "text"
 * @policy: the result
 * @why: what is wrong, TOE_WHY_LEN
 */
int policy_text_read(int fd, struct toe_policy *policy, char *why);

/**
 * policy_hits_read() - connections that each rule took
 * @fd: map "hits"
 * @hits: the result
 * @n: number of rules
 */
int policy_hits_read(int fd, uint64_t *hits, unsigned int n);

/**
 * policy_hits_move() - let the counters of rules that stay go on
 * @to_fd: map "hits" of the new policy
 * @to: the new policy
 * @from_fd: map "hits" of the old one
 * @from: the old one
 */
int policy_hits_move(int to_fd, const struct toe_policy *to, int from_fd,
		     const struct toe_policy *from);

#endif /* _POLICY_MAPS_H */
