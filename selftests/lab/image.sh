# SPDX-License-Identifier: GPL-2.0-only
# From the root: disk image, kernels with initramfs, ssh key, counting plugin.

image_stamp()
{
	{
		root_stamp
		cat "$LAB_DIR/image.sh" "$LAB_DIR"/guest/* "$INSN_DIR"/*.[ch]
	} | sha256sum | cut -d' ' -f1
}

image_ok()
{
	[ "$(cat "$BUILD/image.stamp" 2>/dev/null)" = "$(image_stamp)" ]
}

# Runs a command in the root, the source tree at /src, all in namespaces.
# unshare(1) ignores SIGTERM while it waits, hence setpriv: when this shell is
# killed, all goes.
# Usage: in_root DIR CMD...
in_root()
{
	root_share
	setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child \
		"$LAB_DIR/chroot.sh" "$@"
}

# Kernel and initramfs of one series, inside the root.
make_kernel()
{
	local series=$1 out=$2 version dir=/tmp/initramfs-$1 path

	version=$(basename -a /usr/lib/modules/"$series".* | sort -V | tail -n 1)
	cp "/boot/vmlinuz-$version" "$out/vmlinuz-$series"
	mkdir -p "$dir"/{bin,proc,dev,mnt,modules}
	cp /usr/bin/busybox "$dir/bin/"
	cp $IN_SRC/selftests/lab/guest/init "$dir/init"
	modprobe -S "$version" -D -a virtio_pci virtio_blk ext4 virtio_net |
		sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' |
	while read -r path; do
		case $path in
		*.xz) xz -dc "$path" ;;
		*.zst) zstd -qdc "$path" ;;
		*) cat "$path" ;;
		esac >"$dir/modules/$(basename "${path%.*z*}")"
		basename "${path%.*z*}" >>"$dir/modules/order"
	done
	(cd "$dir" && find . | cpio --quiet -o -H newc >"$out/initrd-$series")
	rm -rf "$dir"
	echo "$version" >"$out/version-$series"
}

# Runs in the root. The guest gets the root without what only compiling needs.
make_image()
{
	local out=$IN_SRC/build/image.tmp tree=/tmp/tree series dir name cc

	set -e
	ssh-keygen -q -t ed25519 -N '' -C lab -f "$out/key"
	for series in $KERNELS; do
		make_kernel "$series" "$out"
	done
	cc="gcc -O2 -Wall -Wextra -Werror"
	$cc -static -o /tmp/insn-mark $IN_SRC/selftests/insn/insn-mark.c
	$cc -static -o /tmp/at $IN_SRC/selftests/lab/guest/at.c
	$cc -fPIC -shared -o "$out/insn.so" $IN_SRC/selftests/insn/insn.c

	# A recursive bind is not wanted: /proc, /sys and /src stay empty folders.
	mkdir $tree
	mount --bind / $tree
	for dir in usr/lib/llvm-19 usr/lib/gcc usr/src usr/include usr/share/qemu \
		   usr/lib/x86_64-linux-gnu/qemu usr/libexec/gcc boot \
		   var/cache var/lib/dpkg var/lib/apt usr/share/perl \
		   usr/lib/x86_64-linux-gnu/perl; do
		[ ! -d "$tree/$dir" ] || mount -t tmpfs tmpfs "$tree/$dir"
	done
	for name in qemu-system-x86_64 qemu-system-x86_64-microvm qemu-system-i386; do
		[ ! -f "$tree/usr/bin/$name" ] || mount --bind /dev/null "$tree/usr/bin/$name"
	done
	for dir in usr/lib/x86_64-linux-gnu/libclang*.so* usr/lib/x86_64-linux-gnu/libLLVM*.so*; do
		[ ! -f "$tree/$dir" ] || [ -L "$tree/$dir" ] || mount --bind /dev/null "$tree/$dir"
	done
	mount -t tmpfs tmpfs "$tree/lab"
	cp $IN_SRC/selftests/lab/guest/* "$tree/lab/"
	ssh-keygen -q -t ed25519 -N '' -C lab -f "$tree/lab/host_key"
	cp "$out/key.pub" "$tree/lab/authorized_keys"
	install -D -t "$tree/lab/bin" /tmp/insn-mark /tmp/at
	mke2fs -q -F -t ext4 -O ^has_journal,^metadata_csum -m 0 -E lazy_itable_init=1,root_owner=0:0 \
		-d $tree "$out/root.img" 3G
	chmod 600 "$out/key"
}

image()
{
	image_ok && return
	rm -rf "$BUILD/image.stamp" "$IMAGE" "$IMAGE.tmp"
	mkdir -p "$IMAGE.tmp"
	progress "making the disk image" "$BUILD/image.log" \
		in_root $IN_SRC $IN_SRC/selftests/lab/lab _make_image || {
		rm -rf "$IMAGE.tmp"
		return 1
	}
	mv "$IMAGE.tmp" "$IMAGE"
	image_stamp >"$BUILD/image.stamp"
}
