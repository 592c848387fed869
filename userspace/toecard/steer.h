/* SPDX-License-Identifier: GPL-2.0-only */
/* The programs of bpf/card.bpf.c: attached here, their maps written here. */
#ifndef TOECARD_STEER_H
#define TOECARD_STEER_H

#include <stdint.h>
#include <stdio.h>

#include <toe/bpf.h>

struct steer;

struct steer_config {
	unsigned int wire, host, hold;	/* ifindex */
	const char *cgroup;		/* NULL: the process's own */
	uint32_t max_flows;
};

/* NULL after having logged why. Takes over what a killed predecessor left. */
struct steer *steer_new(const struct steer_config *cfg);
/* From here on every frame goes where it went before steer_new(). */
void steer_free(struct steer *s);

/* 0 or -errno */
int steer_set(struct steer *s, const struct toe_tuple *t, enum toe_steer to);
void steer_clear(struct steer *s, const struct toe_tuple *t);

int steer_guard_set(struct steer *s, const struct toe_tuple *t,
		    const struct toe_guard *g);
int steer_guard_get(struct steer *s, const struct toe_tuple *t,
		    struct toe_guard *g);
/* Also of its credit */
void steer_guard_clear(struct steer *s, const struct toe_tuple *t);

/* The right window edge that the host has room for */
/* tell: the next probe is to tell the peer, see struct toe_credit */
int steer_credit_set(struct steer *s, const struct toe_tuple *t, uint32_t edge,
		     bool tell);

/* The flow's frames go into the ring from here on. */
int steer_capture_set(struct steer *s, const struct toe_tuple *t, uint32_t id);
/* And no more; returns how many there was no room for. */
uint64_t steer_capture_clear(struct steer *s, const struct toe_tuple *t);
/* The ring of struct toe_card_frame, a map */
int steer_frames_fd(const struct steer *s);

/* The card lives; to be said several times in TOE_HEARTBEAT_NS */
void steer_beat(struct steer *s);

/* Elements in the map "steer" */
uint32_t steer_entries(struct steer *s);
/* The programs' own counters, as members of a JSON object */
void steer_counters_json(struct steer *s, FILE *out);

#endif
