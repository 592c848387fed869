/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest and its front-end, as small as they can be: memory in two regions
 * that are neighbours for the guest but not for the device, and the driver's
 * side of split rings in it.
 *
 *	guest address	0x100000          0x200000          0x300000
 *			|-- region 0: rings, data --|-- region 1: data --|
 *	front-end	  0x7f0000000000    0x7f8000000000
 */
#ifndef FRONT_H
#define FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/virtio_ring.h>

#define REGION_SIZE	0x100000ull
#define GPA0		0x100000ull
#define GPA1		(GPA0 + REGION_SIZE)
#define GPA_END		(GPA1 + REGION_SIZE)
#define UADDR0		0x7f0000000000ull
#define UADDR1		0x7f8000000000ull
#define DATA		(GPA0 + 0x80000)	/* free for tests */

#define RING_NUM	64
#define RING_STEP	0x4000ull
#define RING_DESC(q)	((q) * RING_STEP)
#define RING_AVAIL(q)	((q) * RING_STEP + 0x1000)
#define RING_USED(q)	((q) * RING_STEP + 0x2000)

struct front {
	int memfd[2];
	uint8_t *mem[2];
	uint16_t avail[8];	/* the driver's own indices */
	uint16_t used[8];
};

void front_init(struct front *f);
void front_exit(struct front *f);
/* A guest address, in this process */
void *front_ptr(struct front *f, uint64_t gpa);

struct vring_desc *front_desc(struct front *f, unsigned int q);
struct vring_avail *front_avail(struct front *f, unsigned int q);
struct vring_used *front_used(struct front *f, unsigned int q);

void front_set_desc(struct front *f, unsigned int q, uint16_t i, uint64_t gpa,
		    uint32_t len, uint16_t flags, uint16_t next);
/* Makes a chain available. */
void front_offer(struct front *f, unsigned int q, uint16_t head);
/* The next used entry; false if there is none. */
bool front_take(struct front *f, unsigned int q, uint32_t *head, uint32_t *len);

#endif
