/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR BSD-3-Clause */
/*
 * struct toe_state to and from its form on the virtio device. One copy for the
 * driver and for the card.
 */
#ifndef _TOE_VIRTIO_STATE_H
#define _TOE_VIRTIO_STATE_H

#include <linux/virtio_toe.h>
#include <toe/state.h>

#ifdef __KERNEL__
#include <linux/string.h>
#define toe_to_le16	cpu_to_le16
#define toe_to_le32	cpu_to_le32
#define toe_from_le16	le16_to_cpu
#define toe_from_le32	le32_to_cpu
#else
#include <endian.h>
#include <string.h>
#define toe_to_le16	htole16
#define toe_to_le32	htole32
#define toe_from_le16	le16toh
#define toe_from_le32	le32toh
#endif

/* Every 32-bit field of the state that is one number in host byte order. */
#define TOE_STATE_U32(X)						       \
	X(options) X(snd_una) X(snd_nxt) X(snd_wnd) X(snd_wl1) X(max_window)   \
	X(rcv_nxt) X(rcv_wup) X(rcv_wnd) X(tsval) X(ts_recent) X(snd_cwnd)     \
	X(snd_ssthresh) X(srtt_us) X(rttvar_us) X(mss_cache) X(mss_clamp)      \
	X(advmss) X(rcv_mss) X(pmtu) X(sndbuf) X(rcvbuf) X(retrans)            \
	X(flow_label)

static inline void toe_tuple_to_virtio(struct virtio_toe_tuple *to,
				       const struct toe_tuple *from)
{
	memcpy(to, from, sizeof(*to));
	to->family = toe_to_le16(from->family);
	to->zero = 0;
}

static inline void toe_tuple_from_virtio(struct toe_tuple *to,
					 const struct virtio_toe_tuple *from)
{
	memcpy(to, from, sizeof(*to));
	to->family = toe_from_le16(from->family);
	to->zero = 0;
}

static inline void toe_state_to_virtio(struct virtio_toe_state *to,
				       const struct toe_state *from)
{
	toe_tuple_to_virtio(&to->tuple, &from->tuple);
	memcpy(to->src_mac, from->src_mac, sizeof(to->src_mac));
	memcpy(to->dst_mac, from->dst_mac, sizeof(to->dst_mac));
#define TOE_FIELD(f) to->f = toe_to_le32(from->f);
	TOE_STATE_U32(TOE_FIELD)
#undef TOE_FIELD
	to->snd_wscale = from->snd_wscale;
	to->rcv_wscale = from->rcv_wscale;
	to->tos = from->tos;
	to->ttl = from->ttl;
	memcpy(to->ca_name, from->ca_name, sizeof(to->ca_name));
	to->ip_id = toe_to_le16(from->ip_id);
	to->zero = 0;
}

/* The result's ca_name is terminated whatever came in. */
static inline void toe_state_from_virtio(struct toe_state *to,
					 const struct virtio_toe_state *from)
{
	toe_tuple_from_virtio(&to->tuple, &from->tuple);
	memcpy(to->src_mac, from->src_mac, sizeof(to->src_mac));
	memcpy(to->dst_mac, from->dst_mac, sizeof(to->dst_mac));
#define TOE_FIELD(f) to->f = toe_from_le32(from->f);
	TOE_STATE_U32(TOE_FIELD)
#undef TOE_FIELD
	to->snd_wscale = from->snd_wscale;
	to->rcv_wscale = from->rcv_wscale;
	to->tos = from->tos;
	to->ttl = from->ttl;
	memcpy(to->ca_name, from->ca_name, sizeof(to->ca_name));
	to->ca_name[sizeof(to->ca_name) - 1] = 0;
	to->ip_id = toe_from_le16(from->ip_id);
	to->zero = 0;
}

#endif /* _TOE_VIRTIO_STATE_H */
