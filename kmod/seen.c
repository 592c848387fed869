// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an engine carried the firewall did not see, so after a change of its rules
 * a flow goes to an engine only when the rules have let it pass: one packet out and
 * one in. The connection itself is the witness.
 *
 * 1. With timestamps the peer echoes our clock (RFC 7323 3.2). An echo of a moment
 *    after the change, and after the flow came home, is that of a packet that left
 *    through OUTPUT, and it came through INPUT. The socket keeps the last echo in
 *    terms of the host's own clock, and what the engine sent lies before the moment
 *    of its return (toe_shadow_adopt()).
 * 2. Without, an acknowledgement of what was sent afterwards says the same; so does
 *    data beyond the window that the peer knew of, which it got to know of since.
 */
#include <net/tcp.h>

#include "compat.h"
#include "seen.h"

static void toe_seen_from(struct toe_seen *seen, const struct sock *sk,
			  u64 from_ns)
{
	seen->from_ns = from_ns;
	seen->snd_nxt = READ_ONCE(tcp_sk(sk)->snd_nxt);
	seen->edge = toe_rcv_edge(tcp_sk(sk));
}

void toe_seen_home(struct toe_seen *seen, const struct sock *sk)
{
	sock_owned_by_me(sk);
	seen->home_ns = ktime_get_ns();
	toe_seen_from(seen, sk, seen->home_ns);
}

/* Is the last echo one of a packet sent in the last @age_ns? What is left of an
 * older one says nothing once the clock has gone round, 71 minutes for one that
 * counts microseconds: something must have arrived in that time, too.
 */
static bool toe_seen_echo(const struct tcp_sock *tp, u64 age_ns)
{
	u32 echo = READ_ONCE(tp->rx_opt.rcv_tsecr);
	u64 tick = tp->tcp_usec_ts ? NSEC_PER_USEC : NSEC_PER_MSEC;
	u32 ticks = tcp_clock_ts(tp->tcp_usec_ts) - echo;

	return echo && (ticks + 1ULL) * tick < age_ns &&
	       jiffies_to_nsecs(keepalive_time_elapsed(tp)) <= age_ns;
}

bool toe_seen(struct toe_seen *seen, u32 generation, u64 changed_ns,
	      const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	u64 from = max(changed_ns, seen->home_ns);

	if (generation == seen->generation)
		return true;
	if (tp->rx_opt.tstamp_ok)
		return toe_seen_echo(tp, ktime_get_ns() - from);
	if (seen->from_ns < from)
		toe_seen_from(seen, sk, from);
	return after(READ_ONCE(tp->snd_una), seen->snd_nxt) ||
	       after(READ_ONCE(tp->rcv_nxt), seen->edge);
}
