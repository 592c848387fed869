# SPDX-License-Identifier: GPL-2.0-only
# The host's BPF programs in the host's kernel: unit tests that also run in the
# build root, where the kernel is another.
# shellcheck shell=bash

# Runs a unit test of selftests/unit/policy in the host.
# Usage: in_host COMMAND TESTS
in_host()
{
	local out rc

	"$LAB" push "$BUILD"/test/unit/policy/{toectl,match_test,foreign.bpf.o} \
		"$TOP"/selftests/unit/policy/classify_test $GUEST/unit </dev/null ||
		die "push"
	out=$(LIMIT=260 on host "cd $GUEST/unit && $1")
	rc=$?
	grep -E '^(#|not ok|1\.\.)' <<<"$out" | sed 's/^/# /'
	[ $rc = 0 ] || fail "$1: status $rc: $(tail -n 1 <<<"$out")"
	! grep -q '^not ok' <<<"$out" || fail "$1"
	ge "tests passed" "$(grep -c '^ok' <<<"$out")" "$2"
}

# The compiled policy, asked in the kernel; up to 4096 rules pass the verifier, which takes
# most of the time here: one policy of each size, where the build root has five.
test_programs_match()
{
	in_host "./match_test 1" 3
}

# The classifier on real connections, without the module
test_programs_classify()
{
	in_host "./classify_test ./toectl" 29
}
