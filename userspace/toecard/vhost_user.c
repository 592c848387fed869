// SPDX-License-Identifier: GPL-2.0-only
/*
 * A connection is read message by message: first exactly a header, then exactly
 * its payload, so that descriptors which arrive belong to the message at hand.
 * A front-end that breaks the protocol is disconnected; nothing it sends is
 * used before it has been checked.
 *
 * Life of a queue: SET_VRING_KICK starts it, SET_VRING_ENABLE lets us process
 * it, GET_VRING_BASE or the end of the connection stops it. ops->start and
 * ops->stop follow "live and enabled" and "live".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "log.h"
#include "sock.h"
#include "vhost_user.h"

#define MAX_FDS			GUEST_REGIONS

/* Requests */
#define GET_FEATURES		1
#define SET_FEATURES		2
#define SET_OWNER		3
#define RESET_OWNER		4
#define SET_MEM_TABLE		5
#define SET_VRING_NUM		8
#define SET_VRING_ADDR		9
#define SET_VRING_BASE		10
#define GET_VRING_BASE		11
#define SET_VRING_KICK		12
#define SET_VRING_CALL		13
#define SET_VRING_ERR		14
#define GET_PROTOCOL_FEATURES	15
#define SET_PROTOCOL_FEATURES	16
#define GET_QUEUE_NUM		17
#define SET_VRING_ENABLE	18
#define SET_BACKEND_REQ_FD	21
#define GET_CONFIG		24
#define SET_CONFIG		25

/* Header flags */
#define FLAG_VERSION		0x1
#define FLAG_VERSION_MASK	0x3
#define FLAG_REPLY		0x4
#define FLAG_NEED_REPLY		0x8

#define F_PROTOCOL_FEATURES	30
#define PROTOCOL_F_MQ		0
#define PROTOCOL_F_REPLY_ACK	3
#define PROTOCOL_F_BACKEND_REQ	5
#define PROTOCOL_F_CONFIG	9

#define PROTOCOL_FEATURES	(1ull << PROTOCOL_F_MQ |		\
				 1ull << PROTOCOL_F_REPLY_ACK |	\
				 1ull << PROTOCOL_F_BACKEND_REQ |	\
				 1ull << PROTOCOL_F_CONFIG)

#define RING_FEATURES		(1ull << VIRTIO_F_VERSION_1 |		\
				 1ull << VIRTIO_RING_F_EVENT_IDX |	\
				 1ull << VIRTIO_RING_F_INDIRECT_DESC |	\
				 1ull << F_PROTOCOL_FEATURES)

/* The u64 of SET_VRING_KICK, _CALL and _ERR */
#define VRING_INDEX_MASK	0xff
#define VRING_NO_FD		0x100

#define CONFIG_MAX		256

struct vring_state_msg {
	uint32_t index;
	uint32_t num;
};

struct vring_addr_msg {
	uint32_t index;
	uint32_t flags;
	uint64_t desc;
	uint64_t used;
	uint64_t avail;
	uint64_t log;
};

struct mem_region_msg {
	uint64_t gpa;
	uint64_t size;
	uint64_t uaddr;
	uint64_t offset;
};

struct mem_msg {
	uint32_t num;
	uint32_t padding;
	struct mem_region_msg region[GUEST_REGIONS];
};

struct config_msg {
	uint32_t offset;
	uint32_t size;
	uint32_t flags;
	uint8_t data[CONFIG_MAX];
};

#define CONFIG_HEAD	offsetof(struct config_msg, data)

struct msg_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
};

/* In the CPU's byte order, as the protocol has it. Between the two there may be
 * padding that is not on the socket.
 */
struct msg {
	struct msg_header h;
	union {
		uint64_t u64;
		struct vring_state_msg state;
		struct vring_addr_msg addr;
		struct mem_msg mem;
		struct config_msg config;
	} p;
};

struct queue {
	struct vq vq;
	struct vhost_user *vu;
	struct loop_fd kick;		/* fd -1: none */
	int err_fd;
	bool has_addr;
	bool enable;			/* as the front-end said last */
	bool started;			/* ops->start was called, ops->stop not yet */
	uint64_t desc, avail, used;	/* addresses in the front-end */
};

struct vhost_user {
	struct loop *loop;
	struct vhost_user_config cfg;
	struct loop_fd listener;
	struct loop_fd conn;		/* fd -1: nobody is connected */
	int backend_req_fd;
	uint64_t features;
	uint64_t protocol_features;
	struct guest_mem *mem;
	struct queue queue[VHOST_USER_QUEUES];

	/* the message being read */
	struct msg msg;
	size_t have;
	int fds[MAX_FDS];
	unsigned int num_fds;
};

struct vq *vhost_user_vq(struct vhost_user *vu, unsigned int q)
{
	return &vu->queue[q].vq;
}

uint64_t vhost_user_features(const struct vhost_user *vu)
{
	return vu->features;
}

static void write_event(int fd)
{
	uint64_t one = 1;

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_warn("vhost-user: eventfd: %s", strerror(errno));
}

void vhost_user_vq_error(struct vhost_user *vu, unsigned int q)
{
	write_event(vu->queue[q].err_fd);
}

static bool agreed(const struct vhost_user *vu, unsigned int bit)
{
	return vu->features & (1ull << bit);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Queues */

static void queue_enable(struct queue *q)
{
	struct vhost_user *vu = q->vu;

	/* Without the protocol features there is no SET_VRING_ENABLE. */
	q->vq.enabled = q->enable || !agreed(vu, F_PROTOCOL_FEATURES);
	if (!q->vq.live || !q->vq.enabled)
		return;
	/* A kick that came while it was disabled was not heard. */
	if (q->started)
		vu->cfg.ops->kick(vu->cfg.arg, q->vq.index);
	else
		vu->cfg.ops->start(vu->cfg.arg, q->vq.index);
	q->started = true;
}

static void queue_no_kick(struct queue *q)
{
	if (q->kick.fd < 0)
		return;
	loop_del(q->vu->loop, &q->kick);
	close_fd(&q->kick.fd);
}

static void queue_stop(struct queue *q)
{
	struct vhost_user *vu = q->vu;

	queue_no_kick(q);
	if (!q->vq.live)
		return;
	/* The chains outstanding are pushed into a ring that still lives, and
	 * the driver hears of it before the interrupt goes.
	 */
	if (q->started)
		vu->cfg.ops->stop(vu->cfg.arg, q->vq.index);
	q->started = false;
	vq_signal(&q->vq);
	vq_stop(&q->vq);
}

static void queue_kicked(struct loop_fd *lf, uint32_t events)
{
	struct queue *q = (void *)((char *)lf - offsetof(struct queue, kick));
	struct vhost_user *vu = q->vu;
	uint64_t count;
	ssize_t n;

	(void)events;
	n = read(lf->fd, &count, sizeof(count));
	if (n != sizeof(count)) {
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		log_err("vhost-user: queue %u: its kick descriptor is of no use",
			q->vq.index);
		queue_no_kick(q);
		return;
	}
	if (q->started)
		vu->cfg.ops->kick(vu->cfg.arg, q->vq.index);
}

/* The connection */

static void drop_fds(struct vhost_user *vu)
{
	while (vu->num_fds)
		close(vu->fds[--vu->num_fds]);
}

static int take_fd(struct vhost_user *vu)
{
	int fd = vu->fds[0];

	vu->num_fds--;
	memmove(vu->fds, vu->fds + 1, vu->num_fds * sizeof(vu->fds[0]));
	return fd;
}

static void forget_front_end(struct vhost_user *vu)
{
	struct queue *q;
	unsigned int i;

	for (i = 0; i < VHOST_USER_QUEUES; i++) {
		q = &vu->queue[i];
		queue_stop(q);
		close_fd(&q->vq.call_fd);
		close_fd(&q->err_fd);
		q->has_addr = false;
		q->vq.num = 0;
		q->vq.base = 0;
		q->enable = false;
	}
	close_fd(&vu->backend_req_fd);
	guest_mem_put(vu->mem);
	vu->mem = NULL;
	vu->features = 0;
	vu->protocol_features = 0;
	vu->have = 0;
	drop_fds(vu);
}

static void disconnect(struct vhost_user *vu)
{
	if (vu->conn.fd < 0)
		return;
	loop_del(vu->loop, &vu->conn);
	close_fd(&vu->conn.fd);
	forget_front_end(vu);
	/* The next one may come. */
	loop_mod(vu->loop, &vu->listener, EPOLLIN);
}

static int reply(struct vhost_user *vu, size_t size)
{
	struct msg *m = &vu->msg;
	struct iovec iov[] = {
		{ .iov_base = &m->h, .iov_len = sizeof(m->h) },
		{ .iov_base = &m->p, .iov_len = size },
	};
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t len = sizeof(m->h) + size;

	m->h.flags = FLAG_VERSION | FLAG_REPLY;
	m->h.size = size;
	/* Answers are small and asked for one at a time: a socket without room
	 * for one belongs to a front-end that does not read.
	 */
	if (sendmsg(vu->conn.fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT) != len)
		return -EPIPE;
	return 0;
}

static int reply_u64(struct vhost_user *vu, uint64_t value)
{
	vu->msg.p.u64 = value;
	return reply(vu, sizeof(value));
}

/* Messages. Each handler returns 0, or -errno when the front-end is wrong. */

static struct queue *queue_of(struct vhost_user *vu, uint32_t index)
{
	return index < VHOST_USER_QUEUES ? &vu->queue[index] : NULL;
}

static int on_set_features(struct vhost_user *vu)
{
	uint64_t f = vu->msg.p.u64;
	unsigned int i;

	if (f & ~(RING_FEATURES | vu->cfg.features))
		return -EINVAL;
	vu->features = f;
	for (i = 0; i < VHOST_USER_QUEUES; i++) {
		vu->queue[i].vq.event_idx = agreed(vu, VIRTIO_RING_F_EVENT_IDX);
		vu->queue[i].vq.indirect =
			agreed(vu, VIRTIO_RING_F_INDIRECT_DESC);
	}
	return 0;
}

static int on_set_protocol_features(struct vhost_user *vu)
{
	if (vu->msg.p.u64 & ~PROTOCOL_FEATURES)
		return -EINVAL;
	vu->protocol_features = vu->msg.p.u64;
	return 0;
}

static int on_set_mem_table(struct vhost_user *vu)
{
	const struct mem_msg *m = &vu->msg.p.mem;
	const struct mem_region_msg *r;
	struct guest_mem *mem;
	struct queue *q;
	unsigned int i;
	int err = 0;

	if (vu->msg.h.size < offsetof(struct mem_msg, region) ||
	    m->num > GUEST_REGIONS || m->num != vu->num_fds ||
	    vu->msg.h.size != offsetof(struct mem_msg, region[m->num]))
		return -EINVAL;
	mem = guest_mem_new();
	if (!mem)
		return -ENOMEM;
	for (i = 0; !err && i < m->num; i++) {
		r = &m->region[i];
		err = guest_mem_add(mem, r->gpa, r->uaddr, r->size, r->offset,
				    vu->fds[i]);
	}
	/* Queues that run go on in the new table; chains that were taken keep
	 * the old one until they are pushed.
	 */
	for (i = 0; !err && i < VHOST_USER_QUEUES; i++) {
		q = &vu->queue[i];
		if (q->vq.live)
			err = vq_remap(&q->vq, mem, q->desc, q->avail, q->used);
	}
	if (err) {
		guest_mem_put(mem);
		return err;
	}
	guest_mem_put(vu->mem);
	vu->mem = mem;
	return 0;
}

static int on_set_vring_num(struct vhost_user *vu)
{
	struct queue *q = queue_of(vu, vu->msg.p.state.index);
	uint32_t num = vu->msg.p.state.num;

	if (!q || !num || num > VQ_MAX_NUM || num & (num - 1))
		return -EINVAL;
	if (q->vq.live)
		return -EBUSY;
	q->vq.num = num;
	return 0;
}

static int on_set_vring_base(struct vhost_user *vu)
{
	struct queue *q = queue_of(vu, vu->msg.p.state.index);

	if (!q || vu->msg.p.state.num > UINT16_MAX)
		return -EINVAL;
	if (q->vq.live)
		return -EBUSY;
	q->vq.base = vu->msg.p.state.num;
	return 0;
}

static int on_set_vring_addr(struct vhost_user *vu)
{
	const struct vring_addr_msg *a = &vu->msg.p.addr;
	struct queue *q = queue_of(vu, a->index);
	int err;

	if (!q || a->flags)
		return -EINVAL;
	if (q->vq.live) {
		err = vq_remap(&q->vq, vu->mem, a->desc, a->avail, a->used);
		if (err)
			return err;
	}
	q->desc = a->desc;
	q->avail = a->avail;
	q->used = a->used;
	q->has_addr = true;
	return 0;
}

static int on_get_vring_base(struct vhost_user *vu)
{
	struct queue *q = queue_of(vu, vu->msg.p.state.index);

	if (!q)
		return -EINVAL;
	queue_stop(q);
	vu->msg.p.state.num = q->vq.base;
	return reply(vu, sizeof(vu->msg.p.state));
}

static int on_set_vring_enable(struct vhost_user *vu)
{
	struct queue *q = queue_of(vu, vu->msg.p.state.index);

	if (!q || vu->msg.p.state.num > 1)
		return -EINVAL;
	q->enable = vu->msg.p.state.num;
	queue_enable(q);
	return 0;
}

/* The descriptor of SET_VRING_KICK, _CALL or _ERR; -1 if the message says that
 * there is none.
 */
static int vring_fd(struct vhost_user *vu, struct queue **q, int *fd)
{
	uint64_t v = vu->msg.p.u64;

	*q = queue_of(vu, v & VRING_INDEX_MASK);
	if (!*q || v & ~(uint64_t)(VRING_INDEX_MASK | VRING_NO_FD) ||
	    vu->num_fds != !(v & VRING_NO_FD))
		return -EINVAL;
	*fd = v & VRING_NO_FD ? -1 : take_fd(vu);
	/* A full or empty eventfd must never stop the loop. */
	if (*fd >= 0)
		fcntl(*fd, F_SETFL, fcntl(*fd, F_GETFL) | O_NONBLOCK);
	return 0;
}

static int on_set_vring_kick(struct vhost_user *vu)
{
	struct queue *q;
	int err, fd;

	err = vring_fd(vu, &q, &fd);
	if (err)
		return err;
	if (fd < 0)
		return -EOPNOTSUPP;	/* polling */
	queue_no_kick(q);
	q->kick.fd = fd;
	err = loop_add(vu->loop, &q->kick, EPOLLIN);
	if (err) {
		close_fd(&q->kick.fd);
		return err;
	}
	if (q->vq.live)
		return 0;
	if (!q->has_addr)
		return -EINVAL;
	err = vq_map(&q->vq, vu->mem, q->desc, q->avail, q->used);
	if (err)
		return err;
	queue_enable(q);
	return 0;
}

static int on_set_vring_call(struct vhost_user *vu)
{
	struct queue *q;
	int err, fd;

	err = vring_fd(vu, &q, &fd);
	if (err)
		return err;
	close_fd(&q->vq.call_fd);
	q->vq.call_fd = fd;
	/* It comes again while the queue runs: an interrupt that went to the
	 * old descriptor may have been lost, one too many does no harm.
	 */
	if (q->vq.live)
		write_event(fd);
	return 0;
}

static int on_set_vring_err(struct vhost_user *vu)
{
	struct queue *q;
	int err, fd;

	err = vring_fd(vu, &q, &fd);
	if (err)
		return err;
	close_fd(&q->err_fd);
	q->err_fd = fd;
	return 0;
}

static int on_set_backend_req_fd(struct vhost_user *vu)
{
	if (vu->num_fds != 1)
		return -EINVAL;
	close_fd(&vu->backend_req_fd);
	vu->backend_req_fd = take_fd(vu);
	return 0;
}

static int on_get_config(struct vhost_user *vu)
{
	struct config_msg *c = &vu->msg.p.config;
	size_t part;

	if (vu->msg.h.size < CONFIG_HEAD || c->size > CONFIG_MAX ||
	    vu->msg.h.size != CONFIG_HEAD + c->size)
		return -EINVAL;
	memset(c->data, 0, c->size);
	if (c->offset < vu->cfg.config_len) {
		part = vu->cfg.config_len - c->offset;
		if (part > c->size)
			part = c->size;
		memcpy(c->data, (const uint8_t *)vu->cfg.config + c->offset,
		       part);
	}
	return reply(vu, CONFIG_HEAD + c->size);
}

static int on_get_features(struct vhost_user *vu)
{
	return reply_u64(vu, RING_FEATURES | vu->cfg.features);
}

static int on_get_protocol_features(struct vhost_user *vu)
{
	return reply_u64(vu, PROTOCOL_FEATURES);
}

static int on_get_queue_num(struct vhost_user *vu)
{
	return reply_u64(vu, VHOST_USER_QUEUES);
}

static int on_set_owner(struct vhost_user *vu)
{
	(void)vu;
	return 0;
}

/* Deprecated; sent, if at all, to a device whose queues are to be disabled. */
static int on_reset_owner(struct vhost_user *vu)
{
	unsigned int i;

	for (i = 0; i < VHOST_USER_QUEUES; i++)
		queue_stop(&vu->queue[i]);
	return 0;
}

/* No field of the configuration space may be written. */
static int on_set_config(struct vhost_user *vu)
{
	(void)vu;
	log_debug("vhost-user: a write to the configuration space is ignored");
	return 0;
}

/* size is the payload's; 0: the handler looks itself. */
static const struct {
	const char *name;
	int (*handle)(struct vhost_user *vu);
	uint16_t size;
	bool answers;		/* has a reply of its own */
	bool fds;		/* may bring descriptors */
	bool empty;		/* has no payload */
} requests[] = {
#define U64	sizeof(uint64_t)
#define STATE	sizeof(struct vring_state_msg)
#define ADDR	sizeof(struct vring_addr_msg)
#define REQUEST(r, fn, ...) [r] = { .name = #r, .handle = fn, __VA_ARGS__ }
	REQUEST(GET_FEATURES, on_get_features, .empty = true, .answers = true),
	REQUEST(SET_FEATURES, on_set_features, .size = U64),
	REQUEST(SET_OWNER, on_set_owner, .empty = true),
	REQUEST(RESET_OWNER, on_reset_owner, .empty = true),
	REQUEST(SET_MEM_TABLE, on_set_mem_table, .fds = true),
	REQUEST(SET_VRING_NUM, on_set_vring_num, .size = STATE),
	REQUEST(SET_VRING_ADDR, on_set_vring_addr, .size = ADDR),
	REQUEST(SET_VRING_BASE, on_set_vring_base, .size = STATE),
	REQUEST(GET_VRING_BASE, on_get_vring_base, .size = STATE,
		.answers = true),
	REQUEST(SET_VRING_KICK, on_set_vring_kick, .size = U64, .fds = true),
	REQUEST(SET_VRING_CALL, on_set_vring_call, .size = U64, .fds = true),
	REQUEST(SET_VRING_ERR, on_set_vring_err, .size = U64, .fds = true),
	REQUEST(GET_PROTOCOL_FEATURES, on_get_protocol_features, .empty = true,
		.answers = true),
	REQUEST(SET_PROTOCOL_FEATURES, on_set_protocol_features, .size = U64),
	REQUEST(GET_QUEUE_NUM, on_get_queue_num, .empty = true,
		.answers = true),
	REQUEST(SET_VRING_ENABLE, on_set_vring_enable, .size = STATE),
	REQUEST(SET_BACKEND_REQ_FD, on_set_backend_req_fd, .empty = true,
		.fds = true),
	REQUEST(GET_CONFIG, on_get_config, .answers = true),
	REQUEST(SET_CONFIG, on_set_config),
};

#define NUM_REQUESTS	(sizeof(requests) / sizeof(requests[0]))

/* A whole message is in vu->msg. */
static int handle(struct vhost_user *vu)
{
	const struct msg_header *h = &vu->msg.h;
	uint32_t request = h->request;
	bool ack;
	int err;

	if (request >= NUM_REQUESTS || !requests[request].handle) {
		log_err("vhost-user: request %u is not known", request);
		return -EPROTO;
	}
	ack = h->flags & FLAG_NEED_REPLY && !requests[request].answers &&
	      vu->protocol_features & (1ull << PROTOCOL_F_REPLY_ACK);
	if ((requests[request].size && h->size != requests[request].size) ||
	    (requests[request].empty && h->size) ||
	    (vu->num_fds && !requests[request].fds))
		err = -EPROTO;
	else
		err = requests[request].handle(vu);
	log_debug("vhost-user: %s: %s", requests[request].name,
		  err ? strerror(-err) : "ok");
	if (err)
		log_err("vhost-user: %s: %s", requests[request].name,
			strerror(-err));
	if (ack && err != -EPIPE)
		return reply_u64(vu, err ? 1 : 0);
	return err;
}

/* Descriptors come along with the first byte of what they were sent with. */
static void keep_fds(struct vhost_user *vu, struct msghdr *mh)
{
	struct cmsghdr *cm;
	unsigned int i, n;
	int fd;

	for (cm = CMSG_FIRSTHDR(mh); cm; cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int),
			       sizeof(fd));
			if (vu->num_fds < MAX_FDS)
				vu->fds[vu->num_fds++] = fd;
			else
				close(fd);
		}
	}
}

/* Reads len bytes, or what is there; returns how many, or -errno. */
static ssize_t receive_part(struct vhost_user *vu, void *to, size_t len)
{
	union {
		char buf[CMSG_SPACE(MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = to, .iov_len = len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control) };
	ssize_t got;

	got = recvmsg(vu->conn.fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (!got)
		return -ECONNRESET;
	keep_fds(vu, &mh);
	if (mh.msg_flags & MSG_CTRUNC)
		return -EPROTO;
	vu->have += got;
	return got;
}

/* 0: a whole message is in vu->msg; -EAGAIN: not yet; else the connection is
 * over.
 */
static int receive(struct vhost_user *vu)
{
	struct msg *m = &vu->msg;
	size_t head = sizeof(m->h);
	ssize_t got;

	while (vu->have < head) {
		got = receive_part(vu, (uint8_t *)&m->h + vu->have,
				   head - vu->have);
		if (got < 0)
			return got;
	}
	if ((m->h.flags & FLAG_VERSION_MASK) != FLAG_VERSION ||
	    m->h.flags & FLAG_REPLY || m->h.size > sizeof(m->p))
		return -EPROTO;
	while (vu->have < head + m->h.size) {
		got = receive_part(vu, (uint8_t *)&m->p + (vu->have - head),
				   head + m->h.size - vu->have);
		if (got < 0)
			return got;
	}
	return 0;
}

static void conn_ready(struct loop_fd *lf, uint32_t events)
{
	struct vhost_user *vu = (void *)((char *)lf -
					 offsetof(struct vhost_user, conn));
	int err;

	(void)events;
	err = receive(vu);
	if (err == -EAGAIN)
		return;
	if (!err) {
		err = handle(vu);
		drop_fds(vu);
		vu->have = 0;
	}
	if (!err)
		return;
	if (err == -ECONNRESET)
		log_info("vhost-user: the front-end has gone");
	else
		log_err("vhost-user: disconnecting the front-end: %s",
			strerror(-err));
	disconnect(vu);
}

static void listener_ready(struct loop_fd *lf, uint32_t events)
{
	struct vhost_user *vu = (void *)((char *)lf -
					 offsetof(struct vhost_user, listener));
	int err;

	(void)events;
	vu->conn.fd = accept4(lf->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (vu->conn.fd < 0)
		return;
	err = loop_add(vu->loop, &vu->conn, EPOLLIN);
	if (err) {
		log_err("vhost-user: connection: %s", strerror(-err));
		close_fd(&vu->conn.fd);
		return;
	}
	log_info("vhost-user: a front-end has connected");
	/* One at a time: others wait in the listening socket. */
	loop_mod(vu->loop, &vu->listener, 0);
}

struct vhost_user *vhost_user_new(struct loop *l,
				  const struct vhost_user_config *cfg)
{
	struct vhost_user *vu = calloc(1, sizeof(*vu));
	unsigned int i;
	int err;

	if (!vu) {
		log_err("vhost-user: out of memory");
		return NULL;
	}
	vu->loop = l;
	vu->cfg = *cfg;
	vu->conn.fd = -1;
	vu->conn.ready = conn_ready;
	vu->backend_req_fd = -1;
	for (i = 0; i < VHOST_USER_QUEUES; i++) {
		vu->queue[i].vu = vu;
		vu->queue[i].vq.index = i;
		vu->queue[i].vq.call_fd = -1;
		vu->queue[i].err_fd = -1;
		vu->queue[i].kick.fd = -1;
		vu->queue[i].kick.ready = queue_kicked;
	}
	vu->listener.ready = listener_ready;
	vu->listener.fd = sock_listen(cfg->path);
	if (vu->listener.fd < 0) {
		log_err("vhost-user: listening on %s: %s", cfg->path,
			strerror(-vu->listener.fd));
		free(vu);
		return NULL;
	}
	err = loop_add(l, &vu->listener, EPOLLIN);
	if (err) {
		log_err("vhost-user: %s", strerror(-err));
		unlink(cfg->path);
		close(vu->listener.fd);
		free(vu);
		return NULL;
	}
	return vu;
}

void vhost_user_free(struct vhost_user *vu)
{
	if (!vu)
		return;
	disconnect(vu);
	loop_del(vu->loop, &vu->listener);
	close(vu->listener.fd);
	unlink(vu->cfg.path);
	free(vu);
}
