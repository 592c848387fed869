// SPDX-License-Identifier: GPL-2.0-only
/*
 * TCP_REPAIR, with the order of steps that turned out to matter.
 *
 * 1. SO_REUSEADDR is never set: it would take the place of the forced reuse
 *    that repair mode grants, and a second flow of the same local port fails.
 *
 * 2. TCP_MAXSEG before connect(): the connect computes mss_cache from it. The
 *    MSS in TCP_REPAIR_OPTIONS comes too late for that and would leave 536.
 *
 * 3. The window is set after the queues, the timestamp last: it must not be
 *    older than what the host sent, and time passes meanwhile. Bit 0 of the
 *    value says whether the clock ticks microseconds, so steps are even.
 *
 * 4. TCP_REPAIR_OFF would send a window probe that the peer discards, while our
 *    stack believes it advertised the window: OFF_NO_WP.
 *
 * 5. Freezing selects the send queue at once: in repair mode without it, the
 *    pacing timer and retransmissions keep sending.
 *
 * 6. Without an RTT sample the retransmission timeout is 3 s. Where the kernel
 *    lets us (6.15), 1 s until there is one.
 *
 * 7. A peer whose window towards the host is nearly closed waits for an update
 *    that the card's stack sees no reason to send: its buffer is empty and
 *    nothing is read from it. So one byte that the host has had already stands
 *    in the receive queue at restore; reading it makes the stack advertise.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "repair.h"

#define RCVBUF_MIN	(256u << 10)
#define RCVBUF_MAX	(6u << 20)	/* more means long freezes */
#define SNDBUF_MIN	(8u << 20)
#define SNDBUF_MAX	(256u << 20)

#define MSS_MIN		88		/* TCP_MIN_MSS of the kernel */

/* The clocks of host and card are not one: a step that covers it */
#define TS_STEP_US	2000

/* Newer than the headers of some */
#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS	44
#endif
#define RTO_FIRST_MS	1000
#define RTO_USUAL_MS	120000

#define OPT_MSS		2
#define OPT_WINDOW	3
#define OPT_SACK_PERM	4
#define OPT_TIMESTAMP	8

static int set_int(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		return -errno;
	return 0;
}

static int tcp_set(int fd, int name, int value)
{
	return set_int(fd, IPPROTO_TCP, name, value);
}

static int fail(const char *what, int err)
{
	log_warn("repair: %s: %s", what, strerror(-err));
	return err;
}

/* @scope: the interface that link-local addresses are of */
static socklen_t address(struct sockaddr_storage *ss, uint16_t family,
			 const __be32 *addr, __be16 port, unsigned int scope)
{
	struct sockaddr_in6 *sin6 = (void *)ss;
	struct sockaddr_in *sin = (void *)ss;

	memset(ss, 0, sizeof(*ss));
	ss->ss_family = family;
	if (family == AF_INET) {
		sin->sin_addr.s_addr = addr[0];
		sin->sin_port = port;
		return sizeof(*sin);
	}
	memcpy(&sin6->sin6_addr, addr, 16);
	sin6->sin6_port = port;
	if (IN6_IS_ADDR_LINKLOCAL(&sin6->sin6_addr))
		sin6->sin6_scope_id = scope;
	return sizeof(*sin6);
}

/* Bytes the peer may still send by what was promised to it */
static uint32_t promised(const struct toe_state *st)
{
	return st->rcv_wup + st->rcv_wnd - st->rcv_nxt;
}

/* The host's window is so small that the peer may be waiting for it. */
static bool small_window(const struct toe_state *st)
{
	uint32_t full = st->rcvbuf < RCVBUF_MAX ? st->rcvbuf : RCVBUF_MAX;

	return promised(st) < full / 4;
}

/* What the peer takes, and what the path is known to let through: the card would
 * have to learn that anew, by losing segments.
 */
static uint32_t largest_segment(const struct toe_state *st)
{
	uint32_t headers = st->tuple.family == AF_INET ? 20 + 20 : 40 + 20;
	uint32_t mss = st->mss_clamp;

	if (st->pmtu >= headers + MSS_MIN && st->pmtu - headers < mss)
		mss = st->pmtu - headers;
	return mss;
}

static int set_options(int fd, const struct toe_state *st)
{
	struct tcp_repair_opt opt[4];
	unsigned int n = 0;

	opt[n].opt_code = OPT_MSS;
	opt[n++].opt_val = largest_segment(st);
	/* The connect() has chosen a scale. Without one agreed it is 0. */
	opt[n].opt_code = OPT_WINDOW;
	opt[n].opt_val = 0;
	if (st->options & TOE_OPT_WSCALE)
		opt[n].opt_val = st->snd_wscale |
				 (uint32_t)st->rcv_wscale << 16;
	n++;
	if (st->options & TOE_OPT_SACK) {
		opt[n].opt_code = OPT_SACK_PERM;
		opt[n++].opt_val = 0;
	}
	if (st->options & TOE_OPT_TIMESTAMPS) {
		opt[n].opt_code = OPT_TIMESTAMP;
		opt[n++].opt_val = 0;
	}
	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_OPTIONS, opt,
		       n * sizeof(opt[0])))
		return -errno;
	return 0;
}

/* Buffers: to send, whatever the peer's window lets the host hand over; to
 * receive, what was promised, and from there on the stack's own tuning.
 */
static int set_buffers(int fd, const struct toe_state *st)
{
	uint32_t snd = SNDBUF_MIN, rcv = st->rcvbuf, need;
	int err;

	if (st->max_window > snd / 4)
		snd = st->max_window < SNDBUF_MAX / 4 ? st->max_window * 4 :
							SNDBUF_MAX;
	if (rcv > RCVBUF_MAX)
		rcv = RCVBUF_MAX;
	/* A frame of 1500 bytes that was not merged keeps a page and more busy. */
	need = promised(st) * 4 + RCVBUF_MIN;
	if (rcv < need)
		rcv = need;
	/* the kernel doubles both */
	err = set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, (int)(snd / 2));
	if (!err)
		err = set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, (int)(rcv / 2));
	if (!err)
		err = set_int(fd, SOL_SOCKET, SO_BUF_LOCK, SOCK_SNDBUF_LOCK);
	return err;
}

static int set_header(int fd, const struct toe_state *st)
{
	int err;

	if (st->tuple.family == AF_INET6) {
		err = set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, st->tos);
		if (!err && st->ttl)
			err = set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS,
				      st->ttl);
		return err;
	}
	err = set_int(fd, IPPROTO_IP, IP_TOS, st->tos);
	if (!err && st->ttl)
		err = set_int(fd, IPPROTO_IP, IP_TTL, st->ttl);
	return err;
}

static int set_congestion(int fd, const struct toe_state *st)
{
	size_t len = strnlen(st->ca_name, sizeof(st->ca_name));

	/* What this kernel doesn't have is replaced by its default */
	if (len && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, st->ca_name,
			      (socklen_t)len))
		log_debug("repair: congestion control %.*s: %s", (int)len,
			  st->ca_name, strerror(errno));
	return 0;
}

static int set_sequences(int fd, const struct toe_state *st)
{
	uint32_t rcv = st->rcv_nxt - small_window(st);
	int err;

	err = tcp_set(fd, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
	if (!err)
		err = tcp_set(fd, TCP_QUEUE_SEQ, (int)st->snd_una);
	if (!err)
		err = tcp_set(fd, TCP_REPAIR_QUEUE, TCP_RECV_QUEUE);
	if (!err)
		err = tcp_set(fd, TCP_QUEUE_SEQ, (int)rcv);
	return err;
}

/* Up to the connect(), which in repair mode sends nothing. A link-local address has
 * bound the socket to the wire port, and held frames would not find it: they come in
 * by the tap.
 */
static int set_identity(int fd, const struct toe_state *st, unsigned int wire)
{
	const struct toe_tuple *t = &st->tuple;
	uint32_t maxseg = largest_segment(st);
	struct sockaddr_storage ss;
	socklen_t len;
	int err;

	if (maxseg > 32767)
		maxseg = 32767;
	err = tcp_set(fd, TCP_MAXSEG, (int)maxseg);
	if (err)
		return fail("TCP_MAXSEG", err);
	err = tcp_set(fd, TCP_NODELAY, 1);
	if (!err)
		err = set_header(fd, st);
	if (err)
		return fail("header fields", err);
	len = address(&ss, t->family, t->local_addr, t->local_port, wire);
	if (bind(fd, (struct sockaddr *)&ss, len))
		return fail("bind", -errno);
	len = address(&ss, t->family, t->remote_addr, t->remote_port, wire);
	if (connect(fd, (struct sockaddr *)&ss, len))
		return fail("connect", -errno);
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0))
		return fail("SO_BINDTODEVICE", -errno);
	return 0;
}

int repair_open(const struct toe_state *st, unsigned int wire)
{
	int fd, err;

	fd = socket(st->tuple.family, SOCK_STREAM | SOCK_CLOEXEC |
		    SOCK_NONBLOCK, IPPROTO_TCP);
	if (fd < 0)
		return fail("socket", -errno);
	err = tcp_set(fd, TCP_REPAIR, TCP_REPAIR_ON);
	if (err) {
		close(fd);
		return fail("TCP_REPAIR", err);
	}
	err = set_congestion(fd, st);
	if (!err)
		err = set_sequences(fd, st);
	if (!err)
		err = set_identity(fd, st, wire);
	if (!err)
		err = set_options(fd, st);
	if (!err)
		err = set_buffers(fd, st);
	if (!err && small_window(st)) {
		err = tcp_set(fd, TCP_REPAIR_QUEUE, TCP_RECV_QUEUE);
		if (!err && send(fd, "", 1, MSG_NOSIGNAL) != 1)
			err = -errno;
	}
	if (!err)
		err = tcp_set(fd, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
	if (err) {
		repair_close(fd);
		return fail("restore", err);
	}
	return fd;
}

int repair_sent(int fd, const struct iovec *iov, int niov)
{
	struct msghdr msg = {
		.msg_iov = (struct iovec *)iov,
		.msg_iovlen = (size_t)niov,
	};
	uint32_t mem[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(mem);
	size_t want = 0;
	ssize_t n;
	int i;

	for (i = 0; i < niov; i++)
		want += iov[i].iov_len;
	n = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return fail("sent bytes", -errno);
	/* the buffer is larger than the peer's window ever was */
	if ((size_t)n != want) {
		getsockopt(fd, SOL_SOCKET, SO_MEMINFO, mem, &len);
		log_warn("repair: %zd of %zu sent bytes taken, %u bytes of memory used of %u",
			 n, want, mem[SK_MEMINFO_WMEM_QUEUED], mem[SK_MEMINFO_SNDBUF]);
		return fail("sent bytes", -ENOBUFS);
	}
	return 0;
}

static int set_window(int fd, const struct toe_state *st, uint32_t rcv_edge)
{
	struct tcp_repair_window w = {
		.snd_wl1 = st->snd_wl1,
		.snd_wnd = st->snd_wnd,
		.max_window = st->max_window,
		.rcv_wup = st->rcv_wup,
	};

	/* the kernel takes no later ones than these */
	if ((int32_t)(w.snd_wl1 - st->rcv_nxt) > 0)
		w.snd_wl1 = st->rcv_nxt;
	if ((int32_t)(w.rcv_wup - st->rcv_nxt) > 0)
		w.rcv_wup = st->rcv_nxt;
	w.rcv_wnd = rcv_edge - w.rcv_wup;
	if (w.max_window < w.snd_wnd)
		w.max_window = w.snd_wnd;
	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &w, sizeof(w)))
		return -errno;
	return 0;
}

/* A fresh socket advertises 64 KiB at most until it has seen some traffic, one
 * whose window was nearly closed even less. Raising the window clamp makes the
 * current window the measure: so for that moment the window is what the
 * receive buffer is good for.
 */
static int set_windows(int fd, const struct toe_state *st)
{
	uint32_t edge = st->rcv_wup + st->rcv_wnd, good;
	int clamp = 65535 << st->rcv_wscale;
	socklen_t len = sizeof(int);
	int rcvbuf, err;

	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, &len))
		return -errno;
	good = st->rcv_nxt + (uint32_t)rcvbuf / 2;
	if ((int32_t)(good - edge) < 0)
		good = edge;
	err = set_window(fd, st, good);
	if (!err)
		err = tcp_set(fd, TCP_WINDOW_CLAMP, clamp - 1);
	if (!err)
		err = tcp_set(fd, TCP_WINDOW_CLAMP, clamp);
	return err ? err : set_window(fd, st, edge);
}

static int set_timestamp(int fd, const struct toe_state *st,
			 uint64_t elapsed_us)
{
	uint32_t ts;

	if (!(st->options & TOE_OPT_TIMESTAMPS))
		return 0;
	elapsed_us += TS_STEP_US;
	if (st->options & TOE_OPT_TS_USEC)
		ts = (st->tsval + (uint32_t)elapsed_us) | 1;
	else
		ts = (st->tsval + (uint32_t)(elapsed_us / 1000) + 1) & ~1u;
	return tcp_set(fd, TCP_TIMESTAMP, (int)ts);
}

int repair_start(int fd, const struct toe_state *st, uint64_t elapsed_us)
{
	int err;

	err = set_windows(fd, st);
	if (err)
		return fail("windows", err);
	tcp_set(fd, TCP_RTO_MAX_MS, RTO_FIRST_MS);
	err = set_timestamp(fd, st, elapsed_us);
	if (err)
		return fail("TCP_TIMESTAMP", err);
	err = tcp_set(fd, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP);
	if (err)
		return fail("TCP_REPAIR_OFF", err);
	return 0;
}

void repair_advertise(int fd, const struct toe_state *st)
{
	char byte;

	if (small_window(st) &&
	    recv(fd, &byte, 1, MSG_DONTWAIT) != 1)
		log_warn("repair: the byte to advertise with is gone");
}

int repair_info(int fd, struct repair_info *info)
{
	struct tcp_info ti;
	socklen_t len = sizeof(ti);

	memset(&ti, 0, sizeof(ti));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len))
		return -errno;
	info->acked = (uint32_t)ti.tcpi_bytes_acked;
	info->snd_wnd = ti.tcpi_snd_wnd;
	info->srtt_us = ti.tcpi_rtt;
	info->silent_us = ti.tcpi_last_ack_recv * 1000;
	info->recovering = ti.tcpi_ca_state == TCP_CA_Recovery;
	info->behind_gaps = ti.tcpi_rcv_ooopack;
	info->counts = (struct repair_counts) {
		.rttvar_us = ti.tcpi_rttvar,
		.segs_out = ti.tcpi_segs_out,
		.segs_in = ti.tcpi_segs_in,
		.data_segs_in = ti.tcpi_data_segs_in,
		.retrans = ti.tcpi_total_retrans,
		.retrans_bytes = (uint32_t)ti.tcpi_bytes_retrans,
		/* since 6.7; an older kernel leaves it zero */
		.timeouts = ti.tcpi_total_rto,
		.unanswered = ti.tcpi_retransmits,
	};
	return 0;
}

void repair_measured(int fd)
{
	tcp_set(fd, TCP_RTO_MAX_MS, RTO_USUAL_MS);
}

void repair_probe(int fd)
{
	tcp_set(fd, TCP_REPAIR, TCP_REPAIR_OFF);
}

bool repair_calm(int fd)
{
	uint32_t mem[SK_MEMINFO_VARS];
	socklen_t len = sizeof(mem);

	return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, mem, &len) ||
	       !mem[SK_MEMINFO_RMEM_ALLOC];
}

int repair_deafen(int fd)
{
	struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { .len = 1, .filter = &none };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)))
		return -errno;
	return 0;
}

int repair_freeze(int fd, uint32_t *rcv_nxt)
{
	socklen_t len = sizeof(*rcv_nxt);
	int err;

	/* An acknowledgement that is put off is sent now: whoever goes on
	 * does not know of it.
	 */
	tcp_set(fd, TCP_QUICKACK, 1);
	err = tcp_set(fd, TCP_REPAIR, TCP_REPAIR_ON);
	if (!err)
		err = tcp_set(fd, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
	if (err)
		return fail("freeze", err);
	err = tcp_set(fd, TCP_REPAIR_QUEUE, TCP_RECV_QUEUE);
	if (!err && getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, rcv_nxt, &len))
		err = -errno;
	if (!err)
		err = tcp_set(fd, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
	return err ? fail("freeze", err) : 0;
}

void repair_thaw(int fd)
{
	tcp_set(fd, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP);
}

int repair_dump(int fd, struct toe_state *st)
{
	struct tcp_repair_window w;
	struct tcp_info ti;
	socklen_t len = sizeof(ti);
	uint32_t ts;

	memset(&ti, 0, sizeof(ti));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len))
		return fail("TCP_INFO", -errno);
	st->snd_una += (uint32_t)ti.tcpi_bytes_acked;
	st->snd_cwnd = ti.tcpi_snd_cwnd;
	st->snd_ssthresh = ti.tcpi_snd_ssthresh;
	if (ti.tcpi_rtt) {
		st->srtt_us = ti.tcpi_rtt;
		st->rttvar_us = ti.tcpi_rttvar;
	}
	st->mss_cache = ti.tcpi_snd_mss;
	if (ti.tcpi_rcv_mss)
		st->rcv_mss = ti.tcpi_rcv_mss;
	if (ti.tcpi_pmtu)
		st->pmtu = ti.tcpi_pmtu;
	st->retrans = ti.tcpi_total_retrans;

	len = sizeof(w);
	if (getsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &w, &len))
		return fail("TCP_REPAIR_WINDOW", -errno);
	st->snd_wnd = w.snd_wnd;
	st->snd_wl1 = w.snd_wl1;
	st->max_window = w.max_window;
	st->rcv_wup = w.rcv_wup;
	st->rcv_wnd = w.rcv_wnd;

	/* Rounded down to what repair mode can say; one tick more is enough */
	if (st->options & TOE_OPT_TIMESTAMPS) {
		len = sizeof(ts);
		if (getsockopt(fd, IPPROTO_TCP, TCP_TIMESTAMP, &ts, &len))
			return fail("TCP_TIMESTAMP", -errno);
		st->tsval = (ts & ~1u) + 2;
	}
	return 0;
}

void repair_close(int fd)
{
	/* In repair mode close() drops the socket without a word. */
	tcp_set(fd, TCP_REPAIR, TCP_REPAIR_ON);
	tcp_set(fd, TCP_REPAIR_QUEUE, TCP_SEND_QUEUE);
	close(fd);
}
