// SPDX-License-Identifier: GPL-2.0-only
/*
 * The congestion control of a shadow socket. The engine's TCP decides how fast
 * the wire goes; the shadow must never hold data back nor think it lost.
 *
 * Notes:
 * 1. It is not registered. icsk_ca_ops may point to any structure, and what is
 *    not registered cannot be chosen by hand for a socket that is no shadow.
 * 2. .owner stays NULL, so a shadow does not pin the module: rmmod returns the
 *    flows instead of failing.
 * 3. The old congestion control's private area is kept in the flow and its
 *    module reference stays with the socket. .release runs when the stack takes
 *    ours off (the connection has ended, or TCP_CONGESTION): it puts the old one
 *    back and lets it do its own release, so the caller drops the right reference.
 * 4. pkts_acked runs after the stack computed the round-trip time and icsk_rto
 *    from the coalesced acknowledgements, and before the timer is armed with it
 *    (tcp_ack(), net/ipv4/tcp_input.c).
 * 5. A tail loss probe would count as a retransmission and go nowhere. There is
 *    at most one at a time: the stack believes that one is under way, of bytes
 *    far ahead (tcp_send_loss_probe(), net/ipv4/tcp_output.c). From PREPARE on,
 *    too, when the socket is native: the engine holds the acknowledgement that a
 *    probe would ask for, so the peer would get for the second time what it has.
 * 6. It goes by the name of the one whose place it takes: TCP_CONGESTION and ss(8)
 *    show what the application has chosen, which is also what the engine was asked
 *    to use. So there is a structure for each name that was met; they are never
 *    changed again.
 */
#include <net/tcp.h>

#include "cc.h"
#include "flow.h"
#include "info.h"
#include "shadow.h"

/* Segments; times the largest MSS it still fits an int in tcp_sndbuf_expand() */
#define TOE_CWND	BIT(14)
#define TOE_RTO		TCP_RTO_MAX

struct toe_ca {
	struct toe_flow *flow;
};

static void toe_ca_probed(struct tcp_sock *tp)
{
	tp->tlp_high_seq = (tp->snd_nxt + SZ_1G) ?: 1;
	tp->tlp_retrans = 0;
}

static void toe_ca_never_lost(struct sock *sk)
{
	inet_csk(sk)->icsk_rto = TOE_RTO;
	toe_ca_probed(tcp_sk(sk));
}

/* What the application holds back (TCP_CORK, MSG_MORE) goes out after one RTO, and
 * a window that is shut is probed then (tcp_check_probe_timer()).
 */
static void toe_ca_nothing_out(struct sock *sk)
{
	inet_csk(sk)->icsk_rto = min_t(u32, __tcp_set_rto(tcp_sk(sk)), TOE_RTO);
}

static u32 toe_ca_ssthresh(struct sock *sk)
{
	return TCP_INFINITE_SSTHRESH;
}

static u32 toe_ca_undo_cwnd(struct sock *sk)
{
	return TOE_CWND;
}

static void toe_ca_cong_control(struct sock *sk, u32 ack, int flag,
				const struct rate_sample *rs)
{
	tcp_snd_cwnd_set(tcp_sk(sk), max_t(u32, TOE_CWND,
					   2 * tcp_sk(sk)->packets_out));
	WRITE_ONCE(sk->sk_pacing_rate, ~0UL);
}

static void toe_ca_pkts_acked(struct sock *sk, const struct ack_sample *sample)
{
	const struct toe_flow *flow = toe_cc_flow(sk);

	toe_info_rtt(sk, READ_ONCE(flow->srtt_us),
		     flow->shadow.booked.rttvar_us);
	if (tcp_sk(sk)->packets_out)
		toe_ca_never_lost(sk);
	else
		toe_ca_nothing_out(sk);
}

static void toe_ca_put_back(struct toe_flow *flow, struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);

	memcpy(icsk->icsk_ca_priv, flow->shadow.ca_priv, ICSK_CA_PRIV_SIZE);
	WRITE_ONCE(icsk->icsk_ca_ops, flow->shadow.ca_ops);
}

static void toe_ca_release(struct sock *sk)
{
	struct toe_flow *flow = toe_cc_flow(sk);

	toe_ca_put_back(flow, sk);
	if (flow->shadow.ca_ops->release)
		flow->shadow.ca_ops->release(sk);
	if (sk->sk_state == TCP_CLOSE)
		toe_shadow_abandon(flow, sk);
	toe_flow_kick(flow, TOE_REASON_CONGESTION);
}

#define TOE_CA_NAMES	32	/* the kernel has half as many */

static const struct tcp_congestion_ops toe_ca_template = {
	/* for one name too many */
	.name		= "toe",
	.ssthresh	= toe_ca_ssthresh,
	.undo_cwnd	= toe_ca_undo_cwnd,
	.cong_control	= toe_ca_cong_control,
	.pkts_acked	= toe_ca_pkts_acked,
	.release	= toe_ca_release,
};

static DEFINE_SPINLOCK(toe_ca_lock);	/* of which elements have a name */
static struct tcp_congestion_ops toe_ca_ops[TOE_CA_NAMES];

static const struct tcp_congestion_ops *toe_ca_named(const char *name)
{
	const struct tcp_congestion_ops *found = &toe_ca_template;
	struct tcp_congestion_ops *ops;

	spin_lock_bh(&toe_ca_lock);
	for (ops = toe_ca_ops; ops < toe_ca_ops + TOE_CA_NAMES; ops++) {
		if (!ops->name[0]) {
			*ops = toe_ca_template;
			strscpy_pad(ops->name, name, sizeof(ops->name));
		}
		if (!strcmp(ops->name, name)) {
			found = ops;
			break;
		}
	}
	spin_unlock_bh(&toe_ca_lock);
	return found;
}

struct toe_flow *toe_cc_flow(const struct sock *sk)
{
	const struct inet_connection_sock *icsk = inet_csk(sk);

	if (icsk->icsk_ca_ops->release != toe_ca_release)
		return NULL;
	return ((const struct toe_ca *)icsk->icsk_ca_priv)->flow;
}

/* Before the stack arms the timer for it, tcp_event_new_data_sent() */
void toe_cc_sent(struct sock *sk)
{
	toe_ca_never_lost(sk);
}

/* What comes of a probe that is under way is the stack's own. */
void toe_cc_mute(struct sock *sk)
{
	sock_owned_by_me(sk);
	if (!tcp_sk(sk)->tlp_high_seq)
		toe_ca_probed(tcp_sk(sk));
}

/* A probe of the stack's own is never of bytes ahead. */
void toe_cc_unmute(struct sock *sk)
{
	struct tcp_sock *tp = tcp_sk(sk);

	sock_owned_by_me(sk);
	if (after(tp->tlp_high_seq, tp->snd_nxt))
		tp->tlp_high_seq = 0;
}

void toe_cc_install(struct toe_flow *flow, struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	struct toe_ca *ca = (struct toe_ca *)icsk->icsk_ca_priv;

	flow->shadow.ca_ops = icsk->icsk_ca_ops;
	memcpy(flow->shadow.ca_priv, icsk->icsk_ca_priv, ICSK_CA_PRIV_SIZE);
	ca->flow = flow;
	WRITE_ONCE(icsk->icsk_ca_ops,
		   toe_ca_named(flow->shadow.ca_ops->name));
	if (tcp_sk(sk)->packets_out)
		toe_ca_never_lost(sk);
	toe_ca_cong_control(sk, 0, 0, NULL);
}

void toe_cc_remove(struct toe_flow *flow, struct sock *sk)
{
	tcp_sk(sk)->tlp_high_seq = 0;
	if (toe_cc_flow(sk) == flow)
		toe_ca_put_back(flow, sk);
}
