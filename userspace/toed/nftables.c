// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "nft_rules.h"
#include "nftables.h"

#define BUF_LEN		(32 << 10)	/* the kernel's largest dump buffer */
#define DUMPS		3

typedef int (*read_fn)(struct nft_rules *r, const struct nlmsghdr *nlh);

static const struct dump {
	uint16_t cmd;
	uint16_t answer;
	read_fn read;
} dumps[DUMPS] = {
	{ NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN, nft_rules_chain },
	{ NFT_MSG_GETSET, NFT_MSG_NEWSET, nft_rules_set },
	{ NFT_MSG_GETRULE, NFT_MSG_NEWRULE, nft_rules_rule },
};

static int ask(struct mnl_socket *sock, uint16_t cmd, uint32_t seq)
{
	char buf[64] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | cmd;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = NFPROTO_UNSPEC;
	nfg->version = NFNETLINK_V0;
	return mnl_socket_sendto(sock, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

/* Return: 1 at the end of the dump, 0, or a negative errno. */
static int read_message(struct nft_rules *r, const struct dump *d,
			const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		return -EAGAIN;
	switch (nlh->nlmsg_type) {
	case NLMSG_DONE:
		return 1;
	case NLMSG_ERROR:
		return mnl_nlmsg_get_payload_len(nlh) < sizeof(*e) ? -EBADMSG :
			e->error ? e->error : 1;
	}
	if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | d->answer) ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg))
		return 0;
	return d->read(r, nlh);
}

static int dump(struct mnl_socket *sock, struct nft_rules *r, const struct dump *d,
		uint32_t seq)
{
	static char buf[BUF_LEN] __attribute__((aligned(8)));
	const struct nlmsghdr *nlh;
	ssize_t got;
	int err, len;

	err = ask(sock, d->cmd, seq);
	while (!err) {
		got = mnl_socket_recvfrom(sock, buf, sizeof(buf));
		if (got < 0)
			return -errno;
		len = got;
		for (nlh = (void *)buf; !err && mnl_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len))
			if (nlh->nlmsg_seq == seq)
				err = read_message(r, d, nlh);
	}
	return err < 0 ? err : 0;
}

int nftables_careful(char *why)
{
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	struct nft_rules *r = nft_rules_new();
	int err = 0;

	*why = 0;
	if (!sock || mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0)
		err = -errno;
	else if (!r)
		err = -ENOMEM;
	for (uint32_t i = 0; !err && i < DUMPS; i++)
		err = dump(sock, r, &dumps[i], i + 1);
	if (!err)
		nft_rules_careful(r, why, NFTABLES_WHY_LEN);
	nft_rules_free(r);
	if (sock)
		mnl_socket_close(sock);
	return err;
}
