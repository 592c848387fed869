# SPDX-License-Identifier: GPL-2.0-only
# What a request costs a web server in the host: nginx with sendfile, as it is. wrk at
# the peer asks for the same file again and again, on connections that stay.
# Takes: size flows duration

NGINX_TMP=/tmp/real	# as in selftests/tests/real/nginx.conf

nginx_begin()
{
	local size out

	loads_begin
	on host "mkdir -p $NGINX_TMP/www"
	"$LAB" push "$TOP/selftests/tests/real/nginx.conf" $NGINX_TMP </dev/null || die "push"
	for size in $(sizes 1024 65536 $M); do
		on host "head -c $size /dev/urandom >$NGINX_TMP/www/$size"
	done
	out=$(on host "nginx -e $NGINX_TMP/nginx.log -c $NGINX_TMP/nginx.conf") || die "nginx: $out"
}

nginx_end()
{
	on host "kill \$(cat $NGINX_TMP/nginx.pid); rm -rf $NGINX_TMP"
	loads_end
}

# All connections are there, and on the engine if that is where they are to be.
nginx_is_asked()	# FLOWS
{
	if [ "$STATE" = engine ]; then
		on_engine "lport $HTTP_PORT" "$1"
	else
		[ "$(on host "ss -Htn state established '( sport = :$HTTP_PORT )' | wc -l")" = "$1" ]
	fi
}

# Usage: nginx_run SIZE FLOWS
nginx_run()
{
	local seconds=${DURATION:-4} wrk status

	status="curl -s http://127.0.0.1:9190/status | awk 'NR == 3 { print \$3 }'"
	wrk=$(on peer "ulimit -n 8192; wrk -t 1 -c $2 -d 60s --timeout 30s \
		http://$HOST_ADDR:$HTTP_PORT/$1 >/tmp/wrk 2>&1 & echo \$!")
	soon 20000 nginx_is_asked "$2" || { echo "$2 connections are not where they are to be"; return 1; }
	sleep 0.5
	on host "n=\$($status); t=\$(date +%s%N); insn-mark 1; sleep $seconds; insn-mark 2
		t=\$((\$(date +%s%N) - t)); n=\$((\$($status) - n - 1))
		echo ok bytes=\$((n * $1)) ns=\$t count=\$n"
	on peer "kill -INT $wrk; while kill -0 $wrk 2>/dev/null; do sleep 0.05; done; cat /tmp/wrk" \
		>"$WORK/wrk"
	if ! grep -q 'requests in' "$WORK/wrk" || grep -E 'errors|Non-2xx' "$WORK/wrk"; then
		cat "$WORK/wrk"
		return 1
	fi
}

bench_nginx()
{
	local DISTURBED=1000 size flows name limit

	nginx_begin
	for flows in $(flows 64); do
		for size in $(sizes 1024 65536 $M); do
			name=nginx_$(size_name "$size") limit=-
			[ "$flows" = 64 ] || name+=_$flows
			[ "$size" != 65536 ] || limit=0.60
			RUN="nginx_run $size $flows"
			bar "$name" "kernel instructions per request of a file of $(size_words "$size"), $flows connections" \
				count $limit native engine
		done
	done
	nginx_end
}
