// SPDX-License-Identifier: GPL-2.0-only
/* What an actor on the host can ask module toe about its connection. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "actor.h"
#include "names.h"
#include "netlink.h"
#include "tuple.h"

#define MAX_BUSY	50	/* times in a row that a flow may be not calm */

static struct toe_nl *nl;

/* Anew each time: the module may have been reloaded. */
static int module_open(void)
{
	int err;

	toe_nl_close(nl);
	err = toe_nl_open(&nl);
	if (err) {
		nl = NULL;
		printf("error module: %s\n", strerror(-err));
	}
	return err;
}

/* The name of the last connection: it may be closed by now. */
static struct toe_flow_key key;

static int key_refresh(void)
{
	struct toe_tuple t;

	if (!socket_tuple(conn.fd, &t))
		key.tuple = t;
	return key.tuple.family ? 0 : -ENOTCONN;
}

static int say_error(int err)
{
	printf("error %s: %s\n", strerrorname_np(-err), toe_nl_text(nl));
	return err;
}

int do_offload(int n, char **word)
{
	uint64_t start;
	int err;

	(void)n;
	(void)word;
	if (module_open())
		return 0;
	err = key_refresh();
	start = now_ns();
	if (!err)
		err = toe_nl_flow_offload(nl, &key.tuple);
	if (err)
		return say_error(err);
	printf("ok us=%llu\n", (unsigned long long)(now_ns() - start) / 1000);
	return 0;
}

int do_return(int n, char **word)
{
	uint64_t start;
	int err;

	(void)n;
	(void)word;
	if (module_open())
		return 0;
	err = key_refresh();
	start = now_ns();
	if (!err)
		err = toe_nl_flow_return(nl, &key, TOE_REASON_ADMIN);
	if (err)
		return say_error(err);
	printf("ok us=%llu\n", (unsigned long long)(now_ns() - start) / 1000);
	return 0;
}

/* state= none: the module knows no such flow */
int do_flow(int n, char **word)
{
	struct toe_flow f;
	int err;

	(void)n;
	(void)word;
	if (module_open())
		return 0;
	err = key_refresh();
	if (!err)
		err = toe_nl_flow_get(nl, &key, &f);
	if (err == -ENOENT) {
		puts("ok state=none");
		return 0;
	}
	if (err)
		return say_error(err);
	printf("ok state=%s reason=%s id=%u engine=%s tx_engine=%llu rx_engine=%llu "
	       "tx_total=%llu rx_total=%llu opens=%u open_us=%llu close_us=%llu "
	       "rule=%u fails=%u retry_ms=%llu\n",
	       toe_state_name(f.state), toe_reason_name(f.reason), f.id, f.engine,
	       (unsigned long long)f.tx_engine, (unsigned long long)f.rx_engine,
	       (unsigned long long)f.tx_total, (unsigned long long)f.rx_total,
	       f.opens, (unsigned long long)f.open_ns / 1000,
	       (unsigned long long)f.close_ns / 1000, f.rule, f.fails,
	       (unsigned long long)f.retry_ns / 1000000);
	return 0;
}

/* What would become of a signal: reason=none: it would be tried */
int do_why(int n, char **word)
{
	struct toe_why why;
	int err;

	(void)n;
	(void)word;
	if (module_open())
		return 0;
	err = key_refresh();
	if (!err)
		err = toe_nl_flow_why(nl, &key.tuple, &why);
	if (err)
		return say_error(err);
	printf("ok reason=%s bytes=%llu engine=%s known=%d\n",
	       toe_reason_name(why.reason), (unsigned long long)why.bytes,
	       why.engine, why.known);
	return 0;
}

/* All counters: KEY, refused/REASON, returned/REASON, flows/STATE */
int do_stats(int n, char **word)
{
	struct toe_stats *s = calloc(1, sizeof(*s));
	unsigned int i;
	int err;

	(void)n;
	(void)word;
	if (module_open())
		goto out;
	err = toe_nl_stats_get(nl, s);
	if (err) {
		say_error(err);
		goto out;
	}
	printf("ok");
	for (i = 0; i < s->counters.n && toe_stat_name(i); i++)
		printf(" %s=%llu", toe_stat_name(i),
		       (unsigned long long)s->counters.val[i]);
	for (i = 0; i < s->refused.n && toe_reason_name(i); i++)
		printf(" refused/%s=%llu", toe_reason_name(i),
		       (unsigned long long)s->refused.val[i]);
	for (i = 0; i < s->returned.n && toe_reason_name(i); i++)
		printf(" returned/%s=%llu", toe_reason_name(i),
		       (unsigned long long)s->returned.val[i]);
	for (i = 0; i < s->flows.n && toe_state_name(i); i++)
		printf(" flows/%s=%llu", toe_state_name(i),
		       (unsigned long long)s->flows.val[i]);
	putchar('\n');
out:
	free(s);
	return 0;
}

static void nap(uint32_t ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	if (ms)
		nanosleep(&ts, NULL);
}

/* Out and back, COUNT times. The pauses vary, so that the moves meet the
 * connection in many situations.
 */
void job_handover(struct job *job)
{
	uint32_t i = 0, busy = 0, in_row = 0, count = job->order.count;
	uint64_t *open = calloc(count + 1, sizeof(*open));
	uint64_t *close = calloc(count + 1, sizeof(*close));
	char opens[128] = "", closes[128] = "";
	struct toe_nl *mine = NULL;
	struct toe_flow f = { 0 };
	const char *what = "open";
	struct toe_flow_key k = { 0 };
	unsigned int seed = 3;
	int err;

	err = socket_tuple(conn.fd, &k.tuple);
	if (!err)
		err = toe_nl_open(&mine);
	while (!err && i < count && !job->stop) {
		what = "offload";
		err = toe_nl_flow_offload(mine, &k.tuple);
		if (err == -EBUSY && ++in_row < MAX_BUSY) {
			busy++;
			err = 0;
			continue;
		}
		in_row = 0;
		if (err)
			break;
		nap(1 + rand_r(&seed) % (2 * job->order.pause_ms + 1));
		what = "return";
		err = toe_nl_flow_return(mine, &k, TOE_REASON_ADMIN);
		if (err)
			break;
		what = "get";
		err = toe_nl_flow_get(mine, &k, &f);
		if (err)
			break;
		open[i] = f.open_ns;
		close[i] = f.close_ns;
		i++;
		job->bytes = i;
		nap(1 + rand_r(&seed) % (2 * job->order.pause_ms + 1));
	}
	job->error = -err;
	percentiles(open, i, "open", opens, sizeof(opens));
	percentiles(close, i, "close", closes, sizeof(closes));
	snprintf(job->result, sizeof(job->result),
		 " count=%u busy=%u step=%s%s%s tx_engine=%llu rx_engine=%llu", i,
		 busy, what, opens, closes, (unsigned long long)f.tx_engine,
		 (unsigned long long)f.rx_engine);
	toe_nl_close(mine);
	free(open);
	free(close);
}
