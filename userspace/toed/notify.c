// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "notify.h"

static struct sockaddr_un addr;
static socklen_t addr_len;
static int fd = -1;

void notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;

	/* A path, or with '@' a name without a file */
	if (len < 2 || len >= sizeof(addr.sun_path) || (*path != '/' && *path != '@'))
		return;
	addr.sun_family = AF_UNIX;
	memcpy(addr.sun_path, path, len);
	addr_len = offsetof(struct sockaddr_un, sun_path) + len;
	if (*path == '@')
		addr.sun_path[0] = 0;
	else
		addr_len++;
	unsetenv("NOTIFY_SOCKET");
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

void notify(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int len;

	if (fd < 0)
		return;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len >= (int)sizeof(text))
		len = sizeof(text) - 1;
	/* Nothing would be better for knowing that it failed. */
	if (len > 0)
		sendto(fd, text, len, MSG_NOSIGNAL, (struct sockaddr *)&addr, addr_len);
}

void notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	notify("RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	       (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}
