/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the card's wire side shares among its files: the card and the flow.
 * Nobody outside card.c, flow.c, pump.c, hold.c, capture.c includes it.
 */
#ifndef TOECARD_CARD_INTERNAL_H
#define TOECARD_CARD_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <toe/state.h>

#include "device.h"
#include "flow.h"
#include "hold.h"
#include "loop.h"
#include "repair.h"

struct captures;
struct ethhdr;
struct neigh;
struct steer;

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

static inline bool seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool seq_after(uint32_t a, uint32_t b)
{
	return seq_before(b, a);
}

/* A doubly linked list; a node that is in none points to itself. */
struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_del(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

static inline void list_add_tail(struct list *head, struct list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

/*
 * Where a flow is, as flow.h tells. CLOSING is what CLOSED is until the reply:
 * frames are held, the socket is being emptied.
 */
enum flow_state {
	FLOW_HELD,
	FLOW_RESTORING,
	FLOW_RUNNING,
	FLOW_CLOSING,
	FLOW_CLOSED,
};

/**
 * struct flow - a connection on the card
 * @by_id: chain in card.ids
 * @by_tuple: chain in card.tuples
 * @card: the card
 * @id: the host's number for it
 * @state: where it is
 * @tuple: its name
 * @st: the state that came with OPEN; after CLOSE the one that was reported
 * @opened: OPEN has come, @st is filled
 * @wired: its addresses, route and guard element are there
 * @reported: EV_RETURN was sent
 * @urgent: urgent data came; what came since is for the host
 * @event_due: EV_RETURN has to be sent, but the host had no buffer
 * @cmd: the OPEN or CLOSE that waits for its reply, or NULL
 * @open_ns: when OPEN came
 * @held: its frames, oldest first
 * @longest: frame that the socket was given out of @held
 * @lf: its socket; -1 when it has none
 * @events: what epoll watches @lf for
 * @watched: the loop watches @lf
 * @tx, @tx_tail: DATA not taken by the socket yet
 * @tx_next: sequence number of the next byte that DATA may bring
 * @snd_base: snd_una when the socket was restored
 * @snd_una, @snd_wnd, @srtt_us: as the socket last said
 * @counts: what it counts, likewise
 * @told_counts: as last told to the host
 * @measured: the socket has an RTT sample
 * @told_una, @told_wnd: as last told to the host
 * @mute: the socket is in a recovery, and the peer has long been silent
 * @asked_una: what was outstanding when the peer was last asked about that
 * @rcv_nxt: the next byte to deliver to the host
 * @rcv_edge: credit
 * @curbed: the peer is not promised all of @rcv_edge, see room.c
 * @no_credit: not polled for input until credit moves
 * @behind_gaps: segments that had come behind a gap when the peer was last told twice
 * @starved: node in card.starved: waits for an rx buffer
 * @busy: node in card.busy: has unacknowledged data
 * @narrow: node in card.narrow: idle, but the peer's window is small
 * @untold: node in card.untold: @counts may have news
 * @probe_ns, @probe_gap_ns: when to ask the peer for its window, and then
 * @timer: settling in CLOSING
 * @settled_ns: when it had settled
 * @deaf: its socket takes no more frames
 * @tx_bytes, @rx_bytes: payload, for the status
 */
struct flow {
	struct flow *by_id;
	struct flow *by_tuple;
	struct card *card;
	uint32_t id;
	enum flow_state state;
	struct toe_tuple tuple;
	struct toe_state st;
	bool opened;
	bool wired;
	bool reported;
	bool urgent;
	bool event_due;
	struct device_cmd *cmd;
	uint64_t open_ns;

	struct hold_list held;
	uint32_t longest;

	struct loop_fd lf;
	uint32_t events;
	bool watched;
	struct device_tx *tx, **tx_tail;
	uint32_t tx_next;
	uint32_t snd_base;
	uint32_t snd_una;
	uint32_t snd_wnd;
	uint32_t srtt_us;
	struct repair_counts counts;
	struct repair_counts told_counts;
	bool measured;
	uint32_t asked_una;
	bool mute;
	uint32_t told_una;
	uint32_t told_wnd;
	uint32_t rcv_nxt;
	uint32_t rcv_edge;
	bool curbed;
	bool no_credit;
	uint32_t behind_gaps;
	struct list starved;
	struct list busy;
	struct list narrow;
	struct list untold;
	uint64_t probe_ns;
	uint64_t probe_gap_ns;
	struct loop_timer timer;
	uint64_t settled_ns;
	bool deaf;

	uint64_t tx_bytes;
	uint64_t rx_bytes;
};

/* Counters of the card: X(name); card_status_json() shows them all. */
#define CARD_COUNTERS(X)						\
	X(prepares) X(opens) X(closes) X(releases) X(open_fails)	\
	X(injects) X(tx_msgs) X(tx_bytes) X(tx_queued) X(tx_trimmed)	\
	X(tx_unknown) X(rx_msgs) X(rx_bytes) X(rx_acks) X(rx_infos) X(rx_no_buffer)	\
	X(rx_no_credit) X(window_updates) X(polls) X(probes) X(asks) X(repeats) X(returns) X(not_calm)	\
	X(hold_frames) X(hold_dropped) X(hold_flushed) X(hold_to_host)	\
	X(hold_merged)							\
	X(hold_unknown) X(hold_late) X(hold_errors)			\
	X(captures) X(capture_frames) X(capture_dropped)

struct card_counters {
#define CARD_COUNTER(name) uint64_t name;
	CARD_COUNTERS(CARD_COUNTER)
#undef CARD_COUNTER
};

/**
 * struct card - the wire side
 * @loop: the event loop
 * @device: the host side
 * @steer: BPF programs and maps
 * @neigh: addresses, routes, neighbours
 * @hold: the tap and the port to the host
 * @captures: flows whose frames are shown
 * @wire: ifindex of the wire port
 * @mac: address of the wire port, which is the host's
 * @max_flows: capacity
 * @num_flows: in the tables
 * @ids, @tuples: hash tables of @hash_mask + 1 chains
 * @starved: flows that wait for an rx buffer
 * @num_starved: how many
 * @room: bytes that they may keep waiting in their sockets
 * @busy: flows to poll for acknowledgements
 * @num_busy: how many
 * @narrow: flows to poll, slowly, for the peer's window
 * @untold: flows to report on
 * @num_untold: how many
 * @events_due: flows with event_due set
 * @poll: the timer for @busy
 * @slow: the timer for @narrow and events_due
 * @tell: the timer for @untold
 * @beat: the heartbeat's timer
 * @n: counters
 */
struct card {
	struct loop *loop;
	struct device *device;
	struct steer *steer;
	struct neigh *neigh;
	struct hold *hold;
	struct captures *captures;
	unsigned int wire;
	uint8_t mac[6];
	uint32_t max_flows;
	uint32_t num_flows;
	struct flow **ids;
	struct flow **tuples;
	uint32_t hash_mask;
	struct list starved;
	uint32_t num_starved;
	uint64_t room;
	struct list busy;
	uint32_t num_busy;
	struct list narrow;
	struct list untold;
	uint32_t num_untold;
	uint32_t events_due;
	struct loop_timer poll;
	struct loop_timer slow;
	struct loop_timer tell;
	struct loop_timer beat;
	struct card_counters n;
};

/* card.c */

/* An interface of the card: takes frames for any address from anywhere, says
 * nothing by itself.
 */
void card_quiet(const char *ifname);

/* The Ethernet header that the flow's frames have when they come in */
void card_ether(struct card *c, struct ethhdr *eth, uint16_t family);

/* The tables */
struct flow *card_flow_by_id(struct card *c, uint32_t id);
struct flow *card_flow_by_tuple(struct card *c, const struct toe_tuple *t);
void card_flow_insert(struct card *c, struct flow *f);
void card_flow_remove(struct card *c, struct flow *f);

/* flow.c: up-calls */

/* The flow can't go on here: asks the host to take it back, once. */
void flow_wants_back(struct flow *f, const char *why);
/* Tells the host what it could not be told for want of an event buffer. */
void flow_retry_events(struct card *c);
/* CLOSING: there are rx buffers again to empty the socket into. */
void flow_drain(struct flow *f);

#endif
