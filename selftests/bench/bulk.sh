# SPDX-License-Identifier: GPL-2.0-only
# What it costs the host to move bytes, and how fast they go.
#
# States of the host:
#	native	no module of ours; the interface has all its offloads
#	plain	the same without segmentation offloads in the interface: the kernel's
#		GSO and GRO do the work
#	engine	the connection is on the engine, from its first bytes on
#	copy	no connection: the same bytes to or from a file in a tmpfs

BULK_PORT=9300
BULK_MIB=400

bulk_prepare()
{
	local out

	pipe_open server "$LAB" peer -- /src/build/test/load serve $BULK_PORT
	read -r -t 20 -u "${OUT[server]}" R || die "the peer does not serve"
	out=$(on host "mkdir -p /tmp/bulk && mount -t tmpfs tmpfs /tmp/bulk &&
		head -c 64M /dev/zero >/tmp/bulk/file") || die "$out"
}

# Usage: bulk_nic on|off
bulk_nic()
{
	on host "ethtool -K eth0 tso $1 rx-gro-hw $1" >/dev/null || die "ethtool -K eth0 $1"
}

state_native()
{
	modules_out
	bulk_nic on
}

state_plain()
{
	modules_out
	bulk_nic off
}

state_copy()
{
	state_native
}

state_engine()
{
	local out

	bulk_nic on
	modules_in
	out=$(on host "printf '%s\\n' 'toe-policy 1' 'prio 1 out rport $BULK_PORT threshold 1' 'end 1' >$GUEST/rules
		$GUEST/toectl policy show >/dev/null 2>&1 || $GUEST/toectl load policy $GUEST/rules") ||
		die "toectl load: $out"
	STATE=engine
}

bulk_settled()
{
	[ "$(on host "$GUEST/toectl -j flow show rport $BULK_PORT state engine | jq length")" = "$1" ]
}

# Usage: bulk_load FLOWS WORDS	(of load, from bulk on)
bulk_load()
{
	local flows=$1
	shift

	pipe_open load "$LAB" host -- $GUEST/load "$@"
	hear load || { echo "$R $(cat "$WORK/stderr")"; return 1; }
	if [ "$STATE" = engine ]; then
		soon 20000 bulk_settled "$flows" || { echo "not on the engine: $flows"; return 1; }
	fi
	say load go
	hear load || { echo "$R"; return 1; }
	echo "$R"
	pipe_close load
	STATE=
}

bench_bulk()
{
	# All places work at once here: QEMU always waits for somebody.
	local DISTURBED=1000

	bulk_prepare
	bar send_64k "kernel instructions per MiB sent, 64 KiB a call" \
		$BULK_MIB 0.55 native engine plain
	bar receive_64k "kernel instructions per MiB received, 64 KiB a call" \
		$BULK_MIB 0.50 native engine plain
}

run_send_64k()
{
	bulk_load 1 bulk send $PEER_ADDR $BULK_PORT 1 $((BULK_MIB * M)) 65536
}

run_receive_64k()
{
	bulk_load 1 bulk receive $PEER_ADDR $BULK_PORT 1 $((BULK_MIB * M)) 65536
}
