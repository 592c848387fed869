# SPDX-License-Identifier: GPL-2.0-only
# The transfers, and what is seen meanwhile.
#
# peer_fetches, host_fetches and four_requests leave SPEED (bytes per second,
# curl's), and but for the last one INSN (the host's kernel instructions).

TAG=0			# the last mark's
SHOW_COST=0
INSN=
SPEED=
CONNECTS=

bar_clear()
{
	[ ! -t 1 ] || [ "${BAR_SHOWN:-0}" = 0 ] || printf '\r\033[K'
	BAR_SHOWN=0
}

# bar DONE ALL. Without a terminal: a line now and then.
bar()
{
	local done=$1 all=$2 part n

	[ "$done" -le "$all" ] || done=$all
	part=$((done * 100 / all))
	if [ ! -t 1 ]; then
		[ $((SECONDS - ${BAR_TIME:-0})) -lt 3 ] || {
			BAR_TIME=$SECONDS
			printf '  %3d %%\n' $part
		}
		return
	fi
	n=$((part / 2))
	printf '\r  [%s%s] %3d %%  %d MiB\033[K' "${BAR_FULL:0:n}" \
		"${BAR_EMPTY:0:50-n}" $part $((done >> 20))
	BAR_SHOWN=1
}
printf -v BAR_FULL '%50s' ''
BAR_EMPTY=${BAR_FULL// /.}
BAR_FULL=${BAR_FULL// /#}

rate()
{
	printf '%d.%d' $((SPEED / 1000000)) $((SPEED / 100000 % 10))
}

# The peer's port counts the bytes: nothing is asked of the host.
meter()
{
	exec "$LAB" peer -- bash -c '
		cd /sys/class/net/peer0/statistics || exit
		while read -r rx <rx_bytes && read -r tx <tx_bytes; do
			echo "$rx $tx" || exit
			sleep 0.1
		done' 2>/dev/null
}

# What is looked at in mid-transfer, in the native runs too.
SHOW="toectl flow show; ss -tinH state established '( sport = :80 or dport = :80 )'"

show_flow()
{
	local text

	text=$(guest "$SHOW")
	say "-- toectl flow show; ss -ti --"
	say "$text"
}

# And what that costs, so that it can be taken off.
show_cost()
{
	SHOW_COST=0
	TAG=$((TAG + 2))
	guest "insn-mark $((TAG - 1)); $SHOW >/dev/null; insn-mark $TAG"
	count
	SHOW_COST=$INSN
}

# Follows a transfer to its end: events, bar, and what is to be done on the way.
# follow PID rx|tx BYTES [PERCENT:FUNCTION...]		(rx, tx: of the peer)
follow()
{
	local pid=$1 way=$2 bytes=$3 rx tx now start=
	shift 3

	BAR_TIME=$SECONDS
	exec 5< <(meter)
	while read -r -t 5 -u 5 rx tx; do
		[ "$way" = rx ] && now=$rx || now=$tx
		start=${start:-$now}
		now=$((now - start))
		events_poll
		bar $now "$bytes"
		kill -0 "$pid" 2>/dev/null || break
		while [ $# -gt 0 ] && [ $now -ge $((bytes * ${1%%:*} / 100)) ]; do
			${1#*:}
			shift
		done
	done
	exec 5<&-
	bar_clear
	wait "$pid" || return
	[ $# = 0 ] || say "(too fast for: $*)"
}

# What curl said by -w: size, bytes per second, connections; one line for each
# request.
curl_words()
{
	local size speed connects sum=0

	SPEED=0 CONNECTS=0
	while read -r size speed connects; do
		sum=$((sum + size))
		SPEED=${speed%.*}
		CONNECTS=$((CONNECTS + connects))
	done <"$OUT/curl"
	[ "$sum" = "$BYTES" ] || {
		cat "$OUT/curl.log" >&2
		fail "curl got $sum bytes of $BYTES"
	}
}
WORDS='%{size_download} %{speed_download} %{num_connects}\n'

# Kernel instructions between the last two marks, without those of show_flow.
count()
{
	INSN=$("$SRC/selftests/insn/insn-diff" "$BUILD/run/insn.log" \
		$((TAG - 1)) $TAG) || fail "the instructions were not counted"
	INSN=${INSN#*kernel }
	INSN=$((${INSN%% *} - SHOW_COST))
}

# The host's file "a" into the peer's /tmp. peer_fetches NAME
peer_fetches()
{
	TAG=$((TAG + 2))
	guest "insn-mark $((TAG - 1))" || fail "insn-mark"
	"$LAB" peer -- curl -gsS -o "/tmp/$1" -w "$WORDS" "http://$HOST/a" \
		>"$OUT/curl" 2>"$OUT/curl.log" </dev/null &
	follow $! rx "$BYTES" 20:show_flow || return
	guest "insn-mark $TAG" || fail "insn-mark"
	curl_words
	count
}

# A file of the peer into the host's /tmp/www. host_fetches NAME FILE
host_fetches()
{
	TAG=$((TAG + 2))
	# shellcheck disable=SC2016
	"$LAB" host -- sh -c 'insn-mark $1; curl -gsS -o "/tmp/www/$3" -w "$5" "$4"
		rc=$?; insn-mark $2; exit $rc' - $((TAG - 1)) $TAG "$1" "http://$PEER/$2" \
		"$WORDS" >"$OUT/curl" 2>"$OUT/curl.log" </dev/null &
	follow $! tx "$BYTES" 20:show_flow || return
	curl_words
	count
}

by_hand()
{
	local words="toectl flow $1 local $HOST:80 remote $PEER:$PORT"

	say "host# $words"
	guest "$words" || fail "toectl flow $1"
	events_poll
}

move_there()
{
	by_hand offload
}

move_back()
{
	by_hand return
}

# One quarter after the other, all by one connection.
four_requests()
{
	local quarter=$((BYTES / 4)) words=() i

	for i in 0 1 2 3; do
		[ $i = 0 ] || words+=(--next)
		words+=(-gsS --limit-rate "$RATE" --local-port "$PORT" -w "$WORDS"
			-r "$((i * quarter))-$(((i + 1) * quarter - 1))"
			-o "/tmp/part$((i + 1))" "http://$HOST/a")
	done
	"$LAB" peer -- curl "${words[@]}" >"$OUT/curl" 2>"$OUT/curl.log" </dev/null &
	follow $! rx "$BYTES" 10:move_there 30:show_flow 40:move_back 60:show_flow \
		65:move_there 85:show_flow || return
	curl_words
}
