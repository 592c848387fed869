/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vhost-user protocol, back-end side: one front-end at a time hands over
 * its guest's memory and the addresses of its virtqueues. See "Vhost-user
 * Protocol" in QEMU's documentation.
 */
#ifndef TOECARD_VHOST_USER_H
#define TOECARD_VHOST_USER_H

#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "vring.h"

#define VHOST_USER_QUEUES	5

struct vhost_user;

/**
 * struct vhost_user_ops - what the device does when the front-end moves
 * @start: queue q is live and enabled, and may hold work already
 * @stop: queue q is about to stop. When it returns no chain of that queue may
 *	be outstanding; they are pushed, since the front-end knows nothing of
 *	chains in flight
 * @kick: the driver kicked queue q
 */
struct vhost_user_ops {
	void (*start)(void *arg, unsigned int q);
	void (*stop)(void *arg, unsigned int q);
	void (*kick)(void *arg, unsigned int q);
};

/**
 * struct vhost_user_config - what is served
 * @path: socket to listen on
 * @features: device features beside those that vhost_user.c and vring.c bring
 * @config: the device's configuration space; not copied
 * @config_len: its bytes
 * @ops: call-backs
 * @arg: their first argument
 */
struct vhost_user_config {
	const char *path;
	uint64_t features;
	const void *config;
	size_t config_len;
	const struct vhost_user_ops *ops;
	void *arg;
};

/* NULL after having logged why */
struct vhost_user *vhost_user_new(struct loop *l,
				  const struct vhost_user_config *cfg);
void vhost_user_free(struct vhost_user *vu);

struct vq *vhost_user_vq(struct vhost_user *vu, unsigned int q);
/* Features that the driver accepted */
uint64_t vhost_user_features(const struct vhost_user *vu);
/* Tells the front-end that queue q is broken. */
void vhost_user_vq_error(struct vhost_user *vu, unsigned int q);

#endif
