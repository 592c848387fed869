# SPDX-License-Identifier: GPL-2.0-only
# What a request and its answer cost, both of the same size.
# Takes: size flows duration

# Usage: rr_run SIZE FLOWS COUNT
rr_run()
{
	load_runs "$2" rr $PEER_ADDR $LOAD_PORT "$2" "$3" "$1"
}

# So many as the stack does in the time asked for. Usage: rr_count SIZE FLOWS
rr_count()
{
	local count=4000 STATE=native R

	[ "$2" = 1 ] || count=20000
	[ -n "$DURATION" ] || { echo $count; return; }
	state_native
	R=$(rr_run "$1" "$2" $count)
	echo $((count * DURATION * 1000000000 / $(val ns) + 1))
}

bench_rr()
{
	local DISTURBED=1000 size flows limit count words

	loads_begin
	for flows in $(flows 1 64 1000); do
		for size in $(sizes 64 1024 16384); do
			bar_wanted rr_"$(size_name "$size")_$flows" || continue
			limit=- words="1 connection"
			[ "$size" != 1024 ] || limit=0.70
			[ "$flows" = 1 ] || words="$flows connections at once"
			count=$(rr_count "$size" "$flows")
			RUN="rr_run $size $flows $count"
			bar rr_"$(size_name "$size")_$flows" \
				"kernel instructions per transaction of $(size_words "$size"), $words" \
				"$count" $limit native engine
		done
	done
	loads_end
}
