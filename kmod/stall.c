// SPDX-License-Identifier: GPL-2.0-only
#include <net/tcp.h>

#include "flow.h"
#include "stall.h"

#define TOE_STALL_NS	(10 * NSEC_PER_SEC)

/* In time for what the application has said, if it has */
static u64 toe_stall_limit(const struct sock *sk)
{
	u64 user_ns = (u64)READ_ONCE(inet_csk(sk)->icsk_user_timeout) *
		      NSEC_PER_MSEC;

	return user_ns ? min(user_ns / 2, TOE_STALL_NS) : TOE_STALL_NS;
}

bool toe_stalled(struct toe_flow *flow, const struct sock *sk)
{
	struct toe_stall *stall = &flow->shadow.stall;
	const struct tcp_sock *tp = tcp_sk(sk);
	u64 now = ktime_get_ns();

	if (!tp->packets_out) {
		stall->since_ns = 0;
		return false;
	}
	if (!stall->since_ns || stall->snd_una != tp->snd_una) {
		stall->snd_una = tp->snd_una;
		stall->since_ns = now;
		return false;
	}
	return now - stall->since_ns >= toe_stall_limit(sk);
}

/* tcp_keepalive_timer(): only when nothing is out and nothing waits */
bool toe_keepalive(struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return sock_flag(sk, SOCK_KEEPOPEN) && !tp->packets_out &&
	       tcp_write_queue_empty(sk);
}

void toe_keepalive_repeat(struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);

	sock_owned_by_me(sk);
	if (!icsk->icsk_probes_out)
		return;
	icsk->icsk_probes_out--;
	sk_reset_timer(sk, &icsk->icsk_keepalive_timer, jiffies);
}
