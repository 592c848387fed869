# SPDX-License-Identifier: GPL-2.0-only
# The lab leaves nothing on the machine: after success, failure, interruption.
# Other people's labs on the machine, from other trees, are not looked at.

# What a lab of this tree could leave here. Usage: traces PID-OF-LAB-UP
traces()
{
	local dir root

	find /run/netns -name 'toe-*' 2>/dev/null
	grep -oE '^ *(host0|wire0|peer0|mgmt0):' /proc/net/dev
	grep -F "$BUILD/root" /proc/self/mountinfo
	find /sys/fs/cgroup -maxdepth 3 -name "toe-lab-$1" 2>/dev/null
	find /sys/fs/bpf -maxdepth 2 -name '*toe*' 2>/dev/null
	ls "$BUILD"/run/*.sock "$BUILD"/run/pid "$BUILD"/run/ready 2>/dev/null
	for dir in /proc/[0-9]*; do
		root=$(readlink "$dir/root" 2>/dev/null)
		[ "$root" = "$BUILD/root" ] || continue
		tr '\0' '\n' <"$dir/cmdline" 2>/dev/null |
			grep -E '^lab-(peer|card)$|lab/world\.sh$|^toe-host$|vhost\.sock'
	done
}

nothing_left()
{
	LEFT=$(traces "$1")
	[ -z "$LEFT" ]
}

check_nothing_left()
{
	soon 10000 nothing_left "$1" || fail "left on the machine: $LEFT"
	"$LAB" status >"$WORK/out" && fail "lab status: $(cat "$WORK/out")"
}

# Starts `lab up` as UP, with job control: without, it would ignore SIGINT.
start_up()
{
	set -m
	env --default-signal=INT "$LAB" up "$@" >"$WORK/out" 2>&1 </dev/null &
	UP=$!
	set +m
}

test_lab_success()
{
	local seen what

	start_up
	wait $UP || fail "lab up: $(tail -n 1 "$WORK/out")"
	# Eyes that see nothing prove nothing.
	seen=$(traces $UP)
	for what in "toe-lab-$UP" lab-peer lab-card world.sh toe-host vhost.sock run/pid; do
		[[ $seen = *"$what"* ]] || fail "the lab is up, but no $what is seen"
	done
	"$LAB" down </dev/null
	check_nothing_left $UP
}

test_lab_failure()
{
	start_up --mem 900000G
	wait $UP && fail "came up with 900 TB of memory"
	check_nothing_left $UP
}

# Usage: interrupted_after SECONDS SIGNAL
interrupted_after()
{
	start_up
	sleep "$1"
	kill -"$2" $UP
	wait $UP && fail "lab up ended well after SIG$2"
	check_nothing_left $UP
}

test_lab_interruption()
{
	interrupted_after 0.5 INT
	interrupted_after 3 INT
	interrupted_after 4 TERM
}

# A command at one of the places ends with the one who asked for it.
test_lab_command_interruption()
{
	local place pid

	"$LAB" up >"$WORK/out" 2>&1 </dev/null || fail "lab up: $(tail -n 1 "$WORK/out")"
	for place in host peer; do
		set -m
		env --default-signal=INT "$LAB" $place -- sleep 4321 >"$WORK/out" 2>&1 </dev/null &
		pid=$!
		set +m
		soon 10000 sleeper $place || fail "nothing sleeps at the $place"
		kill -INT $pid
		wait $pid
		soon 10000 no_sleeper $place || fail "the command at the $place runs on"
	done
	"$LAB" down </dev/null
}

sleeper()
{
	"$LAB" "$1" -- pgrep -f '^sleep 432[1]' >/dev/null </dev/null
}

no_sleeper()
{
	! sleeper "$1"
}
