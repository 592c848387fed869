# SPDX-License-Identifier: GPL-2.0-only
# How long data stands still when a busy connection is handed over, and what its goodput
# looks like meanwhile. By the wall clock: it wants a quiet machine.
# Takes: size duration
#
# States of the host:
#	native	no module of ours, and nothing is handed over
#	moved	the connection goes to the engine and back all the time

HANDOVER_PAUSE=0.1	# between two moves, s

state_moved()
{
	modules_in
	nic on
}

# Usage: handover_run send|receive CALL MS
handover_run()
{
	load_warm 1 gap "$1" $PEER_ADDR $LOAD_PORT 60000 "$2" || return
	sleep 0.5
	say load go
	if [ "$STATE" = native ]; then
		sleep "$(awk -v ms="$3" 'BEGIN { print ms / 1000 }')"
	else
		handover_moves "$3"
	fi
	say load stop
	load_says || return
	echo "$R"
	load_ends
}

# Usage: handover_moves MS
handover_moves()
{
	on host "
		tuple=\$(ss -Htn state established '( dport = :$LOAD_PORT )' | awk '{ print \$3, \$4 }')
		$GUEST/toectl -j monitor rport $LOAD_PORT >/tmp/load/events & watch=\$!
		end=\$((\$(date +%s%N) + $1 * 1000000))
		while [ \$(date +%s%N) -lt \$end ]; do
			$GUEST/toectl flow offload \$tuple || { echo no offload; break; }
			sleep $HANDOVER_PAUSE
			$GUEST/toectl flow return \$tuple || { echo no return; break; }
			sleep $HANDOVER_PAUSE
		done
		sleep 0.1
		kill \$watch
		middle() { jq -s 'sort | .[length / 2 | floor] / 1e6'; }
		echo \"times moves=\$(grep -c '\"to\":\"\(engine\|host\)\"' /tmp/load/events)" \
			"there=\$(jq 'select(.to == \"engine\").flow.open_ns' /tmp/load/events | middle)" \
			"back=\$(jq 'select(.to == \"host\").flow.close_ns' /tmp/load/events | middle)\""
}

# What it said last, and the times before it, as one line
handover_said()
{
	local out

	out=$(handover_run "$@") || { echo "$out"; return 1; }
	! grep -B 1 -E '^no (offload|return)$' <<<"$out" || return 1
	echo "$(grep '^ok' <<<"$out") $(sed -n 's/^times //p' <<<"$out")"
}

bench_handover()
{
	local DISTURBED=1000 dir call name

	loads_begin
	for dir in send receive; do
		for call in $(sizes 65536); do
			name=${dir}
			bar_wanted $name || continue
			RUN="handover_said $dir $call $((${DURATION:-4} * 1000))"
			bar_runs $name - native moved
			bar_of ${name}_there "data stand still when the flow goes to the engine, median of a run, $dir" \
				ms there - -
			bar_of ${name}_back "data stand still when it comes back, median of a run, $dir" ms back - -
			bar_of ${name}_gap "the longest time in which nothing moved, $dir" us gap_us - -
			bar_of ${name}_dip "the lowest goodput of 10 ms by that of the run, $dir" share dip - -
			bar_of ${name}_rate "throughput of the run, $dir" MB/s rate - -
			bar_of ${name}_moves "moves in a run, there and back, $dir" moves moves - -
		done
	done
	loads_end
}
