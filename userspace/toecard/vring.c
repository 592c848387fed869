// SPDX-License-Identifier: GPL-2.0-only
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "vring.h"

/* The host may change its memory at any time. After this the compiler can't
 * read again what was copied before it.
 */
#define copy_barrier()	__asm__ __volatile__("" ::: "memory")

struct guest_mem *guest_mem_new(void)
{
	struct guest_mem *mem = calloc(1, sizeof(*mem));

	if (mem)
		mem->refs = 1;
	return mem;
}

struct guest_mem *guest_mem_get(struct guest_mem *mem)
{
	mem->refs++;
	return mem;
}

void guest_mem_put(struct guest_mem *mem)
{
	unsigned int i;

	if (!mem || --mem->refs)
		return;
	for (i = 0; i < mem->num; i++)
		munmap(mem->region[i].map, mem->region[i].map_len);
	free(mem);
}

static bool overlap(uint64_t a, uint64_t b, uint64_t a_size, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

int guest_mem_add(struct guest_mem *mem, uint64_t gpa, uint64_t uaddr,
		  uint64_t size, uint64_t offset, int fd)
{
	struct guest_region *r;
	uint64_t end, len;
	struct stat st;
	unsigned int i;
	void *map;

	if (mem->num == GUEST_REGIONS)
		return -ENOSPC;
	if (!size || __builtin_add_overflow(gpa, size, &end) ||
	    __builtin_add_overflow(uaddr, size, &end) ||
	    __builtin_add_overflow(offset, size, &len) || len > SSIZE_MAX)
		return -EINVAL;
	for (i = 0; i < mem->num; i++) {
		r = &mem->region[i];
		if (overlap(gpa, r->gpa, size, r->size) ||
		    overlap(uaddr, r->uaddr, size, r->size))
			return -EEXIST;
	}
	/* Beyond the file's end every access would be a SIGBUS. */
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size < len)
		return -EINVAL;
	/* From the file's start, in its own block size: huge pages can be
	 * mapped no other way.
	 */
	if (st.st_blksize > 0 && len % st.st_blksize)
		len += st.st_blksize - len % st.st_blksize;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	r = &mem->region[mem->num++];
	r->gpa = gpa;
	r->uaddr = uaddr;
	r->size = size;
	r->map = map;
	r->map_len = len;
	r->host = (uint8_t *)map + offset;
	return 0;
}

/* Where gpa is, and how many bytes follow it in its region; NULL if nowhere */
static void *gpa_find(const struct guest_mem *mem, uint64_t gpa,
		      uint64_t *follow)
{
	const struct guest_region *r;
	unsigned int i;

	for (i = 0; i < mem->num; i++) {
		r = &mem->region[i];
		if (gpa - r->gpa < r->size) {
			*follow = r->size - (gpa - r->gpa);
			return r->host + (gpa - r->gpa);
		}
	}
	return NULL;
}

/* Copies across region borders. */
static int gpa_read(const struct guest_mem *mem, uint64_t gpa, void *to,
		    size_t len)
{
	uint64_t follow;
	uint8_t *p = to;
	void *from;

	while (len) {
		from = gpa_find(mem, gpa, &follow);
		if (!from)
			return -EFAULT;
		if (follow > len)
			follow = len;
		memcpy(p, from, follow);
		p += follow;
		gpa += follow;
		len -= follow;
	}
	copy_barrier();
	return 0;
}

/* The rings themselves must lie in one region each, naturally aligned. */
static void *uaddr_map(const struct guest_mem *mem, uint64_t uaddr,
		       uint64_t len, uint64_t align)
{
	const struct guest_region *r;
	unsigned int i;
	uint8_t *p;

	for (i = 0; i < mem->num; i++) {
		r = &mem->region[i];
		if (uaddr - r->uaddr >= r->size)
			continue;
		if (len > r->size - (uaddr - r->uaddr))
			return NULL;
		p = r->host + (uaddr - r->uaddr);
		return (uintptr_t)p % align ? NULL : p;
	}
	return NULL;
}

int vq_remap(struct vq *vq, struct guest_mem *mem, uint64_t desc,
	     uint64_t avail, uint64_t used)
{
	void *d, *a, *u;

	if (!vq->num || !mem)
		return -EINVAL;
	d = uaddr_map(mem, desc, 16ull * vq->num, 16);
	a = uaddr_map(mem, avail, 6 + 2ull * vq->num, 2);
	u = uaddr_map(mem, used, 6 + 8ull * vq->num, 4);
	if (!d || !a || !u)
		return -EFAULT;
	vq->desc = d;
	vq->avail = a;
	vq->used = u;
	guest_mem_get(mem);
	guest_mem_put(vq->mem);
	vq->mem = mem;
	return 0;
}

int vq_map(struct vq *vq, struct guest_mem *mem, uint64_t desc, uint64_t avail,
	   uint64_t used)
{
	int err = vq_remap(vq, mem, desc, avail, used);

	if (err)
		return err;
	vq->last_avail = vq->base;
	vq->used_idx = le16toh(__atomic_load_n(&vq->used->idx,
					       __ATOMIC_RELAXED));
	if (vq->used_idx != vq->base)
		log_warn("queue %u: starts at entry %u, but %u were used",
			 vq->index, vq->base, vq->used_idx);
	vq->broken = false;
	vq->pushed = false;
	vq->signalled_valid = false;
	vq->in_flight = 0;
	memset(vq->taken, 0, sizeof(vq->taken));
	vq->live = true;
	return 0;
}

void vq_stop(struct vq *vq)
{
	vq->live = false;
	vq->base = vq->last_avail;
	vq->desc = NULL;
	vq->avail = NULL;
	vq->used = NULL;
	guest_mem_put(vq->mem);
	vq->mem = NULL;
}

int vq_break(struct vq *vq, const char *why)
{
	vq->broken = true;
	log_err("queue %u: %s; it is not served until the driver resets the device",
		vq->index, why);
	return -EPROTO;
}

/* Adds a descriptor's memory to the chain, in as many pieces as it has. */
static const char *chain_add(struct vq_chain *c, const struct guest_mem *mem,
			     uint64_t gpa, uint32_t len, bool write)
{
	unsigned int n = c->nread + c->nwrite;
	struct iovec *last;
	uint64_t follow;
	void *p;

	if (!len)
		return "a descriptor of no bytes";
	if (!write && c->nwrite)
		return "a readable descriptor behind a writable one";
	if (write && !c->nwrite)
		c->first_write = len;
	while (len) {
		p = gpa_find(mem, gpa, &follow);
		if (!p)
			return "an address outside the guest's memory";
		if (follow > len)
			follow = len;
		last = n ? &c->iov[n - 1] : NULL;
		/* The first writable piece never grows the last readable. */
		if (last && (!write || c->nwrite) &&
		    (uint8_t *)last->iov_base + last->iov_len == p) {
			last->iov_len += follow;
		} else {
			if (n == VQ_IOV)
				return "a chain of too many pieces";
			c->iov[n].iov_base = p;
			c->iov[n].iov_len = follow;
			n++;
			if (write)
				c->nwrite++;
			else
				c->nread++;
		}
		gpa += follow;
		len -= follow;
	}
	return NULL;
}

/* Follows the chain from vq->desc[head]; NULL or what is wrong with it */
static const char *chain_walk(struct vq *vq, struct vq_chain *c)
{
	bool indirect = false;
	uint64_t table = 0;
	uint32_t num = vq->num, i = c->head, seen = 0;
	struct vring_desc d;
	const char *wrong;
	uint16_t flags;

	for (;;) {
		if (i >= num)
			return "a descriptor number out of range";
		/* More steps than there are descriptors: it goes in circles. */
		if (seen++ == num)
			return "a chain without end";
		if (indirect) {
			if (gpa_read(vq->mem, table + 16ull * i, &d, sizeof(d)))
				return "an indirect table outside the guest's memory";
		} else {
			memcpy(&d, &vq->desc[i], sizeof(d));
			copy_barrier();
		}
		flags = le16toh(d.flags);
		if (flags & VRING_DESC_F_INDIRECT) {
			if (!vq->indirect)
				return "an indirect descriptor that was not agreed";
			if (indirect)
				return "an indirect descriptor in an indirect table";
			if (flags & VRING_DESC_F_NEXT)
				return "a descriptor both indirect and chained";
			num = le32toh(d.len) / 16;
			if (le32toh(d.len) % 16 || !num || num > VQ_MAX_NUM)
				return "an indirect table of a wrong size";
			table = le64toh(d.addr);
			if (table > UINT64_MAX - 16ull * num)
				return "an indirect table outside the guest's memory";
			indirect = true;
			i = 0;
			seen = 0;
			continue;
		}
		wrong = chain_add(c, vq->mem, le64toh(d.addr), le32toh(d.len),
				  flags & VRING_DESC_F_WRITE);
		if (wrong)
			return wrong;
		if (!(flags & VRING_DESC_F_NEXT))
			return NULL;
		i = le16toh(d.next);
	}
}

int vq_pop(struct vq *vq, struct vq_chain *c)
{
	uint16_t avail, head;
	const char *wrong;

	if (!vq->live || !vq->enabled || vq->broken)
		return 0;
	/* Acquire: the entry and its descriptors were written before the index
	 * that shows them.
	 */
	avail = le16toh(__atomic_load_n(&vq->avail->idx, __ATOMIC_ACQUIRE));
	if (avail == vq->last_avail)
		return 0;
	if ((uint16_t)(avail - vq->last_avail) > vq->num)
		return vq_break(vq, "more available entries than it has room for");
	head = le16toh(__atomic_load_n(&vq->avail->ring[vq->last_avail %
							vq->num],
				       __ATOMIC_RELAXED));
	if (head >= vq->num)
		return vq_break(vq, "a head out of range");
	if (vq->taken[head])
		return vq_break(vq, "a chain that the device still has");
	c->head = head;
	c->nread = 0;
	c->nwrite = 0;
	c->first_write = 0;
	wrong = chain_walk(vq, c);
	if (wrong)
		return vq_break(vq, wrong);
	c->mem = guest_mem_get(vq->mem);
	vq->taken[head] = true;
	vq->in_flight++;
	vq->last_avail++;
	return 1;
}

bool vq_ready(const struct vq *vq)
{
	if (!vq->live || !vq->enabled || vq->broken)
		return false;
	return le16toh(__atomic_load_n(&vq->avail->idx, __ATOMIC_ACQUIRE)) !=
	       vq->last_avail;
}

void vq_unpop(struct vq *vq, struct vq_chain *c)
{
	vq->taken[c->head] = false;
	vq->in_flight--;
	vq->last_avail--;
	guest_mem_put(c->mem);
	c->mem = NULL;
}

/* Release: what was written to the chains, and their entries, are there before the
 * index that shows them. On x86 a plain store.
 */
static void show_used(struct vq *vq)
{
	__atomic_store_n(&vq->used->idx, htole16(vq->used_idx),
			 __ATOMIC_RELEASE);
	vq->pushed = true;
}

void vq_withhold(struct vq *vq, bool on)
{
	if (vq->withheld == on)
		return;
	vq->withheld = on;
	if (!on && vq->live)
		show_used(vq);
}

void vq_push(struct vq *vq, uint16_t head, struct guest_mem *mem, uint32_t len)
{
	struct vring_used_elem *e = &vq->used->ring[vq->used_idx % vq->num];

	e->id = htole32(head);
	e->len = htole32(len);
	vq->used_idx++;
	if (!vq->withheld)
		show_used(vq);
	vq->taken[head] = false;
	vq->in_flight--;
	guest_mem_put(mem);
}

/* used_event stands behind the available ring, avail_event behind the used. */
static uint16_t used_event(struct vq *vq)
{
	return le16toh(__atomic_load_n(&vq->avail->ring[vq->num],
				       __ATOMIC_RELAXED));
}

static void set_avail_event(struct vq *vq, uint16_t idx)
{
	__atomic_store_n((uint16_t *)&vq->used->ring[vq->num], htole16(idx),
			 __ATOMIC_RELAXED);
}

static bool vq_wants_signal(struct vq *vq)
{
	uint16_t old = vq->signalled;
	bool valid = vq->signalled_valid;

	/* A full barrier: the driver writes used_event (or flags), then looks
	 * at used->idx; we wrote used->idx and now look at used_event. Without
	 * the barrier on both sides each could miss the other.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!vq->event_idx)
		return !(le16toh(__atomic_load_n(&vq->avail->flags,
						 __ATOMIC_RELAXED)) &
			 VRING_AVAIL_F_NO_INTERRUPT);
	vq->signalled = vq->used_idx;
	vq->signalled_valid = true;
	return !valid || vring_need_event(used_event(vq), vq->used_idx, old);
}

void vq_signal(struct vq *vq)
{
	uint64_t one = 1;

	if (!vq->pushed || !vq->live)
		return;
	vq->pushed = false;
	if (!vq_wants_signal(vq) || vq->call_fd < 0)
		return;
	/* EAGAIN: the counter is full, so an interrupt is pending anyway. */
	if (write(vq->call_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_warn("queue %u: interrupt: %s", vq->index, strerror(errno));
}

bool vq_kick_on(struct vq *vq)
{
	if (!vq->live || !vq->enabled || vq->broken)
		return false;
	if (vq->event_idx)
		set_avail_event(vq, vq->last_avail);
	else
		__atomic_store_n(&vq->used->flags, 0, __ATOMIC_RELAXED);
	/* The same pair of barriers as above, with the roles exchanged. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return le16toh(__atomic_load_n(&vq->avail->idx, __ATOMIC_RELAXED)) !=
	       vq->last_avail;
}

void vq_kick_off(struct vq *vq)
{
	/* With EVENT_IDX the old avail_event is behind: no kick follows until
	 * the index has gone once round, and then one too many does no harm.
	 */
	if (vq->live && !vq->event_idx)
		__atomic_store_n(&vq->used->flags,
				 htole16(VRING_USED_F_NO_NOTIFY),
				 __ATOMIC_RELAXED);
}

size_t iov_bytes(const struct iovec *iov, unsigned int n)
{
	size_t sum = 0;
	unsigned int i;

	for (i = 0; i < n; i++)
		sum += iov[i].iov_len;
	return sum;
}

size_t iov_read(const struct iovec *iov, unsigned int n, void *to, size_t len)
{
	size_t done = 0, part;
	unsigned int i;

	for (i = 0; i < n && done < len; i++) {
		part = iov[i].iov_len < len - done ? iov[i].iov_len :
						     len - done;
		memcpy((uint8_t *)to + done, iov[i].iov_base, part);
		done += part;
	}
	copy_barrier();
	return done;
}

size_t iov_write(const struct iovec *iov, unsigned int n, const void *from,
		 size_t len)
{
	size_t done = 0, part;
	unsigned int i;

	for (i = 0; i < n && done < len; i++) {
		part = iov[i].iov_len < len - done ? iov[i].iov_len :
						     len - done;
		memcpy(iov[i].iov_base, (const uint8_t *)from + done, part);
		done += part;
	}
	return done;
}

int iov_skip(const struct iovec *iov, unsigned int n, size_t skip,
	     struct iovec *to, unsigned int max)
{
	unsigned int i, k = 0;

	for (i = 0; i < n; i++) {
		if (skip >= iov[i].iov_len) {
			skip -= iov[i].iov_len;
			continue;
		}
		if (k == max)
			return -E2BIG;
		to[k].iov_base = (uint8_t *)iov[i].iov_base + skip;
		to[k].iov_len = iov[i].iov_len - skip;
		skip = 0;
		k++;
	}
	return k;
}
