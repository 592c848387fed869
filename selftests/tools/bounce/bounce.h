/* SPDX-License-Identifier: GPL-2.0-only */
/* The lab's addresses, in host order. BOUNCE is the peer's: what the host sends there
 * comes back.
 */
#ifndef BOUNCE_H
#define BOUNCE_H

#define HOST4		0x0a4d0001	/* 10.77.0.1 */
#define BOUNCE4		0x0a4d0003	/* 10.77.0.3 */
#define NET6_0		0xfd770000	/* fd77::, its first word */
#define HOST6_3		1		/* fd77::1, its last one */
#define BOUNCE6_3	3		/* fd77::3 */

#endif
