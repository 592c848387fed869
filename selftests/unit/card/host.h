/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stands for the host: its module's part towards the card (a device that
 * has no rings), its sockets, and an application on them. Everything but the
 * peer runs in one thread, in the loop.
 *
 * A connection is moved as the module does it, only that there is no shadow
 * socket: what comes late is seen by a packet socket, and the RST that answers
 * it is dropped by a rule.
 */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "card_internal.h"

struct host_opts {
	bool sends;		/* bulk */
	bool pings;		/* a message, its echo, the next */
	uint64_t send_rate;	/* bytes per second, 0: no limit */
	uint64_t read_rate;
	int rcvbuf;		/* 0: default */
	unsigned int late_us;	/* what comes so long before HOLD comes late */
};

enum where { NATIVE, MOVING, ENGINE };

struct host_flow {
	uint32_t id;
	enum where where;
	struct host_opts o;
	struct toe_tuple tuple;
	struct toe_state st;
	int fd;			/* -1: not native */
	struct loop_fd lf;
	uint32_t watched;
	bool gated;		/* late packets go to the card */
	/* sequence number of offset 0, both ways */
	uint32_t tx_base, rx_base;
	uint64_t next;		/* offset of the next byte to give away */
	uint64_t una;		/* acknowledged, engine only */
	uint64_t rx;		/* received */
	uint64_t start_ns;
	uint32_t snd_wnd;
	uint32_t edge;		/* credit given */
	uint32_t msgs;		/* DATA with the card */
	uint64_t last_rx_ns;
	uint64_t gap_ns;	/* longest time without a byte received */
	bool stop;		/* the application sends no more */
	bool eof;
	const char *wrong;
	struct device_cmd *open;	/* unanswered */
	uint32_t open_status;
	uint32_t status;	/* of the last reply */
	struct toe_state reply;
	uint64_t reply_ns;
	uint64_t open_ns, close_ns;	/* how long the last took */
};

extern struct loop *host_loop;
extern struct card *host_card;

int host_init(void);
void host_exit(void);

int host_listen(int family, uint16_t port);
/* Accepts a connection and starts the application; NULL on failure */
struct host_flow *host_accept(int listener, const struct host_opts *o);
void host_free(struct host_flow *h);
/* Each tells what went wrong, or NULL */
const char *host_to_card(struct host_flow *h);
/* The parts of it, for those who do it wrong; status in h->status */
const char *host_prepare(struct host_flow *h);
const char *host_snapshot(struct host_flow *h);
enum { OPEN_POST = 1, OPEN_WAIT = 2 };
bool host_open(struct host_flow *h, unsigned int how);
bool host_release(struct host_flow *h);
bool host_close(struct host_flow *h);
/* The connection goes on in the host's stack, with h->reply */
const char *host_resume(struct host_flow *h);
const char *host_from_card(struct host_flow *h);

/* Lets everything run for a while, or until *flag. */
void host_run(uint64_t ns);
bool host_run_until(bool (*done)(void *arg), void *arg, uint64_t ns);

/* Frames that the card shows: where to, and for how many bytes of one there is
 * room (-EAGAIN: none).
 */
struct host_frames {
	int room;
	void (*show)(const struct device_frame *f);
};
extern struct host_frames host_frames;
/* VIRTIO_TOE_S_* */
uint32_t host_capture(struct host_flow *h, uint32_t snaplen);
uint32_t host_capture_stop(struct host_flow *h);

/* Bytes acknowledged or given away */
uint64_t host_sent(struct host_flow *h);
/* Events that the card sent */
extern unsigned int host_events;
/* Every so many looks for an rx buffer find none, 0: never */
extern unsigned int host_scarce;
/* Packets that came late, moves put off because data was out of order */
extern unsigned int host_injected, host_not_calm;

#endif
