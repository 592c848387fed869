// SPDX-License-Identifier: GPL-2.0-only
/*
 * wirecheck: a conversation that is right passes; with one thing wrong in it, this
 * one thing is found. The captures are written and read as files. KTAP on standard
 * output.
 */
#include <arpa/inet.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "pcapng.h"
#include "wirecheck.h"

#define FRAMES_MAX	64
#define FRAME_MAX	2048
#define MSS		1000
#define SCALE		7
#define PEER_SCALE	6
#define HOST_ISN	0xfffff000u	/* wraps soon */
#define PEER_ISN	0x12345678u

struct frame {
	uint8_t data[FRAME_MAX];
	size_t len, caplen;
};

static struct frame frames[FRAMES_MAX];
static unsigned int num;
static bool v6;

/* The next segment of each side; what a test changes in one goes on from there. */
struct say {
	bool host;
	uint8_t flags;
	uint32_t seq, ack;	/* from the sides' initial ones */
	uint32_t len;
	uint32_t window;	/* bytes */
	uint32_t tsval, tsecr;
	bool no_ts, sack_ok_not, scale_not;
	unsigned int sacks;
	uint32_t sack[2];
	uint8_t mac, ttl, tos, other;	/* other: added to the payload's bytes */
	bool no_df, bad_sum, bad_ip_sum, partial;
	uint16_t id;
	uint32_t label;
};

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint64_t sum16(const uint8_t *p, size_t len, uint64_t sum)
{
	for (; len > 1; len -= 2, p += 2)
		sum += (uint16_t)(p[0] << 8 | p[1]);
	return len ? sum + ((uint64_t)*p << 8) : sum;
}

static uint8_t *put16(uint8_t *p, uint16_t v)
{
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)v;
	return p;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, (uint16_t)(v >> 16)), (uint16_t)v);
}

static uint8_t *put_address(uint8_t *p, bool host)
{
	if (!v6)
		return put32(p, host ? 0x0a4d0001 : 0x0a4d0002);
	memset(p, 0, 16);
	p[0] = 0xfd;
	p[1] = 0x77;
	p[15] = host ? 1 : 2;
	return p + 16;
}

static uint8_t *put_options(uint8_t *p, const struct say *s)
{
	if (s->flags & TH_SYN) {
		*p++ = 2;
		*p++ = 4;
		p = put16(p, MSS);
		if (!s->sack_ok_not) {
			p = put16(p, 0x0101);
			p = put16(p, 0x0402);
		}
		if (!s->scale_not) {
			*p++ = 1;
			*p++ = 3;
			*p++ = 3;
			*p++ = s->host ? SCALE : PEER_SCALE;
		}
	}
	if (!s->no_ts) {
		p = put32(p, 0x0101080a);
		p = put32(p, s->tsval);
		p = put32(p, s->tsecr);
	}
	if (s->sacks) {
		p = put32(p, 0x0101050a);
		p = put32(p, PEER_ISN + s->sack[0]);
		p = put32(p, PEER_ISN + s->sack[1]);
	}
	return p;
}

static void put_ip(uint8_t *ip, const struct say *s, size_t l4)
{
	uint8_t *p = ip;

	if (v6) {
		p = put32(p, 6u << 28 | (uint32_t)s->tos << 20 | s->label);
		p = put16(p, (uint16_t)l4);
		*p++ = 6;
		*p++ = 64 + s->ttl;
	} else {
		*p++ = 0x45;
		*p++ = s->tos;
		p = put16(p, (uint16_t)(20 + l4));
		p = put16(p, s->id);
		p = put16(p, s->no_df ? 0 : 0x4000);
		*p++ = 64 + s->ttl;
		*p++ = 6;
		p = put16(p, 0);
	}
	p = put_address(p, s->host);
	put_address(p, !s->host);
	if (!v6)
		put16(ip + 10, (uint16_t)~fold(sum16(ip, 20, s->bad_ip_sum)));
}

static void add(const struct say *s)
{
	size_t head = v6 ? 40 : 20, l4;
	struct frame *f = &frames[num++];
	uint8_t *p = f->data, *tcp;
	uint64_t pseudo;
	uint32_t window = s->window;

	memset(f, 0, sizeof(*f));
	memset(p, 0x52, 12);
	p[5] = s->host ? 2 : 1;
	p[11] = (uint8_t)((s->host ? 1 : 2) + s->mac);
	put16(p + 12, v6 ? 0x86dd : 0x0800);
	tcp = p = f->data + 14 + head;
	p = put16(p, s->host ? 1000 : 2000);
	p = put16(p, s->host ? 2000 : 1000);
	p = put32(p, (s->host ? HOST_ISN : PEER_ISN) + s->seq);
	p = put32(p, s->flags & TH_ACK ? (s->host ? PEER_ISN : HOST_ISN) + s->ack : 0);
	p = put_options(p + 8, s);
	tcp[12] = (uint8_t)((p - tcp) / 4 << 4);
	tcp[13] = s->flags;
	if (!(s->flags & TH_SYN))
		window >>= s->host ? SCALE : PEER_SCALE;
	put16(tcp + 14, (uint16_t)window);
	for (uint32_t i = 0; i < s->len; i++)
		*p++ = (uint8_t)((s->seq + i) * 7 + s->other);
	l4 = (size_t)(p - tcp);
	put_ip(f->data + 14, s, l4);
	pseudo = sum16(f->data + (v6 ? 22 : 26), v6 ? 32 : 8, 6 + l4);
	put16(tcp + 16, s->partial ? fold(pseudo) :
	      (uint16_t)~fold(sum16(tcp, l4, pseudo)) ^ s->bad_sum);
	f->len = f->caplen = (size_t)(p - f->data);
}

/* The frames of the conversation, by what they are there for */
enum {
	SYN, SYN_ACK, ACK, DATA, PEER_ACK, DATA2, PEER_DATA, PURE, PEER_HOLE, SACK,
	PEER_FILL, RESENT, PROBE, PEER_LAST, LAST, PEER_FIN_ACK, FIN_ACK, SAYS
};

/* The host calls, sends, receives, repeats, closes; the peer closes, too. */
static const struct say conversation[SAYS] = {
	[SYN] = { true, TH_SYN, 0, 0, .window = 64000, .tsval = 100 },
	[SYN_ACK] = { false, TH_SYN | TH_ACK, 0, 1, .window = 3000, .tsval = 900,
		      .tsecr = 100 },
	[ACK] = { true, TH_ACK, 1, 1, .window = 64000, .tsval = 101, .tsecr = 900,
		  .id = 7 },
	[DATA] = { true, TH_ACK, 1, 1, 1000, 64000, 101, 900, .id = 8 },
	[PEER_ACK] = { false, TH_ACK, 1, 1001, 0, 6400, 905, 101 },
	[DATA2] = { true, TH_ACK, 1001, 1, 1000, 64000, 106, 905, .id = 9 },
	[PEER_DATA] = { false, TH_ACK, 1, 2001, 500, 6400, 910, 106 },
	[PURE] = { true, TH_ACK, 2001, 501, 0, 63744, 107, 910, .id = 10,
		   .partial = true },
	/* 501 to 1000 is under way, or lost */
	[PEER_HOLE] = { false, TH_ACK, 1001, 2001, 500, 6400, 920, 107 },
	[SACK] = { true, TH_ACK, 2001, 501, 0, 64000, 108, 910, .id = 11, .sacks = 1,
		   .sack = { 1001, 1501 } },
	[PEER_FILL] = { false, TH_ACK, 501, 2001, 500, 6400, 930, 108 },
	[RESENT] = { true, TH_ACK, 1501, 1501, 500, 64000, 140, 930, .id = 12 },
	[PROBE] = { true, TH_ACK, 2000, 1501, 0, 64000, 150, 930, .id = 13 },
	[PEER_LAST] = { false, TH_ACK, 1501, 2001, 10, 6400, 950, 150 },
	[LAST] = { true, TH_ACK | TH_FIN, 2001, 1511, 100, 64000, 160, 950, .id = 14 },
	[PEER_FIN_ACK] = { false, TH_ACK | TH_FIN, 1511, 2102, 0, 6400, 960, 160 },
	[FIN_ACK] = { true, TH_ACK, 2102, 1512, 0, 64000, 170, 960, .id = 15 },
};

static struct say say[SAYS + 1];

static void begin(void)
{
	num = 0;
	memcpy(say, conversation, sizeof(conversation));
	for (int i = 0; i < SAYS; i++)
		say[i].label = say[i].host ? 0x12345 : 0x54321;
}

static char path[] = "/tmp/wirecheck_test.XXXXXX";

static void write_pcap(void)
{
	pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);
	pcap_dumper_t *out = p ? pcap_dump_open(p, path) : NULL;

	CHECK(out);
	for (unsigned int i = 0; out && i < num; i++) {
		struct pcap_pkthdr head = {
			.ts = { 1700000000, i },
			.caplen = (bpf_u_int32)frames[i].caplen,
			.len = (bpf_u_int32)frames[i].len,
		};

		pcap_dump((u_char *)out, &head, frames[i].data);
	}
	if (out)
		pcap_dump_close(out);
	if (p)
		pcap_close(p);
}

static void write_pcapng(void)
{
	struct toe_pcapng p;
	FILE *f = fopen(path, "w");

	CHECK(f);
	if (!f)
		return;
	CHECK(!toe_pcapng_begin(&p, f, "Linux", "wirecheck_test"));
	CHECK(!toe_pcapng_interface(&p, "peer0", NULL, 65535));
	for (unsigned int i = 0; i < num; i++) {
		struct toe_pcapng_frame fr = {
			.time_ns = 1700000000000000000ULL + i,
			.len = (uint32_t)frames[i].len,
			.caplen = (uint32_t)frames[i].caplen,
			.data = frames[i].data,
		};

		CHECK(!toe_pcapng_frame(&p, &fr));
	}
	CHECK(!fclose(f));
}

static struct figures figures;
static enum rule except = RULE_MAX;

/* Reads the file; 0 when it could be read */
static int look(void)
{
	uint8_t hosts[2][16] = { { [10] = 0xff, [11] = 0xff, 10, 77, 0, 1 },
				 { 0xfd, 0x77, [15] = 1 } };
	struct check c = { .hosts = hosts, .num_hosts = 2, .ports = { 0, 65535 } };
	char err[256];
	int ret;

	if (except < RULE_MAX)
		c.except[except] = true;
	ret = check_file(&c, path, err, sizeof(err));
	figures = c.figures;
	check_free(&c);
	return ret;
}

static void judge(void)
{
	for (int i = 0; i < SAYS; i++)
		add(&say[i]);
	write_pcap();
	CHECK(!look());
}

/* Only this is wrong, and so often */
static void is_wrong(enum rule rule, uint64_t times)
{
	CHECK(figures.wrong[rule] == times);
	CHECK(figures.wrongs == times);
	if (!failure)
		return;
	for (int i = 0; i < RULE_MAX; i++)
		if (figures.wrong[i])
			printf("# %s %s: %llu\n", v6 ? "IPv6" : "IPv4", rule_names[i],
			       (unsigned long long)figures.wrong[i]);
}

static void test_right(void)
{
	begin();
	judge();
	CHECK(!figures.wrongs);
	CHECK(figures.frames == SAYS && figures.connections == 1);
	CHECK(figures.segments == 10);
	CHECK(figures.bytes == 2600 && figures.resent == 500);
	CHECK(figures.acks == 5 && figures.probes == 1);
	CHECK(figures.wraps == 0 && figures.fins == 1);
	is_wrong(RULE_RST, 0);
}

static void test_pcapng(void)
{
	begin();
	say[DATA2].other = 1;
	for (int i = 0; i < SAYS; i++)
		add(&say[i]);
	write_pcapng();
	CHECK(!look());
	is_wrong(RULE_CHANGED, 1);
}

/* A connection whose numbers pass 2^32 is no worse than another. */
static void test_wrap(void)
{
	begin();
	for (int i = 0; i < 3; i++)
		add(&say[i]);
	for (uint32_t i = 0; i < 20; i++) {
		struct say s = say[DATA], a = say[PEER_ACK];

		s.seq = 1 + i * 1000;
		s.id = (uint16_t)(8 + i);
		if (i)
			s.tsval = 106, s.tsecr = 905;
		a.ack = s.seq + 1000;
		add(&s);
		add(&a);
	}
	write_pcap();
	CHECK(!look());
	CHECK(figures.wraps == 1 && figures.bytes == 20000);
	is_wrong(RULE_RST, 0);
}

static void test_v6(void)
{
	v6 = true;
	test_right();
	v6 = false;
}

static void test_no_syn(void)
{
	begin();
	for (int i = ACK; i <= DATA; i++)
		add(&say[i]);
	write_pcap();
	CHECK(!look());
	is_wrong(RULE_NO_SYN, 2);
}

static void test_rst(void)
{
	begin();
	say[FIN_ACK].flags = TH_RST | TH_ACK;
	judge();
	is_wrong(RULE_RST, 1);
}

static void test_hole(void)
{
	begin();
	say[DATA].seq = 501;
	say[DATA].len = 500;
	judge();
	is_wrong(RULE_HOLE, 1);
}

/* The end of the data is behind what was sent, though no byte is missing before. */
static void test_hole_at_fin(void)
{
	begin();
	say[LAST].seq = 2002;
	judge();
	is_wrong(RULE_HOLE, 1);
}

static void test_changed(void)
{
	begin();
	say[RESENT].other = 1;
	judge();
	is_wrong(RULE_CHANGED, 1);
}

/* What was not captured is not compared, and the rest is. */
static void test_changed_short(void)
{
	begin();
	say[RESENT].other = 1;
	for (int i = 0; i < SAYS; i++)
		add(&say[i]);
	frames[RESENT].caplen -= 500;
	write_pcap();
	CHECK(!look());
	is_wrong(RULE_CHANGED, 0);
	frames[RESENT].caplen += 1;
	write_pcap();
	CHECK(!look());
	is_wrong(RULE_CHANGED, 1);
}

static void test_window(void)
{
	begin();
	say[SYN_ACK].window = 999;
	judge();
	is_wrong(RULE_WINDOW, 1);
}

static void test_after_fin(void)
{
	begin();
	say[SAYS] = say[FIN_ACK];
	say[SAYS].seq = 2101;
	say[SAYS].len = 1;
	say[SAYS].id++;
	for (int i = 0; i <= SAYS; i++)
		add(&say[i]);
	write_pcap();
	CHECK(!look());
	is_wrong(RULE_AFTER_FIN, 1);
	/* the FIN again, somewhere else */
	frames[SAYS].data[14 + 20 + 13] |= TH_FIN;
	num--;
	say[SAYS].flags |= TH_FIN;
	say[SAYS].len = 0;
	say[SAYS].seq = 2100;
	add(&say[SAYS]);
	write_pcap();
	CHECK(!look());
	is_wrong(RULE_AFTER_FIN, 1);
}

static void test_syn_options(void)
{
	begin();
	add(&say[SYN]);
	say[SYN].scale_not = true;
	judge();
	is_wrong(RULE_SYN_OPTIONS, 1);
}

static void test_ack_back(void)
{
	begin();
	say[PROBE].ack = 501;
	/* the edge does not go back */
	say[PROBE].window = 65024;
	say[LAST].window = 64256;
	say[FIN_ACK].window = 64256;
	judge();
	is_wrong(RULE_ACK_BACK, 1);
}

static void test_ack_missing(void)
{
	begin();
	say[DATA2].flags = 0;
	judge();
	is_wrong(RULE_ACK_BACK, 1);
}

static void test_ack_ahead(void)
{
	begin();
	say[DATA].ack = 2;
	say[DATA2].window = 64128;
	judge();
	is_wrong(RULE_ACK_AHEAD, 1);
}

static void test_edge_back(void)
{
	begin();
	say[DATA2].window = 64000 - (1 << SCALE);
	judge();
	is_wrong(RULE_EDGE_BACK, 1);
}

static void test_sack(void)
{
	begin();
	say[SACK].sack[1] = 1502;
	judge();
	is_wrong(RULE_SACK, 1);
	begin();
	say[SYN_ACK].sack_ok_not = true;
	judge();
	is_wrong(RULE_SACK, 1);
}

static void test_ts_missing(void)
{
	begin();
	say[PURE].no_ts = true;
	judge();
	is_wrong(RULE_TS_MISSING, 1);
}

static void test_ts_unasked(void)
{
	begin();
	for (int i = 0; i < SAYS; i++)
		say[i].no_ts = i != PROBE;
	judge();
	is_wrong(RULE_TS_UNASKED, 1);
}

static void test_tsval_back(void)
{
	begin();
	say[PURE].tsval = 105;
	judge();
	is_wrong(RULE_TSVAL_BACK, 1);
}

static void test_tsecr_back(void)
{
	begin();
	say[RESENT].tsecr = 905;
	judge();
	is_wrong(RULE_TSECR_BACK, 1);
}

static void test_tsecr_unknown(void)
{
	begin();
	say[PURE].tsecr = 911;
	judge();
	is_wrong(RULE_TSECR_UNKNOWN, 1);
}

static void test_mac(void)
{
	begin();
	say[DATA2].mac = 5;
	judge();
	is_wrong(RULE_MAC, 1);
}

static void test_ttl(void)
{
	begin();
	say[DATA2].ttl = 1;
	judge();
	is_wrong(RULE_TTL, 1);
	v6 = true;
	begin();
	say[DATA2].ttl = 1;
	judge();
	is_wrong(RULE_TTL, 1);
	v6 = false;
}

static void test_dscp(void)
{
	begin();
	say[DATA2].tos = 4;
	judge();
	is_wrong(RULE_DSCP, 1);
	v6 = true;
	begin();
	say[DATA2].tos = 4;
	judge();
	is_wrong(RULE_DSCP, 1);
	v6 = false;
}

static void test_ecn(void)
{
	begin();
	say[DATA2].tos = 2;
	judge();
	is_wrong(RULE_ECN, 1);
	/* asked for and granted: right */
	begin();
	say[SYN].flags |= 0xc0;
	say[SYN_ACK].flags |= 0x40;
	say[DATA2].tos = 2;
	judge();
	is_wrong(RULE_ECN, 0);
	/* not granted */
	begin();
	say[SYN].flags |= 0xc0;
	say[DATA2].tos = 2;
	judge();
	is_wrong(RULE_ECN, 1);
}

static void test_df(void)
{
	begin();
	say[PURE].no_df = true;
	judge();
	is_wrong(RULE_DF, 1);
}

static void test_ip_id(void)
{
	/* from there on another one counts */
	begin();
	for (int i = DATA2; i < SAYS; i++)
		say[i].id = (uint16_t)(say[i].id + 30000);
	judge();
	is_wrong(RULE_IP_ID, 1);
	/* 0 stands out, and so does what follows */
	begin();
	say[PURE].id = 0;
	judge();
	is_wrong(RULE_IP_ID, 1);
	/* the last frame answers when both have closed: by no socket */
	begin();
	say[FIN_ACK].id = 0;
	judge();
	is_wrong(RULE_IP_ID, 0);
}

static void test_flow_label(void)
{
	v6 = true;
	begin();
	for (int i = DATA2; i < SAYS; i++)
		say[i].label = say[i].host;
	judge();
	is_wrong(RULE_FLOW_LABEL, 1);
	/* with a retransmission it is right */
	begin();
	for (int i = PROBE; i < SAYS; i++)
		say[i].label = say[i].host;
	judge();
	is_wrong(RULE_FLOW_LABEL, 0);
	v6 = false;
}

static void test_checksums(void)
{
	begin();
	say[DATA].bad_sum = true;
	judge();
	is_wrong(RULE_CHECKSUM, 1);
	begin();
	say[DATA].bad_ip_sum = true;
	judge();
	is_wrong(RULE_IP_CHECKSUM, 1);
}

static void test_malformed(void)
{
	begin();
	add(&say[SYN]);
	frames[0].data[14 + 20 + 12] = 0x40;
	add(&say[SYN]);
	frames[1].data[16] = 0xff;	/* longer than the frame */
	add(&say[SYN]);
	frames[2].caplen = 14 + 20 + 19;
	add(&say[SYN]);
	frames[3].data[14 + 20 + 20 + 1] = 0;	/* an option without length */
	write_pcap();
	CHECK(!look());
	is_wrong(RULE_MALFORMED, 4);
}

/* The same ports again are another connection. */
static void test_again(void)
{
	begin();
	judge();
	for (unsigned int i = 0; i < SAYS; i++) {
		frames[SAYS + i] = frames[i];
		/* its own initial number, and no checksum to go with it */
		put32(frames[SAYS + i].data + 14 + 20 + (say[i].host ? 4 : 8),
		      say[i].flags & TH_ACK || say[i].host ?
		      77 + (say[i].host ? say[i].seq : say[i].ack) : 0);
		frames[SAYS + i].caplen -= say[i].len ? 1 : 0;
	}
	num = 2 * SAYS;
	write_pcap();
	CHECK(!look());
	CHECK(figures.connections == 2);
	CHECK(!figures.wrong[RULE_HOLE] && !figures.wrong[RULE_ACK_BACK] &&
	      !figures.wrong[RULE_TSVAL_BACK] && !figures.wrong[RULE_IP_ID]);
}

/* A rule that is excepted is counted by its name; the others hold. */
static void test_except(void)
{
	begin();
	say[PURE].tsval = 105;
	say[DATA2].mac = 5;
	except = RULE_TSVAL_BACK;
	judge();
	except = RULE_MAX;
	CHECK(figures.wrong[RULE_TSVAL_BACK] == 1 && figures.wrong[RULE_MAC] == 1);
	CHECK(figures.wrongs == 1);
}

static void test_not_a_file(void)
{
	FILE *f = fopen(path, "w");

	CHECK(f);
	if (!f)
		return;
	fputs("no capture", f);
	fclose(f);
	CHECK(look() < 0);
}

int main(void)
{
	static const struct test tests[] = {
		{ "a conversation that is right", test_right },
		{ "one over IPv6", test_v6 },
		{ "pcapng", test_pcapng },
		{ "sequence numbers that wrap", test_wrap },
		{ "no-syn", test_no_syn },
		{ "rst", test_rst },
		{ "hole", test_hole },
		{ "hole before the FIN", test_hole_at_fin },
		{ "changed", test_changed },
		{ "changed, and cut short by the capture", test_changed_short },
		{ "window", test_window },
		{ "after-fin", test_after_fin },
		{ "syn-options", test_syn_options },
		{ "ack-back", test_ack_back },
		{ "ack-back: none", test_ack_missing },
		{ "ack-ahead", test_ack_ahead },
		{ "edge-back", test_edge_back },
		{ "sack", test_sack },
		{ "ts-missing", test_ts_missing },
		{ "ts-unasked", test_ts_unasked },
		{ "tsval-back", test_tsval_back },
		{ "tsecr-back", test_tsecr_back },
		{ "tsecr-unknown", test_tsecr_unknown },
		{ "mac", test_mac },
		{ "ttl", test_ttl },
		{ "dscp", test_dscp },
		{ "ecn", test_ecn },
		{ "df", test_df },
		{ "ip-id", test_ip_id },
		{ "flow-label", test_flow_label },
		{ "checksum, ip-checksum", test_checksums },
		{ "malformed", test_malformed },
		{ "the same ports again", test_again },
		{ "a rule that is excepted", test_except },
		{ "what is no capture", test_not_a_file },
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 1;
	close(fd);
	failed = run_tests(tests, sizeof(tests) / sizeof(tests[0]));
	unlink(path);
	return failed;
}
