// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "legacy.h"
#include "log.h"

#define READ_TRIES	10

/* The two families have structures of the same layout. */
_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo) &&
	       offsetof(struct ipt_getinfo, size) == offsetof(struct ip6t_getinfo, size),
	       "alike");
_Static_assert(offsetof(struct ipt_get_entries, entrytable) ==
	       offsetof(struct ip6t_get_entries, entrytable), "alike");

static const struct family {
	const char *names;
	int family;
	int level;
	int get_info;
	int get_entries;
} families[] = {
	{ "/proc/net/ip_tables_names", AF_INET, IPPROTO_IP,
	  IPT_SO_GET_INFO, IPT_SO_GET_ENTRIES },
	{ "/proc/net/ip6_tables_names", AF_INET6, IPPROTO_IPV6,
	  IP6T_SO_GET_INFO, IP6T_SO_GET_ENTRIES },
};

/**
 * struct look - a picture that is being taken
 * @f: of this family
 * @sock: to ask with, or -1
 * @now: the picture: of each table struct ipt_getinfo and the entries
 */
struct look {
	const struct family *f;
	int sock;
	struct picture now;
};

static void *grow(struct picture *p, size_t by)
{
	char *data = realloc(p->data, p->len + by);

	if (!data)
		return NULL;
	p->data = data;
	p->len += by;
	return data + p->len - by;
}

/* -EAGAIN: the table changed between the two questions. */
static int read_entries(struct look *l, const struct ipt_getinfo *info)
{
	socklen_t len = sizeof(struct ipt_get_entries) + info->size;
	struct ipt_get_entries *get = calloc(1, len);
	int err = 0;
	char *to;

	if (!get)
		return -ENOMEM;
	memcpy(get->name, info->name, sizeof(get->name));
	get->size = info->size;
	if (getsockopt(l->sock, l->f->level, l->f->get_entries, get, &len))
		err = -errno;
	else
		err = legacy_strip((char *)get->entrytable, info->size,
				   l->f->family == AF_INET6);
	to = err ? NULL : grow(&l->now, sizeof(*info) + info->size);
	if (to) {
		memcpy(to, info, sizeof(*info));
		memcpy(to + sizeof(*info), get->entrytable, info->size);
	} else if (!err) {
		err = -ENOMEM;
	}
	free(get);
	return err;
}

static int read_table(struct look *l, const char *name)
{
	struct ipt_getinfo info;
	socklen_t len;
	int err;

	for (int i = 0; i < READ_TRIES; i++) {
		memset(&info, 0, sizeof(info));
		strcpy(info.name, name);
		len = sizeof(info);
		if (getsockopt(l->sock, l->f->level, l->f->get_info, &info, &len))
			return -errno;
		if (info.size > INT32_MAX / 2)
			return -EBADMSG;
		err = read_entries(l, &info);
		if (err != -EAGAIN)
			return err;
	}
	return err;
}

/* The tables that there are. Those that are not loaded are not asked about: the
 * question would load them.
 */
static int read_family(struct look *l)
{
	FILE *file = fopen(l->f->names, "re");
	char name[XT_TABLE_MAXNAMELEN];
	int err = 0;

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	l->sock = -1;
	while (!err && fgets(name, sizeof(name), file)) {
		name[strcspn(name, "\n")] = 0;
		if (!*name)
			continue;
		if (l->sock < 0)
			l->sock = socket(l->f->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		err = l->sock < 0 ? -errno : read_table(l, name);
	}
	if (!err && ferror(file))
		err = -EIO;
	if (l->sock >= 0)
		close(l->sock);
	fclose(file);
	return err;
}

bool legacy_there(const struct legacy *l)
{
	bool there = l->was[0].len || l->was[1].len;

	for (int i = 0; i < 2 && !there; i++) {
		int fd = open(families[i].names, O_RDONLY | O_CLOEXEC);
		char c;

		/* What cannot be read may be there: legacy_look() says why. */
		there = fd < 0 ? errno != ENOENT : read(fd, &c, 1) == 1;
		if (fd >= 0)
			close(fd);
	}
	return there;
}

static bool same(const struct picture *a, const struct picture *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

/* What in a picture must see each packet; appends to @why when it is empty. */
static void find_careful(const struct picture *p, bool ipv6, char *why)
{
	struct legacy_table table = { .ipv6 = ipv6 };
	struct ipt_getinfo info;
	const char *word;

	for (size_t at = 0; at < p->len && !*why; at += sizeof(info) + info.size) {
		memcpy(&info, p->data + at, sizeof(info));
		/* A connection meets NAT once. */
		if (!strcmp(info.name, "nat"))
			continue;
		table.entries = p->data + at + sizeof(info);
		table.len = info.size;
		table.n = info.num_entries;
		table.valid_hooks = info.valid_hooks;
		table.hook_entry = info.hook_entry;
		table.underflow = info.underflow;
		word = legacy_careful(&table);
		if (word)
			snprintf(why, LEGACY_WHY_LEN, "%s-legacy, table %s: %s",
				 ipv6 ? "ip6tables" : "iptables", info.name, word);
	}
}

static int failed(struct legacy *l, int err)
{
	if (err != l->err)
		log_warn("the rules of iptables-legacy cannot be read: %s", strerror(-err));
	l->err = err;
	return err;
}

int legacy_look(struct legacy *l, bool *changed)
{
	struct look look[2] = { 0 };
	bool differ = !l->seen;
	int err = 0;

	*changed = false;
	for (int i = 0; i < 2 && !err; i++) {
		look[i].f = &families[i];
		err = read_family(&look[i]);
		differ = differ || !same(&l->was[i], &look[i].now);
	}
	if (err || !differ) {
		free(look[0].now.data);
		free(look[1].now.data);
		if (err)
			return failed(l, err);
		l->err = 0;
		return 0;
	}
	*changed = l->seen;
	legacy_free(l);
	l->seen = true;
	for (int i = 0; i < 2; i++) {
		l->was[i] = look[i].now;
		find_careful(&l->was[i], i == 1, l->careful);
	}
	return 0;
}

void legacy_free(struct legacy *l)
{
	for (int i = 0; i < 2; i++)
		free(l->was[i].data);
	memset(l, 0, sizeof(*l));
}
