// SPDX-License-Identifier: GPL-2.0-only
/* userspace/toecard/vring.c: chains good and bad, memory tables, interrupts. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "front.h"
#include "log.h"
#include "vring.h"

#define W	VRING_DESC_F_WRITE
#define N	VRING_DESC_F_NEXT
#define I	VRING_DESC_F_INDIRECT

struct env {
	struct front f;
	struct guest_mem *mem;
	struct vq vq;
};

static struct env env;
static struct vq_chain chain;
static int logged;

enum log_level log_level;

void log_msg(enum log_level lvl, const char *fmt, ...)
{
	(void)lvl;
	(void)fmt;
	logged++;
}

static int setup(void **state)
{
	struct env *e = &env;

	(void)state;
	memset(e, 0, sizeof(*e));
	logged = 0;
	front_init(&e->f);
	e->mem = guest_mem_new();
	assert_int_equal(guest_mem_add(e->mem, GPA0, UADDR0, REGION_SIZE, 0,
				       e->f.memfd[0]), 0);
	assert_int_equal(guest_mem_add(e->mem, GPA1, UADDR1, REGION_SIZE, 0,
				       e->f.memfd[1]), 0);
	e->vq.num = RING_NUM;
	e->vq.enabled = true;
	e->vq.indirect = true;
	e->vq.event_idx = true;
	e->vq.call_fd = eventfd(0, EFD_NONBLOCK);
	assert_int_equal(vq_map(&e->vq, e->mem, UADDR0 + RING_DESC(0),
				UADDR0 + RING_AVAIL(0), UADDR0 + RING_USED(0)),
			 0);
	return 0;
}

static int teardown(void **state)
{
	struct env *e = &env;

	(void)state;
	close(e->vq.call_fd);
	vq_stop(&e->vq);
	/* Whoever took a chain must have given its reference back. */
	assert_int_equal(e->mem->refs, 1);
	guest_mem_put(e->mem);
	front_exit(&e->f);
	return 0;
}

static void give_back(uint16_t head)
{
	vq_push(&env.vq, head, env.mem, 0);
}

static void chain_of_three(void **state)
{
	struct front *f = &env.f;

	(void)state;
	front_set_desc(f, 0, 5, DATA, 10, N, 9);
	front_set_desc(f, 0, 9, DATA + 0x1000, 20, N, 2);
	front_set_desc(f, 0, 2, DATA + 0x2000, 30, W, 0);
	front_offer(f, 0, 5);
	assert_int_equal(vq_pop(&env.vq, &chain), 1);
	assert_int_equal(chain.head, 5);
	assert_int_equal(chain.nread, 2);
	assert_int_equal(chain.nwrite, 1);
	assert_int_equal(chain.first_write, 30);
	assert_int_equal(iov_bytes(chain.iov, 2), 30);
	memcpy(chain.iov[2].iov_base, "hello", 5);
	assert_memory_equal(front_ptr(f, DATA + 0x2000), "hello", 5);
	assert_int_equal(vq_pop(&env.vq, &chain), 0);
	give_back(5);
}

static void neighbours_merge(void **state)
{
	struct front *f = &env.f;

	(void)state;
	front_set_desc(f, 0, 0, DATA, 10, N, 1);
	front_set_desc(f, 0, 1, DATA + 10, 20, N, 2);
	/* Writable behind readable: a neighbour, but another piece. */
	front_set_desc(f, 0, 2, DATA + 30, 36, W | N, 3);
	front_set_desc(f, 0, 3, DATA + 66, 100, W, 0);
	front_offer(f, 0, 0);
	assert_int_equal(vq_pop(&env.vq, &chain), 1);
	assert_int_equal(chain.nread, 1);
	assert_int_equal(chain.iov[0].iov_len, 30);
	assert_int_equal(chain.nwrite, 1);
	assert_int_equal(chain.iov[1].iov_len, 136);
	assert_int_equal(chain.first_write, 36);
	give_back(0);
}

static void across_the_border(void **state)
{
	struct front *f = &env.f;
	char buf[8];

	(void)state;
	memcpy(front_ptr(f, GPA1 - 3), "abc", 3);
	memcpy(front_ptr(f, GPA1), "defgh", 5);
	front_set_desc(f, 0, 0, GPA1 - 3, 8, 0, 0);
	front_offer(f, 0, 0);
	assert_int_equal(vq_pop(&env.vq, &chain), 1);
	/* In two pieces, unless the mappings happen to be neighbours here. */
	assert_int_equal(iov_bytes(chain.iov, chain.nread), 8);
	assert_int_equal(iov_read(chain.iov, chain.nread, buf, 8), 8);
	assert_memory_equal(buf, "abcdefgh", 8);
	give_back(0);
}

/* The table itself lies across the border of the regions. */
static void indirect_across_the_border(void **state)
{
	struct front *f = &env.f;
	struct vring_desc d[3] = {
		{ .addr = DATA, .len = 20, .flags = N, .next = 2 },
		{ .addr = DATA + 0x2000, .len = 7, .flags = W },
		{ .addr = DATA + 0x1000, .len = 5, .flags = N, .next = 1 },
	};
	uint64_t at = GPA1 - 24;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(d); i++)
		*(uint8_t *)front_ptr(f, at + i) = ((uint8_t *)d)[i];
	front_set_desc(f, 0, 63, at, sizeof(d), I, 0);
	front_offer(f, 0, 63);
	assert_int_equal(vq_pop(&env.vq, &chain), 1);
	assert_int_equal(chain.nread, 2);
	assert_int_equal(chain.nwrite, 1);
	assert_int_equal(chain.iov[1].iov_len, 5);
	assert_int_equal(chain.iov[2].iov_len, 7);
	give_back(63);
}

/* The queue breaks once, then nothing comes, not even good chains. */
static void assert_breaks(void)
{
	struct front *f = &env.f;

	assert_int_equal(vq_pop(&env.vq, &chain), -EPROTO);
	assert_true(env.vq.broken);
	front_set_desc(f, 0, 40, DATA, 8, 0, 0);
	front_offer(f, 0, 40);
	assert_int_equal(vq_pop(&env.vq, &chain), 0);
	assert_false(vq_kick_on(&env.vq));
	assert_int_equal(env.vq.in_flight, 0);
	assert_int_equal(logged, 1);
}

static void bad_loop(void **state)
{
	(void)state;
	front_set_desc(&env.f, 0, 0, DATA, 1, N, 1);
	front_set_desc(&env.f, 0, 1, DATA + 0, 1, N, 0);
	front_offer(&env.f, 0, 0);
	assert_breaks();
}

static void bad_indirect_loop(void **state)
{
	struct vring_desc *d = front_ptr(&env.f, DATA);

	(void)state;
	d[0] = (struct vring_desc){ DATA + 0x100, 1, N, 0 };
	front_set_desc(&env.f, 0, 0, DATA, 16, I, 0);
	front_offer(&env.f, 0, 0);
	assert_breaks();
}

static void bad_next(void **state)
{
	(void)state;
	front_set_desc(&env.f, 0, 0, DATA, 1, N, RING_NUM);
	front_offer(&env.f, 0, 0);
	assert_breaks();
}

static void bad_head(void **state)
{
	(void)state;
	front_offer(&env.f, 0, RING_NUM);
	assert_breaks();
}

static void bad_address(void **state)
{
	(void)state;
	front_set_desc(&env.f, 0, 0, GPA0 - 1, 1, 0, 0);
	front_offer(&env.f, 0, 0);
	assert_breaks();
}

static void bad_end(void **state)
{
	(void)state;
	front_set_desc(&env.f, 0, 0, GPA_END - 4, 5, 0, 0);
	front_offer(&env.f, 0, 0);
	assert_breaks();
}

static void bad_wrap(void **state)
{
	(void)state;
	front_set_desc(&env.f, 0, 0, UINT64_MAX - 1, 0xffffffff, W, 0);
	front_offer(&env.f, 0, 0);
	assert_breaks();
}

static void bad_empty(void **state)
{
	(void)state;
	front_set_desc(&env.f, 0, 0, DATA, 0, 0, 0);
	front_offer(&env.f, 0, 0);
	assert_breaks();
}

static void bad_direction(void **state)
{
	(void)state;
	front_set_desc(&env.f, 0, 0, DATA, 4, W | N, 1);
	front_set_desc(&env.f, 0, 1, DATA + 0x100, 4, 0, 0);
	front_offer(&env.f, 0, 0);
	assert_breaks();
}

static void bad_many_pieces(void **state)
{
	struct vring_desc *d = front_ptr(&env.f, DATA);
	int i;

	(void)state;
	for (i = 0; i <= VQ_IOV; i++)
		d[i] = (struct vring_desc){ GPA1 + i * 16, 8,
					    i < VQ_IOV ? N : 0, i + 1 };
	front_set_desc(&env.f, 0, 0, DATA, 16 * (VQ_IOV + 1), I, 0);
	front_offer(&env.f, 0, 0);
	assert_breaks();
}

static void most_pieces(void **state)
{
	struct vring_desc *d = front_ptr(&env.f, DATA);
	int i;

	(void)state;
	for (i = 0; i < VQ_IOV; i++)
		d[i] = (struct vring_desc){ GPA1 + i * 16, 8,
					    i < VQ_IOV - 1 ? N : 0, i + 1 };
	front_set_desc(&env.f, 0, 0, DATA, 16 * VQ_IOV, I, 0);
	front_offer(&env.f, 0, 0);
	assert_int_equal(vq_pop(&env.vq, &chain), 1);
	assert_int_equal(chain.nread, VQ_IOV);
	give_back(0);
}

static void bad_indirect_size(void **state)
{
	(void)state;
	front_set_desc(&env.f, 0, 0, DATA, 17, I, 0);
	front_offer(&env.f, 0, 0);
	assert_breaks();
}

static void bad_indirect_huge(void **state)
{
	(void)state;
	front_set_desc(&env.f, 0, 0, DATA, 0xfffffff0, I, 0);
	front_offer(&env.f, 0, 0);
	assert_breaks();
}

static void bad_indirect_place(void **state)
{
	(void)state;
	front_set_desc(&env.f, 0, 0, GPA_END - 8, 16, I, 0);
	front_offer(&env.f, 0, 0);
	assert_breaks();
}

static void bad_indirect_nested(void **state)
{
	struct vring_desc *d = front_ptr(&env.f, DATA);

	(void)state;
	d[0] = (struct vring_desc){ DATA, 16, I, 0 };
	front_set_desc(&env.f, 0, 0, DATA, 16, I, 0);
	front_offer(&env.f, 0, 0);
	assert_breaks();
}

static void bad_indirect_next(void **state)
{
	(void)state;
	front_set_desc(&env.f, 0, 0, DATA, 16, I | N, 1);
	front_offer(&env.f, 0, 0);
	assert_breaks();
}

static void bad_indirect_not_agreed(void **state)
{
	struct vring_desc *d = front_ptr(&env.f, DATA);

	(void)state;
	env.vq.indirect = false;
	d[0] = (struct vring_desc){ DATA + 0x100, 16, 0, 0 };
	front_set_desc(&env.f, 0, 0, DATA, 16, I, 0);
	front_offer(&env.f, 0, 0);
	assert_breaks();
}

static void bad_avail_index(void **state)
{
	(void)state;
	front_set_desc(&env.f, 0, 0, DATA, 1, 0, 0);
	front_avail(&env.f, 0)->idx = RING_NUM + 1;
	env.f.avail[0] = RING_NUM + 1;
	assert_breaks();
}

static void bad_offered_twice(void **state)
{
	(void)state;
	front_set_desc(&env.f, 0, 7, DATA, 1, 0, 0);
	front_offer(&env.f, 0, 7);
	front_offer(&env.f, 0, 7);
	assert_int_equal(vq_pop(&env.vq, &chain), 1);
	assert_int_equal(vq_pop(&env.vq, &chain), -EPROTO);
	/* The first one is still there to be given back. */
	assert_int_equal(env.vq.in_flight, 1);
	give_back(7);
}

static void put_back(void **state)
{
	(void)state;
	front_set_desc(&env.f, 0, 3, DATA, 1, W, 0);
	front_offer(&env.f, 0, 3);
	assert_int_equal(vq_pop(&env.vq, &chain), 1);
	vq_unpop(&env.vq, &chain);
	assert_int_equal(env.vq.last_avail, 0);
	assert_int_equal(vq_pop(&env.vq, &chain), 1);
	assert_int_equal(chain.head, 3);
	give_back(3);
}

static void used_out_of_order(void **state)
{
	uint32_t head, len;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		front_set_desc(&env.f, 0, i, DATA, 1, W, 0);
		front_offer(&env.f, 0, i);
		assert_int_equal(vq_pop(&env.vq, &chain), 1);
	}
	vq_push(&env.vq, 2, env.mem, 12);
	vq_push(&env.vq, 0, env.mem, 10);
	vq_push(&env.vq, 1, env.mem, 11);
	assert_true(front_take(&env.f, 0, &head, &len));
	assert_int_equal(head, 2);
	assert_int_equal(len, 12);
	assert_true(front_take(&env.f, 0, &head, &len));
	assert_int_equal(head, 0);
	assert_true(front_take(&env.f, 0, &head, &len));
	assert_int_equal(head, 1);
	assert_false(front_take(&env.f, 0, &head, &len));
}

/* Through the ring many times: all indices wrap, also at 65536. */
static void round_and_round(void **state)
{
	uint32_t head, len;
	int i;

	(void)state;
	for (i = 0; i < 70000; i++) {
		front_set_desc(&env.f, 0, i % RING_NUM, DATA, 1, W, 0);
		front_offer(&env.f, 0, i % RING_NUM);
		assert_int_equal(vq_pop(&env.vq, &chain), 1);
		give_back(chain.head);
		assert_true(front_take(&env.f, 0, &head, &len));
		assert_int_equal(head, i % RING_NUM);
	}
}

static bool interrupted(void)
{
	uint64_t n;

	vq_signal(&env.vq);
	return read(env.vq.call_fd, &n, sizeof(n)) == sizeof(n);
}

static void one_chain(uint16_t head)
{
	front_set_desc(&env.f, 0, head, DATA, 1, W, 0);
	front_offer(&env.f, 0, head);
	assert_int_equal(vq_pop(&env.vq, &chain), 1);
	give_back(head);
}

static void interrupts_by_event(void **state)
{
	uint16_t *used_event = &front_avail(&env.f, 0)->ring[RING_NUM];

	(void)state;
	assert_false(interrupted());
	one_chain(0);
	assert_true(interrupted());
	assert_false(interrupted());
	*used_event = 3;	/* "when entry 3 is used" */
	one_chain(1);
	one_chain(2);
	assert_false(interrupted());
	one_chain(3);
	assert_true(interrupted());
	one_chain(4);
	assert_false(interrupted());
	*used_event = 5;
	one_chain(5);
	one_chain(6);
	assert_true(interrupted());
}

static void interrupts_by_flag(void **state)
{
	(void)state;
	env.vq.event_idx = false;
	one_chain(0);
	assert_true(interrupted());
	front_avail(&env.f, 0)->flags = VRING_AVAIL_F_NO_INTERRUPT;
	one_chain(1);
	assert_false(interrupted());
}

static void kicks(void **state)
{
	uint16_t *avail_event = (void *)&front_used(&env.f, 0)->ring[RING_NUM];

	(void)state;
	one_chain(0);
	assert_false(vq_kick_on(&env.vq));
	assert_int_equal(*avail_event, 1);
	front_set_desc(&env.f, 0, 1, DATA, 1, W, 0);
	front_offer(&env.f, 0, 1);
	assert_true(vq_kick_on(&env.vq));	/* it came meanwhile */
	env.vq.event_idx = false;
	vq_kick_off(&env.vq);
	assert_int_equal(front_used(&env.f, 0)->flags, VRING_USED_F_NO_NOTIFY);
	vq_kick_on(&env.vq);
	assert_int_equal(front_used(&env.f, 0)->flags, 0);
}

static void memory_tables(void **state)
{
	struct guest_mem *mem = guest_mem_new();
	int fd = env.f.memfd[0];

	(void)state;
	assert_int_equal(guest_mem_add(mem, 0, 0, 0, 0, fd), -EINVAL);
	assert_int_equal(guest_mem_add(mem, UINT64_MAX - 5, 0, 4096, 0, fd),
			 -EINVAL);
	assert_int_equal(guest_mem_add(mem, 0, UINT64_MAX - 5, 4096, 0, fd),
			 -EINVAL);
	assert_int_equal(guest_mem_add(mem, 0, 0, 4096, UINT64_MAX - 5, fd),
			 -EINVAL);
	/* beyond the end of the file */
	assert_int_equal(guest_mem_add(mem, 0, 0, REGION_SIZE, 4096, fd),
			 -EINVAL);
	assert_int_equal(guest_mem_add(mem, 0x10000, 0x10000, 4096, 4096, fd),
			 0);
	assert_int_equal(guest_mem_add(mem, 0x10fff, 0x90000, 4096, 0, fd),
			 -EEXIST);
	assert_int_equal(guest_mem_add(mem, 0x90000, 0xf001, 4096, 0, fd),
			 -EEXIST);
	assert_int_equal(guest_mem_add(mem, 0x11000, 0x11000, 4096, 0, fd), 0);
	guest_mem_put(mem);
}

static void ring_addresses(void **state)
{
	uint64_t d = UADDR0 + RING_DESC(1), a = UADDR0 + RING_AVAIL(1),
		 u = UADDR0 + RING_USED(1);
	struct vq vq = { .num = RING_NUM, .call_fd = -1 };

	(void)state;
	assert_int_equal(vq_map(&vq, NULL, d, a, u), -EINVAL);
	assert_int_equal(vq_map(&vq, env.mem, d + 8, a, u), -EFAULT);
	assert_int_equal(vq_map(&vq, env.mem, d, a + 1, u), -EFAULT);
	assert_int_equal(vq_map(&vq, env.mem, d, a, u + 2), -EFAULT);
	assert_int_equal(vq_map(&vq, env.mem, UADDR0 - 16, a, u), -EFAULT);
	assert_int_equal(vq_map(&vq, env.mem, d, a,
				UADDR0 + REGION_SIZE - 8), -EFAULT);
	assert_false(vq.live);
	assert_int_equal(vq_map(&vq, env.mem, d, a, u), 0);
	vq_stop(&vq);
}

/* A chain keeps the table it was taken from. */
static void table_replaced(void **state)
{
	struct guest_mem *mem = guest_mem_new(), *old = env.mem;

	(void)state;
	front_set_desc(&env.f, 0, 0, GPA1, 4, W, 0);
	front_offer(&env.f, 0, 0);
	assert_int_equal(vq_pop(&env.vq, &chain), 1);
	assert_int_equal(guest_mem_add(mem, GPA0, UADDR0, REGION_SIZE, 0,
				       env.f.memfd[0]), 0);
	assert_int_equal(vq_remap(&env.vq, mem, UADDR0 + RING_DESC(0),
				  UADDR0 + RING_AVAIL(0),
				  UADDR0 + RING_USED(0)), 0);
	env.mem = mem;
	guest_mem_put(old);
	assert_int_equal(old->refs, 1);		/* the chain's */
	memcpy(chain.iov[0].iov_base, "here", 4);
	assert_memory_equal(front_ptr(&env.f, GPA1), "here", 4);
	vq_push(&env.vq, 0, chain.mem, 4);
	/* The new table does not have that memory. */
	front_offer(&env.f, 0, 0);
	assert_breaks();
}

static void pieces(void **state)
{
	char a[] = "abc", b[] = "defg", to[8] = "";
	struct iovec iov[] = { { a, 3 }, { b, 4 } }, rest[2];

	(void)state;
	assert_int_equal(iov_read(iov, 2, to, 5), 5);
	assert_string_equal(to, "abcde");
	assert_int_equal(iov_write(iov, 2, "1234567890", 10), 7);
	assert_memory_equal(b, "4567", 4);
	assert_int_equal(iov_skip(iov, 2, 2, rest, 2), 2);
	assert_int_equal(rest[0].iov_len, 1);
	assert_int_equal(iov_skip(iov, 2, 3, rest, 2), 1);
	assert_int_equal(iov_skip(iov, 2, 7, rest, 2), 0);
	assert_int_equal(iov_skip(iov, 2, 0, rest, 1), -E2BIG);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(chain_of_three),
		TEST(neighbours_merge),
		TEST(across_the_border),
		TEST(indirect_across_the_border),
		TEST(bad_loop),
		TEST(bad_indirect_loop),
		TEST(bad_next),
		TEST(bad_head),
		TEST(bad_address),
		TEST(bad_end),
		TEST(bad_wrap),
		TEST(bad_empty),
		TEST(bad_direction),
		TEST(bad_many_pieces),
		TEST(most_pieces),
		TEST(bad_indirect_size),
		TEST(bad_indirect_huge),
		TEST(bad_indirect_place),
		TEST(bad_indirect_nested),
		TEST(bad_indirect_next),
		TEST(bad_indirect_not_agreed),
		TEST(bad_avail_index),
		TEST(bad_offered_twice),
		TEST(put_back),
		TEST(used_out_of_order),
		TEST(round_and_round),
		TEST(interrupts_by_event),
		TEST(interrupts_by_flag),
		TEST(kicks),
		TEST(memory_tables),
		TEST(ring_addresses),
		TEST(table_replaced),
		TEST(pieces),
	};

	return cmocka_run_group_tests_name("toecard vring", tests, NULL, NULL);
}
