// SPDX-License-Identifier: GPL-2.0-only
/* Options, and what the socket says of itself. */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/uio.h>
#include "sockapi.h"

static uint8_t buf[4096];

static void congestion(struct conn *c)
{
	static const char *const names[] = { "reno", "cubic", "nosuch" };
	char name[16] = "";
	socklen_t len = sizeof(name);
	int err;

	getsockopt(c->fd, IPPROTO_TCP, TCP_CONGESTION, name, &len);
	saw("TCP_CONGESTION %s", name);
	for (size_t i = 0; i < 3; i++) {
		err = setsockopt(c->fd, IPPROTO_TCP, TCP_CONGESTION, names[i],
				 strlen(names[i])) ? errno : 0;
		len = sizeof(name);
		getsockopt(c->fd, IPPROTO_TCP, TCP_CONGESTION, name, &len);
		saw("set to %s: %s, is %s", names[i], error_name(err), name);
		order(c, "recv 200000");
		send_all(c, 200000, 0);
		saw("the peer: %s", answered(c));
	}
}

static void info(struct conn *c)
{
	struct tcp_info i = {};
	socklen_t len = sizeof(i);

	order(c, "recv 100000");
	order(c, "send 100000");
	send_all(c, 100000, 0);
	receive_all(c, 100000, 0);
	answered(c);
	wait_acked(c);
	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &i, &len))
		saw("TCP_INFO: %s", error_name(errno));
	saw("state %u options %u wscale %u %u", i.tcpi_state, i.tcpi_options,
	    i.tcpi_snd_wscale, i.tcpi_rcv_wscale);
	saw("snd_mss %u advmss %u pmtu %u", i.tcpi_snd_mss, i.tcpi_advmss, i.tcpi_pmtu);
	saw("unacked %u lost %u retransmits %u notsent %u", i.tcpi_unacked, i.tcpi_lost,
	    i.tcpi_retransmits, i.tcpi_notsent_bytes);
	saw("acked %llu received %llu", (unsigned long long)i.tcpi_bytes_acked,
	    (unsigned long long)i.tcpi_bytes_received);
	saw("an RTT %d, a window %d", i.tcpi_rtt > 0 && i.tcpi_rtt < 1000000,
	    i.tcpi_snd_cwnd > 0);
}

static void maxseg(struct conn *c)
{
	saw("TCP_MAXSEG %d", get(c, IPPROTO_TCP, TCP_MAXSEG));
	set(c, IPPROTO_TCP, TCP_MAXSEG, 1000);
	saw("TCP_MAXSEG %d", get(c, IPPROTO_TCP, TCP_MAXSEG));
	order(c, "recv 100000");
	send_all(c, 100000, 0);
	saw("the peer: %s", answered(c));
}

/* Values that are read back */
static void values(struct conn *c)
{
	static const struct {
		const char *name;
		int level, option, value;
	} options[] = {
		{ "SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ "SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, 4 },
		{ "SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 17 },
		{ "SO_MAX_PACING_RATE", SOL_SOCKET, SO_MAX_PACING_RATE, 50000000 },
		{ "TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 77 },
		{ "TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 7 },
		{ "TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 3 },
		{ "TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 12345 },
		{ "TCP_QUICKACK", IPPROTO_TCP, TCP_QUICKACK, 1 },
		{ "TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, 100000 },
		{ "TCP_WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP, 50000 },
		{ "TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, 9 },
		{ "TCP_THIN_LINEAR_TIMEOUTS", IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 1 },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		set(c, options[i].level, options[i].option, options[i].value);
		saw("%s %d", options[i].name, get(c, options[i].level, options[i].option));
	}
	order(c, "recv 100000");
	order(c, "send 100000");
	send_all(c, 100000, 0);
	receive_all(c, 100000, 0);
	saw("the peer: %s", answered(c));
}

static void socket_error(struct conn *c)
{
	struct pollfd pfd = { .fd = c->fd, .events = POLLIN };
	ssize_t n;

	peer(c, "reset");
	saw("poll: %d", poll(&pfd, 1, 5000));
	saw("events:%s%s%s%s", pfd.revents & POLLIN ? " in" : "",
	    pfd.revents & POLLERR ? " err" : "", pfd.revents & POLLHUP ? " hup" : "",
	    pfd.revents & POLLRDHUP ? " rdhup" : "");
	saw("SO_ERROR: %s", error_name(get(c, SOL_SOCKET, SO_ERROR)));
	saw("SO_ERROR: %s", error_name(get(c, SOL_SOCKET, SO_ERROR)));
	n = recv(c->fd, buf, 1, 0);
	saw("recv: %s", error_name(n < 0 ? errno : 0));
	n = send(c->fd, buf, 1, MSG_NOSIGNAL);
	saw("send: %s", error_name(n < 0 ? errno : 0));
}

static void timestamp(struct conn *c)
{
	char control[256];
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct timeval now, *stamp = NULL;
	struct cmsghdr *cm;
	ssize_t n;

	set(c, SOL_SOCKET, SO_TIMESTAMP, 1);
	/* Natively, too, the first packets may come before the kernel's clock is on. */
	pause_ms(300);
	peer(c, "send 1000");
	wait_inq(c, 1000);
	n = recvmsg(c->fd, &msg, 0);
	check(c, buf, n);
	gettimeofday(&now, NULL);
	for (cm = CMSG_FIRSTHDR(&msg); cm; cm = CMSG_NXTHDR(&msg, cm))
		if (cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_TIMESTAMP)
			stamp = (struct timeval *)CMSG_DATA(cm);
	saw("SO_TIMESTAMP: %d", stamp && now.tv_sec - stamp->tv_sec < 10);
}

const struct api_case option_cases[] = {
	{ "congestion",		congestion },
	{ "info",		info },
	{ "maxseg",		maxseg },
	{ "values",		values },
	{ "socket-error",	socket_error },
	{ "timestamp",		timestamp },
	{},
};
