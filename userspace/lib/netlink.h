/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The client of the module's generic netlink family. Functions return 0 or a
 * negative errno; what the kernel said beyond the number is toe_nl_text().
 */
#ifndef _TOE_LIB_NETLINK_H
#define _TOE_LIB_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include "decode.h"

struct toe_nl;

/**
 * struct toe_flow_key - names a flow
 * @id: its id on the engine, or 0 when @tuple names it
 * @tuple: its addresses and ports
 */
struct toe_flow_key {
	uint32_t id;
	struct toe_tuple tuple;
};

/* Return: 0, or a negative errno to stop reading flows. */
typedef int (*toe_flow_fn)(const struct toe_flow *flow, void *data);
/* Return: 0, or a negative errno to stop reading events. */
typedef int (*toe_event_fn)(const struct toe_event *event, void *data);

/**
 * toe_nl_open() - connect to the module
 * @nl: the result
 *
 * Return: 0, or a negative errno; -ENOENT when the module is not loaded.
 */
int toe_nl_open(struct toe_nl **nl);

/**
 * toe_nl_close() - the opposite of toe_nl_open()
 * @nl: the connection, or NULL
 */
void toe_nl_close(struct toe_nl *nl);

/**
 * toe_nl_text() - the kernel's words to the last error
 * @nl: the connection
 *
 * Return: the extack text, empty when there was none.
 */
const char *toe_nl_text(const struct toe_nl *nl);

/**
 * toe_nl_flow_get() - ask for one flow
 * @nl: the connection
 * @key: its name
 * @flow: the result
 */
int toe_nl_flow_get(struct toe_nl *nl, const struct toe_flow_key *key,
		    struct toe_flow *flow);

/**
 * toe_nl_flow_dump() - ask for all flows
 * @nl: the connection
 * @flows: the result, to be given to free()
 * @n: their number
 *
 * A dump during which the table changed is asked for again, several times.
 *
 * Return: 0 or a negative errno; -EAGAIN when the table never stood still: then
 * @flows is the last answer, in which flows may be missing or stand twice.
 */
int toe_nl_flow_dump(struct toe_nl *nl, struct toe_flow **flows, size_t *n);

/**
 * toe_nl_flow_each() - ask for all flows, once, and look at each as it comes
 * @nl: the connection
 * @fn: called for each
 * @data: passed to @fn
 *
 * For who asks again soon anyway: one pass over the table, and no memory.
 *
 * Return: 0, what @fn returned or a negative errno; -EAGAIN when the table
 * changed meanwhile: flows may have been missing or have come twice. After
 * another error the connection is to be closed: an answer may be half read.
 */
int toe_nl_flow_each(struct toe_nl *nl, toe_flow_fn fn, void *data);

/**
 * toe_nl_flow_offload() - move a connection to an engine, wait until it is there
 * @nl: the connection to the module
 * @tuple: the connection's name
 */
int toe_nl_flow_offload(struct toe_nl *nl, const struct toe_tuple *tuple);

/**
 * toe_nl_flow_return() - bring a flow back, wait until it is back
 * @nl: the connection
 * @key: its name
 * @reason: enum toe_reason, see TOE_CMD_FLOW_RETURN
 */
int toe_nl_flow_return(struct toe_nl *nl, const struct toe_flow_key *key,
		       enum toe_reason reason);

/**
 * toe_nl_flow_let_go() - have a flow brought back, do not wait for it
 * @nl: the connection
 * @id: its id on the engine: what was decided about one life of a connection
 *	does not hit the next one
 * @reason: enum toe_reason, see TOE_CMD_FLOW_RETURN
 *
 * Return: 0: it is on its way, or a negative errno; -ENOENT when there is no
 * such flow any more, or it comes back already.
 */
int toe_nl_flow_let_go(struct toe_nl *nl, uint32_t id, enum toe_reason reason);

/**
 * toe_nl_flow_begin() - have a connection moved, do not wait for it
 * @nl: the connection to the module
 * @tuple: the name of what is to be moved
 * @there: to an engine; else back
 *
 * Return: 0: it is on its way, or a negative errno; -EEXIST, -ENOENT when it is there.
 */
int toe_nl_flow_begin(struct toe_nl *nl, const struct toe_tuple *tuple, bool there);

/**
 * toe_nl_flow_why() - ask what would become of a signal for a connection
 * @nl: the connection to the module
 * @tuple: the connection's name
 * @why: the result
 */
int toe_nl_flow_why(struct toe_nl *nl, const struct toe_tuple *tuple,
		    struct toe_why *why);

/**
 * toe_nl_rule_dump() - ask for the rules that the module has met
 * @nl: the connection
 * @rules: the result, to be given to free()
 * @n: their number
 *
 * Return: as toe_nl_flow_dump().
 */
int toe_nl_rule_dump(struct toe_nl *nl, struct toe_rule_use **rules, size_t *n);

/**
 * toe_nl_engine_dump() - ask for all engines
 * @nl: the connection
 * @engines: the result, to be given to free()
 * @n: their number
 *
 * Return: as toe_nl_flow_dump().
 */
int toe_nl_engine_dump(struct toe_nl *nl, struct toe_engine **engines, size_t *n);

/**
 * toe_nl_stats_get() - ask for the counters
 * @nl: the connection
 * @stats: the result
 */
int toe_nl_stats_get(struct toe_nl *nl, struct toe_stats *stats);

/**
 * toe_nl_settings_get() - ask for the settings
 * @nl: the connection
 * @settings: the result
 */
int toe_nl_settings_get(struct toe_nl *nl, struct toe_settings *settings);

/**
 * toe_nl_settings_set() - change settings
 * @nl: the connection
 * @settings: those with their bit in @settings->has are changed
 */
int toe_nl_settings_set(struct toe_nl *nl, const struct toe_settings *settings);

/**
 * toe_nl_firewall_get() - ask what is known of this network namespace's firewall
 * @nl: the connection
 * @fw: the result
 */
int toe_nl_firewall_get(struct toe_nl *nl, struct toe_firewall *fw);

/**
 * toe_nl_firewall_changed() - tell that its rules changed
 * @nl: the connection
 */
int toe_nl_firewall_changed(struct toe_nl *nl);

/**
 * toe_nl_firewall_judge() - tell what was found in its rules
 * @nl: the connection
 * @generation: as toe_nl_firewall_get() said it before they were looked at
 * @careful: what was found
 *
 * Return: 0 or a negative errno; -ESTALE when the rules have changed since.
 */
int toe_nl_firewall_judge(struct toe_nl *nl, uint32_t generation,
			  enum toe_careful careful);

/**
 * toe_nl_subscribe() - have events sent to this connection
 * @nl: the connection; from now on it is for events alone
 */
int toe_nl_subscribe(struct toe_nl *nl);

/**
 * toe_nl_fd() - the descriptor that becomes readable when events are there
 * @nl: the connection
 *
 * Return: a descriptor for poll().
 */
int toe_nl_fd(const struct toe_nl *nl);

/**
 * toe_nl_events() - wait for events and read them
 * @nl: a connection that has subscribed
 * @fn: called for each
 * @data: passed to @fn
 *
 * Return: 0 after at least one message, what @fn returned, or a negative errno:
 * -ENOBUFS when events were lost, after which one can go on; -ENODEV when the
 * module was unloaded.
 */
int toe_nl_events(struct toe_nl *nl, toe_event_fn fn, void *data);

/**
 * struct toe_capture_ops - what becomes of what a capture brings
 * @frame: called for each frame; its bytes are valid until it returns
 * @event: the flow changed its state
 * @over: no more will come, and why: enum toe_reason, see TOE_A_CAPTURE_REASON
 *
 * Each returns 0, or a negative errno to stop reading.
 */
struct toe_capture_ops {
	int (*frame)(const struct toe_capture *frame, void *data);
	int (*event)(const struct toe_event *event, void *data);
	int (*over)(enum toe_reason reason, void *data);
};

/**
 * toe_nl_capture_start() - have the frames of an offloaded flow sent here
 * @nl: the connection; from now on it is for the capture alone
 * @key: the flow's name
 * @snaplen: most bytes of a frame
 * @ops: called for what comes, from now on
 * @data: passed to them
 * @flow: the flow, as it is now
 */
int toe_nl_capture_start(struct toe_nl *nl, const struct toe_flow_key *key,
			 uint32_t snaplen, const struct toe_capture_ops *ops,
			 void *data, struct toe_flow *flow);

/**
 * toe_nl_capture_read() - read a message of a capture, if there is one
 * @nl: a connection that captures
 *
 * Return: 1 after a message, 0 when there is none, what one of the capture's
 * functions returned, or a negative errno: -ENOBUFS when messages were lost,
 * after which one can go on: the frames among them are counted; -ENODEV when
 * the module was unloaded.
 */
int toe_nl_capture_read(struct toe_nl *nl);

/**
 * toe_nl_capture_stop() - end a capture, after having read what is left of it
 * @nl: a connection that captures
 * @totals: frames sent here, and frames lost
 *
 * Return: 0, what one of the capture's functions returned, or a negative errno.
 */
int toe_nl_capture_stop(struct toe_nl *nl, struct toe_capture *totals);

#endif /* _TOE_LIB_NETLINK_H */
