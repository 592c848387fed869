// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include "toectl.h"

static const char usage[] =
	"Usage: toectl engine show\n";

void show_engine(struct toe_out *out, const char *key, const struct toe_engine *e)
{
	char ifname[IF_NAMESIZE];
	char mac[18];
	char *name;

	name = e->ifindex ? if_indextoname(e->ifindex, ifname) : NULL;
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", e->mac[0],
		 e->mac[1], e->mac[2], e->mac[3], e->mac[4], e->mac[5]);

	toe_out_open(out, key, '{');
	toe_out_str(out, "name", "%s", e->name);
	toe_out_str(out, "driver", " driver %s", *e->driver ? e->driver : NULL);
	toe_out_str(out, "ifname", " dev %s", name);
	toe_out_u64(out, "ifindex", NULL, e->ifindex);
	toe_out_str(out, "mac", " lladdr %s",
		    toe_has(e->has, TOE_A_ENGINE_MAC) ? mac : NULL);
	toe_out_bool(out, "alive", " alive %s", e->alive);
	toe_out_bool(out, "ipv6", " ipv6 %s", e->ipv6);
	toe_out_u64(out, "flows", " flows %" PRIu64, e->flows);
	toe_out_u64(out, "max_flows", "/%" PRIu64, e->max_flows);
	toe_out_bytes(out, "tx_bytes", " tx %s", e->tx_bytes);
	toe_out_bytes(out, "rx_bytes", " rx %s\n", e->rx_bytes);
	toe_out_close(out, '}');
}

static void show_listed(struct toe_out *out, const void *entry)
{
	show_engine(out, NULL, entry);
}

static int show_engines(struct ctl *ctl, struct toe_nl *nl)
{
	struct toe_engine *engines;
	size_t n;
	int err = toe_nl_engine_dump(nl, &engines, &n);

	return show_list(ctl, nl, err, engines, n, sizeof(*engines), show_listed);
}

static int engine_show(struct ctl *ctl, int argc, char **argv)
{
	return ask_module(ctl, argc, argv, show_engines);
}

static const struct command commands[] = {
	{ "show",	engine_show },
	{ NULL,		NULL },
};

int do_engine(struct ctl *ctl, int argc, char **argv)
{
	return dispatch(ctl, commands, usage, argc, argv);
}
