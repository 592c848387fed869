# SPDX-License-Identifier: GPL-2.0-only
# The lab's network, inside its world:
#
#   toe-peer: peer0 10.77.0.2/24, fd77::2/64
#      |  veth
#   toe-card: wire0 (no address, the host's MAC)
#      |  BPF of toecard, or net_plain
#   toe-card: host0 (tap) -- QEMU -- eth0 10.77.0.1/24, fd77::1/64 in the VM
#
#   world: mgmt0 (tap) 192.168.77.1/30 -- QEMU -- mgmt0 in the VM, for ssh only

HOST_MAC=52:54:00:77:00:01
PEER_MAC=52:54:00:77:00:02
HOST_TAP_MAC=52:54:00:77:00:03
MGMT_MAC=52:54:00:77:00:f1
QUEUE=16384

# A namespace with a process that holds its /sys, bpffs and cgroup.
net_place()
{
	local name=$1

	ip netns add "toe-$name" || return
	mkdir -p "/run/cgroup2/toe-$name" || return
	# shellcheck disable=SC2016
	nsenter --net="/run/netns/toe-$name" unshare --mount --propagation private \
		bash -c 'mount -t sysfs sysfs /sys &&
			mount -t bpf bpf /sys/fs/bpf &&
			mount --bind /run/cgroup2 /sys/fs/cgroup &&
			echo 0 >/run/cgroup2/toe-$0/cgroup.procs &&
			echo $$ >/run/$0.pid &&
			exec -a "lab-$0" sleep infinity' "$name" </dev/null &
	wait_for "namespace toe-$name" 50 test -s "/run/$name.pid"
	ip -n "toe-$name" link set lo up
	ip netns exec "toe-$name" sysctl -q \
		net.ipv4.tcp_no_metrics_save=1 \
		net.ipv4.tcp_rmem="4096 131072 6291456" \
		net.ipv4.tcp_wmem="4096 65536 6291456" \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv4.ip_forward=0 \
		net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0 \
		net.ipv6.conf.default.accept_ra=0 net.ipv6.conf.default.accept_dad=0
}

# A folder of our own in the machine's cgroup2 tree, shown at /run/cgroup2.
net_cgroup()
{
	mkdir -p /run/cgroup2.all /run/cgroup2 &&
	mount -t cgroup2 cgroup2 /run/cgroup2.all &&
	mkdir "/run/cgroup2.all/$(cat "$IN_RUN/cgroup")" &&
	mount --bind "/run/cgroup2.all/$(cat "$IN_RUN/cgroup")" /run/cgroup2
}

net_offloads()
{
	ip netns exec "$1" ethtool -K "$2" gro on gso on tso on tx on sg on >/dev/null
}

net_up()
{
	ip link set lo up
	net_cgroup || return
	net_place peer || return
	net_place card || return
	ip netns exec toe-card sysctl -q net.ipv4.conf.all.arp_ignore=8 \
		net.ipv4.conf.default.arp_ignore=8

	ip -n toe-card link add wire0 address $HOST_MAC txqueuelen $QUEUE type veth \
		peer name peer0 netns toe-peer address $PEER_MAC || return
	ip -n toe-card tuntap add dev host0 mode tap vnet_hdr multi_queue || return
	ip -n toe-card tuntap add dev mgmt0 mode tap vnet_hdr || return
	ip -n toe-card link set host0 address $HOST_TAP_MAC txqueuelen $QUEUE
	ip -n toe-peer link set peer0 txqueuelen $QUEUE
	for dev in wire0 host0 mgmt0; do
		ip -n toe-card link set $dev addrgenmode none
	done
	net_offloads toe-card wire0 || return
	net_offloads toe-card host0 2>/dev/null
	net_offloads toe-peer peer0 || return
	# A wire carries finished checksums. A veth does not, and behind an XDP
	# redirect (to the card's tap) nobody would finish them.
	ip netns exec toe-peer ethtool -K peer0 tx off >/dev/null
	ip -n toe-peer addr add 10.77.0.2/24 dev peer0
	ip -n toe-peer addr add fd77::2/64 dev peer0 nodad
	# A veth drops what overflows its ring; with a queue it waits where the
	# kernel knows how.
	tc -n toe-card qdisc replace dev wire0 root pfifo limit $QUEUE
	tc -n toe-peer qdisc replace dev peer0 root pfifo limit $QUEUE
	ip -n toe-card link set wire0 up &&
	ip -n toe-card link set host0 up &&
	ip -n toe-card link set mgmt0 up &&
	ip -n toe-peer link set peer0 up
}

# Without toecard: every frame of one end leaves by the other.
net_plain()
{
	local from to

	for from in wire0 host0; do
		[ $from = wire0 ] && to=host0 || to=wire0
		tc -n toe-card qdisc replace dev $from clsact &&
		tc -n toe-card filter add dev $from ingress protocol all u32 \
			match u32 0 0 action mirred egress redirect dev $to || return
	done
}

# QEMU opens its taps in toe-card; the ssh one then moves out of the way.
net_mgmt()
{
	ip -n toe-card link set mgmt0 netns 1 &&
	ip addr add 192.168.77.1/30 dev mgmt0 &&
	ip link set mgmt0 up
}
