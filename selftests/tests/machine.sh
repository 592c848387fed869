# SPDX-License-Identifier: GPL-2.0-only
# The lab leaves nothing on the machine: after success, failure, interruption.

# What a lab could leave here
machine_state()
{
	ls /run/netns /var/run/netns 2>/dev/null
	cut -d: -f1 /proc/net/dev | grep -E '(host0|wire0|peer0|mgmt0)'
	sed 's/^[0-9]* [0-9]* [^ ]* //' /proc/self/mountinfo | grep -E 'toe|/build/root'
	# The brackets: or this would find itself.
	cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0\n' '\n ' |
		grep -aE '^[l]ab-(peer|card)$|lab/[w]orld\.sh$|^[t]oe-host$|[v]host\.sock'
	find /sys/fs/cgroup -maxdepth 3 -name 'toe-lab*' 2>/dev/null
	find /sys/fs/bpf -maxdepth 2 -name '*toe*' 2>/dev/null
	ls "$BUILD"/run/*.sock "$BUILD"/run/pid "$BUILD"/run/ready 2>/dev/null
}

nothing_left()
{
	LEFT=$(machine_state)
	[ "$LEFT" = "$BEFORE" ]
}

check_nothing_left()
{
	soon 5000 nothing_left ||
		fail "left on the machine: $(diff <(echo "$BEFORE") <(echo "$LEFT") | grep '^[<>]')"
	"$LAB" status >"$WORK/out" && fail "lab status: $(cat "$WORK/out")"
}

test_lab_success()
{
	BEFORE=$(machine_state)
	"$LAB" up >"$WORK/out" 2>&1 </dev/null || fail "lab up: $(tail -n 1 "$WORK/out")"
	[ "$(machine_state)" != "$BEFORE" ] || fail "a lab that is up is not seen"
	"$LAB" down </dev/null
	check_nothing_left
}

test_lab_failure()
{
	BEFORE=$(machine_state)
	"$LAB" up --mem 900000G >"$WORK/out" 2>&1 </dev/null && fail "came up with 900 TB of memory"
	check_nothing_left
}

# Usage: interrupted_after SECONDS SIGNAL
interrupted_after()
{
	local pid

	# Job control: or the background process would ignore SIGINT.
	set -m
	"$LAB" up >"$WORK/out" 2>&1 </dev/null &
	pid=$!
	set +m
	sleep "$1"
	kill -"$2" "$pid"
	wait "$pid"
	[ $? -gt 128 ] || [ "$2" != INT ] || fail "lab up after $1 s and SIG$2: no word of it in its status"
	check_nothing_left
}

test_lab_interruption()
{
	BEFORE=$(machine_state)
	interrupted_after 0.5 INT
	interrupted_after 3 INT
	interrupted_after 4 TERM
}
