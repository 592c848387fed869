#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Enters the build root. Must be started in mount and pid namespaces of its
# own (`in_root` and `world_start` do that): every mount dies with them.
#
# The root is read-only, so that it stays what its stamp says; what must be
# written lies on tmpfs. The source tree is at /src.
#
# Usage: chroot.sh DIR CMD...		(DIR: working directory inside)
set -e
. "$(dirname "$0")/common.sh"
dir=$1
shift

# /proc is still the machine's: this is the pid that the machine sees.
if [ -n "${LAB_PIDFILE:-}" ]; then
	read -r pid _ </proc/self/stat
	echo "$pid $(proc_start "$pid")" >"$LAB_PIDFILE.tmp"
	mv "$LAB_PIDFILE.tmp" "$LAB_PIDFILE"
fi

mount --bind "$ROOT" "$ROOT"
mount -o remount,bind,ro "$ROOT"
mount -t proc proc "$ROOT/proc"
mount -t sysfs sysfs "$ROOT/sys"
mount --rbind /dev "$ROOT/dev"
for d in /tmp /run /root /var/tmp /var/log /var/lib/nginx; do
	mount -t tmpfs -o mode=1777 tmpfs "$ROOT$d"
done
mkdir -p "$ROOT/run/lock" "$ROOT/var/log/nginx"
chmod 755 "$ROOT/run"
mount --bind "$SRC" "$ROOT$IN_SRC"
# A lab of another name finds its things where the others do.
[ -z "$LAB_NAME" ] || mount --bind "$RUN" "$ROOT$IN_RUN"
exec chroot "$ROOT" /usr/bin/env -i -C "$dir" \
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" ${V:+V="$V"} "$@"
