// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "fault.h"
#include "log.h"
#include "sock.h"

#define MAX_CLIENTS	8
#define MAX_LINE	256
#define MAX_WORDS	5
#define CLIENT_NS	5000000000ull	/* a client that takes longer is cut off */

struct client {
	struct control *ctl;
	struct loop_fd lf;		/* fd -1: free */
	struct loop_timer limit;
	char line[MAX_LINE];
	size_t have;
	char *answer;			/* NULL: the line is not complete yet */
	size_t answer_len;
	size_t sent;
};

struct control {
	struct loop *loop;
	const char *path;
	struct card *card;
	struct device *device;
	struct loop_fd listener;
	struct client client[MAX_CLIENTS];
};

static void client_end(struct client *cl)
{
	loop_timer_disarm(cl->ctl->loop, &cl->limit);
	loop_del(cl->ctl->loop, &cl->lf);
	close(cl->lf.fd);
	cl->lf.fd = -1;
	free(cl->answer);
	cl->answer = NULL;
	/* Somebody may be waiting for the place. */
	loop_mod(cl->ctl->loop, &cl->ctl->listener, EPOLLIN);
}

static void client_limit(struct loop_timer *lt)
{
	client_end((void *)((char *)lt - offsetof(struct client, limit)));
}

/* A whole word that is a number */
static int parse_u32(const char *word, uint32_t *n)
{
	char *end;
	unsigned long long v;

	if (*word < '0' || *word > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(word, &end, 10);
	if (errno || *end || v > UINT32_MAX)
		return -EINVAL;
	*n = v;
	return 0;
}

/* The word comes from the client: nothing in it may break the JSON. */
static void answer_error(FILE *out, const char *what, const char *word)
{
	fprintf(out, "{\"error\":\"%s", what);
	if (*word)
		fputs(": ", out);
	for (; *word; word++)
		fputc(*word < ' ' || *word > '~' || strchr("\"\\", *word) ?
		      '?' : *word, out);
	fputs("\"}\n", out);
}

static void do_status(struct control *ctl, FILE *out)
{
	fputs("{\"card\":", out);
	card_status_json(ctl->card, out);
	fputs(",\"device\":", out);
	device_status_json(ctl->device, out);
	fputs("}\n", out);
}

static void do_fault(char **word, int n, FILE *out)
{
	uint32_t count, ms = 0;

	if (n < 3 || n > 4)
		answer_error(out, "fault needs NAME COUNT [MS]", "");
	else if (parse_u32(word[2], &count))
		answer_error(out, "not a count", word[2]);
	else if (n == 4 && parse_u32(word[3], &ms))
		answer_error(out, "not a number of milliseconds", word[3]);
	else if (fault_arm(word[1], count, ms))
		answer_error(out, "no such fault", word[1]);
	else
		fputs("{\"ok\":true}\n", out);
}

static void run_line(struct control *ctl, char *line, FILE *out)
{
	char *word[MAX_WORDS + 1], *save = NULL, *w;
	int n = 0;

	for (w = strtok_r(line, " \t\r", &save); w && n <= MAX_WORDS;
	     w = strtok_r(NULL, " \t\r", &save))
		word[n++] = w;
	if (!n)
		answer_error(out, "an empty line", "");
	else if (!strcmp(word[0], "fault"))
		do_fault(word, n, out);
	else if (strcmp(word[0], "status"))
		answer_error(out, "unknown word", word[0]);
	else if (n > 1)
		answer_error(out, "unknown word", word[1]);
	else
		do_status(ctl, out);
}

static void client_write(struct client *cl)
{
	ssize_t n;

	while (cl->sent < cl->answer_len) {
		n = send(cl->lf.fd, cl->answer + cl->sent,
			 cl->answer_len - cl->sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			loop_mod(cl->ctl->loop, &cl->lf, EPOLLOUT);
			return;
		}
		if (n < 0)
			break;
		cl->sent += n;
	}
	client_end(cl);
}

static void client_read(struct client *cl)
{
	char *end;
	ssize_t n;
	FILE *out;

	n = recv(cl->lf.fd, cl->line + cl->have, MAX_LINE - cl->have, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_end(cl);
		return;
	}
	cl->have += n;
	end = memchr(cl->line, '\n', cl->have);
	if (!end && cl->have < MAX_LINE)
		return;
	out = open_memstream(&cl->answer, &cl->answer_len);
	if (!out) {
		client_end(cl);
		return;
	}
	if (end) {
		*end = 0;
		run_line(cl->ctl, cl->line, out);
	} else {
		answer_error(out, "the line is too long", "");
	}
	if (fclose(out))
		client_end(cl);
	else
		client_write(cl);
}

static void client_ready(struct loop_fd *lf, uint32_t events)
{
	struct client *cl = (void *)((char *)lf - offsetof(struct client, lf));

	(void)events;
	if (cl->answer)
		client_write(cl);
	else
		client_read(cl);
}

static void listener_ready(struct loop_fd *lf, uint32_t events)
{
	struct control *ctl = (void *)((char *)lf -
				       offsetof(struct control, listener));
	struct client *cl;
	unsigned int i;

	(void)events;
	for (i = 0; i < MAX_CLIENTS && ctl->client[i].lf.fd >= 0; i++)
		;
	if (i == MAX_CLIENTS) {
		/* They wait until client_end(). */
		loop_mod(ctl->loop, lf, 0);
		return;
	}
	cl = &ctl->client[i];
	cl->lf.fd = accept4(lf->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (cl->lf.fd < 0)
		return;
	cl->have = 0;
	cl->sent = 0;
	if (loop_add(ctl->loop, &cl->lf, EPOLLIN)) {
		close(cl->lf.fd);
		cl->lf.fd = -1;
		return;
	}
	loop_timer_arm(ctl->loop, &cl->limit, CLIENT_NS);
}

struct control *control_new(struct loop *l, const char *path, struct card *c,
			    struct device *d)
{
	struct control *ctl = calloc(1, sizeof(*ctl));
	unsigned int i;
	int err;

	if (!ctl) {
		log_err("control: out of memory");
		return NULL;
	}
	ctl->loop = l;
	ctl->path = path;
	ctl->card = c;
	ctl->device = d;
	for (i = 0; i < MAX_CLIENTS; i++) {
		ctl->client[i].ctl = ctl;
		ctl->client[i].lf.fd = -1;
		ctl->client[i].lf.ready = client_ready;
		ctl->client[i].limit.expired = client_limit;
	}
	ctl->listener.ready = listener_ready;
	err = sock_listen(path);
	if (err >= 0) {
		ctl->listener.fd = err;
		err = loop_add(l, &ctl->listener, EPOLLIN);
		if (!err)
			return ctl;
		close(ctl->listener.fd);
		unlink(path);
	}
	log_err("control: listening on %s: %s", path, strerror(-err));
	free(ctl);
	return NULL;
}

void control_free(struct control *ctl)
{
	unsigned int i;

	if (!ctl)
		return;
	for (i = 0; i < MAX_CLIENTS; i++)
		if (ctl->client[i].lf.fd >= 0)
			client_end(&ctl->client[i]);
	loop_del(ctl->loop, &ctl->listener);
	close(ctl->listener.fd);
	unlink(ctl->path);
	free(ctl);
}

int control_ask(const char *path, int num_words, char **words)
{
	static const char error[] = "{\"error\"";
	char buf[4096], head[sizeof(error)] = "";
	size_t len = 0, total = 0;
	ssize_t n;
	int i, fd;

	for (i = 0; i < num_words; i++) {
		n = snprintf(buf + len, MAX_LINE - len, "%s%s", i ? " " : "",
			     words[i]);
		if (n < 0 || len + n >= MAX_LINE - 1) {
			fprintf(stderr, "toecard: the request is too long\n");
			return 1;
		}
		len += n;
	}
	buf[len++] = '\n';
	fd = sock_connect(path);
	if (fd < 0) {
		fprintf(stderr, "toecard: no card answers at %s: %s\n", path,
			strerror(-fd));
		return 1;
	}
	if (send(fd, buf, len, MSG_NOSIGNAL) != (ssize_t)len) {
		fprintf(stderr, "toecard: %s: %s\n", path, strerror(errno));
		close(fd);
		return 1;
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (i = 0; i < n && total + i < sizeof(head) - 1; i++)
			head[total + i] = buf[i];
		total += n;
		fwrite(buf, 1, n, stdout);
	}
	close(fd);
	if (n < 0 || !total) {
		fprintf(stderr, "toecard: %s: the card gave no answer\n", path);
		return 1;
	}
	if (fflush(stdout))
		return 1;
	return !strcmp(head, error);
}
