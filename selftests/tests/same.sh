# SPDX-License-Identifier: GPL-2.0-only
# An application cannot tell whether its connection is offloaded. Each program runs
# three times: never offloaded; offloaded from its first bytes on; and handed over in
# both directions at random all the time. What it says must be the same.
#
# SAME_CASES="peek linger" runs these cases of sockapi only.

SAME_PORT=9100		# the programs' connections go to the ports from here on
SAME_PORTS=9101-9199

# Usage: same_policy never|engine|churn [FILTER]	(which flows: words of rules, and of churn)
same_policy()
{
	local out which=${2:-rport $SAME_PORTS}

	toectl unload >/dev/null 2>&1
	classifier_in
	out=$(toectl "policy del prio 32767" 2>&1) || die "policy: $out"
	[ "$1" = never ] ||
		out=$(toectl "policy add prio 2 $which threshold 1" 2>&1) || die "policy: $out"
	CHURN=
	HOST_UNDO="$GUEST/toectl unload; ${SAME_UNDO:-}"
	[ "$1" = churn ] || return 0
	CHURN=$(on host "$GUEST/toectl -j flow churn $which every 7ms \
		>$GUEST/churn.json 2>&1 & echo \$!")
	HOST_UNDO="kill $CHURN; rm -f $GUEST/churn.json; $HOST_UNDO"
}

# What the engine had to do with it, in OPENS and RETURNS
same_policy_end()
{
	[ -z "$CHURN" ] || on host "kill $CHURN; for i in \$(seq 100); do
		[ -d /proc/$CHURN ] || break; sleep 0.05; done; cat $GUEST/churn.json" >"$WORK/churn"
	OPENS=$(grew opens)
	RETURNS=$(grew returned/admin)
}

# sockapi on host and peer. Usage: same_sockets ADDRESS [THE-HOST-CALLS-IT]
same_sockets()
{
	local how n out cases
	local -A words=([never]='' [engine]=engine [churn]='')

	setup
	out=$("$LAB" push "$BUILD/test/sockapi" $GUEST </dev/null 2>&1) || die "push: $out"
	on host "modprobe tls" >/dev/null
	pipe_open sockets "$LAB" peer -- /src/build/test/sockapi peer "$1" $SAME_PORT
	read -r -t 20 -u "${OUT[sockets]}" R || die "the peer's sockapi does not start"
	for how in never engine churn; do
		stats_begin
		same_policy $how
		LIMIT=150 on host "timeout 140 $GUEST/sockapi run ${2:-$1} $SAME_PORT ${words[$how]} ${SAME_CASES:-}" \
			>"$WORK/same.$how" || fail "$how: sockapi: $(tail -n 3 "$WORK/same.$how")"
		same_policy_end
		note "$how: $OPENS opens, $RETURNS returns by churn"
		cases=$(grep -c '^[a-z]' "$WORK/same.$how")
		case $how in
		never) is "opens" "$OPENS" 0 ;;
		engine) ge "opens" "$OPENS" "$cases" ;;
		churn) ge "returns by churn" "$RETURNS" "$cases" ;;
		esac
		[ $how = never ] && continue
		diff -U 3 "$WORK/same.never" "$WORK/same.$how" >"$WORK/diff" ||
			fail "$how, not the same:" $'\n'"$(sed 's/^/#   /' "$WORK/diff")"
	done
	note "$cases cases"
	if grep -n WRONG "$WORK/same.never"; then
		fail "wrong bytes natively"
	fi
	pipe_close sockets
}

test_same_sockets()
{
	same_sockets $PEER_ADDR
}

test_same_sockets_ipv6()
{
	same_sockets $PEER_ADDR6
}

# IPv6 sockets with IPv4 addresses, and addresses of the link: what reads addresses
SAME_ADDRESS_CASES="values info urgent half-close half-closed linger-zero killed socket-error passing uring"

test_same_sockets_mapped()
{
	SAME_CASES=${SAME_CASES:-$SAME_ADDRESS_CASES} same_sockets ::ffff:$PEER_ADDR
}

test_same_sockets_link_local()
{
	SAME_CASES=${SAME_CASES:-$SAME_ADDRESS_CASES own-address} \
		same_sockets $PEER_LINK%$PEER_SCOPE $PEER_LINK%$HOST_SCOPE
}
