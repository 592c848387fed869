/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy as the BPF programs see it. User space compiles the rules into
 * this form (userspace/lib/policy_compile.c), bpf/policy.bpf.h asks it.
 *
 * 1. Rules are numbered by rising priority, from 0 on. A *set* is a bit for
 *    each rule. For each dimension of a connection (its remote address, its
 *    uid, ...) a lookup gives the set of rules that this value satisfies; the
 *    lowest bit that stands in the sets of all dimensions is the first rule
 *    that matches. So the cost depends on the number of dimensions that any
 *    rule uses, and next to nothing on the number of rules (T. V. Lakshman and
 *    D. Stiliadis, "High-speed policy-based packet forwarding using efficient
 *    multi-dimensional range matching", SIGCOMM 1998).
 * 2. A program is loaded for one policy and never changed: a change of policy
 *    is a new program with new maps in the place of the old one, at once. Its
 *    head is a constant to the verifier, which removes the code for dimensions
 *    that no rule uses.
 */
#ifndef _TOE_POLICY_H
#define _TOE_POLICY_H

#include <linux/types.h>
#include <linux/toe.h>
#include <toe/signal.h>

#define TOE_POLICY_MAX_RULES	4096
#define TOE_POLICY_MAX_WORDS	(TOE_POLICY_MAX_RULES / 64)
#define TOE_POLICY_BLOCK	4	/* a set has a multiple of so many words */
#define TOE_POLICY_MAX_MASKS	8	/* different masks of marks */
#define TOE_POLICY_CGROUP_NAME	128	/* one component, with its zero */
/* A name that fills the key with its zero may be a longer one, cut. */
#define TOE_POLICY_CGROUP_NAME_MAX	(TOE_POLICY_CGROUP_NAME - 2)
#define TOE_POLICY_CGROUP_DEPTH	16	/* components */
#define TOE_POLICY_DEV_NAME	16	/* IFNAMSIZ */

/**
 * enum toe_policy_dim - what a rule can ask of a connection
 * @TOE_DIM_DIR: accepted or connected
 * @TOE_DIM_LOCAL: local address in a prefix
 * @TOE_DIM_REMOTE: remote address in a prefix
 * @TOE_DIM_LPORT: local port in a range
 * @TOE_DIM_RPORT: remote port in a range
 * @TOE_DIM_DEV: name of the interface that its route leads through
 * @TOE_DIM_CGROUP: cgroup of its socket, or an ancestor of that
 * @TOE_DIM_UID: owner of its socket
 * @TOE_DIM_MARK: its socket's mark under a mask
 * @TOE_DIM_NETNS: network namespace, by cookie
 */
enum toe_policy_dim {
	TOE_DIM_DIR,
	TOE_DIM_LOCAL,
	TOE_DIM_REMOTE,
	TOE_DIM_LPORT,
	TOE_DIM_RPORT,
	TOE_DIM_DEV,
	TOE_DIM_CGROUP,
	TOE_DIM_UID,
	TOE_DIM_MARK,
	TOE_DIM_NETNS,

	__TOE_DIM_MAX
};
#define TOE_POLICY_BASES	(1 << __TOE_DIM_MAX)

/**
 * struct toe_policy_head - the constant of a loaded program
 * @rules: number of rules
 * @words: 64-bit words of a set, without the word that precedes it
 * @dims: bit per enum toe_policy_dim that some rule asks about
 * @masks: entries of @mask
 * @any: by dimension, the set of a value that no map names: the rules that do
 *	not ask; for TOE_DIM_DIR the set of connected ones
 * @accepted: for TOE_DIM_DIR the set of accepted ones
 * @mask: the different masks of TOE_DIM_MARK
 * @values_mask: elements of array "values", less one
 * @base: by dimensions (a bit per enum toe_policy_dim) whose value no map names,
 *	the rules that ask about none of them; bit TOE_DIM_DIR is set for accepted
 *	ones, and the rules for the other direction are not in the set. Most
 *	connections that no rule wants are known by this alone
 */
struct toe_policy_head {
	__u32	rules;
	__u32	words;
	__u32	dims;
	__u32	masks;
	__u32	any[__TOE_DIM_MAX];
	__u32	accepted;
	__u32	mask[TOE_POLICY_MAX_MASKS];
	__u32	values_mask;
	__u32	base[TOE_POLICY_BASES];
};

/* Key of LPM map "addrs"; prefixlen counts from @side on, so it is 32 and more */
struct toe_policy_addr_key {
	__u32	prefixlen;
	__u16	side;		/* TOE_DIM_LOCAL or TOE_DIM_REMOTE */
	__u16	family;
	__be32	addr[4];
};

/* Array "ports": the set of port P is element P / 64, place P % 64; local ports
 * in the first TOE_POLICY_PORT_ELEMS elements, remote ones behind them
 */
#define TOE_POLICY_PORT_ELEMS	1024
struct toe_policy_ports {
	__u32	set[64];
};

/**
 * struct toe_policy_value - element of array "values": a value of a dimension that is
 *	met exactly or not at all
 * @key: a uid, a cookie, an interface's name zero to its end; a mark under its mask,
 *	and the mask's number
 * @dim: TOE_DIM_UID, NETNS, DEV or MARK; 0: a free element
 * @set: the rules that this value satisfies
 *
 * The array is a hash with open addressing, its size a power of 2: an element lies
 * where toe_policy_hash() says or up to TOE_POLICY_PROBES - 1 places behind, and no
 * free one before it. That is several times faster than the kernel's hash map,
 * and each connection asks four times.
 */
struct toe_policy_value {
	__u64	key[2];
	__u32	dim;
	__u32	set;
};

#define TOE_POLICY_PROBES	8

static inline __u32 toe_policy_hash(__u64 first, __u64 second, __u32 dim)
{
	__u64 h = (first + dim) * 0x9e3779b97f4a7c15ULL;

	h = (h ^ h >> 32 ^ second) * 0xff51afd7ed558ccdULL;
	return h >> 32;
}

/* Hash "cgroups": a tree of names. The root is node 0 and has no entry. */
struct toe_policy_cgroup_key {
	__u32	parent;
	char	name[TOE_POLICY_CGROUP_NAME];	/* zero to its end */
};

struct toe_policy_cgroup {
	__u32	node;
	__u32	set;
};

/**
 * struct toe_policy_facts - a connection as rules see it
 * @tuple: its name
 * @netns: cookie of its network namespace
 * @cgroup: cgroup2 id (inode number) of its socket's cgroup, for a person; the
 *	programs match by names
 * @uid: owner
 * @mark: mark
 * @accepted: 1: accepted, 0: connected
 * @dev: interface that its route leads through, zero to its end
 */
struct toe_policy_facts {
	struct toe_tuple tuple;
	__u32	zero;
	__u64	netns;
	__u64	cgroup;
	__u32	uid;
	__u32	mark;
	__u32	accepted;
	__u32	zero2;
	char	dev[TOE_POLICY_DEV_NAME] __attribute__((aligned(8)));
};

#define TOE_POLICY_NO_RULE	(~0u)

/**
 * struct toe_policy_query - packet of program "policy_test"
 * @facts: of a connection made up; @facts.cgroup names its cgroup
 * @rule: the answer: number of the rule, or TOE_POLICY_NO_RULE
 * @error: 0 or a negative errno, -ENOENT when there is no such cgroup
 */
struct toe_policy_query {
	struct toe_policy_facts facts;
	__u32	rule;
	__s32	error;
};

#define TOE_WATCH_OVER	(~0ULL)

/**
 * struct toe_watch - what is remembered of a connection that a rule wants, until
 *	it was signalled
 * @signal: what will be said
 * @next: signal when so many bytes have passed, acknowledged and received;
 *	TOE_WATCH_OVER: nothing more is to be done
 * @bits: callback bits that are set because of it
 * @tracked: 1: XDP counts what it receives
 */
struct toe_watch {
	struct toe_signal signal;
	__u64	next;
	__u32	bits;
	__u32	tracked;
};

/**
 * struct toe_policy_explained - result of program "explain"
 * @found: 1: there is such a connection
 * @rule: number of the rule that it matches, or TOE_POLICY_NO_RULE
 * @watched: 1: @watch is there
 * @zero: zero
 * @facts: as rules see it
 * @watch: what is remembered of it
 */
struct toe_policy_explained {
	__u32	found;
	__u32	rule;
	__u32	watched;
	__u32	zero;
	struct toe_policy_facts facts;
	struct toe_watch watch;
};

/**
 * enum toe_scan - what program "scan" does with each open connection
 * @TOE_SCAN_APPLY: applies the policy
 * @TOE_SCAN_AGAIN: what is watched is watched anew, in the way that its interface
 *	offers now
 * @TOE_SCAN_FORGET: what is remembered of it goes
 */
enum toe_scan {
	TOE_SCAN_APPLY,
	TOE_SCAN_AGAIN,
	TOE_SCAN_FORGET,
};

/**
 * struct toe_policy_counts - result of program "scan"
 * @seen: established connections looked at
 * @offload: of these, a rule wants them offloaded when heavy
 * @never: a rule says never
 * @none: no rule matches
 */
struct toe_policy_counts {
	__u64	seen;
	__u64	offload;
	__u64	never;
	__u64	none;
};

/**
 * struct toe_track - map "track", keyed by struct toe_tuple: a receiver that XDP
 *	watches
 * @signal: what will be said
 * @left: bytes still to come behind @seq
 * @seq: look again when the peer's sequence numbers have reached this
 * @zero: zero
 */
struct toe_track {
	struct toe_signal signal;
	__u64	left;
	__u32	seq;
	__u32	zero;
};

#define TOE_TRACK_MAX		65536

/*
 * Array "track_filter": tracks by toe_track_hash(). A frame whose hash nobody
 * has belongs to nobody who is tracked, which is what most frames need to know.
 * Whoever adds a track or removes one counts (bpf/track.bpf.h).
 */
#define TOE_TRACK_FILTER	65536

/* @remote: first and last word of the remote address, exclusive or */
static inline __u32 toe_track_hash(__be32 remote, __be16 local_port,
				   __be16 remote_port)
{
	__u32 h = remote ^ ((__u32)local_port << 16 | remote_port);

	/* the golden ratio's bits; the upper half of a product depends on all */
	return (h * 0x9e3779b1U) >> 16;
}

/* Most that a track's seq may lie ahead: well within half of the number space */
#define TOE_TRACK_STEP		(1u << 30)
/* Bytes after which a signal that was not taken is tried again, at the least */
#define TOE_SIGNAL_GAP		(1ULL << 20)

/* Key of map "xdp_devs": interfaces where our XDP program is attached. The value
 * is the kernel's id of the program.
 */
struct toe_xdp_dev {
	__u64	netns;
	__u32	ifindex;
	__u32	zero;
};

/*
 * The one pin. Everything else is found from it: link, program, maps by name.
 * On the program that holds the policy:
 *	".rodata.head"	struct toe_policy_head
 *	"sets", "actions", "addrs", "ports", "values", "cgroups"
 *			the compiled policy
 *	"cgroup_sets"	by id of a cgroup, what its name came to
 *	"hits"		per CPU, by rule: connections that it took
 *	"text"		the rules in words, as toectl policy save writes them
 * and through all changes of policy:
 *	"watches"	socket storage, struct toe_watch
 *	"track"		see struct toe_track
 *	"track_filter"	see toe_track_hash()
 *	"xdp_devs"	see struct toe_xdp_dev
 */
#define TOE_PIN_DIR		"/sys/fs/bpf/toe"
#define TOE_PIN_CLASSIFY	TOE_PIN_DIR "/classify"

/* The rule that toectl load installs */
#define TOE_POLICY_DEFAULT_PRIO		32767
#define TOE_POLICY_DEFAULT_THRESHOLD	(1ULL << 20)

#endif /* _TOE_POLICY_H */
