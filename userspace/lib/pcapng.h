/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes captured frames as pcapng (draft-ietf-opsawg-pcapng): one section,
 * interfaces, enhanced packets, statistics at the end. The bytes are in the
 * order of this machine, as the draft wants it.
 */
#ifndef _TOE_LIB_PCAPNG_H
#define _TOE_LIB_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/**
 * struct toe_pcapng - a file being written
 * @file: where to
 * @interfaces: interface blocks written so far
 */
struct toe_pcapng {
	FILE *file;
	uint32_t interfaces;
};

/**
 * struct toe_pcapng_frame - a frame
 * @interface: index of its interface block, from 0
 * @sent: it was sent, else received
 * @time_ns: when, nanoseconds since 1970-01-01 UTC
 * @len: its length on the wire, bytes
 * @caplen: of these are in @data, bytes
 * @dropped: frames lost between the one before and this one
 * @data: its bytes, from the Ethernet header on
 */
struct toe_pcapng_frame {
	uint32_t interface;
	bool sent;
	uint64_t time_ns;
	uint32_t len;
	uint32_t caplen;
	uint64_t dropped;
	const void *data;
};

/**
 * struct toe_pcapng_stats - what became of the frames of an interface
 * @interface: index of its interface block, from 0
 * @start_ns: when the capture began, nanoseconds since 1970-01-01 UTC
 * @end_ns: when it ended, likewise
 * @frames: frames in the file
 * @dropped: frames that were lost for want of room
 */
struct toe_pcapng_stats {
	uint32_t interface;
	uint64_t start_ns;
	uint64_t end_ns;
	uint64_t frames;
	uint64_t dropped;
};

/**
 * toe_pcapng_begin() - write the section header (draft 4.1)
 * @p: filled in
 * @file: where to
 * @os: name of the system, or NULL
 * @application: name of the program
 *
 * Return: 0 or a negative errno.
 */
int toe_pcapng_begin(struct toe_pcapng *p, FILE *file, const char *os,
		     const char *application);

/**
 * toe_pcapng_interface() - write an interface description (draft 4.2)
 * @p: the file
 * @name: of the interface
 * @description: more of it
 * @snaplen: most bytes that are kept of a frame
 *
 * Its frames are Ethernet, their time is in nanoseconds.
 *
 * Return: its index, or a negative errno.
 */
int toe_pcapng_interface(struct toe_pcapng *p, const char *name,
			 const char *description, uint32_t snaplen);

/**
 * toe_pcapng_frame() - write an enhanced packet (draft 4.3)
 * @p: the file
 * @frame: the frame
 *
 * Return: 0 or a negative errno.
 */
int toe_pcapng_frame(struct toe_pcapng *p, const struct toe_pcapng_frame *frame);

/**
 * toe_pcapng_stats() - write the statistics of an interface (draft 4.6)
 * @p: the file
 * @stats: they
 *
 * Return: 0 or a negative errno.
 */
int toe_pcapng_stats(struct toe_pcapng *p, const struct toe_pcapng_stats *stats);

#endif /* _TOE_LIB_PCAPNG_H */
