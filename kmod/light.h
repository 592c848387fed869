/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections that a rule wants and that are light so far: when one has received
 * TOE_LIGHT_BYTES, the classifier is called for it. See toe/signal.h.
 */
#ifndef _TOE_LIGHT_H
#define _TOE_LIGHT_H

/**
 * toe_light_init() - begin to look at what connections receive
 *
 * Context: process; sleeps.
 * Return: 0; -ENOENT when the kernel lacks the tracepoint; -ENOMEM.
 */
int toe_light_init(void);

/* Ends it; none is being looked at when this returns. Process context; sleeps. */
void toe_light_exit(void);

#endif /* _TOE_LIGHT_H */
