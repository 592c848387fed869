// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "await.h"

static int signals = -1;

/* What nohup, or a shell for its background, had ignored stays so. */
static void add_end(sigset_t *set, int signal)
{
	struct sigaction now;

	if (!sigaction(signal, NULL, &now) && now.sa_handler != SIG_IGN)
		sigaddset(set, signal);
}

int await_begin(const struct ctl *ctl, const int *more)
{
	sigset_t set;

	sigemptyset(&set);
	add_end(&set, SIGINT);
	add_end(&set, SIGTERM);
	add_end(&set, SIGHUP);
	add_end(&set, SIGQUIT);
	for (; more && *more; more++)
		sigaddset(&set, *more);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	return signals < 0 ? fail(ctl, "signalfd: %s", strerror(errno)) : EXIT_OK;
}

static enum await take_signal(const struct ctl *ctl, int *result)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info)) {
		fail(ctl, "signalfd: %s", strerror(errno));
		return AWAIT_ERROR;
	}
	switch (info.ssi_signo) {
	case SIGINT:
	case SIGTERM:
	case SIGHUP:
	case SIGQUIT:
		return AWAIT_END;
	}
	*result = info.ssi_signo;
	return AWAIT_SIGNAL;
}

enum await await(const struct ctl *ctl, int fd, int timeout_ms, int *signal)
{
	/* A pipe whose reader is gone says so without being asked. */
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
		{ .fd = fd, .events = POLLIN },
	};
	int n;

	do {
		n = poll(fds, sizeof(fds) / sizeof(fds[0]), timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		fail(ctl, "poll: %s", strerror(errno));
		return AWAIT_ERROR;
	}
	if (fds[0].revents)
		return take_signal(ctl, signal);
	if (fds[1].revents)
		return AWAIT_END;
	return fds[2].revents ? AWAIT_INPUT : AWAIT_TIME;
}

enum await await_flush(const struct ctl *ctl)
{
	if (!fflush(stdout) && !ferror(stdout))
		return AWAIT_TIME;
	if (errno == EPIPE)
		return AWAIT_END;
	finish(ctl);
	return AWAIT_ERROR;
}

int await_status(enum await end)
{
	return end == AWAIT_END ? EXIT_OK : EXIT_FAIL;
}
