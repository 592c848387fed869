#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# classify.bpf.c on real connections, without the module: in a copy of the
# program the kfunc is replaced by a counter per local port and direction.
#
#	netns server  10.9.9.1/24, fd09::1/64 -- veth -- 10.9.9.2/24  netns client
#
# The program sits on a cgroup of its own, in which the server runs. Needs root,
# BPF, cgroup2, namespaces, bpftool, python3, and clang unless it gets a program
# that was built elsewhere.
#
# Usage: classify_test.sh [OBJECT]
#        classify_test.sh build OBJECT
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd -P)
NAME=toe-classify-$$
CGROUP=
n=0
failed=0

# shellcheck disable=SC2317	# the trap calls it
cleanup()
{
	[ -z "$CGROUP" ] || {
		echo 0 >"$WORK/cgroup2/cgroup.procs"
		rmdir "$CGROUP"
	}
	ip netns del "$NAME-s" 2>/dev/null
	ip netns del "$NAME-c" 2>/dev/null
	umount "$WORK/bpf" "$WORK/cgroup2" 2>/dev/null
	rm -rf --one-file-system "$WORK"
}

skip_all()
{
	echo "1..0 # SKIP $*"
	exit 0
}

result()
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n $2"
	else
		echo "not ok $n $2 # $3"
		failed=1
	fi
}

# The program with a counter in place of the kfunc.
build()	# OBJECT
{
	cat >"$WORK/count.h" <<-'EOF'
		struct count { __u64 signals, first; };
		struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 64);
			__type(key, __u32);
			__type(value, struct count);
		} counts SEC(".maps");

		static int bpf_toe_signal(struct bpf_sock_ops *skops, __u32 flags)
		{
			struct count new = { 1, skops->bytes_acked + skops->bytes_received };
			__u32 key = skops->local_port;
			struct count *c = bpf_map_lookup_elem(&counts, &key);

			if (c)
				c->signals++;
			else
				bpf_map_update_elem(&counts, &key, &new, flags);
			return 0;
		}
	EOF
	sed -e "/^extern int bpf_toe_signal/{r $WORK/count.h" -e 'd}' \
		"$TOP/bpf/classify.bpf.c" >"$WORK/t.bpf.c"
	clang -O2 -g -Wall -target bpf -mcpu=v3 -I"$TOP/include" -I"$TOP/include/uapi" \
		-idirafter "/usr/include/$(gcc -print-multiarch)" \
		-c "$WORK/t.bpf.c" -o "$1"
}

make_work()
{
	WORK=$(mktemp -d /tmp/toe-classify-XXXXXX)	# no dot: bpftool would replace it
}

if [ "${1:-}" = build ]; then
	make_work
	trap cleanup EXIT
	build "$2"
	exit
fi

# A namespace of mounts of its own: whatever is mounted here goes with it.
if [ -z "${CLASSIFY_TEST_INSIDE:-}" ]; then
	echo "TAP version 13"
	[ "$(id -u)" = 0 ] || skip_all "needs root"
	for tool in bpftool python3 ip unshare; do
		command -v $tool >/dev/null || skip_all "needs $tool"
	done
	[ -n "${1:-}" ] || command -v clang >/dev/null || skip_all "needs clang"
	CLASSIFY_TEST_INSIDE=1 exec unshare --mount --propagation private "$0" "$@"
fi
make_work
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

mkdir "$WORK/bpf" "$WORK/cgroup2"
mount -t bpf bpf "$WORK/bpf" || skip_all "needs a bpf file system"
mount -t cgroup2 none "$WORK/cgroup2" || skip_all "needs cgroup2"
mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns

OBJECT=${1:-$WORK/t.bpf.o}
[ -n "${1:-}" ] || build "$OBJECT" || exit 1
mkdir "$WORK/bpf/maps"
bpftool prog load "$OBJECT" "$WORK/bpf/prog" pinmaps "$WORK/bpf/maps" \
	2>"$WORK/log" && loaded=0 || loaded=1
echo "1..9"
result "$loaded" "the verifier accepts the program" "$(tail -3 "$WORK/log" | tr '\n' ' ')"
[ "$loaded" = 0 ] || exit 1

CGROUP=$WORK/cgroup2/$NAME
mkdir "$CGROUP" || exit 1
bpftool cgroup attach "$CGROUP" sock_ops pinned "$WORK/bpf/prog" || exit 1

ip netns add "$NAME-s" && ip netns add "$NAME-c" &&
	ip -n "$NAME-s" link add v0 type veth peer name v0 netns "$NAME-c" || exit 1
for side in s:1 c:2; do
	ns=$NAME-${side%:*} host=${side#*:}
	ip -n "$ns" addr add "10.9.9.$host/24" dev v0
	ip -n "$ns" addr add "fd09::$host/64" dev v0 nodad
	ip -n "$ns" link set v0 up
	ip -n "$ns" link set lo up
done

threshold()	# BYTES
{
	# shellcheck disable=SC2046
	bpftool map update pinned "$WORK/bpf/maps/config" key 0 0 0 0 value \
		$(python3 -c "print(*($1).to_bytes(8, 'little'))")
}

# Server (in the cgroup) on PORT; the client asks for DOWN bytes and sends UP.
transfer()	# PORT UP DOWN [FAMILY]
{
	python3 - "$NAME" "$CGROUP" "$@" <<-'EOF'
	import os, socket, sys, threading
	name, cgroup, port, up, down = sys.argv[1:6]
	port, up, down = int(port), int(up), int(down)
	where = sys.argv[6] if len(sys.argv) > 6 else "10.9.9.1"
	family = socket.AF_INET6 if ":" in where else socket.AF_INET

	def pump(s, send, take):
	    def sender():
	        left = send
	        while left:
	            left -= s.send(bytes(min(left, 65536)))
	    t = threading.Thread(target=sender)
	    t.start()
	    while take:
	        got = s.recv(min(take, 65536))
	        if not got:
	            sys.exit("short")
	        take -= len(got)
	    t.join()

	def enter(ns):
	    with open("/run/netns/" + ns) as f:
	        os.setns(f.fileno(), os.CLONE_NEWNET)

	r, w = os.pipe()
	pid = os.fork()
	if not pid:
	    with open(cgroup + "/cgroup.procs", "w") as f:
	        f.write("0")
	    enter(name + "-s")
	    l = socket.socket(family)
	    l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	    l.bind((where, port))
	    l.listen()
	    os.write(w, b"x")
	    s, _ = l.accept()
	    pump(s, down, up)
	    os._exit(0)
	os.read(r, 1)
	enter(name + ("-s" if where == "127.0.0.1" else "-c"))
	s = socket.create_connection((where, port))
	pump(s, up, down)
	s.close()
	os.waitpid(pid, 0)
	EOF
}

# What the server's connection on a port came to: "SIGNALS FIRST", or "0 0".
counted()	# PORT
{
	bpftool -j map dump pinned "$WORK/bpf/maps/counts" | python3 -c "
import json, sys
for e in json.load(sys.stdin):
    f = e['formatted']
    if f['key'] == $1:
        print(f['value']['signals'], f['value']['first'])
        break
else:
    print(0, 0)"
}

expect()	# NAME PORT CONDITION, which may use s (signals) and f (bytes at the first)
{
	local s f
	read -r s f <<<"$(counted "$2")"
	# shellcheck disable=SC2034
	if (($3)); then
		result 0 "$1"
	else
		result 1 "$1" "$s signals, the first at $f bytes"
	fi
}

M=$((1 << 20))
threshold $M
transfer 7001 100 $((M / 2))
expect "half a threshold: no signal" 7001 "s == 0"
transfer 7002 100 $((32 * M))
expect "a sender is signalled, and again for each threshold's worth" 7002 \
	"s >= 2 && s <= 32 && f >= M && f < 8 * M"
transfer 7003 $((8 * M)) 0
expect "a pure receiver is signalled, and again for each threshold's worth" 7003 \
	"s >= 4 && s <= 8 && f >= M && f < 2 * M"
# Each way alone would do for less than three thresholds; the last callback may
# come before the last bytes are acknowledged.
transfer 7004 $((M / 2 + 2 * M)) $((M / 2 + 2 * M))
expect "both directions count together" 7004 "s >= 1 && f >= M"
transfer 7005 $((8 * M)) 100 fd09::1
expect "IPv6" 7005 "s >= 4 && f < 2 * M"
transfer 7006 $((4 * M)) 0 127.0.0.1
expect "the host's connection to itself is left alone" 7006 "s == 0"
threshold 1
transfer 7007 2000 0
expect "threshold 1: the first bytes suffice" 7007 "s == 1 && f < 3000"
threshold 0
transfer 7008 $((4 * M)) $((4 * M))
expect "threshold 0: never" 7008 "s == 0"
exit $failed
