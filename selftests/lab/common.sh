# SPDX-License-Identifier: GPL-2.0-only
# Names, paths and small helpers that every part of the lab shares.

LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
SRC=$(cd "$LAB_DIR/../.." && pwd -P)
BUILD=$SRC/build
ROOT=$BUILD/root		# the build root, also the guest's content
IMAGE=$BUILD/image		# disk image, kernels, initramfs, ssh key
LAB_NAME=${LAB_NAME:-}		# of one of several labs that run side by side
RUN=$BUILD/run${LAB_NAME:+-$LAB_NAME}	# all that one running lab leaves: logs, sockets, pids
INSN_DIR=$SRC/selftests/insn

DEFAULT_KERNEL=6.12
KERNELS="6.12 7.3"

# Inside the root these are the same folders.
IN_SRC=/src
IN_RUN=/src/build/run

say()
{
	echo "lab: $*" >&2
}

die()
{
	echo "lab: $*" >&2
	exit 1
}

# A wrong word on the command line.
usage_error()
{
	echo "lab: $*; see 'lab help'" >&2
	exit 2
}

need_root()
{
	[ "$(id -u)" = 0 ] || die "needs root (namespaces, mounts, taps)"
}

# A process is named by pid and start time, so a recycled pid is never taken
# for it.
proc_start()
{
	local stat

	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	stat=${stat##*) }
	# shellcheck disable=SC2086
	set -- $stat
	[ "$1" != Z ] || return 1
	echo "${20}"
}

# Runs a command with its output in a log; shows the time that passes, so that
# nothing silent takes longer than two seconds. On failure shows the log's end.
# Usage: progress WHAT LOG CMD...
progress()
{
	local what=$1 log=$2 start=$SECONDS shown=0 pid rc now
	shift 2

	"$@" >"$log" 2>&1 </dev/null 7>&- 9>&- &
	pid=$!
	PROGRESS_PID=$pid
	while [ -d "/proc/$pid" ] && proc_start "$pid" >/dev/null; do
		sleep 0.2
		now=$((SECONDS - start))
		if [ "$now" -ge 2 ] && [ "$now" -ne "$shown" ]; then
			shown=$now
			if [ -t 2 ]; then
				printf '\rlab: %s (%d s) ' "$what" "$now" >&2
			elif [ "$now" -eq 2 ] || [ $((now % 10)) -eq 0 ]; then
				say "$what ($now s)"
			fi
		fi
	done
	rc=0
	wait "$pid" || rc=$?
	PROGRESS_PID=
	if [ "$shown" -gt 0 ] && [ -t 2 ]; then
		printf '\r\033[K' >&2
	fi
	if [ "$rc" != 0 ]; then
		tail -n 20 "$log" | sed 's/^/  | /' >&2
		say "$what failed (status $rc); full log: ${log#"$SRC"/}"
		return "$rc"
	fi
	say "$what: done in $((SECONDS - start)) s"
}
