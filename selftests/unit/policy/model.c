// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "model.h"

/* A hash: the value of a key, or NULL */
static const void *look(const struct toe_policy_table *t, const void *key)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (!memcmp((char *)t->keys + i * t->key_size, key, t->key_size))
			return (char *)t->values + i * t->value_size;
	return NULL;
}

/* Wherever in the table it lies; that it is found there is the program's matter. */
static uint32_t set_of(const struct toe_policy_image *img, uint64_t first, uint64_t second,
		       enum toe_policy_dim dim)
{
	const struct toe_policy_table *t = &img->table[TOE_TABLE_VALUES];
	const struct toe_policy_value *v = t->values;
	size_t i;

	for (i = 0; i < t->n; i++)
		if (v[i].dim == dim && v[i].key[0] == first && v[i].key[1] == second)
			return v[i].set;
	return img->head.any[dim];
}

/* A trie: the longest prefix that covers a key */
static uint32_t set_of_addr(const struct toe_policy_image *img, const __be32 *addr,
			    uint16_t family, enum toe_policy_dim dim)
{
	const struct toe_policy_table *t = &img->table[TOE_TABLE_ADDRS];
	const struct toe_policy_addr_key *keys = t->keys;
	const uint32_t *sets = t->values;
	uint32_t set = img->head.any[dim], longest = 0, bit;
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (keys[i].side != dim || keys[i].family != family ||
		    keys[i].prefixlen < longest)
			continue;
		for (bit = 0; bit < keys[i].prefixlen - 32; bit++)
			if (ntohl(keys[i].addr[bit / 32] ^ addr[bit / 32]) &
			    1u << (31 - bit % 32))
				break;
		if (bit == keys[i].prefixlen - 32) {
			longest = keys[i].prefixlen;
			set = sets[i];
		}
	}
	return set;
}

static uint32_t set_of_port(const struct toe_policy_image *img, __be16 port,
			    enum toe_policy_dim dim)
{
	const struct toe_policy_ports *ports = img->table[TOE_TABLE_PORTS].values;
	unsigned int nr = ntohs(port);

	if (!(img->head.dims & 1u << dim))
		return img->head.any[dim];
	return ports[(dim == TOE_DIM_RPORT ? TOE_POLICY_PORT_ELEMS : 0) + nr / 64].set[nr % 64];
}

static uint32_t set_of_cgroup(const struct toe_policy_image *img, const char *path)
{
	uint32_t set = img->head.any[TOE_DIM_CGROUP];
	struct toe_policy_cgroup_key key = {};
	const struct toe_policy_cgroup *found;
	unsigned int depth;
	size_t len;

	for (depth = 0; depth < TOE_POLICY_CGROUP_DEPTH; depth++) {
		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (!len || len > TOE_POLICY_CGROUP_NAME - 2)
			break;
		memset(key.name, 0, sizeof(key.name));
		memcpy(key.name, path, len);
		found = look(&img->table[TOE_TABLE_CGROUPS], &key);
		if (!found)
			break;
		key.parent = found->node;
		set = found->set;
		path += len;
	}
	return set;
}

static void and(const struct toe_policy_image *img, uint64_t *to, uint32_t set)
{
	const struct toe_policy_table *t = &img->table[TOE_TABLE_SETS];
	const uint64_t *from = (void *)((char *)t->values + set * t->value_size);
	unsigned int i;

	if (set >= t->n)
		abort();
	for (i = 0; i < img->head.words; i++) {
		if (!!from[1 + i] != (from[0] >> i & 1))
			abort();
		to[i] &= from[1 + i];
	}
}

static void and_marks(const struct toe_policy_image *img, uint64_t *to, uint32_t mark)
{
	uint64_t all[TOE_POLICY_MAX_WORDS] = {}, one[TOE_POLICY_MAX_WORDS];
	unsigned int i, w;

	for (i = 0; i < img->head.masks; i++) {
		memset(one, 0xff, sizeof(one));
		and(img, one, set_of(img, mark & img->head.mask[i], i, TOE_DIM_MARK));
		for (w = 0; w < img->head.words; w++)
			all[w] |= one[w];
	}
	for (w = 0; w < img->head.words; w++)
		to[w] &= all[w];
}

unsigned int model_match(const struct toe_policy_image *img,
			 const struct toe_policy_facts *f, const char *cgroup)
{
	const struct toe_policy_head *head = &img->head;
	const struct toe_tuple *t = &f->tuple;
	uint64_t sets[TOE_POLICY_MAX_WORDS], name[2];
	unsigned int i;

	if (!head->rules)
		return TOE_POLICY_NO_RULE;
	memset(sets, 0, sizeof(sets));
	for (i = 0; i < head->rules; i++)
		sets[i / 64] |= 1ULL << i % 64;
	and(img, sets, f->accepted ? head->accepted : head->any[TOE_DIM_DIR]);
	and(img, sets, set_of_addr(img, t->local_addr, t->family, TOE_DIM_LOCAL));
	and(img, sets, set_of_addr(img, t->remote_addr, t->family, TOE_DIM_REMOTE));
	and(img, sets, set_of_port(img, t->local_port, TOE_DIM_LPORT));
	and(img, sets, set_of_port(img, t->remote_port, TOE_DIM_RPORT));
	memcpy(name, f->dev, sizeof(name));
	and(img, sets, set_of(img, name[0], name[1], TOE_DIM_DEV));
	and(img, sets, set_of_cgroup(img, cgroup));
	and(img, sets, set_of(img, f->uid, 0, TOE_DIM_UID));
	and(img, sets, set_of(img, f->netns, 0, TOE_DIM_NETNS));
	if (head->dims & 1u << TOE_DIM_MARK)
		and_marks(img, sets, f->mark);
	for (i = 0; i < head->rules; i++)
		if (sets[i / 64] & 1ULL << i % 64)
			return i;
	return TOE_POLICY_NO_RULE;
}
