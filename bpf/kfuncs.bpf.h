/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What module toe offers to BPF programs; see kmod/signal.c. Included in angle
 * brackets, so that unit tests can put something else in its place.
 */
#ifndef _KFUNCS_BPF_H
#define _KFUNCS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <toe/signal.h>

struct sock_common;

/* The module asks for CB_RECEIVED when a light connection has received enough. */
#define TOE_LIGHT_IS_WOKEN	1

/* May ours be attached to the interface? */
#define may_have_xdp(dev)	has_xdp_state(dev)

/* 0 or -EEXIST: the module is in charge; any other error: it is not. */
extern int bpf_toe_signal(struct sock_common *skc, const struct toe_signal *sig) __ksym;
/* 1: the module is in charge; 0: it does not know the connection. */
extern int bpf_toe_policy(struct sock_common *skc, const struct toe_signal *sig) __ksym;

#endif /* _KFUNCS_BPF_H */
