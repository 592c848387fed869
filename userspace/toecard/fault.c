// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "fault.h"

static const char * const fault_words[] = {
#define FAULT_WORD(name, word) [FAULT_##name] = word,
	FAULTS(FAULT_WORD)
#undef FAULT_WORD
};

static struct {
	uint32_t count;
	uint32_t ms;
} faults[FAULT_MAX];

bool fault_armed(enum fault f)
{
	return faults[f].count > 0;
}

bool fault_take(enum fault f)
{
	if (!faults[f].count)
		return false;
	faults[f].count--;
	return true;
}

uint32_t fault_ms(enum fault f)
{
	return faults[f].ms;
}

int fault_arm(const char *word, uint32_t count, uint32_t ms)
{
	int f;

	for (f = 0; f < FAULT_MAX; f++) {
		if (strcmp(word, fault_words[f]))
			continue;
		faults[f].count = count;
		faults[f].ms = ms;
		return 0;
	}
	return -ENOENT;
}

const char *fault_word(enum fault f)
{
	return fault_words[f];
}
