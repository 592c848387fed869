// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses, routes and neighbours of the card's namespace, by rtnetlink,
 * counted by the flows that use them.
 *
 * The host's address sits on lo: enough for a restored socket to bind and for
 * frames to be taken, and no link ever answers ARP or ND for it (the guard
 * would not let the answer out either). A link-local one sits where its frames come
 * in, by the wire port and by the tap of the held ones: the kernel takes it for local
 * there only. Nobody asks the card for it: what is not a flow's goes to the host.
 * The route to a peer goes straight out
 * of the wire port: the next hop's link-layer address, as the host knows it, is
 * the neighbour's, gateway or not.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "log.h"
#include "neigh.h"

#define CHAINS	256
#define LOCAL_METRIC	1024	/* behind the kernel's own */

/**
 * struct entry - an address, ours or a peer's
 * @next: chain
 * @addr: in the first 4 or all 16 bytes
 * @family: AF_INET or AF_INET6
 * @mac: of the next hop, for a peer
 * @users: flows
 */
struct entry {
	struct entry *next;
	__be32 addr[4];
	uint16_t family;
	uint8_t mac[6];
	uint32_t users;
};

struct table {
	struct entry *chain[CHAINS];
	uint32_t num;
};

struct neigh {
	struct mnl_socket *nl;
	unsigned int portid, seq;
	unsigned int wire, hold, lo;
	uint32_t mtu;
	struct table local, remote;
};

static size_t addr_len(uint16_t family)
{
	return family == AF_INET ? 4 : 16;
}

/* Sends one request and waits for the kernel's verdict. */
static int talk(struct neigh *n, struct nlmsghdr *nlh)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	ssize_t len;

	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = ++n->seq;
	if (mnl_socket_sendto(n->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	len = mnl_socket_recvfrom(n->nl, buf, sizeof(buf));
	if (len < 0)
		return -errno;
	if (mnl_cb_run(buf, (size_t)len, n->seq, n->portid, NULL, NULL) < 0)
		return -errno;
	return 0;
}

static int do_address_on(struct neigh *n, const struct entry *e,
			 unsigned int ifindex, bool add)
{
	char buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifaddrmsg *ifa;
	size_t len = addr_len(e->family);

	nlh->nlmsg_type = add ? RTM_NEWADDR : RTM_DELADDR;
	nlh->nlmsg_flags = add ? NLM_F_CREATE | NLM_F_REPLACE : 0;
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = (uint8_t)e->family;
	ifa->ifa_prefixlen = (uint8_t)(len * 8);
	ifa->ifa_flags = IFA_F_PERMANENT | IFA_F_NODAD;
	ifa->ifa_scope = RT_SCOPE_UNIVERSE;
	ifa->ifa_index = ifindex;
	mnl_attr_put(nlh, IFA_LOCAL, len, e->addr);
	mnl_attr_put(nlh, IFA_ADDRESS, len, e->addr);
	return talk(n, nlh);
}

/* The kernel makes the route to an IPv6 address of its own later, in a work
 * (addrconf_dad_work()); frames that came before would be lost. A link-local address
 * has one by each of its ports: of the same metric, the second would take the place
 * of the first (fib6_add_rt2node()).
 */
static int do_local_route(struct neigh *n, const struct entry *e,
			  unsigned int ifindex, bool add)
{
	char buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm;

	nlh->nlmsg_type = add ? RTM_NEWROUTE : RTM_DELROUTE;
	nlh->nlmsg_flags = add ? NLM_F_CREATE | NLM_F_REPLACE : 0;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = AF_INET6;
	rtm->rtm_dst_len = 128;
	rtm->rtm_table = RT_TABLE_LOCAL;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_scope = RT_SCOPE_UNIVERSE;
	rtm->rtm_type = RTN_LOCAL;
	mnl_attr_put(nlh, RTA_DST, 16, e->addr);
	mnl_attr_put_u32(nlh, RTA_OIF, ifindex);
	mnl_attr_put_u32(nlh, RTA_PRIORITY, LOCAL_METRIC + (ifindex == n->hold));
	return talk(n, nlh);
}

static int do_local(struct neigh *n, const struct entry *e,
		    unsigned int ifindex, bool add)
{
	int err = do_address_on(n, e, ifindex, add);

	if (e->family == AF_INET || (err && add))
		return err;
	err = do_local_route(n, e, ifindex, add);
	if (err && add)
		do_address_on(n, e, ifindex, false);
	return err;
}

static int do_address(struct neigh *n, const struct entry *e, bool add)
{
	int err;

	if (e->family == AF_INET ||
	    !IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)e->addr))
		return do_local(n, e, n->lo, add);
	err = do_local(n, e, n->wire, add);
	if (!err || !add)
		err = do_local(n, e, n->hold, add);
	if (err && add)
		do_local(n, e, n->wire, false);
	return err;
}

static int do_route(struct neigh *n, const struct entry *e, uint32_t pmtu,
		    bool add)
{
	char buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	size_t len = addr_len(e->family);
	struct nlattr *metrics;
	struct rtmsg *rtm;

	nlh->nlmsg_type = add ? RTM_NEWROUTE : RTM_DELROUTE;
	nlh->nlmsg_flags = add ? NLM_F_CREATE | NLM_F_REPLACE : 0;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = (unsigned char)e->family;
	rtm->rtm_dst_len = (unsigned char)(len * 8);
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_scope = e->family == AF_INET ? RT_SCOPE_LINK :
						RT_SCOPE_UNIVERSE;
	rtm->rtm_type = RTN_UNICAST;
	mnl_attr_put(nlh, RTA_DST, len, e->addr);
	mnl_attr_put_u32(nlh, RTA_OIF, n->wire);
	if (add && pmtu && pmtu < n->mtu) {
		metrics = mnl_attr_nest_start(nlh, RTA_METRICS);
		mnl_attr_put_u32(nlh, RTAX_MTU, pmtu);
		mnl_attr_nest_end(nlh, metrics);
	}
	return talk(n, nlh);
}

static int do_neighbour(struct neigh *n, const struct entry *e, bool add)
{
	char buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm;

	nlh->nlmsg_type = add ? RTM_NEWNEIGH : RTM_DELNEIGH;
	nlh->nlmsg_flags = add ? NLM_F_CREATE | NLM_F_REPLACE : 0;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = (unsigned char)e->family;
	ndm->ndm_ifindex = (int)n->wire;
	ndm->ndm_state = NUD_PERMANENT;
	mnl_attr_put(nlh, NDA_DST, addr_len(e->family), e->addr);
	if (add)
		mnl_attr_put(nlh, NDA_LLADDR, sizeof(e->mac), e->mac);
	return talk(n, nlh);
}

static struct entry **find(struct table *t, uint16_t family,
			   const __be32 *addr)
{
	uint32_t h = addr[0] ^ addr[1] ^ addr[2] ^ addr[3];
	struct entry **e;

	h ^= h >> 16;
	h ^= h >> 8;
	for (e = &t->chain[h % CHAINS]; *e; e = &(*e)->next)
		if ((*e)->family == family &&
		    !memcmp((*e)->addr, addr, sizeof((*e)->addr)))
			break;
	return e;
}

static struct entry *insert(struct table *t, struct entry **at,
			    uint16_t family, const __be32 *addr)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->family = family;
	memcpy(e->addr, addr, sizeof(e->addr));
	*at = e;
	t->num++;
	return e;
}

static void remove_entry(struct table *t, struct entry **at)
{
	struct entry *e = *at;

	*at = e->next;
	t->num--;
	free(e);
}

static int local_get(struct neigh *n, const struct toe_tuple *t)
{
	struct entry **at = find(&n->local, t->family, t->local_addr);
	struct entry *e = *at;
	int err;

	if (e) {
		e->users++;
		return 0;
	}
	e = insert(&n->local, at, t->family, t->local_addr);
	if (!e)
		return -ENOMEM;
	err = do_address(n, e, true);
	if (err) {
		log_err("neigh: address: %s", strerror(-err));
		remove_entry(&n->local, at);
		return err;
	}
	e->users = 1;
	return 0;
}

static void local_put(struct neigh *n, const struct toe_tuple *t)
{
	struct entry **at = find(&n->local, t->family, t->local_addr);

	if (!*at || --(*at)->users)
		return;
	do_address(n, *at, false);
	remove_entry(&n->local, at);
}

static int remote_add(struct neigh *n, struct entry *e, uint32_t pmtu)
{
	int err;

	err = do_neighbour(n, e, true);
	if (err) {
		log_err("neigh: neighbour: %s", strerror(-err));
		return err;
	}
	err = do_route(n, e, pmtu, true);
	if (err) {
		log_err("neigh: route: %s", strerror(-err));
		do_neighbour(n, e, false);
	}
	return err;
}

static int remote_get(struct neigh *n, const struct toe_state *st)
{
	const struct toe_tuple *t = &st->tuple;
	struct entry **at = find(&n->remote, t->family, t->remote_addr);
	struct entry *e = *at;
	int err;

	if (e) {
		e->users++;
		if (!memcmp(e->mac, st->dst_mac, sizeof(e->mac)))
			return 0;
		/* the next hop has changed; the host knows best */
		memcpy(e->mac, st->dst_mac, sizeof(e->mac));
		err = do_neighbour(n, e, true);
		if (err)
			e->users--;
		return err;
	}
	e = insert(&n->remote, at, t->family, t->remote_addr);
	if (!e)
		return -ENOMEM;
	memcpy(e->mac, st->dst_mac, sizeof(e->mac));
	err = remote_add(n, e, st->pmtu);
	if (err) {
		remove_entry(&n->remote, at);
		return err;
	}
	e->users = 1;
	return 0;
}

static void remote_put(struct neigh *n, const struct toe_tuple *t)
{
	struct entry **at = find(&n->remote, t->family, t->remote_addr);

	if (!*at || --(*at)->users)
		return;
	do_route(n, *at, 0, false);
	do_neighbour(n, *at, false);
	remove_entry(&n->remote, at);
}

int neigh_get(struct neigh *n, const struct toe_state *st)
{
	int err;

	err = local_get(n, &st->tuple);
	if (err)
		return err;
	err = remote_get(n, st);
	if (err)
		local_put(n, &st->tuple);
	return err;
}

void neigh_put(struct neigh *n, const struct toe_tuple *t)
{
	remote_put(n, t);
	local_put(n, t);
}

struct neigh *neigh_new(unsigned int wire, uint32_t mtu)
{
	struct neigh *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->wire = wire;
	n->mtu = mtu;
	n->lo = if_nametoindex("lo");
	n->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!n->nl || mnl_socket_bind(n->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		log_err("neigh: netlink: %s", strerror(errno));
		if (n->nl)
			mnl_socket_close(n->nl);
		free(n);
		return NULL;
	}
	n->portid = mnl_socket_get_portid(n->nl);
	return n;
}

void neigh_set_hold(struct neigh *n, unsigned int hold)
{
	n->hold = hold;
}

void neigh_free(struct neigh *n)
{
	unsigned int i;

	if (!n)
		return;
	for (i = 0; i < CHAINS; i++) {
		while (n->remote.chain[i]) {
			do_route(n, n->remote.chain[i], 0, false);
			do_neighbour(n, n->remote.chain[i], false);
			remove_entry(&n->remote, &n->remote.chain[i]);
		}
		while (n->local.chain[i]) {
			do_address(n, n->local.chain[i], false);
			remove_entry(&n->local, &n->local.chain[i]);
		}
	}
	mnl_socket_close(n->nl);
	free(n);
}

uint32_t neigh_addresses(struct neigh *n)
{
	return n->local.num;
}

uint32_t neigh_neighbours(struct neigh *n)
{
	return n->remote.num;
}
