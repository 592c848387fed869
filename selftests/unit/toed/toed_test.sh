#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# toed without the module: its words, its configuration, started twice, waiting,
# what it may do. KTAP. Needs root for all but the words.
#
# Usage: toed_test.sh [TOED]	(default: build/bin/toed)
set -u
TOP=$(cd "$(dirname "$0")/../../.." && pwd -P)
TOED=${1:-$TOP/build/bin/toed}
DIR=$(mktemp -d)
PIDS=
trap 'for p in $PIDS; do kill -KILL "$p" 2>/dev/null; done; rm -rf "$DIR"' EXIT
ERR=$DIR/err OUT=$DIR/out CONF=$DIR/toed.conf
n=0
failed=0

result()	# STATUS NAME [DIAGNOSTIC]
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n $2"
	else
		echo "not ok $n $2 # ${3:-}"
		failed=1
	fi
}

# The words end with this status, say exactly one line on stderr, and that line
# holds TEXT. Without TEXT: nothing on stderr.
expect()	# STATUS TEXT WORD...
{
	local status=$1 text=$2 got lines why=
	shift 2

	timeout 10 "$TOED" "$@" >"$OUT" 2>"$ERR"
	got=$?
	lines=$(wc -l <"$ERR")
	if [ $got != "$status" ]; then
		why="exit status $got"
	elif [ -z "$text" ]; then
		[ "$lines" = 0 ] || why="said: $(head -1 "$ERR")"
	elif [ "$lines" != 1 ] || ! grep -qF -- "$text" "$ERR"; then
		why="$lines lines: $(head -1 "$ERR")"
	elif [ -s "$OUT" ]; then
		why="also printed: $(head -1 "$OUT")"
	fi
	[ -z "$why" ]
	result $? "${NAME:-toed $*}" "$why"
}

# A file of these lines is refused: the line and the word are named.
wrong()	# LINE TEXT FILE-LINE...
{
	local line=$1 text=$2
	shift 2

	printf '%b\n' "$@" >"$CONF"
	NAME="check: $*" expect 2 "toed: $CONF:$line: $text" --check "$CONF"
}

echo "TAP version 13"
if [ ! -x "$TOED" ]; then
	echo "1..0 # SKIP needs $TOED"
	exit 0
fi
if [ -d /sys/module/toe ]; then
	echo "1..0 # SKIP needs a machine without module toe"
	exit 0
fi

expect 0 "" --help
expect 0 "" --version
expect 2 "'--wrong'" --wrong
expect 2 "'--conf'" --conf "$CONF"
expect 2 "'--check' needs a file" --check
expect 2 "'--config' needs a file" --config
expect 2 "'more'" --check "$CONF" more
expect 2 "$DIR/none: No such file" --check "$DIR/none"
expect 2 "$DIR/none: No such file" --config "$DIR/none"
expect 2 "$DIR: Is a directory" --check "$DIR"
expect 0 "" --check "$TOP/userspace/toed/toed.conf"

: >"$CONF"
expect 0 "" --check "$CONF"
wrong 1 "there is no setting 'intervall'" "intervall 1s"
wrong 3 "'interval' has no value" "# one" "" "interval"
wrong 1 "'interval' has no value" "interval # 1s"
wrong 2 "'more' is one word too many" "log-level info" "interval 1s more"
wrong 3 "'interval' stands in line 1 already" "interval 1s" "" "interval 1s"
for value in 1x -1s 0 99ms 61s 1.5s 4294967297s ""1h; do
	wrong 1 "'$value' is wrong for interval: it takes a time from 100ms to 60s" "interval $value"
done
wrong 1 "'maybe' is wrong for wait-for-module: it takes yes or no" "wait-for-module maybe"
wrong 1 "'loud' is wrong for log-level: it takes err, warn, info or debug" "log-level loud"
wrong 1 "'panic' is wrong for engine-full: it takes make-room or keep" "engine-full panic"
wrong 1 "'fast' is wrong for idle-rate: it takes a rate like 64kbit" "idle-rate fast"
wrong 1 "'0' is wrong for room-limit: it takes a number from 1 to 100000" "room-limit 0"
wrong 1 "'100001' is wrong for room-limit" "room-limit 100001"
for value in toe.prom /run/toe/toe.txt /run/toe/.prom /run/toe/ on "/$(printf '%0300d' 0).prom"; do
	wrong 1 "'${value:0:100}' is wrong for metrics: it takes off or the path of a file that ends in .prom" "metrics $value"
done
wrong 1 "'500ms' is wrong for metrics-interval: it takes a time from 1s to 3600s" "metrics-interval 500ms"
wrong 1 "'2h' is wrong for metrics-interval" "metrics-interval 2h"
wrong 2 "a zero byte" "interval 1s" 'log-\0level'
wrong 1 "there is no setting 'a?[1mb'" 'a\033[1mb'
printf 'interval 1s\ninterval %0*d\n' 100000 1 >"$CONF"
NAME="check: a very long line" expect 2 "$CONF:2: 'interval' stands in line 1" --check "$CONF"

if [ "$(id -u)" != 0 ]; then
	echo "1..$n"
	exit $failed
fi

# From here on it runs, in a network namespace of its own: another toed of this
# machine has nothing to do with it.
[ "${TOED_TEST_NETNS:-}" ] || {
	export TOED_TEST_NETNS=1
	unshare --net true 2>/dev/null || {
		echo "1..$n # no network namespaces here"
		exit $failed
	}
}

# Starts toed in the background, in network namespace $NS; its messages go to
# $DIR/log.NAME.
start()	# NAME WORD...
{
	local name=$1
	shift

	: >"$DIR/log.$name"
	"${AS[@]}" nsenter --net="$NS" "$TOED" "$@" 2>"$DIR/log.$name" &
	PID=$!
	PIDS+=" $PID"
}

said()	# NAME TEXT [COUNT]
{
	local i

	for ((i = 0; i < 100; i++)); do
		[ "$(grep -cF -- "$2" "$DIR/log.$1")" -lt "${3:-1}" ] || return 0
		sleep 0.05
	done
	return 1
}

# It ends within 5 s, with this status.
ends()	# PID STATUS
{
	local i

	for ((i = 0; i < 100; i++)); do
		kill -0 "$1" 2>/dev/null || break
		sleep 0.05
	done
	[ $i -lt 100 ] || return 1
	wait "$1"
	[ $? = "$2" ]
}

unshare --net sleep 1000 &
PIDS+=" $!"
NS=/proc/$!/ns/net
for ((i = 0; i < 100; i++)); do
	[ "$(readlink "$NS")" = "$(readlink /proc/self/ns/net)" ] || break
	sleep 0.05
done
AS=(env)

echo "log-level debug" >"$CONF"
start one --config "$CONF"
one=$PID
said one "waiting for it"
result $? "without the module it waits" "$(head -3 "$DIR/log.one")"
grep -q '^Cap\(Prm\|Eff\|Bnd\):.*0000000000001000$' "/proc/$one/status" &&
	! grep '^Cap\(Inh\|Amb\|Prm\|Eff\|Bnd\):' "/proc/$one/status" |
		grep -qv '0000000000001000$\|0000000000000000$'
result $? "it has CAP_NET_ADMIN and no other" "$(grep ^Cap "/proc/$one/status" | tr '\n' ' ')"
grep -q '^NoNewPrivs:.*1' "/proc/$one/status"
result $? "it gets no new privileges"
fds=$(find "/proc/$one/fd" -mindepth 1 | wc -l)
a=$(awk '{ print $14 + $15 }' "/proc/$one/stat")
sw=$(awk '/ctxt_switches/ { s += $2 } END { print s }' "/proc/$one/status")
sleep 1.2
b=$(awk '{ print $14 + $15 }' "/proc/$one/stat")
sw=$(($(awk '/ctxt_switches/ { s += $2 } END { print s }' "/proc/$one/status") - sw))
[ "$a" = "$b" ] && [ $sw = 0 ]
result $? "it does not poll while it waits" "$sw switches, $((b - a)) ticks"

start two --config "$CONF"
ends "$PID" 1 && said two "toed runs already in this network namespace (process $one)"
result $? "started twice it says so" "$(cat "$DIR/log.two")"
kill -0 "$one"
result $? "and the first one goes on"

echo "interval 2 s" >"$CONF"
kill -HUP "$one"
said one "$CONF:1: '2' is wrong" && said one "stays as it was" && kill -0 "$one"
result $? "SIGHUP with a wrong file changes nothing and says so" "$(cat "$DIR/log.one")"
echo "interval 2s" >"$CONF"
kill -HUP "$one"
said one "read again"
result $? "SIGHUP with a right one" "$(cat "$DIR/log.one")"
now=$(find "/proc/$one/fd" -mindepth 1 | wc -l)
[ "$now" = "$fds" ] && [ "$now" -gt 4 ]
result $? "it holds no more descriptors than before" "$fds before, now $now"
echo "wait-for-module no" >"$CONF"
kill -HUP "$one"
ends "$one" 1 && said one "module toe is not loaded"
result $? "SIGHUP, and it is not to wait any more" "$(cat "$DIR/log.one")"

: >"$CONF"
for signal in TERM INT; do
	start $signal --config "$CONF"
	said $signal "waiting for it"
	kill -$signal "$PID"
	ends "$PID" 0
	result $? "SIG$signal ends it" "$(cat "$DIR/log.$signal")"
done
start killed --config "$CONF"
said killed "waiting for it"
kill -KILL "$PID"
wait "$PID" 2>/dev/null
start after --config "$CONF"
said after "waiting for it"
result $? "after SIGKILL it starts again" "$(cat "$DIR/log.after")"
kill "$PID"
ends "$PID" 0

# A level leaves out what is below it.
for level in err warn info; do
	echo "log-level $level" >"$CONF"
	start $level --config "$CONF"
	for ((i = 0; i < 100; i++)); do
		grep -q '^SigBlk:.*[^0]' "/proc/$PID/status" && break
		sleep 0.05
	done
	sleep 0.2
	kill "$PID"
	ends "$PID" 0
	[ "$(grep -c '^toed: info: ' "$DIR/log.$level")" = $([ $level = info ] && echo 2 || echo 0) ]
	result $? "log-level $level" "$(cat "$DIR/log.$level")"
done

# The metrics: written at once, whole, for all to read; gone when it ends.
metrics=$DIR/toe.prom
ln -s "$DIR/victim" "$metrics.new"
echo "metrics $metrics" >"$CONF"
(umask 077 && start metrics --config "$CONF" && echo $PID >"$DIR/pid")
PID=$(cat "$DIR/pid")
PIDS+=" $PID"
for ((i = 0; i < 100; i++)); do
	[ ! -s "$metrics" ] || break
	sleep 0.05
done
grep -qx "toe_up 0" "$metrics" && [ "$(stat -c %a%F "$metrics")" = "644regular file" ] &&
	[ ! -e "$DIR/victim" ] && [ ! -e "$metrics.new" ]
result $? "without the module the metrics say so, whatever the umask" "$(ls -l "$DIR" | tr '\n' ' ')"
echo "metrics $DIR/other.prom" >"$CONF"
kill -HUP "$PID"
said metrics "read again" && [ -s "$DIR/other.prom" ] && [ ! -e "$metrics" ]
result $? "SIGHUP moves them" "$(ls "$DIR" | tr '\n' ' ')"
echo "metrics $DIR/none/toe.prom" >"$CONF"
kill -HUP "$PID"
said metrics "toe.prom: No such file or directory: the metrics are not written" &&
	[ ! -e "$DIR/other.prom" ]
result $? "a folder that is not there is told" "$(cat "$DIR/log.metrics")"
echo "metrics $metrics" >"$CONF"
kill -HUP "$PID"
said metrics "read again" 3 && [ -s "$metrics" ] && kill "$PID"
for ((i = 0; i < 100; i++)); do
	kill -0 "$PID" 2>/dev/null || break
	sleep 0.05
done
[ $i -lt 100 ] && [ ! -e "$metrics" ]
result $? "when it ends the file goes" "$(ls "$DIR" | tr '\n' ' ')"

echo "wait-for-module no" >"$CONF"
start nowait --config "$CONF"
ends "$PID" 1 && [ "$(cat "$DIR/log.nowait")" = "toed: error: module toe is not loaded" ]
result $? "without the module it ends, if it is to" "$(cat "$DIR/log.nowait")"

if command -v setpriv >/dev/null; then
	AS=(nsenter --net="$NS" setpriv --bounding-set=-net_admin --)
	"${AS[@]}" "$TOED" --config "$CONF" 2>"$ERR"
	[ $? = 1 ] && grep -q "CAP_NET_ADMIN is missing" "$ERR"
	result $? "without CAP_NET_ADMIN it says so" "$(cat "$ERR")"
fi

# What a service manager hears
: >"$CONF"
AS=(env NOTIFY_SOCKET="@toed-test-$$")
cat >"$DIR/manager.py" <<-'EOP'
	import os, signal, socket, subprocess, sys
	def hear(s):
	    return s.recv(4096).decode().split("\n")
	ok = True
	def want(lines, what):
	    global ok
	    for w in what:
	        if not any(l.startswith(w) for l in lines):
	            print("not", w, "in", lines)
	            ok = False
	for name in ["\0toed-test", sys.argv[2]]:
	    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	    s.bind(name)
	    s.settimeout(10)
	    env = dict(os.environ, NOTIFY_SOCKET=name.replace("\0", "@"))
	    p = subprocess.Popen([sys.argv[1], "--config", sys.argv[3]], env=env,
	                         stderr=subprocess.DEVNULL)
	    want(hear(s), ["STATUS=Waiting"])
	    want(hear(s), ["READY=1", "STATUS=Waiting"])
	    p.send_signal(signal.SIGHUP)
	    want(hear(s), ["RELOADING=1", "MONOTONIC_USEC="])
	    want(hear(s), ["READY=1"])
	    p.terminate()
	    want(hear(s), ["STOPPING=1"])
	    if p.wait(10) != 0:
	        ok = False
	# The journal: prefixes, and only if it is our stderr
	r, w = os.pipe()
	st = os.fstat(w)
	for stream, prefix in [(f"{st.st_dev}:{st.st_ino}", "<6>module"), ("1:2", "toed: info: module")]:
	    p = subprocess.Popen([sys.argv[1], "--config", sys.argv[3]], stderr=w,
	                         env=dict(os.environ, JOURNAL_STREAM=stream))
	    text = os.read(r, 4096).decode()
	    if not text.startswith(prefix):
	        print("stderr", stream, text)
	        ok = False
	    p.terminate()
	    p.wait(10)
	    os.set_blocking(r, False)
	    try:
	        os.read(r, 4096)
	    except BlockingIOError:
	        pass
	    os.set_blocking(r, True)
	sys.exit(not ok)
EOP
if command -v python3 >/dev/null; then
	timeout 60 nsenter --net="$NS" python3 "$DIR/manager.py" "$TOED" "$DIR/notify" "$CONF" >"$OUT" 2>&1
	result $? "what a service manager and the journal hear" "$(tail -3 "$OUT" | tr '\n' ' ')"
fi
if command -v systemd-analyze >/dev/null; then
	# Where the unit looks for it, for the time of the question
	sed "s|/usr/sbin/toed|$TOED|" "$TOP/userspace/toed/toed.service" >"$DIR/toed.service"
	systemd-analyze verify --man=no "$DIR/toed.service" >"$OUT" 2>&1 && [ ! -s "$OUT" ]
	result $? "systemd understands the unit" "$(head -2 "$OUT")"
	# Its own judgement of the sandbox: 0 is best, 10 worst; "ok" ends at 2.
	systemd-analyze security --no-pager --offline=true --threshold=20 "$DIR/toed.service" >"$OUT" 2>&1
	result $? "systemd finds the unit's sandbox tight" "$(tail -1 "$OUT")"
fi

echo "1..$n"
exit $failed
