// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receivers that are light so far. The classifier hears of a connection that only
 * receives by BPF_SOCK_OPS_HDR_OPT_LEN_CB alone, which comes with each segment
 * that goes out: most of what a short connection would pay for being watched. So
 * it leaves a mark at first, and the callback is asked for here, once the
 * connection has received TOE_LIGHT_BYTES.
 *
 * Notes:
 * 1. Tracepoint tcp:tcp_rcv_space_adjust comes when somebody has taken received
 *    bytes, the application or who reads in its place: tcp_recvmsg_locked(),
 *    tcp_read_sock(), tcp_zerocopy_receive() (net/ipv4/tcp.c). All hold the
 *    socket, as those do who change its callback bits (bpf_sock_ops_cb_flags_set(),
 *    net/core/filter.c). Who takes bytes makes room, and tells the peer of it: so
 *    a segment goes out soon.
 * 2. It comes for each socket of the system, and there is one test for those that
 *    have no mark.
 * 3. The kernel exports the way to a tracepoint, not this one itself.
 */
#include <linux/bpf.h>
#include <linux/tracepoint.h>
#include <net/tcp.h>
#include <trace/events/tcp.h>
#include <toe/signal.h>

#include "light.h"

static struct tracepoint *toe_light_point;

static void toe_light_received(void *unused, struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	if (likely(!toe_cb_light(tp->bpf_sock_ops_cb_flags)) ||
	    tp->bytes_received < TOE_LIGHT_BYTES)
		return;
	sock_owned_by_me(sk);
	tp->bpf_sock_ops_cb_flags |= BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG;
}

static void toe_light_find(struct tracepoint *point, void *unused)
{
	if (!strcmp(point->name, "tcp_rcv_space_adjust"))
		toe_light_point = point;
}

int toe_light_init(void)
{
	check_trace_callback_type_tcp_rcv_space_adjust(toe_light_received);
	for_each_kernel_tracepoint(toe_light_find, NULL);
	if (!toe_light_point)
		return -ENOENT;
	return tracepoint_probe_register(toe_light_point, toe_light_received, NULL);
}

void toe_light_exit(void)
{
	tracepoint_probe_unregister(toe_light_point, toe_light_received, NULL);
	tracepoint_synchronize_unregister();
}
