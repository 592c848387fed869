// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "policy_maps.h"

/* Entries of a table; a map has one at least. */
static __u32 entries(size_t n)
{
	return n ? n : 1;
}

static int size_map(struct bpf_object *obj, const struct toe_policy_table *t)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, t->name);
	int err;

	if (!map)
		return -ENOENT;
	err = bpf_map__set_max_entries(map, entries(t->n));
	if (!err && bpf_map__value_size(map) != t->value_size)
		err = bpf_map__set_value_size(map, t->value_size);
	return err;
}

int policy_maps_size(struct bpf_object *obj, const struct toe_policy_image *img)
{
	struct bpf_map *hits = bpf_object__find_map_by_name(obj, "hits");
	int i, err = 0;

	for (i = 0; !err && i < __TOE_TABLE_MAX; i++)
		if (i != TOE_TABLE_TEXT)
			err = size_map(obj, &img->table[i]);
	if (!err && hits)
		err = bpf_map__set_max_entries(hits, entries(img->head.rules));
	return err;
}

static int fill_map(int fd, const struct toe_policy_table *t)
{
	const char *keys = t->keys, *values = t->values;
	__u32 i;

	for (i = 0; i < t->n; i++)
		if (bpf_map_update_elem(fd, t->key_size ? keys + i * t->key_size :
							  (void *)&i,
					values + i * t->value_size, BPF_ANY))
			return -errno;
	return 0;
}

int policy_maps_fill(struct bpf_object *obj, const struct toe_policy_image *img)
{
	int i, err = 0;

	for (i = 0; !err && i < __TOE_TABLE_MAX; i++)
		if (i != TOE_TABLE_TEXT)
			err = fill_map(bpf_object__find_map_fd_by_name(obj, img->table[i].name),
				       &img->table[i]);
	return err;
}

int policy_text_bind(int prog, const struct toe_policy_image *img)
{
	const struct toe_policy_table *t = &img->table[TOE_TABLE_TEXT];
	int fd, err;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, t->name, sizeof(__u32), t->value_size,
			    t->n, NULL);
	if (fd < 0)
		return -errno;
	err = fill_map(fd, t);
	if (!err && bpf_prog_bind_map(prog, fd, NULL))
		err = -errno;
	close(fd);
	return err;
}

int policy_text_read(int fd, struct toe_policy *policy, char *why)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info), i;
	FILE *file;
	char *text;
	int err = -ENOMEM;

	if (bpf_map_get_info_by_fd(fd, &info, &len)) {
		snprintf(why, TOE_WHY_LEN, "map 'text': %s", strerror(errno));
		return -errno;
	}
	text = calloc(info.max_entries, info.value_size + 1);
	for (i = 0; text && i < info.max_entries; i++)
		bpf_map_lookup_elem(fd, &i, text + (size_t)i * info.value_size);
	file = text ? fmemopen(text, strlen(text), "r") : NULL;
	if (file) {
		err = toe_policy_read_kept(policy, file, "map 'text'", why);
		fclose(file);
	} else {
		snprintf(why, TOE_WHY_LEN, "map 'text': %s", strerror(ENOMEM));
	}
	free(text);
	return err;
}

int policy_hits_read(int fd, uint64_t *hits, unsigned int n)
{
	int cpus = libbpf_num_possible_cpus(), cpu, err = 0;
	__u64 *of_cpu = cpus > 0 ? calloc(cpus, sizeof(*of_cpu)) : NULL;
	__u32 i;

	if (!of_cpu)
		return -ENOMEM;
	for (i = 0; !err && i < n; i++) {
		hits[i] = 0;
		if (bpf_map_lookup_elem(fd, &i, of_cpu))
			err = -errno;
		for (cpu = 0; !err && cpu < cpus; cpu++)
			hits[i] += of_cpu[cpu];
	}
	free(of_cpu);
	return err;
}

/* Return: the number of the rule that says the same, or -1. */
static int find_same(const struct toe_policy *p, const struct toe_rule *rule,
		     char words[2][TOE_RULE_TEXT_LEN])
{
	const struct toe_rule *found = toe_policy_find(p, rule->action.prio);

	if (!found)
		return -1;
	toe_rule_format(found, words[0], sizeof(words[0]));
	toe_rule_format(rule, words[1], sizeof(words[1]));
	return strcmp(words[0], words[1]) ? -1 : found - p->rules;
}

int policy_hits_move(int to_fd, const struct toe_policy *to, int from_fd,
		     const struct toe_policy *from)
{
	int cpus = libbpf_num_possible_cpus(), same, err = 0;
	__u64 *of_cpu = cpus > 0 ? calloc(cpus, sizeof(*of_cpu)) : NULL;
	char words[2][TOE_RULE_TEXT_LEN];
	__u32 i;

	if (!of_cpu)
		return -ENOMEM;
	for (i = 0; !err && i < to->n; i++) {
		same = find_same(from, &to->rules[i], words);
		if (same < 0)
			continue;
		if (bpf_map_lookup_elem(from_fd, &same, of_cpu) ||
		    bpf_map_update_elem(to_fd, &i, of_cpu, BPF_ANY))
			err = -errno;
	}
	free(of_cpu);
	return err;
}
