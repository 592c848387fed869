# SPDX-License-Identifier: GPL-2.0-only
# What short connections cost that a rule matches and that end before its threshold.
# Takes: size duration
#
# States of the host:
#	native	no module of ours
#	loaded	modules, classifier, a rule that matches each of them, with a threshold
#		that none reaches

SHORT_COUNT=2000

# The policy's loaded state: short connections have a port of their own.
state_loaded()
{
	state_engine
}

# Usage: short_run SIZE COUNT
short_run()
{
	on host "$GUEST/load short $PEER_ADDR $SHORT_PORT $2 $1"
}

bench_short()
{
	local size name count R

	loads_begin
	load_serves shorts $SHORT_PORT
	for size in $(sizes 1024 16384); do
		name=short_$(size_name "$size") count=$SHORT_COUNT
		bar_wanted "$name" || continue
		if [ -n "$DURATION" ]; then
			state_native
			R=$(short_run "$size" 300)
			count=$((DURATION * 1000000000 / ($(val ns) / 300) + 1))
		fi
		RUN="short_run $size $count"
		bar "$name" "kernel instructions per connection that brings $(size_words "$size") and is not offloaded" \
			"$count" 1.02 native loaded
	done
	pipe_close shorts
	loads_end
}
