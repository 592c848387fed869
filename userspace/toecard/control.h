/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket: a client sends one line and gets one JSON object, then
 * the connection ends.
 *
 *	status			{"card": {...}, "device": {...}}
 *	fault NAME COUNT [MS]	{"ok": true}
 *
 * What can't be done is answered with {"error": "..."}.
 */
#ifndef TOECARD_CONTROL_H
#define TOECARD_CONTROL_H

#include "device.h"
#include "flow.h"
#include "loop.h"

struct control;

/* NULL after having logged why */
struct control *control_new(struct loop *l, const char *path, struct card *c,
			    struct device *d);
void control_free(struct control *ctl);

/* The client: sends the words as a line, prints the answer. Returns an exit
 * status: 0, or 1 when the answer is an error or there is none.
 */
int control_ask(const char *path, int num_words, char **words);

#endif
