/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flows that the module knows, as of the last dump, with what was seen of
 * each before. Keyed by network namespace and tuple, so that a flow is the same
 * one through all its moves to an engine and back.
 */
#ifndef TOED_FLOWS_H
#define TOED_FLOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "decode.h"
#include "rate.h"

/**
 * struct flow - one of them
 * @next: in its bucket
 * @hash: of its key
 * @tuple: its name; with @netns the key
 * @netns: inode number of its network namespace
 * @id: on the engine, new with each offload; 0: on none
 * @opens: how often it went to an engine
 * @state: enum toe_flow_state
 * @reason: enum toe_reason, why it is in that state
 * @engine: name of its engine
 * @min_rate: of its rule, bytes per second; 0: none
 * @dwell_ms: of its rule
 * @retry_ns: for how long the module still leaves it alone
 * @round: the dump it was last in
 * @missed: whole dumps in a row that it was not in
 * @rate: how fast it is
 */
struct flow {
	struct flow *next;
	uint64_t hash;
	struct toe_tuple tuple;
	uint64_t netns;
	uint32_t id;
	uint32_t opens;
	uint8_t state;
	uint8_t reason;
	char engine[TOE_ENGINE_NAME_LEN];
	uint64_t min_rate;
	uint32_t dwell_ms;
	uint64_t retry_ns;
	uint64_t round;
	unsigned int missed;
	struct rate rate;
};

struct flows;

/**
 * flows_new() - an empty table
 * Return: the table, or NULL: no memory.
 */
struct flows *flows_new(void);

void flows_free(struct flows *f);

/**
 * flows_begin() - a dump begins
 * @f: the table
 * @now_ns: CLOCK_MONOTONIC, the time of its samples
 * @anew: the samples before do not count: nobody knows what happened since
 */
void flows_begin(struct flows *f, uint64_t now_ns, bool anew);

/**
 * flows_seen() - a flow of the dump
 * @f: the table
 * @seen: the flow
 *
 * A flow that stands twice in a dump counts once: the first time.
 *
 * Return: the flow; NULL: no memory, or seen already in this dump.
 */
struct flow *flows_seen(struct flows *f, const struct toe_flow *seen);

/**
 * flows_end() - the dump ends
 * @f: the table
 * @whole: it was one picture. A flow that was not in it is forgotten when that
 *	happens three times in a row, since the module's table moves while it is
 *	read and a flow can slip through
 */
void flows_end(struct flows *f, bool whole);

/* Returns: false to stop. */
typedef bool (*flows_fn)(struct flow *flow, void *data);

/* Calls @fn for each flow of the last dump. */
void flows_each(struct flows *f, flows_fn fn, void *data);

size_t flows_count(const struct flows *f);

#endif
