// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: sockapi peer ADDRESS PORT
 *	  sockapi run ADDRESS PORT [engine] [CASE...]
 *
 * The peer listens on PORT for control and on PORT + CASE_PORTS for the cases'
 * connections.
 * With "engine" each case begins when its connection is on an engine.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sockapi.h"

#define WARM_UP		8	/* exchanges before a case, so that a flow is found */
#define WARM_UP_LEN	3000
#define ENGINE_MS	5000

static bool on_engine;

static int connect_to(const char *addr, int port)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST,
		.ai_socktype = SOCK_STREAM,
	}, *ai;
	char service[16];
	int fd;

	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(addr, service, &hints, &ai))
		die("'%s' port %d is no address", addr, port);
	fd = socket(ai->ai_family, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, ai->ai_addr, ai->ai_addrlen))
		die("connect to %s port %d: %s", addr, port, strerror(errno));
	freeaddrinfo(ai);
	return fd;
}

static int local_port(int fd)
{
	struct sockaddr_in6 addr;	/* the port is at one place in both families */
	socklen_t len = sizeof(addr);

	if (getsockname(fd, (struct sockaddr *)&addr, &len))
		die("getsockname: %s", strerror(errno));
	return ntohs(addr.sin6_port);
}

/* Is there a line of /proc/net/toe/flows with this local port, and on an engine? */
static bool is_on_engine(int port)
{
	FILE *file = fopen("/proc/net/toe/flows", "re");
	char line[512], local[16];
	bool found = false;

	if (!file)
		die("/proc/net/toe/flows: %s", strerror(errno));
	snprintf(local, sizeof(local), ":%d ", port);
	while (fgets(line, sizeof(line), file))
		if (strstr(line, local) && strstr(line, " engine "))
			found = true;
	fclose(file);
	return found;
}

static void warm_up(struct conn *c)
{
	int i;

	for (i = 0; i < WARM_UP; i++) {
		order(c, "recv %d", WARM_UP_LEN);
		order(c, "send %d", WARM_UP_LEN);
		send_all(c, WARM_UP_LEN, 0);
		receive_all(c, WARM_UP_LEN, 0);
		answered(c);
		pause_ms(2);
	}
	c->before = c->sent;
}

static void await_engine(struct conn *c)
{
	uint64_t end = now_ms() + ENGINE_MS;
	int port = local_port(c->fd);

	while (!is_on_engine(port)) {
		if (now_ms() > end) {
			saw("NOT ON AN ENGINE");
			return;
		}
		pause_ms(5);
	}
}

static void run_case(const struct api_case *api, const char *addr, int port)
{
	struct conn c = {};
	int ctl;

	printf("%s\n", api->name);
	fflush(stdout);
	ctl = connect_to(addr, port);
	c.from = fdopen(ctl, "r");
	c.to = fdopen(dup(ctl), "w");
	order(&c, "accept");
	c.fd = connect_to(addr, port + CASE_PORTS);
	answered(&c);
	warm_up(&c);
	if (on_engine)
		await_engine(&c);
	api->run(&c);
	if (c.fd >= 0)
		close(c.fd);
	fclose(c.from);
	fclose(c.to);
}

static bool is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc == 0;
}

static int run_host(const char *addr, int port, int argc, char **argv)
{
	static const struct api_case *const all[] = {
		io_cases, option_cases, poll_cases, copy_cases, uring_cases, bpf_cases,
		other_cases, end_cases,
	};

	if (argc > 0 && !strcmp(argv[0], "engine")) {
		on_engine = true;
		argc--;
		argv++;
	}
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (const struct api_case *api = all[i]; api->name; api++)
			if (is_wanted(api->name, argc, argv))
				run_case(api, addr, port);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "peer"))
		return run_peer(argv[2], argv[3]);
	if (argc >= 4 && !strcmp(argv[1], "run"))
		return run_host(argv[2], atoi(argv[3]), argc - 4, argv + 4);
	fprintf(stderr, "Usage: sockapi peer ADDRESS PORT\n"
			"       sockapi run ADDRESS PORT [engine] [CASE...]\n");
	return 2;
}
