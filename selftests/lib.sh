# SPDX-License-Identifier: GPL-2.0-only
# What the tests are written in. check sources this file, then the tests.
#
#	connected [from-peer] [v6 | mapped | link]	actors h (host) and p (peer), connected
#	h WORDS, p WORDS		tell an actor; its answer must be "ok ..."
#	tell ACTOR WORDS		the same, any answer; it is in $R
#	val KEY				a value of the answer
#	on host|peer|card COMMANDS	a shell there
#	is, le, ge LABEL GOT WANT	assertions
#
# Numbers are bytes, microseconds where the name ends in _us.
#
# A test is a function test_NAME, run in a subshell; `cleanup` is its one way
# out. What it starts on the host beside the actors is ended by the commands in
# HOST_UNDO, what it changes at the peer is undone by those in PEER_UNDO. A line
# "also_v6 NAME" behind it has it run by IPv6, too, as NAME_v6.
# shellcheck disable=SC2034	# the tests use what stands here

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
LAB=${LAB:-$TOP/selftests/lab/lab}
BUILD=$TOP/build
GUEST=/tmp/toe			# where the host has modules and tools
LAB_RUN=$BUILD/run${LAB_NAME:+-$LAB_NAME}	# what the lab leaves
LAB_RUN_IN=/src/build/run			# the same, for the card and the peer
CARD_SOCKET=$LAB_RUN_IN/toecard.sock
HOST_ADDR=10.77.0.1 PEER_ADDR=10.77.0.2
HOST_ADDR6=fd77::1 PEER_ADDR6=fd77::2
# link-local, from their MACs (net.sh), and the interfaces that are their scopes
HOST_LINK=fe80::5054:ff:fe77:1 PEER_LINK=fe80::5054:ff:fe77:2 HOST_SCOPE=eth0 PEER_SCOPE=peer0
M=1048576

declare -A IN OUT PID
R=
V6=				# v6: the test runs by IPv6
TEST=				# its name

### both families

# A test runs by IPv6, too: where it would have IPv4 addresses it has others, and says
# "v6" where it has to. Usage: also_v6 NAME	(on a line of its own behind the test)
also_v6()
{
	eval "test_$1_v6() { V6=v6 HOST_ADDR=$HOST_ADDR6 PEER_ADDR=$PEER_ADDR6; test_$1; }"
}

# How long something takes is judged by this test, in both families, or by all of the
# file: check runs no test of another lab beside them. Usage: alone [NAME]	(on a line of
# its own)
alone()
{
	:
}

# The family of one of several connections, in turn
family()	# NUMBER
{
	[ $(($1 % 2)) = 1 ] && echo v4 || echo v6
}

# This test has connections with these addresses, so of these families: test both-families
# looks at that.
families()	# ADDRESS...
{
	local address

	for address; do
		[[ $address = *:* ]] && echo "$TEST v6" || echo "$TEST v4"
	done >>"$WORK/families"
}

# An address as it stands before a port
bracketed()	# ADDRESS
{
	[[ $1 = *:* ]] && echo "[$1]" || echo "$1"
}

### pipes to programs at the three places

# Starts a program with its input and output here. Usage: pipe_open NAME CMD...
pipe_open()
{
	local name=$1 in=$WORK/$1.in out=$WORK/$1.out fd
	shift

	rm -f "$in" "$out"
	mkfifo "$in" "$out" || return
	"$@" <"$in" >"$out" 2>>"$WORK/stderr" &
	PID[$name]=$!
	# Read-write: a program that has ended is no SIGPIPE for us.
	exec {fd}<>"$in"
	IN[$name]=$fd
	exec {fd}<"$out"
	OUT[$name]=$fd
	rm -f "$in" "$out"
}

pipe_close()	# NAME
{
	local fd

	[ -n "${PID[$1]:-}" ] || return 0
	kill "${PID[$1]}" 2>/dev/null
	wait "${PID[$1]}" 2>/dev/null
	fd=${IN[$1]}
	exec {fd}>&-
	fd=${OUT[$1]}
	exec {fd}<&-
	unset "PID[$1]" "IN[$1]" "OUT[$1]"
}

# Runs commands in the shell at a place; their output, then their status.
# Usage: on host|peer|card COMMANDS
on()
{
	local place=$1 line limit=${LIMIT:-40}
	shift

	printf '( %s\n) </dev/null 2>&1\necho "--end $?"\n' "$*" >&"${IN[$place]}"
	while IFS= read -r -t "$limit" -u "${OUT[$place]}" line; do
		case $line in
		*"--end "*)
			# what it printed may lack its newline
			[ -z "${line%%--end *}" ] || echo "${line%%--end *}"
			return "${line##*--end }"
			;;
		esac
		echo "$line"
	done
	echo "no answer from $place"
	return 124
}

places_open()
{
	local place

	for place in host peer card; do
		pipe_open $place "$LAB" $place -- bash
	done
}

places_close()
{
	pipe_close host
	pipe_close peer
	pipe_close card
}

### results

# 0: good; 1: not as it should be, which may be for want of time on a busy machine:
# check tries once more; 3: a fault whatever the machine does
FAILED=0

note()
{
	echo "# $*"
}

fail()
{
	note "FAIL $*"
	[ $FAILED != 0 ] || FAILED=1
}

# Bytes that are wrong or missing, a connection that broke, something left behind,
# trouble in the kernel's log.
wrong()
{
	note "FAIL $*"
	FAILED=3
}

# The test cannot go on.
die()
{
	fail "$*"
	exit 1
}

skip()
{
	echo "$*" >"$WORK/skip"
	exit 4
}

is()
{
	[ "$2" = "$3" ] || fail "$1: '$2', not '$3'"
}

le()
{
	[[ $2 =~ ^[0-9]+$ ]] && [ "$2" -le "$3" ] || fail "$1: '$2', more than $3"
}

ge()
{
	[[ $2 =~ ^[0-9]+$ ]] && [ "$2" -ge "$3" ] || fail "$1: '$2', less than $3"
}

# Waits until a command succeeds. Usage: soon MS CMD...
soon()
{
	local end=$((${EPOCHREALTIME//[.,]/} / 1000 + $1))
	shift

	until "$@"; do
		[ $((${EPOCHREALTIME//[.,]/} / 1000)) -lt $end ] || return 1
		sleep 0.05
	done
}

### actors

actor()	# NAME host|peer
{
	local bin=/src/build/test/actor

	[ "$2" = peer ] || bin=$GUEST/actor
	pipe_open "$1" "$LAB" "$2" -- $bin
	ACTORS+=" $1"
}

say()	# ACTOR WORDS
{
	echo "${*:2}" >&"${IN[$1]}"
}

hear()	# ACTOR
{
	IFS= read -r -t 70 -u "${OUT[$1]}" R || R="error $1 does not answer"
	[[ $R = ok* ]]
}

tell()	# ACTOR WORDS
{
	say "$@"
	hear "$1"
}

h()
{
	tell h "$@" || { wrong "host: $*: $R"; exit 3; }
}

p()
{
	tell p "$@" || { wrong "peer: $*: $R"; exit 3; }
}

val()
{
	local word

	for word in $R; do
		[ "${word%%=*}" != "$1" ] || { echo "${word#*=}"; return; }
	done
	echo "no $1"
}

# Connects two actors. What begins with mark=, uid= or rcvbuf= is for the host's
# socket, with mss= for the peer's, with isn= for the one that calls.
# mapped: IPv6 sockets, IPv4 addresses. link: IPv6, link-local addresses.
# Usage: meet HOST-ACTOR PEER-ACTOR [from-peer] [v6 | mapped | link] [mptcp] [mark=N] [uid=N]
#	[rcvbuf=N] [mss=N] [isn=N]
meet()
{
	local host=$1 peer=$2 listener=$2 caller=$1 to=$PEER_ADDR from=$HOST_ADDR proto= word
	local here= there=
	local -A words=()
	shift 2

	[[ " $* " != *" v6 "* ]] || to=$PEER_ADDR6 from=$HOST_ADDR6
	[[ " $* " != *" mapped "* ]] || to=::ffff:$to from=::ffff:$from
	[[ " $* " != *" link "* ]] ||
		to=$PEER_LINK from=$HOST_LINK here=%$HOST_SCOPE there=%$PEER_SCOPE
	[[ " $* " != *" mptcp "* ]] || proto=mptcp
	for word; do
		case $word in
		mark=* | uid=* | rcvbuf=*)	words[$host]+=" $word" ;;
		mss=*)	words[$peer]+=" $word" ;;
		md5 | ao)	words[$host]+=" $word" words[$peer]+=" $word" ;;
		esac
	done
	if [[ " $* " = *" from-peer "* ]]; then
		listener=$host caller=$peer to=$from
		word=$here here=$there there=$word
	fi
	for word; do
		[[ $word != isn=* ]] || words[$caller]+=" $word"
	done
	families $to
	PORT=$((PORT + 1))
	tell $listener listen $to$there $PORT $proto ${words[$listener]:-} || die "$listener: listen: $R"
	say $listener accept
	tell $caller connect $to$here $PORT $proto ${words[$caller]:-} || die "$caller: connect: $R"
	hear $listener || die "$listener: accept: $R"
}

# Two actors that are connected, h and p with a name behind. Usage: pair NAME [WORDS of meet]
pair()
{
	local name=$1
	shift

	actor h$name host
	actor p$name peer
	meet h$name p$name "$@"
}

connected()	# [WORDS of meet]
{
	pair "" "$@"
}

# A job has ended well, with so many bytes. Usage: got ACTOR JOB BYTES
got()
{
	local how good="ok error=0 wrong_at=-1 bytes=$3"

	tell "$1" wait "$2"
	how="${R%% *} error=$(val error) wrong_at=$(val wrong_at) bytes=$(val bytes)"
	[ "$how" = "$good" ] || wrong "$1 $2: '$how', not '$good'"
}

# How a job ended, in words that do not depend on time.
ended()	# ACTOR JOB [without-bytes]
{
	tell "$1" wait "$2"
	echo "$1 $2: ${R%% *} error=$(val error) eof=$(val eof) wrong_at=$(val wrong_at)${3:- bytes=$(val bytes)}"
}

# Two that send to each other, forever, stop: each has got what the other sent.
finish_both()	# ACTOR ACTOR
{
	local first second who

	for who in "$@"; do
		tell $who stop tx
		tell $who wait tx
		is "$who tx" "$(val error)" 0
		[ $who = "$1" ] && first=$(val bytes) || second=$(val bytes)
		tell $who shutdown
	done
	got "$2" rx "$first"
	note "largest gap at $2 $(val gap_us) us"
	got "$1" rx "$second"
	note "largest gap at $1 $(val gap_us) us"
	tell "$1" close
	tell "$2" close
}

### counters

# The module's counters as they are now; later ones are counted from here.
# Actor s, on the host, is there for them.
stats_begin()
{
	[ -n "${PID[s]:-}" ] || actor s host
	tell s stats || die "stats: $R"
	STATS=$R
}

# How much a counter has grown since
grew()	# KEY
{
	local before R=$STATS

	before=$(val "$1")
	tell s stats || R=
	echo $(($(val "$1") - before))
}

grown()	# KEY N
{
	[ "$(grew "$1")" = "$2" ]
}

# The TCP counters of a place, a line NAME VALUE each
netstat_of()	# PLACE
{
	on "$1" "awk '/^(TcpExt|Tcp):/ { if (\$1 == last) for (i = 2; i <= NF; i++) print name[i], \$i
		else split(\$0, name); last = last == \$1 ? 0 : \$1 }' /proc/net/netstat /proc/net/snmp"
}

netstat_save()
{
	local place

	for place in host peer card; do
		netstat_of $place >"$WORK/netstat.$place"
	done
}

# The counters of a place that have changed since the test began
netstat_changes()	# PLACE
{
	netstat_of "$1" | join -j 1 <(sort "$WORK/netstat.$1") <(sort) |
		awk '$2 != $3 { printf "%s+%s ", $1, $3 - $2 }'
}

# Nobody had to wait for a retransmission timer.
no_timeouts()
{
	local place changes bad=0

	for place in host peer card; do
		grep -q '^TCPTimeouts ' "$WORK/netstat.$place" ||
			fail "no counters from the $place"
		changes=$(netstat_changes $place)
		[[ " $changes" != *" TCPTimeouts+"* ]] || bad=1
	done
	[ $bad = 0 ] && return
	for place in host peer card; do
		changes=$(netstat_changes $place)
		[[ " $changes" != *" TCPTimeouts+"* ]] || fail "TCPTimeouts of the $place"
		note "$place: $changes"
	done
}

# Bytes of the host's own interface. Usage: eth0_bytes tx|rx
eth0_bytes()
{
	on host "cat /sys/class/net/eth0/statistics/$1_bytes"
}

# The engine has carried exactly so many bytes, after CARRIED_MS at most.
# Usage: carried tx|rx BYTES [ACTOR]
carried_now()
{
	tell "${3:-h}" flow && [ "$(val "$1_engine")" = "$2" ]
}

carried()
{
	soon ${CARRIED_MS:-3000} carried_now "$@" ||
		fail "the engine carried $(val "$1_engine") bytes $1, not $2${3:+ ($3)}"
}

offloaded()
{
	tell h flow
	is "the flow's state" "$(val state)" engine
}

### the card

# A number of the card's status. Usage: card JQ-FILTER
card()
{
	on card "/src/build/bin/toecard control $CARD_SOCKET status" >"$WORK/card.json" ||
		die "card: $(cat "$WORK/card.json")"
	on card "jq -rc '$1' <<<'$(cat "$WORK/card.json")'"
}

fault()	# NAME COUNT [MS]
{
	local answer

	answer=$(on card "/src/build/bin/toecard control $CARD_SOCKET fault $*") ||
		die "fault $*: $answer"
}

faults_clear()
{
	local name

	for name in prepare-refuse open-refuse prepare-late open-late close-late \
		    rx-unknown-flow rx-wrong-seq rx-absurd-len rx-wrong-ack rx-wrong-info rx-after-close tx-after-open close-wrong-seq \
		    capture-refuse capture-absurd-len capture-short-len \
		    capture-wrong-type capture-unknown-flow; do
		echo "/src/build/bin/toecard control $CARD_SOCKET fault $name 0;"
	done | { on card "$(cat)" >/dev/null; }
}

### leaving nothing behind

# What the card says of itself (flows, map entries, neighbours, addresses, held
# frames), and what its kernel says: sockets, permanent neighbours, addresses
card_is_empty()
{
	CARD_LEFT=$(card '.card | [(.flows | length), .map_entries, .neighbours, .addresses, .held] | join(" ")')
	CARD_LEFT+=$(on card 'ss -Htan; ip neigh show nud permanent; ip -br addr show dev lo |
		grep -oE "(10\.77|fd77).*"; ip -o -6 addr show scope link
		ip -6 route show table local proto static')
	[ "$CARD_LEFT" = "0 0 0 0 0" ]
}

no_neighbours()
{
	NEIGHBOURS=$(on host "ip neigh show nud permanent; ip -6 neigh show nud permanent")
	[ -z "$NEIGHBOURS" ]
}

# Sockets of the test's ports, but for TIME-WAIT. With PEERS_ABORT, which real programs
# do: a reset is sent once, and the kernel says of itself that a closed socket may miss
# what comes the moment it goes to FIN-WAIT-2 ("bad case" in tcp_rcv_state_process()). So
# there may be one that waits for the peer's FIN in vain, for the minute it is given.
sockets_left()	# PLACE
{
	on "$1" "ss -Htano state all exclude time-wait exclude listening" |
		awk -v lo="$FIRST_PORT" -v hi="$PORT" -v aborts="$PEERS_ABORT" '
		aborts && $1 == "FIN-WAIT-2" && /timer:\(timewait/ { next }
		{ for (i = 4; i <= 5; i++) { n = split($i, a, ":")
		  if (a[n] > lo && a[n] <= hi) { print; next } } }'
}

no_sockets()
{
	SOCKETS=$(sockets_left host; sockets_left peer)
	[ -z "$SOCKETS" ]
}

# None but the lab's own connections, which a scan of the open ones finds
no_flows()
{
	FLOWS=$(on host "$GUEST/toectl -j flow show |
		jq -c '[.[] | select(.local_port != 22)]'")
	[ "$FLOWS" = "[]" ]
}

# Call it when the connections of the test are closed at both ends. LEFT_MS is how
# long each thing may take to go.
leaves_nothing()
{
	soon ${LEFT_MS:-10000} no_sockets || wrong "sockets are left: $SOCKETS"
	soon ${LEFT_MS:-10000} card_is_empty ||
		wrong "left on the card (flows, map entries, neighbours, addresses, held): $CARD_LEFT"
	no_neighbours || wrong "permanent neighbours are left on the host: $NEIGHBOURS"
	soon ${LEFT_MS:-10000} no_flows || wrong "flows are left: $FLOWS"
}

### modules

modules_loaded()
{
	on host "[ -d /sys/module/toe_virtio ]"
}

modules_in()
{
	local out

	out=$(on host "for m in toe toe_virtio; do
		[ -d /sys/module/\$m ] || insmod $GUEST/\$m.ko || exit; done") || die "$out"
}

modules_out()
{
	local out

	out=$(on host "$GUEST/toectl xdp detach eth0 >/dev/null 2>&1
		$GUEST/toectl unload >/dev/null 2>&1; for m in toe_virtio toe; do
		[ ! -d /sys/module/\$m ] || rmmod \$m || exit 1; done" 2>&1) || die "rmmod: $out"
}

toectl()
{
	on host "$GUEST/toectl $*"
}

# Is the flow there?
in_state()	# ACTOR STATE
{
	tell "$1" flow && [ "$(val state)" = "$2" ]
}

# The card's program stands still.
card_stops()
{
	on card 'kill -STOP $(pidof toecard)'
}

card_goes_on()
{
	on card 'kill -CONT $(pidof toecard)'
}

# When it stands still it is soon taken for dead, and nobody waits for its answers before.
card_may_die()
{
	on host "echo 2000 >/sys/module/toe_virtio/parameters/dead_after_ms" || die "dead_after_ms"
	toectl set timeout 5000 >/dev/null
}

# The driver finds a card in the place of one that was dead.
card_is_new()
{
	card_goes_on
	modules_out
	modules_in
}

# The classifier with its default rule. The shells of the tests are never to be
# offloaded: rule 1 is theirs. A connection that was signalled once stays the
# module's to try again, also in the tests that follow.
classifier_in()
{
	local out

	out=$(on host "printf '%s\\n' 'toe-policy 1' \
		'prio 1 remote 192.168.77.0/24 never' \
		'prio 32767 threshold 1MiB' 'end 2' >$GUEST/default &&
		$GUEST/toectl load policy $GUEST/default") || die "toectl load: $out"
}

### begin and end of a test

BAD_LOG='WARNING|BUG|KFENCE|KASAN|UBSAN|Oops|refcount_t|general protection|Call Trace'
BAD_LOG+='|blocked for more than|stall|unregister_netdevice|leak|Bad page|list_(add|del) corruption'
BAD_LOG+='|broke the protocol|does not answer|hung'

log_new()
{
	on host "dmesg | sed '0,/toe-test-begin $SERIAL\$/d'"
}

# No word of trouble in the kernel's log, but for what the test expects.
log_clean()
{
	local bad

	bad=$(log_new | grep -E "$BAD_LOG" | grep -vE "${EXPECT_LOG:-^$}")
	[ -z "$bad" ] || wrong "the host's kernel says: $bad"
}

# The state that every test finds.
begin()
{
	ACTORS='' EXPECT_LOG='' HOST_UNDO='' PEER_UNDO='' FAILED=0
	FIRST_PORT=$((5000 + SERIAL * 20)) PORT=$((5000 + SERIAL * 20)) PEERS_ABORT=0
	on host "echo 'toe-test-begin $SERIAL' >/dev/kmsg" >/dev/null || die "the host is gone"
	netstat_save
}

# With modules loaded and the usual settings; for a test that wants them
setup()
{
	modules_in
	on host "for words in 'max-flows 4096' 'timeout 1000' 'netns-flows off'; do
		$GUEST/toectl set \$words; done" >/dev/null
}

cleanup()
{
	local rc=$? name

	trap - EXIT
	for name in $ACTORS; do
		[ -z "${PID[$name]:-}" ] || say "$name" quit
	done
	for name in $ACTORS; do
		[ -z "${PID[$name]:-}" ] || pipe_close "$name"
	done
	[ -z "$HOST_UNDO" ] || on host "$HOST_UNDO" >/dev/null
	[ -z "$PEER_UNDO" ] || on peer "$PEER_UNDO" >/dev/null
	[ "$rc" != 4 ] || exit 4
	log_clean
	[ "$rc" = 0 ] || [ $FAILED != 0 ] || FAILED=1
	[ $FAILED = 0 ] || log_new | tail -n 25 | sed 's/^/#   dmesg: /'
	exit $FAILED
}
