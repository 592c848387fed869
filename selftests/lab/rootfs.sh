# SPDX-License-Identifier: GPL-2.0-only
# The root: a Debian trixie tree with toolchain, both kernels and QEMU.

# The Debian mirror of the machine's own apt, if it is a Debian one.
# $1: "main" or "security".
mirror()
{
	local file uri

	if [ "$1" = main ] && [ -n "${LAB_MIRROR:-}" ]; then
		echo "$LAB_MIRROR"
		return
	fi
	for file in /etc/apt/sources.list.d/*.sources /etc/apt/sources.list \
		    /etc/apt/sources.list.d/*.list; do
		[ -e "$file" ] || continue
		for uri in $(sed -n -e 's/#.*//' -e 's/^URIs: *//p' \
			     -e 's/^deb \(\[[^]]*\] \)\?\(http[^ ]*\).*/\2/p' "$file"); do
			case "$1:${uri%/}" in
			*snapshot*) ;;
			main:http*/debian) echo "${uri%/}"; return ;;
			security:http*/debian-security) echo "${uri%/}"; return ;;
			esac
		done
	done
	[ "$1" = main ] || { echo "$(mirror main)-security"; return; }
	echo "lab: apt's sources name no Debian mirror; set LAB_MIRROR" >&2
	return 1
}

root_stamp()
{
	cat "$LAB_DIR/packages" "$LAB_DIR/rootfs.sh" | sha256sum | cut -d' ' -f1
}

root_ok()
{
	[ "$(cat "$BUILD/root.stamp" 2>/dev/null)" = "$(root_stamp)" ]
}

# Whatever runs in the root shares this lock (fd 8); a new root waits for it.
root_share()
{
	exec 8>"$BUILD/root.lock"
	flock -s 8
}

root_lock()
{
	exec 8>"$BUILD/root.lock"
	flock -n 8 && return
	! world_pid >/dev/null ||
		die "the root is out of date, but a lab is up: 'lab down' first"
	say "the root is out of date; waiting for the commands that run in it"
	flock 8
}

# Runs as the init of its own pid and mount namespaces: nothing stays behind.
make_root()
{
	local main security backports packages dir=$ROOT.tmp
	local signed='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'

	set -e
	main=$(mirror main) || return
	security=$(mirror security) || return
	backports=$(sed -n 's/^@backports //p' "$LAB_DIR/packages" | tr '\n' ' ')
	packages=$(sed -e 's/#.*//' -e 's/^@backports //' "$LAB_DIR/packages" |
		   tr -s '\n' ',')

	rm -rf "$dir" "$dir.pref"
	cat >"$dir.pref" <<-EOF
		Package: $backports
		Pin: release n=trixie-backports
		Pin-Priority: 990
	EOF
	# INITRD=No: no initramfs from the kernel packages, image.sh makes its own.
	INITRD=No TMPDIR=/tmp LC_ALL=C mmdebstrap --mode=root --variant=apt \
		--architectures=amd64 --include="${packages#,}" \
		--aptopt='APT::Install-Recommends "false"' \
		--aptopt='Acquire::Languages "none"' \
		--aptopt='Acquire::Retries "5"' \
		--dpkgopt=force-unsafe-io \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/info/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/lib/modules/*/kernel/sound/*' \
		--dpkgopt='path-exclude=/usr/lib/modules/*/kernel/drivers/gpu/*' \
		--dpkgopt='path-exclude=/usr/lib/modules/*/kernel/drivers/media/*' \
		--dpkgopt='path-exclude=/usr/lib/modules/*/kernel/drivers/net/wireless/*' \
		--dpkgopt='path-exclude=/usr/lib/modules/*/kernel/drivers/staging/*' \
		--dpkgopt='path-exclude=/usr/lib/modules/*/kernel/drivers/infiniband/*' \
		--dpkgopt='path-exclude=/usr/lib/modules/*/kernel/drivers/scsi/*' \
		--dpkgopt='path-include=/usr/lib/modules/*/kernel/drivers/scsi/*iscsi*' \
		--dpkgopt='path-include=/usr/lib/modules/*/kernel/drivers/scsi/scsi_*' \
		--dpkgopt='path-include=/usr/lib/modules/*/kernel/drivers/scsi/sd_mod*' \
		--dpkgopt='path-exclude=/usr/lib/modules/*/kernel/drivers/iio/*' \
		--setup-hook='mkdir -p "$1/etc/apt/preferences.d"; cp "$1.pref" "$1/etc/apt/preferences.d/lab"' \
		--customize-hook="$LAB_DIR/kernels.sh \"\$1\"" \
		--customize-hook='mkdir -p "$1/src" "$1/lab"' \
		--customize-hook='ln -sf ../bin/busybox "$1/usr/sbin/init"; ln -sf /lab/inittab "$1/etc/inittab"' \
		trixie "$dir" \
		"deb $signed $main trixie main" \
		"deb $signed $main trixie-updates main" \
		"deb $signed $main trixie-backports main" \
		"deb $signed $security trixie-security main"
	rm -f "$dir.pref"
}

rootfs()
{
	root_ok && return
	bootstrap || return
	root_lock
	rm -rf --one-file-system "$BUILD/root.stamp" "$ROOT"
	progress "building the root (Debian trixie, about 1 GB)" "$BUILD/root.log" \
		unshare --mount --propagation private --pid --fork --kill-child \
		--mount-proc "$LAB_DIR/lab" _make_root 8>&- || {
		rm -rf --one-file-system "$ROOT.tmp" "$ROOT.tmp.pref"
		return 1
	}
	mv "$ROOT.tmp" "$ROOT"
	root_stamp >"$BUILD/root.stamp"
	exec 8>&-
}
