# SPDX-License-Identifier: GPL-2.0-only
# What a flow on the engine takes of the memory of host and card, beyond its socket.
# Takes: flows
#
# Connections that are at rest are looked at before, while and after they are offloaded.

memory_crowd()	# FLOWS
{
	"$LAB" push "$TOP/selftests/tools/crowd.py" $GUEST </dev/null || die "push"
	pipe_open echo "$LAB" peer -- /src/selftests/tools/crowd.py listen $PEER_ADDR $LOAD_PORT
	hear echo || die "echo: $R"
	pipe_open crowd "$LAB" host -- $GUEST/crowd.py connect $PEER_ADDR $LOAD_PORT "$1"
	hear crowd || die "crowd: $R"
	tell crowd talk 100 || die "crowd: $R"
}

# Bytes of the host's kernel: what is neither free nor a file's nor a program's; of it,
# what is in slabs. Bytes of the card's program.
memory_is()
{
	local host

	host=$(on host "echo 3 >/proc/sys/vm/drop_caches; sleep 0.3; awk '{ sub(\":\", \"\", \$1); m[\$1] = \$2 }
		END { print (m[\"MemTotal\"] - m[\"MemFree\"] - m[\"Buffers\"] - m[\"Cached\"] - m[\"AnonPages\"]) * 1024,
			m[\"Slab\"] * 1024 }' /proc/meminfo")
	KERNEL_BYTES=${host% *} SLAB_BYTES=${host#* }
	CARD_BYTES=$(on card "awk '/^VmRSS/ { print \$2 * 1024 }' /proc/\$(pgrep -x toecard | head -n 1)/status")
	[[ $KERNEL_BYTES =~ ^[0-9]+$ && $CARD_BYTES =~ ^[0-9]+$ ]] || die "memory: $host, card: $CARD_BYTES"
}

memory_offload()	# FLOWS
{
	state_engine
	tell crowd talk 100 || die "crowd: $R"
	soon 60000 on_engine "rport $LOAD_PORT" "$1" || die "$1 flows are not on the engine"
}

memory_return()
{
	on host "$GUEST/toectl unload && $GUEST/toectl flow return all" >/dev/null || die "return"
	soon 60000 memory_at_rest || die "flows do not come back"
	tell crowd talk 100 || die "crowd: $R"
}

memory_at_rest()
{
	[ "$(on host "$GUEST/toectl -j flow show rport $LOAD_PORT | jq length")" = 0 ]
}

# What there is with the flows on the engine, less what there is before and after, on
# the average. Usage: memory_runs FLOWS	one value a run into OF_KERNEL, OF_SLABS, OF_CARD
memory_runs()
{
	local run kernel slabs

	OF_KERNEL='' OF_SLABS='' OF_CARD=''
	memory_is
	for ((run = 1; run <= RUNS; run++)); do
		progress_line "memory_$1: run $run of $RUNS"
		kernel=$((-KERNEL_BYTES)) slabs=$((-SLAB_BYTES))
		memory_offload "$1"
		memory_is
		kernel=$((kernel + 2 * KERNEL_BYTES)) slabs=$((slabs + 2 * SLAB_BYTES))
		memory_return
		memory_is
		OF_KERNEL+="$(((kernel - KERNEL_BYTES) / 2 / $1)) "
		OF_SLABS+="$(((slabs - SLAB_BYTES) / 2 / $1)) "
		# The card keeps what it once had, for the next ones.
		[ "$run" != 1 ] || OF_CARD=$(((CARD_BYTES - CARD_FIRST) / $1))
	done
	progress_line
}

bench_memory()
{
	local flows

	for flows in $(flows 2000); do
		bar_wanted memory_"$flows" || continue
		nic on
		modules_out
		modules_in
		memory_crowd "$flows"
		memory_is
		CARD_FIRST=$CARD_BYTES
		# The first time fills caches that stay.
		memory_offload "$flows"
		memory_return
		memory_runs "$flows"
		printf 'memory_%s: bytes per flow, of %s on the engine\n' "$flows" "$flows"
		row_plain memory_"$flows" "bytes per flow on the engine, of $flows" bytes
		row host "$OF_KERNEL" most 4096
		row "host, slabs" "$OF_SLABS"
		row card "$OF_CARD"
		tell crowd end || die "crowd: $R"
		pipe_close crowd
		pipe_close echo
	done
	modules_out
}
