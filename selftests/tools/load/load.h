/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * load: what the cost of moving data is measured with. The host is the client and
 * says on each connection what it wants; the peer serves all of them in one thread.
 *
 *	load serve PORT
 *	load bulk send|receive|sendfile|splice ADDRESS PORT FLOWS BYTES CALL
 *	load rr ADDRESS PORT FLOWS COUNT SIZE
 *	load many send|receive ADDRESS PORT FLOWS SECONDS CALL
 *	load short ADDRESS PORT COUNT SIZE
 *	load opens ADDRESS PORT FLOWS SECONDS
 *	load moves ADDRESS PORT FLOWS SECONDS
 *	load shove PORT ROUNDS
 *	load gap send|receive ADDRESS PORT MS CALL
 *	load copy in|out FILE COUNT CALL
 *
 * bulk moves BYTES on each of FLOWS connections, CALL bytes in a system call; rr makes
 * COUNT transactions of SIZE bytes there and SIZE back, on FLOWS connections at once;
 * many moves what it can for SECONDS on FLOWS connections; short makes COUNT
 * connections, one after the other, each of which brings SIZE bytes and is ended by the
 * peer; opens makes them for SECONDS, each of which stays until FLOWS others have come;
 * moves has FLOWS connections that stay and say nothing go to an engine and back, all of
 * them and again, for SECONDS; shove does so ROUNDS times with what others have connected to
 * PORT and the module knows, whatever it says meanwhile;
 * gap looks at one connection until a line comes, MS times at most; copy moves COUNT pieces of CALL bytes
 * to or from a file that is there, in a tmpfs: no socket can do for less.
 *
 * bulk, rr, many, opens, moves and gap first do a part of it, print "ok warm" and wait for a line.
 * Then all but gap and shove do it between two marks of the instruction counter (selftests/insn)
 * and print "ok bytes=N ns=N", and what else they have to say as KEY=N. many: count (of
 * MiB), least and most (bytes of a connection), spread (most by least). opens: count (of
 * connections). moves and shove: count (of
 * opens), closes, fails, moves (opens a second). gap: gap_us (the
 * longest time without a byte), dip (the lowest goodput of 10 ms by that of all the time).
 */
#ifndef _LOAD_H
#define _LOAD_H

#include <linux/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The tags are 1 and 2; see selftests/insn/insn.c. */
#define MARK(tag) \
	__asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00, " #tag ", 0x00, 0x65, 0x70" \
			 ::: "memory")

/**
 * enum want - what the peer is to do with what follows
 * @WANT_SINK: read, and answer each @bytes with one byte
 * @WANT_SOURCE: send @bytes for each byte that comes
 * @WANT_ECHO: send @bytes for each @bytes that come
 * @WANT_ONCE: send @bytes, and end it
 */
enum want {
	WANT_SINK = 1,
	WANT_SOURCE,
	WANT_ECHO,
	WANT_ONCE,
};

/* Of wishes */
#define BYTES_MAX	(1ULL << 40)

/**
 * struct wish - the first bytes of a connection
 * @want: enum want
 * @pad: 0
 * @bytes: see there
 */
struct wish {
	uint32_t want;
	uint32_t pad;
	uint64_t bytes;
};

/* What is sent, and where is put what comes */
#define BUFFER		(4u << 20)
extern char *buffer;

/* Ends the program with a message. */
void die(const char *what) __attribute__((noreturn));
/* A number of a command line, from 1 to @most; or ends the program. */
uint64_t number(const char *word, uint64_t most);

uint64_t now_ns(void);
/* All of it, on a blocking socket; or ends the program. */
void write_all(int fd, size_t n);
void read_all(int fd, size_t n);
/* A connection that has told @want and @bytes. */
int dial(const char *address, const char *port, enum want want, uint64_t bytes);
/* Ends a connection at once: nothing of it is under way in what is measured next. */
void abandon(int fd);
/* What TCP_INFO says of it. */
struct tcp_info tcp_info(int fd);
/* Is it "send"? Else it has to be "receive". */
bool is_send(const char *word);
/* Says that it is warm and waits for the word to go on. */
void warm(void);
void done(uint64_t bytes, uint64_t begin_ns);

int serve(const char *port);
int bulk(int argc, char **argv);
int rr(int argc, char **argv);
int many(int argc, char **argv);
int short_flows(int argc, char **argv);
int opens(int argc, char **argv);
int moves(int argc, char **argv);
int shove(int argc, char **argv);
int gap(int argc, char **argv);
int copy(int argc, char **argv);

#endif /* _LOAD_H */
