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

# Tests that connect, and are not another's twins (for other ways to poll, other file
# objects), nor about what TLS is asked for. A group is a process. Not here: what counts on a wire
# that takes no time, such as TestPreHandshakeClose of test_ssl (a reset has come when
# close() returns), and tests that race.
REAL_SOCKET="BasicTCPTest BufferIOTest ContextManagersTest
	CreateServerFunctionalTest UnbufferedFileObjectClassTestCase
	InterruptedSendTimeoutTest NetworkConnectionAttributesTest NetworkConnectionNoServer
	NonBlockingTCPTests PurePythonSocketPairTest RecvmsgTCPTest RecvmsgIntoTCPTest
	SendmsgTCPTest SendfileUsingSendfileTest TCPCloserTest TCPTimeoutTest"
REAL_FTPLIB="TestFTPClass TestIPv6Environment TestTLS_FTPClass TestTimeouts"
REAL_SSL="SimpleBackgroundTests
	ThreadedTests.test_asyncore_server ThreadedTests.test_compression
	ThreadedTests.test_getpeercert ThreadedTests.test_handshake_timeout
	ThreadedTests.test_nonblocking_send ThreadedTests.test_recv_into_buffer_protocol_len
	ThreadedTests.test_recv_send ThreadedTests.test_recv_zero ThreadedTests.test_rude_shutdown
	ThreadedTests.test_sendfile ThreadedTests.test_server_accept ThreadedTests.test_socketserver
	ThreadedTests.test_starttls ThreadedTests.test_tls1_3 ThreadedTests.test_wrong_cert_tls12
	ThreadedTests.test_wrong_cert_tls13
	ThreadedTests.test_read_write_after_close_raises_valuerror"
REAL_ASYNCIO_NOT="test_server.TestServer2.test_wait_closed_basic
	test_sock_lowlevel.EPollEventLoopTests.test_sock_client_connect_racing
	test_sock_lowlevel.EPollEventLoopTests.test_sock_client_racing
	test_streams.StreamTests.test_unhandled_exception
	test_streams.StreamTests.test_unhandled_cancel"
REAL_ASYNCIO="test_base_events.BaseLoopSockSendfileTests test_buffered_proto test_server
	test_streams.StreamTests test_sock_lowlevel.EPollEventLoopTests
	test_sslproto.SelectorStartTLSTests
	test_events.EPollEventLoopTests.test_create_connection
	test_events.EPollEventLoopTests.test_create_connection_local_addr
	test_events.EPollEventLoopTests.test_create_server
	test_events.EPollEventLoopTests.test_create_server_dual_stack
	test_events.EPollEventLoopTests.test_create_server_sock
	test_events.EPollEventLoopTests.test_create_server_ssl
	test_events.EPollEventLoopTests.test_create_ssl_connection
	test_events.EPollEventLoopTests.test_server_close
	test_sendfile.EPollEventLoopTests.test_sendfile
	test_sendfile.EPollEventLoopTests.test_sendfile_ssl
	test_sendfile.EPollEventLoopTests.test_sock_sendfile_success"

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

# Usage: real_tests PREFIX NAMES	(the words of NAMES behind PREFIX)
real_tests()
{
	local name

	for name in $2; do
		echo -n "$1.$name "
	done
}

real_cpython()
{
	local out

	out=$(LIMIT=260 on host "echo 0 >$REAL_CGROUP/cgroup.procs; cd $REAL
		export PYTHONDONTWRITEBYTECODE=1
		run() { python3 cpython.py \"\$@\" >\$1.log 2>&1; }
		run socket $(real_tests test_socket "$REAL_SOCKET") &
		run ftplib $(real_tests test_ftplib "$REAL_FTPLIB") &
		run ssl $(real_tests test_ssl "$REAL_SSL") &
		run asyncio $(real_tests test_asyncio "$REAL_ASYNCIO") \
			$(real_tests -test_asyncio "$REAL_ASYNCIO_NOT") &
		wait
		grep -hE -A 40 '^(ERROR|FAIL|again): |^Timeout' *.log | head -n 80 | sed 's/^/#   /'")
	[ -z "$out" ] || note "$HOW:"$'\n'"$out"
	real_on host "cd $REAL; sort socket ftplib ssl asyncio; rm socket ftplib ssl asyncio" >>"$WORK/real.$HOW"
	ge "tests, $HOW" "$(grep -c ' ok$' "$WORK/real.$HOW")" 300
	is "tests that failed, $HOW" "$(grep -c ' failed$' "$WORK/real.$HOW")" 0
}

test_cpython()
{
	real_setup cpython.py ../../../build/test/loopback.bpf.o
	FIRST_PORT=0 PORT=0
	real_bounce
	real_runs real_cpython 200 10 5
}
