#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# toectl's grammar and messages, without the module. KTAP.
#
# Usage: toectl_test.sh [TOECTL]	(default: build/bin/toectl)
set -u
TOP=$(cd "$(dirname "$0")/../.." && pwd -P)
TOECTL=${1:-$TOP/build/bin/toectl}
ERR=$(mktemp) OUT=$(mktemp) POLICY=$(mktemp)
trap 'rm -f "$ERR" "$OUT" "$POLICY"' EXIT
n=0
failed=0

result()	# STATUS NAME [DIAGNOSTIC]
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n $2"
	else
		echo "not ok $n $2 # $3"
		failed=1
	fi
}

# The words end with this status, say exactly one line on stderr, and that line
# holds TEXT. Without TEXT: nothing on stderr.
expect()	# STATUS TEXT WORD...
{
	local status=$1 text=$2 got lines why=
	shift 2

	"$TOECTL" "$@" >"$OUT" 2>"$ERR"
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
	result $? "toectl $*" "$why"
}

echo "TAP version 13"
if [ ! -x "$TOECTL" ]; then
	echo "1..0 # SKIP needs $TOECTL"
	exit 0
fi
if [ -d /sys/module/toe ]; then
	echo "1..0 # SKIP needs a machine without module toe"
	exit 0
fi

for words in help -V -h --version "flow help" "flow show help" "flow churn help" "engine help" \
	     "load help" "unload help" "monitor help" "top help" "stats help" "set help" \
	     "set timeout help" "settings help" "policy help" "policy add help" \
	     "policy monitor help" "why help" "capture help" "capture --help" "xdp help" \
	     "xdp attach help"; do
	# shellcheck disable=SC2086
	expect 0 "" $words
done

expect 2 "'flows'" flows
expect 2 "'fl'" fl show
expect 2 "'sho'" flow sho
expect 2 "'-z'" -z
expect 2 "'--jso'" --jso flow show
expect 2 "'--json=1'" --json=1
expect 2 "'-z'" --json -zj
expect 2 "'-a'" -a flow show
expect 2 "'now'" engine show now
expect 2 "'now'" monitor now
expect 2 "'rate'" monitor rate above 1mbit
expect 2 "'sort'" monitor sort rate
expect 2 "'moving'" monitor state moving
expect 2 "'more'" top more
expect 2 "'0'" -n 0 top
expect 2 "'x'" -n x top
expect 2 "'-n'" -n 2 flow show
expect 2 "'-n' needs a number" top -n
expect 2 "'10ms'" top interval 10ms
expect 2 "'2h'" top interval 2h

expect 2 "'0' is not a time or a number of bytes" flow churn every 0
expect 2 "'often'" flow churn every often
expect 2 "bytes between hand-overs is missing" flow churn every
expect 2 "'every' is not expected a second time" flow churn every 5ms every 6ms
expect 2 "'ever'" flow churn for ever
expect 2 "'-1'" flow churn seed -1
expect 2 "'rate'" flow churn rate above 1mbit
expect 2 "'sort'" flow churn sort rate
# Words that choose flows
expect 2 "'gone'" flow show state engine,gone
expect 2 "'' is not a list" flow show state ''
expect 2 "'state' needs a state" flow show state
expect 2 "'state' stands twice" flow show state host state engine
expect 2 "'10.0.0.1/8'" flow show remote 10.0.0.1/8
expect 2 "'ten'" flow show local ten
expect 2 "'remote' needs a prefix" flow show local 10.0.0.0/8 remote
expect 2 "'443-80'" flow show lport 443-80
expect 2 "'70000'" flow show rport 22,70000
expect 2 "'a/b'" flow show engine a/b
expect 2 "'abcdefghijklmnop'" flow show engine abcdefghijklmnop
expect 2 "'..'" flow show netns ..
expect 1 "'nosuch': No such file" flow show netns nosuch
expect 1 "'7': no process is in it" flow show netns 7
expect 2 "'65536'" flow show rule 65536
expect 2 "'0'" flow show rule none,0
expect 2 "'tired'" flow show reason tired
expect 2 "'below'" flow show rate below 1mbit
expect 2 "'rate' needs 'above'" flow show rate
expect 2 "'above' needs a rate" flow show rate above
expect 2 "'quick'" flow show rate above quick
expect 2 "'99999999999tbit' is not a rate such as 20mbit: it is too large" flow show rate above 99999999999tbit
expect 2 "'size'" flow show sort size
expect 2 "'reverse'" flow show reverse
expect 2 "'sort' is not expected a second time" flow show sort rate sort tx
expect 2 "the key to sort by is missing" flow show sort
expect 2 "'0'" flow show limit 0
expect 2 "'many'" flow show limit many
expect 2 "'17' is one too many" flow show rule "$(seq -s, 1 20)"
expect 2 "'0'" flow show id 0
expect 2 "'7x'" flow return id 7x
expect 2 "local ADDRESS:PORT is missing" capture
expect 2 "'-w FILE' is missing" capture id 5
expect 2 "file of '-w' is missing" capture id 5 -w
expect 2 "'0' is not a flow's id" capture -w x id 0
expect 2 "'7x' is not a snaplen" capture id 5 -w x -s 7x
expect 2 "'262145' is not a snaplen" capture id 5 -w x -s 262145
expect 2 "'0' is not a number of frames" capture id 5 -w x -c 0
expect 2 "'1.5' is not a number of seconds" capture -w x -G 1.5 id 5
expect 2 "number of '-c' is missing" capture id 5 -w x -c
expect 2 "'-z' is not an option of capture" capture -z id 5 -w x
expect 2 "'--onc' is not an option of capture" capture --onc id 5 -w x
expect 2 "'now' is not expected" capture id 5 -w x now
expect 2 "both want standard output" -j capture id 5 -w -
expect 1 "module toe is not loaded" capture id 5 -w x -s 0 -c 4294967295
expect 2 "id is missing" flow show id
expect 2 "'all'" flow show all
expect 2 "'id'" flow offload id 7
expect 2 "local ADDRESS:PORT is missing" flow offload
expect 2 "remote ADDRESS:PORT is missing" flow offload 192.0.2.1:80
expect 2 "'192.0.2.1'" flow offload 192.0.2.1 192.0.2.2:80
expect 2 "'192.0.2.2:0'" flow offload 192.0.2.1:80 192.0.2.2:0
expect 2 "'[::1]:80'" flow offload local 192.0.2.1:80 remote '[::1]:80'
expect 2 "'more'" flow return 192.0.2.1:80 192.0.2.2:80 more
expect 2 "'more'" flow return all more
expect 2 "'threshold'" set threshold 1MiB
expect 2 "'many'" set max-flows many
expect 2 "'1h'" set timeout 1h
expect 2 "'0'" set netns-flows 0
expect 2 "'few'" set netns-flows few
expect 2 "missing" set netns-flows
expect 2 "'x'" set never-mark x
expect 2 "'3/1'" set never-mark 3/1
expect 2 "missing" set never-mark
expect 2 "'group'" load group /
expect 2 "PATH is missing" load cgroup
expect 2 "FILE is missing" load policy
expect 2 "'cgroup'" load cgroup / cgroup /
expect 1 "/no/such/file" load policy /no/such/file
expect 2 "the interface is missing" xdp attach
expect 2 "the interface is missing" xdp detach
expect 2 "'fast'" xdp attach lo fast
expect 2 "'now'" xdp attach lo native now
expect 2 "'now'" xdp detach lo now
expect 2 "'now'" xdp show lo now
expect 1 "'nosuch0'" xdp attach nosuch0
expect 1 "'nosuch0'" xdp detach nosuch0
expect 1 "'nosuch0'" xdp show nosuch0

# Words of rules; policy_test.c has more of them.
expect 2 "'polic'" polic show
expect 2 "'ad'" policy ad
expect 2 "'prio' is missing" policy add in
expect 2 "'prio' is missing" policy add
expect 2 "'70000'" policy add prio 70000
expect 2 "'443-80'" policy add prio 1 lport 443-80
expect 2 "'10.0.0.1/8'" policy add prio 1 remote 10.0.0.1/8
expect 2 "'/no/such'" policy add prio 1 cgroup /no/such
expect 2 "'nosuch'" policy replace prio 1 netns nosuch
expect 2 "'0x11/0x10'" policy replace prio 1 mark 0x11/0x10
expect 2 "'max-flows'" policy add prio 1 never max-flows 2
expect 2 "'ctmark'" policy add prio 1 never ctmark 2
expect 2 "'0x3/0x1'" policy add prio 1 no-pktmark 0x3/0x1
expect 2 "'careful'" policy add prio 1 never careful
expect 2 "'dwell'" policy add prio 1 dwell 2s
expect 2 "missing" policy del
expect 2 "'10'" policy del 10
expect 2 "'ten'" policy del prio ten
expect 2 "'more'" policy flush more
expect 2 "'10'" policy show 10
expect 2 "'0'" policy show prio 0
expect 2 "FILE is missing" policy restore
expect 2 "'more'" policy save x more
expect 2 "'now'" policy apply now
expect 2 "'now'" policy monitor now
expect 2 "remote ADDRESS:PORT is missing" policy test flow 192.0.2.1:80
expect 2 "'remote' ADDRESS:PORT is missing" policy test in local 192.0.2.1:80
expect 2 "'lport'" policy test lport 80
expect 2 "'uid'" policy test local 192.0.2.1:1 remote 192.0.2.2:2 uid 1,2
expect 2 "'mark'" policy test local 192.0.2.1:1 remote 192.0.2.2:2 mark 1/1
expect 2 "'dev'" policy test local 192.0.2.1:1 remote 192.0.2.2:2 dev
expect 2 "'0'" why id 0
expect 2 "remote ADDRESS:PORT is missing" why 192.0.2.1:80

# Wrong files: read to their end before anything is touched.
restore()	# WHY TEXT
{
	printf "$2" >"$POLICY"
	expect 1 "$POLICY:$1" policy restore "$POLICY"
}
restore "1: a policy begins" ""
restore "1: a policy begins" "prio 10 never\n"
restore "3: '99999' is not a priority" "toe-policy 1\n\nprio 99999 never\nend 1\n"
restore "3: priority 7 is taken by line 2" "toe-policy 1\nprio 7\nprio 7\nend 2\n"
restore "2: '9-8' is not a range" "toe-policy 1\nprio 7 rport 9-8\nend 1\n"
restore "3: '2' is not the number of rules" "toe-policy 1\nprio 7\nend 2\n"
restore "3: the file breaks off" "toe-policy 1\nprio 7\n"
restore "2: the file breaks off" "toe-policy 1\nprio 7"
restore "2: a zero byte" "toe-policy 1\nprio\\0007\nend 1\n"
{ echo toe-policy 1; seq -f "prio %.0f never" 10000; echo end 10000; } >"$POLICY"
expect 1 "$POLICY:4098: rule 4097 is one too many" policy restore "$POLICY"
expect 1 "/no/such: No such file" policy restore /no/such
expect 1 "Is a directory" policy restore /
expect 1 "standard input:1: a policy begins" policy restore - </dev/null

not_loaded="module toe is not loaded (modprobe toe)"
for words in "flow show" "flow show id 7" "-j flow show" "engine show" \
	     "stats show" "-a stats show" "settings show" "monitor" "top" "-j -n 1 top" \
	     "flow show state engine rate above 1mbit sort rate reverse limit 3" \
	     "flow show local fe80::/10 rport 1-65535 engine any rule none,7 reason rate,admin" \
	     "monitor state host engine any" \
	     "flow offload 192.0.2.1:80 192.0.2.2:80" "flow return all" \
	     "flow return local [2001:db8::1]:80 remote [2001:db8::2]:80" \
	     "set max-flows 100" "set timeout 2s" "set netns-flows 9" \
	     "set netns-flows off" "set never-mark 0x10/0xf0" "set never-mark off" \
	     "why id 7" "why 192.0.2.1:80 192.0.2.2:80" \
	     "policy show" "policy show prio 7" "load cgroup /"; do
	# shellcheck disable=SC2086
	expect 1 "$not_loaded" $words
done

"$TOECTL" help >/dev/full 2>"$ERR"
[ $? = 1 ] && grep -q "standard output" "$ERR"
result $? "output that cannot be written is an error" "$(head -1 "$ERR")"

"$TOECTL" >"$OUT" 2>"$ERR"
[ $? = 2 ] && [ ! -s "$OUT" ] && grep -q "^Usage:" "$ERR"
result $? "without words: the usage, as an error" "$(head -1 "$ERR")"

missing=
# shellcheck disable=SC2013	# they are words
for word in $(grep -oP '\bX\(\w+,\s*"\K[^"]+' "$TOP/include/uapi/linux/toe.h"); do
	grep -qP "^\\.BR? (.*\W)?$word(\W|\$)" "$TOP/docs/man/toe.7" ||
		missing="$missing $word"
done
[ -z "$missing" ]
result $? "toe(7) explains each reason and counter" "not$missing"

echo "1..$n"
exit $failed
