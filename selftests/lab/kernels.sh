#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Hook of mmdebstrap: adds the second kernel, whose package name holds the
# version, so it is only known once the package lists are there.
set -e
root=$1
series=7.3

name=$(chroot "$root" apt-cache pkgnames linux-image-$series |
       grep -E '^linux-image-[0-9.]+\+deb[0-9]+-amd64$' | sort -V | tail -n 1)
if [ -z "$name" ]; then
	echo "no kernel $series in the archive" >&2
	exit 1
fi
INITRD=No DEBIAN_FRONTEND=noninteractive chroot "$root" \
	apt-get -qy install "$name" "linux-headers-${name#linux-image-}"
rm -f "$root"/boot/initrd.img-*
chroot "$root" apt-get clean
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/debconf/*-old
