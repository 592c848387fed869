/* SPDX-License-Identifier: GPL-2.0-only */
/* The kfunc by which BPF programs signal a heavy flow. */
#ifndef _TOE_SIGNAL_H
#define _TOE_SIGNAL_H

int toe_signal_init(void);

#endif /* _TOE_SIGNAL_H */
