/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR BSD-3-Clause */
/*
 * toe: mid-stream TCP offload, the generic netlink interface.
 *
 * The vocabulary of the whole project stands here: the flow, its states and
 * the reasons why it is where it is. The kernel module, the BPF programs, the
 * command and the card all include this file.
 */
#ifndef _UAPI_LINUX_TOE_H
#define _UAPI_LINUX_TOE_H

#include <linux/types.h>

#define TOE_GENL_NAME		"toe"
#define TOE_GENL_VERSION	1
#define TOE_GENL_MCGRP_EVENTS	"events"

#define TOE_ENGINE_NAME_LEN	16
#define TOE_RULE_PRIO_MAX	65535	/* rules are named 1 to this */
#define TOE_CA_NAME_LEN		16

/**
 * struct toe_tuple - what names a connection, seen from the host
 * @local_addr: the host's address; IPv4 in element 0, the others zero
 * @remote_addr: the peer's address, likewise
 * @local_port: the host's port
 * @remote_port: the peer's port
 * @family: AF_INET or AF_INET6 in the CPU's byte order; an IPv4-mapped socket
 *	is AF_INET, as it is on the wire
 * @zero: zero; the structure is a hash key as it stands
 */
struct toe_tuple {
	__be32	local_addr[4];
	__be32	remote_addr[4];
	__be16	local_port;
	__be16	remote_port;
	__u16	family;
	__u16	zero;
};

/**
 * enum toe_flow_state - where a flow is
 * @TOE_STATE_HOST: known (signalled or returned), carried by the host's stack
 * @TOE_STATE_OPENING: on its way to the engine
 * @TOE_STATE_ENGINE: carried by the engine
 * @TOE_STATE_CLOSING: on its way back
 */
enum toe_flow_state {
	TOE_STATE_HOST,
	TOE_STATE_OPENING,
	TOE_STATE_ENGINE,
	TOE_STATE_CLOSING,

	__TOE_STATE_MAX
};

/*
 * Why a flow was signalled, refused, put off or returned. One list for
 * everybody: X(constant, keyword, sentence). Append only: the numbers are UAPI.
 */
#define TOE_REASONS(X)							       \
	X(NONE,		"none",		"no reason")			       \
	X(THRESHOLD,	"threshold",	"the flow crossed its byte threshold") \
	X(ADMIN,	"admin",	"an administrator asked for it")       \
	/* refused: the flow stays in the host's stack */		       \
	X(NOT_CALM,	"not-calm",	"loss recovery, reordering or urgent data would not end") \
	X(NO_ENGINE,	"no-engine",	"no engine serves the flow's interface") \
	X(TABLE_FULL,	"table-full",	"the flow table or the engine is full") \
	X(ENGINE_REFUSED, "engine-refused", "the engine said no")	       \
	X(ENGINE_TIMEOUT, "engine-timeout", "the engine did not answer in time") \
	X(STATE,	"state",	"the connection is not ESTABLISHED")    \
	X(MPTCP,	"mptcp",	"a subflow of MPTCP")		       \
	X(MD5,		"md5",		"TCP-MD5 or TCP-AO signs its segments") \
	X(REPAIR,	"repair",	"TCP_REPAIR is in use on it")	       \
	X(FASTOPEN,	"fastopen",	"a TCP Fast Open is not finished")     \
	X(ULP,		"ulp",		"an upper layer protocol such as kTLS is attached") \
	X(URGENT,	"urgent",	"urgent data is pending")	       \
	X(DEVMEM,	"devmem",	"its data is in device memory")	       \
	X(FAMILY,	"family",	"the engine does not carry this address family") \
	X(ROUTE,	"route",	"its route does not lead through an engine's interface") \
	X(NEIGHBOUR,	"neighbour",	"the next hop's link-layer address is not known") \
	X(OPTIONS,	"options",	"it uses IP options, extension headers or Accurate ECN") \
	X(XFRM,		"xfrm",		"an IPsec policy applies to it")       \
	X(FILTER,	"filter",	"a socket filter is attached to it")   \
	X(UNKNOWN,	"unknown",	"there is no such connection")	       \
	X(MEMORY,	"memory",	"out of memory")		       \
	X(DUPLICATE,	"duplicate",	"it is already known")		       \
	/* returned: the flow was on the engine */			       \
	X(PEER_FIN,	"peer-fin",	"the peer closed its side")	       \
	X(PEER_RST,	"peer-rst",	"the peer reset the connection")       \
	X(PEER_SYN,	"peer-syn",	"a SYN arrived for the connection")    \
	X(LOCAL_FIN,	"local-fin",	"the application closed its side")     \
	X(LOCAL_RST,	"local-rst",	"the application reset the connection") \
	X(CONGESTION,	"congestion",	"the application chose another congestion control") \
	X(UNSUPPORTED,	"unsupported",	"the application asked for what an engine cannot do") \
	X(RATE,		"rate",		"the flow fell below its minimum rate") \
	X(NETFILTER,	"netfilter",	"the firewall's rules changed")	       \
	X(ROUTE_CHANGE,	"route-change",	"its route, link or neighbour changed") \
	X(ENGINE_FAILED, "engine-failed", "the engine failed or was removed")   \
	X(ENGINE_ERROR,	"engine-error",	"the engine broke the protocol")       \
	X(ENGINE_WISH,	"engine-wish",	"the engine gave the flow back")       \
	X(UNLOAD,	"unload",	"the module is being unloaded")	       \
	X(POLICY,	"policy",	"the policy leaves it to the stack")   \
	/* refused, too */						       \
	X(NAT,		"nat",		"NAT changes its addresses or ports")  \
	X(TIMESTAMPING,	"timestamping",	"the application wants timestamps of its packets") \
	X(RULE_QUOTA,	"rule-quota",	"its rule has as many flows as it may") \
	X(NETNS_QUOTA,	"netns-quota",	"its network namespace has as many flows as it may") \
	X(HELD_OFF,	"held-off",	"it failed or came back lately and is left alone for a while") \
	X(LINK,		"link",		"its interface is down or has no carrier") \
	X(ADDRESS,	"address",	"its local address is not one of the host's any more") \
	X(HELPER,	"helper",	"a conntrack helper reads what it says") \
	X(EXPECTED,	"expected",	"a conntrack helper expected it")      \
	X(INVALID,	"invalid",	"conntrack does not know it as established") \
	X(MARK,		"mark",		"its mark says that it stays in the stack") \
	X(UNSEEN,	"unseen",	"no packet came by to see what the firewall does with it") \
	X(CONNTRACK,	"conntrack",	"its conntrack entry was deleted, or a flowtable has it") \
	X(UNTESTED,	"untested",	"the firewall's rules changed and have not let it pass both ways since") \
	X(CAREFUL,	"careful",	"its rule is careful: the firewall may have to see each of its packets") \
	X(STALLED,	"stalled",	"the peer has not acknowledged anything for a while") \
	X(KEEPALIVE,	"keepalive",	"it was idle until the peer was to be asked whether it is there") \
	/* refused, too */						       \
	X(ECN,		"ecn",		"it agreed on ECN, which the engine does not carry") \
	/* returned: the flow was on the engine */			       \
	X(NETNS,	"netns",	"its network namespace goes away")

enum toe_reason {
#define TOE_REASON_ENUM(name, word, text) TOE_REASON_##name,
	TOE_REASONS(TOE_REASON_ENUM)
#undef TOE_REASON_ENUM
	__TOE_REASON_MAX
};

/**
 * enum toe_cmd - generic netlink commands
 * @TOE_CMD_UNSPEC: never used
 * @TOE_CMD_FLOW_GET: do: one flow, named by TOE_A_FLOW holding a
 *	TOE_A_FLOW_TUPLE or a TOE_A_FLOW_ID; dump: all flows
 * @TOE_CMD_FLOW_OFFLOAD: move a connection to an engine, named by tuple;
 *	answers when it is there, or with an error and an extack text, and
 *	without NLM_F_ACK does not wait for that.
 *	Privileged (CAP_NET_ADMIN), as is all that changes anything
 * @TOE_CMD_FLOW_RETURN: bring a flow back, named by tuple or id; answers when
 *	it is back, and without NLM_F_ACK does not wait for that: -ENOENT
 *	when it is on its way back already.
 *	TOE_A_FLOW_REASON says why: TOE_REASON_ADMIN, which it is
 *	without, RATE, NETFILTER, ROUTE_CHANGE or POLICY
 * @TOE_CMD_ENGINE_GET: dump: all engines
 * @TOE_CMD_STATS_GET: do: the counters
 * @TOE_CMD_SETTINGS_GET: do: the settings
 * @TOE_CMD_SETTINGS_SET: do: change some
 * @TOE_CMD_EVENT: multicast: a flow changed its state, or was refused
 * @TOE_CMD_FLOW_WHY: do: what would become of a signal for the connection named
 *	by TOE_A_FLOW_TUPLE now; answers with TOE_A_WHY, and with TOE_A_FLOW when
 *	the flow is known. Changes nothing, but takes the connection's lock:
 *	privileged, too
 * @TOE_CMD_RULE_GET: dump: the rules under which flows were signalled
 * @TOE_CMD_ENGINE_EVENT: multicast: an engine came, went or does not answer any
 *	more; in every network namespace, with TOE_A_EVENT and TOE_A_ENGINE
 * @TOE_CMD_CAPTURE_START: do: send this socket the frames of an offloaded flow,
 *	named by TOE_A_FLOW, as they are on its engine's wire, TOE_A_CAPTURE
 *	with TOE_A_CAPTURE_SNAPLEN bytes of each. Answers with TOE_A_FLOW once the
 *	engine shows them. One flow for a socket and one socket for a flow; lasts
 *	until the socket is closed, or TOE_CMD_CAPTURE_STOP. Goes on with the
 *	flow's next offload when it leaves the engine. Privileged, and wants
 *	CAP_NET_RAW, too
 * @TOE_CMD_CAPTURE_STOP: do: no more frames; answers with
 *	TOE_A_CAPTURE_FRAMES and TOE_A_CAPTURE_DROPPED behind the last one. When
 *	the socket has no room for the answer it may be asked again
 * @TOE_CMD_CAPTURE: unicast, to a socket that captures: a frame, or that there
 *	will be no more. TOE_CMD_EVENT of the flow comes unicast, too
 * @TOE_CMD_FIREWALL_GET: do: what is known of the firewall of the caller's network
 *	namespace, which is watched from then on. Privileged
 * @TOE_CMD_FIREWALL_SET: do: tell of it: TOE_A_FIREWALL_CHANGED, or what was
 *	found in its rules: TOE_A_FIREWALL_CAREFUL with the
 *	TOE_A_FIREWALL_GENERATION of before the look. -ESTALE: they have changed
 *	since
 */
enum toe_cmd {
	TOE_CMD_UNSPEC,
	TOE_CMD_FLOW_GET,
	TOE_CMD_FLOW_OFFLOAD,
	TOE_CMD_FLOW_RETURN,
	TOE_CMD_ENGINE_GET,
	TOE_CMD_STATS_GET,
	TOE_CMD_SETTINGS_GET,
	TOE_CMD_SETTINGS_SET,
	TOE_CMD_EVENT,
	TOE_CMD_FLOW_WHY,
	TOE_CMD_RULE_GET,
	TOE_CMD_ENGINE_EVENT,
	TOE_CMD_CAPTURE_START,
	TOE_CMD_CAPTURE_STOP,
	TOE_CMD_CAPTURE,
	TOE_CMD_FIREWALL_GET,
	TOE_CMD_FIREWALL_SET,

	__TOE_CMD_MAX
};
#define TOE_CMD_MAX (__TOE_CMD_MAX - 1)

/**
 * enum toe_attr - top-level attributes
 * @TOE_A_UNSPEC: never used
 * @TOE_A_PAD: padding
 * @TOE_A_FLOW: nest of enum toe_flow_attr
 * @TOE_A_ENGINE: nest of enum toe_engine_attr
 * @TOE_A_STATS: nest of enum toe_stats_attr
 * @TOE_A_SETTINGS: nest of enum toe_settings_attr
 * @TOE_A_EVENT: nest of enum toe_event_attr
 * @TOE_A_WHY: nest of enum toe_why_attr
 * @TOE_A_RULE: nest of enum toe_rule_attr
 * @TOE_A_CAPTURE: nest of enum toe_capture_attr
 * @TOE_A_FIREWALL: nest of enum toe_firewall_attr
 */
enum toe_attr {
	TOE_A_UNSPEC,
	TOE_A_PAD,
	TOE_A_FLOW,
	TOE_A_ENGINE,
	TOE_A_STATS,
	TOE_A_SETTINGS,
	TOE_A_EVENT,
	TOE_A_WHY,
	TOE_A_RULE,
	TOE_A_CAPTURE,
	TOE_A_FIREWALL,

	__TOE_A_MAX
};
#define TOE_A_MAX (__TOE_A_MAX - 1)

/**
 * enum toe_flow_attr - one flow
 * @TOE_A_FLOW_UNSPEC: never used
 * @TOE_A_FLOW_PAD: padding
 * @TOE_A_FLOW_ID: u32, the flow's id on the engine, new with each offload; 0
 *	in TOE_STATE_HOST
 * @TOE_A_FLOW_TUPLE: binary, struct toe_tuple
 * @TOE_A_FLOW_STATE: u8, enum toe_flow_state
 * @TOE_A_FLOW_REASON: u8, enum toe_reason, why it is in that state
 * @TOE_A_FLOW_ENGINE: string, name of the engine
 * @TOE_A_FLOW_TX_ENGINE: u64, bytes given to the engine to send that the peer
 *	has acknowledged, all offloads together
 * @TOE_A_FLOW_RX_ENGINE: u64, bytes received by the engine and taken by the
 *	stack, all offloads together
 * @TOE_A_FLOW_TX_TOTAL: u64, bytes acknowledged on the connection (RFC 4898
 *	tcpEStatsAppHCThruOctetsAcked)
 * @TOE_A_FLOW_RX_TOTAL: u64, bytes received on the connection (RFC 4898
 *	tcpEStatsAppHCThruOctetsReceived)
 * @TOE_A_FLOW_SRTT: u32, microseconds, the engine's smoothed round-trip time
 * @TOE_A_FLOW_OPENS: u32, how often the flow went to the engine
 * @TOE_A_FLOW_OPEN_NS: u64, nanoseconds without data moving at the last open
 * @TOE_A_FLOW_CLOSE_NS: u64, nanoseconds likewise at the last close
 * @TOE_A_FLOW_AGE_NS: u64, nanoseconds since the flow came into this state
 * @TOE_A_FLOW_NETNS: u64, inode number of the connection's network namespace
 * @TOE_A_FLOW_RULE: u32, priority of the rule that made it a candidate; 0: none,
 *	an administrator did
 * @TOE_A_FLOW_THRESHOLD: u64, bytes, of that rule
 * @TOE_A_FLOW_MIN_RATE: u64, bytes per second, of that rule; 0: none
 * @TOE_A_FLOW_DWELL_MS: u32, milliseconds, of that rule
 * @TOE_A_FLOW_FAILS: u32, offloads that failed or did not last, in a row
 * @TOE_A_FLOW_RETRY_NS: u64, nanoseconds for which it is still left alone
 */
enum toe_flow_attr {
	TOE_A_FLOW_UNSPEC,
	TOE_A_FLOW_PAD,
	TOE_A_FLOW_ID,
	TOE_A_FLOW_TUPLE,
	TOE_A_FLOW_STATE,
	TOE_A_FLOW_REASON,
	TOE_A_FLOW_ENGINE,
	TOE_A_FLOW_TX_ENGINE,
	TOE_A_FLOW_RX_ENGINE,
	TOE_A_FLOW_TX_TOTAL,
	TOE_A_FLOW_RX_TOTAL,
	TOE_A_FLOW_SRTT,
	TOE_A_FLOW_OPENS,
	TOE_A_FLOW_OPEN_NS,
	TOE_A_FLOW_CLOSE_NS,
	TOE_A_FLOW_AGE_NS,
	TOE_A_FLOW_NETNS,
	TOE_A_FLOW_RULE,
	TOE_A_FLOW_THRESHOLD,
	TOE_A_FLOW_MIN_RATE,
	TOE_A_FLOW_DWELL_MS,
	TOE_A_FLOW_FAILS,
	TOE_A_FLOW_RETRY_NS,

	__TOE_A_FLOW_MAX
};
#define TOE_A_FLOW_MAX (__TOE_A_FLOW_MAX - 1)

/**
 * enum toe_engine_attr - one engine
 * @TOE_A_ENGINE_UNSPEC: never used
 * @TOE_A_ENGINE_PAD: padding
 * @TOE_A_ENGINE_NAME: string
 * @TOE_A_ENGINE_DRIVER: string, the driver behind it
 * @TOE_A_ENGINE_MAC: binary, 6 bytes, address of the interface it serves
 * @TOE_A_ENGINE_IFINDEX: u32, that interface, 0 when there is none
 * @TOE_A_ENGINE_ALIVE: u8, 1 when it answers
 * @TOE_A_ENGINE_FLOWS: u32, flows on it now
 * @TOE_A_ENGINE_MAX_FLOWS: u32, its capacity
 * @TOE_A_ENGINE_TX_BYTES: u64, payload bytes it took to send
 * @TOE_A_ENGINE_RX_BYTES: u64, payload bytes it delivered
 * @TOE_A_ENGINE_IPV6: u8, 1 when it carries IPv6
 */
enum toe_engine_attr {
	TOE_A_ENGINE_UNSPEC,
	TOE_A_ENGINE_PAD,
	TOE_A_ENGINE_NAME,
	TOE_A_ENGINE_DRIVER,
	TOE_A_ENGINE_MAC,
	TOE_A_ENGINE_IFINDEX,
	TOE_A_ENGINE_ALIVE,
	TOE_A_ENGINE_FLOWS,
	TOE_A_ENGINE_MAX_FLOWS,
	TOE_A_ENGINE_TX_BYTES,
	TOE_A_ENGINE_RX_BYTES,
	TOE_A_ENGINE_IPV6,

	__TOE_A_ENGINE_MAX
};
#define TOE_A_ENGINE_MAX (__TOE_A_ENGINE_MAX - 1)

/*
 * The counters: X(constant, key). All u64, since the module was loaded. The
 * counters by reason come apart, in TOE_A_STATS_REASON.
 */
#define TOE_STATS(X)							       \
	X(SIGNALS,	   "signals")	      /* from BPF */		       \
	X(SIGNALS_DUP,	   "signals_dup")     /* of these: already known */    \
	X(SIGNALS_HELD,	   "signals_held")    /* of these: too early */	       \
	X(RETRIES,	   "retries")	      /* flows tried again unasked */  \
	X(OPENS,	   "opens")	      /* flows that reached an engine */ \
	X(OPEN_FAILS,	   "open_fails")      /* refused or failed on the way */ \
	X(CLOSES,	   "closes")	      /* flows that came back */       \
	X(TAKEOVERS,	   "takeovers")	      /* came back without the engine's help */ \
	X(CALM_RETRIES,	   "calm_retries")    /* waited for calm */	       \
	X(TX_BYTES,	   "tx_bytes")	      /* payload handed to engines */  \
	X(TX_MSGS,	   "tx_msgs")					       \
	X(TX_STALLS,	   "tx_stalls")	      /* engine's ring was full */     \
	X(RX_BYTES,	   "rx_bytes")	      /* payload taken from engines */ \
	X(RX_MSGS,	   "rx_msgs")					       \
	X(RX_REFEEDS,	   "rx_refeeds")      /* the stack had no room at first */ \
	X(ACKS_FED,	   "acks_fed")					       \
	X(ACKS_SWALLOWED,  "acks_swallowed")				       \
	X(RETRANS_SWALLOWED, "retrans_swallowed")			       \
	X(CREDITS,	   "credits")					       \
	X(UNSENT_BYTES,	   "unsent_bytes")    /* handed over, never sent, taken back */ \
	X(GATE_INJECTED,   "gate_injected")   /* late frames given to the engine */ \
	X(GATE_PARKED,	   "gate_parked")				       \
	X(GATE_DROPPED,	   "gate_dropped")    /* no room to park */	       \
	X(ERR_UNKNOWN_FLOW, "err_unknown_flow") /* engine named no flow of its */ \
	X(ERR_SEQUENCE,	   "err_sequence")    /* engine's numbers are impossible */ \
	X(ERR_LENGTH,	   "err_length")      /* engine's lengths are impossible */ \
	X(ERR_LATE_REPLY,  "err_late_reply")  /* engine answered too late */   \
	X(ERR_PROTOCOL,	   "err_protocol")    /* any other breach */	       \
	X(LOOKS,	   "looks")	      /* at the way of a flow */	       \
	X(CAPTURE_FRAMES,  "capture_frames")  /* given to who captures */      \
	X(CAPTURE_DROPS,   "capture_drops")   /* and those there was no room for */ \
	X(FIREWALL_CHANGES, "firewall_changes") /* messages of changed rules */

enum toe_stat {
#define TOE_STAT_ENUM(name, word) TOE_STAT_##name,
	TOE_STATS(TOE_STAT_ENUM)
#undef TOE_STAT_ENUM
	__TOE_STAT_MAX
};

/**
 * enum toe_stats_attr - the counters
 * @TOE_A_STATS_UNSPEC: never used
 * @TOE_A_STATS_PAD: padding
 * @TOE_A_STATS_COUNTERS: binary, u64[], indexed by enum toe_stat
 * @TOE_A_STATS_REFUSED: binary, u64[], indexed by enum toe_reason: offloads
 *	refused or failed
 * @TOE_A_STATS_RETURNED: binary, u64[], indexed by enum toe_reason: flows that
 *	came back
 * @TOE_A_STATS_FLOWS: binary, u32[], indexed by enum toe_flow_state: flows in
 *	each state now
 */
enum toe_stats_attr {
	TOE_A_STATS_UNSPEC,
	TOE_A_STATS_PAD,
	TOE_A_STATS_COUNTERS,
	TOE_A_STATS_REFUSED,
	TOE_A_STATS_RETURNED,
	TOE_A_STATS_FLOWS,

	__TOE_A_STATS_MAX
};
#define TOE_A_STATS_MAX (__TOE_A_STATS_MAX - 1)

/**
 * enum toe_settings_attr - run-time settings
 * @TOE_A_SETTINGS_UNSPEC: never used
 * @TOE_A_SETTINGS_PAD: padding
 * @TOE_A_SETTINGS_MAX_FLOWS: u32, how many flows may be on engines or on their
 *	way
 * @TOE_A_SETTINGS_TIMEOUT_MS: u32, milliseconds an engine may take to answer
 * @TOE_A_SETTINGS_NETNS_FLOWS: u32, how many flows a network namespace may have
 *	on engines or on their way; 0: no limit
 * @TOE_A_SETTINGS_NEVER_MARK: u32, connections with this mark, on their conntrack
 *	entry or on a packet, are not offloaded
 * @TOE_A_SETTINGS_NEVER_MASK: u32, the bits of it that count, beside
 *	TOE_A_SETTINGS_NEVER_MARK; 0: there is no such mark
 */
enum toe_settings_attr {
	TOE_A_SETTINGS_UNSPEC,
	TOE_A_SETTINGS_PAD,
	TOE_A_SETTINGS_MAX_FLOWS,
	TOE_A_SETTINGS_TIMEOUT_MS,
	TOE_A_SETTINGS_NETNS_FLOWS,
	TOE_A_SETTINGS_NEVER_MARK,
	TOE_A_SETTINGS_NEVER_MASK,

	__TOE_A_SETTINGS_MAX
};
#define TOE_A_SETTINGS_MAX (__TOE_A_SETTINGS_MAX - 1)

/**
 * enum toe_engine_change - what became of an engine
 * @TOE_ENGINE_CHANGE_ADDED: it is there, and may be given flows
 * @TOE_ENGINE_CHANGE_REMOVED: it is gone, its flows have left it
 * @TOE_ENGINE_CHANGE_FAILED: it does not answer; its flows go on in the stack
 */
enum toe_engine_change {
	TOE_ENGINE_CHANGE_ADDED,
	TOE_ENGINE_CHANGE_REMOVED,
	TOE_ENGINE_CHANGE_FAILED,

	__TOE_ENGINE_CHANGE_MAX
};

/**
 * enum toe_event_attr - an event; what it is about stands beside it, in
 *	TOE_A_FLOW or in TOE_A_ENGINE
 * @TOE_A_EVENT_UNSPEC: never used
 * @TOE_A_EVENT_PAD: padding
 * @TOE_A_EVENT_TIME_NS: u64, CLOCK_REALTIME nanoseconds
 * @TOE_A_EVENT_FROM: u8, enum toe_flow_state, the state left
 * @TOE_A_EVENT_TO: u8, enum toe_flow_state, the state entered
 * @TOE_A_EVENT_REASON: u8, enum toe_reason
 * @TOE_A_EVENT_CHANGE: u8, enum toe_engine_change; with TOE_A_ENGINE, which the
 *	three before it do not go with
 */
enum toe_event_attr {
	TOE_A_EVENT_UNSPEC,
	TOE_A_EVENT_PAD,
	TOE_A_EVENT_TIME_NS,
	TOE_A_EVENT_FROM,
	TOE_A_EVENT_TO,
	TOE_A_EVENT_REASON,
	TOE_A_EVENT_CHANGE,

	__TOE_A_EVENT_MAX
};
#define TOE_A_EVENT_MAX (__TOE_A_EVENT_MAX - 1)

/**
 * enum toe_why_attr - what would become of a signal now
 * @TOE_A_WHY_UNSPEC: never used
 * @TOE_A_WHY_PAD: padding
 * @TOE_A_WHY_REASON: u8, enum toe_reason: TOE_REASON_NONE: it would be tried;
 *	else why it would be refused or put off
 * @TOE_A_WHY_BYTES: u64, bytes acknowledged and received on the connection
 * @TOE_A_WHY_ENGINE: string, name of the engine that it would go to
 */
enum toe_why_attr {
	TOE_A_WHY_UNSPEC,
	TOE_A_WHY_PAD,
	TOE_A_WHY_REASON,
	TOE_A_WHY_BYTES,
	TOE_A_WHY_ENGINE,

	__TOE_A_WHY_MAX
};
#define TOE_A_WHY_MAX (__TOE_A_WHY_MAX - 1)

/**
 * enum toe_rule_attr - a rule, as far as the module knows it
 * @TOE_A_RULE_UNSPEC: never used
 * @TOE_A_RULE_PAD: padding
 * @TOE_A_RULE_PRIO: u32, its priority
 * @TOE_A_RULE_FLOWS: u32, its flows on engines or on their way
 * @TOE_A_RULE_OPENS: u64, its flows that reached an engine
 * @TOE_A_RULE_REFUSED: u64, its flows that its quota kept away
 */
enum toe_rule_attr {
	TOE_A_RULE_UNSPEC,
	TOE_A_RULE_PAD,
	TOE_A_RULE_PRIO,
	TOE_A_RULE_FLOWS,
	TOE_A_RULE_OPENS,
	TOE_A_RULE_REFUSED,

	__TOE_A_RULE_MAX
};
#define TOE_A_RULE_MAX (__TOE_A_RULE_MAX - 1)

/**
 * enum toe_capture_attr - a capture, or a frame of it
 * @TOE_A_CAPTURE_UNSPEC: never used
 * @TOE_A_CAPTURE_PAD: padding
 * @TOE_A_CAPTURE_SNAPLEN: u32, most bytes of a frame that are wanted, at least 1
 * @TOE_A_CAPTURE_TIME_NS: u64, when the frame was on the wire, by the engine's
 *	clock, CLOCK_REALTIME nanoseconds
 * @TOE_A_CAPTURE_SENT: u8, 1: the engine sent it, 0: it was received
 * @TOE_A_CAPTURE_LEN: u32, bytes of the frame on the wire
 * @TOE_A_CAPTURE_FRAME: binary, its bytes from the Ethernet header on, as many
 *	as were kept
 * @TOE_A_CAPTURE_FRAMES: u64, frames given to the socket so far
 * @TOE_A_CAPTURE_DROPPED: u64, frames lost so far: where the engine or the
 *	socket had no room
 * @TOE_A_CAPTURE_REASON: u8, enum toe_reason: there will be no more:
 *	TOE_REASON_UNKNOWN: the connection has ended, TOE_REASON_ENGINE_REFUSED:
 *	its new engine does not show frames
 */
enum toe_capture_attr {
	TOE_A_CAPTURE_UNSPEC,
	TOE_A_CAPTURE_PAD,
	TOE_A_CAPTURE_SNAPLEN,
	TOE_A_CAPTURE_TIME_NS,
	TOE_A_CAPTURE_SENT,
	TOE_A_CAPTURE_LEN,
	TOE_A_CAPTURE_FRAME,
	TOE_A_CAPTURE_FRAMES,
	TOE_A_CAPTURE_DROPPED,
	TOE_A_CAPTURE_REASON,

	__TOE_A_CAPTURE_MAX
};
#define TOE_A_CAPTURE_MAX (__TOE_A_CAPTURE_MAX - 1)

/**
 * enum toe_careful - must a rule of the firewall see each packet of a flow?
 * @TOE_CAREFUL_UNKNOWN: nobody has looked since the rules changed
 * @TOE_CAREFUL_CLEAR: none
 * @TOE_CAREFUL_RULES: there are some: they count, limit or log, for example
 */
enum toe_careful {
	TOE_CAREFUL_UNKNOWN,
	TOE_CAREFUL_CLEAR,
	TOE_CAREFUL_RULES,

	__TOE_CAREFUL_MAX
};

/**
 * enum toe_firewall_attr - the firewall of a network namespace
 * @TOE_A_FIREWALL_UNSPEC: never used
 * @TOE_A_FIREWALL_PAD: padding
 * @TOE_A_FIREWALL_GENERATION: u32, counts the changes of its rules that were
 *	noticed
 * @TOE_A_FIREWALL_NFTABLES: u8, 1 when nftables is loaded and its changes are
 *	heard
 * @TOE_A_FIREWALL_FLOWS: u32, the namespace's flows on engines or on their way
 * @TOE_A_FIREWALL_ASKED: u8, 1 when TOE_A_FIREWALL_CAREFUL decides about flows
 * @TOE_A_FIREWALL_CAREFUL: u8, enum toe_careful, of this generation
 * @TOE_A_FIREWALL_CHANGED: flag: the rules changed and nobody else tells
 */
enum toe_firewall_attr {
	TOE_A_FIREWALL_UNSPEC,
	TOE_A_FIREWALL_PAD,
	TOE_A_FIREWALL_GENERATION,
	TOE_A_FIREWALL_NFTABLES,
	TOE_A_FIREWALL_FLOWS,
	TOE_A_FIREWALL_ASKED,
	TOE_A_FIREWALL_CAREFUL,
	TOE_A_FIREWALL_CHANGED,

	__TOE_A_FIREWALL_MAX
};
#define TOE_A_FIREWALL_MAX (__TOE_A_FIREWALL_MAX - 1)

#endif /* _UAPI_LINUX_TOE_H */
