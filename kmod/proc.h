/* SPDX-License-Identifier: GPL-2.0-only */
/* /proc/net/toe/flows and /proc/net/toe/stats */
#ifndef _TOE_PROC_H
#define _TOE_PROC_H

int toe_proc_init(void);
void toe_proc_exit(void);

#endif /* _TOE_PROC_H */
