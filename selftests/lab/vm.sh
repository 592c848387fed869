# SPDX-License-Identifier: GPL-2.0-only
# Starts and ends the lab's world (world.sh), from outside of it.

# Prints the world's pid, if it lives.
world_pid()
{
	local pid start

	read -r pid start 2>/dev/null <"$RUN/pid" || return 1
	[ "$(proc_start "$pid")" = "$start" ] || return 1
	echo "$pid"
}

world_cgroup_remove()
{
	local id

	id=$(cat "$RUN/cgroup" 2>/dev/null) || return 0
	# shellcheck disable=SC2016
	unshare --mount --propagation private bash -c '
		mount -t cgroup2 cgroup2 "$1" || exit
		n=0
		while [ -d "$1/$2" ] && [ $n -lt 50 ]; do
			find "$1/$2" -depth -type d -exec rmdir {} \; 2>/dev/null
			[ -d "$1/$2" ] || break
			n=$((n + 1)); sleep 0.1
		done
		[ ! -d "$1/$2" ]' - "$RUN" "$id" ||
		say "cgroup $id could not be removed"
	rm -f "$RUN/cgroup"
}

# Ends whatever there is of a world. Logs stay.
world_end()
{
	local pid n=0

	if pid=$(world_pid); then
		kill -KILL "$pid" 2>/dev/null
		while proc_start "$pid" >/dev/null && [ $n -lt 100 ]; do
			n=$((n + 1))
			sleep 0.05
		done
	fi
	world_cgroup_remove
	rm -f "$RUN"/{pid,pid.tmp,ready,steps,state} "$RUN"/*.sock
}

world_start()
{
	local kernel=$1 smp=$2 mem=$3 card=$4 debug=$5 insn=$6
	local start=$SECONDS starter shown=0 last='' now step

	root_share
	mkdir -p "$RUN"
	rm -f "$RUN"/*.log
	echo "toe-lab-$$" >"$RUN/cgroup"
	: >"$RUN/steps"
	echo "kernel $kernel smp $smp mem $mem card $card debug $debug insn $insn" >"$RUN/state"
	LAB_PIDFILE=$RUN/pid setsid unshare --mount --propagation private --pid --net \
		--ipc --fork --kill-child "$LAB_DIR/chroot.sh" / \
		$IN_SRC/selftests/lab/world.sh "$kernel" "$smp" "$mem" "$card" "$debug" \
		"$insn" </dev/null >"$RUN/lab.log" 2>&1 9>&- &
	starter=$!
	WORLD_STARTER=$starter
	while [ ! -e "$RUN/ready" ]; do
		if ! proc_start "$starter" >/dev/null; then
			tail -n 20 "$RUN/lab.log" | sed 's/^/  | /' >&2
			say "the lab did not start; see build/run/*.log"
			return 1
		fi
		step=$(tail -n 1 "$RUN/steps")
		now=$((SECONDS - start))
		if [ "$step" != "$last" ] || { [ "$now" -ge $((shown + 5)) ]; }; then
			[ -z "$step" ] || say "$step ($now s)"
			last=$step shown=$now
		fi
		sleep 0.1
	done
	disown "$starter"
	say "up in $((SECONDS - start)) s (kernel $(cat "$IMAGE/version-$kernel"))"
}

# Becomes a command in the world. Usage: world_exec host|peer|card CMD...
world_exec()
{
	local place=$1 pid dir=$IN_SRC
	shift

	pid=$(world_pid) || die "no lab is up ('lab up' starts one)"
	[ -e "$RUN/ready" ] || [ "$place" != host ] || die "the lab is still starting"
	case $PWD/ in
	"$SRC"/*) dir=$IN_SRC${PWD#"$SRC"} ;;
	esac
	exec nsenter --target "$pid" --mount --net --pid --ipc --root --wd \
		/usr/bin/setpriv --pdeathsig KILL \
		/usr/bin/env -i LAB_TTY="${LAB_TTY:-0}" HOME=/root LANG=C.UTF-8 \
		TERM="${TERM:-dumb}" \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		$IN_SRC/selftests/lab/enter.sh "$place" "$dir" "$@"
}
