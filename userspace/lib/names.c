// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>
#include <linux/toe.h>
#include "names.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char *const state_names[] = {
	[TOE_STATE_HOST]	= "host",
	[TOE_STATE_OPENING]	= "opening",
	[TOE_STATE_ENGINE]	= "engine",
	[TOE_STATE_CLOSING]	= "closing",
};
_Static_assert(ARRAY_SIZE(state_names) == __TOE_STATE_MAX, "a state has no name");

static const char *const change_names[] = {
	[TOE_ENGINE_CHANGE_ADDED]	= "added",
	[TOE_ENGINE_CHANGE_REMOVED]	= "removed",
	[TOE_ENGINE_CHANGE_FAILED]	= "failed",
};
_Static_assert(ARRAY_SIZE(change_names) == __TOE_ENGINE_CHANGE_MAX,
	       "a change has no name");

static const struct {
	const char *name;
	const char *text;
} reasons[] = {
#define REASON(id, word, sentence) [TOE_REASON_##id] = { word, sentence },
	TOE_REASONS(REASON)
#undef REASON
};

static const char *const stat_names[] = {
#define STAT(id, word) [TOE_STAT_##id] = word,
	TOE_STATS(STAT)
#undef STAT
};

const char *toe_state_name(unsigned int state)
{
	return state < ARRAY_SIZE(state_names) ? state_names[state] : NULL;
}

const char *toe_engine_change_name(unsigned int change)
{
	return change < ARRAY_SIZE(change_names) ? change_names[change] : NULL;
}

const char *toe_reason_name(unsigned int reason)
{
	return reason < ARRAY_SIZE(reasons) ? reasons[reason].name : NULL;
}

const char *toe_reason_text(unsigned int reason)
{
	return reason < ARRAY_SIZE(reasons) ? reasons[reason].text : NULL;
}

const char *toe_stat_name(unsigned int stat)
{
	return stat < ARRAY_SIZE(stat_names) ? stat_names[stat] : NULL;
}
