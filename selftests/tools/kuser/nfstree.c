// SPDX-License-Identifier: GPL-2.0-only
/*
 * nfstree - copies a tree to an NFS server or from one, in user space: the peer's
 * kernel has no NFS. One connection, one call after the other.
 *
 * Usage: nfstree put|get SERVER PORT EXPORT DIR
 *
 * libnfs comes without its header, so what is used of it is declared here, as it is
 * in version 5.0 (libnfs.so.14).
 */
#include <dirent.h>
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct nfs_context;
struct nfsfh;
struct nfsdir;
struct nfs_url;

/* How it begins */
struct nfsdirent {
	struct nfsdirent *next;
	char *name;
	uint64_t inode;
	uint32_t type;		/* RFC 7530 2.2: nfs_ftype4 */
};

#define TYPE_FILE	1
#define TYPE_DIR	2

struct nfs_context *nfs_init_context(void);
void nfs_destroy_context(struct nfs_context *nfs);
char *nfs_get_error(struct nfs_context *nfs);
struct nfs_url *nfs_parse_url_dir(struct nfs_context *nfs, const char *url);
void nfs_destroy_url(struct nfs_url *url);
void nfs_set_autoreconnect(struct nfs_context *nfs, int retries);
int nfs_mount(struct nfs_context *nfs, const char *server, const char *path);
int nfs_umount(struct nfs_context *nfs);
int nfs_open(struct nfs_context *nfs, const char *path, int flags, struct nfsfh **fh);
int nfs_open2(struct nfs_context *nfs, const char *path, int flags, int mode,
	      struct nfsfh **fh);
int nfs_close(struct nfs_context *nfs, struct nfsfh *fh);
int nfs_read(struct nfs_context *nfs, struct nfsfh *fh, uint64_t len, void *buf);
int nfs_write(struct nfs_context *nfs, struct nfsfh *fh, uint64_t len, const void *buf);
int nfs_mkdir(struct nfs_context *nfs, const char *path);
int nfs_opendir(struct nfs_context *nfs, const char *path, struct nfsdir **dir);
struct nfsdirent *nfs_readdir(struct nfs_context *nfs, struct nfsdir *dir);
void nfs_closedir(struct nfs_context *nfs, struct nfsdir *dir);

static struct nfs_context *nfs;
static char buf[1 << 18];	/* servers with little memory take no megabytes at once */

static void check(int err, const char *what, const char *path)
{
	if (err < 0)
		error(1, -err, "%s %s: %s", what, path, nfs_get_error(nfs));
}

static void put_file(const char *local, const char *path)
{
	struct nfsfh *fh;
	ssize_t len;
	int fd, n;

	fd = open(local, O_RDONLY);
	if (fd < 0)
		error(1, errno, "%s", local);
	check(nfs_open2(nfs, path, O_RDWR | O_CREAT, 0644, &fh), "create", path);
	while ((len = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < len; at += n) {
			n = nfs_write(nfs, fh, len - at, buf + at);
			check(n, "write", path);
		}
	}
	if (len < 0)
		error(1, errno, "%s", local);
	check(nfs_close(nfs, fh), "close", path);
	close(fd);
}

static void get_file(const char *local, const char *path)
{
	struct nfsfh *fh;
	int fd, n;

	fd = open(local, O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (fd < 0)
		error(1, errno, "%s", local);
	check(nfs_open(nfs, path, O_RDONLY, &fh), "open", path);
	while ((n = nfs_read(nfs, fh, sizeof(buf), buf)) > 0) {
		if (write(fd, buf, n) != n)
			error(1, errno, "%s", local);
	}
	check(n, "read", path);
	check(nfs_close(nfs, fh), "close", path);
	close(fd);
}

static void join(char *out, size_t size, const char *dir, const char *name)
{
	if (snprintf(out, size, "%s/%s", dir, name) >= (int)size)
		error(1, ENAMETOOLONG, "%s/%s", dir, name);
}

static void put_dir(const char *local, const char *path)
{
	char from[4096], to[4096];
	struct dirent *d;
	DIR *dir;

	dir = opendir(local);
	if (!dir)
		error(1, errno, "%s", local);
	while ((d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		join(from, sizeof(from), local, d->d_name);
		join(to, sizeof(to), path, d->d_name);
		if (d->d_type == DT_DIR) {
			check(nfs_mkdir(nfs, to), "mkdir", to);
			put_dir(from, to);
		} else {
			put_file(from, to);
		}
	}
	closedir(dir);
}

static void get_dir(const char *local, const char *path)
{
	char from[4096], to[4096];
	struct nfsdirent *d;
	struct nfsdir *dir;

	if (mkdir(local, 0755) && errno != EEXIST)
		error(1, errno, "%s", local);
	check(nfs_opendir(nfs, *path ? path : "/", &dir), "opendir", path);
	while ((d = nfs_readdir(nfs, dir))) {
		if (d->name[0] == '.')
			continue;
		join(from, sizeof(from), path, d->name);
		join(to, sizeof(to), local, d->name);
		if (d->type == TYPE_DIR)
			get_dir(to, from);
		else if (d->type == TYPE_FILE)
			get_file(to, from);
		else
			error(1, 0, "%s is neither a file nor a directory", from);
	}
	nfs_closedir(nfs, dir);
}

/* An URL only can name the port, and an IPv6 address only can be named outside. */
static void settings(const char *port)
{
	struct nfs_url *url;
	char text[64];

	snprintf(text, sizeof(text), "nfs://server/dir?version=4&nfsport=%d", atoi(port));
	url = nfs_parse_url_dir(nfs, text);
	if (!url)
		error(1, 0, "%s: %s", text, nfs_get_error(nfs));
	nfs_destroy_url(url);
}

int main(int argc, char **argv)
{
	if (argc != 6 || (strcmp(argv[1], "put") && strcmp(argv[1], "get")))
		error(2, 0, "usage: nfstree put|get SERVER PORT EXPORT DIR");
	nfs = nfs_init_context();
	if (!nfs)
		error(1, ENOMEM, "libnfs");
	settings(argv[3]);
	/* A connection that breaks is to be seen. */
	nfs_set_autoreconnect(nfs, 0);
	check(nfs_mount(nfs, argv[2], argv[4]), "mount", argv[4]);
	if (!strcmp(argv[1], "put"))
		put_dir(argv[5], "");
	else
		get_dir(argv[5], "");
	check(nfs_umount(nfs), "umount", argv[4]);
	nfs_destroy_context(nfs);
	return 0;
}
