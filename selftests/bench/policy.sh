# SPDX-License-Identifier: GPL-2.0-only
# What the policy costs connections that it does not choose.
#
# States of the host:
#	plain	no module of ours
#	rules	modules, classifier, 1,024 rules that ask about everything, none of
#		which matches the connection; a flow was offloaded and came back, so
#		the hooks that this leaves are there
#	never	the same, and the connection is one that a rule says never to
#	empty	like plain, and an XDP program that does nothing
#	xdp	modules, classifier, our XDP program, and connections that it tracks;
#		the one that is measured is none of them

BENCH_PORT=9000
BULK_PORT=$((BENCH_PORT + 1))
CONNECTS=2000
BULK=$((300 * M))
TRACKED=500

# The peer's end of everything
peer_serves()
{
	pipe_open server "$LAB" peer -- /src/build/test/bench serve $BENCH_PORT
	read -r -t 20 -u "${OUT[server]}" R || die "the peer's server does not start"
}

# 1,024 rules. Each asks about several things, one of which is not so, and not
# the same in all.
some_rules()
{
	awk -v port=$BENCH_PORT 'BEGIN {
		print "toe-policy 1"
		for (i = 1; i <= 1024; i++) {
			k = i % 8
			s = "prio " i (k == 0 ? " in" : " out")
			if (i % 3 == 0 || k == 1)
				s = s " remote " (k == 1 ? "" : "10.77.0.0/24,") \
					"10." 80 + int(i / 256) "." i % 256 ".0/24"
			if (i % 5 == 0 || k == 2)
				s = s " local " (k == 2 ? "10.80" : "10.77") ".0.0/16"
			if (i % 7 == 0 || k == 3)
				s = s " lport " (k == 3 ? 1 + i : 1024) "-" (k == 3 ? 10 + i : 65535)
			if (i % 4 == 0 || k == 4)
				s = s " rport " (k == 4 ? "" : port "," port + 1 ",") 20000 + i
			if (i % 11 == 0 || k == 5)
				s = s " dev eth" (k == 5 ? 1 + i % 9 : 0)
			if (i % 13 == 0 || k == 6)
				s = s " cgroup " (k == 6 ? "/bench/a" i % 16 : "/")
			if (i % 17 == 0 || k == 7)
				s = s " uid " (k == 7 ? 1000 + i : 0)
			if (i % 19 == 0)
				s = s " mark 0x0/0xff"
			if (i % 23 == 0)
				s = s " netns bench"
			print s " threshold 1MiB"
		}
		print "end 1024"
	}'
}

never_rules()
{
	some_rules | sed -e '2s/.*/prio 1 rport '$BULK_PORT' never/'
}

prepare()
{
	local out

	some_rules >"$WORK/rules"
	never_rules >"$WORK/never"
	"$LAB" push "$WORK/rules" "$WORK/never" $GUEST </dev/null || die "push"
	out=$(on host 'for i in $(seq 0 15); do mkdir -p /sys/fs/cgroup/bench/a$i; done
		ip netns add bench') || die "$out"
	peer_serves
	actor h host
	actor p peer
}

# Usage: policy_is FILE
policy_is()
{
	local out

	toectl policy flush >/dev/null 2>&1 || out=$(toectl load 2>&1) ||
		die "toectl load: $out"
	out=$(toectl policy restore "$GUEST/$1" 2>&1) || die "policy restore $1: $out"
}

# A connection goes to the engine and comes back.
bounce()
{
	meet h p
	h offload
	h return
	h close
	p close
	soon 5000 no_flows || die "the flow is still known: $FLOWS"
}

xdp_off()
{
	pipe_close held
	on host "$GUEST/toectl xdp detach eth0; ip link set eth0 xdp off" >/dev/null 2>&1
}

state_plain()
{
	xdp_off
	modules_out
}

state_rules()
{
	xdp_off
	modules_in
	policy_is rules
	bounce
}

state_never()
{
	state_rules
	policy_is never
}

state_empty()
{
	local out

	state_plain
	out=$(on host "ip link set eth0 xdp obj $GUEST/empty.bpf.o sec xdp.frags") ||
		die "ip link: $out"
}

# The connections of "hold" match the one rule; the measured one does not.
state_xdp()
{
	local out n

	xdp_off
	modules_in
	toectl policy flush >/dev/null 2>&1 || out=$(toectl load 2>&1) ||
		die "toectl load: $out"
	out=$(toectl "policy flush && $GUEST/toectl policy add prio 1 rport $((BULK_PORT + 1)) threshold 1GiB &&
		$GUEST/toectl xdp attach eth0 native" 2>&1) || die "xdp attach: $out"
	pipe_open held "$LAB" host -- $GUEST/bench hold $PEER_ADDR $((BULK_PORT + 1)) $TRACKED
	read -r -t 20 -u "${OUT[held]}" R || die "no connections"
	n=$(toectl -j xdp show | jq .tracked)
	[ "$n" = $TRACKED ] || die "XDP tracks $n connections, not $TRACKED"
}

run_connect()
{
	on host "$GUEST/bench connect $PEER_ADDR $BENCH_PORT $CONNECTS"
}

run_send()
{
	on host "$GUEST/bench send $PEER_ADDR $BULK_PORT $BULK"
}

run_receive()
{
	on host "$GUEST/bench receive $PEER_ADDR $BULK_PORT $BULK"
}

run_xdp()
{
	run_receive
}

bench_policy()
{
	prepare
	bar connect "kernel instructions per connection that no rule matches" \
		$CONNECTS 1.05 plain rules
	bar send "kernel instructions per MiB sent on a connection that is never offloaded" \
		$((BULK / M)) 1.01 plain never
	bar receive "kernel instructions per MiB received on a connection that is never offloaded" \
		$((BULK / M)) 1.01 plain never
	bar xdp "kernel instructions per MiB received on a connection that XDP does not track" \
		$((BULK / M)) 1.03 empty xdp
	xdp_off
	modules_out
	pipe_close h
	pipe_close p
	pipe_close server
	on host 'rmdir /sys/fs/cgroup/bench/a* /sys/fs/cgroup/bench; ip netns del bench'
}
