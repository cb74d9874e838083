#include "env/request_checks.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "trajectory/record_form.h"

namespace proctor::env {
namespace {

constexpr size_t kMaxAnswerBytes = 65536;
constexpr size_t kMaxTypedCharacters = 16384;
constexpr size_t kMaxUploadBytes = 16 << 20;
// Of an action, or of an agent's text without the text: an upload, and as much again as AgentData may have. A record has room for it beside any
// observation.
constexpr size_t kMaxInputBytes = kMaxUploadBytes + (1 << 20);
constexpr size_t kMaxClipboardBytes = 65536;
constexpr int kMaxChords = 64;
constexpr int kMaxVia = 256;
constexpr int kMaxSequence = 32;
constexpr int kMaxTextBytes = 4 << 20;
constexpr int kMaxTags = 32;
constexpr size_t kMaxTagKeyBytes = 128;
constexpr size_t kMaxTagValueBytes = 1024;
constexpr size_t kMaxPolicyBytes = 128;
// Of all of it: the fields of newer programs, too.
constexpr size_t kMaxWholePolicyBytes = 1024;
constexpr size_t kMaxSettingsBytes = 16 << 10;
constexpr int kMaxSteps = static_cast<int>(trajectory::kMaxSteps);
// As of the server's own defaults: see ServerConfig.default_limits.
constexpr absl::Duration kMaxDuration = absl::Hours(24);
constexpr int kDefaultSteps = 30;
constexpr absl::Duration kDefaultDuration = absl::Minutes(10);
constexpr absl::Duration kMaxWait = absl::Seconds(30);
constexpr absl::Duration kMaxHold = absl::Seconds(10);

absl::Status Invalid(const std::string& text) { return absl::InvalidArgumentError(text); }

absl::Status CheckFraction(const v1::Target& target, const std::string& field) {
  if (!target.has_fraction()) return absl::OkStatus();
  const auto inside = [](double share) { return share >= 0 && share <= 1; };
  if (inside(target.fraction().x()) && inside(target.fraction().y())) return absl::OkStatus();
  return Invalid(absl::StrCat("action.", field, ".fraction: x and y are shares of the viewport, 0 to 1"));
}

absl::Status CheckTarget(const v1::Target& target, const std::string& field) {
  if (target.kind_case() == v1::Target::KIND_NOT_SET) {
    return Invalid(absl::StrCat("action.", field, ": set a mark or a point"));
  }
  return CheckFraction(target, field);
}

// For targets that may be left out.
absl::Status CheckOptionalTarget(const v1::Target& target, const std::string& field) {
  return target.kind_case() == v1::Target::KIND_NOT_SET ? absl::OkStatus() : CheckFraction(target, field);
}

absl::Status CheckDuration(const google::protobuf::Duration& given, absl::Duration longest, const std::string& field) {
  const absl::Duration duration = FromProto(given);
  if (duration < absl::ZeroDuration() || duration > longest) {
    return Invalid(absl::StrCat("action.", field, ": 0 to ", absl::ToInt64Seconds(longest), " s"));
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

absl::Duration HeldTime(const v1::PressKeys& press) { return press.chords_size() * FromProto(press.hold()); }

absl::Status CheckPressKeys(const v1::PressKeys& press) {
  if (press.chords_size() > kMaxChords) return Invalid("action.press_keys.chords: at most 64");
  // None, with a target: the focus moves there, and that is all.
  if (press.chords().empty() && press.target().kind_case() == v1::Target::KIND_NOT_SET) {
    return Invalid("action.press_keys: set chords or a target");
  }
  PROCTOR_RETURN_IF_ERROR(CheckOptionalTarget(press.target(), "press_keys.target"));
  PROCTOR_RETURN_IF_ERROR(CheckDuration(press.hold(), kMaxHold, "press_keys.hold"));
  if (HeldTime(press) > kMaxWait) return Invalid("action.press_keys: each chord is held, which adds up to more than 30 s");
  return absl::OkStatus();
}

absl::Status CheckDrag(const v1::Drag& drag) {
  PROCTOR_RETURN_IF_ERROR(CheckTarget(drag.from(), "drag.from"));
  if (drag.via_size() > kMaxVia) return Invalid("action.drag.via: at most 256");
  return CheckTarget(drag.to(), "drag.to");
}

absl::Status CheckSwipe(const v1::Swipe& swipe) {
  PROCTOR_RETURN_IF_ERROR(CheckTarget(swipe.from(), "swipe.from"));
  PROCTOR_RETURN_IF_ERROR(CheckTarget(swipe.to(), "swipe.to"));
  return CheckDuration(swipe.duration(), kMaxHold, "swipe.duration");
}

absl::Status CheckLongPress(const v1::LongPress& press) {
  PROCTOR_RETURN_IF_ERROR(CheckTarget(press.target(), "long_press.target"));
  return CheckDuration(press.duration(), kMaxHold, "long_press.duration");
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
      return CheckOptionalTarget(action.type().target(), "type.target");
    case v1::Action::kPressKeys:
      return CheckPressKeys(action.press_keys());
    case v1::Action::kSelectOption:
      return CheckTarget(action.select_option().target(), "select_option.target");
    case v1::Action::kCheck:
      return CheckTarget(action.check().target(), "check.target");
    case v1::Action::kDrag:
      return CheckDrag(action.drag());
    case v1::Action::kUploadFile:
      return CheckUpload(action.upload_file());
    case v1::Action::kWait:
      return CheckDuration(action.wait().duration(), kMaxWait, "wait.duration");
    case v1::Action::kAnswer:
      if (action.answer().text().size() > kMaxAnswerBytes) {
        return Invalid("action.answer.text: over 65536 bytes");
      }
      return absl::OkStatus();
    case v1::Action::kGiveUp:
      if (action.give_up().reason().size() > kMaxAnswerBytes) {
        return Invalid("action.give_up.reason: over 65536 bytes");
      }
      return absl::OkStatus();
    case v1::Action::kScroll:
      return CheckOptionalTarget(action.scroll().target(), "scroll.target");
    case v1::Action::kMouseDown:
      return CheckOptionalTarget(action.mouse_down().target(), "mouse_down.target");
    case v1::Action::kMouseUp:
      return CheckOptionalTarget(action.mouse_up().target(), "mouse_up.target");
    case v1::Action::kKeyDown:
      return action.key_down().key().empty() ? Invalid("action.key_down.key: name a key") : absl::OkStatus();
    case v1::Action::kKeyUp:
      return action.key_up().key().empty() ? Invalid("action.key_up.key: name a key") : absl::OkStatus();
    case v1::Action::kSetClipboard:
      if (action.set_clipboard().text().size() > kMaxClipboardBytes) {
        return Invalid("action.set_clipboard.text: over 65536 bytes");
      }
      return absl::OkStatus();
    case v1::Action::kOpenApp:
      return action.open_app().name().empty() ? Invalid("action.open_app.name: name an application") : absl::OkStatus();
    case v1::Action::kLongPress:
      return CheckLongPress(action.long_press());
    case v1::Action::kSwipe:
      return CheckSwipe(action.swipe());
    case v1::Action::kPressButton:
      if (action.press_button().button() == v1::DEVICE_BUTTON_UNSPECIFIED ||
          !v1::DeviceButton_IsValid(action.press_button().button())) {
        return Invalid("action.press_button.button: BACK, HOME, RECENTS or ENTER");
      }
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

// What a sequence holds is checked as if it came alone.
absl::Status CheckSequence(const v1::Sequence& sequence, const v1::Capabilities& capabilities) {
  if (sequence.actions().empty() || sequence.actions_size() > kMaxSequence) {
    return Invalid("action.sequence.actions: 1 to 32");
  }
  absl::Duration asked;
  for (int i = 0; i < sequence.actions_size(); ++i) {
    const v1::Action& action = sequence.actions(i);
    if (action.has_sequence() || action.has_answer() || action.has_give_up()) {
      return Invalid(absl::StrCat("action.sequence.actions[", i, "]: no sequences, answers or give-ups"));
    }
    PROCTOR_RETURN_IF_ERROR(
        Annotate(CheckAction(action, capabilities), absl::StrCat("action.sequence.actions[", i, "]")));
    asked += AskedTime(action);
  }
  if (asked > kMaxWait) return Invalid("action.sequence: what it waits and holds down adds up to more than 30 s");
  return absl::OkStatus();
}

}  // namespace

std::string ActionKind(const v1::Action& action) {
  const auto* descriptor = v1::Action::descriptor();
  if (action.kind_case() == v1::Action::KIND_NOT_SET) return "";
  return descriptor->FindFieldByNumber(action.kind_case())->name();
}

absl::Duration WaitTime(const v1::Wait& wait) {
  const absl::Duration asked = FromProto(wait.duration());
  return asked > absl::ZeroDuration() ? asked : absl::Seconds(1);
}

absl::Duration AskedTime(const v1::Action& action) {
  switch (action.kind_case()) {
    case v1::Action::kWait:
      return WaitTime(action.wait());
    case v1::Action::kPressKeys:
      return HeldTime(action.press_keys());
    case v1::Action::kLongPress:
      return FromProto(action.long_press().duration());
    case v1::Action::kSwipe:
      return FromProto(action.swipe().duration());
    case v1::Action::kSequence: {
      absl::Duration sum;
      for (const v1::Action& part : action.sequence().actions()) sum += AskedTime(part);
      return sum;
    }
    default:
      return absl::ZeroDuration();
  }
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
  if (action.has_sequence()) return CheckSequence(action.sequence(), capabilities);
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
  const size_t input_bytes = request.action().ByteSizeLong() + request.agent_text().ByteSizeLong() - request.agent_text().text().size();
  if (input_bytes > kMaxInputBytes) {
    return Invalid(absl::StrCat(request.has_action() ? "action" : "agent_text", ": ", input_bytes, " bytes, at most ", kMaxInputBytes,
                                " are recorded with a step"));
  }
  switch (request.input_case()) {
    case v1::StepRequest::kAction:
      PROCTOR_RETURN_IF_ERROR(CheckAction(request.action(), capabilities));
      break;
    case v1::StepRequest::kAgentText: {
      const auto& dialects = capabilities.dialects();
      if (std::find(dialects.begin(), dialects.end(), request.agent_text().dialect()) == dialects.end()) {
        return Invalid("agent_text.dialect: this environment does not have it");
      }
      break;
    }
    case v1::StepRequest::INPUT_NOT_SET:
      return Invalid("step: set action or agent_text");
  }
  if (request.agent_data().ByteSizeLong() > size_t{trajectory::kMaxAgentDataBytes}) return Invalid("agent_data: over 1 MiB");
  return CheckObservationRequest(request.observation(), capabilities);
}

absl::Status CheckRequestId(const std::string& request_id) {
  if (request_id.size() > 128) return Invalid("request_id: over 128 bytes");
  return absl::OkStatus();
}

absl::Status CheckClientTags(const google::protobuf::Map<std::string, std::string>& tags) {
  if (tags.size() > kMaxTags) return Invalid(absl::StrCat("client_tags: ", tags.size(), " of them, at most ", kMaxTags));
  for (const auto& [key, value] : tags) {
    if (key.empty() || key.size() > kMaxTagKeyBytes) {
      return Invalid(absl::StrCat("client_tags: a key of ", key.size(), " bytes; they have 1 to ", kMaxTagKeyBytes));
    }
    if (value.size() > kMaxTagValueBytes) {
      return Invalid(absl::StrCat("client_tags: the value of '", key, "' has ", value.size(), " bytes, at most ", kMaxTagValueBytes));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckPolicy(const v1::PolicyRef& policy) {
  const bool fits = policy.policy().size() <= kMaxPolicyBytes && policy.version().size() <= kMaxPolicyBytes;
  if (fits && policy.ByteSizeLong() <= kMaxWholePolicyBytes) return absl::OkStatus();
  return Invalid(absl::StrCat("policy: name and version have at most ", kMaxPolicyBytes, " bytes each, and all of it ", kMaxWholePolicyBytes));
}

absl::Status CheckSettingsSize(const v1::EnvironmentSettings& settings) {
  const size_t bytes = settings.ByteSizeLong();
  if (bytes <= kMaxSettingsBytes) return absl::OkStatus();
  return Invalid(absl::StrCat("settings: ", bytes, " bytes, at most ", kMaxSettingsBytes));
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
    if (FromProto(limits->max_duration()) > kMaxDuration) return Invalid("limits.max_duration: at most 24h");
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
