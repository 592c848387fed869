// SPDX-License-Identifier: GPL-2.0-only
/*
 * Held frames: from the tap into lists by flow, from there frame by frame into
 * the card's stack (through the same tap) or, merged, to the host's port.
 *
 * A tap without NAPI hands what is written to it to the stack before write()
 * returns. So a flush needs no barrier: after the last write the socket has
 * seen every frame, and what it answers has passed the guard.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "card_internal.h"
#include "csum.h"
#include "log.h"
#include "merge.h"
#include "steer.h"

#define HOLD_QUEUE	16384		/* the tap's, frames */
#define FRAME_MAX	65600		/* a jumbo frame, or one of a large MTU */
#define FLOW_MAX	(32u << 20)	/* bytes held for one flow ... */
#define TOTAL_MAX	(512u << 20)	/* ... and for all */

/* A peer that sends as fast as frames are flushed must not keep a flush from
 * ending; what is left comes after the switch, and some of it is overtaken.
 */
#define FLUSH_NS	20000000ULL

/* Frames lie so that the header behind Ethernet's 14 bytes is aligned. */
struct hold_frame {
	struct hold_frame *next;
	uint32_t len;
	uint8_t align[2];
	uint8_t data[];
};

struct hold {
	struct card *card;
	struct loop_fd tap;
	int out;		/* packet socket, sends to the host's port */
	unsigned int host;
	unsigned int ifindex;
	uint8_t mac[6];
	uint32_t mtu;		/* of the wire */
	uint32_t frames;
	size_t bytes;
	struct merge merge;	/* what goes to the host next */
	uint8_t align[2] __attribute__((aligned(4)));
	uint8_t buf[FRAME_MAX];
};

void hold_list_init(struct hold_list *l)
{
	l->head = NULL;
	l->tail = &l->head;
	l->injected = &l->head;
	l->frames = 0;
	l->bytes = 0;
}

static struct hold_frame *list_pop(struct hold *h, struct hold_list *l)
{
	struct hold_frame *fr = l->head;

	if (!fr)
		return NULL;
	l->head = fr->next;
	if (!l->head)
		l->tail = &l->head;
	if (l->injected == &fr->next)
		l->injected = &l->head;
	l->frames--;
	l->bytes -= fr->len;
	h->frames--;
	h->bytes -= fr->len;
	return fr;
}

void hold_list_purge(struct hold *h, struct hold_list *l)
{
	struct hold_frame *fr;

	while ((fr = list_pop(h, l)))
		free(fr);
}

/* Puts a frame at place "at". When there is no room it is dropped: what is
 * there stays in order, and the peer sends it again.
 */
static struct hold_frame *list_insert(struct hold *h, struct hold_list *l,
				      struct hold_frame **at,
				      const void *frame, size_t len)
{
	struct hold_frame *fr = NULL;

	if (l->bytes + len <= FLOW_MAX && h->bytes + len <= TOTAL_MAX)
		fr = malloc(sizeof(*fr) + len);
	if (!fr) {
		h->card->n.hold_dropped++;
		return NULL;
	}
	fr->next = *at;
	*at = fr;
	if (l->tail == at)
		l->tail = &fr->next;
	fr->len = (uint32_t)len;
	memcpy(fr->data, frame, len);
	l->frames++;
	l->bytes += len;
	h->frames++;
	h->bytes += len;
	h->card->n.hold_frames++;
	return fr;
}

/* A frame from the wire: its tuple and flags. -1 when it is no plain TCP. */
static int parse(const uint8_t *frame, size_t len, struct toe_tuple *t,
		 uint8_t *flags)
{
	const struct ethhdr *eth = (const void *)frame;
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;
	const struct tcphdr *th;
	size_t need = sizeof(*eth);

	if (len < need)
		return -1;
	memset(t, 0, sizeof(*t));
	if (eth->h_proto == htons(ETH_P_IP)) {
		ip = (const void *)(frame + need);
		need += sizeof(*ip);
		if (len < need || ip->ihl != 5 || ip->protocol != IPPROTO_TCP)
			return -1;
		t->local_addr[0] = ip->daddr;
		t->remote_addr[0] = ip->saddr;
		t->family = AF_INET;
	} else if (eth->h_proto == htons(ETH_P_IPV6)) {
		ip6 = (const void *)(frame + need);
		need += sizeof(*ip6);
		if (len < need || ip6->nexthdr != IPPROTO_TCP)
			return -1;
		memcpy(t->local_addr, &ip6->daddr, 16);
		memcpy(t->remote_addr, &ip6->saddr, 16);
		t->family = AF_INET6;
	} else {
		return -1;
	}
	th = (const void *)(frame + need);
	if (len < need + sizeof(*th))
		return -1;
	t->local_port = th->dest;
	t->remote_port = th->source;
	*flags = ((const uint8_t *)th)[13];
	return 0;
}

#define FLAGS_HOST	0x07	/* FIN, SYN, RST */
#define FLAG_URG	0x20

/* A frame that is several segments of so many bytes says so, and leaves its checksum
 * to whoever needs it. size 0: it is what it is.
 */
static void offload(uint8_t *frame, size_t len, uint32_t size,
		    struct virtio_net_hdr *vh)
{
	struct toe_tuple t;
	struct tcphdr *th;
	uint8_t flags;
	size_t l4;

	memset(vh, 0, sizeof(*vh));
	if (!size || parse(frame, len, &t, &flags))
		return;
	l4 = ETH_HLEN + (t.family == AF_INET ? sizeof(struct iphdr) :
					       sizeof(struct ipv6hdr));
	th = (void *)(frame + l4);
	if (len <= l4 + th->doff * 4)
		return;
	th->check = csum_pseudo(th, t.family == AF_INET, len - l4);
	vh->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	vh->gso_type = t.family == AF_INET ? VIRTIO_NET_HDR_GSO_TCPV4 :
					     VIRTIO_NET_HDR_GSO_TCPV6;
	vh->hdr_len = (uint16_t)(l4 + th->doff * 4);
	vh->gso_size = (uint16_t)size;
	vh->csum_start = (uint16_t)l4;
	vh->csum_offset = 16;
}

/* A packet that reached the host late may be several, merged by its GRO: what its
 * segments were, or 0.
 */
static uint32_t size_of(const struct hold *h, const struct flow *f, size_t len)
{
	if (len <= ETH_HLEN + h->mtu)
		return 0;
	return f && f->st.rcv_mss ? f->st.rcv_mss : 536;
}

static void send_sized(struct hold *h, uint8_t *frame, size_t len, uint32_t size)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)h->host,
		.sll_halen = ETH_ALEN,
	};
	struct virtio_net_hdr vh;
	struct iovec iov[2] = { { &vh, sizeof(vh) }, { frame, len } };
	struct msghdr msg = {
		.msg_name = &to, .msg_namelen = sizeof(to),
		.msg_iov = iov, .msg_iovlen = 2,
	};

	offload(frame, len, size, &vh);
	memcpy(to.sll_addr, frame, ETH_ALEN);
	h->card->n.hold_to_host++;
	if (sendmsg(h->out, &msg, 0) < 0) {
		h->card->n.hold_errors++;
		log_debug("hold: to the host: %s", strerror(errno));
	}
}

static void send_host(struct hold *h, struct flow *f, uint8_t *frame,
		      size_t len)
{
	send_sized(h, frame, len, size_of(h, f, len));
}

static void send_merged(struct hold *h)
{
	struct merge *m = &h->merge;

	if (!m->len)
		return;
	merge_end(m);
	h->card->n.hold_merged += m->segments - 1;
	send_sized(h, m->frame, m->len, m->segments > 1 ? m->size : 0);
	m->len = 0;
}

static void send_stack(struct hold *h, struct flow *f, uint8_t *frame,
		       size_t len, size_t pad)
{
	static uint8_t zeros[FRAME_MAX];
	struct virtio_net_hdr vh;
	struct iovec iov[3] = { { &vh, sizeof(vh) }, { frame, len },
				{ zeros, pad } };

	offload(frame, len, size_of(h, f, len), &vh);
	h->card->n.hold_flushed++;
	if (writev(h->tap.fd, iov, 3) < 0) {
		h->card->n.hold_errors++;
		log_debug("hold: into the stack: %s", strerror(errno));
	}
}

/* A socket takes its measure, how much payload a byte of buffer holds, from the
 * largest segment so far. A frame out of the tap is packed better than those
 * that come from the wire, so the socket would promise more than it can take.
 * An Ethernet trailer on the first of a new length makes up for that.
 */
static void send_padded(struct hold *h, struct flow *f, uint8_t *frame,
			size_t len)
{
	size_t pad = len * 13 / 10;

	if (len <= f->longest || len > ETH_HLEN + h->mtu ||
	    len + pad > FRAME_MAX)
		pad = 0;
	else
		f->longest = (uint32_t)len;
	send_stack(h, f, frame, len, pad);
}

void hold_mark(struct hold *h, uint32_t id)
{
	struct virtio_toe_marker m = {
		.ethertype = htons(VIRTIO_TOE_MARKER_ETHERTYPE),
		.magic = htole32(VIRTIO_TOE_MARKER_MAGIC),
		.flow = htole32(id),
	};

	memcpy(m.dst, h->mac, ETH_ALEN);
	memcpy(m.src, h->mac, ETH_ALEN);
	send_host(h, NULL, (void *)&m, sizeof(m));
}

/* The socket would leave the urgent byte out of the stream. So it gets neither this
 * frame nor what comes behind it; the host does, when it has the flow back.
 */
static bool is_urgent(struct flow *f, const void *frame, size_t len)
{
	struct toe_tuple t;
	uint8_t flags;

	if (!f->urgent && !parse(frame, len, &t, &flags) && (flags & FLAG_URG)) {
		f->urgent = true;
		steer_set(f->card->steer, &f->tuple, TOE_STEER_HOLD);
	}
	return f->urgent;
}

void hold_deliver(struct hold *h, struct flow *f, uint8_t *frame, size_t len)
{
	struct toe_tuple t;
	uint8_t flags;

	if (f->state != FLOW_RUNNING || is_urgent(f, frame, len)) {
		list_insert(h, &f->held, f->held.tail, frame, len);
		if (f->state == FLOW_RUNNING)
			flow_wants_back(f, "urgent data");
		return;
	}
	h->card->n.hold_late++;
	if (parse(frame, len, &t, &flags) || (flags & FLAGS_HOST))
		send_host(h, f, frame, len);
	else
		send_padded(h, f, frame, len);
}

void hold_inject(struct hold *h, struct flow *f, uint8_t *frame, size_t len)
{
	struct hold_frame *fr;

	if (f->state == FLOW_CLOSED) {
		send_host(h, f, frame, len);
		return;
	}
	if (f->state == FLOW_RUNNING) {
		hold_deliver(h, f, frame, len);
		return;
	}
	fr = list_insert(h, &f->held, f->held.injected, frame, len);
	if (fr)
		f->held.injected = &fr->next;
}

void hold_drain(struct hold *h)
{
	struct virtio_net_hdr vh;
	struct iovec iov[2] = { { &vh, sizeof(vh) },
				{ h->buf, sizeof(h->buf) } };
	struct toe_tuple t;
	struct flow *f;
	uint8_t flags;
	ssize_t len;

	while ((len = readv(h->tap.fd, iov, 2) - (ssize_t)sizeof(vh)) > 0) {
		f = NULL;
		if (!parse(h->buf, (size_t)len, &t, &flags))
			f = card_flow_by_tuple(h->card, &t);
		if (f) {
			hold_deliver(h, f, h->buf, (size_t)len);
			continue;
		}
		/* A frame of a flow that was released meanwhile belongs to
		 * the host; what the card's stack says to its own tap does
		 * not.
		 */
		h->card->n.hold_unknown++;
		if (len > ETH_HLEN && memcmp(h->buf + ETH_ALEN, h->mac, ETH_ALEN))
			send_host(h, NULL, h->buf, (size_t)len);
	}
}

static void tap_ready(struct loop_fd *lf, uint32_t events)
{
	(void)events;
	hold_drain(container_of(lf, struct hold, tap));
}

/* Return: false when it ended before urgent data. */
static bool list_to_stack(struct hold *h, struct flow *f)
{
	struct hold_frame *fr;
	struct toe_tuple t;
	uint8_t flags;

	while (f->held.head &&
	       !is_urgent(f, f->held.head->data, f->held.head->len)) {
		fr = list_pop(h, &f->held);
		if (parse(fr->data, fr->len, &t, &flags) ||
		    (flags & FLAGS_HOST))
			send_host(h, f, fr->data, fr->len);
		else
			send_padded(h, f, fr->data, fr->len);
		free(fr);
	}
	return !f->urgent;
}

static bool list_to_host(struct hold *h, struct flow *f)
{
	struct hold_frame *fr;

	while ((fr = list_pop(h, &f->held))) {
		if (!merge_add(&h->merge, fr->data, fr->len)) {
			send_merged(h);
			if (!merge_add(&h->merge, fr->data, fr->len))
				send_host(h, f, fr->data, fr->len);
		}
		free(fr);
	}
	send_merged(h);
	return true;
}

/* What is listed is older than what the tap still has. */
static void flush(struct hold *h, struct flow *f,
		  bool (*list_to)(struct hold *h, struct flow *f))
{
	uint64_t end = loop_now_ns() + FLUSH_NS;
	bool more;

	do {
		more = list_to(h, f);
		hold_drain(h);
	} while (more && f->held.head && loop_now_ns() < end);
	list_to(h, f);
}

void hold_to_stack(struct hold *h, struct flow *f)
{
	flush(h, f, list_to_stack);
}

void hold_to_host(struct hold *h, struct flow *f)
{
	flush(h, f, list_to_host);
}

uint32_t hold_frames(struct hold *h)
{
	return h->frames;
}

unsigned int hold_ifindex(struct hold *h)
{
	return h->ifindex;
}

static int open_tap(struct hold *h)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int s, err = 0;

	h->tap.fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (h->tap.fd < 0)
		return -errno;
	strcpy(ifr.ifr_name, HOLD_IFNAME);
	if (ioctl(h->tap.fd, TUNSETIFF, &ifr) < 0)
		return -errno;
	card_quiet(HOLD_IFNAME);

	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return -errno;
	memset(&ifr.ifr_ifru, 0, sizeof(ifr.ifr_ifru));
	ifr.ifr_qlen = HOLD_QUEUE;
	if (ioctl(s, SIOCSIFTXQLEN, &ifr) < 0)
		goto fail;
	ifr.ifr_hwaddr.sa_family = 1;	/* ARPHRD_ETHER */
	memcpy(ifr.ifr_hwaddr.sa_data, h->mac, 6);
	if (ioctl(s, SIOCSIFHWADDR, &ifr) < 0)
		goto fail;
	if (ioctl(s, SIOCGIFFLAGS, &ifr) < 0)
		goto fail;
	ifr.ifr_flags |= IFF_UP | IFF_NOARP;
	if (ioctl(s, SIOCSIFFLAGS, &ifr) < 0)
		goto fail;
	close(s);
	h->ifindex = if_nametoindex(HOLD_IFNAME);
	return 0;

fail:
	err = -errno;
	close(s);
	return err;
}

struct hold *hold_new(struct card *c, unsigned int host, const uint8_t mac[6],
		      uint32_t mtu)
{
	struct hold *h = calloc(1, sizeof(*h));
	int big = 8 << 20, one = 1, err;

	if (!h)
		return NULL;
	h->card = c;
	h->host = host;
	h->mtu = mtu;
	memcpy(h->mac, mac, sizeof(h->mac));
	h->tap.fd = -1;
	h->tap.ready = tap_ready;
	h->out = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (h->out < 0) {
		log_err("hold: packet socket: %s", strerror(errno));
		goto fail;
	}
	setsockopt(h->out, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big));
	if (setsockopt(h->out, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one))) {
		log_err("hold: PACKET_VNET_HDR: %s", strerror(errno));
		goto fail;
	}
	err = open_tap(h);
	if (err) {
		log_err("hold: %s: %s", HOLD_IFNAME, strerror(-err));
		goto fail;
	}
	err = loop_add(c->loop, &h->tap, EPOLLIN);
	if (err) {
		log_err("hold: %s: epoll: %s", HOLD_IFNAME, strerror(-err));
		goto fail;
	}
	return h;

fail:
	if (h->tap.fd >= 0)
		close(h->tap.fd);
	if (h->out >= 0)
		close(h->out);
	free(h);
	return NULL;
}

/* The tap is not persistent: it goes with its descriptor. */
void hold_free(struct hold *h)
{
	if (!h)
		return;
	loop_del(h->card->loop, &h->tap);
	close(h->tap.fd);
	close(h->out);
	free(h);
}
