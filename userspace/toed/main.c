// SPDX-License-Identifier: GPL-2.0-only
/*
 * toed, the daemon beside module toe: it looks at the flows once in an interval
 * and returns those that no longer deserve an engine, and at what nobody tells the
 * module of the firewall.
 *
 * It keeps nothing that a flow needs. Whether it ends, is killed or starts anew, a
 * flow does not notice; rates are measured again from its start on.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "firewall.h"
#include "lock.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "module.h"
#include "notify.h"
#include "privilege.h"
#include "round.h"

#define EXIT_OK		0
#define EXIT_FAIL	1
#define EXIT_USAGE	2

#define TOED_VERSION	"0.1"

static const char usage[] =
	"Usage: toed [ --config FILE ]\n"
	"       toed --check FILE\n"
	"       toed { --help | --version }\n";

/**
 * struct daemon - all there is
 * @path: of the configuration file
 * @path_given: by the command line; then the file must be there
 * @config: what it says
 * @module: the connection to the module
 * @signals: SIGHUP, SIGTERM, SIGINT
 * @timer: the interval; stands still while the module is awaited
 * @round: what is done in each
 * @metrics: the interval of the metrics' file; stands still without one
 * @firewall: what is looked at more often
 * @last_err: of the last round, so that the same one is not told each second
 */
struct daemon {
	const char *path;
	bool path_given;
	struct config config;
	struct module module;
	struct loop_source signals;
	struct loop_source timer;
	struct loop_source metrics;
	struct round round;
	struct firewall firewall;
	int last_err;
};

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

/* The file that everybody has need not be there. */
static int read_config(const struct daemon *d, struct config *c, char *why)
{
	int err = config_read(c, d->path, why);

	if (err != -ENOENT || d->path_given)
		return err;
	config_defaults(c);
	return 0;
}

/* @ms: 0: it stands still */
static int set_interval(const struct loop_source *timer, uint64_t ms)
{
	uint64_t ns = ms * NS_PER_MS;
	struct itimerspec when = {
		.it_interval = { ns / NS_PER_S, ns % NS_PER_S },
		.it_value = { ns / NS_PER_S, ns % NS_PER_S },
	};

	return timerfd_settime(timer->fd, 0, &when, NULL) ? -errno : 0;
}

static int set_timer(const struct daemon *d, bool on)
{
	return set_interval(&d->timer, on ? d->config.interval_ms : 0);
}

static void say_status(const struct daemon *d, const char *before)
{
	if (d->module.nl)
		notify("%sSTATUS=Looking at the flows every %u ms", before,
		       d->config.interval_ms);
	else
		notify("%sSTATUS=Waiting for module toe", before);
}

static int no_module(void)
{
	log_err("module toe is not loaded");
	return -ENOENT;
}

/* The module has come, gone, or is another one. Return: as loop_fn. */
static int module_changed(struct daemon *d)
{
	int err;

	d->last_err = 0;
	if (!d->module.nl && !d->config.wait_for_module)
		return no_module();
	if (d->module.nl)
		log_info("module toe is there");
	else
		log_info("module toe is not loaded: waiting for it");
	err = round_begin(&d->round);
	if (!err)
		err = set_timer(d, d->module.nl);
	if (!err)
		err = firewall_begin(&d->firewall, d->module.nl);
	if (err)
		log_err("%s", strerror(-err));
	else
		say_status(d, "");
	return err;
}

/* Something failed that may be over with the next tick: say it once. */
static void failed(struct daemon *d, int err)
{
	if (d->last_err != err)
		log_warn("the module does not answer as it should: %s", strerror(-err));
	d->last_err = err;
}

static int look_for_module(struct daemon *d)
{
	bool changed;
	int err;

	err = module_look(&d->module, &changed);
	if (err) {
		failed(d, err);
		return set_timer(d, true);
	}
	return changed ? module_changed(d) : 0;
}

static int on_module(struct loop_source *source)
{
	return look_for_module(container_of(source, struct daemon, module.source));
}

/* Return: as loop_fn. */
static int connect_anew(struct daemon *d)
{
	int err = module_reconnect(&d->module);

	if (err)
		failed(d, err);
	else if (!d->module.nl)
		return module_changed(d);
	return 0;
}

/* Return: 1, 0 when it has not run down, or a negative errno. */
static int ticked(const struct loop_source *timer)
{
	uint64_t ticks;

	if (read(timer->fd, &ticks, sizeof(ticks)) > 0)
		return 1;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* Return: as ticked(). */
static int ticked_with_module(struct daemon *d, const struct loop_source *timer)
{
	int err = ticked(timer);

	if (err <= 0)
		return err;
	/* Its family's number may be another's by now. */
	err = look_for_module(d);
	return err ? err : 1;
}

static int on_firewall(struct loop_source *source)
{
	struct daemon *d = container_of(source, struct daemon, firewall.timer);
	int err = ticked_with_module(d, source);

	if (err <= 0)
		return err;
	err = firewall_look(&d->firewall, d->module.nl);
	if (!err)
		return 0;
	failed(d, err);
	return connect_anew(d);
}

static int on_timer(struct loop_source *source)
{
	struct daemon *d = container_of(source, struct daemon, timer);
	int err = ticked_with_module(d, source);

	if (err <= 0)
		return err;
	if (d->module.nl) {
		err = round_run(&d->round, d->module.nl, &d->config);
		if (!err) {
			d->last_err = 0;
			return 0;
		}
		failed(d, err);
	}
	return connect_anew(d);
}

/* The module is asked anew when it does not answer as it should. */
static int write_metrics(struct daemon *d)
{
	int err;

	if (!*d->config.metrics)
		return 0;
	err = metrics_write(d->config.metrics, d->module.nl);
	if (!err)
		return 0;
	failed(d, err);
	return connect_anew(d);
}

static int on_metrics(struct loop_source *source)
{
	struct daemon *d = container_of(source, struct daemon, metrics);
	int err = ticked_with_module(d, source);

	return err <= 0 ? err : write_metrics(d);
}

/* At once, and then in each interval. */
static int begin_metrics(struct daemon *d)
{
	int err = set_interval(&d->metrics, *d->config.metrics ? d->config.metrics_ms : 0);

	return err ? err : write_metrics(d);
}

static void end_metrics(const struct config *c)
{
	if (*c->metrics)
		metrics_remove(c->metrics);
}

static int reload(struct daemon *d)
{
	char why[CONFIG_WHY_LEN];
	struct config c;
	int err;

	notify_reloading();
	err = read_config(d, &c, why);
	if (err) {
		log_err("%s", why);
		log_err("the configuration stays as it was");
	} else {
		if (strcmp(d->config.metrics, c.metrics))
			end_metrics(&d->config);
		d->config = c;
		d->round.end_ns = 0;	/* the interval may be another one */
		log_set_level(c.log_level);
		log_info("the configuration was read again");
		err = set_timer(d, d->module.nl);
		if (err)
			log_err("timer: %s", strerror(-err));
		err = begin_metrics(d);
		if (err)
			return err;
	}
	say_status(d, "READY=1\n");
	return d->module.nl || d->config.wait_for_module ? 0 : no_module();
}

static int on_signal(struct loop_source *source)
{
	struct daemon *d = container_of(source, struct daemon, signals);
	struct signalfd_siginfo info;

	if (read(source->fd, &info, sizeof(info)) != sizeof(info))
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (info.ssi_signo == SIGHUP)
		return reload(d);
	notify("STOPPING=1");
	return LOOP_END;
}

static int open_sources(struct daemon *d, int epoll)
{
	sigset_t set;
	int err;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	d->signals = (struct loop_source) {
		signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), on_signal
	};
	d->timer = (struct loop_source) {
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), on_timer
	};
	d->metrics = (struct loop_source) {
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), on_metrics
	};
	if (d->signals.fd < 0 || d->timer.fd < 0 || d->metrics.fd < 0)
		return -errno;
	err = firewall_open(&d->firewall);
	d->firewall.timer.ready = on_firewall;
	err = err ? err : module_open(&d->module);
	d->module.source.ready = on_module;
	err = err ? err : loop_add(epoll, &d->signals);
	err = err ? err : loop_add(epoll, &d->firewall.timer);
	err = err ? err : loop_add(epoll, &d->module.source);
	err = err ? err : loop_add(epoll, &d->metrics);
	return err ? err : loop_add(epoll, &d->timer);
}

static int run(struct daemon *d)
{
	char why[LOCK_WHY_LEN];
	int lock, epoll, err;

	lock = lock_take(LOCK_DIR, why);
	if (lock < 0) {
		log_err("%s", why);
		return EXIT_FAIL;
	}
	err = privilege_drop();
	if (err) {
		log_err("%s", err == -EPERM ? "CAP_NET_ADMIN is missing" : strerror(-err));
		return EXIT_FAIL;
	}
	epoll = loop_open();
	err = epoll < 0 ? epoll : open_sources(d, epoll);
	if (err) {
		log_err("cannot start: %s", strerror(-err));
		return EXIT_FAIL;
	}
	err = module_changed(d);
	if (!err)
		err = begin_metrics(d);
	if (err)
		return EXIT_FAIL;
	say_status(d, "READY=1\n");
	err = loop_run(epoll);
	end_metrics(&d->config);
	round_free(&d->round);
	firewall_free(&d->firewall);
	if (err == LOOP_END) {
		log_info("ends");
		return EXIT_OK;
	}
	/* -ENOENT: it was said. */
	if (err != -ENOENT)
		log_err("cannot go on: %s", strerror(-err));
	return EXIT_FAIL;
}

static int check(const char *path)
{
	char why[CONFIG_WHY_LEN];
	struct config c;

	if (config_read(&c, path, why)) {
		fprintf(stderr, "toed: %s\n", why);
		return EXIT_USAGE;
	}
	return EXIT_OK;
}

static int bad_usage(const char *before, const char *word, const char *after)
{
	fprintf(stderr, "toed: %s'%s'%s (see 'toed --help')\n", before, word, after);
	return EXIT_USAGE;
}

static int say(const char *text)
{
	fputs(text, stdout);
	return fflush(stdout) ? EXIT_FAIL : EXIT_OK;
}

int main(int argc, char **argv)
{
	struct daemon d = { .path = CONFIG_PATH };
	char why[CONFIG_WHY_LEN];

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return say(usage);
	if (argc == 2 && !strcmp(argv[1], "--version"))
		return say("toed " TOED_VERSION "\n");
	if (argc > 1 && strcmp(argv[1], "--config") && strcmp(argv[1], "--check"))
		return bad_usage("unknown word ", argv[1], "");
	if (argc == 2)
		return bad_usage("", argv[1], " needs a file");
	if (argc > 3)
		return bad_usage("unknown word ", argv[3], "");
	if (argc == 3 && !strcmp(argv[1], "--check"))
		return check(argv[2]);
	if (argc == 3) {
		d.path = argv[2];
		d.path_given = true;
	}
	if (read_config(&d, &d.config, why)) {
		fprintf(stderr, "toed: %s\n", why);
		return EXIT_USAGE;
	}
	log_open();
	log_set_level(d.config.log_level);
	notify_open();
	return run(&d);
}
