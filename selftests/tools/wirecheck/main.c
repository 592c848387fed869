// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "wirecheck.h"

static const char usage[] =
	"Usage: wirecheck FILE host ADDRESS[,ADDRESS...] [port PORT[-PORT]]\n"
	"                 [show N] [except RULE[,RULE...]]\n"
	"\n"
	"Judges what the host sent, by a capture (pcap or pcapng) of the interface of\n"
	"its peer. Writes what is wrong, N (5) of each kind, then one line: \"ok\" or\n"
	"\"wrong\", and figures. Of the rules that are excepted only the figures are\n"
	"told. Status 0: nothing is wrong; 1: something is; 2: usage,\n"
	"or the file cannot be read.\n";

static int fail(const char *what, const char *word)
{
	fprintf(stderr, "wirecheck: %s%s%s\n", what, word ? ": " : "", word ? word : "");
	return 2;
}

static bool hosts_parse(struct check *c, char *words)
{
	char *word, *rest = NULL;
	struct in_addr in;

	for (word = strtok_r(words, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		uint8_t addr[16] = { [10] = 0xff, [11] = 0xff };

		if (inet_pton(AF_INET, word, &in) == 1)
			memcpy(addr + 12, &in, 4);
		else if (inet_pton(AF_INET6, word, addr) != 1)
			return false;
		c->hosts = reallocarray(c->hosts, c->num_hosts + 1, sizeof(addr));
		if (!c->hosts)
			abort();
		memcpy(c->hosts[c->num_hosts++], addr, sizeof(addr));
	}
	return c->num_hosts;
}

static bool number(const char *word, const char **rest, unsigned long max,
		   unsigned long *out)
{
	char *end;

	if (*word < '0' || *word > '9')
		return false;
	*out = strtoul(word, &end, 10);
	*rest = end;
	return *out <= max;
}

static bool ports_parse(struct check *c, const char *word)
{
	unsigned long low, high;
	const char *rest;

	if (!number(word, &rest, 65535, &low))
		return false;
	high = low;
	if (*rest == '-' && !number(rest + 1, &rest, 65535, &high))
		return false;
	c->ports[0] = (uint16_t)low;
	c->ports[1] = (uint16_t)high;
	return !*rest && low <= high;
}

static bool show_parse(struct check *c, const char *word)
{
	unsigned long show;
	const char *rest;

	if (!number(word, &rest, 1000000, &show) || *rest)
		return false;
	c->show = (unsigned int)show;
	return true;
}

static bool except_parse(struct check *c, char *words)
{
	char *word, *rest = NULL;
	int i;

	for (word = strtok_r(words, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		for (i = 0; i < RULE_MAX && strcmp(word, rule_names[i]); i++)
			;
		if (i == RULE_MAX)
			return false;
		c->except[i] = true;
	}
	return true;
}

static void report(const struct figures *f)
{
	printf("%s frames=%llu connections=%llu segments=%llu bytes=%llu resent=%llu "
	       "acks=%llu shut=%llu probes=%llu wraps=%llu fins=%llu wrongs=%llu",
	       f->wrongs ? "wrong" : "ok", (unsigned long long)f->frames,
	       (unsigned long long)f->connections, (unsigned long long)f->segments,
	       (unsigned long long)f->bytes, (unsigned long long)f->resent,
	       (unsigned long long)f->acks, (unsigned long long)f->shut,
	       (unsigned long long)f->probes, (unsigned long long)f->wraps,
	       (unsigned long long)f->fins, (unsigned long long)f->wrongs);
	for (int i = 0; i < RULE_MAX; i++)
		if (f->wrong[i])
			printf(" %s=%llu", rule_names[i],
			       (unsigned long long)f->wrong[i]);
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct check c = { .ports = { 0, 65535 }, .show = 5, .out = stdout };
	char err[512];
	int i, ret;

	if (argc == 2 && (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help"))) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc < 4 || argc % 2)
		return fputs(usage, stderr), 2;
	for (i = 2; i < argc; i += 2) {
		if (!strcmp(argv[i], "host")) {
			if (!hosts_parse(&c, argv[i + 1]))
				return fail("not an address", argv[i + 1]);
		} else if (!strcmp(argv[i], "port")) {
			if (!ports_parse(&c, argv[i + 1]))
				return fail("not a port", argv[i + 1]);
		} else if (!strcmp(argv[i], "show")) {
			if (!show_parse(&c, argv[i + 1]))
				return fail("not a number", argv[i + 1]);
		} else if (!strcmp(argv[i], "except")) {
			if (!except_parse(&c, argv[i + 1]))
				return fail("there is no such rule", argv[i + 1]);
		} else {
			return fail("unknown word", argv[i]);
		}
	}
	if (!c.num_hosts)
		return fail("no host", NULL);
	if (check_file(&c, argv[1], err, sizeof(err))) {
		ret = fail(err, NULL);
	} else {
		report(&c.figures);
		ret = c.figures.wrongs ? 1 : 0;
	}
	check_free(&c);
	free(c.hosts);
	return ret;
}
