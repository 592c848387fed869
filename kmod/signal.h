/* SPDX-License-Identifier: GPL-2.0-only */
/* The kfuncs by which BPF programs tell the module of connections. */
#ifndef _TOE_KFUNC_H
#define _TOE_KFUNC_H

int toe_signal_init(void);

#endif /* _TOE_KFUNC_H */
