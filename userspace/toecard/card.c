// SPDX-License-Identifier: GPL-2.0-only
/* The wire side as a whole: its parts, the tables of flows, the status. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture.h"
#include "card_internal.h"
#include "log.h"
#include "neigh.h"
#include "pump.h"
#include "room.h"
#include "steer.h"
#include "tell.h"

#define BEAT_NS		100000000ULL
#define RMEM_MAX	(6u << 20)

static void sysctl_set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		log_debug("card: %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void conf_set(const char *family, const char *ifname,
		     const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family,
		 ifname, name);
	sysctl_set(path, value);
}

void card_quiet(const char *ifname)
{
	conf_set("ipv4", ifname, "rp_filter", "0");
	conf_set("ipv4", ifname, "arp_ignore", "8");
	conf_set("ipv6", ifname, "addr_gen_mode", "1");
	conf_set("ipv6", ifname, "accept_ra", "0");
	conf_set("ipv6", ifname, "accept_dad", "0");
}

/* Each fifth segment behind a gap is acknowledged at once (RFC 5681, 4.2, asks for each).
 * The stack puts off up to 44 of them by up to 100 us (__tcp_ack_snd_check()), which
 * is longer than a round trip on a near wire. The card takes a whole window in one go:
 * the next that the peer heard was of all of it, so it sent nothing behind a segment it
 * sent again, and when that got lost it had to wait for its timer.
 */
static void ack_soon(void)
{
	sysctl_set("/proc/sys/net/ipv4/tcp_comp_sack_nr", "4");
}

/* What a socket received and the host did not take has to be handed over when
 * the flow goes back: the more there may be, the longer that takes. Newer
 * kernels let the buffer grow to 32 MiB.
 */
static void bound_buffers(void)
{
	static const char path[] = "/proc/sys/net/ipv4/tcp_rmem";
	unsigned int min, def, max;
	FILE *f = fopen(path, "r+e");

	if (!f)
		return;
	if (fscanf(f, "%u %u %u", &min, &def, &max) == 3 && max > RMEM_MAX) {
		rewind(f);
		fprintf(f, "%u %u %u", min, def, RMEM_MAX);
	}
	fclose(f);
}

/* The tables */

static uint32_t mix(uint32_t h)
{
	h ^= h >> 16;
	h *= 0x7feb352d;
	h ^= h >> 15;
	return h;
}

static struct flow **id_chain(struct card *c, uint32_t id)
{
	return &c->ids[mix(id) & c->hash_mask];
}

static struct flow **tuple_chain(struct card *c, const struct toe_tuple *t)
{
	uint32_t h = (uint32_t)t->local_port << 16 | t->remote_port;
	int i;

	for (i = 0; i < 4; i++)
		h = mix(h ^ t->remote_addr[i]) + t->local_addr[i];
	return &c->tuples[mix(h) & c->hash_mask];
}

struct flow *card_flow_by_id(struct card *c, uint32_t id)
{
	struct flow *f;

	for (f = *id_chain(c, id); f && f->id != id; f = f->by_id)
		;
	return f;
}

struct flow *card_flow_by_tuple(struct card *c, const struct toe_tuple *t)
{
	struct flow *f;

	for (f = *tuple_chain(c, t); f; f = f->by_tuple)
		if (!memcmp(&f->tuple, t, sizeof(*t)))
			break;
	return f;
}

void card_flow_insert(struct card *c, struct flow *f)
{
	struct flow **at;

	at = id_chain(c, f->id);
	f->by_id = *at;
	*at = f;
	at = tuple_chain(c, &f->tuple);
	f->by_tuple = *at;
	*at = f;
	c->num_flows++;
}

void card_flow_remove(struct card *c, struct flow *f)
{
	struct flow **at;

	for (at = id_chain(c, f->id); *at != f; at = &(*at)->by_id)
		;
	*at = f->by_id;
	for (at = tuple_chain(c, &f->tuple); *at != f; at = &(*at)->by_tuple)
		;
	*at = f->by_tuple;
	c->num_flows--;
}

void card_ether(struct card *c, struct ethhdr *eth, uint16_t family)
{
	memcpy(eth->h_dest, c->mac, ETH_ALEN);
	memset(eth->h_source, 0, ETH_ALEN);
	eth->h_source[0] = 2;	/* locally administered; nobody looks at it */
	eth->h_proto = htons(family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
}

/* The parts */

static void beat(struct loop_timer *lt)
{
	struct card *c = container_of(lt, struct card, beat);

	steer_beat(c->steer);
	loop_timer_arm(c->loop, &c->beat, BEAT_NS);
}

static int new_tables(struct card *c)
{
	uint32_t size = 64;

	while (size < c->max_flows && size < 1u << 20)
		size *= 2;
	c->hash_mask = size - 1;
	c->ids = calloc(size, sizeof(*c->ids));
	c->tuples = calloc(size, sizeof(*c->tuples));
	return c->ids && c->tuples ? 0 : -ENOMEM;
}

static int port_facts(const char *name, uint8_t mac[6], uint32_t *mtu)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;
	struct ifreq ifr = {};

	if (s < 0)
		return -errno;
	strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(s, SIOCGIFHWADDR, &ifr) < 0)
		err = -errno;
	else
		memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	if (!err && ioctl(s, SIOCGIFMTU, &ifr) < 0)
		err = -errno;
	if (!err)
		*mtu = (uint32_t)ifr.ifr_mtu;
	close(s);
	return err;
}

static int new_parts(struct card *c, const struct card_config *cfg)
{
	struct steer_config sc = {
		.wire = if_nametoindex(cfg->wire),
		.host = if_nametoindex(cfg->host),
		.cgroup = cfg->cgroup,
		.max_flows = cfg->max_flows,
	};
	uint32_t mtu = 0;
	int err;

	if (!sc.wire || !sc.host) {
		log_err("card: no interface %s", sc.wire ? cfg->host : cfg->wire);
		return -ENODEV;
	}
	err = port_facts(cfg->wire, c->mac, &mtu);
	if (err) {
		log_err("card: %s: %s", cfg->wire, strerror(-err));
		return err;
	}
	bound_buffers();
	ack_soon();
	card_quiet("all");
	card_quiet(cfg->wire);
	c->wire = sc.wire;
	c->neigh = neigh_new(sc.wire, mtu);
	if (!c->neigh)
		return -EIO;
	c->hold = hold_new(c, sc.host, c->mac, mtu);
	if (!c->hold)
		return -EIO;
	sc.hold = hold_ifindex(c->hold);
	neigh_set_hold(c->neigh, sc.hold);
	c->steer = steer_new(&sc);
	if (!c->steer)
		return -EIO;
	c->captures = captures_new(c);
	return c->captures ? 0 : -EIO;
}

struct card *card_new(struct loop *l, const struct card_config *cfg)
{
	struct card *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->loop = l;
	c->max_flows = cfg->max_flows;
	pump_init(c);
	room_init(c);
	tell_init(c);
	c->beat.expired = beat;
	if (new_tables(c) || new_parts(c, cfg)) {
		card_free(c);
		return NULL;
	}
	loop_timer_arm(l, &c->beat, BEAT_NS);
	return c;
}

/* Nobody calls the device from here on: it may be gone. */
void card_free(struct card *c)
{
	if (!c)
		return;
	if (c->captures)
		flow_reset(c);
	loop_timer_disarm(c->loop, &c->beat);
	tell_exit(c);
	pump_exit(c);
	captures_free(c->captures);
	steer_free(c->steer);
	hold_free(c->hold);
	neigh_free(c->neigh);
	free(c->ids);
	free(c->tuples);
	free(c);
}

void card_set_device(struct card *c, struct device *d)
{
	c->device = d;
}

/* The status */

static void tuple_json(const struct toe_tuple *t, FILE *out)
{
	char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN];

	inet_ntop(t->family, t->local_addr, local, sizeof(local));
	inet_ntop(t->family, t->remote_addr, remote, sizeof(remote));
	fprintf(out, "\"local\":\"%s\",\"local_port\":%u,\"remote\":\"%s\",\"remote_port\":%u",
		local, ntohs(t->local_port), remote, ntohs(t->remote_port));
}

static void flow_json(const struct flow *f, FILE *out)
{
	static const char *const names[] = {
		[FLOW_HELD] = "held",
		[FLOW_RESTORING] = "restoring",
		[FLOW_RUNNING] = "running",
		[FLOW_CLOSING] = "closing",
		[FLOW_CLOSED] = "closed",
	};

	fprintf(out, "{\"id\":%u,\"state\":\"%s\",\"tuple\":{", f->id,
		names[f->state]);
	tuple_json(&f->tuple, out);
	fprintf(out, "},\"tx\":%llu,\"rx\":%llu,\"snd_una\":%u,\"snd_nxt\":%u,"
		"\"snd_wnd\":%u,\"srtt_us\":%u,\"rcv_nxt\":%u,\"rcv_edge\":%u,"
		"\"segs_out\":%u,\"segs_in\":%u,\"retrans\":%u,\"retrans_bytes\":%u,"
		"\"timeouts\":%u,\"rttvar_us\":%u,"
		"\"held\":%u,\"busy\":%s,\"narrow\":%s,\"starved\":%s}",
		(unsigned long long)f->tx_bytes,
		(unsigned long long)f->rx_bytes, f->snd_una, f->tx_next,
		f->snd_wnd, f->srtt_us, f->rcv_nxt, f->rcv_edge,
		f->counts.segs_out, f->counts.segs_in, f->counts.retrans,
		f->counts.retrans_bytes, f->counts.timeouts, f->counts.rttvar_us,
		f->held.frames, list_empty(&f->busy) ? "false" : "true",
		list_empty(&f->narrow) ? "false" : "true",
		list_empty(&f->starved) ? "false" : "true");
}

void card_status_json(struct card *c, FILE *out)
{
	const char *comma = "";
	struct flow *f;
	uint32_t i;

	fputs("{\"flows\":[", out);
	for (i = 0; i <= c->hash_mask; i++) {
		for (f = c->ids[i]; f; f = f->by_id) {
			if (f->state == FLOW_RUNNING)
				pump_refresh(f);
			fputs(comma, out);
			flow_json(f, out);
			comma = ",";
		}
	}
	fputs("],\"counters\":{", out);
	comma = "";
#define CARD_COUNTER(name)						\
	fprintf(out, "%s\"" #name "\":%llu", comma,			\
		(unsigned long long)c->n.name);				\
	comma = ",";
	CARD_COUNTERS(CARD_COUNTER)
#undef CARD_COUNTER
	steer_counters_json(c->steer, out);
	fprintf(out, "},\"map_entries\":%u,\"neighbours\":%u,\"addresses\":%u,\"held\":%u,\"captures\":%u}",
		steer_entries(c->steer), neigh_neighbours(c->neigh),
		neigh_addresses(c->neigh), hold_frames(c->hold),
		captures_running(c->captures));
}
