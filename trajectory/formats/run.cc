#include "trajectory/formats/run.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "common/strings.h"
#include "trajectory/record_form.h"

namespace proctor::trajectory::formats {
namespace {

// Where recordings of one's own world happen (record_stream.cc).
constexpr char kEnvironment[] = "environments/external";
constexpr size_t kMaxFileName = 200;

std::string IdOf(const std::string& name) { return name.substr(name.rfind('/') + 1); }

}  // namespace

v1::Trajectory ForeignHeader(const std::string& recorder, v1::Split split) {
  v1::Trajectory header;
  header.set_format_version(kFormatVersion);
  header.set_environment(kEnvironment);
  header.mutable_task()->set_environment(kEnvironment);
  header.mutable_task()->set_split(split);
  header.mutable_task()->mutable_lineage()->set_source("import");
  header.set_closed(true);
  header.set_recorder(recorder);
  return header;
}

void SetEnd(Run& run, v1::EndKind kind, v1::EndReason reason, const std::string& message) {
  const v1::Action::KindCase last =
      run.steps.empty() ? v1::Action::KIND_NOT_SET : run.steps.back().action().kind_case();
  if (last == v1::Action::kAnswer || last == v1::Action::kGiveUp) {
    run.header.set_end_kind(v1::END_KIND_TERMINATED);
    run.header.set_end_reason(last == v1::Action::kAnswer ? v1::END_REASON_ANSWERED
                                                          : v1::END_REASON_GAVE_UP);
    return;
  }
  run.header.set_end_kind(kind);
  run.header.set_end_reason(reason);
  run.header.set_end_message(message);
}

std::string EndReasonLabel(v1::EndReason reason) {
  const std::string name = v1::EndReason_Name(reason);
  return absl::AsciiStrToLower(name.substr(std::min(name.size(), sizeof("END_REASON_") - 1)));
}

v1::EndReason EndReasonOf(const std::string& label) {
  v1::EndReason reason = v1::END_REASON_UNSPECIFIED;
  v1::EndReason_Parse("END_REASON_" + absl::AsciiStrToUpper(label), &reason);
  return reason;
}

std::string FileNameOf(const std::string& id) {
  std::string name;
  for (const char c : TruncateUtf8(id, kMaxFileName)) {
    const bool odd = c == '/' || absl::ascii_iscntrl(static_cast<unsigned char>(c));
    name += odd || (name.empty() && c == '.') ? '_' : c;
  }
  return name.empty() ? "_" : name;
}

std::string PlainNameOf(const std::string& id) {
  std::string name = FileNameOf(id);
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-') c = '_';
  }
  return name;
}

std::string ExternalId(const v1::Trajectory& trajectory) {
  const std::string& external = trajectory.task().lineage().external_id();
  if (!external.empty()) return external;
  return IdOf(trajectory.task().name().empty() ? trajectory.name() : trajectory.task().name());
}

const v1::Observation& SeenBefore(const v1::Trajectory& trajectory, int index) {
  return index == 0 ? trajectory.initial_observation() : trajectory.steps(index - 1).observation();
}

v1::Observation& SeenBefore(Run& run, size_t index) {
  return index == 0 ? *run.header.mutable_initial_observation()
                    : *run.steps[index - 1].mutable_observation();
}

}  // namespace proctor::trajectory::formats
