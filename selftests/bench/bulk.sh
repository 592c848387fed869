# SPDX-License-Identifier: GPL-2.0-only
# What it costs the host to move bytes, and how fast they go.
# Takes: size flows duration

BULK_MIB=400

# Usage: bulk_run send|receive|sendfile|splice CALL FLOWS
bulk_run()
{
	if [ "$STATE" != copy ]; then
		load_runs "$3" bulk "$1" $PEER_ADDR $LOAD_PORT "$3" $((BULK_MIB / $3 * M)) "$2"
	elif [ "$1" = send ]; then
		on host "$GUEST/load copy out /tmp/load/file $((BULK_MIB * M / $2)) $2"
	else
		on host "$GUEST/load copy in /tmp/load/file $((BULK_MIB * M / $2)) $2"
	fi
}

# So many MiB as the stack moves in the time asked for
bulk_amount()
{
	local STATE=native R

	state_native
	R=$(bulk_run send 65536 1) || die "no rate: $R"
	BULK_MIB=$(($(val bytes) * 954 / $(val ns) * $1 + 16))
}

# Usage: bulk_bars CALL FLOWS
bulk_bars()
{
	local call=$1 flows=$2 name words dir how verb limit above
	local -A goals=([send]=0.55 [receive]=0.50)

	name=$(size_name "$call") words="$(size_words "$call") a call"
	[ "$flows" = 1 ] || name+=_$flows words+=", $flows flows"
	for dir in send receive; do
		limit=- above=-
		LIMITS=()
		if [ "$call" = 65536 ]; then
			limit=${goals[$dir]} above=0.25
			LIMITS[plain]=0.15
		fi
		verb=sent
		[ $dir = send ] || verb=received
		RUN="bulk_run $dir $call $flows"
		bar ${dir}_$name "kernel instructions per MiB $verb, $words" $((BULK_MIB / flows * flows)) \
			$limit native engine plain copy || continue
		bar_above ${dir}_${name}_above "the same, less what copying these bytes costs" copy $above
	done
	LIMITS=()	# of a bar that was not asked for
	for how in sendfile splice; do
		verb="sent by sendfile"
		[ $how = sendfile ] || verb="received by splice"
		RUN="bulk_run $how $call $flows"
		bar ${how}_$name "kernel instructions per MiB $verb, $words" \
			$((BULK_MIB / flows * flows)) - native engine plain
	done
}

bench_bulk()
{
	# All places work at once here: QEMU always waits for somebody.
	local DISTURBED=1000 call flows

	loads_begin
	[ -z "$DURATION" ] || bulk_amount "$DURATION"
	for flows in $(flows 1); do
		[ "$flows" -le $BULK_MIB ] || words_wrong "bulk moves $BULK_MIB MiB: no more flows than that"
		for call in $(sizes 4096 65536 $M); do
			bulk_bars "$call" "$flows"
		done
	done
	loads_end
}
