# SPDX-License-Identifier: GPL-2.0-only
# The monitor's events: shown as they come, and kept per transfer.
#
# `toectl -j monitor` writes into a file that fd 6 follows. Each event is an
# object in a line of its own and has all members, so patterns are enough.

EVENTS=0		# seen so far
PARTIAL=
CUR=0			# the transfer that an event belongs to
declare -a STATE=() OPENS=() OPEN_NS=() CLOSE_NS=() LAST=()
declare -a TX_ENGINE=() RX_ENGINE=() TX_TOTAL=() RX_TOTAL=()

events_start()
{
	local n=0

	: >"$OUT/events"
	"$LAB" host -- toectl -j monitor >"$OUT/events" 2>"$OUT/monitor.log" </dev/null &
	exec 6<"$OUT/events"
	# It listens once it has been seen running.
	until guest "pidof toectl >/dev/null"; do
		n=$((n + 1))
		[ $n -lt 50 ] || return 1
		sleep 0.2
	done
	sleep 0.5
}

# A member's value, in REPLY. The outer ones stand before those of "flow".
member()
{
	local re="\"$2\":\"?([^\",}]*)"

	REPLY=
	[[ $1 =~ $re ]] && REPLY=${BASH_REMATCH[1]}
}

# Nanoseconds as milliseconds, in REPLY.
ms()
{
	printf -v REPLY '%d.%02d' $(($1 / 1000000)) $(($1 / 10000 % 100))
}

event()
{
	local from to reason time text lport raddr rport

	member "$1" time; time=${REPLY#*T}; time=${time%[+-]*}
	member "$1" from; from=$REPLY
	# not of a flow
	[ -n "$from" ] || return
	member "$1" to; to=$REPLY
	member "$1" reason; reason=$REPLY
	member "$1" local_port; lport=$REPLY
	member "$1" remote; raddr=$REPLY
	member "$1" remote_port; rport=$REPLY
	EVENTS=$((EVENTS + 1))
	STATE[CUR]=$to LAST[CUR]=$reason

	text=
	case $from:$to in
	opening:engine)
		member "$1" open_ns
		OPENS[CUR]=$((${OPENS[CUR]:-0} + 1))
		OPEN_NS[CUR]+=" $REPLY"
		ms "$REPLY"; text=", handed over in $REPLY ms"
		;;
	closing:host)
		member "$1" close_ns
		CLOSE_NS[CUR]+=" $REPLY"
		ms "$REPLY"; text=", back in $REPLY ms"
		;;
	esac
	member "$1" tx_engine; TX_ENGINE[CUR]=$REPLY
	member "$1" rx_engine; RX_ENGINE[CUR]=$REPLY
	member "$1" tx_total; TX_TOTAL[CUR]=$REPLY
	member "$1" rx_total; RX_TOTAL[CUR]=$REPLY
	say "$time  :$lport <-> $raddr $rport  $from -> $to ($reason)$text"
}

# Shows what came since the last call.
events_poll()
{
	local line

	while IFS= read -r -u 6 line; do
		event "$PARTIAL$line"
		PARTIAL=
	done
	PARTIAL+=$line
}

# Waits until the transfer's flow is back in the host's stack.
flow_home()
{
	local n=0

	events_poll
	while [ "${STATE[CUR]:-}" != host ]; do
		n=$((n + 1))
		[ $n -lt 50 ] || fail "the flow did not come back (${STATE[CUR]:-no event})"
		sleep 0.2
		events_poll
	done
	[ "${OPENS[CUR]:-0}" -gt 0 ] ||
		fail "the flow never reached the engine: ${LAST[CUR]}"
}
