// SPDX-License-Identifier: GPL-2.0-only
/*
 * iscsidisk - writes a file to an iSCSI disk, or reads the disk into a file, in user
 * space: the peer's kernel has no SCSI.
 *
 * Usage: iscsidisk put|get PORTAL TARGET LUN FILE	(get: as long as FILE is)
 *
 * libiscsi comes without its header, so what is used of it is declared here, as it
 * is in version 1.20 (libiscsi.so.7).
 */
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INITIATOR	"iqn.2026-01.toe:peer"
#define SESSION_NORMAL	2	/* enum iscsi_session_type */
#define BLOCK		512
#define STATUS_GOOD	0	/* enum scsi_status */

struct iscsi_context;

/* How it begins */
struct scsi_task {
	int status;
};

struct scsi_iovec {
	void *iov_base;
	size_t iov_len;
};

struct iscsi_context *iscsi_create_context(const char *initiator);
int iscsi_destroy_context(struct iscsi_context *iscsi);
const char *iscsi_get_error(struct iscsi_context *iscsi);
int iscsi_set_targetname(struct iscsi_context *iscsi, const char *name);
int iscsi_set_session_type(struct iscsi_context *iscsi, int type);
void iscsi_set_noautoreconnect(struct iscsi_context *iscsi, int state);
int iscsi_full_connect_sync(struct iscsi_context *iscsi, const char *portal, int lun);
int iscsi_logout_sync(struct iscsi_context *iscsi);
struct scsi_task *iscsi_read16_iov_sync(struct iscsi_context *iscsi, int lun, uint64_t lba,
					uint32_t len, int block, int rdprotect, int dpo, int fua,
					int fua_nv, int group, struct scsi_iovec *iov, int niov);
struct scsi_task *iscsi_write16_sync(struct iscsi_context *iscsi, int lun, uint64_t lba,
				     unsigned char *data, uint32_t len, int block, int wrprotect,
				     int dpo, int fua, int fua_nv, int group);
void scsi_free_scsi_task(struct scsi_task *task);

static struct iscsi_context *iscsi;
static unsigned char buf[1 << 20];

static void done(struct scsi_task *task, const char *what, uint64_t at)
{
	if (!task || task->status != STATUS_GOOD)
		error(1, 0, "%s at %" PRIu64 ": %s", what, at, iscsi_get_error(iscsi));
	scsi_free_scsi_task(task);
}

static void put(int fd, int lun, uint64_t at, uint32_t len)
{
	if (pread(fd, buf, len, at) != len)
		error(1, errno, "read");
	done(iscsi_write16_sync(iscsi, lun, at / BLOCK, buf, len, BLOCK, 0, 0, 0, 0, 0),
	     "write", at);
}

static void get(int fd, int lun, uint64_t at, uint32_t len)
{
	struct scsi_iovec iov = { .iov_base = buf, .iov_len = len };

	done(iscsi_read16_iov_sync(iscsi, lun, at / BLOCK, len, BLOCK, 0, 0, 0, 0, 0, &iov, 1),
	     "read", at);
	if (pwrite(fd, buf, len, at) != len)
		error(1, errno, "write");
}

int main(int argc, char **argv)
{
	uint64_t at, size;
	struct stat st;
	int fd, lun;
	bool out;

	if (argc != 6 || (strcmp(argv[1], "put") && strcmp(argv[1], "get")))
		error(2, 0, "usage: iscsidisk put|get PORTAL TARGET LUN FILE");
	out = !strcmp(argv[1], "put");
	lun = atoi(argv[4]);
	fd = open(argv[5], O_RDWR);
	if (fd < 0 || fstat(fd, &st))
		error(1, errno, "%s", argv[5]);
	size = st.st_size;
	if (size % BLOCK)
		error(2, 0, "%s does not consist of blocks", argv[5]);
	iscsi = iscsi_create_context(INITIATOR);
	if (!iscsi || iscsi_set_targetname(iscsi, argv[3]) ||
	    iscsi_set_session_type(iscsi, SESSION_NORMAL))
		error(1, ENOMEM, "libiscsi");
	/* A connection that breaks is to be seen. */
	iscsi_set_noautoreconnect(iscsi, 1);
	if (iscsi_full_connect_sync(iscsi, argv[2], lun))
		error(1, 0, "%s: %s", argv[2], iscsi_get_error(iscsi));
	for (at = 0; at < size; at += sizeof(buf)) {
		uint32_t len = size - at < sizeof(buf) ? size - at : sizeof(buf);

		if (out)
			put(fd, lun, at, len);
		else
			get(fd, lun, at, len);
	}
	if (iscsi_logout_sync(iscsi))
		error(1, 0, "logout: %s", iscsi_get_error(iscsi));
	iscsi_destroy_context(iscsi);
	return 0;
}
