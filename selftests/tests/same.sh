# SPDX-License-Identifier: GPL-2.0-only
# An application cannot tell whether its connection is offloaded. Each program runs
# three times: never offloaded; offloaded from its first bytes on; and handed over in
# both directions at random all the time. What it says must be the same.
#
# SAME_CASES="peek linger" runs these cases of sockapi only.

SAME_PORTS=9101-9199	# where the programs' connections go
SAME_CONTROL=9000	# sockapi's control connections: this and the address's number

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

# sockapi on host and peer, for some addresses of the peer at once, each with cases of its
# own: it waits more than it works. An address is what stands before "=", if the host calls
# it by another name. CASES: those of sockapi to run, if not all.
# Usage: CASES=... same_sockets ADDRESS[=THE-HOST-CALLS-IT]...
same_sockets()
{
	local how n address port out cases all run
	local -A words=([never]='' [engine]=engine [churn]='')

	setup
	out=$("$LAB" push "$BUILD/test/sockapi" $GUEST </dev/null 2>&1) || die "push: $out"
	on host "modprobe tls" >/dev/null
	n=0
	for address; do
		n=$((n + 1))
		pipe_open sockets$n "$LAB" peer -- /src/build/test/sockapi peer "${address%=*}" \
			$((SAME_CONTROL + n))
		read -r -t 20 -u "${OUT[sockets$n]}" R || die "the peer's sockapi does not start"
	done
	for how in never engine churn; do
		stats_begin
		same_policy $how
		n=0 run=
		for address; do
			n=$((n + 1)) port=$((SAME_CONTROL + n))
			run+="timeout 200 $GUEST/sockapi run ${address#*=} $port ${words[$how]} ${CASES:-} \
				>$GUEST/same.$n || echo \"it ended with status \$?\" >>$GUEST/same.$n & "
		done
		LIMIT=210 on host "$run wait" || fail "$how: sockapi does not run"
		same_policy_end
		note "$how: $OPENS opens, $RETURNS returns by churn"
		n=0 all=0
		for address; do
			n=$((n + 1))
			on host "cat $GUEST/same.$n; rm $GUEST/same.$n" >"$WORK/same.$how.$n"
			grep -q '^it ended' "$WORK/same.$how.$n" &&
				fail "$how, ${address#*=}: sockapi: $(tail -n 3 "$WORK/same.$how.$n")"
			cases=$(grep -c '^[a-z]' "$WORK/same.$how.$n")
			[ $how != never ] || note "${address#*=}: $cases cases"
			all=$((all + cases))
			[ $how = never ] && continue
			diff -U 3 "$WORK/same.never.$n" "$WORK/same.$how.$n" >"$WORK/diff" ||
				fail "$how, ${address#*=}, not the same:" $'\n'"$(sed 's/^/#   /' "$WORK/diff")"
		done
		case $how in
		never) is "opens" "$OPENS" 0 ;;
		engine) ge "opens" "$OPENS" "$all" ;;
		churn) ge "returns by churn" "$RETURNS" "$all" ;;
		esac
	done
	if grep -n WRONG "$WORK"/same.never.*; then
		fail "wrong bytes natively"
	fi
	for n in $(seq $#); do
		pipe_close sockets$n
	done
}

test_same_sockets()
{
	CASES=${SAME_CASES:-} same_sockets $PEER_ADDR $PEER_ADDR6
}

# IPv6 sockets with IPv4 addresses, and addresses of the link: what reads addresses
test_same_sockets_addresses()
{
	CASES=${SAME_CASES:-values info urgent half-close half-closed linger-zero killed socket-error \
		passing uring own-address} \
		same_sockets ::ffff:$PEER_ADDR $PEER_LINK%$PEER_SCOPE=$PEER_LINK%$HOST_SCOPE
}
