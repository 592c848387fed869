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

# Usage: memory_per_flow FLOWS	one value each into KERNEL_EACH, SLAB_EACH, CARD_EACH
memory_per_flow()
{
	local kernel slab card

	memory_is
	kernel=$KERNEL_BYTES slab=$SLAB_BYTES card=$CARD_BYTES
	state_engine
	tell crowd talk 100 || die "crowd: $R"
	soon 60000 on_engine "rport $LOAD_PORT" "$1" || die "$1 flows are not on the engine"
	memory_is
	KERNEL_EACH=$(((KERNEL_BYTES - kernel) / $1))
	SLAB_EACH=$(((SLAB_BYTES - slab) / $1))
	CARD_EACH=$(((CARD_BYTES - card) / $1))
	on host "$GUEST/toectl unload && $GUEST/toectl flow return all" >/dev/null || die "return"
	soon 60000 on_engine "rport $LOAD_PORT" 0 || die "flows do not come back"
}

bench_memory()
{
	local flows run kernel slab card

	nic on
	for flows in $(flows 2000); do
		bar_wanted memory_"$flows" || continue
		kernel='' slab='' card=''
		for ((run = 1; run <= RUNS; run++)); do
			progress_line "memory_$flows: run $run of $RUNS"
			modules_out
			modules_in
			memory_crowd "$flows"
			memory_per_flow "$flows"
			kernel+="$KERNEL_EACH " slab+="$SLAB_EACH " card+="$CARD_EACH "
			tell crowd end || die "crowd: $R"
			pipe_close crowd
			pipe_close echo
		done
		progress_line
		printf 'memory_%s: bytes per flow, of %s on the engine\n' "$flows" "$flows"
		row_plain memory_"$flows" "bytes per flow on the engine, of $flows" bytes
		row host "$kernel" most 4096
		row "host, slabs" "$slab"
		row card "$card"
	done
	modules_out
}
