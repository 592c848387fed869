// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports to the host: retransmissions, segments, round-trip time.
 *
 * A flow on which something has moved is in card.untold until it was looked at,
 * and stays there while it has unacknowledged data: a retransmission makes no
 * other noise. An idle flow is in no list and costs nothing.
 */
#define _GNU_SOURCE
#include <string.h>

#include "card_internal.h"
#include "pump.h"
#include "tell.h"

#define TELL_NS		100000000ULL	/* between two reports of a flow */
#define TELL_FLOW_NS	50000ULL	/* ... but no more often than this each */

static int tell(struct flow *f)
{
	struct device_rx msg = {
		.id = f->id,
		.type = VIRTIO_TOE_RX_INFO,
		.seq = f->rcv_nxt,
		.snd_una = f->snd_una,
		.snd_wnd = f->snd_wnd,
		.srtt_us = f->srtt_us,
	};
	int err = device_rx_info(f->card->device, &msg, &f->counts);

	if (err)
		return err;
	f->card->n.rx_infos++;
	f->told_counts = f->counts;
	pump_told(f);
	return 0;
}

int tell_now(struct flow *f)
{
	if (!device_wants_info(f->card->device))
		return 0;
	pump_refresh(f);
	if (!memcmp(&f->counts, &f->told_counts, sizeof(f->counts)))
		return 0;
	return tell(f);
}

static void join(struct flow *f)
{
	list_add_tail(&f->card->untold, &f->untold);
	f->card->num_untold++;
}

void tell_leave(struct flow *f)
{
	if (list_empty(&f->untold))
		return;
	list_del(&f->untold);
	f->card->num_untold--;
}

void tell_soon(struct flow *f)
{
	struct card *c = f->card;

	if (!list_empty(&f->untold) || !device_wants_info(c->device))
		return;
	if (!c->num_untold)
		loop_timer_arm(c->loop, &c->tell, TELL_NS);
	join(f);
}

static void tell_expired(struct loop_timer *lt)
{
	struct card *c = container_of(lt, struct card, tell);
	uint32_t left = c->num_untold;
	struct flow *f;
	uint64_t ns;

	while (left--) {
		f = container_of(c->untold.next, struct flow, untold);
		tell_leave(f);
		if (tell_now(f) || !list_empty(&f->busy))
			join(f);
	}
	if (!c->num_untold)
		return;
	ns = c->num_untold * TELL_FLOW_NS;
	loop_timer_arm(c->loop, &c->tell, ns > TELL_NS ? ns : TELL_NS);
}

void tell_init(struct card *c)
{
	list_init(&c->untold);
	c->tell.expired = tell_expired;
}

void tell_exit(struct card *c)
{
	loop_timer_disarm(c->loop, &c->tell);
}
