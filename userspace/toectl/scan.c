// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <toe/policy.h>
#include "classifier.h"
#include "netns.h"
#include "scan.h"
#include "scan.skel.h"

/* Opens the object with one of its programs. */
static struct scan_bpf *open_scan(const struct ctl *ctl, const struct loaded *l,
				  const char *name)
{
	struct bpf_program *prog;
	struct scan_bpf *skel;

	bpf_quiet();
	skel = scan_bpf__open();
	if (!skel) {
		fail_bpf(ctl, "open the programs", -errno);
		return NULL;
	}
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), name));
	skel->rodata->attached_to = l->cgroup;
	if (!loaded_share(ctl, l, skel->obj, NULL))
		return skel;
	scan_bpf__destroy(skel);
	return NULL;
}

static int load_scan(const struct ctl *ctl, struct scan_bpf *skel)
{
	int err = scan_bpf__load(skel);

	return err ? fail_bpf(ctl, "load the program", err) : EXIT_OK;
}

/* Runs an iterator in this network namespace. */
static int run_iter(const struct ctl *ctl, void *arg)
{
	const struct bpf_link *link = arg;
	int fd = bpf_iter_create(bpf_link__fd(link));
	char nothing[64];
	ssize_t n;

	if (fd < 0)
		return fail(ctl, "start the iterator: %s", strerror(errno));
	do
		n = read(fd, nothing, sizeof(nothing));
	while (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)));
	if (n < 0)
		fail(ctl, "run the iterator: %s", strerror(errno));
	close(fd);
	return n < 0 ? EXIT_FAIL : EXIT_OK;
}

static int run_program(const struct ctl *ctl, const struct bpf_program *prog,
		       bool everywhere)
{
	struct bpf_link *link = bpf_program__attach_iter(prog, NULL);
	int ret;

	if (!link)
		return fail_bpf(ctl, "attach the iterator", -errno);
	ret = everywhere ? netns_each(ctl, run_iter, link) : run_iter(ctl, link);
	bpf_link__destroy(link);
	return ret;
}

int scan_all(const struct ctl *ctl, const struct loaded *l, enum toe_scan what,
	     struct toe_policy_counts *counts)
{
	struct scan_bpf *skel = open_scan(ctl, l, "scan");
	int ret;

	if (!skel)
		return EXIT_FAIL;
	skel->rodata->what = what;
	skel->rodata->attached = what != TOE_SCAN_FORGET;
	ret = load_scan(ctl, skel);
	if (!ret)
		ret = run_program(ctl, skel->progs.scan, true);
	if (!ret && counts)
		*counts = skel->bss->counts;
	scan_bpf__destroy(skel);
	return ret;
}

static int explain(const struct ctl *ctl, const struct loaded *l,
		   const struct toe_tuple *tuple, struct explained *e)
{
	struct scan_bpf *skel = open_scan(ctl, l, "explain");
	const struct toe_policy_explained *result;
	int ret;

	if (!skel)
		return EXIT_FAIL;
	memcpy((void *)&skel->rodata->wanted, tuple, sizeof(*tuple));
	skel->rodata->attached = 1;
	ret = load_scan(ctl, skel);
	if (!ret)
		ret = run_program(ctl, skel->progs.explain, false);
	if (!ret) {
		result = &skel->bss->explained;
		*e = (struct explained){
			.found = result->found,
			.facts = result->facts,
			.rule = result->rule,
			.watched = result->watched,
			.watch = result->watch,
		};
	}
	scan_bpf__destroy(skel);
	return ret;
}

static int test(const struct ctl *ctl, const struct loaded *l,
		const struct toe_policy_facts *facts, unsigned int *rule)
{
	struct toe_policy_query query = { .facts = *facts };
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		.data_in = &query,
		.data_size_in = sizeof(query),
		.data_out = &query,
		.data_size_out = sizeof(query),
	);
	struct scan_bpf *skel = open_scan(ctl, l, "policy_test");
	int ret, err;

	if (!skel)
		return EXIT_FAIL;
	ret = load_scan(ctl, skel);
	if (!ret) {
		err = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.policy_test),
					     &opts);
		if (err)
			ret = fail_bpf(ctl, "run the program", err);
		else if (query.error)
			ret = fail(ctl, "there is no cgroup %llu",
				   (unsigned long long)facts->cgroup);
	}
	*rule = query.rule;
	scan_bpf__destroy(skel);
	return ret;
}

int classifier_explain(const struct ctl *ctl, const struct toe_tuple *tuple,
		       struct explained *e)
{
	struct loaded l;
	int ret = loaded_open(ctl, &l);

	if (ret)
		return ret;
	ret = explain(ctl, &l, tuple, e);
	loaded_close(&l);
	return ret;
}

int classifier_test(const struct ctl *ctl, const struct toe_policy_facts *facts,
		    unsigned int *rule)
{
	struct loaded l;
	int ret = loaded_open(ctl, &l);

	if (ret)
		return ret;
	ret = test(ctl, &l, facts, rule);
	loaded_close(&l);
	return ret;
}
