// SPDX-License-Identifier: GPL-2.0-only
#include <linux/atomic.h>
#include <linux/wordpart.h>

#include "mark.h"

/* Mask and mark, so that both change at once */
static atomic64_t toe_never;

void toe_mark_set_never(u32 mark, u32 mask)
{
	atomic64_set(&toe_never, (u64)mask << 32 | mark);
}

void toe_mark_get_never(u32 *mark, u32 *mask)
{
	u64 never = atomic64_read(&toe_never);

	*mark = lower_32_bits(never);
	*mask = upper_32_bits(never);
}

static bool toe_mark_is_never(u32 m)
{
	u32 mark, mask;

	toe_mark_get_never(&mark, &mask);
	return mask && (m & mask) == mark;
}

bool toe_mark_valid(const struct toe_signal *sig)
{
	return !(sig->ct_mark & ~sig->ct_mask) &&
	       !(sig->pkt_mark & ~sig->pkt_mask);
}

bool toe_mark_asks_packets(const struct toe_signal *sig)
{
	u32 mark, mask;

	toe_mark_get_never(&mark, &mask);
	return mask || (sig && sig->pkt_mask);
}

bool toe_mark_same_packets(const struct toe_signal *a,
			   const struct toe_signal *b)
{
	return a->pkt_mark == b->pkt_mark && a->pkt_mask == b->pkt_mask &&
	       !((a->flags ^ b->flags) & TOE_SIGNAL_NO_PKTMARK);
}

bool toe_mark_ct_ok(const struct toe_signal *sig, const u32 *mark)
{
	bool there;

	if (mark && toe_mark_is_never(*mark))
		return false;
	if (!sig || !sig->ct_mask)
		return true;
	there = mark && (*mark & sig->ct_mask) == sig->ct_mark;
	return there == !(sig->flags & TOE_SIGNAL_NO_CTMARK);
}

bool toe_mark_packets_ok(const struct toe_signal *sig, u32 in, u32 out)
{
	bool there;

	if (toe_mark_is_never(in) || toe_mark_is_never(out))
		return false;
	if (!sig || !sig->pkt_mask)
		return true;
	there = (in & sig->pkt_mask) == sig->pkt_mark ||
		(out & sig->pkt_mask) == sig->pkt_mark;
	return there == !(sig->flags & TOE_SIGNAL_NO_PKTMARK);
}
