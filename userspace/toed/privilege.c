// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "privilege.h"

/* CAP_NET_ADMIN is in the first of the two words. */
#define KEEP	(1u << CAP_NET_ADMIN)
_Static_assert(CAP_NET_ADMIN < 32, "in the first word");

int privilege_drop(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data))
		return -errno;
	if (!(data[0].permitted & KEEP))
		return -EPERM;
	/* EINVAL: past the last one that the kernel knows. EPERM: without
	 * CAP_SETPCAP the bounding set stays; what it allows cannot be had either,
	 * with no exec and with no_new_privs.
	 */
	for (int cap = 0; cap <= 63; cap++)
		if (cap != CAP_NET_ADMIN && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) &&
		    errno != EINVAL && errno != EPERM)
			return -errno;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return -errno;
	memset(data, 0, sizeof(data));
	data[0].effective = KEEP;
	data[0].permitted = KEEP;
	if (syscall(SYS_capset, &head, data))
		return -errno;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}
