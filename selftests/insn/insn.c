// SPDX-License-Identifier: GPL-2.0-only
/*
 * insn - QEMU plugin that counts the guest's instructions
 *
 * User and kernel apart, per vCPU. Each translated block adds its length to one
 * of two counters of its vCPU, inline and without a call; the address says
 * whose block it is, once, when it is translated. (A block that an interrupt or
 * a fault leaves early counts in full; it is a small, steady error.)
 *
 * The marker, an 8-byte NOP `0f 1f 84 00 TT TT 65 70`, writes a line:
 *
 *   mark TAG user N kernel N cpu0 USER KERNEL cpu1 USER KERNEL ...
 *
 * With profile=FILE, a marker also writes how many instructions each block of the
 * kernel has run since the start, to that file: "TAG ADDRESS N" a line.
 *
 * Arguments: out=FILE[,profile=FILE]
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "qemu_plugin.h"

/* Canonical kernel addresses start here, with four and with five levels. */
#define KERNEL_START	0xff00000000000000ULL

/* Blocks of the kernel, by a hash of their address */
#define PLACES		(1u << 17)

struct counters {
	uint64_t user;
	uint64_t kernel;
	uint64_t place[];
};

static const unsigned char marker_head[] = { 0x0f, 0x1f, 0x84, 0x00 };
static const unsigned char marker_tail[] = { 0x65, 0x70 };

static qemu_plugin_u64 user;
static qemu_plugin_u64 kernel;
static FILE *out;
static FILE *profile;
static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER;	/* both files, place */

static struct qemu_plugin_scoreboard *score;
static uint64_t place[PLACES];		/* address of the block; 0: free */

INSN_EXPORT int qemu_plugin_version = INSN_PLUGIN_VERSION;

static qemu_plugin_u64 place_counter(unsigned int i)
{
	return (qemu_plugin_u64){ score, offsetof(struct counters, place) + i * sizeof(uint64_t) };
}

/* Counts a block by its address, which is the same when it is translated anew. */
static void count_place(struct qemu_plugin_tb *tb, size_t insns)
{
	uint64_t address = qemu_plugin_tb_vaddr(tb);
	unsigned int i = (address * 0x9e3779b97f4a7c15ULL) >> 47, tries;

	pthread_mutex_lock(&out_lock);
	for (tries = 0; tries < PLACES && place[i] && place[i] != address; tries++)
		i = (i + 1) % PLACES;
	if (!place[i])
		place[i] = address;
	if (place[i] == address)
		qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(
			tb, QEMU_PLUGIN_INLINE_ADD_U64, place_counter(i), insns);
	pthread_mutex_unlock(&out_lock);
}

static void write_profile(unsigned int tag)
{
	unsigned int i;
	uint64_t n;

	for (i = 0; i < PLACES; i++) {
		n = place[i] ? qemu_plugin_u64_sum(place_counter(i)) : 0;
		if (n)
			fprintf(profile, "%u %llx %llu\n", tag, (unsigned long long)place[i],
				(unsigned long long)n);
	}
	fprintf(profile, "%u end\n", tag);
	fflush(profile);
}

static void snapshot(unsigned int vcpu, void *data)
{
	int i;

	(void)vcpu;
	pthread_mutex_lock(&out_lock);
	fprintf(out, "mark %u user %llu kernel %llu",
		(unsigned int)(uintptr_t)data,
		(unsigned long long)qemu_plugin_u64_sum(user),
		(unsigned long long)qemu_plugin_u64_sum(kernel));
	for (i = 0; i < qemu_plugin_num_vcpus(); i++)
		fprintf(out, " cpu%d %llu %llu", i,
			(unsigned long long)qemu_plugin_u64_get(user, i),
			(unsigned long long)qemu_plugin_u64_get(kernel, i));
	fputc('\n', out);
	fflush(out);
	if (profile)
		write_profile((uintptr_t)data);
	pthread_mutex_unlock(&out_lock);
}

static void look_for_marker(struct qemu_plugin_insn *insn)
{
	unsigned char code[8];

	if (qemu_plugin_insn_size(insn) != sizeof(code) ||
	    qemu_plugin_insn_data(insn, code, sizeof(code)) != sizeof(code) ||
	    memcmp(code, marker_head, sizeof(marker_head)) ||
	    memcmp(code + 6, marker_tail, sizeof(marker_tail)))
		return;
	qemu_plugin_register_vcpu_insn_exec_cb(
		insn, snapshot, QEMU_PLUGIN_CB_NO_REGS,
		(void *)(uintptr_t)(code[4] | code[5] << 8));
}

static void translated(struct qemu_plugin_tb *tb, void *data)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	int in_kernel = qemu_plugin_tb_vaddr(tb) >= KERNEL_START;

	(void)data;
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(
		tb, QEMU_PLUGIN_INLINE_ADD_U64, in_kernel ? kernel : user, n);
	if (in_kernel && profile)
		count_place(tb, n);
	for (i = 0; i < n; i++)
		look_for_marker(qemu_plugin_tb_get_insn(tb, i));
}

static int open_log(FILE **file, const char *path)
{
	*file = fopen(path, "ae");
	if (*file)
		return 0;
	perror(path);
	return -1;
}

INSN_EXPORT int qemu_plugin_install(uint64_t id, const struct qemu_info *info,
				    int argc, char **argv)
{
	const char *path = NULL, *profile_path = NULL;
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			path = argv[i] + 4;
		else if (!strncmp(argv[i], "profile=", 8))
			profile_path = argv[i] + 8;
	}
	if (!path) {
		fprintf(stderr, "insn: out=FILE is missing\n");
		return -1;
	}
	if (open_log(&out, path) || (profile_path && open_log(&profile, profile_path)))
		return -1;

	score = qemu_plugin_scoreboard_new(sizeof(struct counters) +
					   (profile ? sizeof(place) : 0));
	user = (qemu_plugin_u64){ score, offsetof(struct counters, user) };
	kernel = (qemu_plugin_u64){ score, offsetof(struct counters, kernel) };
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated, NULL);
	return 0;
}
