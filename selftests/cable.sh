# SPDX-License-Identifier: GPL-2.0-only
# A cable that is not as it should be, between the peer and the card (tools/wire).
# Whether the host's stack or the card carries a connection, it meets the same.
#
#	cable_in			the peer's frames go over it from now on
#	cable to-host|to-peer|both [KEY=N]...	what is wrong with it; without KEY nothing
#	mtu_forget			nobody knows the path any more
#	cable_counts			what it did since the last time; `val` reads it
#	cable_out

cable_in()
{
	local out words

	# trap -- COMMAND EXIT
	eval "words=($(trap -p EXIT))"
	CABLE_NEXT=${words[2]}
	trap 'CABLE_RC=$?; cable_out; (exit $CABLE_RC); eval "$CABLE_NEXT"' EXIT
	# One frame is one packet: nothing larger is made, nothing put together.
	out=$(on card "ethtool -K wire0 tso off gso off") || die "wire0: $out"
	out=$(on peer "ethtool -K peer0 gro off") || die "peer0: $out"
	pipe_open cable "$LAB" peer -- /src/build/test/wire peer0 cable0
	hear cable || die "cable: $R"
	out=$(on peer "ip link set cable0 up
		ip addr add $PEER_ADDR6/128 dev cable0 nodad
		ip route add $HOST_ADDR dev cable0 src $PEER_ADDR
		ip -6 route add $HOST_ADDR6 dev cable0 src $PEER_ADDR6") || die "cable0: $out"
}

# Connections of the peer find their way back to the port.
cable_out()
{
	[ -n "${PID[cable]:-}" ] || return 0
	say cable quit
	pipe_close cable
	on peer "ethtool -K peer0 gro on" >/dev/null
	on card "ethtool -K wire0 gso on tso on" >/dev/null
	# shellcheck disable=SC2064	# what it is now
	trap "$CABLE_NEXT" EXIT
}

cable()
{
	local dir=$1
	shift

	[ "$dir" != both ] || { cable to-host "$@"; dir=to-peer; }
	tell cable set "$dir" "$@" || die "cable: $R"
}

cable_counts()
{
	tell cable counts || die "cable: $R"
}

mtu_forget()
{
	local place

	for place in host card; do
		on $place "ip route flush cache; ip -6 route flush cache" >/dev/null
	done
}
