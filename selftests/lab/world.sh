#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The init of the running lab: process 1 of a pid namespace, in mount and
# network namespaces of its own, in the build root. Namespaces, taps, mounts
# and processes of the lab exist only in here, so that killing this one process
# ends all of them. Only cgroups outlive it; vm.sh removes those.
#
# Usage: world.sh KERNEL SMP MEM CARD DEBUG INSN	(the last three: 0 or 1)
set -u
. "$(dirname "$0")/common.sh"
. "$LAB_DIR/net.sh"
. "$LAB_DIR/qemu.sh"
kernel=$1 smp=$2 mem=$3 card=$4 debug=$5 insn=$6

# What `lab up` shows while it waits.
step()
{
	echo "$*" >>"$IN_RUN/steps"
}

fail()
{
	echo "lab: $*" >&2
	exit 1
}

wait_for()
{
	local what=$1 tries=$2
	shift 2

	while ! "$@" 2>/dev/null; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || fail "$what did not come"
		sleep 0.1
	done
}

trap 'exit 0' TERM

step "namespaces and links"
net_up || fail "cannot make the namespaces and links"

if [ "$card" = 1 ]; then
	step "toecard"
	$IN_SRC/selftests/lab/enter.sh card / $IN_SRC/build/bin/toecard \
		--socket $IN_RUN/vhost.sock --wire wire0 --host host0 \
		--control $IN_RUN/toecard.sock --log-level info \
		</dev/null >"$IN_RUN/toecard.log" 2>&1 &
	toecard=$!
	n=0
	while [ ! -S $IN_RUN/vhost.sock ]; do
		n=$((n + 1))
		kill -0 $toecard 2>/dev/null || {
			cat "$IN_RUN/toecard.log" >&2
			fail "toecard ended at once"
		}
		[ $n -lt 100 ] || fail "toecard made no socket in 10 s"
		sleep 0.1
	done
else
	net_plain || fail "cannot connect wire0 and host0"
fi

step "booting kernel $kernel"
qemu_start
# QEMU has opened the tap when the link has a carrier.
mgmt_carrier()
{
	ip -n toe-card link show dev mgmt0 | grep -q LOWER_UP
}
wait_for "the guest's network card" 100 mgmt_carrier
net_mgmt || fail "cannot move mgmt0"

n=0
until grep -q '^lab: guest is up' "$IN_RUN/console.log" 2>/dev/null; do
	n=$((n + 1))
	kill -0 "$QEMU" 2>/dev/null || {
		cat "$IN_RUN/qemu.log" >&2
		fail "QEMU ended during the boot"
	}
	[ $n -lt 1800 ] || fail "the guest did not boot in 180 s (lab log console)"
	sleep 0.1
done
step "connecting"
cp $IN_SRC/build/image/key /run/key
chmod 600 /run/key
n=0
until ssh -F $LAB_DIR/ssh_config -o ControlMaster=yes -f -N host </dev/null 2>/run/ssh.log; do
	n=$((n + 1))
	[ $n -lt 300 ] || { cat /run/ssh.log >&2; fail "no ssh to the guest"; }
	sleep 0.1
done
step "ready"
touch "$IN_RUN/ready"

# The lab lives as long as its VM.
while kill -0 "$QEMU" 2>/dev/null; do
	wait -n 2>/dev/null || sleep 0.2
done
echo "lab: QEMU has ended" >&2
