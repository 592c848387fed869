# SPDX-License-Identifier: GPL-2.0-only
# Bars: what they compare, the table and the JSON of it. See the head of `bench`.

# Numbers, a line each: median, least, most
spread()
{
	sort -n | awk '{ v[NR] = $1 }
		END {
			m = NR % 2 ? v[(NR + 1) / 2] : sprintf("%.3f", (v[NR / 2] + v[NR / 2 + 1]) / 2)
			print m, v[1], v[NR]
		}'
}

# "MEDIAN LEAST MOST" of words
spread_of()
{
	tr -s ' ' '\n' <<<"${1% }" | spread
}

words_json()
{
	tr -s ' ' ',' <<<"${1% }" | sed 's/^,*$//'
}

# What fits into a column
short_number()
{
	local n=$1

	[[ $n != *.* ]] || [ ${#n} -le 8 ] || printf -v n %.1f "$n"
	echo "$n"
}

table_head()
{
	printf '  %-12s %14s %14s %14s %10s %8s %6s  %8s %8s  %s\n' "" median min max \
		user MB/s resent ratio bar holds
}

# A line of the table and an object of the JSON: the values of a state. What they are
# of stands in ROW_NAME, ROW_WHAT and ROW_UNIT; ROW_VARIANT is the state that is judged.
# The numbers that stand beside: ROW_USER, ROW_RATE, ROW_AGAIN and ROW_PER, or empty.
#
# Usage: row STATE VALUES [KIND LIMIT [AGAINST]]
# KIND is what LIMIT is of: ratio-most, ratio-least (AGAINST's median by this one's),
# most, least (of the median itself); "-": nothing is asked. LIMIT "-": it is only told.
row()
{
	local state=$1 values=$2 kind=${3:--} limit=${4:--} median least most ratio holds
	local user=- rate=-

	read -r median least most <<<"$(spread_of "$values")"
	[ -z "${ROW_USER// }" ] || read -r user _ <<<"$(spread_of "$ROW_USER")"
	[ -z "${ROW_RATE// }" ] || read -r rate _ <<<"$(spread_of "$ROW_RATE")"
	read -r ratio holds <<<"$(awk -v m="$median" -v against="${5:-}" -v kind="$kind" \
		-v limit="$limit" 'BEGIN {
			v = m
			if (kind ~ /^ratio/)
				v = against / (m ? m : 1)
			good = kind ~ /least/ ? v >= limit : v <= limit
			printf "%s %s", kind ~ /^ratio/ ? sprintf("%.4f", v) : "-",
				limit == "-" ? "-" : good ? "yes" : "NO" }')"
	[ "$holds" != NO ] || HOLDS=1
	printf '  %-12s %14s %14s %14s %10s %8s %6s  %8s %8s  %s\n' "$state" \
		"$(short_number "$median")" "$(short_number "$least")" "$(short_number "$most")" \
		"$(short_number "$user")" "$rate" "${ROW_AGAIN:--}" "$ratio" \
		"$(limit_words "$kind" "$limit")" "$holds"
	JSON+="${JSON:+,}{\"name\":\"$ROW_NAME\",\"what\":\"$ROW_WHAT\",\"unit\":\"$ROW_UNIT\","
	JSON+="\"per\":$(json_or_null "$ROW_PER"),\"state\":\"$state\","
	JSON+="\"median\":$median,\"min\":$least,\"max\":$most,\"values\":[$(words_json "$values")],"
	JSON+="\"user\":[$(words_json "$ROW_USER")],\"mb_per_s\":[$(words_json "$ROW_RATE")],"
	JSON+="\"retransmitted\":$(json_or_null "$ROW_AGAIN"),\"variant\":\"$ROW_VARIANT\","
	JSON+="\"ratio\":$(json_or_null "$ratio"),\"kind\":$(json_word "$kind"),"
	JSON+="\"limit\":$(json_or_null "$limit"),\"holds\":$(
		case $holds in yes) echo true ;; NO) echo false ;; *) echo null ;; esac)}"
}

limit_words()	# KIND LIMIT
{
	case $2,$1 in
	-,*) echo - ;;
	*,*least) echo ">=$2" ;;
	*) echo "<=$2" ;;
	esac
}

json_or_null()
{
	[[ ${1:--} = ?(-)[0-9]* ]] && echo "$1" || echo null
}

json_word()
{
	[ "$1" = - ] && echo null || echo "\"$1\""
}

row_plain()	# NAME WHAT UNIT [VARIANT]
{
	ROW_NAME=$1 ROW_WHAT=$2 ROW_UNIT=$3 ROW_VARIANT=${4:-}
	ROW_USER='' ROW_RATE='' ROW_AGAIN='' ROW_PER=''
}

# Was this bar asked for? Names that were are noted. Usage: bar_wanted NAME [OF-SEVERAL]
bar_wanted()
{
	local name wanted=1

	[ -n "$ONLY" ] || return 0
	for name; do
		[[ " $ONLY " != *" $name "* ]] || { MET+=" $name"; wanted=0; }
	done
	return $wanted
}

# One value of each state, a run. Into VALUES, USERS, RATES, AGAINS by state, and MORE
# by "STATE KEY": what bar() and bar_of() make tables of. PER "-": instructions do not
# count, and there need not be marks.
# Usage: bar_runs NAME PER BASE [VARIANT [OTHER...]]
bar_runs()
{
	local name=$1 per=$2 states=("${@:3}") run i state word

	BASE=$3 VARIANT=${4:-}
	VALUES=() USERS=() RATES=() AGAINS=() MORE=()
	for ((run = 1; run <= RUNS; run++)); do
		for ((i = 0; i < ${#states[@]}; i++)); do
			# Each comes first as often as any other.
			state=${states[$(((run + i) % ${#states[@]}))]}
			progress_line "$name: run $run of $RUNS, $state"
			one "$name" "$state" "$per"
			VALUES[$state]+="$VALUE " USERS[$state]+="$USER " RATES[$state]+="$RATE "
			AGAINS[$state]=$((${AGAINS[$state]:-0} + AGAIN))
			for word in $SAID; do
				MORE["$state ${word%%=*}"]+="${word#*=} "
			done
		done
	done
	progress_line
}

bar()
{
	local per=$3 limit=$4 states=("${@:5}") state against= kind=-

	bar_wanted "$1" || return 1
	bar_runs "$1" "$per" "${states[@]}"
	LIMITS[$BASE]=$limit
	printf '%s: %s\n' "$1" "$2"
	row_plain "$1" "$2" "kernel instructions" "$VARIANT"
	[ -z "$VARIANT" ] || read -r against _ <<<"$(spread_of "${VALUES[$VARIANT]}")"
	for state in $VARIANT "$BASE" "${states[@]:2}"; do
		ROW_PER=$per ROW_USER=${USERS[$state]} ROW_RATE=${RATES[$state]}
		ROW_AGAIN=${AGAINS[$state]}
		[ -z "$VARIANT" ] || [ "$state" = "$VARIANT" ] || kind=ratio-most
		row "$state" "${VALUES[$state]}" $kind "${LIMITS[$state]:--}" "$against"
		kind=-
	done
	LIMITS=()
}

# Another number of the last runs: what they said as KEY=, or "rate". A state that said
# nothing is left out. Usage: bar_of NAME WHAT UNIT KEY KIND LIMIT	(KIND: see row)
bar_of()
{
	local key=$4 kind=$5 limit=$6 state judged=${VARIANT:-$BASE} against=
	local -A values=()

	row_plain "$1" "$2" "$3" "$VARIANT"
	for state in $BASE $VARIANT; do
		values[$state]=${MORE["$state $key"]:-}
		[ "$key" != rate ] || values[$state]=${RATES[$state]}
	done
	printf '%s: %s\n' "$1" "$2"
	if [[ $kind = ratio* ]]; then
		read -r against _ <<<"$(spread_of "${values[$VARIANT]}")"
		row "$VARIANT" "${values[$VARIANT]}"
		row "$BASE" "${values[$BASE]}" "$kind" "$limit" "$against"
		return
	fi
	[ -z "${values[$judged]// }" ] || row "$judged" "${values[$judged]}" "$kind" "$limit"
	[ "$judged" = "$BASE" ] || [ -z "${values[$BASE]// }" ] || row "$BASE" "${values[$BASE]}"
}

# What VARIANT and BASE of the last bar cost above a bound, which is a state of it,
# too. Usage: bar_above NAME WHAT BOUND LIMIT
bar_above()
{
	local bound against state n
	local -A values=()

	read -r bound _ <<<"$(spread_of "${VALUES[$3]}")"
	for state in $BASE $VARIANT; do
		for n in ${VALUES[$state]}; do
			values[$state]+="$(awk -v n="$n" -v b="$bound" 'BEGIN { printf "%.3f", n - b }') "
		done
	done
	row_plain "$1" "$2" "kernel instructions" "$VARIANT"
	printf '%s: %s\n' "$1" "$2"
	read -r against _ <<<"$(spread_of "${values[$VARIANT]}")"
	row "$VARIANT" "${values[$VARIANT]}"
	row "$BASE" "${values[$BASE]}" ratio-most "$4" "$against"
}
