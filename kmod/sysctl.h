/* SPDX-License-Identifier: GPL-2.0-only */
/* net.toe.*: the run-time settings, which netlink has too */
#ifndef _TOE_SYSCTL_H
#define _TOE_SYSCTL_H

int toe_sysctl_init(void);
void toe_sysctl_exit(void);

#endif /* _TOE_SYSCTL_H */
