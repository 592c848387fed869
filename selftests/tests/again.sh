# SPDX-License-Identifier: GPL-2.0-only
# Quotas, and when the module tries again what did not get to an engine or came
# back. The rule is for this test's connections only: what else the host talks
# stays out of the counters.

# Usage: our_rule add|replace WORDS
our_rule()
{
	local out

	out=$(toectl "policy $1 prio 100 out \
		rport $((FIRST_PORT + 1))-$((FIRST_PORT + 19)) ${*:2}" 2>&1) ||
		die "toectl policy $1 ${*:2}: $out"
}

# Usage: policed WORDS	(of the rule, behind its threshold)
policed()
{
	local out

	setup
	HOST_UNDO="$GUEST/toectl set netns-flows off; $GUEST/toectl unload"
	classifier_in
	our_rule add threshold 1MiB "$@"
	out=$(toectl policy del prio 32767 2>&1) || die "toectl policy del: $out"
	# the module remembers its rules, also those of other tests
	declare -gA RULE_BEFORE=([flows]=$(rule_number flows) [opens]=$(rule_number opens)
		[refused]=$(rule_number refused))
	stats_begin
}

# The second one by IPv6
two_connected()
{
	connected
	pair 2 v6
}

# The flow of an actor is in a state, for a reason. Usage: flow_is ACTOR STATE [REASON]
flow_is_now()
{
	tell "$1" flow && [ "$(val state)" = "$2" ] &&
		{ [ -z "${3:-}" ] || [ "$(val reason)" = "$3" ]; }
}

flow_becomes()	# ACTOR STATE [REASON]
{
	soon 20000 flow_is_now "$@" || fail "the flow of $1 is not $2 ${3:-}: $R"
}

goes_why()	# ACTOR REASON
{
	tell "$1" why
	is "why of $1" "$(val reason)" "$2"
}

# What a number of our rule has grown by since policed. Usage: of_rule flows|opens|refused
of_rule()
{
	local now

	now=$(rule_number "$1")
	echo $((now - RULE_BEFORE[$1]))
}

rule_number()
{
	on host "$GUEST/toectl -j policy show | jq '.[] | select(.prio == 100) | .$1'"
}

# Sends until it is told to stop: enough to cross a threshold every second.
# Usage: stream SENDER RECEIVER
stream()
{
	tell "$2" recv eof
	tell "$1" send forever rate=4M
}

# What was sent has arrived. Usage: stream_ends SENDER RECEIVER
stream_ends()
{
	local bytes

	tell "$1" stop tx
	tell "$1" wait tx
	is "$1 tx" "$(val error)" 0
	bytes=$(val bytes)
	tell "$1" shutdown
	got "$2" rx "$bytes"
	tell "$1" close
	tell "$2" close
}

# A rule has one place. The second stays in the stack until the first has left.
test_quota_rule()
{
	policed max-flows 1
	two_connected
	stream h p
	flow_becomes h engine threshold
	stream h2 p2
	flow_becomes h2 host rule-quota
	is "its rule" "$(val rule)" 100
	is "fails, for want of room" "$(val fails)" 0
	le "left alone, ms" "$(val retry_ms)" 4000
	goes_why h2 rule-quota
	ge "refused/rule-quota" "$(grew refused/rule-quota)" 1
	is "the rule's flows" "$(of_rule flows)" 1
	is "the rule's opens" "$(of_rule opens)" 1
	ge "the rule's refused" "$(of_rule refused)" 1
	# it does not have to leave for another: still there
	flow_is_now h engine threshold || fail "the first is gone: $R"
	stream_ends h p
	flow_becomes h2 engine threshold
	ge "retries" "$(grew retries)" 1
	is "the rule's flows" "$(of_rule flows)" 1
	is "the rule's opens" "$(of_rule opens)" 2
	stream_ends h2 p2
	soon 10000 eval '[ "$(of_rule flows)" = 0 ]' || fail "the rule keeps $(of_rule flows) places"
	leaves_nothing
}

# An administrator is above the rule's quota, but not above the namespace's.
test_quota_admin()
{
	policed max-flows 1
	two_connected
	stream h p
	flow_becomes h engine threshold
	stream h2 p2
	flow_becomes h2 host rule-quota
	toectl set netns-flows 1 >/dev/null
	tell h2 offload && fail "offloaded over the namespace's quota"
	[[ $R = *"network namespace"* ]] || fail "refused with: $R"
	is "refused/netns-quota" "$(grew refused/netns-quota)" 1
	toectl set netns-flows off >/dev/null
	tell h2 offload || fail "an administrator may: $R"
	flow_is_now h2 engine admin || fail "the second is not on the engine: $R"
	is "the rule's flows" "$(of_rule flows)" 1
	stream_ends h p
	stream_ends h2 p2
	leaves_nothing
}

test_quota_netns()
{
	setup
	HOST_UNDO="$GUEST/toectl set netns-flows off"
	stats_begin
	two_connected
	toectl set netns-flows 1 >"$WORK/out" || die "set netns-flows: $(cat "$WORK/out")"
	tell h2 offload || fail "the first: $R"
	refused netns-quota "network namespace"
	still_works
	tell h2 return
	h offload
	still_works
	carried_all
	tell h2 close
	tell p2 close
	done_with
}

# A rule that wants another engine than there is
test_engine_by_name()
{
	local who

	policed engine nosuch0
	two_connected
	stream h p
	stream h2 p2
	for who in h h2; do
		flow_becomes $who host no-engine
		goes_why $who no-engine
	done
	our_rule replace threshold 1MiB engine toe0
	toectl policy apply >/dev/null || fail "policy apply"
	for who in h h2; do
		flow_becomes $who engine threshold
		is "engine of $who" "$(val engine)" toe0
	done
	stream_ends h p
	stream_ends h2 p2
	leaves_nothing
}

# An offload that fails is tried again, later and later, by the module itself: the
# program has signalled once and forgotten the connection.
test_backoff_failures()
{
	policed
	connected
	fault open-refuse 2
	stream h p
	flow_becomes h host engine-refused
	is "fails" "$(val fails)" 1
	le "left alone, ms" "$(val retry_ms)" 1000
	soon 20000 eval 'grown refused/engine-refused 2' || fail "not tried again"
	soon 10000 eval 'tell h flow && [ "$(val fails)" = 2 ]' || fail "not two fails: $R"
	ge "left alone, ms" "$(val retry_ms)" 1001
	le "left alone, ms" "$(val retry_ms)" 2000
	goes_why h held-off
	flow_becomes h engine threshold
	is "retries" "$(grew retries)" 2
	is "signals" "$(grew signals)" 1
	is "opens" "$(val opens)" 1
	ge "bytes that the engine carried" "$(sleep 1; tell h flow; val tx_engine)" $M
	stream_ends h p
	leaves_nothing
}
also_v6 backoff_failures

# What comes back soon was a failure, too; by an administrator's wish it was not,
# and he need not wait.
test_backoff_bounces()
{
	policed
	connected
	stream h p
	flow_becomes h engine threshold
	h return
	flow_is_now h host admin || fail "not returned: $R"
	is "fails" "$(val fails)" 0
	flow_becomes h engine threshold
	is "retries" "$(grew retries)" 1
	EXPECT_LOG='broke the protocol'
	fault rx-wrong-ack 1
	flow_becomes h host engine-error
	is "fails" "$(val fails)" 1
	goes_why h held-off
	h offload
	flow_is_now h engine admin || fail "an administrator had to wait: $R"
	stream_ends h p
	leaves_nothing
}
also_v6 backoff_bounces

# A changed policy, applied: back from the engine, to stay, until a rule wants the
# connection again.
test_policy_takes_back()
{
	local bytes who

	policed
	two_connected
	stream h p
	stream h2 p2
	flow_becomes h engine threshold
	flow_becomes h2 engine threshold
	our_rule replace never
	toectl policy apply >/dev/null || fail "policy apply"
	for who in h h2; do
		flow_becomes $who host policy
		is "rule of $who" "$(val rule)" 0
		goes_why $who policy
		bytes=$(val bytes)
		soon 10000 eval '[ "$(tell $who why; val bytes)" -gt $((bytes + 3 * M)) ]' ||
			fail "no bytes of $who: $R"
	done
	sleep 3
	for who in h h2; do
		flow_is_now $who host policy || fail "$who tried again: $R"
	done
	is "retries" "$(grew retries)" 0
	our_rule replace threshold 2MiB
	toectl policy apply >/dev/null || fail "policy apply"
	for who in h h2; do
		flow_becomes $who engine threshold
		is "rule of $who" "$(val rule)" 100
	done
	is "retries" "$(grew retries)" 2
	stream_ends h p
	stream_ends h2 p2
	leaves_nothing
}
