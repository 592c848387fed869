/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * actor: one end of a TCP connection, told what to do on standard input. Every
 * command is one line and is answered by one line, "ok KEY=VALUE..." or "error
 * WORDS". What takes time is a job in a thread of its own: the command that
 * starts it answers at once, "wait JOB" answers when it has ended.
 */
#ifndef ACTOR_H
#define ACTOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MAX_WORDS	16

/* The connection. One thread reads, one writes. */
struct conn {
	int listener;		/* -1: none */
	int fd;			/* -1: none */
	int epoll_rx, epoll_tx;	/* -1: none */
	uint64_t tx_seed, rx_seed;
	uint64_t tx_pos, rx_pos;
	uint64_t corrupt;	/* position that is sent wrong; ~0: none */
};

/* What a job is asked for */
struct order {
	uint64_t bytes;		/* ~0: until stopped, or until the end */
	uint32_t chunk;		/* bytes of one call; 0: random up to 256 KiB */
	uint64_t rate;		/* bytes per second; 0: as fast as it goes */
	uint32_t count;
	uint32_t size;
	uint32_t pause_ms;
	bool epoll;		/* sleep in epoll_wait(), not in the call */
};

enum job_id { JOB_TX, JOB_RX, JOB_HAND, JOB_MAX };

/* A job, and how it went. Written by its thread; read by all. */
struct job {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool started, running;
	void (*run)(struct job *job);
	struct order order;
	atomic_bool stop;
	atomic_int tid;
	atomic_bool in_call;	/* in a system call that may sleep */
	atomic_ullong bytes;
	atomic_ullong moved_ns;	/* when bytes last moved */
	uint64_t start_ns, end_ns;
	uint64_t gap_ns;	/* the longest time between two moves */
	uint64_t calls;
	int error;
	bool eof;
	int64_t wrong_at;	/* first wrong position, -1: none */
	char result[512];	/* of jobs with more to say */
};

extern struct conn conn;
extern struct job jobs[JOB_MAX];

uint64_t now_ns(void);
void job_start(struct job *job, void (*run)(struct job *job),
	       const struct order *order);
/* Microseconds of the median, the 99th percentile and the worst, as words */
void percentiles(uint64_t *ns, unsigned int n, const char *name, char *out,
		 size_t len);

/* jobs.c */
void job_send(struct job *job);
void job_receive(struct job *job);
void job_ping(struct job *job);
void job_echo(struct job *job);
/* sockopt.c: 0, or -1 and errno */
int filter_set(int fd, int on);
int bpf_set(int fd, int on);	/* a filter in eBPF */
int ipsec_set(int fd, const char *dir);	/* ESP or nothing: "in", "out"; "off" */
int isn_set(int fd, uint32_t isn);	/* of a connect() to come; not 0 */
int options_set(int fd, int on);	/* what stands between IP and TCP */
int ulp_set(int fd, const char *name);
int segments_sign(int fd, int family, const char *how);	/* "md5" or "ao" */
/* offload.c */
void job_handover(struct job *job);
int do_offload(int n, char **word);
int do_return(int n, char **word);
int do_flow(int n, char **word);
int do_why(int n, char **word);
int do_stats(int n, char **word);

#endif
