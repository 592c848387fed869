// SPDX-License-Identifier: GPL-2.0-only
/*
 * toecard: the card. A virtio-toe device towards the host, Linux TCP towards
 * the wire. This file reads the arguments and puts the parts together.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "device.h"
#include "flow.h"
#include "log.h"
#include "loop.h"

#ifndef TOE_VERSION
#define TOE_VERSION "unknown"
#endif

#define DEFAULT_MAX_FLOWS	4096
#define MOST_FLOWS		1000000

static const char usage_text[] =
	"Usage: toecard --socket PATH --wire IF --host IF --control PATH [OPTION...]\n"
	"       toecard control PATH status\n"
	"       toecard control PATH fault NAME COUNT [MS]\n"
	"       toecard { --help | --version }\n"
	"OPTION := { --cgroup DIR | --max-flows N | --log-level LEVEL }\n"
	"LEVEL  := { err | warn | info | debug }\n";

static const char help_text[] =
	"\n"
	"  --socket PATH      vhost-user socket to listen on, for the host's virtio-toe device\n"
	"  --wire IF          interface towards the network\n"
	"  --host IF          interface towards the host's network device\n"
	"  --control PATH     control socket to listen on\n"
	"  --cgroup DIR       cgroup2 directory that toecard runs in\n"
	"  --max-flows N      flows to carry at once (1 to 1000000, default 4096)\n"
	"  --log-level LEVEL  what to say on stderr (default info)\n";

struct options {
	const char *socket;
	const char *wire;
	const char *host;
	const char *control;
	const char *cgroup;
	const char *max_flows;
	const char *log_level;
	uint32_t flows;
};

__attribute__((noreturn, format(printf, 1, 2)))
static void wrong_usage(const char *fmt, ...)
{
	va_list ap;

	fputs("toecard: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n%s", usage_text);
	exit(2);
}

static void parse_max_flows(struct options *o)
{
	char *end;
	long n;

	o->flows = DEFAULT_MAX_FLOWS;
	if (!o->max_flows)
		return;
	errno = 0;
	n = strtol(o->max_flows, &end, 10);
	if (errno || end == o->max_flows || *end || n < 1 || n > MOST_FLOWS)
		wrong_usage("--max-flows: '%s' is not a number from 1 to %d",
			    o->max_flows, MOST_FLOWS);
	o->flows = n;
}

static void parse_log_level(const char *word)
{
	static const char * const levels[] = { "err", "warn", "info", "debug" };
	unsigned int i;

	if (!word)
		return;
	for (i = 0; i < 4; i++) {
		if (!strcmp(word, levels[i])) {
			log_level = i;
			return;
		}
	}
	wrong_usage("--log-level: '%s' is none of err, warn, info, debug", word);
}

static void parse_interface(const char *option, const char *name)
{
	if (strlen(name) >= IFNAMSIZ || !if_nametoindex(name))
		wrong_usage("%s: there is no interface '%s'", option, name);
}

static void parse(struct options *o, int argc, char **argv)
{
	const struct {
		const char *name;
		const char **value;
		bool needed;
	} table[] = {
		{ "--socket", &o->socket, true },
		{ "--wire", &o->wire, true },
		{ "--host", &o->host, true },
		{ "--control", &o->control, true },
		{ "--cgroup", &o->cgroup, false },
		{ "--max-flows", &o->max_flows, false },
		{ "--log-level", &o->log_level, false },
	};
	const unsigned int num = sizeof(table) / sizeof(table[0]);
	unsigned int k;
	int i;

	memset(o, 0, sizeof(*o));
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help")) {
			printf("%s%s", usage_text, help_text);
			exit(0);
		}
		if (!strcmp(argv[i], "--version")) {
			printf("toecard %s\n", TOE_VERSION);
			exit(0);
		}
		for (k = 0; k < num && strcmp(argv[i], table[k].name); k++)
			;
		if (k == num)
			wrong_usage("unknown %s '%s'", argv[i][0] == '-' ?
				    "option" : "word", argv[i]);
		if (*table[k].value)
			wrong_usage("%s is given twice", argv[i]);
		if (++i == argc || !*argv[i])
			wrong_usage("%s needs a value", table[k].name);
		*table[k].value = argv[i];
	}
	for (k = 0; k < num; k++)
		if (table[k].needed && !*table[k].value)
			wrong_usage("%s is missing", table[k].name);
	parse_max_flows(o);
	parse_log_level(o->log_level);
	parse_interface("--wire", o->wire);
	parse_interface("--host", o->host);
	if (!strcmp(o->wire, o->host))
		wrong_usage("--host: '%s' is the wire already", o->host);
	if (!strcmp(o->socket, o->control))
		wrong_usage("--control: '%s' is the vhost-user socket already",
			    o->control);
}

static int control_main(int argc, char **argv)
{
	if (argc < 3)
		wrong_usage("control needs a PATH and a request");
	if (argc < 4)
		wrong_usage("control needs a request: status or fault");
	if (!strcmp(argv[3], "status")) {
		if (argc > 4)
			wrong_usage("unknown word '%s'", argv[4]);
	} else if (!strcmp(argv[3], "fault")) {
		if (argc < 6)
			wrong_usage("fault needs NAME COUNT [MS]");
		if (argc > 7)
			wrong_usage("unknown word '%s'", argv[7]);
	} else {
		wrong_usage("unknown word '%s'", argv[3]);
	}
	return control_ask(argv[2], argc - 3, argv + 3);
}

/* A flow is a socket, perhaps two while it moves. */
static void raise_file_limit(uint32_t flows)
{
	rlim_t want = 2ull * flows + 256;
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) || rl.rlim_cur >= want)
		return;
	rl.rlim_cur = want;
	if (rl.rlim_max < want)
		rl.rlim_max = want;
	if (!setrlimit(RLIMIT_NOFILE, &rl))
		return;
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	log_warn("%u flows may need %llu open files, but only %llu are allowed",
		 flows, (unsigned long long)want,
		 (unsigned long long)rl.rlim_cur);
}

/* The wire port carries the host's address. */
static int read_mac(const char *name, uint8_t *mac)
{
	struct ifreq ifr = { 0 };
	int fd, err = 0;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	strcpy(ifr.ifr_name, name);
	if (ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		err = -errno;
	else if (ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		err = -EPROTONOSUPPORT;
	else
		memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	close(fd);
	return err;
}

struct signals {
	struct loop *loop;
	struct loop_fd lf;
};

static void on_signal(struct loop_fd *lf, uint32_t events)
{
	struct signals *s = (void *)((char *)lf - offsetof(struct signals, lf));
	struct signalfd_siginfo si;

	(void)events;
	if (read(lf->fd, &si, sizeof(si)) != sizeof(si))
		return;
	log_info("ends on signal %u", si.ssi_signo);
	loop_stop(s->loop);
}

static int catch_signals(struct signals *s, struct loop *l)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->loop = l;
	s->lf.ready = on_signal;
	s->lf.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->lf.fd < 0 ? -errno : loop_add(l, &s->lf, EPOLLIN);
}

/* Everything that is made here is taken down in the opposite order, also when
 * something in between could not be made.
 */
static int card_main(const struct options *o)
{
	struct card_config cc = { .wire = o->wire, .host = o->host,
				  .cgroup = o->cgroup, .max_flows = o->flows };
	struct device_config dc = { .socket_path = o->socket,
				    .max_flows = o->flows, .ipv6 = true };
	struct signals sig = { .lf.fd = -1 };
	struct loop *l = loop_new();
	struct control *ctl = NULL;
	struct device *d = NULL;
	struct card *c = NULL;
	int err, status = 1;

	err = l ? catch_signals(&sig, l) : -ENOMEM;
	if (!err)
		err = read_mac(o->wire, dc.mac);
	if (err) {
		log_err("starting: %s", strerror(-err));
		goto out;
	}
	raise_file_limit(o->flows);
	c = card_new(l, &cc);
	if (!c)
		goto out;
	d = device_new(l, c, &dc);
	if (!d)
		goto out;
	card_set_device(c, d);
	ctl = control_new(l, o->control, c, d);
	if (!ctl)
		goto out;
	log_info("serves %s; wire %s, host %s, up to %u flows", o->socket,
		 o->wire, o->host, o->flows);
	err = loop_run(l);
	if (err)
		log_err("event loop: %s", strerror(-err));
	else
		status = 0;
out:
	control_free(ctl);
	device_free(d);
	if (c)
		card_free(c);
	if (sig.lf.fd >= 0)
		close(sig.lf.fd);
	loop_free(l);
	return status;
}

int main(int argc, char **argv)
{
	struct options o;

	if (argc > 1 && !strcmp(argv[1], "control"))
		return control_main(argc, argv);
	parse(&o, argc, argv);
	return card_main(&o);
}
