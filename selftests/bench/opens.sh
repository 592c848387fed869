# SPDX-License-Identifier: GPL-2.0-only
# How many flows go to the engine and come back, and what one of these moves costs. The
# connections stay and do nothing; several toectl's move those of a range of ports each.
# Takes: flows duration

OPENS_AT_ONCE=8

state_moving()
{
	state_engine
}

# Usage: opens_run FLOWS SECONDS
opens_run()
{
	pipe_open load "$LAB" host -- $GUEST/load rr $PEER_ADDR $LOAD_PORT "$1" 10000 64
	hear load || { echo "$R $(cat "$WORK/stderr")"; return 1; }
	soon 30000 on_engine "rport $LOAD_PORT" "$1" || { echo "the flows are not known"; return 1; }
	on host "set -- \$(cat /proc/sys/net/ipv4/ip_local_port_range)
		step=\$(((\$2 - \$1) / $OPENS_AT_ONCE + 1)) t=\$(date +%s%N)
		insn-mark 1
		for i in \$(seq 0 $((OPENS_AT_ONCE - 1))); do
			from=\$((\$1 + i * step))
			$GUEST/toectl -j flow churn rport $LOAD_PORT lport \$from-\$((from + step - 1)) \
				every 1ms for $2s seed \$((i + 1)) >$GUEST/moves.\$i &
		done
		wait
		insn-mark 2
		t=\$((\$(date +%s%N) - t))
		jq -rs --arg t \$t '(\$t | tonumber / 1e9) as \$s | (map(.offloads) | add) as \$n |
			(map(.returns) | add) as \$back |
			\"ok ns=\\(\$t) count=\\(\$n) opens=\\(\$n / \$s) closes=\\(\$back / \$s)\"' $GUEST/moves.*
		rm $GUEST/moves.*"
	pipe_close load
	soon 20000 loads_rest || { echo "connections stay"; return 1; }
}

bench_opens()
{
	local DISTURBED=1000 flows

	loads_begin
	for flows in $(flows 1000); do
		RUN="opens_run $flows ${DURATION:-5}"
		bar moves_"$flows" "kernel instructions per flow that goes to the engine and comes back" \
			count - moving || continue
		bar_of opens_"$flows" "flows a second that go to the engine, of $flows" flows/s opens least 5000
		bar_of closes_"$flows" "flows a second that come back meanwhile" flows/s closes - -
	done
	loads_end
}
