// SPDX-License-Identifier: GPL-2.0-only
/*
 * at - runs a command for `lab host` and ends it when the caller goes away
 *
 * sshd lets the command of a vanished client run on. So the command gets a
 * process group of its own, and when the reader of its output is gone, the group
 * is ended. What the command has put in a session of its own (a daemon) stays.
 *
 * Usage: at CMD...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_MS	500

int main(int argc, char **argv)
{
	struct pollfd fds[] = {
		{ .events = POLLIN },			/* the command's end */
		{ .fd = STDOUT_FILENO },		/* the reader's end */
		{ .fd = STDERR_FILENO },
	};
	int status;
	pid_t pid;

	if (argc < 2) {
		fprintf(stderr, "usage: at CMD...\n");
		return 2;
	}

	pid = fork();
	if (pid < 0) {
		perror("at: fork");
		return 125;
	}
	if (!pid) {
		setpgid(0, 0);
		execvp(argv[1], argv + 1);
		fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		_exit(errno == ENOENT ? 127 : 126);
	}
	setpgid(pid, pid);

	fds[0].fd = syscall(SYS_pidfd_open, pid, 0);
	while (poll(fds, 3, -1) < 0 && errno == EINTR)
		;
	if (!fds[0].revents) {
		kill(-pid, SIGTERM);
		if (poll(fds, 1, GRACE_MS) <= 0)
			kill(-pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) != pid)
		return 125;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
