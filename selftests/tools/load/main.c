// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "load.h"

char *buffer;

void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

uint64_t number(const char *word, uint64_t most)
{
	char *end;
	uint64_t n = strtoull(word, &end, 10);

	if (*end || !n || n > most) {
		fprintf(stderr, "load: '%s' is no number from 1 to %" PRIu64 "\n", word, most);
		exit(2);
	}
	return n;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void write_all(int fd, size_t n)
{
	ssize_t r;

	for (; n; n -= r) {
		r = write(fd, buffer, n);
		if (r < 0)
			die("write");
	}
}

void read_all(int fd, size_t n)
{
	ssize_t r;

	for (; n; n -= r) {
		r = read(fd, buffer, n);
		if (!r)
			errno = ECONNRESET;
		if (r <= 0)
			die("read");
	}
}

int dial(const char *address, const char *port, enum want want, uint64_t bytes)
{
	struct wish wish = { .want = want, .bytes = bytes };
	struct sockaddr_storage sa = { 0 };
	struct sockaddr_in6 *v6 = (void *)&sa;
	struct sockaddr_in *v4 = (void *)&sa;
	int fd, one = 1;

	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(number(port, UINT16_MAX));
	} else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(number(port, UINT16_MAX));
	} else {
		fprintf(stderr, "load: '%s' is no address\n", address);
		exit(2);
	}
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("connect");
	if (write(fd, &wish, sizeof(wish)) != sizeof(wish))
		die("write");
	return fd;
}

void abandon(int fd)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

struct tcp_info tcp_info(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		die("TCP_INFO");
	return info;
}

bool is_send(const char *word)
{
	bool sends = !strcmp(word, "send");

	if (!sends && strcmp(word, "receive")) {
		errno = EINVAL;
		die(word);
	}
	return sends;
}

void warm(void)
{
	char line[16];

	puts("ok warm");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		exit(1);
}

void done(uint64_t bytes, uint64_t begin_ns)
{
	printf("ok bytes=%" PRIu64 " ns=%" PRIu64 "\n", bytes, now_ns() - begin_ns);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct rlimit files;

	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	buffer = aligned_alloc(4096, BUFFER);
	if (!buffer)
		die("memory");
	memset(buffer, 'x', BUFFER);
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(argv[2]);
	if (argc == 8 && !strcmp(argv[1], "bulk"))
		return bulk(argc - 2, argv + 2);
	if (argc == 7 && !strcmp(argv[1], "rr"))
		return rr(argc - 2, argv + 2);
	if (argc == 8 && !strcmp(argv[1], "many"))
		return many(argc - 2, argv + 2);
	if (argc == 6 && !strcmp(argv[1], "short"))
		return short_flows(argc - 2, argv + 2);
	if (argc == 6 && !strcmp(argv[1], "opens"))
		return opens(argc - 2, argv + 2);
	if (argc == 6 && !strcmp(argv[1], "moves"))
		return moves(argc - 2, argv + 2);
	if (argc == 4 && !strcmp(argv[1], "shove"))
		return shove(argc - 2, argv + 2);
	if (argc == 7 && !strcmp(argv[1], "gap"))
		return gap(argc - 2, argv + 2);
	if (argc == 6 && !strcmp(argv[1], "copy"))
		return copy(argc - 2, argv + 2);
	fputs("usage: load serve PORT |\n"
	      "       load bulk { send | receive | sendfile | splice } ADDRESS PORT FLOWS BYTES CALL |\n"
	      "       load rr ADDRESS PORT FLOWS COUNT SIZE |\n"
	      "       load many { send | receive } ADDRESS PORT FLOWS SECONDS CALL |\n"
	      "       load short ADDRESS PORT COUNT SIZE |\n"
	      "       load opens ADDRESS PORT FLOWS SECONDS |\n"
	      "       load moves ADDRESS PORT FLOWS SECONDS |\n"
	      "       load shove PORT ROUNDS |\n"
	      "       load gap { send | receive } ADDRESS PORT MS CALL |\n"
	      "       load copy { in | out } FILE COUNT CALL\n", stderr);
	return 2;
}
