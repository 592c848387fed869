// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

struct world world;
const uint8_t host_mac[6] = { 0x52, 0x54, 0x00, 0x77, 0x00, 0x01 };

void world_enter(enum place p)
{
	if (setns(world.ns[p], CLONE_NEWNET)) {
		perror("setns");
		abort();
	}
}

int world_run(enum place p, const char *fmt, ...)
{
	char cmd[512];
	va_list ap;
	int status;
	pid_t pid;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	pid = fork();
	if (!pid) {
		world_enter(p);
		execl("/bin/sh", "sh", "-c", cmd, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	if (status)
		printf("# %s: status %d\n", cmd, status);
	return status;
}

#define COUNTERS	600

static struct counters {
	struct {
		char name[40];
		uint64_t value;
	} c[COUNTERS];
	int n;
} base[PLACES];

/* /proc/net is the main thread's, /proc/thread-self/net the caller's. */
static void read_counters(enum place p, struct counters *to)
{
	static const char *const files[] = { "/proc/thread-self/net/netstat",
					     "/proc/thread-self/net/snmp" };
	char names[8192], values[8192], *n, *v, *ns, *vs;
	unsigned int i;
	int own;
	FILE *f;

	own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	world_enter(p);
	to->n = 0;
	for (i = 0; i < 2; i++) {
		f = fopen(files[i], "r");
		while (f && fgets(names, sizeof(names), f) &&
		       fgets(values, sizeof(values), f)) {
			n = strtok_r(names, " \n", &ns);
			v = strtok_r(values, " \n", &vs);
			for (; n && v && to->n < COUNTERS;
			     n = strtok_r(NULL, " \n", &ns),
			     v = strtok_r(NULL, " \n", &vs)) {
				snprintf(to->c[to->n].name, 40, "%s", n);
				to->c[to->n++].value = strtoull(v, NULL, 10);
			}
		}
		if (f)
			fclose(f);
	}
	setns(own, CLONE_NEWNET);
	close(own);
}

uint64_t world_counter(enum place p, const char *name)
{
	struct counters c;
	int i;

	read_counters(p, &c);
	for (i = 0; i < c.n; i++)
		if (!strcmp(c.c[i].name, name))
			return c.c[i].value;
	return 0;
}

void world_counters_start(void)
{
	int p;

	for (p = 0; p < PLACES; p++)
		read_counters(p, &base[p]);
}

/* What tells of trouble, and only when there is some */
void world_counters_show(void)
{
	static const char *const places[] = { "host", "card", "peer" };
	static const char *const words[] = {
		"Timeout", "Loss", "Retrans", "Drop", "PAWS", "Reneg", "Prune",
		"Collaps", "Spurious", "OFO", "Abort", "Rst", "Undo", "Csum",
		"InErrs", "Discards", "Challenge", "Win", "Probe", "DSACK",
	};
	struct counters now;
	unsigned int w;
	int p, i;

	for (p = 0; p < PLACES; p++) {
		read_counters(p, &now);
		printf("#   %s:", places[p]);
		for (i = 0; i < now.n && i < base[p].n; i++) {
			if (now.c[i].value == base[p].c[i].value)
				continue;
			for (w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
				if (!strstr(now.c[i].name, words[w]))
					continue;
				printf(" %s %llu", now.c[i].name,
				       (unsigned long long)(now.c[i].value -
							    base[p].c[i].value));
				break;
			}
		}
		putchar('\n');
	}
}

socklen_t world_address(struct sockaddr_storage *ss, enum place p, int family,
			uint16_t port)
{
	struct sockaddr_in6 *sin6 = (void *)ss;
	struct sockaddr_in *sin = (void *)ss;

	memset(ss, 0, sizeof(*ss));
	ss->ss_family = family;
	if (family == AF_INET) {
		inet_pton(AF_INET, p == HOST ? "10.77.0.1" : "10.77.0.2",
			  &sin->sin_addr);
		sin->sin_port = htons(port);
		return sizeof(*sin);
	}
	inet_pton(AF_INET6, p == HOST ? "fd77::1" : "fd77::2", &sin6->sin6_addr);
	sin6->sin6_port = htons(port);
	return sizeof(*sin6);
}

static int new_ns(enum place p)
{
	if (unshare(CLONE_NEWNET))
		return -1;
	world.ns[p] = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return world.ns[p] < 0 ? -1 : 0;
}

static int peer_facts(void)
{
	struct ifreq ifr = { .ifr_name = "eth0" };
	int s, err;

	world_enter(PEER);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	err = ioctl(s, SIOCGIFHWADDR, &ifr);
	close(s);
	memcpy(world.peer_mac, ifr.ifr_hwaddr.sa_data, 6);
	return err;
}

int world_make(void)
{
	static const char *const place[] = { [HOST] = "host0", [CARD] = "",
					     [PEER] = "wire0" };
	int p, err = 0;

	for (p = 0; p < PLACES; p++) {
		if (new_ns(p)) {
			perror("namespace");
			return -1;
		}
		err |= world_run(p, "ip link set lo up");
		/* the same on all kernels */
		err |= world_run(p, "echo 4096 131072 6291456 >/proc/sys/net/ipv4/tcp_rmem");
	}
	for (p = 0; p < PLACES; p++) {
		if (p == CARD)
			continue;
		err |= world_run(CARD, "ip link add %s %s type veth peer name eth0 %s netns /proc/%d/fd/%d",
				 place[p], p == PEER ? "address 52:54:00:77:00:01" : "",
				 p == HOST ? "address 52:54:00:77:00:01" : "",
				 (int)getpid(), world.ns[p]);
		err |= world_run(CARD, "ip link set %s up", place[p]);
		/* Without a queue a veth drops what its ring can't take. */
		err |= world_run(CARD, "tc qdisc add dev %s root pfifo limit 16384", place[p]);
		err |= world_run(p, "tc qdisc add dev eth0 root pfifo limit 16384");
		/* A redirected frame loses the note that its checksum is to
		 * be filled in.
		 */
		err |= world_run(p, "ethtool -K eth0 tx off >/dev/null");
		/* With GRO frames pass one queue, in order, whichever CPU
		 * they come from.
		 */
		err |= world_run(p, "ethtool -K eth0 gro on >/dev/null");
		err |= world_run(p, "ip addr add 10.77.0.%d/24 dev eth0", p == HOST ? 1 : 2);
		err |= world_run(p, "ip addr add fd77::%d/64 dev eth0 nodad", p == HOST ? 1 : 2);
		err |= world_run(p, "ip link set eth0 txqueuelen 16384 up");
	}
	/* A connection that is with the card has no socket. */
	err |= world_run(HOST, "nft 'table inet t { chain o { type filter hook output priority 0; tcp flags rst drop; }; }'");
	/* On a wire are frames of its MTU, whoever sent them. */
	err |= world_run(CARD, "ethtool -K wire0 tso off gso off >/dev/null");
	if (!err)
		err = peer_facts();
	if (err)
		printf("# the namespaces could not be made\n");
	return err ? -1 : 0;
}
