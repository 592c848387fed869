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

# Bytes of the host's kernel: what is neither free, nor on the processors' lists of free
# pages (which MemFree leaves out), nor a file's or a program's; of it, what is in slabs.
# Bytes of the card's program.
memory_is()
{
	local host

	host=$(on host "echo 3 >/proc/sys/vm/drop_caches; sleep 1; awk '\$1 == \"count:\" { listed += \$2 }
		{ sub(\":\", \"\", \$1); m[\$1] = \$2 }
		END { print (m[\"MemTotal\"] - m[\"MemFree\"] - m[\"Buffers\"] - m[\"Cached\"] - m[\"AnonPages\"]) * 1024 - \
			listed * 4096, m[\"Slab\"] * 1024 }' /proc/zoneinfo /proc/meminfo")
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

# One value each into OF_KERNEL, OF_SLABS, OF_CARD. Usage: memory_once FLOWS
memory_once()
{
	local kernel slabs card

	# New ones: the module goes on knowing what it once had.
	modules_out
	modules_in
	memory_crowd "$1"
	memory_is
	kernel=$KERNEL_BYTES slabs=$SLAB_BYTES card=$CARD_BYTES
	memory_offload "$1"
	memory_is
	OF_KERNEL+="$(((KERNEL_BYTES - kernel) / $1)) "
	OF_SLABS+="$(((SLAB_BYTES - slabs) / $1)) "
	OF_CARD+="$(((CARD_BYTES - card) / $1)) "
	tell crowd end || die "crowd: $R"
	pipe_close crowd
	pipe_close echo
	soon 60000 no_flows || die "flows are left"
}

bench_memory()
{
	local flows run

	nic on
	for flows in $(flows 4000); do
		bar_wanted memory_"$flows" || continue
		# The first time fills caches, of host and card, that stay.
		OF_CARD=''
		memory_once "$flows"
		CARD_FIRST=$OF_CARD
		OF_KERNEL='' OF_SLABS='' OF_CARD=''
		for ((run = 1; run <= RUNS; run++)); do
			progress_line "memory_$flows: run $run of $RUNS"
			memory_once "$flows"
		done
		progress_line
		printf 'memory_%s: bytes per flow, of %s on the engine\n' "$flows" "$flows"
		row_plain memory_"$flows" "bytes per flow on the engine, of $flows" bytes
		row host "$OF_KERNEL" most 4096
		row "host, slabs" "$OF_SLABS"
		row "card, first" "$CARD_FIRST"
		row "card, again" "$OF_CARD"
	done
	modules_out
}
