# SPDX-License-Identifier: GPL-2.0-only
# The rules decide: what they want goes to the engine when it is heavy, what they
# refuse or do not name stays in the stack, and toectl says why.
#
# "heavy" is 4 MiB, against rules with a threshold of 64 KiB.

HEAVY=$((4 * M))
WANT="threshold 64KiB"

# Exactly these rules, the words behind "prio". The shells of the tests are never
# to be offloaded: rule 1 is theirs. Loads the classifier if need be.
rules()	# RULE...
{
	local text rule

	text="toe-policy 1"$'\n'"prio 1 remote 192.168.77.0/24 never"
	for rule; do
		text+=$'\n'"prio $rule"
	done
	text+=$'\n'"end $(($# + 1))"
	on host "cat >$GUEST/policy <<'EOF'
$text
EOF
	if [ -e /sys/fs/bpf/toe/classify ]; then
		$GUEST/toectl policy restore $GUEST/policy
	else
		$GUEST/toectl load policy $GUEST/policy
	fi" >"$WORK/out" || die "the rules: $(cat "$WORK/out")"
}

# policy_setup RULE...
policy_setup()
{
	setup
	HOST_UNDO="$GUEST/toectl unload"
	rules "$@"
	stats_begin
	actor h host
	actor p peer
}

policy_over()
{
	toectl unload >"$WORK/out" || fail "toectl unload: $(cat "$WORK/out")"
	no_timeouts
	leaves_nothing
}

# What jq makes of toectl's JSON. Usage: json FILTER WORDS...
json()
{
	local filter=$1
	shift

	toectl -j "$@" "2>/dev/null" >"$WORK/json"
	on card "jq -rc '$filter' <<'EOF'
$(cat "$WORK/json")
EOF"
}

# A member of a rule. Usage: rule_has PRIO KEY
rule_has()
{
	json ".[0].$2" policy show prio "$1"
}

# Bytes with a pattern, checked at the other end. Usage: moves FROM TO BYTES
moves()
{
	tell "$2" recv "$3" || die "$2: recv: $R"
	tell "$1" send "$3" || die "$1: send: $R"
	got "$1" tx "$3"
	got "$2" rx "$3"
}

# The connection of two actors is heavy, goes to the engine, and what it sends
# from then on is carried there. Usage: goes WHAT HOST-ACTOR PEER-ACTOR
goes()
{
	local before

	moves "$2" "$3" $HEAVY
	if ! soon 10000 in_state "$2" engine; then
		fail "$1: not offloaded: state $(val state), reason $(val reason)"
		return
	fi
	is "$1: why" "$(val reason)" threshold
	soon 10000 all_acked "$2" || fail "$1: not acknowledged: $(val unacked)"
	tell "$2" flow
	before=$(val tx_engine)
	moves "$2" "$3" $HEAVY
	soon 10000 engine_sent "$2" $((before + HEAVY)) ||
		fail "$1: the engine sent $(($(val tx_engine) - before)) bytes, not $HEAVY"
}

all_acked()	# ACTOR
{
	tell "$1" info && [ "$(val unacked)" = 0 ]
}

engine_sent()	# ACTOR BYTES
{
	tell "$1" flow && [ "$(val tx_engine)" = "$2" ]
}

# The connection is heavy and the engine sees nothing of it, and the module does not
# know it. Usage: stays WHAT HOST-ACTOR PEER-ACTOR
stays()
{
	local sent

	sent=$(grew tx_bytes)
	moves "$2" "$3" $HEAVY
	moves "$2" "$3" $HEAVY
	tell "$2" flow
	is "$1: its state" "$(val state)" none
	is "$1: bytes that engines sent" $(($(grew tx_bytes) - sent)) 0
}

part()	# HOST-ACTOR PEER-ACTOR
{
	tell "$1" close
	tell "$2" close
}

# A connection of h and p, made with these words, then gone.
# Usage: makes goes|stays WHAT [MEET-WORDS...]
makes()
{
	local how=$1 what=$2
	shift 2

	meet h p "$@"
	$how "$what" h p
	part h p
}

test_policy_never()
{
	local opens

	policy_setup "10 rport $((PORT + 1))-$((PORT + 2)) never" "20 $WANT"
	opens=$(rule_has 20 opens)	# of all rules 20 since the module is there
	makes stays "a never rule's"
	makes stays "a never rule's, IPv6" v6
	is "hits of rule 10" "$(rule_has 10 hits)" 2
	is "hits of rule 20" "$(rule_has 20 hits)" 0
	makes goes "another port's"
	makes goes "another port's, IPv6" v6
	is "hits of rule 10" "$(rule_has 10 hits)" 2
	is "hits of rule 20" "$(rule_has 20 hits)" 2
	is "opens of rule 20" $(($(rule_has 20 opens) - opens)) 2
	policy_over
}

test_policy_first_match()
{
	policy_setup "10 out $WANT" "20 remote 10.77.0.0/24 never" "30 $WANT"
	makes goes "rule 10"
	makes stays "rule 20" from-peer
	makes goes "rule 30" from-peer v6
	is "hits" "$(json 'map(.hits) | join(" ")' policy show)" "0 1 1 1"
	policy_over
}

# Not before the threshold, and soon behind it.
test_policy_threshold()
{
	policy_setup "10 threshold 3MiB"
	meet h p
	moves h p $((2 * M))
	moves p h $((M / 2))
	tell h flow
	is "its state below the threshold" "$(val state)" none
	is "signals" "$(grew signals)" 0
	goes "above" h p
	is "signals" "$(grew signals)" 1
	part h p
	policy_over
}
also_v6 policy_threshold

test_policy_direction()
{
	policy_setup "10 in $WANT"
	makes stays "a connected one"
	makes goes "an accepted one" from-peer
	makes stays "a connected one, IPv6" v6
	makes goes "an accepted one, IPv6" from-peer v6
	rules "10 out $WANT"
	makes stays "an accepted one" from-peer
	makes goes "a connected one"
	makes stays "an accepted one, IPv6" from-peer v6
	makes goes "a connected one, IPv6" v6
	policy_over
}

test_policy_prefixes()
{
	policy_setup "10 remote 10.77.0.0/30 local 10.77.0.1 $WANT" \
		"20 remote fd77::2/127 local fd77::/16 $WANT"
	makes goes "IPv4"
	makes goes "IPv6" v6
	rules "10 remote 10.77.0.3,10.77.0.4/30,fd77::/64 $WANT" \
		"20 local fd77::2/127,10.77.0.2/31 $WANT"
	makes stays "IPv4 elsewhere"
	makes goes "IPv6 in a list" v6
	rules "10 local fd77::3/128 $WANT" "20 remote ::/0 $WANT"
	makes stays "IPv4 against ::/0"
	makes goes "IPv6 in ::/0" v6
	policy_over
}

test_policy_ports()
{
	policy_setup "10 rport 1-$PORT,$((PORT + 2)) $WANT"
	makes stays "the port between"
	makes goes "the second"
	rules "10 rport 1-$PORT,$((PORT + 2)) $WANT"
	makes stays "the port between, IPv6" v6
	makes goes "the second, IPv6" v6
	rules "10 lport $((PORT + 1))-$((PORT + 2)) $WANT"
	makes goes "a local port" from-peer
	makes goes "a local port, IPv6" from-peer v6
	makes stays "another one" from-peer
	makes stays "another one, IPv6" from-peer v6
	policy_over
}

test_policy_dev()
{
	policy_setup "10 dev eth1 $WANT"
	makes stays "another interface"
	makes stays "another interface, IPv6" from-peer v6
	rules "10 dev eth0 $WANT"
	makes goes "the interface"
	makes goes "the interface, IPv6" v6
	makes goes "the interface, accepted" from-peer
	makes goes "the interface, IPv6, accepted" from-peer v6
	policy_over
}

test_policy_cgroup()
{
	local root

	root=$(on host "awk '\$3 == \"cgroup2\" { print \$2; exit }' /proc/mounts")
	on host "mkdir -p $root/toe-a/b $root/toe-ab" || die "no cgroup"
	policy_setup "10 cgroup /toe-a $WANT"
	makes stays "outside"
	makes stays "outside, IPv6" v6
	h enter cgroup "$root/toe-ab"
	makes stays "in one with a longer name"
	h enter cgroup "$root/toe-a/b"
	makes goes "below"
	makes goes "below, IPv6" v6
	makes goes "below, accepted" from-peer
	makes goes "below, accepted, IPv6" from-peer v6
	h enter cgroup "$root/toe-a"
	makes goes "in it"
	# by its name: another one is as good
	h enter cgroup "$root"
	on host "rmdir $root/toe-a/b $root/toe-a && mkdir $root/toe-a" || die "rmdir"
	h enter cgroup "$root/toe-a"
	makes goes "in a new one of its name"
	h enter cgroup "$root"
	# a rule outlives its cgroup
	on host "rmdir $root/toe-a $root/toe-ab"
	is "rules" "$(json length policy show)" 2
	toectl policy add prio 20 never >"$WORK/out" ||
		fail "add: $(cat "$WORK/out")"
	is "rules" "$(json length policy show)" 3
	toectl policy add prio 30 cgroup /toe-a never >"$WORK/out" &&
		fail "a rule for a cgroup that is gone"
	policy_over
}

test_policy_uid()
{
	policy_setup "10 uid 1234,nobody $WANT"
	makes stays "root's"
	makes goes "user 1234's" uid=1234
	makes goes "user 1234's, IPv6" uid=1234 v6
	makes goes "nobody's" uid=65534 from-peer
	makes goes "nobody's, IPv6" uid=65534 from-peer v6
	makes stays "user 123's" uid=123
	makes stays "user 123's, IPv6" uid=123 v6
	policy_over
}

test_policy_mark()
{
	policy_setup "10 mark 0x10/0xf0 $WANT" "20 mark 7 $WANT"
	makes stays "none"
	makes goes "under the mask" mark=0x1f
	makes goes "under the mask, IPv6" mark=0x1f v6
	makes stays "another one" mark=0x2f
	makes stays "another one, IPv6" mark=0x2f v6
	makes goes "the whole one" mark=7
	makes stays "more than that" mark=0x87
	makes goes "an accepted one's" mark=0x10 from-peer
	makes goes "an accepted one's, IPv6" mark=0x10 from-peer v6
	policy_over
}

# A namespace has no engine of its own here, so the connection is refused; but the
# rule took it.
test_policy_netns()
{
	local address hits=0

	on host "ip netns del toe-blue 2>/dev/null; ip netns add toe-blue &&
		ip link add blue0 type veth peer name blue1 netns toe-blue &&
		ip addr add 10.78.0.1/24 dev blue0 && ip link set blue0 up &&
		ip addr add fd78::1/64 dev blue0 nodad &&
		ip -n toe-blue addr add 10.78.0.2/24 dev blue1 &&
		ip -n toe-blue addr add fd78::2/64 dev blue1 nodad &&
		ip -n toe-blue link set blue1 up" || die "no namespace"
	policy_setup "10 netns toe-blue remote 10.78.0.1,fd78::1 $WANT" "20 never"
	actor b host
	actor r host
	tell b enter netns toe-blue || die "enter: $R"
	for address in 10.78.0.1 fd78::1; do
		hits=$((hits + 1))
		PORT=$((PORT + 1))
		tell r listen $address $PORT || die "listen: $R"
		say r accept
		tell b connect $address $PORT || die "connect: $R"
		hear r || die "accept: $R"
		is "hits" "$(json 'map(.hits) | join(" ")' policy show)" "0 $hits $hits"
		moves b r $HEAVY
		soon 10000 grown signals $hits || fail "signals: $(grew signals)"
		part b r
	done
	is "the words" "$(toectl policy show prio 10 | sed -n 1p)" \
		"prio 10 remote 10.78.0.1,fd78::1 netns toe-blue threshold 64KiB"
	# the name alone does not make it the same one
	on host "ip netns del toe-blue; ip netns add toe-blue" || die "no namespace"
	is "a new namespace under the old name" "$(json .rule.prio policy test \
		local 10.78.0.2:5 remote 10.78.0.1:6 netns toe-blue)" 20
	toectl policy replace prio 10 netns toe-blue never >"$WORK/out" ||
		fail "replace: $(cat "$WORK/out")"
	is "the new namespace" "$(json .rule.prio policy test \
		local 10.78.0.2:5 remote 10.78.0.1:6 netns toe-blue)" 10
	on host "ip netns del toe-blue; ip link del blue0 2>/dev/null"
	policy_over
}

# It is tried again, while it moves data, until it is on the engine.
comes_to()	# WHAT HOST-ACTOR PEER-ACTOR
{
	local i

	for i in {1..60}; do
		moves "$2" "$3" $((2 * M))
		! soon 500 in_state "$2" engine || return 0
	done
	fail "$1: not offloaded: state $(val state), reason $(val reason), fails $(val fails)"
}

# Refused, counted, in the stack. Usage: waits REASON HOST-ACTOR PEER-ACTOR
waits()
{
	local sent

	moves "$2" "$3" $HEAVY
	soon 10000 grown "refused/$1" 1 || fail "refused/$1: $(grew "refused/$1")"
	sent=$(grew tx_bytes)
	moves "$2" "$3" $HEAVY
	tell "$2" flow
	is "the flow beyond" "$(val state) $(val reason)" "host $1"
	is "bytes that engines sent of it" $(($(grew tx_bytes) - sent)) 0
}

# Two that want the namespace's only place. The first has it; the second waits and
# gets it when it is free. A rule's places: again.sh.
test_policy_netns_quota()
{
	policy_setup "10 $WANT"
	HOST_UNDO+="; $GUEST/toectl set netns-flows off"
	toectl set netns-flows 1 >/dev/null
	actor h2 host
	actor p2 peer
	meet h p
	meet h2 p2 v6
	goes "the first" h p
	waits netns-quota h2 p2
	in_state h engine || fail "the first was driven out"
	part h p
	comes_to "the second" h2 p2
	part h2 p2
	policy_over
}

# A change is for new connections, an apply for those that are open.
test_policy_change()
{
	policy_setup "10 never"
	actor h2 host
	actor p2 peer
	meet h p
	rules "10 $WANT"
	meet h2 p2 v6
	goes "a new one" h2 p2
	stays "an old one" h p
	json '[.seen > 1, .offload, .none]' policy apply >"$WORK/out"
	is "apply" "$(cat "$WORK/out")" "[true,2,0]"
	goes "the old one, applied" h p
	in_state h2 engine || fail "the new one came back"
	part h p
	part h2 p2
	policy_over
}

# How often the classifier has run
policy_runs()
{
	local out

	out=$(on host "bpftool prog show name classify")
	[[ $out =~ run_cnt\ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}" || echo 0
}

# What a rule wants costs a receiver not one call until it has moved 64 KiB, and is
# found soon behind that. Then it meets the rules that there are, as what it is.
test_policy_light()
{
	local before i

	policy_setup "10 in threshold 1MiB" "20 never"
	HOST_UNDO="sysctl -qw kernel.bpf_stats_enabled=0; $HOST_UNDO"
	on host "sysctl -qw kernel.bpf_stats_enabled=1" || die "no statistics"
	meet h p from-peer
	says light "rule 10 wants it when it has moved 1MiB"
	before=$(policy_runs)
	for i in {1..20}; do
		moves p h 3000
	done
	is "calls for a light one that receives" $(($(policy_runs) - before)) 0
	moves p h $HEAVY
	soon 10000 in_state h engine || fail "not offloaded: state $(val state), reason $(val reason)"
	is "signals" "$(grew signals)" 1
	part h p
	meet h p from-peer
	moves p h 3000
	rules "20 never"
	stays "one that was light when the rules changed" h p
	before=$(policy_runs)
	moves h p $HEAVY
	moves p h $HEAVY
	is "calls for what no rule wants any more" $(($(policy_runs) - before)) 0
	part h p
	on host "sysctl -qw kernel.bpf_stats_enabled=0"
	policy_over
}
also_v6 policy_light

# What is on the engine and shall not be any more comes back, under load.
test_policy_apply_returns()
{
	local n

	policy_setup "10 $WANT"
	for n in 1 2; do
		pair $n "$(family $n)"
		goes "connection $n" h$n p$n
		tell h$n recv eof
		tell p$n recv eof
		tell h$n send forever rate=20M
		tell p$n send forever rate=20M
	done
	sleep 0.3
	rules "10 never"
	sleep 0.3
	for n in 1 2; do
		in_state h$n engine || fail "$n came back before the apply: $(val state)"
	done
	toectl policy apply >"$WORK/out" || fail "apply: $(cat "$WORK/out")"
	for n in 1 2; do
		soon 10000 in_state h$n host || fail "state of $n: $(val state)"
		is "why" "$(val reason)" policy
	done
	is "returned/policy" "$(grew returned/policy)" 2
	sleep 0.3
	for n in 1 2; do
		in_state h$n host || fail "$n went again: $(val state)"
		finish_both h$n p$n
	done
	policy_over
}
alone policy_apply_returns

# No rule: the same, but for what an administrator moved.
test_policy_apply_no_rule()
{
	policy_setup "10 $WANT"
	actor h2 host
	actor p2 peer
	meet h p
	goes "one" h p
	rules
	meet h2 p2 v6
	tell h2 offload || die "offload: $R"
	toectl policy apply >"$WORK/out" || fail "apply: $(cat "$WORK/out")"
	soon 10000 in_state h host || fail "its state: $(val state)"
	is "why" "$(val reason)" policy
	moves h p $HEAVY
	in_state h2 engine || fail "the administrator's: $(val state)"
	moves h2 p2 $HEAVY
	part h p
	part h2 p2
	policy_over
}

# Connections that are there when the classifier comes
test_policy_open_before()
{
	setup
	HOST_UNDO="$GUEST/toectl unload"
	stats_begin
	actor h host
	actor p peer
	actor h2 host
	actor p2 peer
	meet h p
	moves h p $HEAVY
	meet h2 p2 v6 from-peer
	rules "10 remote 10.77.0.0/24,fd77::/64 $WANT"
	is "signals" "$(grew signals)" 0
	goes "one that was heavy" h p
	goes "one that was not" h2 p2
	part h p
	part h2 p2
	policy_over
}

# Answers of `toectl why` for the connection of h: the cause, then what stands in
# the sentence. Usage: says CAUSE TEXT
says()
{
	local out

	h name
	out=$(json '.cause + " " + .sentence' why "$(val local)" "$(val remote)")
	[ "${out%% *}" = "$1" ] || fail "why: $out (and not: $1)"
	[[ $out = *"$2"* ]] || fail "why: $out (and not: $2)"
	is "why in words" "$(toectl why "$(val local)" "$(val remote)" | cut -d' ' -f1-2)" \
		"$(cut -d' ' -f2-3 <<<"$out")"
}

test_why()
{
	local name

	policy_setup
	toectl unload >/dev/null
	meet h p
	says not-loaded "the classifier is not loaded"
	rules "10 rport 1 $WANT"
	says no-rule "no rule matches it"
	rules "20 never"
	says never "rule 20 says never"
	tell h offload || die "offload: $R"
	says engine "on engine"
	says engine "by hand"
	part h p
	meet h p v6
	rules "30 threshold 64MiB"
	says old "rule 30 matches it, but the rules are newer"
	toectl policy apply >/dev/null
	says light "rule 30 wants it when it has moved 64MiB; "
	moves h p $HEAVY
	says light "; 4.0MiB so far"
	rules "40 $WANT"
	toectl policy apply >/dev/null
	goes "now" h p
	says engine "under rule 40"
	part h p
	rules "50 engine nosuch $WANT"
	meet h p
	moves h p $HEAVY
	soon 10000 in_state h host
	says tried "no engine serves the flow's interface"
	says tried "rule 50 has it tried again"
	part h p
	meet h p v6
	h recv eof
	p shutdown
	got h rx 0
	says state "not ESTABLISHED"
	h name
	name="$(val local) $(val remote)"
	on host "setpriv --reuid 65534 --clear-groups $GUEST/toectl why $name" >"$WORK/out" &&
		fail "why for everyone"
	grep -q "only an administrator" "$WORK/out" || fail "unprivileged: $(cat "$WORK/out")"
	part h p
	toectl why $name >"$WORK/out" && fail "why of nothing"
	grep -q "there is no such connection" "$WORK/out" || fail "gone: $(cat "$WORK/out")"
	is "in JSON" "$(json .cause why $name "2>/dev/null")" unknown
	policy_over
}

# 1,024 rules, of which the last takes the connection
test_policy_save_restore()
{
	local i first second

	policy_setup "60000 $WANT"
	{
		echo "toe-policy 1"
		echo "prio 1 remote 192.168.77.0/24 never"
		for i in {1..1022}; do
			case $((i % 4)) in
			0) echo "prio $((i * 10)) remote 10.$((i / 256)).$((i % 256)).0/24 never" ;;
			1) echo "prio $((i * 10)) in lport $i,$((i + 2000))-$((i + 3000)) threshold ${i}KiB" ;;
			2) echo "prio $((i * 10)) remote 2001:db8:$i::/48 uid $i min-rate ${i}kbit dwell 2s" ;;
			3) echo "prio $((i * 10)) out mark $i max-flows $i dev x$i" ;;
			esac
		done
		echo "prio 60000 $WANT"
		echo "end 1024"
	} >"$WORK/policy"
	on host "cat >$GUEST/policy <<'EOF'
$(cat "$WORK/policy")
EOF"
	LIMIT=100 toectl policy restore $GUEST/policy >"$WORK/out" ||
		fail "restore: $(cat "$WORK/out")"
	is "rules" "$(json length policy show)" 1024
	LIMIT=100 on host "cd $GUEST; umask 027; rm -f p1 p2
		./toectl policy save p1 && ./toectl policy restore p1 &&
		./toectl policy save p2 && cmp p1 p2 && ls p1* | wc -l && stat -c %a p1 &&
		./toectl policy save p1 && cmp p1 p2" >"$WORK/out"
	is "save, restore, save" "$? $(tr '\n' ' ' <"$WORK/out")" "0 1 640 "
	# what was saved is what was said, the numbers in their shortest form
	first=$(on host "grep -c ' never' $GUEST/p1; grep ' mark 0x3fb ' $GUEST/p1")
	is "of these" "$first" "256
prio 10190 out dev x1019 mark 0x3fb threshold 1MiB max-flows 1019"
	makes goes "behind a thousand rules"
	makes goes "behind a thousand rules, IPv6" v6
	is "hits of the last" "$(rule_has 60000 hits)" 2
	policy_over
}

# Nothing that is wrong changes anything. Usage: refuses TEXT WORDS...
refuses()
{
	local text=$1
	shift

	toectl "$*" >"$WORK/out" && fail "accepted: $*"
	is "lines said about: $*" "$(wc -l <"$WORK/out")" 1
	grep -qF -- "$text" "$WORK/out" || fail "$*: $(cat "$WORK/out")"
	is "the rules after: $*" "$(toectl policy save)" "$SAVED"
}

test_policy_bad()
{
	local file=$GUEST/bad

	policy_setup "10 rport 5 never" "20 $WANT"
	makes goes "one"
	SAVED=$(toectl policy save)
	refuses "priority 20 is taken" policy add prio 20 never
	refuses "no rule of priority 30" policy del prio 30
	refuses "'9-8'" policy add prio 30 lport 9-8
	refuses "'/no/such'" policy add prio 30 cgroup /no/such
	refuses "'/no/such'" policy replace prio 20 cgroup /no/such
	refuses "'toe-no-such'" policy add prio 30 netns toe-no-such
	refuses "'10.0.0.1/8'" policy replace prio 10 remote 10.0.0.1/8
	on host "{ echo toe-policy 1; seq -f 'prio %.0f never' 10000; echo end 10000; } >$file"
	refuses "$file:4098: rule 4097 is one too many" policy restore $file
	on host "$GUEST/toectl policy save | head -n 3 >$file"
	refuses "$file:4: the file breaks off" policy restore $file
	on host "$GUEST/toectl policy save | head -c -1 >$file"
	refuses "$file:5: the file breaks off" policy restore $file
	on host "$GUEST/toectl policy save | sed 's/prio 10 .*/prio 10 rport x/' >$file"
	refuses "$file:3: 'x'" policy restore $file
	on host "$GUEST/toectl policy save | sed 's/prio 10 /prio 20 /' >$file"
	refuses "$file:4: priority 20 is taken by line 3" policy restore $file
	refuses "/dev/full: not a regular file" policy save /dev/full
	is "hits" "$(rule_has 20 hits)" 1
	makes goes "another" v6
	is "hits" "$(rule_has 20 hits)" 2
	policy_over
}

test_policy_monitor()
{
	local pid out=$GUEST/monitor

	policy_setup "10 never" "20 $WANT"
	pid=$(on host "$GUEST/toectl -j policy monitor >$out 2>&1 & echo \$!")
	sleep 0.5
	toectl policy add prio 30 in never
	sleep 0.5
	toectl policy replace prio 10 lport 80 never
	sleep 0.5
	rules "15 never" "20 $WANT" "30 in never"
	sleep 0.5
	toectl policy flush
	sleep 0.5
	toectl unload
	sleep 0.5
	rules "40 never"
	sleep 0.5
	is "what it said" "$(on card "jq -rc '[.event, .rule.prio] | join(\" \")' <<'EOF'
$(on host cat $out)
EOF")" "added 30
changed 10
removed 10
added 15
removed 1
removed 15
removed 20
removed 30
added 1
added 40"
	on host "kill $pid" || fail "it ended: $(on host cat $out)"
	policy_over
}

# What the tests say of a connection that is made up, and of the same one when it is
# there, is what happened to it. Usage: agrees PRIO [MEET-WORDS...]
agrees()
{
	local prio=$1 before words=out made live
	shift

	[[ " $* " != *" from-peer "* ]] || words=in
	[[ " $* " != *" mark="* ]] || words+=" mark $(sed 's/.*mark=\([^ ]*\).*/\1/' <<<"$*")"
	[[ " $* " != *" uid="* ]] || words+=" uid $(sed 's/.*uid=\([^ ]*\).*/\1/' <<<"$*")"
	before=$(rule_has "$prio" hits)
	meet h p "$@"
	is "connections that rule $prio took ($*)" $(($(rule_has "$prio" hits) - before)) 1
	h name
	made=$(json .rule.prio policy test $words dev eth0 local "$(val local)" \
		remote "$(val remote)")
	is "made up: $words" "$made" "$prio"
	# who accepted a connection is not asked of one whose listener is gone
	if [[ $words != in* ]]; then
		live=$(json .rule.prio policy test flow "$(val local)" "$(val remote)")
		is "live: $*" "$live" "$prio"
	fi
	part h p
}

test_policy_test()
{
	policy_setup "5 dev eth1 never" "10 in never" "20 mark 7 never" "30 uid 1234 never" \
		"40 remote fd77::/64 never" "50 rport $((PORT + 5)) never" "60 $WANT"
	agrees 60
	agrees 10 from-peer
	agrees 20 mark=7
	agrees 30 uid=1234
	agrees 50
	agrees 40 v6
	agrees 20 mark=7 uid=1234
	agrees 10 mark=7 v6 from-peer
	meet h p
	h name
	is "why not the others" "$(json '[.before[] | "\(.prio) \(.mismatch | join("+"))"] | join(", ")' \
		policy test flow "$(val local)" "$(val remote)")" \
		"1 remote, 5 dev, 10 direction, 20 mark, 30 uid, 40 remote, 50 rport"
	part h p
	policy_over
}

# An engine that always says no is asked less and less often.
test_policy_backoff()
{
	local fails=0 waited=()

	policy_setup "10 $WANT"
	fault open-refuse 1000
	meet h p
	p recv eof
	h recv eof
	h send forever rate=20M
	p send forever rate=20M
	while [ ${#waited[@]} -lt 3 ]; do
		soon 60000 more_fails $fails || die "no further try: $R"
		fails=$(val fails)
		waited+=("$(val retry_ms)")
	done
	note "left alone for ${waited[*]} ms"
	ge "the second time" "${waited[1]}" $((waited[0] + 1))
	ge "the third time" "${waited[2]}" $((waited[1] + 1))
	ge "retries" "$(grew retries)" 2
	is "refused" "$(grew refused/engine-refused)" "$fails"
	is "opens" "$(grew opens)" 0
	faults_clear
	soon 60000 in_state h engine || fail "it stays away: $R"
	finish_both h p
	policy_over
}
also_v6 policy_backoff

more_fails()	# N
{
	tell h flow && [[ $(val fails) =~ ^[0-9]+$ ]] && [ "$(val fails)" -gt "$1" ]
}
