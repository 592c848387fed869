// SPDX-License-Identifier: GPL-2.0-only
/*
 * config.c: what a file says, and that a wrong one changes nothing. The messages
 * are toed_test.sh's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../check.h"
#include "config.h"

static char why[CONFIG_WHY_LEN];

static int parse(struct config *c, const char *text, size_t len)
{
	FILE *file = fmemopen((void *)text, len, "r");
	int err;

	why[0] = 0;
	err = config_parse(c, file, "file", why);
	fclose(file);
	return err;
}

static bool same(const struct config *a, const struct config *b)
{
	return a->interval_ms == b->interval_ms &&
	       a->wait_for_module == b->wait_for_module &&
	       a->log_level == b->log_level && a->make_room == b->make_room &&
	       a->idle_rate == b->idle_rate && a->room_limit == b->room_limit &&
	       !strcmp(a->metrics, b->metrics) && a->metrics_ms == b->metrics_ms;
}

static const struct config other = {
	.interval_ms = 250, .wait_for_module = false, .log_level = LOG_LEVEL_DEBUG,
	.make_room = false, .idle_rate = 125000, .room_limit = 7,
	.metrics = "/run/x/toe.prom", .metrics_ms = 60000,
};

static const char all[] =
	"# a comment\n"
	"\n"
	"interval 250ms\n"
	"  wait-for-module\tno   # another\n"
	"log-level debug\r\n"
	"engine-full keep\n"
	"idle-rate 1mbit\n"
	"metrics /run/x/toe.prom\n"
	"metrics-interval 60s\n"
	"room-limit 7";

static void test_all(void)
{
	struct config c;

	CHECK(!parse(&c, all, strlen(all)));
	CHECK(same(&c, &other));
}

/* Comments alone; and the file that is shipped: both are the defaults. */
static void test_defaults(const char *path)
{
	struct config c = other, defaults;

	config_defaults(&defaults);
	CHECK(!parse(&c, "#\n", 2));
	CHECK(same(&c, &defaults));
	c = other;
	CHECK(!config_read(&c, path, why));
	CHECK(same(&c, &defaults));
}

static void test_shipped(void)
{
	test_defaults(getenv("TOED_CONF"));
}

static void test_unchanged(void)
{
	static const char * const wrong[] = {
		"interval 1s\nno-such-word 1\n", "interval\n", "interval 1s 2s\n",
		"interval 1s\ninterval 1s\n",
	};
	struct config c = other;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CHECK(parse(&c, wrong[i], strlen(wrong[i])) == -EINVAL);
		CHECK(same(&c, &other));
		CHECK(!strncmp(why, "file:", 5) && !strchr(why, '\n'));
	}
	CHECK(config_read(&c, "/no/such/file", why) == -ENOENT && same(&c, &other));
	CHECK(config_read(&c, "/", why) == -EISDIR && same(&c, &other));
}

/* Whatever a file holds, it is taken or refused in one short line. */
static void test_garbage(void)
{
	char text[256];

	for (unsigned int n = 0; n < 20000; n++) {
		struct config c = other;
		size_t len = sizeof(all) - 1;

		memcpy(text, all, len);
		for (unsigned int i = rand() % 4; i < 4; i++)
			text[rand() % len] = rand();
		len -= rand() % len;
		if (parse(&c, text, len))
			CHECK(why[0] && !strpbrk(why, "\n\r\033") && same(&c, &other));
		else
			CHECK(c.interval_ms >= 100 && c.interval_ms <= 60000 &&
			      c.room_limit >= 1 && c.metrics_ms >= 1000 &&
			      (!*c.metrics || *c.metrics == '/'));
	}
}

int main(void)
{
	static const struct test tests[] = {
		{ "each setting", test_all },
		{ "the defaults, and the file that is shipped", test_shipped },
		{ "a wrong file changes nothing", test_unchanged },
		{ "files of garbage", test_garbage },
	};

	srand(1);
	return run_tests(tests, sizeof(tests) / sizeof(tests[0]));
}
