# SPDX-License-Identifier: GPL-2.0-only
# States of the host, and the loads that are measured in them.
#
#	native	no module of ours; the interface has all its offloads
#	plain	the same without segmentation offloads in the interface: the kernel's
#		GSO and GRO do the work
#	engine	the connections are on the engine, from their first bytes on
#	copy	no connection: the same bytes to or from a file in a tmpfs

LOAD_PORT=9300		# of load at the peer
HTTP_PORT=9101		# of nginx in the host (selftests/tests/real/nginx.conf)
SHORT_PORT=9320		# of load at the peer, too: never offloaded

# load at the peer. Usage: load_serves NAME PORT	(NAME: of the pipe to it)
load_serves()
{
	pipe_open "$1" "$LAB" peer -- /src/build/test/load serve "$2"
	read -r -t 20 -u "${OUT[$1]}" R || die "the peer does not serve"
}

loads_begin()
{
	local out

	load_serves server $LOAD_PORT
	out=$(on host "mountpoint -q /tmp/load || { mkdir -p /tmp/load && mount -t tmpfs tmpfs /tmp/load &&
		head -c 64M /dev/zero >/tmp/load/file; }") || die "$out"
}

loads_end()
{
	pipe_close load
	pipe_close server
	state_native
	on host "umount /tmp/load"
}

### the interface

# What native stands for. The names are ethtool's; the bits are virtio-net's.
NIC_WORDS="rx-checksumming tx-checksumming scatter-gather tcp-segmentation-offload"
NIC_WORDS+=" tx-tcp6-segmentation generic-segmentation-offload generic-receive-offload rx-gro-hw"
NIC_PLAIN="tcp-segmentation-offload tx-tcp6-segmentation rx-gro-hw"
NIC_BITS="0:csum 1:guest_csum 7:guest_tso4 8:guest_tso6 11:host_tso4 12:host_tso6 15:mrg_rxbuf 29:event_idx"

# The native state is what it says. Usage: nic_is on|off (segmentation offloads)
nic_is()
{
	local has bits word want

	has=$(on host "ethtool -k eth0 | tr -d '\t'") || die "ethtool -k eth0: $has"
	for word in $NIC_WORDS; do
		want=on
		[[ " $NIC_PLAIN " != *" $word "* ]] || want=$1
		grep -q "^$word: $want" <<<"$has" || die "eth0: $word is not $want"
	done
	bits=$(on host "cat /sys/class/net/eth0/device/features")
	for word in $NIC_BITS; do
		[ "${bits:${word%%:*}:1}" = 1 ] || die "eth0 lacks virtio-net's ${word#*:}"
	done
}

nic_told()
{
	local word told=

	nic_is on
	for word in $NIC_BITS; do
		told+="${told:+, }${word#*:}"
	done
	echo "native: eth0 has $NIC_WORDS"
	echo "  virtio-net: $told"
}

# Usage: nic on|off
nic()
{
	[ "${NIC:-}" != "$1" ] || return 0
	on host "ethtool -K eth0 tso $1 rx-gro-hw $1" >/dev/null || die "ethtool -K eth0 $1"
	nic_is "$1"
	NIC=$1
}

### states

state_native()
{
	modules_out
	nic on
}

state_plain()
{
	modules_out
	nic off
}

state_copy()
{
	state_native
}

state_engine()
{
	local out

	nic on
	modules_in
	out=$(on host "printf '%s\\n' 'toe-policy 1' 'prio 1 out rport $LOAD_PORT threshold 1' \
			'prio 2 in lport $HTTP_PORT threshold 1' \
			'prio 3 out rport $SHORT_PORT threshold 1MiB' 'end 3' >$GUEST/rules
		$GUEST/toectl policy show >/dev/null 2>&1 || $GUEST/toectl load policy $GUEST/rules") ||
		die "toectl load: $out"
}

### loads

# Usage: on_engine FILTER NUMBER
on_engine()
{
	[ "$(on host "$GUEST/toectl -j flow show $1 state engine | jq length")" = "$2" ]
}

# Usage: load_runs FLOWS WORDS	(of load, from its mode on)
load_runs()
{
	load_warm "$@" || return
	say load go
	load_says || return
	echo "$R"
	load_ends
}

# It is warm, and on the engine if that is where it is to be. Usage: as of load_runs
load_warm()
{
	local flows=$1
	shift

	pipe_open load "$LAB" host -- $GUEST/load "$@"
	load_says || return
	[ "$STATE" != engine ] || soon 30000 on_engine "rport $LOAD_PORT" "$flows" ||
		{ echo "$flows flows are not on the engine"; return 1; }
}

# What it says next, into R
load_says()
{
	hear load || { echo "$R $(cat "$WORK/stderr")"; return 1; }
}

# What it has left is not to be counted in the next run.
load_ends()
{
	pipe_close load
	soon 20000 loads_rest || { echo "connections stay"; return 1; }
}

loads_rest()
{
	[ "$(on host "ss -Htn state established state fin-wait-1 state last-ack state closing \
		'( dport = :$LOAD_PORT )' | wc -l")" = 0 ]
}

### sizes and numbers

# Those that were asked for, or these. Usage: sizes BYTES...
sizes()
{
	echo "${SIZE:-$*}"
}

flows()
{
	echo "${FLOWS_ASKED:-$*}"
}

# 65536: 64k
size_name()
{
	size_words "$1" | sed 's/ MiB/m/; s/ KiB/k/; s/ bytes//'
}

# The same, for a person
size_words()
{
	if [ $(($1 % M)) = 0 ]; then
		echo "$(($1 / M)) MiB"
	elif [ $(($1 % 1024)) = 0 ]; then
		echo "$(($1 / 1024)) KiB"
	else
		echo "$1 bytes"
	fi
}
