#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The metrics against their format and against their documentation; and the checker
# against files that are wrong. KTAP.
#
# Usage: metrics_test.sh METRICS_TEST
set -u
TOP=$(cd "$(dirname "$0")/../../.." && pwd -P)
CHECK=$TOP/selftests/tools/promcheck.py
DOC=$TOP/docs/metrics.md
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
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

echo "TAP version 13"
command -v python3 >/dev/null || {
	echo "1..0 # SKIP needs python3"
	exit 0
}
"$1" "$DIR"
result $? "metrics are written"
why=$("$CHECK" "$DIR/up" --doc "$DOC" --all 2>&1)
result $? "they are right, and those of the documentation" "$(head -3 <<<"$why" | tr '\n' ';')"
for what in down newer older none; do
	why=$("$CHECK" "$DIR/$what" --doc "$DOC" 2>&1)
	result $? "and right when the module is $what" "$(head -3 <<<"$why" | tr '\n' ';')"
done
why=$("$CHECK" "$DIR/up" --since "$DIR/up" 2>&1)
result $? "counters that stand still do not fall" "$why"
[ "$(cat "$DIR/down")" = "# HELP toe_up Whether module toe is loaded.
# TYPE toe_up gauge
toe_up 0" ]
result $? "without the module nothing else is told" "$(tr '\n' ';' <"$DIR/down")"

# The checker sees what is wrong. Usage: sees NAME SED-SCRIPT
sees()
{
	sed "$2" "$DIR/up" >"$DIR/wrong"
	cmp -s "$DIR/up" "$DIR/wrong" && { result 1 "seen: $1" "nothing was made wrong"; return; }
	! "$CHECK" "$DIR/wrong" --doc "$DOC" --all --since "$DIR/up" >/dev/null 2>&1
	result $? "seen: $1"
}
sees "a counter that fell" 's/^toe_opens_total .*/toe_opens_total 1/'
sees "a counter that is gone" '/toe_opens_total/d'
sees "a metric that is not listed" 's/toe_max_flows/toe_most_flows/'
sees "another type" 's/TYPE toe_up gauge/TYPE toe_up counter/'
sees "no type" '/TYPE toe_up/d'
sees "no help" '/HELP toe_up/d'
sees "a quote not escaped" 's/toe_engine_up{engine="toe0"}/toe_engine_up{engine="to"e0"}/'
sees "a sample in the wrong place" 's/^toe_up 1/toe_flows 1/'
sees "a sample twice" 's/^\(toe_up 1\)/\1\n\1/'
sees "another label" 's/rule="65535"/prio="65535"/'
sees "no number" 's/^toe_up 1/toe_up yes/'
sees "a time behind the value" 's/^toe_up 1/toe_up 1 1700000000/'
sees "an empty line" 's/^toe_up 1/&\n/'

echo "1..$n"
exit $failed
