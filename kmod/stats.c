// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's counters, and the words for them.
 */
#include <linux/cpumask.h>
#include <linux/string.h>

#include "stats.h"

DEFINE_PER_CPU(struct toe_stats, toe_stats);

void toe_stats_sum(struct toe_stats *sum)
{
	int cpu, i;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const struct toe_stats *s = per_cpu_ptr(&toe_stats, cpu);

		for (i = 0; i < __TOE_STAT_MAX; i++)
			sum->counters[i] += READ_ONCE(s->counters[i]);
		for (i = 0; i < __TOE_REASON_MAX; i++) {
			sum->refused[i] += READ_ONCE(s->refused[i]);
			sum->returned[i] += READ_ONCE(s->returned[i]);
		}
	}
}

const char *toe_stat_name(enum toe_stat stat)
{
	static const char * const names[] = {
#define TOE_STAT_NAME(name, word) [TOE_STAT_##name] = word,
		TOE_STATS(TOE_STAT_NAME)
#undef TOE_STAT_NAME
	};

	return names[stat];
}

const char *toe_reason_text(enum toe_reason reason)
{
	static const char * const texts[] = {
#define TOE_REASON_TEXT(name, word, text) [TOE_REASON_##name] = text,
		TOE_REASONS(TOE_REASON_TEXT)
#undef TOE_REASON_TEXT
	};

	return texts[reason];
}

const char *toe_reason_name(enum toe_reason reason)
{
	static const char * const names[] = {
#define TOE_REASON_NAME(name, word, text) [TOE_REASON_##name] = word,
		TOE_REASONS(TOE_REASON_NAME)
#undef TOE_REASON_NAME
	};

	return names[reason];
}

const char *toe_state_name(enum toe_flow_state state)
{
	static const char * const names[] = {
		[TOE_STATE_HOST]	= "host",
		[TOE_STATE_OPENING]	= "opening",
		[TOE_STATE_ENGINE]	= "engine",
		[TOE_STATE_CLOSING]	= "closing",
	};

	return names[state];
}
