#include "trajectory/formats/atif_values.h"

#include "absl/time/time.h"
#include "common/proto_json.h"
#include "common/proto_time.h"
#include "google/protobuf/descriptor.h"

namespace proctor::trajectory::formats {
namespace {

using google::protobuf::FieldDescriptor;

// From the year 1 to the year 9999.
constexpr int64_t kMinSeconds = -62'135'596'800;
constexpr int64_t kMaxSeconds = 253'402'300'799;

}  // namespace

std::optional<google::protobuf::Timestamp> ReadIsoTime(const std::string& text) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error) &&
      !absl::ParseTime("%Y-%m-%d%ET%H:%M:%E*S", text, absl::UTCTimeZone(), &time, &error)) {
    return std::nullopt;
  }
  const int64_t seconds = absl::ToUnixSeconds(time);
  if (time == absl::InfinitePast() || time == absl::InfiniteFuture() || seconds < kMinSeconds ||
      seconds > kMaxSeconds) {
    return std::nullopt;
  }
  return ToProto(time);
}

std::string WriteIsoTime(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%E4Y-%m-%d%ET%H:%M:%E*SZ", FromProto(time), absl::UTCTimeZone());
}

v1::Action ActionOfCall(const ToolCall& call) {
  v1::Action action;
  const FieldDescriptor* const field = v1::Action::descriptor()->FindFieldByName(call.function);
  if (field == nullptr || !call.arguments.is_object()) return action;
  google::protobuf::Message* const kind = action.GetReflection()->MutableMessage(&action, field);
  if (!ProtoFromJson(DumpJson(call.arguments), *kind).ok()) action.Clear();
  return action;
}

ToolCall CallOfAction(const v1::Action& action) {
  const FieldDescriptor* const field =
      v1::Action::descriptor()->FindFieldByNumber(static_cast<int>(action.kind_case()));
  const google::protobuf::Message& kind = action.GetReflection()->GetMessage(action, field);
  const absl::StatusOr<Json> arguments = ParseJson(ProtoToJson(kind));
  return {.function = field->name(), .arguments = arguments.ok() ? *arguments : Json::object()};
}

}  // namespace proctor::trajectory::formats
