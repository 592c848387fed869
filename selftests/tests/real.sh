# SPDX-License-Identifier: GPL-2.0-only
# Real programs cannot tell, either: servers in the host, clients at the peer, and the
# other way round. As in same.sh each runs three times, and must say the same.
#
# What the programs read and write lies in /tmp/real, in the host and at the peer. Files
# consist of numbered lines: no byte can be at another's place unseen.

REAL=/tmp/real
REAL_FLOWS="remote 10.77.0.0/24,fd77::/64"
REAL_SRC=/src/selftests/tests/real	# as the peer sees it
REAL_SSH="-F none -i /run/key -o BatchMode=yes -o StrictHostKeyChecking=no
	-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR
	-o Ciphers=aes128-gcm@openssh.com -o KexAlgorithms=curve25519-sha256"

# A command that writes so many bytes of numbered lines. Usage: numbered BYTES FROM
numbered()
{
	echo "seq -f %015.0f $2 $(($2 + $1 / 16)) | head -c $1"
}

# Runs commands; they have to succeed. Usage: real_on host|peer COMMANDS
real_on()
{
	local out

	out=$(LIMIT=${LIMIT:-200} on "$@") || die "$HOW: $1: ${*:2}: $out"
	[ -z "$out" ] || echo "$out"
}

# The state all these tests begin with
real_setup()	# FILE... (of selftests/tests/real, for the host)
{
	local file files=()

	setup
	HOW=setup FIRST_PORT=9100 PORT=9190
	PEERS_ABORT=1
	HOST_UNDO="rm -rf $REAL"
	PEER_UNDO="rm -rf $REAL"
	real_on host "mkdir -p $REAL/www/put"
	real_on peer "mkdir -p $REAL/www/put"
	for file; do
		files+=("$TOP/selftests/tests/real/$file")
	done
	[ $# = 0 ] || "$LAB" push "${files[@]}" $REAL </dev/null || die "push"
}

# A server of the host that goes into the background by itself, and ends at the end
# Usage: real_serves PORT PID-FILE COMMAND
real_serves()
{
	HOST_UNDO="kill \$(cat $2); $HOST_UNDO"
	SAME_UNDO=$HOST_UNDO
	real_on host "$3"
	soon 10000 real_listens host "$1" || die "nobody listens to port $1 of the host"
}

real_listens()	# PLACE PORT
{
	local out

	out=$(on "$1" "ss -Hltn 'sport = :$2'")
	[ -n "$out" ]
}

# What has to be the same in the three runs
real_says()
{
	echo "$*" >>"$WORK/real.$HOW"
}

# What else the engine had to do: refusals and returns by reason, in words
real_reasons()
{
	local before=$STATS word was words=
	local R

	tell s stats || return
	for word in $R; do
		case $word in
		refused/* | returned/* | err_* | takeovers=* | rx_refeeds=*)
			was=$(R=$before; val "${word%%=*}")
			[ "$was" = "${word#*=}" ] || words+=" ${word%%=*} $((${word#*=} - was))"
			;;
		esac
	done
	echo "${words:- nothing else}"
}

# Usage: real_runs FUNCTION OPENS RETURNS MIB
# The function, three times. At least so many OPENS when offloaded, so many RETURNS by
# churn, and MIB carried by the engine.
real_runs()
{
	local tx rx start

	SAME_UNDO=$HOST_UNDO
	for HOW in never engine churn; do
		: >"$WORK/real.$HOW"
		start=$SECONDS
		stats_begin
		same_policy $HOW "$REAL_FLOWS"
		"$1"
		same_policy_end
		tx=$(grew tx_bytes) rx=$(grew rx_bytes)
		note "$HOW: $OPENS opens, $RETURNS returns by churn," \
			"$((tx / M)) MiB sent and $((rx / M)) received by the engine, $((SECONDS - start)) s"
		note "$HOW:$(real_reasons)"
		case $HOW in
		never) is "opens" "$OPENS" 0 ;;
		engine) ge "opens" "$OPENS" "$2" ;;
		churn)
			ge "opens under churn" "$OPENS" "$2"
			ge "returns by churn" "$RETURNS" "$3"
			;;
		esac
		[ $HOW = never ] || ge "MiB carried by the engine, $HOW" $(((tx + rx) / M)) "$4"
		[ $HOW = never ] || cmp -s "$WORK/real.never" "$WORK/real.$HOW" || {
			fail "$HOW, not the same:"
			diff -U 1 "$WORK/real.never" "$WORK/real.$HOW" | sed 's/^/#   /'
		}
		! grep -q FAIL "$WORK/real.$HOW" || fail "$HOW: $(cat "$WORK/real.$HOW")"
		[ -s "$WORK/real.$HOW" ] || fail "$HOW: nothing was said"
		leaves_nothing
	done
	note "$(wc -l <"$WORK/real.never") results"
}

### nginx

real_www()	# PLACE
{
	local size script="cd $REAL/www;"

	for size in 1 100 300 1000 20000 300000; do
		script+="$(numbered $size $((size * 1000))) >$size;"
	done
	real_on "$1" "$script"
}

nginx_status()
{
	on host "curl -s http://127.0.0.1:9190/status | awk 'NR == 3 { print \$1 }'"
}

# What wrk.lua has to say
REAL_WRK_GOOD="enough true, wrong 0, connect 0, read 0, write 0, status 0, timeout 0"

real_wrk_says()	# FILE
{
	local line

	line=$(real_on peer "tail -n 1 $REAL/$1")
	is "wrk, $HOW" "$line" "$REAL_WRK_GOOD"
	real_says "wrk: $line"
}

# A thousand connections, half of them IPv6, that stay
real_wrk()
{
	local before after family

	before=$(nginx_status)
	real_on peer "ulimit -n 4096
		wrk='timeout 190 wrk -t 1 -c 500 -d 180s --timeout 60s -s $REAL_SRC/wrk.lua'
		\$wrk http://10.77.0.1:9101/ 2000 >$REAL/wrk4 2>&1 &
		\$wrk 'http://[fd77::1]:9101/' 2000 >$REAL/wrk6 2>&1
		wait"
	after=$(nginx_status)
	real_says "connections $((after - before))"
	# and connections that do not stay
	real_on peer "timeout 190 wrk -t 1 -c 20 -d 180s --timeout 60s -H 'Connection: close' \
		-s $REAL_SRC/wrk.lua http://10.77.0.1:9101/ 600 >$REAL/wrk_close 2>&1"
	for family in 4 6 _close; do
		real_wrk_says wrk$family
	done
}

test_real_nginx()
{
	real_setup nginx.conf
	real_www host
	real_www peer
	real_serves 9101 $REAL/nginx.pid "nginx -e $REAL/nginx.log -c $REAL/nginx.conf"
	real_runs real_wrk 800 100 10
}

### HAProxy

# How many pipes it has had: it keeps them.
real_haproxy_pipes()
{
	on host "echo 'show info' | socat - $REAL/haproxy.sock | sed -n 's/^PipesFree: //p'"
}

real_haproxy()
{
	local url try

	real_on host "haproxy -D -f $REAL/haproxy.cfg"
	soon 10000 real_listens host 9103 || die "HAProxy does not listen"

	for url in "$HOST_ADDR:9103" "[$HOST_ADDR6]:9104" "[$HOST_ADDR6]:9105"; do
		real_on peer "cd $REAL/www; rm -f put/*
			curl -sS --max-time 60 http://$url/big | cmp - big &&
			curl -sS --max-time 60 -T big http://$url/put/ && cmp put/big big"
		real_says "16 MiB each way by $url"
	done
	real_on peer "timeout 190 wrk -t 1 -c 100 -d 180s --timeout 60s -s $REAL_SRC/wrk.lua \
		http://10.77.0.1:9104/ 800 >$REAL/wrk4 2>&1"
	real_wrk_says wrk4
	# It splices what comes fast, which on a busy machine may be none of these.
	for try in 1 2 3 4 5; do
		[ "$(real_haproxy_pipes)" = 0 ] || break
		note "$HOW: HAProxy has spliced nothing, transfer $try more"
		real_on peer "cd $REAL/www; curl -sS --max-time 60 http://$HOST_ADDR:9103/big | cmp - big"
	done
	ge "pipes that HAProxy has used" "$(real_haproxy_pipes)" 1
	# Its connections to nginx are kept, but for this.
	real_on host "kill \$(cat $REAL/haproxy.pid)"
}

test_real_haproxy()
{
	real_setup haproxy.cfg
	real_www peer
	real_on peer "cd $REAL/www; $(numbered $((16 * M)) 1) >big"
	pipe_open nginx "$LAB" peer -- nginx -e $REAL/nginx.log -c $REAL_SRC/nginx.conf -g 'daemon off;'
	ACTORS+=" nginx"
	HOST_UNDO="kill \$(cat $REAL/haproxy.pid); $HOST_UNDO"
	real_runs real_haproxy 100 50 50
}

### Redis

# 3000 values of up to 20 KB by one pipe, back by another one
real_redis()
{
	local addr out

	for addr in $HOST_ADDR $HOST_ADDR6; do
		real_on host "redis-cli -p 9106 flushall >/dev/null"
		out=$(real_on peer "redis-benchmark -h $addr -p 9106 -P 16 -c 20 -n 1600 -d 500 --csv \
			-t set,get,incr,lpush,rpush,lpop,sadd,hset,zadd,lrange_100,mset | cut -d, -f1")
		real_says "benchmark:" $out
		real_says "after the benchmark:" \
			"$(real_on host "redis-cli -p 9106 debug digest; redis-cli -p 9106 dbsize")"
		real_says "pipe:" $(real_on peer "redis-cli -h $addr -p 9106 --pipe <$REAL/set")
		out=$(real_on peer "nc $addr 9106 <$REAL/get >$REAL/got
			cmp $REAL/got $REAL/want && sha256sum <$REAL/got")
		real_says "read back: $out"
		real_says "after the pipe:" "$(real_on host "redis-cli -p 9106 debug digest")"
	done
}

test_real_redis()
{
	real_setup
	# shellcheck disable=SC2016
	real_on peer 'cd '$REAL'; awk '\''BEGIN {
		for (i = 0; i < 3000; i++) {
			n = i * 7 % 1000; if (i % 50 == 0) n += 1500
			v = ""
			for (j = 0; j < n; j++)
				v = v sprintf("%06d,%06d;", i, j)
			key = sprintf("key:%06d", i)
			printf "*3\r\n$3\r\nSET\r\n$10\r\n%s\r\n$%d\r\n%s\r\n", key, length(v), v >"set"
			printf "GET %s\r\n", key >"get"
			printf "$%d\r\n%s\r\n", length(v), v >"want"
		}
		printf "QUIT\r\n" >"get"
		printf "+OK\r\n" >"want"
	}'\'
	real_serves 9106 $REAL/redis.pid "redis-server --port 9106 --bind 127.0.0.1 $HOST_ADDR $HOST_ADDR6 \
		--protected-mode no --save '' --enable-debug-command yes --daemonize yes \
		--pidfile $REAL/redis.pid --logfile $REAL/redis.log --dir $REAL"
	real_runs real_redis 300 300 20
}

### rsync, scp

# What there is in a folder: names, kinds, modes, lengths, times, contents
real_tree_sum()	# PLACE FOLDER
{
	real_on "$1" "cd $2 && { find . -printf '%P %y %m %l %Ts\n'
		find . -type f -print0 | sort -z | xargs -0 sha256sum; } | sort | sha256sum"
}

# Times that are the same in all runs, for all in this folder
REAL_OLD="find . -print0 | xargs -0 touch -h -d @1000000000"

# Usage: real_tree FOLDER [COMMANDS]	(at the peer; the commands add to it)
real_tree()
{
	real_on peer "mkdir -p $1/d{1,2,3}/e{1,2}; cd $1
		for d in d*/e*; do for i in \$(seq 25); do
			n=\$((n + 1))
			seq -f %015.0f \$((n * 100000)) \$((n * 100000 + i * i)) >\$d/f\$i
		done; done
		: >empty; chmod 600 d1/e1/f1; chmod 755 d1/e1/f2
		$(numbered $((8 * M)) 1) >'a big file, ö'; ${2:-}
		$REAL_OLD"
}

real_rsync()
{
	local addr here

	for addr in $HOST_ADDR "[$HOST_ADDR6]"; do
		real_on host "rm -rf $REAL/tree; mkdir $REAL/tree"
		real_on peer "cd $REAL; rm -rf src got; cp -a tree src
			rsync -aH --timeout=60 src/ rsync://$addr:9107/tree/"
		here=$(real_tree_sum peer $REAL/src)
		is "rsync to the host, $HOW $addr" "$(real_tree_sum host $REAL/tree)" "$here"
		real_says "pushed $here"
		# What has changed, only
		real_on peer "cd $REAL/src; rm -r d2; seq 300000 500000 >>a*; mv d1 d4
			$REAL_OLD; rsync -aHz --timeout=60 --no-whole-file --delete ./ rsync://$addr:9107/tree/"
		here=$(real_tree_sum peer $REAL/src)
		is "rsync of changes, $HOW $addr" "$(real_tree_sum host $REAL/tree)" "$here"
		real_on peer "cd $REAL; rsync -aH --timeout=60 rsync://$addr:9107/tree/ got/"
		is "rsync to the peer, $HOW $addr" "$(real_tree_sum peer $REAL/got)" "$here"
		real_says "changed and pulled $here"
	done
}

test_real_rsync()
{
	real_setup rsyncd.conf
	real_tree $REAL/tree "ln -s d1/e1/f1 link; ln d1/e1/f3 d1/hard"
	real_serves 9107 $REAL/rsyncd.pid "rsync --daemon --port=9107 --config=$REAL/rsyncd.conf"
	real_runs real_rsync 6 20 6
}

real_scp()
{
	local addr here

	here=$(real_tree_sum peer $REAL/tree)
	for addr in $HOST_ADDR "[$HOST_ADDR6]"; do
		real_on host "rm -rf $REAL/tree"
		real_on peer "cd $REAL; rm -rf got
			scp $REAL_SSH -P 9108 -rpq tree root@$addr:$REAL/ &&
			scp $REAL_SSH -P 9108 -rpq root@$addr:$REAL/tree got"
		is "scp to the host, $HOW $addr" "$(real_tree_sum host $REAL/tree)" "$here"
		is "scp to the peer, $HOW $addr" "$(real_tree_sum peer $REAL/got)" "$here"
		real_says "copied both ways $here"
	done
}

# IPQoS: sshd would ask for another type of service in the middle, and come back for it.
test_real_scp()
{
	real_setup
	real_tree $REAL/tree
	REAL_SSH=${REAL_SSH//[$'\n\t']/ }
	real_serves 9108 $REAL/sshd.pid "sed /ListenAddress/d /lab/sshd_config >$REAL/sshd_config
		\$(command -v sshd) -f $REAL/sshd_config -p 9108 -o PidFile=$REAL/sshd.pid \
			-o IPQoS=none"
	real_runs real_scp 4 20 6
}

### iperf3

real_iperf_is_gone()
{
	on host "! pgrep -x iperf3" >/dev/null
}

# Each sum is so many bytes at the least. Usage: real_iperf_run NAME BYTES WORDS...
real_iperf_run()
{
	local name=$1 least=$2 sums
	shift 2

	# One server for one client: it is busy for a while after each, and holds the port.
	soon 10000 real_iperf_is_gone || die "iperf3 does not end"
	real_on host "iperf3 -s -1 -p 9109 -D -I $REAL/iperf.pid --logfile $REAL/iperf.log"
	soon 10000 real_listens host 9109 || die "iperf3 does not listen"
	real_on peer "timeout 190 iperf3 -p 9109 -P 8 -J $* >$REAL/iperf || { jq -r .error $REAL/iperf; false; }"
	sums='.end | [.sum_sent, .sum_received, .sum_sent_bidir_reverse, .sum_received_bidir_reverse]
		| map(values | .bytes >= '$least')'
	real_says "$name: streams and sums" "$(real_on peer \
		"jq -c '[.error // 0, (.start.connected | length), ($sums)]' $REAL/iperf")"
}

real_iperf()
{
	local most=60000000 some=1000000	# of 64 MiB; in two seconds, however busy

	real_iperf_run "to the host" $most -c $HOST_ADDR -n 64M
	real_iperf_run "to the host, IPv6" $most -c $HOST_ADDR6 -n 64M
	real_iperf_run "from the host" $most -c $HOST_ADDR -R -n 64M
	real_iperf_run "from the host, IPv6" $most -c $HOST_ADDR6 -R -n 64M
	real_iperf_run "both ways" $some -c $HOST_ADDR --bidir -t 2
	real_iperf_run "both ways, IPv6" $some -c $HOST_ADDR6 --bidir -t 2
}

test_real_iperf()
{
	real_setup
	HOST_UNDO="kill \$(cat $REAL/iperf.pid); $HOST_UNDO"
	real_runs real_iperf 60 60 100
}
