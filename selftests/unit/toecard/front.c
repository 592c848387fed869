// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "front.h"

void front_init(struct front *f)
{
	int i;

	memset(f, 0, sizeof(*f));
	for (i = 0; i < 2; i++) {
		f->memfd[i] = memfd_create("guest", MFD_CLOEXEC);
		assert(f->memfd[i] >= 0);
		assert(!ftruncate(f->memfd[i], REGION_SIZE));
		f->mem[i] = mmap(NULL, REGION_SIZE, PROT_READ | PROT_WRITE,
				 MAP_SHARED, f->memfd[i], 0);
		assert(f->mem[i] != MAP_FAILED);
	}
}

void front_exit(struct front *f)
{
	int i;

	for (i = 0; i < 2; i++) {
		munmap(f->mem[i], REGION_SIZE);
		close(f->memfd[i]);
	}
}

void *front_ptr(struct front *f, uint64_t gpa)
{
	assert(gpa >= GPA0 && gpa < GPA_END);
	return gpa < GPA1 ? f->mem[0] + (gpa - GPA0) : f->mem[1] + (gpa - GPA1);
}

struct vring_desc *front_desc(struct front *f, unsigned int q)
{
	return (void *)(f->mem[0] + RING_DESC(q));
}

struct vring_avail *front_avail(struct front *f, unsigned int q)
{
	return (void *)(f->mem[0] + RING_AVAIL(q));
}

struct vring_used *front_used(struct front *f, unsigned int q)
{
	return (void *)(f->mem[0] + RING_USED(q));
}

void front_set_desc(struct front *f, unsigned int q, uint16_t i, uint64_t gpa,
		    uint32_t len, uint16_t flags, uint16_t next)
{
	struct vring_desc *d = &front_desc(f, q)[i];

	d->addr = gpa;
	d->len = len;
	d->flags = flags;
	d->next = next;
}

void front_offer(struct front *f, unsigned int q, uint16_t head)
{
	struct vring_avail *a = front_avail(f, q);

	a->ring[f->avail[q] % RING_NUM] = head;
	__atomic_store_n(&a->idx, ++f->avail[q], __ATOMIC_RELEASE);
}

bool front_take(struct front *f, unsigned int q, uint32_t *head, uint32_t *len)
{
	struct vring_used *u = front_used(f, q);

	if (__atomic_load_n(&u->idx, __ATOMIC_ACQUIRE) == f->used[q])
		return false;
	*head = u->ring[f->used[q] % RING_NUM].id;
	*len = u->ring[f->used[q] % RING_NUM].len;
	f->used[q]++;
	return true;
}
