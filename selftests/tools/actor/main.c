// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "actor.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP	262
#endif

static const char help[] =
	"Usage: actor	(commands on standard input)\n"
	"  listen ADDRESS PORT [SOCKET]       accept\n"
	"  connect ADDRESS PORT [SOCKET]      set OPTION N\n"
	"  enter { cgroup PATH | netns NAME } (sockets from now on are there)\n"
	"  send { BYTES | forever } [OPTION]  recv { BYTES | eof } [OPTION]\n"
	"  ping COUNT SIZE [PAUSE_MS]         echo COUNT SIZE\n"
	"  wait { tx | rx | hand } [MS]       state { tx | rx | hand }\n"
	"  stop { tx | rx | hand }            corrupt POSITION\n"
	"  urgent                             shutdown\n"
	"  close\n"
	"  reset	(close with SO_LINGER 0)  die	(SIGKILL)\n"
	"  info	(of TCP)                  name (of the connection)\n"
	"  quit\n"
	"on the host also:\n"
	"  offload  return  flow  why  stats  handover COUNT PAUSE_MS\n"
	"SOCKET := mptcp | mark=N | uid=N | rcvbuf=N | mss=N | isn=N | md5 | ao\n"
	"set OPTION := sndbuf | rcvbuf | nodelay | cork | keepalive | keepidle |\n"
	"              keepintvl | congestion |\n"
	"              timestamp | timestampns | timestamping | filter | bpf |\n"
	"              repair | ipsec { in | out | off } | options | ulp NAME |\n"
	"              tos | ttl | tclass | hops\n"
	"OPTION := chunk=N | rate=N | epoll	(chunk 0: random sizes)\n"
	"ping and send are job tx, echo and recv job rx, handover job hand.\n";

struct conn conn = { -1, -1, -1, -1, 0, 0, 0, 0, ~0ull };
struct job jobs[JOB_MAX];
static const char * const job_names[JOB_MAX] = { "tx", "rx", "hand" };

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void percentiles(uint64_t *ns, unsigned int n, const char *name, char *out,
		 size_t len)
{
	*out = 0;
	if (!n)
		return;
	qsort(ns, n, sizeof(*ns), compare);
	snprintf(out, len, " %s_median_us=%llu %s_p99_us=%llu %s_worst_us=%llu",
		 name, (unsigned long long)ns[n / 2] / 1000,
		 name, (unsigned long long)ns[(n - 1) * 99 / 100] / 1000,
		 name, (unsigned long long)ns[n - 1] / 1000);
}

/* Says why and returns 0: the actor goes on. */
static int fail(const char *what)
{
	printf("error %s: %s\n", what, strerrorname_np(errno));
	return 0;
}

static int wrong(const char *what)
{
	printf("error usage: %s\n", what);
	return 0;
}

static void *job_main(void *arg)
{
	struct job *job = arg;

	job->tid = gettid();
	job->run(job);
	pthread_mutex_lock(&job->lock);
	job->end_ns = now_ns();
	job->running = false;
	pthread_cond_broadcast(&job->ended);
	pthread_mutex_unlock(&job->lock);
	return NULL;
}

void job_start(struct job *job, void (*run)(struct job *job),
	       const struct order *order)
{
	if (job->started) {
		pthread_join(job->thread, NULL);
		pthread_mutex_destroy(&job->lock);
		pthread_cond_destroy(&job->ended);
	}
	memset(job, 0, sizeof(*job));
	pthread_mutex_init(&job->lock, NULL);
	pthread_cond_init(&job->ended, NULL);
	job->run = run;
	job->order = *order;
	job->wrong_at = -1;
	job->start_ns = job->moved_ns = now_ns();
	job->running = job->started = true;
	pthread_create(&job->thread, NULL, job_main, job);
}

static bool job_running(struct job *job)
{
	bool running;

	if (!job->started)
		return false;
	pthread_mutex_lock(&job->lock);
	running = job->running;
	pthread_mutex_unlock(&job->lock);
	return running;
}

static struct job *job_named(int n, char **word)
{
	for (int i = 0; n > 1 && i < JOB_MAX; i++)
		if (!strcmp(word[1], job_names[i]) && jobs[i].started)
			return &jobs[i];
	return NULL;
}

/* BYTES, perhaps with K, M or G */
static uint64_t parse_bytes(const char *s)
{
	char *end;
	uint64_t n = strtoull(s, &end, 10);

	switch (*end) {
	case 'G':
		n <<= 10;
		/* fall through */
	case 'M':
		n <<= 10;
		/* fall through */
	case 'K':
		n <<= 10;
	}
	return n;
}

static int endpoint_parse(char **word, struct sockaddr_storage *ss, socklen_t *len)
{
	struct sockaddr_in6 *sin6 = (void *)ss;
	struct sockaddr_in *sin = (void *)ss;
	char *scope;

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, word[1], &sin->sin_addr) == 1) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(atoi(word[2]));
		*len = sizeof(*sin);
		return 0;
	}
	/* ADDRESS%INTERFACE */
	scope = strchr(word[1], '%');
	if (scope) {
		*scope++ = 0;
		sin6->sin6_scope_id = if_nametoindex(scope);
	}
	if (inet_pton(AF_INET6, word[1], &sin6->sin6_addr) == 1) {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(atoi(word[2]));
		*len = sizeof(*sin6);
		return 0;
	}
	return -1;
}

static int socket_new(int n, char **word, struct sockaddr_storage *ss,
		      socklen_t *len)
{
	int proto = IPPROTO_TCP, mark = 0, uid = -1, mss = 0, rcvbuf = 0, fd, err;
	const char *key = NULL, *isn = NULL;

	if (n < 3 || endpoint_parse(word, ss, len)) {
		errno = EINVAL;
		return -1;
	}
	for (int i = 3; i < n; i++) {
		if (!strcmp(word[i], "mptcp"))
			proto = IPPROTO_MPTCP;
		else if (!strncmp(word[i], "mark=", 5))
			mark = strtol(word[i] + 5, NULL, 0);
		else if (!strncmp(word[i], "uid=", 4))
			uid = atoi(word[i] + 4);
		else if (!strncmp(word[i], "rcvbuf=", 7))
			rcvbuf = parse_bytes(word[i] + 7);
		else if (!strncmp(word[i], "mss=", 4))
			mss = atoi(word[i] + 4);
		else if (!strncmp(word[i], "isn=", 4))
			isn = word[i] + 4;
		else
			key = word[i];
	}
	/* a socket is owned by whom the file system takes its creator for */
	if (uid >= 0)
		setfsuid(uid);
	fd = socket(ss->ss_family, SOCK_STREAM | SOCK_CLOEXEC, proto);
	err = errno;
	if (uid >= 0)
		setfsuid(getuid());
	errno = err;
	if (fd >= 0 && mark &&
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0) {
		close(fd);
		return -1;
	}
	/* before there is a window to take back */
	if (fd >= 0 && rcvbuf &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf)) < 0) {
		close(fd);
		return -1;
	}
	if (fd >= 0 && mss &&
	    setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss)) < 0) {
		close(fd);
		return -1;
	}
	if (fd >= 0 && isn && isn_set(fd, strtoul(isn, NULL, 0)) < 0) {
		close(fd);
		return -1;
	}
	if (fd >= 0 && key && segments_sign(fd, ss->ss_family, key) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int do_enter(int n, char **word)
{
	bool netns = n == 3 && !strcmp(word[1], "netns");
	char path[512];
	int fd, err;

	if (n != 3 || (!netns && strcmp(word[1], "cgroup")))
		return wrong("enter { cgroup PATH | netns NAME }");
	if (netns)
		snprintf(path, sizeof(path), "/run/netns/%s", word[2]);
	else
		snprintf(path, sizeof(path), "%s/cgroup.procs", word[2]);
	fd = open(path, netns ? O_RDONLY | O_CLOEXEC : O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return fail("open");
	if (netns)
		err = setns(fd, CLONE_NEWNET);
	else
		err = write(fd, "0", 1) < 0;
	if (err)
		fail("enter");
	else
		puts("ok");
	close(fd);
	return 0;
}

static void conn_new(int fd, uint64_t tx_seed, uint64_t rx_seed)
{
	if (conn.epoll_rx >= 0)
		close(conn.epoll_rx);
	if (conn.epoll_tx >= 0)
		close(conn.epoll_tx);
	conn.fd = fd;
	conn.epoll_rx = conn.epoll_tx = -1;
	conn.tx_seed = tx_seed;
	conn.rx_seed = rx_seed;
	conn.tx_pos = conn.rx_pos = 0;
	conn.corrupt = ~0ull;
}

static const char *endpoint_text(const struct sockaddr_storage *ss, char *buf)
{
	const struct sockaddr_in6 *sin6 = (const void *)ss;
	const struct sockaddr_in *sin = (const void *)ss;
	char addr[INET6_ADDRSTRLEN];

	if (ss->ss_family == AF_INET) {
		inet_ntop(AF_INET, &sin->sin_addr, addr, sizeof(addr));
		sprintf(buf, "%s:%u", addr, ntohs(sin->sin_port));
	} else {
		inet_ntop(AF_INET6, &sin6->sin6_addr, addr, sizeof(addr));
		sprintf(buf, "[%s]:%u", addr, ntohs(sin6->sin6_port));
	}
	return buf;
}

static int say_connection(void)
{
	struct sockaddr_storage local = { 0 }, remote = { 0 };
	socklen_t llen = sizeof(local), rlen = sizeof(remote);
	char lbuf[64], rbuf[64];

	getsockname(conn.fd, (void *)&local, &llen);
	getpeername(conn.fd, (void *)&remote, &rlen);
	printf("ok local=%s remote=%s\n", endpoint_text(&local, lbuf),
	       endpoint_text(&remote, rbuf));
	return 0;
}

static int do_name(int n, char **word)
{
	(void)n;
	(void)word;
	if (conn.fd < 0)
		return wrong("no connection");
	return say_connection();
}

static int do_listen(int n, char **word)
{
	struct sockaddr_storage ss;
	int on = 1;
	socklen_t len;

	if (conn.listener >= 0)
		close(conn.listener);
	conn.listener = socket_new(n, word, &ss, &len);
	if (conn.listener < 0)
		return fail("socket");
	setsockopt(conn.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(conn.listener, (void *)&ss, len) < 0)
		return fail("bind");
	if (listen(conn.listener, 8) < 0)
		return fail("listen");
	puts("ok");
	return 0;
}

static int do_accept(int n, char **word)
{
	int fd;

	(void)n;
	(void)word;
	if (conn.fd >= 0)
		return wrong("there is a connection");
	fd = accept4(conn.listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return fail("accept");
	close(conn.listener);
	conn.listener = -1;
	conn_new(fd, 2, 1);
	return say_connection();
}

static int do_connect(int n, char **word)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	if (conn.fd >= 0)
		return wrong("there is a connection");
	fd = socket_new(n, word, &ss, &len);
	if (fd < 0)
		return fail("socket");
	if (connect(fd, (void *)&ss, len) < 0) {
		fail("connect");
		close(fd);
		return 0;
	}
	conn_new(fd, 1, 2);
	return say_connection();
}

static int do_set(int n, char **word)
{
	static const struct {
		const char *name;
		int level, option;
	} table[] = {
		{ "sndbuf", SOL_SOCKET, SO_SNDBUF },
		{ "rcvbuf", SOL_SOCKET, SO_RCVBUF },
		{ "nodelay", IPPROTO_TCP, TCP_NODELAY },
		{ "cork", IPPROTO_TCP, TCP_CORK },
		{ "keepalive", SOL_SOCKET, SO_KEEPALIVE },
		{ "keepidle", IPPROTO_TCP, TCP_KEEPIDLE },
		{ "keepintvl", IPPROTO_TCP, TCP_KEEPINTVL },
		{ "timestamp", SOL_SOCKET, SO_TIMESTAMP },
		{ "timestampns", SOL_SOCKET, SO_TIMESTAMPNS },
		{ "timestamping", SOL_SOCKET, SO_TIMESTAMPING },
		{ "repair", IPPROTO_TCP, TCP_REPAIR },
		{ "tos", IPPROTO_IP, IP_TOS },
		{ "ttl", IPPROTO_IP, IP_TTL },
		{ "tclass", IPPROTO_IPV6, IPV6_TCLASS },
		{ "hops", IPPROTO_IPV6, IPV6_UNICAST_HOPS },
	};
	int fd = conn.fd >= 0 ? conn.fd : conn.listener, value;
	unsigned int i;

	if (n < 3)
		return wrong("set NAME N");
	if (!strcmp(word[1], "congestion")) {
		if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, word[2],
			       strlen(word[2])) < 0)
			return fail("setsockopt");
		puts("ok");
		return 0;
	}
	if (!strcmp(word[1], "filter") || !strcmp(word[1], "bpf") ||
	    !strcmp(word[1], "options") || !strcmp(word[1], "ulp") ||
	    !strcmp(word[1], "ipsec")) {
		if ((*word[1] == 'f' ? filter_set(fd, atoi(word[2])) :
		     *word[1] == 'b' ? bpf_set(fd, atoi(word[2])) :
		     *word[1] == 'o' ? options_set(fd, atoi(word[2])) :
		     *word[1] == 'u' ? ulp_set(fd, word[2]) :
				       ipsec_set(fd, word[2])) < 0)
			return fail("setsockopt");
		puts("ok");
		return 0;
	}
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(word[1], table[i].name))
			continue;
		value = parse_bytes(word[2]);
		if (setsockopt(fd, table[i].level, table[i].option, &value,
			       sizeof(value)) < 0)
			return fail("setsockopt");
		puts("ok");
		return 0;
	}
	return wrong("no such option");
}

/* A byte of urgent data, outside of the pattern */
static int do_urgent(int n, char **word)
{
	(void)n;
	(void)word;
	if (send(conn.fd, "!", 1, MSG_OOB) != 1)
		return fail("send");
	puts("ok");
	return 0;
}

static int start(enum job_id id, void (*run)(struct job *job),
		 const struct order *order)
{
	if (job_running(&jobs[id]))
		return wrong("the job is running");
	if (conn.fd < 0)
		return wrong("no connection");
	job_start(&jobs[id], run, order);
	puts("ok");
	return 0;
}

static int order_parse(struct order *o, int n, char **word)
{
	if (n < 2)
		return -1;
	memset(o, 0, sizeof(*o));
	o->chunk = 64 << 10;
	if (!strcmp(word[1], "forever") || !strcmp(word[1], "eof"))
		o->bytes = ~0ull;
	else
		o->bytes = parse_bytes(word[1]);
	for (int i = 2; i < n; i++) {
		if (!strncmp(word[i], "chunk=", 6))
			o->chunk = parse_bytes(word[i] + 6);
		else if (!strncmp(word[i], "rate=", 5))
			o->rate = parse_bytes(word[i] + 5);
		else if (!strcmp(word[i], "epoll"))
			o->epoll = true;
		else
			return -1;
	}
	return 0;
}

static int do_send(int n, char **word)
{
	struct order o;

	if (order_parse(&o, n, word))
		return wrong("send { BYTES | forever } [OPTION]");
	return start(JOB_TX, job_send, &o);
}

static int do_recv(int n, char **word)
{
	struct order o;

	if (order_parse(&o, n, word))
		return wrong("recv { BYTES | eof } [OPTION]");
	return start(JOB_RX, job_receive, &o);
}

static int do_ping(int n, char **word)
{
	struct order o = { 0 };

	if (n < 3)
		return wrong("ping COUNT SIZE [PAUSE_MS]");
	o.count = atoi(word[1]);
	o.size = parse_bytes(word[2]);
	o.pause_ms = n > 3 ? atoi(word[3]) : 0;
	if (!strcmp(word[0], "ping"))
		return start(JOB_TX, job_ping, &o);
	return start(JOB_RX, job_echo, &o);
}

static int do_handover(int n, char **word)
{
	struct order o = { 0 };

	if (n < 3)
		return wrong("handover COUNT PAUSE_MS");
	o.count = atoi(word[1]);
	o.pause_ms = atoi(word[2]);
	return start(JOB_HAND, job_handover, &o);
}

static void say_job(struct job *job, const char *how)
{
	uint64_t end = job->running ? now_ns() : job->end_ns;

	printf("%s bytes=%llu error=%s eof=%d wrong_at=%lld gap_us=%llu us=%llu "
	       "still_us=%llu in_call=%d tid=%d calls=%llu%s\n",
	       how, (unsigned long long)job->bytes,
	       job->error ? strerrorname_np(job->error) : "0", job->eof,
	       (long long)job->wrong_at, (unsigned long long)job->gap_ns / 1000,
	       (unsigned long long)(end - job->start_ns) / 1000,
	       (unsigned long long)(end - job->moved_ns) / 1000,
	       job->in_call, job->tid, (unsigned long long)job->calls,
	       job->result);
}

static int do_wait(int n, char **word)
{
	struct job *job = job_named(n, word);
	uint64_t limit;
	struct timespec ts;
	int err = 0;

	if (!job)
		return wrong("no such job");
	clock_gettime(CLOCK_REALTIME, &ts);
	limit = ts.tv_sec * 1000000000ull + ts.tv_nsec +
		(n > 2 ? atoll(word[2]) : 20000) * 1000000ull;
	ts.tv_sec = limit / 1000000000;
	ts.tv_nsec = limit % 1000000000;
	pthread_mutex_lock(&job->lock);
	while (job->running && !err)
		err = pthread_cond_timedwait(&job->ended, &job->lock, &ts);
	say_job(job, job->running ? "error timeout" : "ok");
	pthread_mutex_unlock(&job->lock);
	return 0;
}

static int do_state(int n, char **word)
{
	struct job *job = job_named(n, word);

	if (!job)
		return wrong("no such job");
	pthread_mutex_lock(&job->lock);
	say_job(job, job->running ? "ok running=1" : "ok running=0");
	pthread_mutex_unlock(&job->lock);
	return 0;
}

static int do_stop(int n, char **word)
{
	struct job *job = job_named(n, word);

	if (!job)
		return wrong("no such job");
	job->stop = true;
	puts("ok");
	return 0;
}

static int do_corrupt(int n, char **word)
{
	if (n < 2)
		return wrong("corrupt POSITION");
	conn.corrupt = parse_bytes(word[1]);
	puts("ok");
	return 0;
}

static int do_shutdown(int n, char **word)
{
	(void)n;
	(void)word;
	if (shutdown(conn.fd, SHUT_WR) < 0)
		return fail("shutdown");
	puts("ok");
	return 0;
}

static int do_close(int n, char **word)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };
	int fd = conn.fd;

	(void)n;
	conn.fd = -1;
	if (!strcmp(word[0], "reset"))
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	if (close(fd) < 0)
		return fail("close");
	puts("ok");
	return 0;
}

static int do_die(int n, char **word)
{
	(void)n;
	(void)word;
	puts("ok");
	fflush(stdout);
	raise(SIGKILL);
	return 0;
}

static int do_info(int n, char **word)
{
	struct tcp_info ti = { 0 };
	socklen_t len = sizeof(ti);
	char ca[16] = "";
	socklen_t calen = sizeof(ca);

	(void)n;
	(void)word;
	if (getsockopt(conn.fd, IPPROTO_TCP, TCP_INFO, &ti, &len) < 0)
		return fail("TCP_INFO");
	getsockopt(conn.fd, IPPROTO_TCP, TCP_CONGESTION, ca, &calen);
	printf("ok state=%u congestion=%s ca_state=%u unacked=%u backoff=%u "
	       "retransmits=%u total_retrans=%u bytes_retrans=%llu rto_us=%u "
	       "rtt_us=%u rttvar_us=%u snd_cwnd=%u segs_out=%u segs_in=%u\n",
	       ti.tcpi_state, ca, ti.tcpi_ca_state, ti.tcpi_unacked,
	       ti.tcpi_backoff, ti.tcpi_retransmits, ti.tcpi_total_retrans,
	       (unsigned long long)ti.tcpi_bytes_retrans, ti.tcpi_rto,
	       ti.tcpi_rtt, ti.tcpi_rttvar, ti.tcpi_snd_cwnd,
	       ti.tcpi_segs_out, ti.tcpi_segs_in);
	return 0;
}

static int do_quit(int n, char **word)
{
	(void)n;
	(void)word;
	puts("ok");
	fflush(stdout);
	/* Jobs may sleep in calls: the process ends all of them. */
	_exit(0);
}

static const struct {
	const char *name;
	int (*fn)(int n, char **word);
} commands[] = {
	{ "listen", do_listen },	{ "accept", do_accept },
	{ "connect", do_connect },	{ "set", do_set },
	{ "send", do_send },		{ "recv", do_recv },
	{ "ping", do_ping },		{ "echo", do_ping },
	{ "wait", do_wait },		{ "state", do_state },
	{ "stop", do_stop },		{ "corrupt", do_corrupt },
	{ "shutdown", do_shutdown },	{ "close", do_close },
	{ "reset", do_close },		{ "die", do_die },
	{ "info", do_info },		{ "quit", do_quit },
	{ "offload", do_offload },	{ "return", do_return },
	{ "flow", do_flow },		{ "stats", do_stats },
	{ "handover", do_handover },	{ "enter", do_enter },
	{ "urgent", do_urgent },	{ "name", do_name },
	{ "why", do_why },
};

static void run(char *line)
{
	char *word[MAX_WORDS], *save = NULL, *w;
	unsigned int i;
	int n = 0;

	for (w = strtok_r(line, " \n", &save); w && n < MAX_WORDS;
	     w = strtok_r(NULL, " \n", &save))
		word[n++] = w;
	if (!n)
		return;
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(word[0], commands[i].name)) {
			commands[i].fn(n, word);
			fflush(stdout);
			return;
		}
	printf("error usage: no command %s\n", word[0]);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;

	(void)argv;
	if (argc > 1) {
		fputs(help, stdout);
		return 0;
	}
	while (getline(&line, &size, stdin) > 0)
		run(line);
	_exit(0);
}
