/* SPDX-License-Identifier: GPL-2.0-only */
/* The state machine: to the engine and back. */
#ifndef _TOE_MIGRATE_H
#define _TOE_MIGRATE_H

struct work_struct;

/* Milliseconds an engine may take to answer a command */
extern unsigned int toe_timeout_ms;
#define TOE_MAX_TIMEOUT_MS	60000

void toe_migrate_work(struct work_struct *work);

#endif /* _TOE_MIGRATE_H */
