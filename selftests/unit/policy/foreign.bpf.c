// SPDX-License-Identifier: GPL-2.0-only
/*
 * Somebody else's sockops program: wants callback bits for the connections of some
 * local ports, when it hears of them for the first time behind their handshake or, if
 * "early" is set, at it. Counts what it hears of them.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

/**
 * struct port - of a local port
 * @wants: callback bits
 * @early: 1: at the handshake
 * @has: 1: they were asked for
 * @round_trips: calls of BPF_SOCK_OPS_RTT_CB since
 * @bits: callback bits that the connection had at the last call
 */
struct port {
	__u32 wants;
	__u32 early;
	__u32 has;
	__u32 round_trips;
	__u32 bits;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct port);
} ports SEC(".maps");

SEC("sockops")
int foreign(struct bpf_sock_ops *skops)
{
	__u32 number = skops->local_port, op = skops->op;
	struct port *port = bpf_map_lookup_elem(&ports, &number);
	int made = op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB ||
		   op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB;

	if (!port || !skops->is_fullsock)
		return 1;
	if (!port->has && (made || op == BPF_SOCK_OPS_RTT_CB) && made == !!port->early) {
		bpf_sock_ops_cb_flags_set(skops, skops->bpf_sock_ops_cb_flags | port->wants);
		port->has = 1;
	} else if (op == BPF_SOCK_OPS_RTT_CB) {
		port->round_trips++;
	}
	port->bits = skops->bpf_sock_ops_cb_flags;
	return 1;
}

char _license[] SEC("license") = "GPL";
