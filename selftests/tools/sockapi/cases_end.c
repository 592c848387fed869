// SPDX-License-Identifier: GPL-2.0-only
/* How connections end, well or not. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sockapi.h"

static uint8_t buf[70000];

static void half_close(struct conn *c)
{
	shutdown(c->fd, SHUT_WR);
	saw("the peer: %s", peer(c, "recv-eof"));
	order(c, "send 1000000");
	receive_all(c, 1000000, 0);
	answered(c);
	saw("send: %s", error_name(send(c->fd, buf, 1, MSG_NOSIGNAL) < 0 ? errno : 0));
	peer(c, "close");
	saw("recv: %zd", recv(c->fd, buf, 1, 0));
}

static void half_closed(struct conn *c)
{
	peer(c, "send 1000");
	peer(c, "shutdown");
	receive_all(c, 1000, 0);
	saw("recv: %zd", recv(c->fd, buf, 1, 0));
	order(c, "recv 1000000");
	send_all(c, 1000000, 0);
	saw("the peer: %s", answered(c));
}

static void shut_read(struct conn *c)
{
	saw("shutdown: %d", shutdown(c->fd, SHUT_RD));
	saw("recv: %zd", recv(c->fd, buf, 1, 0));
	order(c, "recv 100000");
	send_all(c, 100000, 0);
	saw("the peer: %s", answered(c));
}

static void linger_zero(struct conn *c)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(c->fd);
	c->fd = -1;
	saw("the peer: %s", peer(c, "recv-eof"));
}

/* close() waits until the peer has it. */
static void linger(struct conn *c)
{
	struct linger l = { .l_onoff = 1, .l_linger = 10 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	order(c, "wait 100");
	order(c, "recv-eof");
	send_all(c, 500000, 0);
	saw("close: %s", error_name(close(c->fd) ? errno : 0));
	c->fd = -1;
	saw("the peer: %s", answered(c));
}

/* Data that nobody reads any more is answered with a reset. */
static void unread(struct conn *c)
{
	peer(c, "send 1000");
	wait_inq(c, 1000);
	close(c->fd);
	c->fd = -1;
	saw("the peer: %s", peer(c, "recv-eof"));
}

/* The FIN is there before the reset: so it is EPIPE, not ECONNRESET. */
static void late_data(struct conn *c)
{
	close(c->fd);
	c->fd = -1;
	peer(c, "send 1000");
	peer(c, "wait 500");
	saw("the peer: %s", peer(c, "send 1000"));
}

/* Killed by an administrator */
static void killed(struct conn *c)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	char command[128];
	ssize_t n;

	getsockname(c->fd, (struct sockaddr *)&addr, &len);
	snprintf(command, sizeof(command), "ss -K sport = :%d >/dev/null",
		 ntohs(((struct sockaddr_in *)&addr)->sin_port));
	saw("ss -K: %d", system(command));
	n = recv(c->fd, buf, 1, 0);
	saw("recv: %s", error_name(n < 0 ? errno : 0));
	n = send(c->fd, buf, 1, MSG_NOSIGNAL);
	saw("send: %s", error_name(n < 0 ? errno : 0));
	saw("the peer: %s", peer(c, "recv-eof"));
}

/* The socket's next connection, to the same place. The peer has taken it. */
static void connect_again(struct conn *c, const struct sockaddr *to, socklen_t len)
{
	struct tcp_info info = {};
	socklen_t size = sizeof(info);

	order(c, "accept");
	saw("connect: %s", error_name(connect(c->fd, to, len) ? errno : 0));
	answered(c);
	c->sent = 0;
	c->received = 0;
	getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	saw("SYNs sent again: %u", info.tcpi_total_retrans);
	order(c, "recv 300000");
	order(c, "send 300000");
	send_all(c, 300000, 0);
	receive_all(c, 300000, 0);
	saw("the peer: %s", answered(c));
}

/* A connection ends, and its socket begins another one: later, and at once. */
static void disconnect(struct conn *c)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct sockaddr_storage to;
	socklen_t len = sizeof(to);

	getpeername(c->fd, (struct sockaddr *)&to, &len);
	saw("disconnect: %s", error_name(connect(c->fd, &none, sizeof(none)) ? errno : 0));
	saw("send: %s", error_name(send(c->fd, buf, 1, MSG_NOSIGNAL) < 0 ? errno : 0));
	saw("the peer: %s", peer(c, "recv-eof"));
	connect_again(c, (struct sockaddr *)&to, len);
	for (int i = 0; i < 3; i++) {
		order(c, "send 1000");
		wait_inq(c, 1);
		saw("disconnect: %s",
		    error_name(connect(c->fd, &none, sizeof(none)) ? errno : 0));
		answered(c);
		connect_again(c, (struct sockaddr *)&to, len);
	}
}

/* Is a time what it has to be? With room for what a busy machine adds. */
static bool about(uint64_t ms, uint64_t least, uint64_t most)
{
	return ms >= least && ms <= most;
}

static void user_timeout(struct conn *c)
{
	uint64_t start;
	ssize_t n;

	set(c, IPPROTO_TCP, TCP_USER_TIMEOUT, 2000);
	saw("cut: %s", peer(c, "cut"));
	start = now_ms();
	send_all(c, 10000, 0);
	n = recv(c->fd, buf, 1, 0);
	saw("recv: %s, in time %d", error_name(n < 0 ? errno : 0),
	    about(now_ms() - start, 1900, 8000));
	peer(c, "uncut");
}

static void keepalive(struct conn *c)
{
	uint64_t start;
	ssize_t n;

	set(c, IPPROTO_TCP, TCP_KEEPIDLE, 1);
	set(c, IPPROTO_TCP, TCP_KEEPINTVL, 1);
	set(c, IPPROTO_TCP, TCP_KEEPCNT, 2);
	set(c, SOL_SOCKET, SO_KEEPALIVE, 1);
	/* While the peer is there it holds. */
	pause_ms(2500);
	order(c, "recv 100");
	send_all(c, 100, 0);
	saw("alive: %s", answered(c));
	wait_acked(c);
	saw("cut: %s", peer(c, "cut"));
	start = now_ms();
	n = recv(c->fd, buf, 1, 0);
	saw("recv: %s, in time %d", error_name(n < 0 ? errno : 0),
	    about(now_ms() - start, 1900, 9000));
	peer(c, "uncut");
}

const struct api_case end_cases[] = {
	{ "half-close",		half_close },
	{ "half-closed",	half_closed },
	{ "shut-read",		shut_read },
	{ "linger-zero",	linger_zero },
	{ "linger",		linger },
	{ "unread",		unread },
	{ "late-data",		late_data },
	{ "killed",		killed },
	{ "disconnect",		disconnect },
	{ "user-timeout",	user_timeout },
	{ "keepalive",		keepalive },
	{},
};
