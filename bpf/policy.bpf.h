/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The first rule that matches a connection; see toe/policy.h for the method.
 *
 * 1. Sizes: "sets" gets its value_size, all maps their max_entries, when the
 *    policy is loaded.
 * 2. head.base is what is left when all dimensions whose value no rule names are put
 *    together. The word that precedes a set says which of its words are not zero.
 *    So most connections that no rule wants are known for such before any other
 *    set is read, and the prefixes are not even looked at when the other dimensions
 *    say enough.
 * 3. The set of a cgroup is found by its name, component by component from the
 *    root, so a cgroup that was removed and made again is still the same one.
 *    That is slow; what it came to is kept by the cgroup's id, which is never
 *    used twice, for as long as the policy lives.
 * 4. The verifier follows what it knows the value of. It must not know too much
 *    here, or else it looks at each combination of values, and at each rule: so
 *    what the maps say is mixed with a zero that it does not know for one, and
 *    the main function is a global one, which is looked at once and by itself.
 */
#ifndef _POLICY_BPF_H
#define _POLICY_BPF_H

#include "facts.bpf.h"

/* A section of its own, so that it is a map of its own, which another program
 * can use, too.
 */
const volatile struct toe_policy_head head SEC(".rodata.head");

/* Always 0, but not to the verifier */
volatile __u32 policy_zero;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u64));
} sets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct toe_signal);
} actions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct toe_policy_addr_key);
	__type(value, __u32);
} addrs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct toe_policy_ports);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct toe_policy_value);
} values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct toe_policy_cgroup_key);
	__type(value, struct toe_policy_cgroup);
} cgroups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u32);
} cgroup_sets SEC(".maps");

static __always_inline __u32 policy_value(__u64 first, __u64 second, __u32 dim)
{
	__u32 at = toe_policy_hash(first, second, dim), i, set = head.any[dim];
	struct toe_policy_value *v;

	for (i = 0; i < TOE_POLICY_PROBES; i++, at++) {
		__u32 key = at & head.values_mask;

		v = bpf_map_lookup_elem(&values, &key);
		if (!v || !v->dim)
			break;
		if (v->key[0] == first && v->key[1] == second && v->dim == dim) {
			set = v->set;
			break;
		}
	}
	return set ^ policy_zero;
}

/* @key: zero, or what the other side has left in it; the stack is short */
static __always_inline __u32 policy_addr(struct toe_policy_addr_key *key,
					 const __be32 *addr, __u32 family, __u32 dim)
{
	__u32 *set;

	key->side = dim;
	key->family = family;
	key->prefixlen = 32 + (family == AF_INET ? 32 : 128);
	key->addr[0] = addr[0];
	key->addr[1] = addr[1];
	key->addr[2] = addr[2];
	key->addr[3] = addr[3];
	set = bpf_map_lookup_elem(&addrs, key);
	return set ? *set : head.any[dim];
}

static __always_inline __u32 policy_port(__be16 port, __u32 dim)
{
	__u32 number = bpf_ntohs(port);
	__u32 elem = number / 64 + (dim == TOE_DIM_RPORT ? TOE_POLICY_PORT_ELEMS : 0);
	struct toe_policy_ports *p = bpf_map_lookup_elem(&ports, &elem);

	return p ? p->set[number % 64] : head.any[dim];
}

static __always_inline __u32 policy_walk_cgroup(struct cgroup *cgroup)
{
	struct cgroup **ancestors = cgroup->ancestors;
	__u32 set = head.any[TOE_DIM_CGROUP];
	struct toe_policy_cgroup *found;
	struct toe_policy_cgroup_key key;
	struct kernfs_node *kn;
	int level, i;

	level = cgroup->level;
	key.parent = 0;
	for (i = 1; i <= TOE_POLICY_CGROUP_DEPTH && i <= level; i++) {
		struct cgroup *ancestor = NULL;
		long len;

		bpf_probe_read_kernel(&ancestor, sizeof(ancestor), &ancestors[i]);
		kn = BPF_CORE_READ(ancestor, kn);
		__builtin_memset(key.name, 0, sizeof(key.name));
		len = bpf_probe_read_kernel_str(key.name, sizeof(key.name),
						BPF_CORE_READ(kn, name));
		/* A name that fills the key may have been cut to fit in. */
		if (len <= 0 || len == sizeof(key.name))
			break;
		found = bpf_map_lookup_elem(&cgroups, &key);
		if (!found)
			break;
		key.parent = found->node;
		set = found->set;
	}
	return set;
}

static __noinline __u32 policy_cgroup(struct cgroup *cgroup)
{
	__u32 set, *known;
	__u64 id;

	if (!cgroup)
		return head.any[TOE_DIM_CGROUP];
	id = cgroup->kn->id;
	known = bpf_map_lookup_elem(&cgroup_sets, &id);
	if (known)
		return *known;
	set = policy_walk_cgroup(cgroup);
	bpf_map_update_elem(&cgroup_sets, &id, &set, BPF_ANY);
	return set;
}

/* @v is not 0. */
static __always_inline __u32 lowest_bit(__u64 v)
{
	return __builtin_popcountll((v & -v) - 1);
}

/* Bit @dim when a lookup has found nothing */
static __always_inline __u32 policy_missing(__u32 set, __u32 dim)
{
	return ((__u64)(set ^ head.any[dim]) - 1) >> 63 << dim;
}

/* A dimension that some rule asks about */
#define POLICY_ASK(dim, lookup)						\
do {									\
	if (dims & (1u << (dim))) {					\
		__u32 id = (lookup) ^ zero;				\
									\
		missing |= policy_missing(id, dim);			\
		asked[dim] = bpf_map_lookup_elem(&sets, &id);		\
		if (!asked[dim])					\
			return TOE_POLICY_NO_RULE;			\
	}								\
} while (0)

/* Few policies ask about these: a test for all of them, as the verifier removes
 * what lies behind a test but not the test.
 */
#define POLICY_RARE	(1u << TOE_DIM_CGROUP | 1u << TOE_DIM_UID |	\
			 1u << TOE_DIM_NETNS | 1u << TOE_DIM_DEV |	\
			 1u << TOE_DIM_MARK)

/* What is left for those dimensions that were asked about. No set of its own has the
 * direction, so its place is free for this.
 */
#define POLICY_CHECK()							\
do {									\
	__u32 id = head.base[missing & (TOE_POLICY_BASES - 1)];		\
									\
	asked[TOE_DIM_DIR] = bpf_map_lookup_elem(&sets, &id);		\
	if (!asked[TOE_DIM_DIR])					\
		return TOE_POLICY_NO_RULE;				\
	some = *asked[TOE_DIM_DIR];					\
	if (!some)							\
		return TOE_POLICY_NO_RULE;				\
} while (0)

/* Words of a set that are looked at together; the loop costs less than by one. */
struct policy_block {
	__u64 v0, v1, v2, v3;
};

/* The words of a set from @w on; the first word of a set is its summary. The compiler
 * is kept from mixing one set's words with the next one's: there are not enough
 * registers for that.
 */
#define POLICY_BLOCK(b, op, set, w)					\
do {									\
	const __u64 *words_ = (set) + (w);				\
									\
	(b)->v0 op words_[1];						\
	(b)->v1 op words_[2];						\
	(b)->v2 op words_[3];						\
	(b)->v3 op words_[4];						\
	asm volatile("" : "+r"((b)->v0), "+r"((b)->v1), "+r"((b)->v2),	\
		     "+r"((b)->v3));					\
} while (0)

/* A dimension that some rule asks about, when all rules are in a set's first word */
#define POLICY_AND(dim)							\
do {									\
	if (dims & (1u << (dim)))					\
		some &= asked[dim][1];					\
} while (0)

/* One of the words is not 0. */
static __always_inline __u32 policy_first(const struct policy_block *b)
{
	if (b->v0)
		return lowest_bit(b->v0);
	if (b->v1)
		return 64 + lowest_bit(b->v1);
	if (b->v2)
		return 128 + lowest_bit(b->v2);
	return 192 + lowest_bit(b->v3);
}

/* @f: as for policy_match(). @cgroup_set: what policy_cgroup() says */
__noinline __u32 policy_sets(const struct toe_policy_facts *f, __u32 cgroup_set)
{
	const __u64 *asked[__TOE_DIM_MAX] = {}, *marked[TOE_POLICY_MAX_MASKS];
	struct toe_policy_addr_key key = {};
	__u32 dims = head.dims, words = head.words, masks = head.masks;
	__u32 zero = policy_zero, missing, no_mark = ~0u;
	const __u64 *dev;
	__u64 some;
	__u32 m, w, d;

	if (!f)
		return TOE_POLICY_NO_RULE;
	dev = (const __u64 *)f->dev;
	if (!dims)
		return head.rules ? 0 : TOE_POLICY_NO_RULE;

	missing = zero;
	if (dims & (1u << TOE_DIM_DIR))
		missing |= (f->accepted & 1) << TOE_DIM_DIR;
	POLICY_ASK(TOE_DIM_LPORT, policy_port(f->tuple.local_port, TOE_DIM_LPORT));
	POLICY_ASK(TOE_DIM_RPORT, policy_port(f->tuple.remote_port, TOE_DIM_RPORT));
	if (dims & POLICY_RARE) {
		POLICY_ASK(TOE_DIM_CGROUP, cgroup_set);
		POLICY_ASK(TOE_DIM_UID, policy_value(f->uid, 0, TOE_DIM_UID));
		POLICY_ASK(TOE_DIM_NETNS, policy_value(f->netns, 0, TOE_DIM_NETNS));
		POLICY_ASK(TOE_DIM_DEV, policy_value(dev[0], dev[1], TOE_DIM_DEV));
	}
	if (masks > 1) {
		for (m = 0; m < TOE_POLICY_MAX_MASKS && m < masks; m++) {
			__u32 id = policy_value(f->mark & head.mask[m], m, TOE_DIM_MARK);

			no_mark &= policy_missing(id, TOE_DIM_MARK);
			marked[m] = bpf_map_lookup_elem(&sets, &id);
			if (!marked[m])
				return TOE_POLICY_NO_RULE;
		}
		missing |= no_mark;
	} else {
		POLICY_ASK(TOE_DIM_MARK,
			   policy_value(f->mark & head.mask[0], 0, TOE_DIM_MARK));
	}
	POLICY_CHECK();
	POLICY_ASK(TOE_DIM_REMOTE,
		   policy_addr(&key, f->tuple.remote_addr, f->tuple.family, TOE_DIM_REMOTE));
	POLICY_ASK(TOE_DIM_LOCAL,
		   policy_addr(&key, f->tuple.local_addr, f->tuple.family, TOE_DIM_LOCAL));
	if (dims & (1u << TOE_DIM_REMOTE | 1u << TOE_DIM_LOCAL))
		POLICY_CHECK();
	if (head.rules <= 64 && masks <= 1) {
		some = asked[TOE_DIM_DIR][1];
		POLICY_AND(TOE_DIM_LPORT);
		POLICY_AND(TOE_DIM_RPORT);
		POLICY_AND(TOE_DIM_REMOTE);
		POLICY_AND(TOE_DIM_LOCAL);
		if (dims & POLICY_RARE) {
			POLICY_AND(TOE_DIM_CGROUP);
			POLICY_AND(TOE_DIM_UID);
			POLICY_AND(TOE_DIM_NETNS);
			POLICY_AND(TOE_DIM_DEV);
			POLICY_AND(TOE_DIM_MARK);
		}
		return some ? lowest_bit(some) : TOE_POLICY_NO_RULE;
	}
	/* In a row without branches this costs less than to leave it out. */
#pragma unroll
	for (d = 0; d < __TOE_DIM_MAX; d++)
		if (!asked[d])
			asked[d] = asked[TOE_DIM_DIR];

	for (w = 0; w < TOE_POLICY_MAX_WORDS && w < words; w += TOE_POLICY_BLOCK) {
		struct policy_block b;

		if (!(some >> w))
			break;
		if (!(some >> w & ((1 << TOE_POLICY_BLOCK) - 1)))
			continue;
		if (masks > 1) {
			b = (struct policy_block){};
			for (m = 0; m < TOE_POLICY_MAX_MASKS && m < masks; m++)
				POLICY_BLOCK(&b, |=, marked[m], w);
		} else {
			b = (struct policy_block){ ~0ULL, ~0ULL, ~0ULL, ~0ULL };
		}
#pragma unroll
		for (d = 0; d < __TOE_DIM_MAX; d++)
			POLICY_BLOCK(&b, &=, asked[d], w);
		if (b.v0 | b.v1 | b.v2 | b.v3)
			return w * 64 + policy_first(&b);
	}
	return TOE_POLICY_NO_RULE;
}

/**
 * policy_match() - the first rule that matches
 * @f: the connection; members of dimensions that no rule asks about may be zero
 * @cgroup: its cgroup, may be NULL; @f.cgroup is not looked at
 *
 * The cgroup first: two keys on one stack would be too much.
 *
 * Return: number of the rule, or TOE_POLICY_NO_RULE.
 */
static __always_inline __u32 policy_match(const struct toe_policy_facts *f,
					  struct cgroup *cgroup)
{
	__u32 set = 0;

	if (head.dims & (1u << TOE_DIM_CGROUP))
		set = policy_cgroup(cgroup);
	return policy_sets(f, set);
}

/* Return: what is to be said of whom the rule takes; NULL: it says never, or is none. */
static __always_inline struct toe_signal *policy_wants(__u32 rule)
{
	struct toe_signal *action = bpf_map_lookup_elem(&actions, &rule);

	return action && !(action->flags & TOE_SIGNAL_NEVER) ? action : NULL;
}

#endif /* _POLICY_BPF_H */
