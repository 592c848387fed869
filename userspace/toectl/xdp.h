/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _XDP_H
#define _XDP_H

#include "toectl.h"
#include "xdp_dev.h"

int xdp_show(struct ctl *ctl, int argc, char **argv);

/**
 * xdp_mode_word() - how programs are attached
 * Return: the keyword, NULL when there are none.
 */
const char *xdp_mode_word(enum xdp_attach_mode mode);

#endif /* _XDP_H */
