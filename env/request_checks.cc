#include "env/request_checks.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace proctor::env {
namespace {

constexpr size_t kMaxAnswerBytes = 65536;
constexpr size_t kMaxTypedCharacters = 16384;
constexpr size_t kMaxAgentTextBytes = 65536;
constexpr size_t kMaxAgentDataBytes = 1 << 20;
constexpr size_t kMaxUploadBytes = 16 << 20;
constexpr int kMaxChords = 64;
constexpr int kMaxTextBytes = 4 << 20;
constexpr int kMaxSteps = 10000;
constexpr int kDefaultSteps = 30;
constexpr absl::Duration kDefaultDuration = absl::Minutes(10);
constexpr absl::Duration kMaxWait = absl::Seconds(30);

absl::Status Invalid(const std::string& text) { return absl::InvalidArgumentError(text); }

absl::Status CheckTarget(const v1::Target& target, const std::string& field) {
  if (target.kind_case() == v1::Target::KIND_NOT_SET) {
    return Invalid(absl::StrCat("action.", field, ": set a mark or a point"));
  }
  return absl::OkStatus();
}

size_t Characters(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

absl::Status CheckUpload(const v1::UploadFile& upload) {
  PROCTOR_RETURN_IF_ERROR(CheckTarget(upload.target(), "upload_file.target"));
  if (upload.file_name().empty() || upload.file_name().find('/') != std::string::npos) {
    return Invalid("action.upload_file.file_name: give a name without slashes");
  }
  if (upload.source_case() == v1::UploadFile::SOURCE_NOT_SET) {
    return Invalid("action.upload_file: set content or task_file");
  }
  if (upload.content().size() > kMaxUploadBytes) return Invalid("action.upload_file.content: over 16 MiB");
  return absl::OkStatus();
}

absl::Status CheckWait(const v1::Wait& wait) {
  const absl::Duration duration = FromProto(wait.duration());
  if (duration < absl::ZeroDuration() || duration > kMaxWait) {
    return Invalid("action.wait.duration: 0 to 30 s");
  }
  return absl::OkStatus();
}

// Limits of the kinds' fields, as in action.proto.
absl::Status CheckFields(const v1::Action& action) {
  switch (action.kind_case()) {
    case v1::Action::kClick:
      if (action.click().count() < 0 || action.click().count() > 3) {
        return Invalid("action.click.count: 0 to 3");
      }
      return CheckTarget(action.click().target(), "click.target");
    case v1::Action::kHover:
      return CheckTarget(action.hover().target(), "hover.target");
    case v1::Action::kType:
      if (Characters(action.type().text()) > kMaxTypedCharacters) {
        return Invalid("action.type.text: over 16384 characters");
      }
      return absl::OkStatus();
    case v1::Action::kPressKeys:
      if (action.press_keys().chords_size() > kMaxChords) {
        return Invalid("action.press_keys.chords: at most 64");
      }
      // None, with a target: the focus moves there, and that is all.
      if (action.press_keys().chords().empty() &&
          action.press_keys().target().kind_case() == v1::Target::KIND_NOT_SET) {
        return Invalid("action.press_keys: set chords or a target");
      }
      return absl::OkStatus();
    case v1::Action::kSelectOption:
      return CheckTarget(action.select_option().target(), "select_option.target");
    case v1::Action::kCheck:
      return CheckTarget(action.check().target(), "check.target");
    case v1::Action::kDrag:
      PROCTOR_RETURN_IF_ERROR(CheckTarget(action.drag().from(), "drag.from"));
      return CheckTarget(action.drag().to(), "drag.to");
    case v1::Action::kUploadFile:
      return CheckUpload(action.upload_file());
    case v1::Action::kWait:
      return CheckWait(action.wait());
    case v1::Action::kAnswer:
      if (action.answer().text().size() > kMaxAnswerBytes) {
        return Invalid("action.answer.text: over 65536 bytes");
      }
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

}  // namespace

std::string ActionKind(const v1::Action& action) {
  const auto* descriptor = v1::Action::descriptor();
  if (action.kind_case() == v1::Action::KIND_NOT_SET) return "";
  return descriptor->FindFieldByNumber(action.kind_case())->name();
}

bool IsSessionAction(const v1::Action& action) {
  return action.has_answer() || action.has_give_up() || action.has_wait() || action.has_noop();
}

absl::Status CheckAction(const v1::Action& action, const v1::Capabilities& capabilities) {
  const std::string kind = ActionKind(action);
  if (kind.empty()) return Invalid("action: no kind is set");
  const auto& known = capabilities.actions();
  if (!IsSessionAction(action) && std::find(known.begin(), known.end(), kind) == known.end()) {
    return Invalid(absl::StrCat("action: this environment has no `", kind, "`"));
  }
  return CheckFields(action);
}

absl::Status CheckObservationRequest(const v1::ObservationRequest& request,
                                     const v1::Capabilities& capabilities) {
  const auto& known = capabilities.observation_parts();
  for (const int part : request.parts()) {
    if (std::find(known.begin(), known.end(), part) == known.end()) {
      return Invalid(absl::StrCat("observation.parts: this environment has no ",
                                  v1::ObservationPart_Name(static_cast<v1::ObservationPart>(part))));
    }
  }
  if (request.max_text_bytes() < 0 || request.max_text_bytes() > kMaxTextBytes) {
    return Invalid("observation.max_text_bytes: 0 to 4194304");
  }
  if (request.screenshot().quality() < 0 || request.screenshot().quality() > 100) {
    return Invalid("observation.screenshot.quality: 0 to 100");
  }
  if (!v1::ImageFormat_IsValid(request.screenshot().format())) {
    return Invalid("observation.screenshot.format: unknown");
  }
  return absl::OkStatus();
}

absl::Status CheckStepRequest(const v1::StepRequest& request, const v1::Capabilities& capabilities) {
  PROCTOR_RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  switch (request.input_case()) {
    case v1::StepRequest::kAction:
      PROCTOR_RETURN_IF_ERROR(CheckAction(request.action(), capabilities));
      break;
    case v1::StepRequest::kAgentText: {
      const auto& dialects = capabilities.dialects();
      if (std::find(dialects.begin(), dialects.end(), request.agent_text().dialect()) == dialects.end()) {
        return Invalid("agent_text.dialect: this environment does not have it");
      }
      if (request.agent_text().text().size() > kMaxAgentTextBytes) {
        return Invalid("agent_text.text: over 65536 bytes");
      }
      break;
    }
    case v1::StepRequest::INPUT_NOT_SET:
      return Invalid("step: set action or agent_text");
  }
  if (request.agent_data().ByteSizeLong() > kMaxAgentDataBytes) return Invalid("agent_data: over 1 MiB");
  return CheckObservationRequest(request.observation(), capabilities);
}

absl::Status CheckRequestId(const std::string& request_id) {
  if (request_id.size() > 128) return Invalid("request_id: over 128 bytes");
  return absl::OkStatus();
}

absl::StatusOr<v1::Limits> ResolveLimits(const v1::Limits& defaults, const v1::Limits& task,
                                         const v1::Limits& request) {
  for (const v1::Limits* limits : {&task, &request}) {
    if (limits->max_steps() < 0 || limits->max_steps() > kMaxSteps) {
      return Invalid("limits.max_steps: 1 to 10000");
    }
    if (limits->has_max_duration() && FromProto(limits->max_duration()) <= absl::ZeroDuration()) {
      return Invalid("limits.max_duration: must be positive");
    }
  }
  int steps = defaults.max_steps() > 0 ? defaults.max_steps() : kDefaultSteps;
  absl::Duration duration =
      defaults.has_max_duration() ? FromProto(defaults.max_duration()) : kDefaultDuration;
  if (task.max_steps() > 0) steps = task.max_steps();
  if (task.has_max_duration()) duration = FromProto(task.max_duration());
  if (request.max_steps() > 0) steps = std::min(steps, request.max_steps());
  if (request.has_max_duration()) duration = std::min(duration, FromProto(request.max_duration()));
  v1::Limits out;
  out.set_max_steps(steps);
  *out.mutable_max_duration() = ToProto(duration);
  return out;
}

}  // namespace proctor::env
