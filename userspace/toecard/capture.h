/* SPDX-License-Identifier: GPL-2.0-only */
/* Showing the host the frames of a flow, as they are on the wire. */
#ifndef TOECARD_CAPTURE_H
#define TOECARD_CAPTURE_H

#include <stdint.h>

#include "device.h"

struct captures;

/* The device's questions; each answers cmd at once. */
void capture_start(struct card *c, struct device_cmd *cmd, uint32_t id,
		   uint32_t snaplen);
void capture_stop(struct card *c, struct device_cmd *cmd, uint32_t id);

/* capture buffers are there again */
void capture_ready(struct card *c);

/* The flow leaves: what was seen of it is still shown, then its end. */
void capture_end(struct card *c, uint32_t id);

/* The device was reset: nobody wants to see anything. */
void captures_reset(struct card *c);

/* Flows that are shown now, for the status */
uint32_t captures_running(const struct captures *cs);

/* NULL after having logged why; the card's steering stands */
struct captures *captures_new(struct card *c);
void captures_free(struct captures *cs);

#endif
