#include "trajectory/formats/action_text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "common/json.h"
#include "common/proto_json.h"
#include "common/strings.h"

namespace proctor::trajectory::formats {
namespace {

constexpr double kDefaultHeight = 768;

}  // namespace

std::string ActionToJson(const v1::Action& action) { return ProtoToJson(action); }

std::optional<v1::Action> ActionFromJson(std::string_view text) {
  v1::Action action;
  if (!text.starts_with("{") || !ProtoFromJson(text, action).ok() ||
      action.kind_case() == v1::Action::KIND_NOT_SET) {
    return std::nullopt;
  }
  return action;
}

double SeenHeight(const v1::Observation& seen) {
  const int height = seen.screenshot().height_px();
  return height > 0 ? height : kDefaultHeight;
}

std::optional<int32_t> MarkFromDigits(std::string_view digits) {
  int32_t mark = 0;
  if (digits.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(digits.front())) ||
      !absl::SimpleAtoi(ToAbsl(digits), &mark)) {
    return std::nullopt;
  }
  return mark;
}

std::string QuoteText(const std::string& text) { return DumpJson(Json(text)); }

std::optional<std::string> UnquoteText(std::string_view quoted) {
  const absl::StatusOr<Json> json = ParseJson(quoted);
  if (!json.ok() || !json->is_string()) return std::nullopt;
  return json->get<std::string>();
}

std::string_view Trim(std::string_view text) {
  return ToStd(absl::StripAsciiWhitespace(ToAbsl(text)));
}

bool SameMessage(const google::protobuf::Message& a, const google::protobuf::Message& b) {
  return ProtoCanonicalBytes(a) == ProtoCanonicalBytes(b);
}

}  // namespace proctor::trajectory::formats
