// SPDX-License-Identifier: GPL-2.0-only
/*
 * toe: mid-stream TCP offload. Loading and unloading.
 */
#include <linux/module.h>

#include "capture.h"
#include "firewall.h"
#include "flow.h"
#include "gate.h"
#include "genl.h"
#include "light.h"
#include "migrate.h"
#include "param.h"
#include "proc.h"
#include "quota.h"
#include "route.h"
#include "sight.h"
#include "signal.h"
#include "sysctl.h"

/* The first three are where the settings of the same names begin. */
TOE_PARAM(max_flows, toe_max_flows, 0, TOE_MAX_MAX_FLOWS, 0444);
MODULE_PARM_DESC(max_flows, "connections offloaded or on their way at once (changed at run time by toectl)");
TOE_PARAM(netns_flows, toe_netns_flows, 0, TOE_MAX_MAX_FLOWS, 0444);
MODULE_PARM_DESC(netns_flows, "connections of a network namespace offloaded or on their way at once, 0: no limit (changed at run time by toectl)");
TOE_PARAM(timeout_ms, toe_timeout_ms, 1, TOE_MAX_TIMEOUT_MS, 0444);
MODULE_PARM_DESC(timeout_ms, "milliseconds an engine may take to answer (changed at run time by toectl)");
TOE_PARAM(max_waiting, toe_max_waiting, 1, TOE_MAX_MAX_WAITING, 0444);
MODULE_PARM_DESC(max_waiting, "connections known and carried by the stack at once, those that wait for an engine among them");

static int __init toe_init(void)
{
	int err;

	err = toe_quota_init();
	if (err)
		return err;
	err = toe_flow_init();
	if (err)
		goto err_quota;
	err = toe_gate_init();
	if (err)
		goto err_flow;
	err = toe_sight_init();
	if (err)
		goto err_gate;
	err = toe_route_init();
	if (err)
		goto err_sight;
	err = toe_firewall_init();
	if (err)
		goto err_route;
	err = toe_proc_init();
	if (err)
		goto err_firewall;
	err = toe_sysctl_init();
	if (err)
		goto err_proc;
	err = toe_capture_init();
	if (err)
		goto err_sysctl;
	err = toe_genl_init();
	if (err)
		goto err_capture;
	err = toe_light_init();
	if (err)
		goto err_genl;
	err = toe_signal_init();
	if (err)
		goto err_light;
	return 0;

err_light:
	toe_light_exit();
err_genl:
	toe_genl_exit();
err_capture:
	toe_capture_exit();
err_sysctl:
	toe_sysctl_exit();
err_proc:
	toe_proc_exit();
err_firewall:
	toe_firewall_exit();
err_route:
	toe_route_exit();
err_sight:
	toe_sight_exit();
err_gate:
	toe_gate_exit();
err_flow:
	toe_flow_stop();
	toe_flow_exit();
err_quota:
	toe_quota_exit();
	return err;
}

static void __exit toe_exit(void)
{
	/* No engine is registered now (its driver would hold us), so no flow
	 * is offloaded; what is left are flows that wait for nothing.
	 */
	toe_light_exit();
	toe_genl_exit();
	toe_capture_exit();
	toe_sysctl_exit();
	toe_proc_exit();
	toe_route_exit();
	toe_flow_stop();
	toe_firewall_exit();
	toe_sight_exit();
	toe_gate_exit();
	toe_flow_exit();
	toe_quota_exit();
	/* Readers of icsk_af_ops may still look at our copies. */
	synchronize_net();
}

module_init(toe_init);
module_exit(toe_exit);
MODULE_AUTHOR("the toe project");
MODULE_DESCRIPTION("mid-stream TCP offload");
MODULE_LICENSE("GPL");
