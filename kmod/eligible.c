// SPDX-License-Identifier: GPL-2.0-only
/*
 * May this connection be offloaded, and may it be now?
 */
#include <net/ipv6.h>
#include <net/mptcp.h>
#include <net/tcp.h>

#include "compat.h"
#include "eligible.h"

static bool toe_signed(const struct tcp_sock *tp)
{
#ifdef CONFIG_TCP_MD5SIG
	if (rcu_access_pointer(tp->md5sig_info))
		return true;
#endif
#ifdef CONFIG_TCP_AO
	if (rcu_access_pointer(tp->ao_info))
		return true;
#endif
	return false;
}

/* Those that were taken away leave an empty one behind. */
static bool toe_has_ip_options(const struct inet_sock *inet)
{
	const struct ip_options_rcu *opt;
	bool any;

	rcu_read_lock();
	opt = rcu_dereference(inet->inet_opt);
	any = opt && opt->opt.optlen;
	rcu_read_unlock();
	return any;
}

static bool toe_has_options(const struct sock *sk)
{
	const struct inet_sock *inet = inet_sk(sk);

	if (rcu_access_pointer(inet->inet_opt) && toe_has_ip_options(inet))
		return true;
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6 && inet->pinet6 &&
	    (rcu_access_pointer(inet->pinet6->opt) ||
	     inet->pinet6->rxopt.all))
		return true;
#endif
	return false;
}

static bool toe_has_devmem(const struct sock *sk)
{
	const struct sk_buff *skb = tcp_rtx_queue_head(sk);

	if (skb && !skb_frags_readable(skb))
		return true;
	skb = tcp_send_head(sk);
	return skb && !skb_frags_readable(skb);
}

/* What an engine receives comes by neither the filter nor a clock. */
static bool toe_wants_timestamps(const struct sock *sk)
{
	return sock_flag(sk, SOCK_RCVTSTAMP) ||
	       (READ_ONCE(sk->sk_tsflags) & SOF_TIMESTAMPING_MASK);
}

enum toe_reason toe_unfit(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (toe_signed(tp))
		return TOE_REASON_MD5;
	if (tp->repair)
		return TOE_REASON_REPAIR;
	if (inet_csk(sk)->icsk_ulp_ops)
		return TOE_REASON_ULP;
	if (rcu_access_pointer(sk->sk_filter))
		return TOE_REASON_FILTER;
	if (toe_wants_timestamps(sk))
		return TOE_REASON_TIMESTAMPING;
	if (toe_has_options(sk))
		return TOE_REASON_OPTIONS;
	return TOE_REASON_NONE;
}

enum toe_reason toe_eligible(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	enum toe_reason reason;

	sock_owned_by_me(sk);
	if (sk->sk_state != TCP_ESTABLISHED || sk->sk_shutdown)
		return TOE_REASON_STATE;
	if (sk_is_mptcp(sk))
		return TOE_REASON_MPTCP;
	reason = toe_unfit(sk);
	if (reason)
		return reason;
	if (rcu_access_pointer(tp->fastopen_rsk) || tp->syn_data)
		return TOE_REASON_FASTOPEN;
	if (toe_ecn_accurate(tp))
		return TOE_REASON_OPTIONS;
	if (toe_has_devmem(sk))
		return TOE_REASON_DEVMEM;
	return TOE_REASON_NONE;
}

/* tcp_urg_mode() of net/ipv4/tcp_output.c, or urgent data not read yet */
static bool toe_urgent(const struct tcp_sock *tp)
{
	return tp->urg_data || tp->snd_una != tp->snd_up;
}

/* Does the peer let us wait? Somebody who moves would start that timer anew:
 * delivered_mstamp is when the stack did (net/ipv4/tcp_rate.c).
 */
static bool toe_overdue(const struct sock *sk)
{
	const struct inet_connection_sock *icsk = inet_csk(sk);
	const struct tcp_sock *tp = tcp_sk(sk);

	if (icsk->icsk_probes_out)
		return true;
	return tp->packets_out &&
	       tcp_stamp_us_delta(tcp_clock_us(), tp->delivered_mstamp) >
	       jiffies_to_usecs(icsk->icsk_rto) / 2;
}

enum toe_reason toe_calm(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	if (toe_urgent(tp))
		return TOE_REASON_URGENT;
	if (toe_overdue(sk))
		return TOE_REASON_NOT_CALM;
	if (inet_csk(sk)->icsk_ca_state == TCP_CA_Open &&
	    inet_csk(sk)->icsk_ca_initialized &&
	    !inet_csk(sk)->icsk_backoff &&
	    !tp->sacked_out && !tp->lost_out && !tp->retrans_out &&
	    RB_EMPTY_ROOT(&tp->out_of_order_queue) &&
	    !inet_csk(sk)->icsk_mtup.probe_size)
		return TOE_REASON_NONE;
	return TOE_REASON_NOT_CALM;
}
