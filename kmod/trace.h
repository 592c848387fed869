/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints: every transition of a flow, and every answer of an engine. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM toe

#if !defined(_TOE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TOE_TRACE_H

#include <linux/tracepoint.h>

#include "flow.h"

#ifndef _TOE_TRACE_WORDS
#define _TOE_TRACE_WORDS
#define TOE_TRACE_REASON(name, word, text) { TOE_REASON_##name, word },
#define TOE_TRACE_REASONS TOE_REASONS(TOE_TRACE_REASON) { -1, "" }
#define TOE_TRACE_STATES						\
	{ TOE_STATE_HOST, "host" }, { TOE_STATE_OPENING, "opening" },	\
	{ TOE_STATE_ENGINE, "engine" }, { TOE_STATE_CLOSING, "closing" }
#define TOE_TRACE_CMDS							\
	{ TOE_ENGINE_PREPARE, "prepare" }, { TOE_ENGINE_OPEN, "open" },	\
	{ TOE_ENGINE_CLOSE, "close" }, { TOE_ENGINE_RELEASE, "release" }
#endif

TRACE_EVENT(toe_flow_signal,
	TP_PROTO(const struct toe_flow *flow, u8 reason),
	TP_ARGS(flow, reason),
	TP_STRUCT__entry(
		__field(const void *, flow)
		__field(u16, lport)
		__field(u16, rport)
		__field(u8, reason)
	),
	TP_fast_assign(
		__entry->flow = flow;
		__entry->lport = ntohs(flow->key.tuple.local_port);
		__entry->rport = ntohs(flow->key.tuple.remote_port);
		__entry->reason = reason;
	),
	TP_printk("flow=%p lport=%u rport=%u reason=%s", __entry->flow,
		  __entry->lport, __entry->rport,
		  __print_symbolic(__entry->reason, TOE_TRACE_REASONS))
);

TRACE_EVENT(toe_flow_state,
	TP_PROTO(const struct toe_flow *flow, u8 from, u8 to, u8 reason),
	TP_ARGS(flow, from, to, reason),
	TP_STRUCT__entry(
		__field(const void *, flow)
		__field(u32, id)
		__field(u16, lport)
		__field(u16, rport)
		__field(u8, from)
		__field(u8, to)
		__field(u8, reason)
	),
	TP_fast_assign(
		__entry->flow = flow;
		__entry->id = flow->id;
		__entry->lport = ntohs(flow->key.tuple.local_port);
		__entry->rport = ntohs(flow->key.tuple.remote_port);
		__entry->from = from;
		__entry->to = to;
		__entry->reason = reason;
	),
	TP_printk("flow=%p id=%u lport=%u rport=%u %s -> %s reason=%s",
		  __entry->flow, __entry->id, __entry->lport, __entry->rport,
		  __print_symbolic(__entry->from, TOE_TRACE_STATES),
		  __print_symbolic(__entry->to, TOE_TRACE_STATES),
		  __print_symbolic(__entry->reason, TOE_TRACE_REASONS))
);

TRACE_EVENT(toe_engine_reply,
	TP_PROTO(const struct toe_flow *flow, u8 cmd, int err),
	TP_ARGS(flow, cmd, err),
	TP_STRUCT__entry(
		__field(const void *, flow)
		__field(u32, id)
		__field(int, err)
		__field(u8, cmd)
	),
	TP_fast_assign(
		__entry->flow = flow;
		__entry->id = flow->id;
		__entry->err = err;
		__entry->cmd = cmd;
	),
	TP_printk("flow=%p id=%u cmd=%s err=%d", __entry->flow,
		  __entry->id,
		  __print_symbolic(__entry->cmd, TOE_TRACE_CMDS), __entry->err)
);

TRACE_EVENT(toe_engine_error,
	TP_PROTO(const char *engine, u32 stat),
	TP_ARGS(engine, stat),
	TP_STRUCT__entry(
		__string(engine, engine)
		__field(u32, stat)
	),
	TP_fast_assign(
		__assign_str(engine);
		__entry->stat = stat;
	),
	TP_printk("engine=%s stat=%u", __get_str(engine), __entry->stat)
);

#endif /* _TOE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
