# SPDX-License-Identifier: GPL-2.0-only
# Sockets of the host's kernel: NFS server and client, iSCSI target and initiator.
# What is written through them is read again and compared, three times: never
# offloaded, offloaded from the first bytes on, and handed over all the time
# (same_policy). No connection breaks meanwhile.
#
# The other end is in user space, since the peer's kernel is the build machine's:
# libnfs, NFS-Ganesha, libiscsi, tgt. There is no NVMe/TCP in user space in Debian.

# shellcheck source=selftests/tests/same.sh
. "$TOP/selftests/tests/same.sh"

# A port each. A late segment of one test is not the next one's.
KUSER_NFSD=9201 KUSER_NFS=9202 KUSER_INITIATOR=9203 KUSER_TARGET=9204
KUSER_NFSD6=9205 KUSER_NFS6=9206 KUSER_INITIATOR6=9207 KUSER_TARGET6=9208
KUSER_CUT=9209 KUSER_DISK_CUT=9210 KUSER_STOP=9211 KUSER_DISK_STOP=9212 # by IPv6: 4 more
KUSER_MIB=500		# offloaded from the first bytes on
KUSER_MIB_SOME=32	# in the other two, and over IPv6
KUSER_MODES="never engine churn"
KUSER_DIR=/tmp/kuser	# at the host and at the peer
KUSER_EXPORT=$LAB_RUN_IN/kuser	# at the peer
KUSER_DISK=iqn.2026-01.toe:disk

# Runs commands at a place that have to succeed.
kuser_on()	# PLACE SECONDS COMMANDS
{
	local out

	out=$(LIMIT=$2 on "$1" "set -e; $3") || die "$1: $3: $out"
}

# Usage: kuser_begin rport|lport PORT; what undoes it is added to KUSER_UNDO
kuser_begin()
{
	local out

	setup
	KUSER_FLOWS="$1 $2" KUSER_PORT=$2
	KUSER_CALLER=host
	[ "$1" = rport ] || KUSER_CALLER=peer
	KUSER_UNDO="rm -rf $KUSER_DIR"
	out=$("$LAB" push "$BUILD/test/tree" $GUEST </dev/null 2>&1) || die "push: $out"
	kuser_on peer 20 "rm -rf $KUSER_DIR; mkdir $KUSER_DIR"
	kuser_on host 20 "rm -rf $KUSER_DIR; mkdir $KUSER_DIR"
}

# Less of it. Usage: kuser_ipv6 CMD...
kuser_ipv6()
{
	KUSER_MIB=$KUSER_MIB_SOME
	"$@"
}

# The tree of a mode, at both places; others go. Usage: kuser_tree MODE
kuser_tree()
{
	local mib=$KUSER_MIB_SOME seed=${#1}

	[ "$1" != engine ] || mib=$KUSER_MIB
	MIB=$mib
	kuser_on peer 120 "rm -rf $KUSER_DIR/tree $KUSER_DIR/back
		/src/build/test/tree $KUSER_DIR/tree $mib $seed"
	kuser_on host 120 "rm -rf $KUSER_DIR/tree; $GUEST/tree $KUSER_DIR/tree $mib $seed"
}

# TCP connections that the client's end has begun. Not those that the server accepts:
# the host accepts the lab's own, too.
kuser_connections()
{
	netstat_of $KUSER_CALLER | awk '$1 == "ActiveOpens" { print $2 }'
}

no_kuser_sockets()
{
	SOCKETS=$(on host "ss -Htano state all exclude time-wait exclude listening \
		'( sport = :$KUSER_PORT or dport = :$KUSER_PORT )'")
	[ -z "$SOCKETS" ]
}

# Usage: kuser_policy MODE
kuser_policy()
{
	stats_begin
	SAME_UNDO=$KUSER_UNDO
	same_policy "$1" "$KUSER_FLOWS"
	CONNECTIONS=$(kuser_connections)
}

# What was moved, MIB each way, was moved by whom it should have been, and no connection
# had to be made anew. Usage: kuser_policy_end MODE CONNECTIONS
kuser_policy_end()
{
	local tx rx made

	made=$(($(kuser_connections) - CONNECTIONS))
	soon 5000 no_kuser_sockets || fail "$1: sockets are left: $SOCKETS"
	same_policy_end
	tx=$(grew tx_bytes) rx=$(grew rx_bytes)
	note "$1: $MIB MiB, $made connections, $OPENS opens, $RETURNS returns by churn, engine: $((tx / M)) MiB sent, $((rx / M)) received, $SECONDS s"
	is "$1: connections" "$made" "$2"
	case $1 in
	never) is "opens" "$OPENS" 0 ;;
	engine)
		ge "opens" "$OPENS" "$2"
		# A connection that is not calm at first goes there some MiB later.
		ge "sent by the engine" "$tx" $((MIB * M * 3 / 4))
		ge "received by the engine" "$rx" $((MIB * M * 3 / 4))
		;;
	churn)
		ge "returns by churn" "$RETURNS" 20
		ge "sent by the engine" "$tx" $M
		ge "received by the engine" "$rx" $M
		;;
	esac
	soon 5000 no_flows || fail "$1: flows are left: $FLOWS"
	soon 3000 card_is_empty || fail "$1: left on the card: $CARD_LEFT"
}

### the host's NFS server, the peer's libnfs

kuser_nfsd_up()	# PORT
{
	KUSER_UNDO="rpc.nfsd 0; exportfs -ua; kill \$(cat /run/kuser.mountd) 2>/dev/null
		rm -f /run/kuser.mountd; umount /srv/kuser; $KUSER_UNDO"
	HOST_UNDO=$KUSER_UNDO
	kuser_on host 40 "modprobe nfsd
		mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd
		mkdir -p /srv/kuser && mount -t tmpfs -o size=90% tmpfs /srv/kuser
		echo 10 >/proc/fs/nfsd/nfsv4leasetime
		echo 10 >/proc/fs/nfsd/nfsv4gracetime
		rpc.mountd -F -N 2 -N 3 >/run/kuser.log 2>&1 &
		echo \$! >/run/kuser.mountd
		exportfs -o rw,no_root_squash,insecure,no_subtree_check,fsid=0 '*:/srv/kuser'
		rpc.nfsd -p $1 -N 3 -V 4 4"
	soon 30000 kuser_grace_over || die "the NFS server's grace period does not end"
}

# The server waits for clients of an earlier life to come back, and takes nothing new.
# It lets itself be told that there are none only where it would know of them (not on
# 7.3 without nfsdcld); there it takes its ten seconds.
kuser_grace_over()
{
	[ "$(on host "{ echo Y >/proc/fs/nfsd/v4_end_grace; } 2>/dev/null
		cat /proc/fs/nfsd/v4_end_grace")" = Y ]
}

kuser_nfsd_down()
{
	on host "$KUSER_UNDO" >/dev/null
	HOST_UNDO=
	is "nfsd's sockets" "$(on host "ss -Hltn sport = :$KUSER_PORT")" ""
}

# Usage: kuser_nfs_server ADDRESS PORT
kuser_nfs_server()
{
	local how tool=/src/build/test/nfstree

	kuser_begin lport "$2"
	kuser_nfsd_up "$2"
	for how in $KUSER_MODES; do
		kuser_tree $how
		kuser_on host 20 "rm -rf /srv/kuser/tree; mkdir /srv/kuser/tree"
		kuser_policy $how
		kuser_on peer 240 "$tool put $1 $2 /tree $KUSER_DIR/tree"
		kuser_on host 120 "diff -r $KUSER_DIR/tree /srv/kuser/tree"
		kuser_on peer 240 "$tool get $1 $2 /tree $KUSER_DIR/back
			diff -r $KUSER_DIR/tree $KUSER_DIR/back"
		kuser_policy_end $how 2
	done
	kuser_nfsd_down
	kuser_on peer 20 "rm -rf $KUSER_DIR"
}

test_kuser_nfs_server()
{
	kuser_nfs_server $HOST_ADDR $KUSER_NFSD
}

test_kuser_nfs_server_ipv6()
{
	kuser_ipv6 kuser_nfs_server $HOST_ADDR6 $KUSER_NFSD6
}

### the host's NFS client, the peer's NFS-Ganesha

# Ganesha exports a folder of a disk, whose mount is the first one that it sees of
# that disk: hence a root of its own.
kuser_ganesha()	# PORT
{
	local root=$KUSER_DIR/root

	cat >"$LAB_RUN/ganesha.conf" <<-EOF2
	NFS_CORE_PARAM {
		Protocols = 4; NFS_Port = $1; Enable_UDP = false; Enable_NLM = false;
		Enable_RQUOTA = false; allow_set_io_flusher_fail = true;
	}
	NFSV4 { Graceless = true; RecoveryBackend = fs; RecoveryRoot = /tmp; Only_Numeric_Owners = true; }
	EXPORT {
		Export_Id = 1; Path = /srv; Pseudo = /exp; Filesystem_Id = 77.1;
		Access_Type = RW; Squash = No_Root_Squash; SecType = sys;
		Protocols = 4; Transports = TCP; FSAL { Name = VFS; }
	}
	EOF2
	kuser_on peer 20 "rm -rf $KUSER_EXPORT; mkdir -p $KUSER_EXPORT $root"
	ACTORS+=" ganesha"
	pipe_open ganesha "$LAB" peer -- unshare --mount bash -c "
		set -e
		mount -t tmpfs tmpfs $root
		cd $root
		mkdir -p srv usr proc dev tmp run/ganesha var
		mount --bind $KUSER_EXPORT srv
		for d in usr proc dev; do mount --bind /\$d \$d; done
		for d in bin sbin lib lib64; do ln -s usr/\$d \$d; done
		cp -r /etc etc
		ln -s /run var/run
		cp $LAB_RUN_IN/ganesha.conf conf
		exec chroot . ganesha.nfsd -F -x -f /conf -L STDERR -p /run/ganesha/pid -N NIV_EVENT"
	kuser_wait peer "$1"
}

kuser_listens()	# PLACE PORT
{
	[ -n "$(on "$1" "ss -Hltn sport = :$2")" ]
}

kuser_wait()	# PLACE PORT
{
	soon 20000 kuser_listens "$1" "$2" || die "nobody listens at the $1's port $2"
}

# Usage: kuser_mount ADDRESS PORT [tcp6|tcp,OPTIONS]
kuser_mount()
{
	kuser_on host 40 "mount -t nfs -o vers=4.2,port=$2,proto=${3:-tcp} '$1:/exp' /mnt"
}

kuser_umount()
{
	kuser_on host 40 "umount /mnt"
}

# Usage: kuser_nfs_client ADDRESS PORT [tcp6]
kuser_nfs_client()
{
	local how

	kuser_begin rport "$2"
	KUSER_UNDO="timeout -s KILL 5 umount -f -l /mnt; $KUSER_UNDO"
	kuser_ganesha "$2"
	for how in $KUSER_MODES; do
		kuser_tree $how
		kuser_policy $how
		kuser_mount "$@"
		kuser_on host 240 "cp -r $KUSER_DIR/tree /mnt/$how"
		kuser_umount
		kuser_on peer 120 "diff -r $KUSER_DIR/tree $KUSER_EXPORT/$how"
		kuser_mount "$@"
		kuser_on host 240 "diff -r $KUSER_DIR/tree /mnt/$how"
		kuser_umount
		kuser_policy_end $how 2
	done
	pipe_close ganesha
	on host "$KUSER_UNDO" >/dev/null
	HOST_UNDO=
	kuser_on peer 20 "rm -rf $KUSER_DIR $KUSER_EXPORT"
}

test_kuser_nfs_client()
{
	kuser_nfs_client $PEER_ADDR $KUSER_NFS
}

test_kuser_nfs_client_ipv6()
{
	kuser_ipv6 kuser_nfs_client "[$PEER_ADDR6]" $KUSER_NFS6 tcp6
}

### the host's iSCSI initiator, the peer's tgt

kuser_tgtd()	# ADDRESS PORT
{
	kuser_on peer 20 "mkdir -p /run/tgtd; truncate -s $((KUSER_MIB + 100))M $KUSER_DIR/disk"
	ACTORS+=" tgtd"
	pipe_open tgtd "$LAB" peer -- tgtd -f --iscsi "portal=$1:$2"
	kuser_wait peer "$2"
	kuser_on peer 20 "tgtadm --lld iscsi --mode target --op new --tid 1 -T $KUSER_DISK
		tgtadm --lld iscsi --mode logicalunit --op new --tid 1 --lun 1 -b $KUSER_DIR/disk
		tgtadm --lld iscsi --mode target --op bind --tid 1 -I ALL"
}

kuser_iscsid_up()
{
	KUSER_UNDO="umount /mnt; iscsiadm -m node -u; iscsiadm -m node -o delete
		kill \$(cat /run/kuser.iscsid); rm -f /run/kuser.iscsid; $KUSER_UNDO"
	HOST_UNDO=$KUSER_UNDO
	kuser_on host 40 "modprobe -a iscsi_tcp sd_mod
		mkdir -p /run/lock/iscsi /etc/iscsi
		echo InitiatorName=iqn.2026-01.toe:host >/etc/iscsi/initiatorname.iscsi
		setsid iscsid -f >/run/kuser.log 2>&1 & # it ends its process group
		echo \$! >/run/kuser.iscsid"
}

kuser_disk_there()
{
	DISK=$(on host "basename -a /sys/class/iscsi_session/*/device/target*/*:1/block/* 2>/dev/null")
	[[ $DISK = sd? ]] && DISK=/dev/$DISK
}

kuser_login()
{
	kuser_on host 40 "iscsiadm -m node -T $KUSER_DISK -p '$1' --login"
	soon 10000 kuser_disk_there || die "no disk"
}

kuser_logout()
{
	kuser_on host 40 "iscsiadm -m node -T $KUSER_DISK -p '$1' --logout"
}

# Usage: kuser_initiator ADDRESS PORT
kuser_initiator()
{
	local how portal=$1:$2

	kuser_begin rport "$2"
	kuser_tgtd "$1" "$2"
	kuser_iscsid_up
	kuser_on host 40 "iscsiadm -m node -T $KUSER_DISK -p '$portal' -o new"
	for how in $KUSER_MODES; do
		kuser_tree $how
		kuser_policy $how
		kuser_login "$portal"
		kuser_on host 240 "mkfs.ext4 -q -F $DISK && mount $DISK /mnt
			cp -r $KUSER_DIR/tree /mnt/tree; umount /mnt"
		kuser_logout "$portal"
		kuser_login "$portal"
		kuser_on host 240 "mount $DISK /mnt; diff -r $KUSER_DIR/tree /mnt/tree; umount /mnt"
		kuser_logout "$portal"
		kuser_policy_end $how 2
	done
	on host "$KUSER_UNDO" >/dev/null
	HOST_UNDO=
	pipe_close tgtd
	kuser_on peer 20 "rm -rf $KUSER_DIR"
}

test_kuser_iscsi_initiator()
{
	kuser_initiator $PEER_ADDR $KUSER_INITIATOR
}

test_kuser_iscsi_initiator_ipv6()
{
	kuser_ipv6 kuser_initiator "[$PEER_ADDR6]" $KUSER_INITIATOR6
}

### the host's iSCSI target, the peer's libiscsi

# Usage: kuser_target_up PORTAL
kuser_target_up()
{
	local conf=/sys/kernel/config/target
	local tpg=$conf/iscsi/$KUSER_DISK/tpgt_1

	KUSER_UNDO="echo 0 >$tpg/enable; rm -f $tpg/lun/lun_0/disk; rmdir $tpg/lun/lun_0 '$tpg/np/$1' \
		$tpg ${tpg%/*} $conf/core/fileio_0/disk $conf/core/fileio_0; $KUSER_UNDO"
	HOST_UNDO=$KUSER_UNDO
	kuser_on host 40 "modprobe -a target_core_mod target_core_file iscsi_target_mod
		mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
		truncate -s $((KUSER_MIB + 100))M $KUSER_DIR/disk
		mkdir -p $conf/core/fileio_0/disk
		cd $conf/core/fileio_0/disk
		echo fd_dev_name=$KUSER_DIR/disk,fd_dev_size=$(((KUSER_MIB + 100) * M)),fd_buffered_io=1 >control
		echo 1 >enable
		mkdir -p $conf/iscsi $tpg/lun/lun_0 '$tpg/np/$1'
		ln -s $conf/core/fileio_0/disk $tpg/lun/lun_0/disk
		cd $tpg/attrib
		echo 0 >authentication
		echo 1 >generate_node_acls
		echo 1 >cache_dynamic_acls
		echo 0 >demo_mode_write_protect
		echo 1 >$tpg/enable"
}

kuser_target_down()
{
	on host "$KUSER_UNDO" >/dev/null
	HOST_UNDO=
	is "the target" "$(on host "ls /sys/kernel/config/target/core | grep fileio;
		ss -Hltn sport = :$KUSER_PORT")" ""
}

# Usage: kuser_target ADDRESS PORT
kuser_target()
{
	local how tool=/src/build/test/iscsidisk portal=$1:$2

	kuser_begin lport "$2"
	kuser_target_up "$portal"
	for how in $KUSER_MODES; do
		kuser_tree $how
		kuser_on host 20 "rm -rf $KUSER_DIR/tree"
		kuser_on peer 120 "cd $KUSER_DIR; tar -cf image tree; truncate -s 0 back
			truncate -s \$(stat -c %s image) back"
		kuser_policy $how
		kuser_on peer 240 "cd $KUSER_DIR
			$tool put '$portal' $KUSER_DISK 0 image
			$tool get '$portal' $KUSER_DISK 0 back
			cmp image back"
		kuser_policy_end $how 2
	done
	kuser_target_down
	kuser_on peer 20 "rm -rf $KUSER_DIR"
}

test_kuser_iscsi_target()
{
	kuser_target $HOST_ADDR $KUSER_TARGET
}

test_kuser_iscsi_target_ipv6()
{
	kuser_ipv6 kuser_target "[$HOST_ADDR6]" $KUSER_TARGET6
}

### connections that break while they are offloaded

# The same of a test that is there by both families. Usage: kuser_port PORT
kuser_port()
{
	[ -z "$V6" ] && echo "$1" || echo $(($1 + 4))
}

kuser_offloaded()	# N
{
	local flows

	flows=$(on host "$GUEST/toectl -j flow show |
		jq '[.[] | select(.state == \"engine\" and
			(.local_port == $KUSER_PORT or .remote_port == $KUSER_PORT))] | length'")
	[ "$flows" = 1 ] && [ "$(grew opens)" -gt "$1" ]
}

# Cuts the connection as soon as it is offloaded, three times, while a command runs on
# the host. Usage: kuser_cut SECONDS COMMANDS
kuser_cut()
{
	local i seen=0 out

	on host "( $2 ) >/run/kuser.out 2>&1 & echo \$! >/run/kuser.pid" >/dev/null
	for i in 1 2 3; do
		soon 30000 kuser_offloaded $seen || fail "cut $i: it is not offloaded"
		seen=$(grew opens)
		kuser_on host 10 "ss -K state established \
			'( sport = :$KUSER_PORT or dport = :$KUSER_PORT )' | grep -q ."
	done
	soon 30000 kuser_offloaded $seen || fail "it is not offloaded again"
	out=$(LIMIT=$1 on host "touch $KUSER_DIR/enough; while [ -d /proc/\$(cat /run/kuser.pid) ]; do sleep 0.1; done
		cat /run/kuser.out; rm -f /run/kuser.*")
	is "what the command says" "$out" ""
}

# The NFS client and the iSCSI initiator connect anew, from the same port and from
# another one, and go on.
test_kuser_nfs_cut()
{
	local server port proto=tcp${V6:+6}

	server=$(bracketed $PEER_ADDR) port=$(kuser_port $KUSER_CUT)
	kuser_begin rport $port
	KUSER_UNDO="touch $KUSER_DIR/enough; timeout -s KILL 5 umount -f -l /mnt; $KUSER_UNDO"
	kuser_ganesha $port
	kuser_tree never
	kuser_policy engine
	kuser_mount $server $port $proto
	kuser_cut 60 "n=0; until [ -e $KUSER_DIR/enough ]; do
		n=\$((n + 1)); cp -r $KUSER_DIR/tree /mnt/\$n; done; sync -f /mnt"
	kuser_on peer 120 "for d in $KUSER_EXPORT/*; do diff -r $KUSER_DIR/tree \$d; done"
	kuser_on host 120 "echo 3 >/proc/sys/vm/drop_caches; diff -r $KUSER_DIR/tree /mnt/1"
	kuser_umount
	# And a server that does not answer any more.
	kuser_mount $server $port $proto,soft,timeo=10,retrans=1
	kuser_on host 20 "ls /mnt >/dev/null"
	kuser_offloaded "$(grew opens)" || soon 5000 kuser_offloaded 0 || fail "it is not offloaded"
	pipe_close ganesha
	kuser_on host 40 "umount -f /mnt"
	soon 10000 no_kuser_sockets || fail "sockets are left: $SOCKETS"
	soon 5000 no_flows || fail "flows are left: $FLOWS"
	soon 3000 card_is_empty || fail "left on the card: $CARD_LEFT"
	on host "$KUSER_UNDO" >/dev/null
	HOST_UNDO="$GUEST/toectl unload"
	kuser_on peer 20 "rm -rf $KUSER_DIR $KUSER_EXPORT"
}
also_v6 kuser_nfs_cut

test_kuser_iscsi_cut()
{
	local server port portal

	server=$(bracketed $PEER_ADDR) port=$(kuser_port $KUSER_DISK_CUT)
	portal=$server:$port
	kuser_begin rport $port
	KUSER_UNDO="touch $KUSER_DIR/enough; $KUSER_UNDO"
	kuser_tgtd $server $port
	kuser_iscsid_up
	kuser_on host 40 "iscsiadm -m node -T $KUSER_DISK -p '$portal' -o new"
	kuser_tree never
	kuser_policy engine
	kuser_login "$portal"
	kuser_cut 60 "tar -C $KUSER_DIR -cf $KUSER_DIR/image tree; until [ -e $KUSER_DIR/enough ]; do
		dd if=$KUSER_DIR/image of=$DISK bs=256k oflag=direct conv=sync status=none; done"
	kuser_on host 120 "cmp -n \$(stat -c %s $KUSER_DIR/image) $KUSER_DIR/image $DISK"
	kuser_logout "$portal"
	soon 5000 no_kuser_sockets || fail "sockets are left: $SOCKETS"
	soon 5000 no_flows || fail "flows are left: $FLOWS"
	on host "$KUSER_UNDO" >/dev/null
	HOST_UNDO="$GUEST/toectl unload"
	pipe_close tgtd
	kuser_on peer 20 "rm -rf $KUSER_DIR"
}
also_v6 kuser_iscsi_cut

# The servers are stopped while a client uses them: nothing is left.
# Usage: kuser_stopped CLIENT-COMMAND STOP-FUNCTION
kuser_stopped()
{
	on peer "( while $1; do :; done ) >/dev/null 2>&1 &" >/dev/null
	soon 30000 kuser_offloaded 0 || fail "it is not offloaded"
	$2
	soon 10000 no_kuser_sockets || fail "sockets are left: $SOCKETS"
	soon 5000 no_flows || fail "flows are left: $FLOWS"
	soon 3000 card_is_empty || fail "left on the card: $CARD_LEFT"
	HOST_UNDO="$GUEST/toectl unload"
	kuser_on peer 20 "rm -rf $KUSER_DIR"
}

test_kuser_nfs_server_stop()
{
	local port

	port=$(kuser_port $KUSER_STOP)
	kuser_begin lport $port
	kuser_nfsd_up $port
	kuser_tree never
	kuser_on host 20 "mv $KUSER_DIR/tree /srv/kuser/tree"
	kuser_policy engine
	kuser_stopped "rm -rf $KUSER_DIR/back && /src/build/test/nfstree get $HOST_ADDR \
		$port /tree $KUSER_DIR/back" kuser_nfsd_down
}
also_v6 kuser_nfs_server_stop

test_kuser_iscsi_target_stop()
{
	local port portal

	port=$(kuser_port $KUSER_DISK_STOP)
	portal=$(bracketed $HOST_ADDR):$port
	kuser_begin lport $port
	kuser_target_up "$portal"
	kuser_on peer 20 "truncate -s 500M $KUSER_DIR/image"
	kuser_policy engine
	kuser_stopped "/src/build/test/iscsidisk put '$portal' $KUSER_DISK 0 \
		$KUSER_DIR/image" kuser_target_down
}
also_v6 kuser_iscsi_target_stop
