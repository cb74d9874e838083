// Who caused what, across programs: W3C Trace Context (https://www.w3.org/TR/trace-context/, version 00).
//
// The server's request ids (CallContext::request_id) are traceparents of the span that serves the request: what a log line names is what a
// trace is found by.
#ifndef PROCTOR_COMMON_TRACE_CONTEXT_H_
#define PROCTOR_COMMON_TRACE_CONTEXT_H_

#include <optional>
#include <string>
#include <string_view>

namespace proctor {

struct TraceContext {
  // 32 lower-case hex digits.
  std::string trace_id;
  // 16 lower-case hex digits; all zero: of a trace without a span yet.
  std::string span_id;
  // Its spans are kept.
  bool sampled = false;
};

// Reads "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01". Later versions are read as this one, as the standard asks; nothing for
// anything else (wrong length or digits, upper case, version ff, a trace of zeros).
std::optional<TraceContext> ParseTraceparent(std::string_view text);
std::string FormatTraceparent(const TraceContext& context);

// A new trace, without a span.
TraceContext NewTrace(bool sampled);
// A new span of the same trace.
TraceContext NewSpan(const TraceContext& context);

}  // namespace proctor

#endif  // PROCTOR_COMMON_TRACE_CONTEXT_H_
