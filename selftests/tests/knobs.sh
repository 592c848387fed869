# SPDX-License-Identifier: GPL-2.0-only
# What can be seen and set without a tool: /proc/net/toe, net.toe.*, and the modules'
# parameters. All in toe(7).

# A field of a flow's line in /proc/net/toe/flows. Usage: knobs_field PORT NAME
knobs_field()
{
	on host "awk -v k=$2 'NR == 1 { for (i = 1; i <= NF; i++) c[\$i] = i }
		\$c[\"remote\"] ~ /:$1\$/ { print \$c[k] }' /proc/net/toe/flows"
}

test_proc_flows()
{
	local key want

	setup
	watch_flows
	is "fields" "$(on host "head -n 1 /proc/net/toe/flows")" \
		"local remote state reason engine tx_engine rx_engine opens age_ms id rule srtt_us"
	tell b4 recv $M
	tell a4 send $M
	got b4 rx $M
	for key in state reason engine tx_engine rx_engine opens id; do
		want=$(on host "$GUEST/toectl -j flow show rport $PORT4 | jq -r '.[0].$key'")
		is "$key" "$(knobs_field $PORT4 $key)" "$want"
	done
	is "tx_engine" "$(knobs_field $PORT4 tx_engine)" $M
	is "remote of IPv6" "$(knobs_field $PORT6 remote)" "[$PEER_ADDR6]:$PORT6"
	is "state and engine of one that came back" \
		"$(knobs_field $PORTB state) $(knobs_field $PORTB engine) $(knobs_field $PORTB id)" "host - 0"
	is "rule of one that was offloaded by hand" "$(knobs_field $PORT4 rule)" 0
	# For everybody, and in another namespace its own flows: none.
	[ "$(on host "setpriv --reuid=65534 --clear-groups cat /proc/net/toe/flows | wc -l")" -ge 4 ] ||
		fail "others may not read it"
	is "lines in another namespace" "$(on host "unshare -n wc -l </proc/net/toe/flows; unshare -n sh -c \
		'wc -l </proc/self/net/toe/flows'" | tail -n 1)" 1
	watch_close
	leaves_nothing
}

# More lines than a page holds: none is missing, none is there twice.
test_proc_flows_many()
{
	local lines

	setup
	classifier_in
	toectl policy add prio 100 out rport "$((FIRST_PORT + 1))-$((FIRST_PORT + 19))" threshold 1 >/dev/null ||
		die "policy add"
	HOST_UNDO="$GUEST/toectl unload"
	daemon_crowd 150
	tell crowd talk 100 || fail "crowd: $R"
	soon 20000 crowd_in_now engine "$CROWD_PORT" 150 || fail "$(crowd_in engine "$CROWD_PORT") on the engine"
	lines=$(on host "grep -c ':$CROWD_PORT engine ' /proc/net/toe/flows
		grep ':$CROWD_PORT engine ' /proc/net/toe/flows | cut -d' ' -f1 | sort -u | wc -l
		grep -c ' 100 [0-9]*\$' /proc/net/toe/flows; wc -c </proc/net/toe/flows")
	is "lines, different ones, and those of the rule" "$(head -n 3 <<<"$lines" | tr '\n' ' ')" "150 150 150 "
	ge "bytes" "$(tail -n 1 <<<"$lines")" 8192
	tell crowd end
	leaves_nothing
}
alone proc_flows_many

# What the command says and what the file says, until nothing happens in between
knobs_stats_same()
{
	STATS_SHOWN=$(on host "$GUEST/toectl -j stats show | jq -r '
		(.flows | to_entries[] | \"flows_\\(.key) \\(.value)\"),
		(.counters | to_entries[] | \"\\(.key) \\(.value)\"),
		(.refused | to_entries[] | select(.key != \"none\") | \"refused_\\(.key) \\(.value)\"),
		(.returned | to_entries[] | select(.key != \"none\") | \"returned_\\(.key) \\(.value)\")'")
	STATS_FILE=$(on host "cat /proc/net/toe/stats")
	[ "$STATS_SHOWN" = "$STATS_FILE" ]
}

# The counters are those of the command: each, by each name.
test_proc_stats()
{
	setup
	connected
	h offload
	p recv $M
	h send $M
	got p rx $M
	h return
	h close
	p close
	leaves_nothing
	soon 10000 knobs_stats_same || fail "lines that differ: $(diff <(echo "$STATS_SHOWN") <(echo "$STATS_FILE"))"
	ge "lines" "$(wc -l <<<"$STATS_FILE")" 100
	grep -q '^returned_admin [1-9]' <<<"$STATS_FILE" || fail "no return is counted"
}
also_v6 proc_stats

# A setting by its two names: sysctl and toectl. Usage: knobs_setting SYSCTL KEY
knobs_setting()
{
	echo "$(on host "sysctl -n net.toe.$1") $(on host "$GUEST/toectl -j settings show | jq .$2")"
}

# A value is refused, and nothing is changed. Usage: knobs_refused SYSCTL VALUE
knobs_refused()
{
	local before

	before=$(on host "sysctl -n net.toe.$1")
	on host "sysctl -w net.toe.$1=$2 >/dev/null 2>&1" && fail "net.toe.$1 takes '$2'"
	is "net.toe.$1 after '$2'" "$(on host "sysctl -n net.toe.$1")" "$before"
}

test_sysctls()
{
	local key value

	setup
	HOST_UNDO="sysctl -qw net.toe.max_flows=4096 net.toe.netns_flows=0 net.toe.timeout_ms=1000"
	is "sysctls" "$(on host "ls /proc/sys/net/toe | tr '\n' ' '")" "max_flows netns_flows timeout_ms "
	for key in max_flows netns_flows timeout_ms; do
		on host "sysctl -qw net.toe.$key=77" || fail "net.toe.$key=77"
		is "$key, set by sysctl" "$(knobs_setting $key $key)" "77 77"
		for value in -1 4294967296 x "''"; do
			knobs_refused $key "$value"
		done
		is "$key as nobody" "$(on host "setpriv --reuid=65534 --clear-groups \
			sysctl -w net.toe.$key=5 >/dev/null 2>&1; sysctl -n net.toe.$key")" 77
	done
	# The limits, on both sides of them
	knobs_refused max_flows 1048577
	knobs_refused netns_flows 1048577
	knobs_refused timeout_ms 0
	knobs_refused timeout_ms 60001
	for value in max_flows=0 max_flows=1048576 netns_flows=0 netns_flows=1048576 \
		     timeout_ms=1 timeout_ms=60000; do
		on host "sysctl -qw net.toe.$value" || fail "$value is not taken"
	done
	toectl set max-flows 88
	toectl set netns-flows 99
	toectl set timeout 1500
	for value in max_flows:88 netns_flows:99 timeout_ms:1500; do
		is "${value%:*}, set by toectl" "$(knobs_setting ${value%:*} ${value%:*})" "${value#*:} ${value#*:}"
	done
	# They do what they say, at once.
	connected
	on host "sysctl -qw net.toe.max_flows=0"
	tell h offload && fail "offloaded with max_flows 0"
	on host "sysctl -qw net.toe.max_flows=1"
	h offload
	on host "sysctl -qw net.toe.netns_flows=1 net.toe.max_flows=9"
	pair 2 v6
	tell h2 offload && fail "a second flow with netns_flows 1"
	on host "sysctl -qw net.toe.netns_flows=0"
	tell h2 offload || fail "offload with netns_flows 0: $R"
	for value in h p h2 p2; do
		tell $value close
	done
	is "sysctls in another namespace" "$(on host "unshare -n ls /proc/sys/net | grep -c toe")" 0
	leaves_nothing
}

# Loads a module with parameters. Usage: knobs_load MODULE PARAMETER...
knobs_load()
{
	on host "insmod $GUEST/$1.ko ${*:2}" >/dev/null 2>&1
}

test_parameters()
{
	local bad key

	modules_out
	for bad in max_flows=1048577 max_flows=-1 max_flows=many netns_flows=1048577 timeout_ms=0 \
		   timeout_ms=60001 max_waiting=0 max_waiting=1048577; do
		knobs_load toe $bad && fail "toe is loaded with $bad"
		on host "[ -d /sys/module/toe ]" && die "toe is there, with $bad"
	done
	knobs_load toe max_flows=7 netns_flows=3 timeout_ms=900 max_waiting=2 || die "toe is not loaded"
	is "parameters of toe" "$(on host "cd /sys/module/toe/parameters; ls | tr '\n' ' '; cat *" | tr '\n' ' ')" \
		"max_flows max_waiting netns_flows timeout_ms 7 2 3 900 "
	is "settings that began with them" "$(on host "$GUEST/toectl -j settings show |
		jq -c '{max_flows, netns_flows, timeout_ms}'")" \
		'{"max_flows":7,"netns_flows":3,"timeout_ms":900}'
	toectl set max-flows 8 >/dev/null
	is "the parameter shows the setting" "$(on host "cat /sys/module/toe/parameters/max_flows")" 8
	on host "echo 9 >/sys/module/toe/parameters/max_flows" 2>/dev/null && fail "it can be written, past toectl"
	for bad in rx_buffers=15 rx_buffers=1025 dead_after_ms=1999 dead_after_ms=600001; do
		knobs_load toe_virtio $bad && fail "toe_virtio is loaded with $bad"
	done
	knobs_load toe_virtio rx_buffers=16 dead_after_ms=7000 || die "toe_virtio is not loaded"
	is "parameters of toe_virtio" "$(on host "cd /sys/module/toe_virtio/parameters; ls | tr '\n' ' '; cat *" |
		tr '\n' ' ')" "dead_after_ms rx_buffers 7000 16 "
	on host "echo 0 >/sys/module/toe_virtio/parameters/dead_after_ms" 2>/dev/null && fail "dead_after_ms takes 0"
	on host "echo 6000 >/sys/module/toe_virtio/parameters/dead_after_ms" || fail "dead_after_ms cannot be changed"
	is "dead_after_ms" "$(on host "cat /sys/module/toe_virtio/parameters/dead_after_ms")" 6000
	# With as few buffers as there may be it works, and no more than two wait.
	connected
	h offload
	h recv $((2 * M))
	p send $((2 * M))
	got h rx $((2 * M))
	carried rx $((2 * M))
	for key in 2 3; do
		pair $key "$(family $key)"
		tell h$key offload || fail "h$key: $R"
		tell h$key return || fail "h$key: $R"
	done
	is "flows in the stack" "$(on host "$GUEST/toectl -j flow show state host | jq length")" 2
	pair 4
	tell h4 offload && fail "there was room for one more"
	for key in h p h2 p2 h3 p3 h4 p4; do
		tell $key close
	done
	leaves_nothing
	modules_out
	modules_in
}

# Each of them is explained where people look for it.
test_knobs_are_explained()
{
	local name missing=

	setup
	for name in $(on host "ls /proc/sys/net/toe /sys/module/toe/parameters /sys/module/toe_virtio/parameters |
			grep -v :; head -n 1 /proc/net/toe/flows"); do
		grep -qE "^(\.BR?I? .*|\.I )?\W*(net\.toe\.)?$name\b" "$TOP/docs/man/toe.7" || missing+=" $name"
	done
	is "not in toe(7)" "$missing" ""
}
