/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults a test can ask the card to commit, over the control socket
 * ("fault NAME COUNT [MS]"). None is armed unless asked for.
 */
#ifndef TOECARD_FAULT_H
#define TOECARD_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/* X(constant, keyword) */
#define FAULTS(X)							\
	X(PREPARE_REFUSE,	"prepare-refuse")  /* flow.c: S_FULL */	\
	X(OPEN_REFUSE,		"open-refuse")     /* flow.c: S_FAIL after the restore began */ \
	X(PREPARE_LATE,		"prepare-late")    /* device.c: reply after MS ms */ \
	X(OPEN_LATE,		"open-late")       /* device.c */	\
	X(CLOSE_LATE,		"close-late")      /* device.c */	\
	X(RX_UNKNOWN,		"rx-unknown-flow") /* device.c: an extra rx message */ \
	X(RX_SEQ,		"rx-wrong-seq")    /* device.c: an extra rx message, seq far off */ \
	X(RX_LEN,		"rx-absurd-len")   /* device.c: an extra rx message, len of 4 GiB - 1 */ \
	X(RX_ACK,		"rx-wrong-ack")    /* device.c: an extra ACK of bytes never sent */ \
	X(RX_INFO,		"rx-wrong-info")   /* device.c: an extra INFO, all its counters too far ahead */ \
	X(RX_AFTER_CLOSE,	"rx-after-close")  /* device.c: no rx message is seen before a CLOSE's reply, and MS ms */ \
	X(TX_AFTER_OPEN,	"tx-after-open")   /* device.c: no tx message is taken before an OPEN, and MS ms */ \
	X(CLOSE_SEQ,		"close-wrong-seq") /* device.c: rcv_nxt, snd_nxt far off in CLOSE's reply */ \
	X(CAPTURE_REFUSE,	"capture-refuse")  /* device.c: S_UNSUPP */ \
	X(CAPTURE_LEN,		"capture-absurd-len") /* device.c: caplen of 4 GiB - 1 */ \
	X(CAPTURE_SHORT,	"capture-short-len") /* device.c: less on the wire than shown */ \
	X(CAPTURE_TYPE,		"capture-wrong-type") /* device.c: a type that there is not */ \
	X(CAPTURE_UNKNOWN,	"capture-unknown-flow") /* device.c: a flow that is not captured */

enum fault {
#define FAULT_ENUM(name, word) FAULT_##name,
	FAULTS(FAULT_ENUM)
#undef FAULT_ENUM
	FAULT_MAX
};

/* True when fault_take() would be: for a fault that needs an occasion */
bool fault_armed(enum fault f);
/* True, and one fewer armed, when this fault is to be committed now. */
bool fault_take(enum fault f);
/* Milliseconds given with the fault */
uint32_t fault_ms(enum fault f);
const char *fault_word(enum fault f);
/* Arms by keyword (a count of 0 disarms); 0 or -ENOENT */
int fault_arm(const char *word, uint32_t count, uint32_t ms);

#endif
