# SPDX-License-Identifier: GPL-2.0-only
# How fast bulk goes, on one connection and on many at once, and how fairly these share.
# The rates are of the wall clock: they want a quiet machine.
# Takes: size flows duration

# Usage: many_run send|receive FLOWS CALL
many_run()
{
	load_runs "$2" many "$1" $PEER_ADDR $LOAD_PORT "$2" "${DURATION:-8}" "$3"
}

bench_many()
{
	local DISTURBED=1000 flows dir call name words

	loads_begin
	for flows in $(flows 1 2000); do
		for dir in send receive; do
			for call in $(sizes 65536); do
				name=${dir}_$flows words="1 connection, $(size_words "$call") a call"
				[ "$flows" = 1 ] || words="$flows connections at once, $(size_words "$call") a call"
				[ "$call" = 65536 ] || name+=_$(size_name "$call")
				RUN="many_run $dir $flows $call"
				bar $name "kernel instructions per MiB, $dir, $words" count - native engine || continue
				bar_of ${name}_rate "throughput, $dir, $words" MB/s rate ratio-least 1.5
				[ "$flows" = 1 ] ||
					bar_of ${name}_fair "the most by the least that a connection moved, $dir" \
						times spread most 2
			done
		done
	done
	loads_end
}
