/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's memory and the split virtqueues in it (VIRTIO 1.3, 2.7), seen from
 * the device. The host is distrusted: every address is checked against the
 * memory table, every descriptor is read exactly once, and a malformed chain
 * breaks the queue instead of the process.
 */
#ifndef TOECARD_VRING_H
#define TOECARD_VRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <linux/virtio_ring.h>

#define GUEST_REGIONS	8	/* of a memory table, as vhost-user has it */
#define VQ_MAX_NUM	1024	/* entries of a queue */
#define VQ_IOV		68	/* pieces of a chain, neighbours merged */

struct guest_region {
	uint64_t gpa;		/* address in the guest */
	uint64_t uaddr;		/* address in the front-end's process */
	uint64_t size;
	uint8_t *host;		/* address here */
	void *map;		/* what munmap() wants */
	size_t map_len;
};

/**
 * struct guest_mem - a memory table. Immutable; a new table is a new object.
 * @refs: the queues' common reference plus one for each chain taken from a
 *	queue: when the front-end replaces the table, payload that a flow has
 *	not copied yet stays mapped until its chain is pushed
 * @num: regions in use
 * @region: the regions, none overlapping another
 */
struct guest_mem {
	unsigned int refs;
	unsigned int num;
	struct guest_region region[GUEST_REGIONS];
};

struct guest_mem *guest_mem_new(void);
/* Maps a region of the front-end's file fd; fd stays the caller's. */
int guest_mem_add(struct guest_mem *mem, uint64_t gpa, uint64_t uaddr,
		  uint64_t size, uint64_t offset, int fd);
struct guest_mem *guest_mem_get(struct guest_mem *mem);
void guest_mem_put(struct guest_mem *mem);

/**
 * struct vq - one virtqueue
 * @live: started: addresses are valid, the host may use it
 * @enabled: the front-end lets us process it
 * @broken: the driver broke the rules; nothing is taken any more, until the
 *	queue is started anew
 * @event_idx: VIRTIO_F_RING_EVENT_IDX was agreed
 * @indirect: VIRTIO_F_RING_INDIRECT_DESC was agreed
 * @pushed: chains were pushed since the last vq_signal()
 * @withheld: chains that are pushed are not shown to the driver, see vq_withhold()
 * @signalled_valid: @signalled means something
 * @index: the queue's number, for messages
 * @num: entries
 * @base: @last_avail when it was started
 * @last_avail: next entry of the available ring to take
 * @used_idx: next entry of the used ring to fill
 * @signalled: @used_idx when the host was last considered for an interrupt
 * @in_flight: chains taken and not pushed
 * @call_fd: eventfd of the interrupt, or -1
 * @mem: the table its addresses and chains are checked against
 * @desc: the descriptor table, in the host's memory, as the next two
 * @avail: the available ring
 * @used: the used ring
 * @taken: heads taken and not pushed; a head that the driver offers twice
 *	would let two owners fight for one chain
 */
struct vq {
	bool live;
	bool enabled;
	bool broken;
	bool event_idx;
	bool indirect;
	bool pushed;
	bool withheld;
	bool signalled_valid;
	unsigned int index;
	unsigned int num;
	uint16_t base;
	uint16_t last_avail;
	uint16_t used_idx;
	uint16_t signalled;
	unsigned int in_flight;
	int call_fd;
	struct guest_mem *mem;
	const struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	bool taken[VQ_MAX_NUM];
};

/**
 * struct vq_chain - a chain taken from a queue
 * @head: its name, for vq_push()
 * @nread: pieces the device reads, first in @iov
 * @nwrite: pieces the device writes, behind them
 * @first_write: length of the first device-writable descriptor, which @iov no
 *	longer shows once neighbours are merged
 * @mem: where the pieces are; the chain holds a reference until pushed
 * @iov: the pieces
 */
struct vq_chain {
	uint16_t head;
	unsigned int nread;
	unsigned int nwrite;
	uint32_t first_write;
	struct guest_mem *mem;
	struct iovec iov[VQ_IOV];
};

/* Addresses are the front-end's own (SET_VRING_ADDR). 0 or -errno. */
int vq_map(struct vq *vq, struct guest_mem *mem, uint64_t desc, uint64_t avail,
	   uint64_t used);
/* Forgets addresses and state; chains must have been pushed. */
void vq_stop(struct vq *vq);
/* The table was replaced: chains are checked against mem from now on. */
int vq_remap(struct vq *vq, struct guest_mem *mem, uint64_t desc,
	     uint64_t avail, uint64_t used);

/* Takes the next chain: 1, 0 when there is none, -EPROTO (once) when the queue
 * breaks.
 */
int vq_pop(struct vq *vq, struct vq_chain *c);
/* Whether vq_pop() would find something; ordered behind the last vq_pop() of any
 * queue: what the driver made available before that chain is seen.
 */
bool vq_ready(const struct vq *vq);
/* Puts the chain that was popped last back as if it had never been taken. */
void vq_unpop(struct vq *vq, struct vq_chain *c);
/* The driver broke a rule that only the queue's user knows: nothing is taken
 * from the queue any more. Returns -EPROTO.
 */
int vq_break(struct vq *vq, const char *why);
/* Returns a chain to the driver, len bytes of it written. */
void vq_push(struct vq *vq, uint16_t head, struct guest_mem *mem, uint32_t len);
/* The driver sees nothing of what is pushed until it is shown all of it. */
void vq_withhold(struct vq *vq, bool on);
/* Interrupts the driver if it wants to hear of what was pushed. */
void vq_signal(struct vq *vq);

/* Asks the driver for kicks; true: something came meanwhile, look again. */
bool vq_kick_on(struct vq *vq);
void vq_kick_off(struct vq *vq);

/* Bytes in an iovec array */
size_t iov_bytes(const struct iovec *iov, unsigned int n);
/* Copies up to len bytes out of or into pieces; returns how many. */
size_t iov_read(const struct iovec *iov, unsigned int n, void *to, size_t len);
size_t iov_write(const struct iovec *iov, unsigned int n, const void *from,
		 size_t len);
/* The pieces behind the first skip bytes, at most max of them; returns how
 * many, or -E2BIG when there are more.
 */
int iov_skip(const struct iovec *iov, unsigned int n, size_t skip,
	     struct iovec *to, unsigned int max);

#endif
