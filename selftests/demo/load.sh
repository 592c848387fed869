# SPDX-License-Identifier: GPL-2.0-only
# Brings the modules, toectl and toed into the lab's host, for the demo and for `make
# shell`. Wants LAB (the lab's script) and BUILD (the build folder) set.

# Usage: load_all [FILE...]		(FILE: more to put into the host's /tmp)
load_all()
{
	local version out=$BUILD/demo name

	version=$("$LAB" host -- uname -r) || return
	[ -e "$BUILD/kmod/$version/toe.ko" ] || {
		echo "there is no toe.ko for $version: run 'make'" >&2
		return 1
	}
	# Without debugging information: the way into the guest is slow. The
	# classifier needs .BTF, which stays.
	mkdir -p "$out" &&
	for name in toe toe_virtio; do
		"$LAB" run -- strip --strip-debug -o "/src/build/demo/$name.ko" \
			"/src/build/kmod/$version/$name.ko" || return
	done &&
	"$LAB" push "$out"/toe.ko "$out"/toe_virtio.ko "$BUILD/bin/toectl" "$BUILD/bin/toed" \
		"$@" /tmp &&
	"$LAB" host -- sh -c '
		mv /tmp/toectl /usr/bin/toectl && mv /tmp/toed /usr/sbin/toed &&
		insmod /tmp/toe.ko && insmod /tmp/toe_virtio.ko &&
		rm -f /tmp/toe.ko /tmp/toe_virtio.ko'
}
