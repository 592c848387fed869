// SPDX-License-Identifier: GPL-2.0-only
/*
 * net.toe.*: the settings of TOE_CMD_SETTINGS_SET under the names and within the
 * limits that they have there, in the first network namespace. Their readers use
 * READ_ONCE(), a change takes effect at the next use.
 */
#include <linux/sysctl.h>
#include <net/net_namespace.h>

#include "migrate.h"
#include "quota.h"
#include "sysctl.h"

static unsigned int toe_one = 1;
static unsigned int toe_max_max_flows = TOE_MAX_MAX_FLOWS;
static unsigned int toe_max_timeout_ms = TOE_MAX_TIMEOUT_MS;

static struct ctl_table toe_sysctls[] = {
	{
		.procname	= "max_flows",
		.data		= &toe_max_flows,
		.maxlen		= sizeof(toe_max_flows),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= &toe_max_max_flows,
	}, {
		.procname	= "netns_flows",
		.data		= &toe_netns_flows,
		.maxlen		= sizeof(toe_netns_flows),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= SYSCTL_ZERO,
		.extra2		= &toe_max_max_flows,
	}, {
		.procname	= "timeout_ms",
		.data		= &toe_timeout_ms,
		.maxlen		= sizeof(toe_timeout_ms),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= &toe_one,
		.extra2		= &toe_max_timeout_ms,
	},
};

static struct ctl_table_header *toe_sysctl_header;

int toe_sysctl_init(void)
{
	toe_sysctl_header = register_net_sysctl(&init_net, "net/toe",
						toe_sysctls);
	return toe_sysctl_header ? 0 : -ENOMEM;
}

void toe_sysctl_exit(void)
{
	unregister_net_sysctl_table(toe_sysctl_header);
}
