/* SPDX-License-Identifier: GPL-2.0-only */
/* The module's counters, per CPU. */
#ifndef _TOE_STATS_H
#define _TOE_STATS_H

#include <linux/percpu.h>
#include <linux/toe.h>

struct toe_stats {
	u64 counters[__TOE_STAT_MAX];
	u64 refused[__TOE_REASON_MAX];
	u64 returned[__TOE_REASON_MAX];
};

DECLARE_PER_CPU(struct toe_stats, toe_stats);

static inline void toe_stats_add(enum toe_stat stat, u64 n)
{
	this_cpu_add(toe_stats.counters[stat], n);
}

static inline void toe_stats_inc(enum toe_stat stat)
{
	toe_stats_add(stat, 1);
}

static inline void toe_stats_refused(enum toe_reason reason)
{
	this_cpu_inc(toe_stats.refused[reason]);
}

static inline void toe_stats_returned(enum toe_reason reason)
{
	this_cpu_inc(toe_stats.returned[reason]);
}

/**
 * toe_stats_sum() - all CPUs together
 * @sum: filled in
 */
void toe_stats_sum(struct toe_stats *sum);

const char *toe_stat_name(enum toe_stat stat);
const char *toe_reason_text(enum toe_reason reason);
const char *toe_reason_name(enum toe_reason reason);
const char *toe_state_name(enum toe_flow_state state);

#endif /* _TOE_STATS_H */
