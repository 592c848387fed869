# SPDX-License-Identifier: GPL-2.0-only
# The table at the end.

WHAT=() INSNS=() SPEEDS=() NATIVE_INSNS=() NATIVE_RATES=()
ENGINE_BYTES=0 STACK_BYTES=0

mib()
{
	printf -v REPLY '%d.%d' $(($1 >> 20)) $((($1 & 0xfffff) * 10 >> 20))
}

# Kernel instructions per MiB, in thousands.
per_mib()
{
	REPLY=-
	[ -z "$1" ] || printf -v REPLY '%dk' $(($1 / MIB / 1000))
}

# Nanoseconds of several moves, as milliseconds.
times()
{
	local ns text=

	for ns in $1; do
		ms "$ns"
		text+="${text:+ }$REPLY"
	done
	REPLY=${text:--}
}

row()
{
	printf '%-13s %7s %8s %9s  %-13s %-13s %7s %7s %9s %9s\n' "$@"
}

table()
{
	local i engine stack cells native

	head_line "what came of it"
	row transfer MiB "by stack" "by engine" "there, ms" "back, ms" \
		MB/s native insn/MiB native
	for i in "${!WHAT[@]}"; do
		engine=$((TX_ENGINE[i] + RX_ENGINE[i]))
		stack=$((TX_TOTAL[i] + RX_TOTAL[i] - engine))
		ENGINE_BYTES=$((ENGINE_BYTES + engine))
		STACK_BYTES=$((STACK_BYTES + stack))
		mib $((engine + stack)); cells=("$REPLY")
		mib $stack; cells+=("$REPLY")
		mib $engine; cells+=("$REPLY")
		times "${OPEN_NS[i]}"; cells+=("$REPLY")
		times "${CLOSE_NS[i]}"; cells+=("$REPLY")
		SPEED=${SPEEDS[i]}; cells+=("$(rate)")
		SPEED=${NATIVE_RATES[i]}; native=-
		[ -z "$SPEED" ] || native=$(rate)
		cells+=("$native")
		per_mib "${INSNS[i]}"; cells+=("$REPLY")
		per_mib "${NATIVE_INSNS[i]}"; cells+=("$REPLY")
		row "${WHAT[i]}" "${cells[@]}"
	done
	say "insn/MiB: instructions of the host's kernel for a MiB, with all that it does"
	say "meanwhile: sendfile, or the write to a file. The wall clock of an emulated"
	say "host says little; its instructions do."
	[ "$ENGINE_BYTES" -gt 0 ] || fail "the engine moved nothing"
	[ "$STACK_BYTES" -ge 0 ] || fail "the counters do not add up"
}
