// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <sys/epoll.h>

#include "loop.h"

#define EVENTS	16

int loop_open(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	return epoll < 0 ? -errno : epoll;
}

int loop_add(int epoll, struct loop_source *source)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = source };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, source->fd, &event) ? -errno : 0;
}

int loop_run(int epoll)
{
	struct epoll_event events[EVENTS];
	struct loop_source *source;
	int n, ret;

	for (;;) {
		n = epoll_wait(epoll, events, EVENTS, -1);
		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++) {
			source = events[i].data.ptr;
			ret = source->ready(source);
			if (ret)
				return ret;
		}
	}
}
