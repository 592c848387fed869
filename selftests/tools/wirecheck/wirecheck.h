/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wirecheck: what a host sent, as its peers saw it. Reads a capture of a peer's
 * interface and says what no single TCP would have sent.
 *
 * Only frames from the host's addresses are judged; those of the peers say what
 * the host may send. The capture has to begin before the connections, keep the
 * order of the wire and have lost nothing. Merged frames (GRO, TSO) are frames.
 */
#ifndef WIRECHECK_H
#define WIRECHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What can be wrong. rule_names has a word and rule_texts a line for each. */
enum rule {
	RULE_NO_SYN,
	RULE_RST,
	RULE_HOLE,
	RULE_CHANGED,
	RULE_WINDOW,
	RULE_AFTER_FIN,
	RULE_SYN_OPTIONS,
	RULE_ACK_BACK,
	RULE_ACK_AHEAD,
	RULE_EDGE_BACK,
	RULE_SACK,
	RULE_TS_MISSING,
	RULE_TS_UNASKED,
	RULE_TSVAL_BACK,
	RULE_TSECR_BACK,
	RULE_TSECR_UNKNOWN,
	RULE_MAC,
	RULE_TTL,
	RULE_DSCP,
	RULE_ECN,
	RULE_DF,
	RULE_IP_ID,
	RULE_FLOW_LABEL,
	RULE_CHECKSUM,
	RULE_IP_CHECKSUM,
	RULE_MALFORMED,
	RULE_MAX
};

extern const char *const rule_names[RULE_MAX];
extern const char *const rule_texts[RULE_MAX];

#define TH_FIN	0x01
#define TH_SYN	0x02
#define TH_RST	0x04
#define TH_ACK	0x10

#define SACK_BLOCKS	4

/* IPv4 addresses are mapped: ::ffff:a.b.c.d */
struct endpoint {
	uint8_t addr[16];
	uint16_t port;
};

/**
 * struct segment - a TCP segment in its frame
 * @number: of the frame in the capture, from 1
 * @src: who sent it
 * @dst: and to whom
 * @mac: link-layer address it came from
 * @v6: IPv6
 * @ttl: or hop limit
 * @tos: or traffic class
 * @df: don't fragment
 * @id: IPv4's
 * @label: IPv6's
 * @ip_sum: the IPv4 header's checksum is right
 * @sum: TCP's is right, or is that of the pseudo header, which the sender's port
 *	or the receiver's merging completes; true also when it can't be told since
 *	the frame was not captured whole
 * @seq: of its first byte
 * @ack: when TH_ACK is set
 * @flags: TH_*
 * @window: as it stands there, not scaled
 * @len: payload bytes
 * @data: of which so many were captured:
 * @caplen: bytes at @data
 * @mss: the option, -1: none
 * @wscale: likewise
 * @sack_ok: the option SACK-permitted
 * @ts: with timestamps
 * @tsval: the sender's
 * @tsecr: the echo
 * @sacks: number of SACK blocks
 * @sack: their edges
 */
struct segment {
	uint64_t number;
	struct endpoint src, dst;
	uint8_t mac[6];
	bool v6;
	uint8_t ttl, tos;
	bool df;
	uint16_t id;
	uint32_t label;
	bool ip_sum, sum;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window;
	uint32_t len, caplen;
	const uint8_t *data;
	int mss, wscale;
	bool sack_ok, ts;
	uint32_t tsval, tsecr;
	unsigned int sacks;
	uint32_t sack[SACK_BLOCKS][2];
};

enum parsed { PARSED_TCP, PARSED_OTHER, PARSED_MALFORMED };

/* frame.c: an Ethernet frame of which caplen of len bytes are there */
enum parsed frame_parse(const uint8_t *frame, size_t caplen, size_t len,
			struct segment *s);

/* Of what the host sent */
struct figures {
	uint64_t frames, connections, segments, bytes, resent, acks, shut, probes;
	uint64_t wraps, fins;
	uint64_t wrong[RULE_MAX];
	uint64_t wrongs;
};

/**
 * struct check - a run of the checker
 * @hosts: addresses whose frames are judged
 * @num_hosts: so many
 * @ports: only connections with one of these, [0] to [1], at either end
 * @show: so many wrongs of each rule are written
 * @except: rules whose wrongs are counted by name only
 * @out: there; NULL: nowhere
 * @figures: what was seen so far
 * @conns: track.c's own
 */
struct check {
	uint8_t (*hosts)[16];
	unsigned int num_hosts;
	uint16_t ports[2];
	unsigned int show;
	bool except[RULE_MAX];
	FILE *out;
	struct figures figures;
	struct conn *conns;
};

/* track.c: frames in the order of the capture */
void check_frame(struct check *c, const uint8_t *frame, size_t caplen, size_t len);
void check_free(struct check *c);

/* file.c: all of a pcap or pcapng file; 0, or -1 and why in err */
int check_file(struct check *c, const char *path, char *err, size_t size);

/* stream.c: the bytes of one direction, as they were sent first */
struct stream;
struct stream *stream_new(void);
void stream_free(struct stream *st);
/* False: bytes of it were captured before, and were others. */
bool stream_put(struct stream *st, uint64_t at, const uint8_t *data, uint32_t len);

#endif
