// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules, and what has to be remembered of a connection for them.
 *
 * Sequence numbers are counted in 64 bits from the initial one of each side, so
 * that nothing here wraps.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "wirecheck.h"

const char *const rule_names[RULE_MAX] = {
	[RULE_NO_SYN] = "no-syn",
	[RULE_RST] = "rst",
	[RULE_HOLE] = "hole",
	[RULE_CHANGED] = "changed",
	[RULE_WINDOW] = "window",
	[RULE_AFTER_FIN] = "after-fin",
	[RULE_SYN_OPTIONS] = "syn-options",
	[RULE_ACK_BACK] = "ack-back",
	[RULE_ACK_AHEAD] = "ack-ahead",
	[RULE_EDGE_BACK] = "edge-back",
	[RULE_SACK] = "sack",
	[RULE_TS_MISSING] = "ts-missing",
	[RULE_TS_UNASKED] = "ts-unasked",
	[RULE_TSVAL_BACK] = "tsval-back",
	[RULE_TSECR_BACK] = "tsecr-back",
	[RULE_TSECR_UNKNOWN] = "tsecr-unknown",
	[RULE_MAC] = "mac",
	[RULE_TTL] = "ttl",
	[RULE_DSCP] = "dscp",
	[RULE_ECN] = "ecn",
	[RULE_DF] = "df",
	[RULE_IP_ID] = "ip-id",
	[RULE_FLOW_LABEL] = "flow-label",
	[RULE_CHECKSUM] = "checksum",
	[RULE_IP_CHECKSUM] = "ip-checksum",
	[RULE_MALFORMED] = "malformed",
};

const char *const rule_texts[RULE_MAX] = {
	[RULE_NO_SYN] = "the capture lacks the connection's beginning",
	[RULE_RST] = "a reset",
	[RULE_HOLE] = "bytes before it were never sent",
	[RULE_CHANGED] = "repeats bytes, and they are not the same",
	[RULE_WINDOW] = "bytes beyond the window that the peer offered",
	[RULE_AFTER_FIN] = "bytes behind the FIN, or the FIN at another place",
	[RULE_SYN_OPTIONS] = "a repeated SYN with other options",
	[RULE_ACK_BACK] = "the acknowledgement goes back, or is missing",
	[RULE_ACK_AHEAD] = "acknowledges what the peer has not sent",
	[RULE_EDGE_BACK] = "the right edge of the window goes back",
	[RULE_SACK] = "SACK that was not agreed on, or of what the peer has not sent",
	[RULE_TS_MISSING] = "no timestamps, though agreed on",
	[RULE_TS_UNASKED] = "timestamps that were not agreed on",
	[RULE_TSVAL_BACK] = "the timestamp goes back",
	[RULE_TSECR_BACK] = "the echoed timestamp goes back",
	[RULE_TSECR_UNKNOWN] = "echoes a timestamp that the peer never sent",
	[RULE_MAC] = "another link-layer address than before",
	[RULE_TTL] = "another TTL than before",
	[RULE_DSCP] = "another DSCP than before",
	[RULE_ECN] = "ECN marks that were not agreed on",
	[RULE_DF] = "another DF bit than before",
	[RULE_IP_ID] = "the IP identification jumps",
	[RULE_FLOW_LABEL] = "another flow label, without a retransmission",
	[RULE_CHECKSUM] = "the TCP checksum is wrong",
	[RULE_IP_CHECKSUM] = "the IP header's checksum is wrong",
	[RULE_MALFORMED] = "cannot be read",
};

/* Packets of a connection between two frames that do not reach the wire. */
#define IP_ID_STEP	1024
#define MSS_MIN		536

#define TOS_DSCP	0xfc
#define TOS_ECN		0x03
#define TH_ECE		0x40
#define TH_CWR		0x80

/* One end of a connection. What begins with max_ is the largest so far. */
struct side {
	struct endpoint name;
	bool syn;		/* its SYN was seen */
	uint32_t isn;
	uint64_t max_seq;	/* one past what it sent */
	uint64_t max_edge;	/* of the window that it offers */
	uint64_t max_ack;
	bool fin;
	uint64_t fin_at;
	int wscale, mss;
	bool sack_ok, ts;
	uint32_t *tsvals;	/* that it sent, ascending */
	size_t num_tsvals, room_tsvals;
};

struct conn {
	struct conn *next;
	struct check *check;
	struct side host, peer;
	bool judged;		/* a segment of the host's was, beside SYN */
	bool ecn;		/* ECN was asked for and granted */
	bool talked;		/* a segment beside SYN; the next three are of it */
	uint16_t id, step;	/* the last IPv4 identification, and how far on to go */
	uint32_t label;
	uint32_t tsval, tsecr;
	bool stamped;
	bool named;		/* mac and what follows are known */
	uint8_t mac[6];
	uint8_t ttl, dscp;
	bool df;
	bool resent;		/* by either side since the label changed */
	struct stream *stream;
};

static bool is_host(const struct check *c, const uint8_t *addr)
{
	for (unsigned int i = 0; i < c->num_hosts; i++)
		if (!memcmp(c->hosts[i], addr, 16))
			return true;
	return false;
}

static bool same_end(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && !memcmp(a->addr, b->addr, 16);
}

static void end_text(const struct endpoint *e, char *out, size_t size)
{
	char addr[INET6_ADDRSTRLEN];
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (memcmp(e->addr, mapped, 12)) {
		inet_ntop(AF_INET6, e->addr, addr, sizeof(addr));
		snprintf(out, size, "[%s]:%u", addr, e->port);
	} else {
		inet_ntop(AF_INET, e->addr + 12, addr, sizeof(addr));
		snprintf(out, size, "%s:%u", addr, e->port);
	}
}

/* is: what the segment has; not: what it should have, as the rule means it */
static void wrong(struct check *c, const struct segment *s, enum rule rule,
		  uint64_t is, uint64_t not)
{
	char src[64], dst[64];

	c->figures.wrong[rule]++;
	if (c->except[rule])
		return;
	c->figures.wrongs++;
	if (c->figures.wrong[rule] > c->show || !c->out)
		return;
	end_text(&s->src, src, sizeof(src));
	end_text(&s->dst, dst, sizeof(dst));
	fprintf(c->out, "wrong: frame %llu %s > %s: %s: %s: %llu, %llu\n",
		(unsigned long long)s->number, src, dst, rule_names[rule],
		rule_texts[rule], (unsigned long long)is, (unsigned long long)not);
}

/* A sequence number, counted from the side's initial one; near what is known. */
static uint64_t unwrap(uint32_t isn, uint64_t near, uint32_t seq)
{
	return near + (int32_t)(seq - isn - (uint32_t)near);
}

static bool before32(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static void conn_free(struct conn *k)
{
	stream_free(k->stream);
	free(k->peer.tsvals);
	free(k->host.tsvals);
	free(k);
}

static struct conn *conn_new(struct check *c, const struct endpoint *host,
			     const struct endpoint *peer)
{
	struct conn *k = calloc(1, sizeof(*k));

	if (!k)
		abort();
	k->check = c;
	k->host.name = *host;
	k->peer.name = *peer;
	k->stream = stream_new();
	if (!k->stream)
		abort();
	k->next = c->conns;
	c->conns = k;
	c->figures.connections++;
	return k;
}

static struct conn *conn_find(struct check *c, const struct endpoint *host,
			      const struct endpoint *peer)
{
	struct conn *k;

	for (k = c->conns; k; k = k->next)
		if (same_end(&k->host.name, host) && same_end(&k->peer.name, peer))
			return k;
	return NULL;
}

static void conn_forget(struct check *c, struct conn *k)
{
	struct conn **at = &c->conns;

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	conn_free(k);
}

static void tsval_add(struct side *a, uint32_t tsval)
{
	if (a->num_tsvals && !before32(a->tsvals[a->num_tsvals - 1], tsval))
		return;
	if (a->num_tsvals == a->room_tsvals) {
		a->room_tsvals = a->room_tsvals ? 2 * a->room_tsvals : 256;
		a->tsvals = realloc(a->tsvals, a->room_tsvals * sizeof(*a->tsvals));
		if (!a->tsvals)
			abort();
	}
	a->tsvals[a->num_tsvals++] = tsval;
}

static bool tsval_known(const struct side *a, uint32_t tsval)
{
	size_t low = 0, high = a->num_tsvals;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (before32(a->tsvals[mid], tsval))
			low = mid + 1;
		else
			high = mid;
	}
	return low < a->num_tsvals && a->tsvals[low] == tsval;
}

/* A SYN: a connection begins, or the SYN is repeated. */
static void syn(struct conn *k, struct side *a, const struct segment *s)
{
	if (a->syn) {
		k->resent = true;
		if (a == &k->host && (s->wscale != a->wscale || s->mss != a->mss ||
				      s->sack_ok != a->sack_ok))
			wrong(k->check, s, RULE_SYN_OPTIONS, s->mss, a->mss);
		return;
	}
	a->syn = true;
	a->isn = s->seq;
	a->max_seq = 1;
	a->wscale = s->wscale;
	a->mss = s->mss;
	a->sack_ok = s->sack_ok;
	a->ts = s->ts;
	/* ECN-setup SYN: ECE and CWR; SYN-ACK: ECE alone (RFC 3168 6.1.1) */
	if (s->flags & TH_ACK)
		k->ecn &= (s->flags & (TH_ECE | TH_CWR)) == TH_ECE;
	else
		k->ecn = (s->flags & (TH_ECE | TH_CWR)) == (TH_ECE | TH_CWR);
}

static bool scaled(const struct conn *k)
{
	return k->host.wscale >= 0 && k->peer.wscale >= 0;
}

static uint64_t edge_of(const struct conn *k, const struct side *a,
			const struct segment *s, uint64_t ack)
{
	bool scale = scaled(k) && !(s->flags & TH_SYN);

	return ack + ((uint64_t)s->window << (scale ? a->wscale : 0));
}

/* What the peer says bounds what the host may. */
static void hear(struct conn *k, const struct segment *s)
{
	struct side *a = &k->peer;
	uint64_t seq, end, ack, edge;

	if (s->flags & TH_RST)
		return;
	if (s->flags & TH_SYN)
		syn(k, a, s);
	if (s->ts)
		tsval_add(a, s->tsval);
	seq = unwrap(a->isn, a->max_seq, s->seq);
	end = seq + s->len + !!(s->flags & TH_SYN) + !!(s->flags & TH_FIN);
	if (end > seq && seq < a->max_seq && !(s->flags & TH_SYN))
		k->resent = true;
	if (end > a->max_seq)
		a->max_seq = end;
	if (s->flags & TH_FIN)
		a->fin = true;
	if (!(s->flags & TH_ACK))
		return;
	ack = unwrap(k->host.isn, k->host.max_seq, s->ack);
	edge = edge_of(k, a, s, ack);
	if (edge > a->max_edge)
		a->max_edge = edge;
}

static void judge_frame(struct conn *k, const struct segment *s)
{
	struct check *c = k->check;
	uint8_t ecn = s->tos & TOS_ECN, dscp = s->tos & TOS_DSCP;
	uint16_t step = s->id - k->id, segs = 1;
	int mss = k->peer.mss > 0 ? k->peer.mss : MSS_MIN;

	if (!s->ip_sum)
		wrong(c, s, RULE_IP_CHECKSUM, 0, 0);
	if (!s->sum)
		wrong(c, s, RULE_CHECKSUM, 0, 0);
	if (ecn && !k->ecn)
		wrong(c, s, RULE_ECN, ecn, 0);
	if (!k->named) {
		k->named = true;
		memcpy(k->mac, s->mac, 6);
		k->ttl = s->ttl;
		k->dscp = dscp;
		k->df = s->df;
		k->label = s->label;
	}
	if (memcmp(k->mac, s->mac, 6))
		wrong(c, s, RULE_MAC, s->mac[5], k->mac[5]);
	if (s->ttl != k->ttl)
		wrong(c, s, RULE_TTL, s->ttl, k->ttl);
	if (dscp != k->dscp)
		wrong(c, s, RULE_DSCP, dscp, k->dscp);
	if (s->df != k->df)
		wrong(c, s, RULE_DF, s->df, k->df);
	if (s->label != k->label) {
		/* a stack that repeats may look for another path */
		if (!k->resent)
			wrong(c, s, RULE_FLOW_LABEL, s->label, k->label);
		k->label = s->label;
		k->resent = false;
	}
	/* Neither SYN nor what answers when both FINs are there are the socket's. */
	if (s->v6 || s->flags & TH_SYN || (k->host.fin && k->peer.fin))
		return;
	if (k->talked && (step < 1 || step > k->step + IP_ID_STEP))
		wrong(c, s, RULE_IP_ID, s->id, k->id);
	/* a merged frame has the first one's */
	if (s->len)
		segs = (uint16_t)((s->len + MSS_MIN - 1) / (mss < MSS_MIN ? mss : MSS_MIN));
	k->talked = true;
	k->id = s->id;
	k->step = segs;
}

static void judge_stamps(struct conn *k, const struct segment *s)
{
	bool agreed = k->host.ts && (k->peer.ts || !k->peer.syn);
	struct check *c = k->check;

	if (!s->ts) {
		if (agreed)
			wrong(c, s, RULE_TS_MISSING, 0, 0);
		return;
	}
	if (!agreed) {
		wrong(c, s, RULE_TS_UNASKED, s->tsval, 0);
		return;
	}
	if (k->stamped && before32(s->tsval, k->tsval))
		wrong(c, s, RULE_TSVAL_BACK, s->tsval, k->tsval);
	else
		k->tsval = s->tsval;
	if (s->flags & TH_ACK) {
		if (!tsval_known(&k->peer, s->tsecr))
			wrong(c, s, RULE_TSECR_UNKNOWN, s->tsecr, k->tsecr);
		else if (k->tsecr && before32(s->tsecr, k->tsecr))
			wrong(c, s, RULE_TSECR_BACK, s->tsecr, k->tsecr);
		else
			k->tsecr = s->tsecr;
	}
	k->stamped = true;
}

static void judge_ack(struct conn *k, const struct segment *s)
{
	struct check *c = k->check;
	struct side *a = &k->host;
	uint64_t ack, edge, from, to;

	if (!(s->flags & TH_ACK)) {
		if (!(s->flags & TH_SYN) || a->max_ack)
			wrong(c, s, RULE_ACK_BACK, 0, a->max_ack);
		return;
	}
	ack = unwrap(k->peer.isn, k->peer.max_seq, s->ack);
	edge = edge_of(k, a, s, ack);
	if (ack > k->peer.max_seq)
		wrong(c, s, RULE_ACK_AHEAD, ack, k->peer.max_seq);
	else if (ack < a->max_ack)
		wrong(c, s, RULE_ACK_BACK, ack, a->max_ack);
	else
		a->max_ack = ack;
	if (edge < a->max_edge)
		wrong(c, s, RULE_EDGE_BACK, edge, a->max_edge);
	else
		a->max_edge = edge;
	if (s->sacks && !(a->sack_ok && k->peer.sack_ok))
		wrong(c, s, RULE_SACK, s->sacks, 0);
	for (unsigned int i = 0; i < s->sacks; i++) {
		from = unwrap(k->peer.isn, k->peer.max_seq, s->sack[i][0]);
		to = unwrap(k->peer.isn, k->peer.max_seq, s->sack[i][1]);
		if (from >= to || to > k->peer.max_seq)
			wrong(c, s, RULE_SACK, to, k->peer.max_seq);
	}
	if (!s->window)
		c->figures.shut++;
}

static void judge_bytes(struct conn *k, const struct segment *s)
{
	struct figures *f = &k->check->figures;
	struct check *c = k->check;
	struct side *a = &k->host;
	bool fin = s->flags & TH_FIN;
	uint64_t seq = unwrap(a->isn, a->max_seq, s->seq), end = seq + s->len;

	if (seq > a->max_seq) {
		wrong(c, s, RULE_HOLE, seq, a->max_seq);
	} else if (seq < a->max_seq && s->len) {
		f->resent += end < a->max_seq ? s->len : a->max_seq - seq;
		k->resent = true;
	} else if (seq < a->max_seq) {
		f->probes += !fin;
		k->resent |= fin;
	}
	if (s->len && end > k->peer.max_edge)
		wrong(c, s, RULE_WINDOW, end, k->peer.max_edge);
	if (a->fin && (end > a->fin_at + !s->len || (fin && end != a->fin_at)))
		wrong(c, s, RULE_AFTER_FIN, end, a->fin_at);
	if (s->caplen && !stream_put(k->stream, seq, s->data, s->caplen))
		wrong(c, s, RULE_CHANGED, seq, end);
	if (fin && !a->fin) {
		a->fin = true;
		a->fin_at = end;
		f->fins++;
	}
	end += fin;
	if (end > a->max_seq) {
		if ((uint32_t)(a->isn + end) < (uint32_t)(a->isn + a->max_seq))
			f->wraps++;
		a->max_seq = end;
	}
	f->bytes += s->len;
	f->acks += !s->len && !fin;
}

static void judge(struct conn *k, const struct segment *s)
{
	struct check *c = k->check;

	c->figures.segments++;
	if (s->flags & TH_RST) {
		wrong(c, s, RULE_RST, s->seq, k->host.isn + (uint32_t)k->host.max_seq);
		return;
	}
	if (s->flags & TH_SYN)
		syn(k, &k->host, s);
	judge_frame(k, s);
	judge_stamps(k, s);
	judge_ack(k, s);
	if (!(s->flags & TH_SYN))
		judge_bytes(k, s);
}

static bool wanted(const struct check *c, const struct segment *s)
{
	return (s->src.port >= c->ports[0] && s->src.port <= c->ports[1]) ||
	       (s->dst.port >= c->ports[0] && s->dst.port <= c->ports[1]);
}

/* The ends of the connection as seen from the host; false: it is not the host's. */
static bool ends(const struct check *c, const struct segment *s,
		 const struct endpoint **host, const struct endpoint **peer, bool *sent)
{
	*sent = is_host(c, s->src.addr);
	if (!*sent && !is_host(c, s->dst.addr))
		return false;
	*host = *sent ? &s->src : &s->dst;
	*peer = *sent ? &s->dst : &s->src;
	return true;
}

void check_frame(struct check *c, const uint8_t *frame, size_t caplen, size_t len)
{
	const struct endpoint *host, *peer;
	struct segment s;
	enum parsed parsed;
	struct conn *k;
	struct side *a;
	bool sent;

	parsed = frame_parse(frame, caplen, len, &s);
	s.number = ++c->figures.frames;
	if (parsed == PARSED_MALFORMED)
		wrong(c, &s, RULE_MALFORMED, caplen, len);
	if (parsed != PARSED_TCP || !wanted(c, &s) || !ends(c, &s, &host, &peer, &sent))
		return;
	k = conn_find(c, host, peer);
	/* the same ports, another connection */
	if (k && (s.flags & (TH_SYN | TH_ACK)) == TH_SYN) {
		a = sent ? &k->host : &k->peer;
		if (a->syn && a->isn != s.seq) {
			conn_forget(c, k);
			k = NULL;
		}
	}
	if (!k) {
		if ((s.flags & (TH_SYN | TH_ACK)) != TH_SYN) {
			if (s.flags & TH_RST)
				wrong(c, &s, RULE_RST, s.seq, 0);
			else if (sent)
				wrong(c, &s, RULE_NO_SYN, s.seq, s.ack);
			return;
		}
		k = conn_new(c, host, peer);
	}
	if (sent)
		judge(k, &s);
	else
		hear(k, &s);
}

void check_free(struct check *c)
{
	while (c->conns)
		conn_forget(c, c->conns);
}
