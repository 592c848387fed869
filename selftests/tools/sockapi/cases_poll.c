// SPDX-License-Identifier: GPL-2.0-only
/* Waiting: poll, epoll, low-water marks, threads, processes. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sockapi.h"

static void low_water(struct conn *c)
{
	struct pollfd pfd = { .fd = c->fd, .events = POLLIN };

	set(c, SOL_SOCKET, SO_RCVLOWAT, 10000);
	peer(c, "send 5000");
	wait_inq(c, 5000);
	saw("5000 of 10000: poll %d", poll(&pfd, 1, 100));
	peer(c, "send 5000");
	saw("10000: poll %d", poll(&pfd, 1, 5000));
	receive_all(c, 10000, 0);
	set(c, SOL_SOCKET, SO_RCVLOWAT, 1);
	saw("0 of 1: poll %d", poll(&pfd, 1, 50));
	peer(c, "send 1");
	saw("1: poll %d", poll(&pfd, 1, 5000));
	receive_all(c, 1, 0);
}

static const char *next_edge(int ep, int ms)
{
	static char text[64];
	struct epoll_event e;

	text[0] = 0;
	if (epoll_wait(ep, &e, 1, ms) == 1)
		snprintf(text, sizeof(text), "%s%s%s%s%s", e.events & EPOLLIN ? " in" : "",
			 e.events & EPOLLOUT ? " out" : "",
			 e.events & EPOLLRDHUP ? " rdhup" : "",
			 e.events & EPOLLHUP ? " hup" : "", e.events & EPOLLERR ? " err" : "");
	else
		strcpy(text, " none");
	return text;
}

static void edges(struct conn *c)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
	saw("nothing:%s", next_edge(ep, 50));
	peer(c, "send 1000");
	saw("data:%s", next_edge(ep, 5000));
	saw("the same data:%s", next_edge(ep, 50));
	receive_all(c, 400, 0);
	saw("some of it read:%s", next_edge(ep, 50));
	peer(c, "send 1000");
	saw("more data:%s", next_edge(ep, 5000));
	receive_all(c, 1600, 0);
	peer(c, "shutdown");
	saw("the end:%s", next_edge(ep, 5000));
	saw("the same end:%s", next_edge(ep, 50));
	close(ep);
}

static void writable_edge(struct conn *c)
{
	struct epoll_event e = { .events = EPOLLOUT | EPOLLET };
	int ep = epoll_create1(EPOLL_CLOEXEC), err;

	epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
	saw("at first:%s", next_edge(ep, 1000));
	saw("again:%s", next_edge(ep, 50));
	/* The buffer grows for a while. Who does not fill it again gets no edge. */
	do
		err = send_until_full(c, MSG_DONTWAIT);
	while (strcmp(next_edge(ep, 200), " none"));
	saw("full: %s", error_name(err));
	order_all(c);
	saw("room:%s", next_edge(ep, 5000));
	saw_all(c);
	close(ep);
}

struct one_way {
	struct conn *c;
	size_t len;
};

static void *send_thread(void *arg)
{
	struct one_way *w = arg;

	send_all(w->c, w->len, 0);
	return NULL;
}

static void threads(struct conn *c)
{
	struct one_way w = { .c = c, .len = 3000000 };
	pthread_t thread;

	order(c, "pieces 3000 1000 0");
	order(c, "recv 3000000");
	pthread_create(&thread, NULL, send_thread, &w);
	receive_all(c, 3000000, 0);
	saw("the peer: %s", answered(c));
	pthread_join(thread, NULL);
}

/* Two readers share a stream: what both have got is all of it. */
static void *count_thread(void *arg)
{
	static __thread uint8_t mine[5000];
	struct conn *c = arg;
	size_t got = 0;
	ssize_t n;

	while ((n = recv(c->fd, mine, sizeof(mine), 0)) > 0)
		got += n;
	return (void *)got;
}

static void readers(struct conn *c)
{
	pthread_t thread[3];
	void *got;
	size_t all = 0;
	int i;

	for (i = 0; i < 3; i++)
		pthread_create(&thread[i], NULL, count_thread, c);
	peer(c, "send 2000000");
	peer(c, "shutdown");
	for (i = 0; i < 3; i++) {
		pthread_join(thread[i], &got);
		all += (size_t)got;
	}
	saw("three readers: %zu", all);
}

static void *blocked_thread(void *arg)
{
	struct conn *c = arg;
	uint8_t byte;
	ssize_t n = recv(c->fd, &byte, 1, 0);

	return (void *)(intptr_t)(n < 0 ? errno : n);
}

static void shut_in_thread(struct conn *c)
{
	pthread_t thread;
	void *result;

	pthread_create(&thread, NULL, blocked_thread, c);
	pause_ms(100);
	saw("shutdown: %d", shutdown(c->fd, SHUT_RDWR));
	pthread_join(thread, &result);
	saw("the reader: %d", (int)(intptr_t)result);
	saw("the peer: %s", peer(c, "recv-eof"));
}

/* The reader keeps the socket; it gets its byte. */
static void close_in_thread(struct conn *c)
{
	pthread_t thread;
	void *result;
	int fd = c->fd;

	pthread_create(&thread, NULL, blocked_thread, c);
	pause_ms(100);
	close(fd);
	c->fd = -1;
	peer(c, "send 1");
	pthread_join(thread, &result);
	saw("the reader: %d", (int)(intptr_t)result);
	saw("the peer: %s", peer(c, "recv-eof"));
}

static void processes(struct conn *c)
{
	pid_t child;
	int status;

	order(c, "send 2000000");
	order(c, "recv 2000000");
	child = fork();
	if (!child) {
		send_all(c, 2000000, 0);
		_exit(0);
	}
	receive_all(c, 1000000, 0);
	waitpid(child, &status, 0);
	c->sent += 2000000;
	receive_all(c, 1000000, 0);
	saw("the child: %d, the peer: %s", status, answered(c));
}

/* Through a UNIX socket, to a process that has nothing else of the connection */
static int pass(int via, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	return sendmsg(via, &msg, 0);
}

static int passed(int via)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(via, &msg, 0) == 1)
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

static void passing(struct conn *c)
{
	int pair[2], status;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		die("socketpair: %s", strerror(errno));
	order(c, "recv 500000");
	child = fork();
	if (!child) {
		close(c->fd);
		c->fd = passed(pair[1]);
		send_all(c, 500000, 0);
		_exit(0);
	}
	pass(pair[0], c->fd);
	close(c->fd);
	c->fd = -1;
	saw("the peer: %s", answered(c));
	waitpid(child, &status, 0);
	saw("then: %s", peer(c, "recv-eof"));
	close(pair[0]);
	close(pair[1]);
}

const struct api_case poll_cases[] = {
	{ "low-water",		low_water },
	{ "edges",		edges },
	{ "writable-edge",	writable_edge },
	{ "threads",		threads },
	{ "readers",		readers },
	{ "shut-in-thread",	shut_in_thread },
	{ "close-in-thread",	close_in_thread },
	{ "processes",		processes },
	{ "passing",		passing },
	{},
};
