// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture.h"
#include "host.h"
#include "pattern.h"
#include "peer.h"
#include "repair.h"
#include "world.h"

#define MAX_FLOWS	64
#define MAX_MSGS	32
#define RX_BUF		65536
#define WINDOW		(4u << 20)	/* credit of a fast reader */
#define PING		100
#define SETTLE_NS	500000

struct loop *host_loop;
struct card *host_card;
struct host_frames host_frames = { .room = 16352 };
unsigned int host_events;
unsigned int host_scarce;
unsigned int host_injected, host_not_calm;

struct device {
	struct host_flow *flow[MAX_FLOWS];
	struct loop_hook round;
	struct loop_timer tick;
	struct loop_timer stop;
	struct loop_fd gate;
	uint8_t rx[RX_BUF];
	unsigned int looks;
	bool starved;
	bool (*done)(void *arg);
	void *arg;
	bool met;
};

static struct device dev;

/* A command is no more than the flow that waits for its reply. */
struct device_cmd {
	struct host_flow *h;
	bool answered;
	bool open;		/* an OPEN, which may outlive the call */
};

static uint32_t next_id = 1;

static struct host_flow *by_id(uint32_t id)
{
	int i;

	for (i = 0; i < MAX_FLOWS; i++)
		if (dev.flow[i] && dev.flow[i]->id == id)
			return dev.flow[i];
	return NULL;
}

static void wrong(struct host_flow *h, const char *what)
{
	if (!h->wrong)
		h->wrong = what;
}

/* The application */

static uint64_t consumed(struct host_flow *h)
{
	uint64_t may;

	if (!h->o.read_rate)
		return h->rx;
	may = (now_ns() - h->start_ns) / 1000 * h->o.read_rate / 1000000;
	return may < h->rx ? may : h->rx;
}

static void took(struct host_flow *h, const void *p, size_t len)
{
	uint64_t now = now_ns();

	if (!pattern_is(TO_HOST, h->rx, p, len))
		wrong(h, "received bytes differ");
	h->rx += len;
	if (h->last_rx_ns && now - h->last_rx_ns > h->gap_ns)
		h->gap_ns = now - h->last_rx_ns;
	h->last_rx_ns = now;
}

/* How many bytes the application wants to give away now */
static uint64_t wants(struct host_flow *h)
{
	if (h->o.pings) {
		if (h->next % PING)
			return PING - h->next % PING;
		return !h->stop && h->rx >= h->next ? PING : 0;
	}
	if (!h->o.sends || h->stop)
		return 0;
	if (h->o.send_rate && h->next > (now_ns() - h->start_ns) / 1000 *
					 h->o.send_rate / 1000000)
		return 0;
	return 65536;
}

static void native_watch(struct host_flow *h)
{
	uint32_t ev = 0;

	if (!h->eof && (!h->o.read_rate || consumed(h) == h->rx))
		ev |= EPOLLIN;
	if (wants(h))
		ev |= EPOLLOUT;
	if (ev != h->watched)
		loop_mod(host_loop, &h->lf, ev);
	h->watched = ev;
}

static void native_ready(struct loop_fd *lf, uint32_t events)
{
	struct host_flow *h = container_of(lf, struct host_flow, lf);
	static uint8_t buf[RX_BUF];
	ssize_t n;

	if (events & EPOLLIN) {
		n = recv(h->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0)
			took(h, buf, (size_t)n);
		else if (!n)
			h->eof = true;
		else if (errno != EAGAIN)
			wrong(h, strerror(errno));
	}
	if (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLIN)) {
		wrong(h, "native socket error");
		loop_del(host_loop, &h->lf);
		h->watched = 0;
		return;
	}
	if ((events & EPOLLOUT) && wants(h)) {
		n = send(h->fd, pattern_at(TO_PEER, h->next), wants(h),
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0)
			h->next += (uint64_t)n;
	}
	native_watch(h);
}

static void native_start(struct host_flow *h)
{
	h->lf.fd = h->fd;
	h->lf.ready = native_ready;
	h->watched = EPOLLIN | EPOLLOUT;
	h->where = NATIVE;
	loop_add(host_loop, &h->lf, h->watched);
}

/* The device */

static void post(struct host_flow *h, uint64_t off, uint32_t len)
{
	struct device_tx *tx = calloc(1, sizeof(*tx));

	tx->id = h->id;
	tx->seq = h->tx_base + (uint32_t)off;
	tx->len = len;
	tx->rcv_edge = h->edge;
	/* in two pieces, as pages are */
	tx->iov[0].iov_base = pattern_at(TO_PEER, off);
	tx->iov[0].iov_len = len / 3;
	tx->iov[1].iov_base = pattern_at(TO_PEER, off) + len / 3;
	tx->iov[1].iov_len = len - len / 3;
	tx->niov = 2;
	h->msgs++;
	flow_transmit(host_card, tx);
}

static void engine_send(struct host_flow *h)
{
	uint64_t room, want;

	while (h->msgs < MAX_MSGS && (want = wants(h))) {
		room = h->una + h->snd_wnd;
		if (room <= h->next)
			break;
		if (want > room - h->next)
			want = room - h->next;
		post(h, h->next, (uint32_t)want);
		h->next += want;
	}
}

static void engine_credit(struct host_flow *h)
{
	uint32_t edge = h->rx_base + (uint32_t)consumed(h) +
			(h->o.rcvbuf ? (uint32_t)h->o.rcvbuf : WINDOW);

	if (!seq_after(edge, h->edge))
		return;
	h->edge = edge;
	flow_credit(host_card, h->id, edge);
}

static void round_over(struct loop_hook *lh)
{
	struct host_flow *h;
	int i;

	(void)lh;
	if (dev.starved) {
		dev.starved = false;
		flow_rx_ready(host_card);
	}
	for (i = 0; i < MAX_FLOWS; i++) {
		h = dev.flow[i];
		if (!h || h->where != ENGINE)
			continue;
		engine_credit(h);
		engine_send(h);
	}
	if (dev.done && dev.done(dev.arg)) {
		dev.met = true;
		loop_stop(host_loop);
	}
}

static void tick(struct loop_timer *lt)
{
	int i;

	for (i = 0; i < MAX_FLOWS; i++)
		if (dev.flow[i] && dev.flow[i]->where == NATIVE &&
		    dev.flow[i]->watched != 0)
			native_watch(dev.flow[i]);
		else if (dev.flow[i] && dev.flow[i]->where == NATIVE &&
			 !dev.flow[i]->wrong)
			native_watch(dev.flow[i]);
	loop_timer_arm(host_loop, lt, 1000000);
}

void device_reply(struct device *d, struct device_cmd *cmd, uint32_t status,
		  const struct toe_state *st)
{
	struct host_flow *h = cmd->h;

	(void)d;
	if (cmd->answered)
		wrong(h, "two replies");
	cmd->answered = true;
	if (cmd->open) {
		h->open = NULL;
		h->open_status = status;
		free(cmd);
		return;
	}
	h->status = status;
	h->reply_ns = now_ns();
	if (st)
		h->reply = *st;
}

void device_tx_done(struct device *d, struct device_tx *tx)
{
	struct host_flow *h = by_id(tx->id);

	(void)d;
	if (h)
		h->msgs--;
	free(tx);
}

int device_rx_peek(struct device *d, struct iovec *iov, int max)
{
	if (host_scarce && !(++d->looks % host_scarce)) {
		d->starved = true;
		return -EAGAIN;
	}
	if (max < 2)
		return -EINVAL;
	iov[0].iov_base = d->rx;
	iov[0].iov_len = 4096;
	iov[1].iov_base = d->rx + 4096;
	iov[1].iov_len = RX_BUF - 4096;
	return 2;
}

static void engine_acked(struct host_flow *h, const struct device_rx *msg)
{
	uint32_t moved = msg->snd_una - (h->tx_base + (uint32_t)h->una);

	if ((int32_t)moved < 0)
		wrong(h, "snd_una went back");
	h->una += moved;
	if (h->una > h->next)
		wrong(h, "more acknowledged than sent");
	h->snd_wnd = msg->snd_wnd;
}

bool device_wants_info(struct device *d)
{
	(void)d;
	return true;
}

int device_rx_info(struct device *d, const struct device_rx *msg,
		   const struct repair_counts *counts)
{
	struct host_flow *h = by_id(msg->id);

	if (h && counts->segs_out < counts->retrans)
		wrong(h, "more sent again than sent");
	return device_rx_send(d, msg);
}

int device_rx_send(struct device *d, const struct device_rx *msg)
{
	struct host_flow *h = by_id(msg->id);

	if (!h) {
		printf("# rx message for no flow\n");
		return 0;
	}
	if (msg->seq != h->rx_base + (uint32_t)h->rx)
		wrong(h, "rx out of sequence");
	if (msg->type == VIRTIO_TOE_RX_DATA)
		took(h, d->rx, msg->len);
	if (h->where == ENGINE && seq_after(msg->seq + msg->len, h->edge))
		wrong(h, "more delivered than credit");
	engine_acked(h, msg);
	return 0;
}

int device_capture_room(struct device *d)
{
	(void)d;
	return host_frames.room;
}

int device_capture_send(struct device *d, const struct device_frame *f)
{
	(void)d;
	if (host_frames.room < 0)
		return -EAGAIN;
	if (host_frames.show)
		host_frames.show(f);
	return 0;
}

int device_event(struct device *d, uint16_t type, uint32_t id)
{
	(void)d;
	(void)type;
	(void)id;
	host_events++;
	return 0;
}

/* The gate: what reaches the host late goes to the card by INJECT */

static uint32_t sum(const uint8_t *p, size_t len, uint32_t s)
{
	for (; len > 1; len -= 2, p += 2)
		s += (uint32_t)p[0] << 8 | p[1];
	return len ? s + ((uint32_t)*p << 8) : s;
}

/* It comes as the stack has it, with the checksum not filled in. */
static void fill_checksum(uint8_t *pkt, size_t len, size_t l4)
{
	uint8_t *check = pkt + l4 + 16;
	uint32_t s = IPPROTO_TCP + (uint32_t)(len - l4);

	check[0] = 0;
	check[1] = 0;
	s = l4 == sizeof(struct iphdr) ? sum(pkt + 12, 8, s) :
					 sum(pkt + 8, 32, s);
	s = sum(pkt + l4, len - l4, s);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	check[0] = (uint8_t)(~s >> 8);
	check[1] = (uint8_t)~s;
}

static void gate_packet(struct host_flow *h, uint8_t *pkt, size_t len,
			size_t l4)
{
	struct device_cmd cmd = { .h = h };
	struct tcphdr *th = (void *)(pkt + l4);
	uint32_t end;

	end = ntohl(th->seq) + (uint32_t)(len - l4) - th->doff * 4;
	if (len > l4 + th->doff * 4u && !seq_after(end, h->st.rcv_nxt))
		return;
	fill_checksum(pkt, len, l4);
	host_injected++;
	flow_inject(host_card, &cmd, h->id, pkt, len);
}

static void gate_ready(struct loop_fd *lf, uint32_t events)
{
	static uint8_t pkt[65536] __attribute__((aligned(4)));
	struct host_flow *h;
	struct tcphdr *th;
	ssize_t n;
	size_t l4;
	int i;

	(void)events;
	while ((n = recv(lf->fd, pkt, sizeof(pkt), MSG_DONTWAIT)) > 0) {
		l4 = pkt[0] >> 4 == 4 ? sizeof(struct iphdr) :
					sizeof(struct ipv6hdr);
		th = (void *)(pkt + l4);
		if ((size_t)n < l4 + sizeof(*th))
			continue;
		for (i = 0; i < MAX_FLOWS; i++) {
			h = dev.flow[i];
			if (h && h->gated &&
			    th->dest == h->tuple.local_port &&
			    th->source == h->tuple.remote_port)
				gate_packet(h, pkt, (size_t)n, l4);
		}
	}
}

/* Lets nothing in, or everything that comes to the host. */
static void gate_filter(bool open)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, open ? UINT32_MAX : 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { .len = 4, .filter = code };

	setsockopt(dev.gate.fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

static void gate_init(void)
{
	int big = 64 << 20;

	world_enter(HOST);
	dev.gate.fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	gate_filter(false);
	{
		struct sockaddr_ll any = { .sll_family = AF_PACKET,
					   .sll_protocol = htons(ETH_P_ALL) };

		bind(dev.gate.fd, (void *)&any, sizeof(any));
	}
	world_enter(CARD);
	setsockopt(dev.gate.fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	dev.gate.ready = gate_ready;
	loop_add(host_loop, &dev.gate, EPOLLIN);
}

/* Moving */

static bool answered(void *arg)
{
	return ((struct device_cmd *)arg)->answered;
}

static bool reads_all(struct host_flow *h)
{
	static uint8_t buf[64 << 20];
	ssize_t n, at;

	/* Peeking doesn't tell the peer of a window. */
	n = recv(h->fd, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
	for (at = 0; at < n; at += RX_BUF)
		took(h, buf + at, n - at < RX_BUF ? (size_t)(n - at) : RX_BUF);
	return n != sizeof(buf);
}

static const char *snapshot(struct host_flow *h)
{
	struct toe_state *st = &h->st;
	uint32_t write_seq, rcv_nxt;
	struct tcp_info ti;
	socklen_t len = sizeof(ti);
	int val, outq, unsent;

	memset(st, 0, sizeof(*st));
	if (repair_deafen(h->fd) || !reads_all(h))
		return "deafen";
	if (repair_freeze(h->fd, &rcv_nxt))
		return "freeze";
	if (!h->rx_base && !h->tx_base)
		h->rx_base = rcv_nxt - (uint32_t)h->rx;
	if (rcv_nxt != h->rx_base + (uint32_t)h->rx)
		return "rcv_nxt at the snapshot";
	memset(&ti, 0, sizeof(ti));
	getsockopt(h->fd, IPPROTO_TCP, TCP_INFO, &ti, &len);
	st->tuple = h->tuple;
	memcpy(st->src_mac, host_mac, 6);
	memcpy(st->dst_mac, world.peer_mac, 6);
	if (ti.tcpi_options & TCPI_OPT_TIMESTAMPS)
		st->options |= TOE_OPT_TIMESTAMPS;
	if (ti.tcpi_options & TCPI_OPT_SACK)
		st->options |= TOE_OPT_SACK;
	if (ti.tcpi_options & TCPI_OPT_WSCALE)
		st->options |= TOE_OPT_WSCALE;
	st->snd_wscale = ti.tcpi_snd_wscale;
	st->rcv_wscale = ti.tcpi_rcv_wscale;
	len = sizeof(val);
	getsockopt(h->fd, IPPROTO_TCP, TCP_MAXSEG, &val, &len);
	st->mss_clamp = (uint32_t)val;
	getsockopt(h->fd, SOL_SOCKET, SO_RCVBUF, &val, &len);
	st->rcvbuf = (uint32_t)val;
	st->advmss = ti.tcpi_advmss;
	st->ttl = 64;
	strcpy(st->ca_name, "cubic");
	getsockopt(h->fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &write_seq, &len);
	ioctl(h->fd, SIOCOUTQ, &outq);
	ioctl(h->fd, SIOCOUTQNSD, &unsent);
	if (repair_dump(h->fd, st))
		return "dump";
	st->rcv_nxt = rcv_nxt;
	st->snd_una = write_seq - (uint32_t)outq;
	st->snd_nxt = write_seq - (uint32_t)unsent;
	h->tx_base = write_seq - (uint32_t)h->next;
	h->next -= (uint32_t)unsent;
	h->una = h->next - (st->snd_nxt - st->snd_una);
	return NULL;
}

/* Nothing out of order in the receive queue */
static bool calm(struct host_flow *h)
{
	uint32_t mem[SK_MEMINFO_VARS];
	socklen_t len = sizeof(mem);
	int inq = 0;

	ioctl(h->fd, SIOCINQ, &inq);
	return inq || getsockopt(h->fd, SOL_SOCKET, SO_MEMINFO, mem, &len) ||
	       !mem[SK_MEMINFO_RMEM_ALLOC];
}

/* From here on the connection's packets are late. */
static void come_late(struct host_flow *h)
{
	loop_del(host_loop, &h->lf);
	h->watched = 0;
	h->where = MOVING;
	loop_mod(host_loop, &dev.gate, 0);	/* they wait */
	gate_filter(true);
	repair_deafen(h->fd);
	host_run(h->o.late_us * 1000ull);
}

const char *host_prepare(struct host_flow *h)
{
	struct device_cmd cmd = { .h = h };
	int tries;

	for (tries = 0; tries < 50; tries++) {
		if (h->o.late_us)
			come_late(h);
		h->id = next_id++;
		cmd.answered = false;
		flow_prepare(host_card, &cmd, h->id, &h->tuple);
		if (!host_run_until(answered, &cmd, 1000000000) || h->status)
			return "PREPARE";
		host_run(SETTLE_NS);
		if (h->wrong || h->o.late_us || calm(h))
			return h->wrong;
		host_not_calm++;
		if (!host_release(h))
			return "RELEASE";
		host_run(2000000);
	}
	return "never calm";
}

const char *host_snapshot(struct host_flow *h)
{
	const char *err;

	if (h->where == NATIVE) {
		h->where = MOVING;
		loop_del(host_loop, &h->lf);
		h->watched = 0;
		loop_mod(host_loop, &dev.gate, 0);
		gate_filter(true);
	}
	err = snapshot(h);
	repair_close(h->fd);
	h->fd = -1;
	h->snd_wnd = h->st.snd_wnd;
	h->edge = h->st.rcv_wup + h->st.rcv_wnd;
	return err;
}

static bool opened(void *arg)
{
	return !((struct host_flow *)arg)->open;
}

bool host_open(struct host_flow *h, unsigned int how)
{
	struct device_cmd *cmd = calloc(1, sizeof(*cmd));
	uint64_t off;
	uint32_t len;

	cmd->h = h;
	cmd->open = true;
	h->open = cmd;
	flow_open(host_card, cmd, h->id, &h->st);
	h->gated = true;
	loop_mod(host_loop, &dev.gate, EPOLLIN);
	for (off = h->una; (how & OPEN_POST) && off < h->next; off += len) {
		len = h->next - off > 50000 ? 50000 : (uint32_t)(h->next - off);
		post(h, off, len);
	}
	return !(how & OPEN_WAIT) || host_run_until(opened, h, 1000000000);
}

const char *host_to_card(struct host_flow *h)
{
	uint64_t start = now_ns();
	const char *err;

	err = host_prepare(h);
	if (!err)
		err = host_snapshot(h);
	if (err)
		return err;
	if (!host_open(h, OPEN_POST | OPEN_WAIT) || h->open_status)
		return "OPEN";
	gate_filter(false);
	h->where = ENGINE;
	h->open_ns = now_ns() - start;
	return h->wrong;
}

static const char *restore(struct host_flow *h)
{
	struct toe_state *st = &h->reply;
	struct iovec iov;
	uint64_t off, end;

	if (st->rcv_nxt != h->rx_base + (uint32_t)h->rx)
		return "CLOSE: rcv_nxt is not what was delivered";
	off = h->una + (st->snd_una - (h->tx_base + (uint32_t)h->una));
	end = off + (st->snd_nxt - st->snd_una);
	if (off < h->una || end > h->next || end < off)
		return "CLOSE: snd_una or snd_nxt";
	world_enter(HOST);
	h->fd = repair_open(st, 0);
	world_enter(CARD);
	if (h->fd < 0)
		return "restore";
	for (; off < end; off += iov.iov_len) {
		iov.iov_base = pattern_at(TO_PEER, off);
		iov.iov_len = end - off < 65536 ? end - off : 65536;
		if (repair_sent(h->fd, &iov, 1))
			return "restore: sent";
	}
	h->next = end;
	if (repair_start(h->fd, st, (now_ns() - h->reply_ns) / 1000))
		return "restore: start";
	return NULL;
}

bool host_close(struct host_flow *h)
{
	struct device_cmd cmd = { .h = h };

	h->where = MOVING;
	flow_close(host_card, &cmd, h->id);
	return host_run_until(answered, &cmd, 1000000000);
}

bool host_release(struct host_flow *h)
{
	struct device_cmd cmd = { .h = h };

	flow_release(host_card, &cmd, h->id);
	return cmd.answered && !h->status;
}

uint32_t host_capture(struct host_flow *h, uint32_t snaplen)
{
	struct device_cmd cmd = { .h = h };

	capture_start(host_card, &cmd, h->id, snaplen);
	return h->status;
}

uint32_t host_capture_stop(struct host_flow *h)
{
	struct device_cmd cmd = { .h = h };

	capture_stop(host_card, &cmd, h->id);
	return h->status;
}

const char *host_resume(struct host_flow *h)
{
	const char *err;

	h->gated = false;
	gate_filter(false);
	err = restore(h);
	if (err)
		return err;
	if (!host_release(h))
		return "RELEASE";
	repair_advertise(h->fd, &h->reply);
	native_start(h);
	return h->wrong;
}

const char *host_from_card(struct host_flow *h)
{
	uint64_t start = now_ns();
	const char *err;

	if (!host_close(h) || h->status)
		return "CLOSE";
	err = host_resume(h);
	h->close_ns = now_ns() - start;
	return err;
}

/* Running */

static void stop_expired(struct loop_timer *lt)
{
	(void)lt;
	loop_stop(host_loop);
}

bool host_run_until(bool (*done)(void *arg), void *arg, uint64_t ns)
{
	if (done && done(arg))
		return true;
	dev.done = done;
	dev.arg = arg;
	dev.met = false;
	loop_timer_arm(host_loop, &dev.stop, ns);
	loop_run(host_loop);
	loop_timer_disarm(host_loop, &dev.stop);
	dev.done = NULL;
	return dev.met;
}

void host_run(uint64_t ns)
{
	host_run_until(NULL, NULL, ns);
}

int host_init(void)
{
	struct card_config cfg = { .wire = "wire0", .host = "host0",
				   .max_flows = MAX_FLOWS };

	host_loop = loop_new();
	world_enter(CARD);
	host_card = card_new(host_loop, &cfg);
	if (!host_card)
		return -1;
	card_set_device(host_card, &dev);
	gate_init();
	dev.round.round = round_over;
	loop_on_round(host_loop, &dev.round);
	dev.tick.expired = tick;
	dev.stop.expired = stop_expired;
	loop_timer_arm(host_loop, &dev.tick, 1000000);
	return 0;
}

void host_exit(void)
{
	loop_timer_disarm(host_loop, &dev.tick);
	loop_off_round(host_loop, &dev.round);
	loop_del(host_loop, &dev.gate);
	close(dev.gate.fd);
	card_free(host_card);
	loop_free(host_loop);
}

int host_listen(int family, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t len = world_address(&ss, HOST, family, port);
	int fd, one = 1;

	world_enter(HOST);
	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	world_enter(CARD);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (void *)&ss, len) || listen(fd, 64)) {
		perror("listen");
		close(fd);
		return -1;
	}
	return fd;
}

static void name(struct toe_tuple *t, int fd)
{
	struct sockaddr_storage l, r;
	socklen_t len = sizeof(l);

	getsockname(fd, (void *)&l, &len);
	len = sizeof(r);
	getpeername(fd, (void *)&r, &len);
	memset(t, 0, sizeof(*t));
	t->family = l.ss_family;
	t->local_port = ((struct sockaddr_in *)&l)->sin_port;
	t->remote_port = ((struct sockaddr_in *)&r)->sin_port;
	if (l.ss_family == AF_INET) {
		t->local_addr[0] = ((struct sockaddr_in *)&l)->sin_addr.s_addr;
		t->remote_addr[0] = ((struct sockaddr_in *)&r)->sin_addr.s_addr;
	} else {
		memcpy(t->local_addr, &((struct sockaddr_in6 *)&l)->sin6_addr, 16);
		memcpy(t->remote_addr, &((struct sockaddr_in6 *)&r)->sin6_addr, 16);
	}
}

struct host_flow *host_accept(int listener, const struct host_opts *o)
{
	struct host_flow *h = calloc(1, sizeof(*h));
	int i, one = 1;

	for (i = 0; dev.flow[i]; i++)
		;
	if (o->rcvbuf)
		setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &o->rcvbuf, sizeof(int));
	h->o = *o;
	h->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (h->fd < 0) {
		free(h);
		return NULL;
	}
	setsockopt(h->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	name(&h->tuple, h->fd);
	h->start_ns = now_ns();
	dev.flow[i] = h;
	native_start(h);
	return h;
}

void host_free(struct host_flow *h)
{
	int i;

	for (i = 0; i < MAX_FLOWS; i++)
		if (dev.flow[i] == h)
			dev.flow[i] = NULL;
	if (h->where == NATIVE)
		loop_del(host_loop, &h->lf);
	if (h->fd >= 0)
		close(h->fd);
	free(h);
}

uint64_t host_sent(struct host_flow *h)
{
	return h->next;
}
