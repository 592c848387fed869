# SPDX-License-Identifier: GPL-2.0-only
# A connection ends while it is on the engine, in each way it can end. Every
# story is told twice, once in the host's stack and once on the engine: both
# applications must have the same to tell. It costs no retransmission timeout
# and leaves nothing.

# Usage: twice STORY REASON [WORD of connected]	(the reason why it comes back)
twice()
{
	setup
	stats_begin
	for MODE in native engine; do
		actor_ready h host
		actor_ready p peer
		: >"$WORK/$MODE"
		meet h p "${3:-v4}"
		"$1"
		[ $FAILED = 0 ] || die "in mode $MODE"
	done
	if ! cmp -s "$WORK/native" "$WORK/engine"; then
		fail "on the engine (>) it looks different:"
		diff "$WORK/native" "$WORK/engine" | sed 's/^/#   /'
	fi
	soon 10000 grown "returned/$2" 1 || fail "returned/$2 has grown by $(grew "returned/$2"), not 1"
	is "opens" "$(grew opens)" 1
	no_timeouts
	leaves_nothing
}

# Actors that died in the story before come back.
actor_ready()	# NAME PLACE
{
	kill -0 "${PID[$1]:-x}" 2>/dev/null && return
	pipe_close "$1"
	actor "$1" "$2"
}

move()
{
	[ $MODE = native ] || h offload
}

# What the applications see
tells()	# ACTOR JOB [without-bytes]
{
	ended "$@" >>"$WORK/$MODE"
}

# Time from the last byte to the end of the connection, where it was seen
prompt()	# ACTOR JOB
{
	tell "$1" wait "$2"
	le "$MODE: us from the last byte to the end" "$(val still_us)" 150000
}

test_peer_fin()
{
	twice story_peer_fin peer-fin
}
also_v6 peer_fin

story_peer_fin()
{
	move
	h recv eof
	p recv eof
	p send $((4 * M))
	got p tx $((4 * M))
	p shutdown
	tells h rx
	prompt h rx
	# The other half is still open.
	h send $M
	got h tx $M
	h close
	tells p rx
	prompt p rx
	p close
}

test_local_close()
{
	twice story_local_close local-fin
}
also_v6 local_close

story_local_close()
{
	move
	p recv eof
	h send $((8 * M))
	got h tx $((8 * M))
	h close
	tells p rx
	prompt p rx
	p close
}

test_local_shutdown_then_reading()
{
	twice story_local_shutdown local-fin
}
also_v6 local_shutdown_then_reading

story_local_shutdown()
{
	move
	p recv eof
	h recv eof
	h send $((4 * M))
	got h tx $((4 * M))
	h shutdown
	tells p rx
	prompt p rx
	p send $((4 * M))
	got p tx $((4 * M))
	p close
	tells h rx
	prompt h rx
	h close
}

test_peer_rst()
{
	twice story_peer_rst peer-rst
}
also_v6 peer_rst

story_peer_rst()
{
	move
	p recv $M
	h recv eof
	h send $M
	tells p rx
	got h tx $M
	p reset
	tells h rx
	prompt h rx
	# and now it is over for the sender, too
	h send $M
	tells h tx
	h close
}

# The sender learns of it in the middle of its data.
test_peer_rst_while_sending()
{
	twice story_peer_rst_sending peer-rst
}
also_v6 peer_rst_while_sending

story_peer_rst_sending()
{
	move
	p recv $M
	h send forever
	tells p rx
	p reset
	tells h tx without-bytes
	h close
}

test_local_rst()
{
	twice story_local_rst local-rst
}
also_v6 local_rst

story_local_rst()
{
	move
	p recv eof
	h send $M
	got h tx $M
	soon 10000 peer_has $M || fail "the peer has not got its data"
	h reset
	tells p rx
	prompt p rx
	p close
}

peer_has()	# BYTES
{
	tell p state rx && [ "$(val bytes)" = "$1" ]
}

# close() with bytes that nobody read is a reset, too.
test_close_with_unread_data()
{
	twice story_close_unread local-rst
}
also_v6 close_with_unread_data

story_close_unread()
{
	move
	p recv eof
	p send $((64 * 1024))
	got p tx $((64 * 1024))
	soon 10000 host_has_unread || fail "nothing arrived at the host"
	h close
	tells p rx
	p close
}

host_has_unread()
{
	[ -n "$(on host "ss -Htn sport = :$PORT or dport = :$PORT" | awk '$2 > 0')" ]
}

test_killed()
{
	twice story_killed local-fin
}
also_v6 killed

story_killed()
{
	move
	p recv eof
	h recv eof
	h send $((8 * M))
	got h tx $((8 * M))
	h die
	tells p rx
	prompt p rx
	p close
	wait "${PID[h]}" 2>/dev/null
}

# In the middle of its data: whatever arrived is right, and then it ends.
test_killed_while_sending()
{
	twice story_killed_sending local-fin
}
also_v6 killed_while_sending

story_killed_sending()
{
	move
	p recv eof
	h send forever
	sleep 0.3
	h die
	tells p rx without-bytes
	ge "bytes that arrived" "$(val bytes)" 1
	p close
	wait "${PID[h]}" 2>/dev/null
}

test_ends_mapped()
{
	twice story_peer_rst_sending peer-rst mapped
	twice story_local_rst local-rst mapped
}

test_ends_link_local()
{
	twice story_peer_fin peer-fin link
	twice story_peer_rst_sending peer-rst link
	twice story_local_rst local-rst link
}

# Both close at the same time.
test_both_close()
{
	setup
	connected
	h offload
	h recv eof
	p recv eof
	h send $M
	p send $M
	got h tx $M
	got p tx $M
	say h shutdown
	say p shutdown
	hear h || fail "host: $R"
	hear p || fail "peer: $R"
	got h rx $M
	got p rx $M
	h close
	p close
	no_timeouts
	leaves_nothing
}
also_v6 both_close

# Twenty connections that live and die on the engine.
test_many_lives()
{
	local i

	setup
	actor h host
	actor p peer
	for i in {1..20}; do
		meet h p "$(family $((i / 2)))"
		h offload
		h recv eof
		p recv eof
		h send $((64 * 1024))
		p send $((64 * 1024))
		got h tx $((64 * 1024))
		got p tx $((64 * 1024))
		[ $((i % 2)) = 0 ] && { h shutdown; p shutdown; } || { p shutdown; h shutdown; }
		got h rx $((64 * 1024))
		got p rx $((64 * 1024))
		h close
		p close
	done
	no_timeouts
	leaves_nothing
}
