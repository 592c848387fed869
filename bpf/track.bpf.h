/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The receivers that XDP watches: see struct toe_track. Included by the program
 * that adds them and by the one that watches; both use the same two maps.
 */
#ifndef _TRACK_BPF_H
#define _TRACK_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <toe/policy.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, TOE_TRACK_MAX);
	__type(key, struct toe_tuple);
	__type(value, struct toe_track);
} track SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TOE_TRACK_FILTER);
	__type(key, __u32);
	__type(value, __u32);
} track_filter SEC(".maps");

static __always_inline __u32 *track_count(__u32 hash)
{
	return bpf_map_lookup_elem(&track_filter, &hash);
}

static __always_inline __u32 track_hash(const struct toe_tuple *t)
{
	return toe_track_hash(t->remote_addr[0] ^ t->remote_addr[3],
			      t->local_port, t->remote_port);
}

/**
 * track_add() - watch a receiver
 * @t: the connection
 * @tr: what to look for; replaces what is left of an older connection of that
 *	name
 *
 * Return: 0 or a negative errno.
 */
static __always_inline int track_add(const struct toe_tuple *t,
				     const struct toe_track *tr)
{
	__u32 *count = track_count(track_hash(t));
	int err = bpf_map_update_elem(&track, t, tr, BPF_NOEXIST);

	if (err)
		return bpf_map_update_elem(&track, t, tr, BPF_EXIST);
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

/**
 * track_remove() - forget a receiver, if it is watched
 * @t: the connection
 */
static __always_inline void track_remove(const struct toe_tuple *t)
{
	__u32 *count = track_count(track_hash(t));

	/* Of all who delete an element, one succeeds. */
	if (!bpf_map_delete_elem(&track, t) && count)
		__sync_fetch_and_sub(count, 1);
}

#endif /* _TRACK_BPF_H */
