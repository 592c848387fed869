/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Our XDP program on an interface, by libxdp, which lets others stay there.
 *
 * Functions return 0 or a negative errno.
 */
#ifndef _XDP_DEV_H
#define _XDP_DEV_H

#include <linux/types.h>
#include <bpf/libbpf.h>
#include <xdp/libxdp.h>

/**
 * struct xdp_dev - what the kernel says of an interface
 * @mode: how its programs are attached; XDP_MODE_UNSPEC: there are none
 * @programs: how many there are
 * @dispatcher: they are libxdp's, which lets others join them
 * @position: place of ours among them, from 1 on; 0: it is not there
 * @id: the kernel's id of ours
 * @other: name of the program that is there alone, without a dispatcher
 * @other_id: its id
 */
struct xdp_dev {
	enum xdp_attach_mode mode;
	unsigned int programs;
	bool dispatcher;
	unsigned int position;
	__u32 id;
	char other[BPF_OBJ_NAME_LEN];
	__u32 other_id;
};

/**
 * xdp_dev_look() - ask the kernel
 * @ifindex: the interface
 * @id: of our program, 0: whatever has its name
 * @dev: the result
 */
int xdp_dev_look(int ifindex, __u32 id, struct xdp_dev *dev);

/**
 * xdp_dev_attach() - load our program and put it on an interface
 * @ifindex: the interface
 * @mode: XDP_MODE_NATIVE or XDP_MODE_SKB, and no other
 * @obj: opened, with the classifier's maps, not loaded
 * @id: the result, the program's id
 */
int xdp_dev_attach(int ifindex, enum xdp_attach_mode mode, struct bpf_object *obj,
		   __u32 *id);

/**
 * xdp_dev_detach() - take our program away
 * @ifindex: the interface
 * @dev: what xdp_dev_look() said; ours is there
 */
int xdp_dev_detach(int ifindex, const struct xdp_dev *dev);

/**
 * xdp_dev_clean() - remove what libxdp has pinned for our program, when somebody
 *	else has taken it from its interface, or the interface is gone
 * @ifindex: the interface
 * @id: the program's id
 */
void xdp_dev_clean(int ifindex, __u32 id);

/**
 * xdp_dev_why() - why the last of these calls failed
 * @err: what it returned
 *
 * Return: the driver's own words when it had some, else libxdp's, else the
 * errno's.
 */
const char *xdp_dev_why(int err);

#endif /* _XDP_DEV_H */
