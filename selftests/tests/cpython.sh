# SPDX-License-Identifier: GPL-2.0-only
# CPython's tests cannot tell, either; with the words of real.sh.
#
# CPython's tests talk to themselves, by 127.0.0.1 and ::1. In a cgroup of their own these
# connections leave by the wire, where the peer sends them back (selftests/tools/bounce):
# two connections with the peer, for the host, and the tests as they are.
REAL_BOUNCE=10.77.0.3
REAL_BOUNCE6=fd77::3
REAL_CGROUP=/sys/fs/cgroup/real
REAL_PINS=/sys/fs/bpf/real

# The test files that open connections. Of their classes, those in cpython.match: they
# connect, and are not another's twins (for other ways to poll, other file objects).
REAL_CPYTHON="test_socket test_ssl test_ftplib test_asyncio.test_sendfile
	test_asyncio.test_sslproto test_asyncio.test_events test_asyncio.test_streams
	test_asyncio.test_sock_lowlevel test_asyncio.test_server test_asyncio.test_base_events
	test_asyncio.test_buffered_proto"

real_bounce()
{
	PEER_UNDO="tc qdisc del dev peer0 clsact; ip addr del $REAL_BOUNCE/24 dev peer0
		ip addr del $REAL_BOUNCE6/64 dev peer0; $PEER_UNDO"
	real_on peer "ip addr add $REAL_BOUNCE/24 dev peer0 &&
		ip addr add $REAL_BOUNCE6/64 dev peer0 nodad && tc qdisc add dev peer0 clsact &&
		tc filter add dev peer0 ingress bpf da obj /src/build/test/bounce.bpf.o sec tc"
	HOST_UNDO="echo 1 >$REAL_CGROUP/cgroup.kill; for i in \$(seq 50); do
		rmdir $REAL_CGROUP && break; sleep 0.1; done; rm -r $REAL_PINS; $HOST_UNDO"
	real_on host "mkdir $REAL_CGROUP && bpftool prog loadall $REAL/loopback.bpf.o $REAL_PINS &&
		for hook in bind connect getsockname getpeername; do for v in 4 6; do
			bpftool cgroup attach $REAL_CGROUP cgroup_inet\${v}_\$hook pinned \
				$REAL_PINS/\$hook\$v || exit
		done; done"
}

real_cpython()
{
	local out

	# A test that fails makes it fail, too: what counts is what the tests say.
	out=$(LIMIT=170 on host "echo \$BASHPID >$REAL_CGROUP/cgroup.procs; cd $REAL
		export PYTHONDONTWRITEBYTECODE=1
		timeout 165 python3 -m test -j6 --junit-xml $REAL/junit --matchfile $REAL/cpython.match \
			${REAL_CPYTHON//[$'\n\t']/ } >$REAL/cpython.log 2>&1
		[ -s $REAL/junit ] || tail -n 20 $REAL/cpython.log
		grep -E '^(ERROR|FAIL): ' $REAL/cpython.log | head -n 10 | sed 's/^/# /'
		python3 $REAL/outcomes.py $REAL/junit >$REAL/outcomes")
	[ $? = 0 ] || die "$HOW: $out"
	[ -z "$out" ] || note "$HOW: $out"
	real_on host "cat $REAL/outcomes; rm $REAL/junit" >>"$WORK/real.$HOW"
	ge "tests, $HOW" "$(grep -c ' ok$' "$WORK/real.$HOW")" 300
}

test_cpython()
{
	real_setup cpython.match outcomes.py ../../../build/test/loopback.bpf.o
	FIRST_PORT=0 PORT=0
	real_bounce
	real_runs real_cpython 200 10 5
}
