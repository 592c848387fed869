/* SPDX-License-Identifier: GPL-2.0-only */
/* TAP, and the first check of a test that failed. */
#ifndef _UNIT_CHECK_H
#define _UNIT_CHECK_H

#include <stddef.h>
#include <stdio.h>

static const char *failure;
static char failure_buf[240];

#define CHECK(cond) do {						\
	if (!(cond) && !failure) {					\
		snprintf(failure_buf, sizeof(failure_buf),		\
			 "%s:%d: %s", __FILE__, __LINE__, #cond);	\
		failure = failure_buf;					\
	}								\
} while (0)

/* With numbers: CHECK that one is not more than the other */
#define CHECK_LE(got, most) do {					\
	unsigned long long got_ = (got), most_ = (most);		\
	if (got_ > most_ && !failure) {					\
		snprintf(failure_buf, sizeof(failure_buf),		\
			 "%s:%d: %s is %llu, more than %llu", __FILE__,	\
			 __LINE__, #got, got_, most_);			\
		failure = failure_buf;					\
	}								\
} while (0)

struct test {
	const char *name;
	void (*fn)(void);
};

static inline int run_tests(const struct test *tests, size_t n)
{
	int failed = 0;

	printf("TAP version 13\n1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		failure = NULL;
		tests[i].fn();
		printf("%sok %zu %s", failure ? "not " : "", i + 1, tests[i].name);
		if (failure)
			printf(" # %s", failure);
		putchar('\n');
		fflush(stdout);
		failed |= !!failure;
	}
	return failed;
}

#endif
