/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A TCP connection into the card's stack and out of it, by TCP_REPAIR. All
 * return 0 (or a descriptor) or -errno.
 */
#ifndef TOECARD_REPAIR_H
#define TOECARD_REPAIR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <toe/state.h>

/*
 * In: repair_open(), then repair_sent() with the bytes [snd_una, snd_nxt), then
 * repair_start(). The socket is non-blocking and says nothing before
 * repair_start(), nor by it.
 */
/* wire: ifindex of the port, which link-local addresses belong to */
int repair_open(const struct toe_state *st, unsigned int wire);
int repair_sent(int fd, const struct iovec *iov, int niov);
/* elapsed_us: since st->tsval was true */
int repair_start(int fd, const struct toe_state *st, uint64_t elapsed_us);
/* Once its first frames are in: tells the peer of a window that was small on
 * the host and is not here.
 */
void repair_advertise(int fd, const struct toe_state *st);

/* What the card's TCP counts: struct virtio_toe_info, host-endian */
struct repair_counts {
	uint32_t rttvar_us;
	uint32_t segs_out;
	uint32_t segs_in;
	uint32_t data_segs_in;
	uint32_t retrans;
	uint32_t retrans_bytes;
	uint32_t timeouts;
	uint32_t unanswered;
};

/* What the host wants to know while the flow runs. */
struct repair_info {
	uint32_t acked;		/* bytes, since repair_start(), modulo 2^32 */
	uint32_t snd_wnd;
	uint32_t srtt_us;
	uint32_t silent_us;	/* since the last acknowledgement, to a jiffy */
	bool recovering;	/* from a loss: no timer for the tail's loss runs */
	uint32_t behind_gaps;	/* segments received, since repair_start() */
	struct repair_counts counts;
};
int repair_info(int fd, struct repair_info *info);
/* To be said once info.srtt_us is there */
void repair_measured(int fd);
/* Asks the peer for its window, as a zero window probe does. */
void repair_probe(int fd);

/*
 * Out: repair_deafen(), then everything is read, then repair_freeze(), then
 * repair_dump(), then repair_close().
 */

/* Nothing is out of order in what it received; only right when all that is in
 * order was read.
 */
bool repair_calm(int fd);
/* From here on the socket takes no frame. */
int repair_deafen(int fd);
/* From here on it sends none. *rcv_nxt: the end of what it received; when not
 * all of that was read, repair_thaw(), read and freeze again.
 */
int repair_freeze(int fd, uint32_t *rcv_nxt);
void repair_thaw(int fd);
/* Fills what the socket knows better than st, which is the state it came with:
 * windows, timestamp, congestion control's numbers, RTT.
 */
int repair_dump(int fd, struct toe_state *st);
/* Without a word to the peer, whatever state it is in. */
void repair_close(int fd);

#endif
