/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Three namespaces without names, which are gone when the test ends, however:
 *
 *   host: eth0 10.77.0.1 -- veth -- card: host0, wire0 -- veth -- peer: eth0 10.77.0.2
 */
#ifndef WORLD_H
#define WORLD_H

#include <stdint.h>
#include <sys/socket.h>

enum place { HOST, CARD, PEER, PLACES };

struct world {
	int ns[PLACES];
	uint8_t peer_mac[6];
};

extern struct world world;
extern const uint8_t host_mac[6];

/* 0, or -1 after having said why */
int world_make(void);
/* The calling thread's network namespace from here on */
void world_enter(enum place p);
/* Runs a command there; its status */
int world_run(enum place p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A counter of /proc/net/netstat or snmp */
uint64_t world_counter(enum place p, const char *name);
/* All that changed in between and is a sign of trouble, as comments */
void world_counters_start(void);
void world_counters_show(void);
/* The host's (or the peer's) address in a family */
socklen_t world_address(struct sockaddr_storage *ss, enum place p, int family,
			uint16_t port);

#endif
