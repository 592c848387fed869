/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames in a row that become one. */
#ifndef TOECARD_MERGE_H
#define TOECARD_MERGE_H

#include <linux/if_ether.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* len: bytes of the frame so far, 0: none; hdr: of them before the payload; size:
 * payload of a segment; segments: how many; full: nothing can follow
 */
struct merge {
	uint32_t len, hdr, size, segments;
	bool full;
	uint8_t align[2] __attribute__((aligned(4)));
	uint8_t frame[65535];	/* the IP header is aligned */
};

/* Puts a frame behind what is there. False: it does not belong there, or is none to
 * merge at all, and nothing has changed.
 */
bool merge_add(struct merge *m, const uint8_t *frame, size_t len);

/* The headers say what is there now, but for TCP's checksum: who gets the frame is
 * told of the segments' size and makes it. One that is alone is as it came.
 */
void merge_end(struct merge *m);

#endif
