// SPDX-License-Identifier: GPL-2.0-only
/* pcap and pcapng files */
#include <pcap/pcap.h>
#include <stdio.h>

#include "wirecheck.h"

int check_file(struct check *c, const char *path, char *err, size_t size)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	struct pcap_pkthdr *head;
	const u_char *frame;
	int got, ret = -1;
	pcap_t *p;

	p = pcap_open_offline(path, why);
	if (!p) {
		snprintf(err, size, "%s", why);
		return -1;
	}
	if (pcap_datalink(p) != DLT_EN10MB) {
		snprintf(err, size, "%s: not a capture of Ethernet", path);
		goto out;
	}
	while ((got = pcap_next_ex(p, &head, &frame)) == 1)
		check_frame(c, frame, head->caplen, head->len);
	if (got == PCAP_ERROR_BREAK)
		ret = 0;
	else
		snprintf(err, size, "%s: %s", path, pcap_geterr(p));
out:
	pcap_close(p);
	return ret;
}
