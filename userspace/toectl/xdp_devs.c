// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "netns.h"
#include "xdp_dev.h"
#include "xdp_devs.h"

__u32 xdp_devs_get(int map, const struct toe_xdp_dev *key)
{
	__u32 id;

	return bpf_map_lookup_elem(map, key, &id) ? 0 : id;
}

void xdp_devs_each(int map, void (*fn)(int map, const struct toe_xdp_dev *key,
				       __u32 id, void *arg), void *arg)
{
	struct toe_xdp_dev key, next;
	int err = bpf_map_get_next_key(map, NULL, &next);
	__u32 id;

	while (!err) {
		key = next;
		/* The next one first: the key may be gone afterwards. */
		err = bpf_map_get_next_key(map, &key, &next);
		id = xdp_devs_get(map, &key);
		if (id)
			fn(map, &key, id, arg);
	}
}

int xdp_devs_netns(const struct ctl *ctl, __u64 *cookie)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*cookie);
	int ret = EXIT_OK;

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &len))
		ret = fail(ctl, "the network namespace's cookie: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return ret;
}

#define SEEN_MAX	64	/* entries of the map */

/**
 * struct census - where our program is
 * @map: map "xdp_devs"
 * @home: cookie of the network namespace that was asked from
 * @here: cookie of the one that is looked at
 * @n: interfaces where it is
 * @keys: these
 * @name: of one of them that is in @home
 */
struct census {
	int map;
	__u64 home;
	__u64 here;
	unsigned int n;
	struct toe_xdp_dev keys[SEEN_MAX];
	char name[IF_NAMESIZE];
};

static void look(int map, const struct toe_xdp_dev *key, __u32 id, void *arg)
{
	struct census *c = arg;
	struct xdp_dev dev;

	(void)map;
	if (key->netns != c->here || xdp_dev_look(key->ifindex, id, &dev) ||
	    !dev.position || c->n >= SEEN_MAX)
		return;
	c->keys[c->n++] = *key;
	if (c->here == c->home)
		if_indextoname(key->ifindex, c->name);
}

static int look_here(const struct ctl *ctl, void *arg)
{
	struct census *c = arg;
	int ret = xdp_devs_netns(ctl, &c->here);

	if (!ret)
		xdp_devs_each(c->map, look, c);
	return ret;
}

static void forget(int map, const struct toe_xdp_dev *key, __u32 id, void *arg)
{
	const struct census *c = arg;
	unsigned int i;

	for (i = 0; i < c->n; i++)
		if (!memcmp(&c->keys[i], key, sizeof(*key)))
			return;
	bpf_map_delete_elem(map, key);
	xdp_dev_clean(key->ifindex, id);
}

int xdp_devs_check(const struct ctl *ctl, const struct loaded *l)
{
	struct census c = { .map = loaded_map(l, "xdp_devs") };
	int ret;

	if (c.map < 0)
		return EXIT_OK;
	ret = xdp_devs_netns(ctl, &c.home);
	if (!ret)
		ret = netns_each(ctl, look_here, &c);
	if (ret)
		return ret;
	xdp_devs_each(c.map, forget, &c);
	if (*c.name)
		return fail(ctl, "XDP is attached to %s (toectl xdp detach %s)",
			    c.name, c.name);
	if (c.n)
		return fail(ctl, "XDP is attached to %u interface%s of other network namespaces (toectl xdp detach there)",
			    c.n, c.n == 1 ? "" : "s");
	return EXIT_OK;
}
