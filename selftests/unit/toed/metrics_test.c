// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes what a module could have said as metrics, for promcheck.py: with names that
 * would break the format, numbers as large as they get, and arrays of a module that
 * is newer, or older, than this build.
 *
 * Usage: metrics_test FOLDER	(writes up, down, newer, older and none there)
 */
#include <stdlib.h>
#include <string.h>

#include "metrics_text.h"

static void fill(struct toe_counters *c, unsigned int n, uint64_t first)
{
	c->n = n;
	for (unsigned int i = 0; i < n; i++)
		c->val[i] = first + i;
}

static void make(struct metrics_input *in, unsigned int more, unsigned int less)
{
	static struct toe_engine engines[] = {
		{ .name = "toe0", .driver = "toe_virtio", .alive = 1, .flows = 3,
		  .max_flows = 4096, .tx_bytes = UINT64_MAX, .rx_bytes = 7, .ifindex = 1 },
		{ .name = "a\"b\\c\nd", .driver = "}{,=\" 1", .max_flows = 1 },
	};
	static struct toe_rule_use rules[] = {
		{ .prio = 1 }, { .prio = 65535, .flows = 1, .opens = 2, .refused = 3 },
	};

	in->up = true;
	in->engines = engines;
	in->n_engines = 2;
	in->rules = rules;
	in->n_rules = 2;
	in->settings.max_flows = 4096;
	in->settings.timeout_ms = 1005;
	fill(&in->stats.counters, __TOE_STAT_MAX + more - less, 1000);
	fill(&in->stats.refused, __TOE_REASON_MAX + more - less, 2000);
	fill(&in->stats.returned, __TOE_REASON_MAX + more - less, 3000);
	fill(&in->stats.flows, __TOE_STATE_MAX + more - less, 4);
}

static int write_to(const char *folder, const char *name, const struct metrics_input *in)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	if (!file) {
		perror(path);
		return 1;
	}
	metrics_print(file, in);
	return fclose(file) ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct metrics_input *in = calloc(1, sizeof(*in));
	int ret;

	if (argc != 2 || !in)
		return 2;
	ret = write_to(argv[1], "down", in);
	make(in, 0, 0);
	ret |= write_to(argv[1], "up", in);
	make(in, 3, 0);
	ret |= write_to(argv[1], "newer", in);
	make(in, 0, 2);
	ret |= write_to(argv[1], "older", in);
	in->n_engines = 0;
	in->n_rules = 0;
	ret |= write_to(argv[1], "none", in);
	free(in);
	return ret;
}
