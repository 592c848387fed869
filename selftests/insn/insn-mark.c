// SPDX-License-Identifier: GPL-2.0-only
/*
 * insn-mark - takes a snapshot of the instruction counters, from the guest
 *
 * The counting plugin knows the marker by its bytes: an 8-byte NOP whose
 * displacement is the signature 0x7065 in the high half and the tag in the low
 * half. The tag is part of the code, so the code is written at run time.
 *
 * Usage: insn-mark N		(N: 0..65535)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const unsigned char marker[] = {
	0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x65, 0x70,	/* nop tag(%rax,%rax) */
	0xc3,						/* ret */
};

int main(int argc, char **argv)
{
	unsigned char *code;
	unsigned long tag;
	char *end;

	if (argc != 2) {
		fprintf(stderr, "usage: insn-mark N\n");
		return 2;
	}
	tag = strtoul(argv[1], &end, 0);
	if (*end || end == argv[1] || tag > 0xffff) {
		fprintf(stderr, "insn-mark: '%s' is no number from 0 to 65535\n",
			argv[1]);
		return 2;
	}

	code = mmap(NULL, sizeof(marker), PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code == MAP_FAILED) {
		perror("insn-mark: mmap");
		return 1;
	}
	memcpy(code, marker, sizeof(marker));
	code[4] = tag & 0xff;
	code[5] = tag >> 8;
	((void (*)(void))code)();
	return 0;
}
