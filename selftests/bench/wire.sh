# SPDX-License-Identifier: GPL-2.0-only
# How long a transfer takes over a wire that is bad, or with a peer that has its ways:
# by the stack, and by the engine under the same conditions. Microseconds of the wall
# clock for a MiB, each run with a connection of its own. The bar: no more than 10 %
# slower than the stack (RUNS runs, interleaved; the medians count).
#
# Both directions, by name: sends (the host does), receives. Families take turns.
#
# Where a transfer has a retransmission timeout or none, by chance, the median says no more
# than on which side of that most were: it is made long enough to have several.

. "$TOP/selftests/cable.sh"

WIRE_BAR=1.1111		# a tenth less throughput
WIRE_ISN=$(((1 << 32) - 8 * M))	# half way through the transfer they wrap

# One transfer; its time into VALUE. Usage: wire_one MIB sends|receives native|engine SEED
wire_one()
{
	local from=h to=p dir=tx bytes=$(($1 * M)) family=

	[ "$2" = sends ] || from=p to=h dir=rx
	[ $(($4 % 2)) = 1 ] || family=v6
	[[ $WIRE_KEYS != mtu=* ]] || mtu_forget
	# Before they meet: who has known a better wire goes by that for a while.
	# shellcheck disable=SC2086
	cable "${WIRE_DIR:-both}" $WIRE_KEYS seed="$4"
	# shellcheck disable=SC2086
	meet h p $family $WIRE_WORDS
	# Whose SYN was lost is in recovery, without SACK until bytes behind it are acknowledged
	# (tcp_try_undo_recovery(), net/ipv4/tcp_input.c): then another one.
	if ! soon 3000 wire_ready "$3"; then
		tell h close
		tell p close
		# shellcheck disable=SC2086
		meet h p $family $WIRE_WORDS
		soon 3000 wire_ready "$3" || die "offload: $R"
	fi
	tell $to recv $bytes chunk=256K || die "$to: $R"
	tell $from send $bytes chunk=256K || die "$from: $R"
	tell $to wait rx 60000 || die "$to: $R"
	[ "$(val bytes)" = "$bytes" ] || die "$to got $(val bytes) bytes, error $(val error)"
	VALUE=$(($(val us) / $1))
	cable both
	if [ "$3" = engine ]; then
		soon 3000 wire_carried $dir $bytes ||
			die "$(val state), $(val reason): the engine carried $(val ${dir}_engine) bytes"
	fi
	tell h close
	tell p close
}

wire_ready()	# native|engine
{
	[ "$1" = native ] || tell h offload
}

wire_carried()	# tx|rx BYTES
{
	tell h flow && [ "$(val state)" = engine ] && [ "$(val "$1_engine")" = "$2" ]
}

# In WIRE_DIRS or both directions.
# Usage: wire_bar NAME WHAT MIB KEYS [WORDS]	(as the cable and the connection take them)
wire_bar()
{
	local dir run i state states=(native engine) WIRE_KEYS=$4 WIRE_WORDS=${5:-}
	local -A values

	for dir in ${WIRE_DIRS:-sends receives}; do
		bar_wanted "$1-$dir" "$1" || continue
		values=([native]='' [engine]='')
		for ((run = 1; run <= RUNS; run++)); do
			for i in 0 1; do
				state=${states[$(((run + i) % 2))]}
				progress_line "$1-$dir: run $run of $RUNS, $state"
				wire_one "$3" $dir $state $run
				values[$state]+="$VALUE "
			done
		done
		progress_line
		wire_rows "$1-$dir" "$2"
	done
}

# Two rows, of what is in wire_bar()'s arrays. Usage: wire_rows NAME WHAT
wire_rows()
{
	local engine

	printf '%s: %s, us per MiB\n' "$1" "$2"
	row_plain "$1" "$2, microseconds per MiB" us engine
	read -r engine _ <<<"$(spread_of "${values[engine]}")"
	row engine "${values[engine]}"
	row native "${values[native]}" ratio-most $WIRE_BAR "$engine"
}

# A setting of the peer's stack, for one bar. Usage: wire_peer SETTING=VALUE... -- BAR...
wire_peer()
{
	local set=() back=() word

	while [ "$1" != -- ]; do
		back+=("net.ipv4.${1%=*}=$(on peer "sysctl -n net.ipv4.${1%=*}")")
		set+=("net.ipv4.$1")
		shift
	done
	shift
	on peer "sysctl -q ${set[*]}" || die "sysctl ${set[*]}"
	wire_bar "$@"
	on peer "sysctl -q ${back[*]}"
}

bench_wire()
{
	modules_in
	cable_in
	actor h host
	actor p peer
	wire_bar good "a good wire" 16 ""
	wire_bar loss-tenth "0.1 % of all frames are lost" 16 loss=1000
	wire_bar loss-one "1 % is lost" 8 loss=10000
	wire_bar loss-five "5 % are lost" 16 loss=50000
	wire_bar delay "50 ms there and back" 6 delay=25000
	wire_bar reorder "2 % come 2 ms late" 8 "reorder=20000 late=2000"
	wire_bar duplicate "5 % come twice" 16 dup=50000
	WIRE_DIR=to-host wire_bar narrow "the peer's window shrinks and opens" 16 narrow=5000
	wire_bar mss "an MSS of 536" 8 "" mss=536
	WIRE_DIRS=sends wire_bar wrap "sequence numbers that wrap" 16 "" isn=$WIRE_ISN
	WIRE_DIRS=receives wire_bar wrap "sequence numbers that wrap" 16 "" "from-peer isn=$WIRE_ISN"
	WIRE_DIRS=sends WIRE_DIR=to-peer wire_bar pmtu "a path that takes 1,300 bytes" 16 mtu=1300
	wire_peer tcp_sack=0 -- no-sack "no SACK, and 1 % is lost" 32 loss=10000
	wire_peer tcp_timestamps=0 -- no-timestamps "no timestamps, and 1 % is lost" 8 loss=10000
	wire_peer tcp_window_scaling=0 -- no-scaling "no window scaling" 64 ""
	wire_peer tcp_window_scaling=0 -- no-scaling-loss "no window scaling, and 1 % is lost" 64 loss=10000
	tell h quit
	tell p quit
	cable_out
}
