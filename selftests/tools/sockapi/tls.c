// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include "tls.h"

#ifndef TCP_ULP
#define TCP_ULP 31
#endif
#ifndef SOL_TLS
#define SOL_TLS 282
#endif

static int one_way(int fd, int direction)
{
	struct tls12_crypto_info_aes_gcm_128 info = {
		.info = { .version = TLS_1_2_VERSION, .cipher_type = TLS_CIPHER_AES_GCM_128 },
	};

	memset(info.key, 0x40, sizeof(info.key));
	memset(info.salt, 0x50, sizeof(info.salt));
	memset(info.iv, 0x60, sizeof(info.iv));
	return setsockopt(fd, SOL_TLS, direction, &info, sizeof(info)) ? errno : 0;
}

int tls_both(int fd)
{
	int err;

	if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", 3))
		return errno;
	err = one_way(fd, TLS_TX);
	return err ? err : one_way(fd, TLS_RX);
}
