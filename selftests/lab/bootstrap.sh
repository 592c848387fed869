# SPDX-License-Identifier: GPL-2.0-only
# What the machine itself must have. All else lives in the root.

bootstrap()
{
	local want=()

	[ "$(uname -m)" = x86_64 ] || die "the lab runs on x86_64, not on $(uname -m)"
	[ -c /dev/net/tun ] || die "/dev/net/tun is missing (module tun)"
	command -v mmdebstrap >/dev/null || want+=(mmdebstrap)
	[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] ||
		[ -e /usr/share/keyrings/debian-archive-keyring.pgp ] ||
		want+=(debian-archive-keyring)
	command -v unshare >/dev/null || want+=(util-linux)
	[ ${#want[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null ||
		die "please install: ${want[*]} (this is no Debian)"
	progress "updating the package lists" "$BUILD/bootstrap.log" \
		apt-get -q update || return
	progress "installing ${want[*]}" "$BUILD/bootstrap.log" \
		env DEBIAN_FRONTEND=noninteractive \
		apt-get -qy install --no-install-recommends "${want[@]}"
}
