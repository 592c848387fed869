/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sockapi: what an application can see of a TCP socket, call by call.
 *
 * One program, two roles. On the host it runs cases, each on a fresh connection,
 * and prints what it saw in words that depend on nothing but the kernel's
 * behaviour: so the output of two runs can be compared. At the peer it does what a
 * case tells it, over a control connection.
 */
#ifndef SOCKAPI_H
#define SOCKAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include "../actor/pattern.h"

/* Seeds of the pattern, by who sends */
#define SEED_HOST	1
#define SEED_PEER	2

/**
 * struct conn - a case's connection
 * @fd: the socket; -1: the case has closed it
 * @to: the control connection to the peer
 * @from: the same, to read from
 * @sent: bytes of the pattern that the case has sent
 * @received: bytes of the pattern that it has received
 * @before: bytes that were sent each way before the case began
 */
struct conn {
	int fd;
	FILE *to, *from;
	uint64_t sent;
	uint64_t received;
	uint64_t before;
};

/* From the port of the control connections to that of the cases' connections */
#define CASE_PORTS	100

struct api_case {
	const char *name;
	void (*run)(struct conn *c);
};

/* Ended by one without a name */
extern const struct api_case io_cases[], option_cases[], poll_cases[], end_cases[],
	copy_cases[], uring_cases[], bpf_cases[], other_cases[];

/* Ends the program: the test itself failed, not what is tested. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Prints a line of the result: what an application saw. */
void saw(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The name of an errno, "0" for 0. */
const char *error_name(int err);

/*
 * What the peer does, see peer.c. order() does not wait; answered() waits for the
 * answers of all orders, and returns what stands in the last one.
 */
void order(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *answered(struct conn *c);

/* order() and answered() */
const char *peer(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Sends bytes of the pattern, all of them, or says why not. */
void send_all(struct conn *c, size_t len, int flags);
/* Sends bytes of the pattern until it fails. Returns the errno. */
int send_until_full(struct conn *c, int flags);
/* Tells the peer to receive all that the case has sent, and says if it did. */
void order_all(struct conn *c);
void saw_all(struct conn *c);
/* Receives so many, and checks them. */
void receive_all(struct conn *c, size_t len, int flags);
/* Bytes that were received by other means, at c->received: checks and counts them. */
void check(struct conn *c, const uint8_t *buf, size_t len);
/* The next bytes to send. They are counted when they are sent: c->sent. */
void fill(struct conn *c, uint8_t *buf, size_t len);

/* Waits until so many bytes can be read, or the peer has closed. */
void wait_inq(struct conn *c, int bytes);
/* Waits until the peer has acknowledged all. */
void wait_acked(struct conn *c);

/* Two ends of a connection from the case's own address to itself */
void own_pair(struct conn *c, int *from, int *to);

void set(struct conn *c, int level, int name, int value);
int get(struct conn *c, int level, int name);

uint64_t now_ms(void);
void pause_ms(unsigned int ms);

int run_peer(const char *addr, const char *port);

#endif
