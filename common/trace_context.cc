#include "common/trace_context.h"

#include "common/ids.h"

namespace proctor {
namespace {

// "vv-tttttttttttttttttttttttttttttttt-ssssssssssssssss-ff"
constexpr size_t kLength = 55;
constexpr size_t kTrace = 3;
constexpr size_t kSpan = 36;
constexpr size_t kFlags = 53;

bool IsHex(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }
bool IsZero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

}  // namespace

std::optional<TraceContext> ParseTraceparent(std::string_view text) {
  if (text.size() < kLength) return std::nullopt;
  const std::string_view version = text.substr(0, 2);
  // A later version may go on behind another dash.
  if (text.size() > kLength && (version == "00" || text[kLength] != '-')) return std::nullopt;
  const std::string_view trace = text.substr(kTrace, 32);
  const std::string_view span = text.substr(kSpan, 16);
  const std::string_view flags = text.substr(kFlags, 2);
  if (text[kTrace - 1] != '-' || text[kSpan - 1] != '-' || text[kFlags - 1] != '-') return std::nullopt;
  if (!IsHex(version) || version == "ff" || !IsHex(trace) || IsZero(trace) || !IsHex(span) || !IsHex(flags)) return std::nullopt;
  const char low = flags[1];
  const int low_digit = low <= '9' ? low - '0' : low - 'a' + 10;
  return TraceContext{std::string(trace), std::string(span), (low_digit & 1) != 0};
}

std::string FormatTraceparent(const TraceContext& context) {
  return "00-" + context.trace_id + "-" + context.span_id + (context.sampled ? "-01" : "-00");
}

TraceContext NewTrace(bool sampled) { return {RandomHex(16), std::string(16, '0'), sampled}; }

TraceContext NewSpan(const TraceContext& context) { return {context.trace_id, RandomHex(8), context.sampled}; }

}  // namespace proctor
