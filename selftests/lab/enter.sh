#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs a command at one of the lab's three places. Is started inside the world
# (vm.sh enters it) and ends with the process that started it.
#
# Usage: enter.sh host|peer|card DIR CMD...	(host without CMD: a login shell)
place=$1 dir=$2
shift 2

case $place in
host)
	config=$(dirname "$0")/ssh_config
	tty=(-tt)
	if [ "${LAB_TTY:-0}" = 0 ]; then
		tty=(-T)
		[ $# -eq 0 ] || set -- exec at "$@"
	fi
	[ $# -gt 0 ] || exec ssh -F "$config" "${tty[@]}" host
	# ssh hands one string to the guest's shell: quote each word.
	exec ssh -F "$config" "${tty[@]}" host "$(printf '%q ' "$@")"
	;;
peer | card)
	echo 0 >"/run/cgroup2/toe-$place/cgroup.procs"
	pid=$(cat "/run/$place.pid")
	[ $# -gt 0 ] || set -- bash
	exec nsenter --target "$pid" --mount --net --root --wd \
		setpriv --pdeathsig KILL env -C "$dir" "$@"
	;;
esac
