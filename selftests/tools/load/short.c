// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections that do little: a request, an answer, and the peer's end. One after the
 * other, on one CPU; and while an answer is under way this does not sleep but spins, in
 * user space: else it would be chance how often the host falls asleep and wakes up.
 */
#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>
#include "load.h"

#define SPIN_NS		200000
#define WARM		50

static void spin(uint64_t ns)
{
	uint64_t end = now_ns() + ns;

	while (now_ns() < end)
		;
}

static void one(const char *address, const char *port, uint64_t size)
{
	int fd = dial(address, port, WANT_ONCE, size);
	uint64_t left = size;
	ssize_t r;

	spin(SPIN_NS);
	for (; (r = read(fd, buffer, BUFFER)) > 0; left -= r)
		;
	if (r || left) {
		errno = errno ?: ECONNRESET;
		die("read");
	}
	close(fd);
	spin(SPIN_NS);
}

int short_flows(int argc, char **argv)
{
	uint64_t count = number(argv[2], 1ULL << 32), size = number(argv[3], BUFFER), begin;
	cpu_set_t cpu;

	(void)argc;
	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	if (sched_setaffinity(0, sizeof(cpu), &cpu))
		die("sched_setaffinity");
	for (int i = 0; i < WARM; i++)
		one(argv[0], argv[1], size);
	begin = now_ns();
	MARK(1);
	for (uint64_t i = 0; i < count; i++)
		one(argv[0], argv[1], size);
	MARK(2);
	done(count * size, begin);
	return 0;
}
