# SPDX-License-Identifier: GPL-2.0-only
# How many flows are opened on the engine and closed there in a second.
#
# Bars opens: they are new connections, each of which does a little and stays until so many
# others have come, so that there is time to offload it; all of that counts.
# Bars moves: they are connections that stay and say nothing. All of them are asked for by
# netlink, in one direction and then in the other; that counts, too.
# Takes: flows duration

# What the module has counted
opens_counted()
{
	on host "$GUEST/toectl -j stats show | jq .counters.opens"
}

# Usage: opens_run FLOWS SECONDS
opens_run()
{
	local before=0 after=0 R

	load_warm "$1" opens $PEER_ADDR $LOAD_PORT "$1" "$2" || return
	[ "$STATE" != engine ] || before=$(opens_counted)
	say load go
	load_says || return
	[ "$STATE" != engine ] || after=$(opens_counted)
	awk -v said="$R" -v opens=$((after - before)) -v n="$(val count)" -v ns="$(val ns)" 'BEGIN {
		printf "%s connects=%.1f", said, n * 1e9 / ns
		if (opens)
			printf " opens=%.1f share=%.4f", opens * 1e9 / ns, opens / n
		print "" }'
	load_ends
}

moves_run()
{
	load_runs "$1" moves $PEER_ADDR $LOAD_PORT "$1" "$2"
}

bench_moves()
{
	local flows

	for flows in $(flows 2000); do
		RUN="moves_run $flows ${DURATION:-5}"
		bar moves_"$flows" "kernel instructions per flow that goes to the engine and comes back, $flows at once" \
			count - engine || continue
		bar_of moves_"${flows}_rate" "flows a second that go to the engine and come back" \
			flows/s moves least 5000
		bar_of moves_"${flows}_fails" "flows that could not go there at that moment" flows fails - -
	done
}

bench_opens()
{
	local DISTURBED=1000 flows reuse

	loads_begin
	# Else the ports are used up.
	reuse=$(on host "cat /proc/sys/net/ipv4/tcp_tw_reuse; echo 1 >/proc/sys/net/ipv4/tcp_tw_reuse")
	for flows in $(flows 500); do
		RUN="opens_run $flows ${DURATION:-5}"
		bar opens_"$flows" "kernel instructions per connection that comes and goes, $flows at once" \
			count - native engine || continue
		bar_of opens_"${flows}_rate" "flows a second that are opened on the engine and closed" \
			flows/s opens least 5000
		bar_of opens_"${flows}_connects" "connections a second, offloaded or not" connections/s \
			connects - -
		bar_of opens_"${flows}_share" "of these connections so many were offloaded" share share - -
	done
	bench_moves
	on host "echo $reuse >/proc/sys/net/ipv4/tcp_tw_reuse"
	loads_end
}
