// SPDX-License-Identifier: GPL-2.0-only
/*
 * The BPF program "policy_test" in the running kernel says what the rules say,
 * one by one. Needs root; mounts are in a namespace of its own, and it removes
 * the cgroups that it makes. KTAP on standard output.
 *
 * Usage: match_test [ROUNDS [SEED]]
 *
 * ROUNDS: how many policies of each size there are with any conditions together.
 */
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "policy_maps.h"
#include "random.h"
#include "classify.skel.h"
#include "scan.skel.h"

#define CGROUP2 "/sys/fs/cgroup"

static char base[64];
static uint64_t *ids;
static char failure[600];
static unsigned int largest;
static unsigned int rounds = 5;

#define FAIL(...) do {							\
	if (!*failure)							\
		snprintf(failure, sizeof(failure), __VA_ARGS__);	\
} while (0)

/* The rules' cgroups stand below one of our own. */
static void our_path(char *path, size_t len, const char *cgroup)
{
	snprintf(path, len, "%s%s", base, strcmp(cgroup, "/") ? cgroup : "");
}

/* mkdir -p; the inode number of a cgroup is its id. */
static uint64_t make_cgroup(const char *cgroup)
{
	char path[1024], *slash = path;
	struct stat st;

	our_path(path, sizeof(path), cgroup);
	slash += strlen(base);
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	mkdir(path, 0755);
	if (stat(path, &st)) {
		FAIL("%.500s: %s", path, strerror(errno));
		return 0;
	}
	return st.st_ino;
}

static void remove_cgroups(void)
{
	char path[1024], *slash;
	unsigned int i;

	for (i = 0; i < n_cgroups; i++) {
		our_path(path, sizeof(path), cgroups[i]);
		while (strlen(path) > strlen(base) && (!rmdir(path) || errno != EBUSY)) {
			slash = strrchr(path, '/');
			*slash = '\0';
		}
	}
	rmdir(base);
}

static bool make_cgroups(void)
{
	unsigned int i;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return false;
	/* Where it is mounted already it cannot be mounted over itself. */
	if (mount("none", CGROUP2, "cgroup2", 0, NULL) && errno != EBUSY)
		return false;
	snprintf(base, sizeof(base), CGROUP2 "/toe-match-%u", getpid());
	if (mkdir(base, 0755))
		return false;
	atexit(remove_cgroups);
	ids = calloc(n_cgroups, sizeof(*ids));
	for (i = 0; ids && i < n_cgroups; i++)
		ids[i] = make_cgroup(cgroups[i]);
	return ids;
}

/* Puts our own cgroup before those of the rules. */
static void move_rules(struct toe_policy *p)
{
	char path[TOE_RULE_CGROUP_LEN + sizeof(base)];
	unsigned int i;

	for (i = 0; i < p->n; i++) {
		struct toe_rule *r = &p->rules[i];

		if (!(r->asks & 1u << TOE_DIM_CGROUP))
			continue;
		snprintf(path, sizeof(path), "%s%s", base + strlen(CGROUP2),
			 strcmp(r->cgroup, "/") ? r->cgroup : "");
		/* One folder more may be one too many. */
		if (strstr(path, "/15"))
			strcpy(strstr(path, "/15"), "");
		strcpy(r->cgroup, path);
	}
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char words[400];

	vsnprintf(words, sizeof(words), fmt, ap);
	if (level == LIBBPF_WARN)
		FAIL("%s", strtok(words, "\n"));
	return 0;
}

/* The others are not run here, but they must pass the verifier as well. */
static int load_others(const struct toe_policy_image *img)
{
	struct classify_bpf *classify = classify_bpf__open();
	struct scan_bpf *scan = scan_bpf__open();
	int err = -ENOMEM;

	if (classify && scan) {
		memcpy((void *)&classify->rodata_head->head, &img->head, sizeof(img->head));
		memcpy((void *)&scan->rodata_head->head, &img->head, sizeof(img->head));
		err = policy_maps_size(classify->obj, img);
		if (!err)
			err = policy_maps_size(scan->obj, img);
		if (!err)
			err = classify_bpf__load(classify);
		if (!err)
			err = scan_bpf__load(scan);
	}
	classify_bpf__destroy(classify);
	scan_bpf__destroy(scan);
	return err;
}

static struct scan_bpf *load(const struct toe_policy *p)
{
	struct toe_policy_image img;
	char why[TOE_WHY_LEN] = "";
	struct scan_bpf *skel;
	int err;

	if (toe_policy_compile(p, &img, why)) {
		FAIL("%s", why);
		return NULL;
	}
	skel = scan_bpf__open();
	if (!skel)
		return NULL;
	bpf_program__set_autoload(skel->progs.scan, false);
	bpf_program__set_autoload(skel->progs.explain, false);
	memcpy((void *)&skel->rodata_head->head, &img.head, sizeof(img.head));
	err = policy_maps_size(skel->obj, &img);
	if (!err)
		err = scan_bpf__load(skel);
	if (!err)
		err = policy_maps_fill(skel->obj, &img);
	if (!err)
		err = load_others(&img);
	toe_policy_image_free(&img);
	if (!err)
		return skel;
	FAIL("%u rules: %s", p->n, strerror(-err));
	scan_bpf__destroy(skel);
	return NULL;
}

static unsigned int ask(const struct scan_bpf *skel, const struct toe_policy_facts *f)
{
	struct toe_policy_query query = { .facts = *f }, reply = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.data_in = &query,
		.data_size_in = sizeof(query),
		.data_out = &reply,
		.data_size_out = sizeof(reply),
	);

	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.policy_test), &opts) ||
	    reply.error)
		FAIL("the program does not run: %s", strerror(reply.error ? -reply.error : errno));
	return reply.rule;
}

static void note_size(const struct scan_bpf *skel)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	if (!bpf_prog_get_info_by_fd(bpf_program__fd(skel->progs.policy_test), &info, &len) &&
	    info.verified_insns > largest)
		largest = info.verified_insns;
}

/* Return: how many connections some rule took. */
static unsigned int compare(unsigned int rules, uint32_t dims, unsigned int connections)
{
	struct toe_policy_facts f;
	struct toe_policy p;
	struct scan_bpf *skel;
	uint64_t at = seed;
	unsigned int i, taken = 0;
	char path[1024];

	random_policy(&p, rules, dims);
	move_rules(&p);
	skel = load(&p);
	for (i = 0; skel && i < connections; i++) {
		unsigned int cgroup = random_facts(&p, &f), want, got;

		f.cgroup = ids[cgroup];
		our_path(path, sizeof(path), cgroups[cgroup]);
		want = toe_policy_match(&p, &f, path + strlen(CGROUP2));
		got = ask(skel, &f);
		if (got != want)
			FAIL("seed %llu, %u rules, dimensions 0x%x, connection %u: rule %d, not %d",
			     (unsigned long long)at, p.n, dims, i, (int)got, (int)want);
		taken += want != TOE_POLICY_NO_RULE;
	}
	if (skel)
		note_size(skel);
	scan_bpf__destroy(skel);
	toe_policy_free(&p);
	return taken;
}

static void test_dims(void)
{
	unsigned int dim;

	for (dim = 0; dim < __TOE_DIM_MAX; dim++) {
		compare(3, 1u << dim, 200);
		compare(70, 1u << dim, 300);
	}
}

static void test_any(void)
{
	static const unsigned int sizes[] = { 0, 1, 5, 64, 65, 300 };
	unsigned int i, j, taken = 0, all = 0;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (j = 0; j < rounds; j++, all += 500)
			taken += compare(sizes[i], any(1u << __TOE_DIM_MAX), 500);
	/* Or else the comparison would say nothing. */
	if (taken < all / 10 || taken > all - all / 10)
		FAIL("%u of %u connections were taken by a rule", taken, all);
}

static void test_large(void)
{
	compare(1024, ~0u, 3000);
	compare(TOE_POLICY_MAX_RULES, ~0u, 1000);
	printf("# the verifier looked at %u instructions at most\n", largest);
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "each dimension alone", test_dims },
	{ "any of them together", test_any },
	{ "with thousands of rules, too", test_large },
};

int main(int argc, char **argv)
{
	unsigned int i, n = sizeof(tests) / sizeof(*tests);
	int ret = 0;

	if (argc > 1)
		rounds = strtoul(argv[1], NULL, 0);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 0);
	if (!rounds || argc > 3) {
		fprintf(stderr, "Usage: match_test [ROUNDS [SEED]]\n");
		return 2;
	}
	printf("TAP version 13\n");
	if (geteuid() || !make_cgroups()) {
		printf("1..0 # SKIP needs root and cgroup2\n");
		return 0;
	}
	libbpf_set_print(quiet);
	printf("1..%u\n", n);
	for (i = 0; i < n; i++) {
		*failure = '\0';
		tests[i].run();
		printf("%sok %u %s%s%s\n", *failure ? "not " : "", i + 1, tests[i].name,
		       *failure ? " # " : "", failure);
		ret |= !!*failure;
	}
	return ret;
}
