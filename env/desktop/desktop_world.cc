#include "env/desktop/desktop_world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/json.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/desktop/desktop_config.h"
#include "env/desktop/desktop_evidence.h"
#include "env/desktop/guest_replies.h"
#include "env/observation_parts.h"
#include "env/start_fields.h"

namespace proctor::env::desktop {
namespace {

constexpr size_t kMaxTextBytes = size_t{4} << 20;
constexpr size_t kMaxFileBytes = size_t{16} << 20;
constexpr absl::Duration kGuestCap = absl::Seconds(5);
constexpr absl::Duration kElementsCap = absl::Seconds(3);
constexpr absl::Duration kReleaseCap = absl::Seconds(2);

void AddMissing(v1::ObservationPart part, std::string_view reason, v1::Observation& observation) {
  v1::MissingPart& missing = *observation.add_missing();
  missing.set_part(part);
  missing.set_reason(SanitizeUtf8(TruncateUtf8(reason, 500)));
}

void SetText(std::string text, const v1::ObservationRequest& request, v1::TextPart& part) {
  const size_t limit = request.max_text_bytes() > 0 ? std::min<size_t>(kMaxTextBytes, request.max_text_bytes()) : kMaxTextBytes;
  part.set_truncated(text.size() > limit);
  if (part.truncated()) text = std::string(TruncateUtf8(text, limit));
  part.set_text(std::move(text));
}

absl::Status CheckPath(const std::string& field, const std::string& path) {
  const std::vector<std::string> parts = absl::StrSplit(path, '/');
  const bool climbs = std::find(parts.begin(), parts.end(), "..") != parts.end();
  const bool names = std::any_of(parts.begin(), parts.end(), [](const std::string& part) { return !part.empty() && part != "."; });
  if (!names || climbs || path[0] == '/' || path.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("start_state.desktop.", field, ": \"", path, "\" must be relative to the home directory, without `..`"));
  }
  return absl::OkStatus();
}

absl::Status CheckDesktopStart(const v1::DesktopConfig& config, const v1::DesktopStart& start) {
  for (int i = 0; i < start.files_size(); ++i) {
    PROCTOR_RETURN_IF_ERROR(CheckPath(absl::StrCat("files[", i, "].path"), start.files(i).path()));
    if (start.files(i).content().size() > kMaxFileBytes) {
      return absl::InvalidArgumentError(absl::StrCat("start_state.desktop.files[", i, "].content: over 16 MiB"));
    }
  }
  for (int i = 0; i < start.launches_size(); ++i) {
    const v1::DesktopLaunch& launch = start.launches(i);
    if (!config.applications().contains(launch.application())) {
      return absl::InvalidArgumentError(absl::StrCat("start_state.desktop.launches[", i, "].application: no application is named \"",
                                                     launch.application(), "\" in the server's configuration"));
    }
    for (const std::string& file : launch.files()) {
      PROCTOR_RETURN_IF_ERROR(CheckPath(absl::StrCat("launches[", i, "].files"), file));
    }
  }
  return absl::OkStatus();
}

// What an application did not do, as the world's fault: a task cannot begin without it.
absl::Status AsFault(const absl::Status& status) {
  if (status.ok() || absl::IsCancelled(status) || absl::IsDeadlineExceeded(status)) return status;
  return absl::UnavailableError(status.message());
}

}  // namespace

v1::Capabilities DesktopCapabilities() {
  v1::Capabilities can;
  for (const char* action : {"click", "hover", "type", "press_keys", "scroll", "drag", "mouse_down", "mouse_up", "key_down", "key_up",
                             "set_clipboard", "open_app", "sequence", "wait", "answer", "give_up", "noop"}) {
    can.add_actions(action);
  }
  for (const v1::ObservationPart part : {v1::OBSERVATION_PART_SCREENSHOT, v1::OBSERVATION_PART_ELEMENTS, v1::OBSERVATION_PART_ACCESSIBILITY_TREE,
                                         v1::OBSERVATION_PART_WINDOWS, v1::OBSERVATION_PART_CLIPBOARD}) {
    can.add_observation_parts(part);
  }
  for (const v1::Dialect dialect : {v1::DIALECT_OPENAI_COMPUTER, v1::DIALECT_ANTHROPIC_COMPUTER, v1::DIALECT_PYAUTOGUI, v1::DIALECT_INFANT_AGENT}) {
    can.add_dialects(dialect);
  }
  for (const char* kind : {"file", "processes", "command", "screen_match", "foreground", "clipboard"}) can.add_evidence(kind);
  return can;
}

DesktopWorld::DesktopWorld(Options options) : options_(std::move(options)) {
  if (options_.source != nullptr && options_.prewarm) options_.source->Prepare();
}

DesktopWorld::~DesktopWorld() { EndEpisode(); }

void DesktopWorld::EndEpisode() {
  // Our own goes with all that is pressed; another's stays behind.
  if (runner_ != nullptr && remote_ != nullptr) {
    runner_->input().ReleaseAll(CallContext::WithTimeout(kReleaseCap)).IgnoreError();
  }
  runner_.reset();
  remote_.reset();
  desktop_.reset();
  elements_ = ElementList();
  pictures_ = ScreenPictures();
}

Display DesktopWorld::display() const { return {screen(), desktop_ != nullptr ? &desktop_->guest() : nullptr}; }

RfbClient& DesktopWorld::screen() const { return desktop_ != nullptr ? desktop_->screen() : *remote_; }

absl::Status DesktopWorld::Ready() const {
  if (desktop_ == nullptr && remote_ == nullptr) return absl::FailedPreconditionError("no episode is open");
  return desktop_ != nullptr ? desktop_->status() : remote_->status();
}

absl::Status DesktopWorld::CheckStart(const v1::Task& task) const {
  const v1::StartState& start = task.start_state();
  PROCTOR_RETURN_IF_ERROR(CheckStartFields(start, {"desktop"}, "a desktop"));
  if (!task.files().empty()) return absl::InvalidArgumentError("files: a desktop takes no uploads; put them into start_state.desktop.files");
  if (options_.source == nullptr && (!start.desktop().files().empty() || !start.desktop().launches().empty())) {
    return absl::InvalidArgumentError("start_state.desktop: a display that somebody else started has no files and launches");
  }
  return CheckDesktopStart(options_.config, start.desktop());
}

absl::Status DesktopWorld::Begin(const CallContext& context, const v1::DesktopStart& start) {
  if (options_.source == nullptr) {
    PROCTOR_ASSIGN_OR_RETURN(remote_, ConnectRemoteDisplay(context, options_.config.displays().at(options_.settings.display())));
  } else {
    PROCTOR_ASSIGN_OR_RETURN(desktop_, options_.source->Take(context));
  }
  ActionRunner::Options options;
  for (const std::string& name : StartableApplications(options_.config, options_.settings)) {
    options.applications[name] = options_.config.applications().at(name);
  }
  runner_ = std::make_unique<ActionRunner>(display(), elements_, std::move(options));
  for (const v1::DesktopFile& file : start.files()) {
    std::string base64;
    absl::Base64Escape(file.content(), &base64);
    const absl::Status written =
        desktop_->guest()
            .Call(context, kGuestCap, {{"op", "write"}, {"path", file.path()}, {"base64", base64}, {"executable", file.executable()}})
            .status();
    // Two files may be in each other's way.
    PROCTOR_RETURN_IF_ERROR(Annotate(written, "start_state.desktop.files"));
  }
  for (const v1::DesktopLaunch& launch : start.launches()) PROCTOR_RETURN_IF_ERROR(Launch(context, launch));
  return absl::OkStatus();
}

absl::Status DesktopWorld::Launch(const CallContext& context, const v1::DesktopLaunch& launch) {
  const v1::DesktopApplication& application = options_.config.applications().at(launch.application());
  const absl::StatusOr<std::string> window_class =
      LaunchApplication(context, desktop_->guest(), application, {launch.files().begin(), launch.files().end()});
  PROCTOR_RETURN_IF_ERROR(Annotate(AsFault(window_class.status()), launch.application()));
  runner_->NoteWindowClass(launch.application(), *window_class);
  return absl::OkStatus();
}

absl::StatusOr<ResetResult> DesktopWorld::Reset(const CallContext& context, const ResetSpec& spec,
                                                const v1::ObservationRequest& request) {
  EndEpisode();
  PROCTOR_RETURN_IF_ERROR(CheckStart(spec.task));
  PROCTOR_RETURN_IF_ERROR(context.Check("a desktop's reset"));
  const absl::Time began = absl::Now();
  absl::Status begun = Begin(context, spec.task.start_state().desktop());
  if (!begun.ok()) {
    EndEpisode();
    return begun;
  }
  PROCTOR_ASSIGN_OR_RETURN(const bool settled, Settle(context));
  const absl::Time rested = absl::Now();
  ResetResult result;
  PROCTOR_ASSIGN_OR_RETURN(result.observation, Look(context, request));
  v1::SettleReport& report = *result.observation.mutable_settle();
  report.set_settled(settled);
  if (!settled) report.set_waiting_for("screen");
  *report.mutable_timing()->mutable_settle() = ToProto(rested - began);
  *report.mutable_timing()->mutable_observe() = ToProto(absl::Now() - rested);
  // Only now: this episode's own start has had the machine to itself.
  if (options_.source != nullptr && options_.prewarm) options_.source->Prepare();
  return result;
}

absl::StatusOr<bool> DesktopWorld::Settle(const CallContext& context) {
  const absl::Time end = absl::Now() + FromProto(options_.settings.settle_cap());
  if (desktop_ != nullptr) {
    // An application that is busy with its input draws nothing: that is no rest.
    const absl::StatusOr<Json> reply = desktop_->guest().Call(context, end - absl::Now(), {{"op", "await_input"}});
    if (absl::IsDeadlineExceeded(reply.status()) && context.Check("the screen to come to rest").ok()) return false;
    PROCTOR_RETURN_IF_ERROR(AsFault(reply.status()));
    if (!JsonBoolOr(*reply, "answered")) return false;
  }
  const absl::Time now = absl::Now();
  return screen().AwaitStill(context, now, FromProto(options_.settings.settle_still()), end - now);
}

absl::StatusOr<ActResult> DesktopWorld::Act(const CallContext& context, const v1::Action& action,
                                            const v1::ObservationRequest& request) {
  PROCTOR_RETURN_IF_ERROR(Ready());
  const absl::Time began = absl::Now();
  PROCTOR_ASSIGN_OR_RETURN(ActionOutcome outcome, runner_->Run(context, action));
  const absl::Time acted = absl::Now();
  PROCTOR_ASSIGN_OR_RETURN(const bool settled, Settle(context));
  const absl::Time rested = absl::Now();
  ActResult result;
  PROCTOR_ASSIGN_OR_RETURN(result.observation, Look(context, request));
  result.observation.set_action_error(outcome.error);
  v1::SettleReport& report = *result.observation.mutable_settle();
  report.set_settled(settled);
  if (!settled) report.set_waiting_for("screen");
  *report.mutable_timing()->mutable_act() = ToProto(acted - began);
  *report.mutable_timing()->mutable_settle() = ToProto(rested - acted);
  *report.mutable_timing()->mutable_observe() = ToProto(absl::Now() - rested);
  result.target_box = outcome.target_box;
  result.target_point = outcome.target_point;
  result.release_point = outcome.release_point;
  result.target_element = outcome.target_element;
  return result;
}

absl::StatusOr<v1::Observation> DesktopWorld::Observe(const CallContext& context, const v1::ObservationRequest& request) {
  PROCTOR_RETURN_IF_ERROR(Ready());
  return Look(context, request);
}

absl::StatusOr<v1::Observation> DesktopWorld::Look(const CallContext& context, const v1::ObservationRequest& request) {
  v1::Observation observation;
  *observation.mutable_observe_time() = ToProto(absl::Now());
  observation.mutable_viewport()->set_width(screen().width());
  observation.mutable_viewport()->set_height(screen().height());
  observation.mutable_cursor()->set_x(runner_->input().pointer().x);
  observation.mutable_cursor()->set_y(runner_->input().pointer().y);
  PROCTOR_RETURN_IF_ERROR(AddWindows(context, request, observation));
  PROCTOR_RETURN_IF_ERROR(AddElements(context, request, observation));
  PROCTOR_RETURN_IF_ERROR(AddPicture(context, request, observation));
  PROCTOR_RETURN_IF_ERROR(AddClipboard(context, request, observation));
  // What a dead desktop did not say must not pass for an observation.
  PROCTOR_RETURN_IF_ERROR(Ready());
  return observation;
}

absl::Status DesktopWorld::AddWindows(const CallContext& context, const v1::ObservationRequest& request, v1::Observation& observation) {
  const bool asked = Asks(request, v1::OBSERVATION_PART_WINDOWS);
  if (desktop_ == nullptr) {
    if (asked) AddMissing(v1::OBSERVATION_PART_WINDOWS, "a display that somebody else started shows its pixels only", observation);
    return absl::OkStatus();
  }
  const absl::StatusOr<Json> reply = desktop_->guest().Call(context, kGuestCap, {{"op", "windows"}});
  PROCTOR_RETURN_IF_ERROR(AsFault(reply.status()));
  absl::StatusOr<std::vector<v1::Window>> windows = ReadWindows(*reply);
  PROCTOR_RETURN_IF_ERROR(AsFault(windows.status()));
  for (v1::Window& window : *windows) {
    if (window.focused()) observation.set_title(window.title());
    if (asked) *observation.add_windows() = std::move(window);
  }
  return absl::OkStatus();
}

absl::Status DesktopWorld::AddElements(const CallContext& context, const v1::ObservationRequest& request, v1::Observation& observation) {
  const bool elements = Asks(request, v1::OBSERVATION_PART_ELEMENTS);
  const bool tree = Asks(request, v1::OBSERVATION_PART_ACCESSIBILITY_TREE);
  const bool marks = Asks(request, v1::OBSERVATION_PART_SCREENSHOT) && request.screenshot().draw_marks();
  if (!elements && !tree && !marks) return absl::OkStatus();
  if (desktop_ == nullptr) {
    const char* reason = "a display that somebody else started shows its pixels only: give points";
    if (elements) AddMissing(v1::OBSERVATION_PART_ELEMENTS, reason, observation);
    if (tree) AddMissing(v1::OBSERVATION_PART_ACCESSIBILITY_TREE, reason, observation);
    return absl::OkStatus();
  }
  const absl::StatusOr<Json> reply =
      desktop_->guest().Call(context, kElementsCap, {{"op", "elements"}, {"max", 4 * ElementList::kMaxElements}});
  PROCTOR_RETURN_IF_ERROR(AsFault(reply.status()));
  const absl::StatusOr<AccessibleNodes> nodes = ReadElements(*reply);
  PROCTOR_RETURN_IF_ERROR(AsFault(nodes.status()));
  elements_.Update(*nodes, observation.viewport());
  if (!nodes->silent.empty()) {
    observation.add_notices(absl::StrCat("what is in the windows of ", absl::StrJoin(nodes->silent, ", "), " is not known: no answer in time"));
  }
  if (tree) SetText(elements_.tree(), request, *observation.mutable_accessibility_tree());
  if (!elements) return absl::OkStatus();
  for (const ListedElement& listed : elements_.elements()) *observation.add_elements() = listed.element;
  observation.set_elements_truncated(elements_.truncated());
  return absl::OkStatus();
}

absl::Status DesktopWorld::AddPicture(const CallContext& context, const v1::ObservationRequest& request, v1::Observation& observation) {
  if (!Asks(request, v1::OBSERVATION_PART_SCREENSHOT)) return absl::OkStatus();
  PROCTOR_RETURN_IF_ERROR(context.Check("a picture of the screen"));
  absl::StatusOr<v1::Image> picture = pictures_.Take(screen(), request.screenshot(), elements_);
  if (picture.ok()) {
    *observation.mutable_screenshot() = *std::move(picture);
  } else {
    AddMissing(v1::OBSERVATION_PART_SCREENSHOT, ToStd(picture.status().message()), observation);
  }
  return absl::OkStatus();
}

absl::Status DesktopWorld::AddClipboard(const CallContext& context, const v1::ObservationRequest& request, v1::Observation& observation) {
  if (!Asks(request, v1::OBSERVATION_PART_CLIPBOARD)) return absl::OkStatus();
  if (desktop_ == nullptr) {
    AddMissing(v1::OBSERVATION_PART_CLIPBOARD, "a display that somebody else started shows its pixels only", observation);
    return absl::OkStatus();
  }
  const absl::StatusOr<Json> reply =
      desktop_->guest().Call(context, absl::Seconds(2), {{"op", "get_clipboard"}, {"max_bytes", kMaxTextBytes}});
  if (absl::IsDeadlineExceeded(reply.status()) && context.Check("the clipboard").ok()) {
    AddMissing(v1::OBSERVATION_PART_CLIPBOARD, "the application that holds it does not answer", observation);
    return absl::OkStatus();
  }
  PROCTOR_RETURN_IF_ERROR(AsFault(reply.status()));
  SetText(SanitizeUtf8(JsonStringOr(*reply, "text")), request, *observation.mutable_clipboard());
  return absl::OkStatus();
}

std::vector<v1::Evidence> DesktopWorld::Collect(const CallContext& context, const std::vector<v1::EvidenceRequest>& requests) {
  std::vector<v1::Evidence> collected;
  for (const v1::EvidenceRequest& request : requests) {
    const absl::Status ready = Ready();
    if (ready.ok()) {
      collected.push_back(CollectDesktopEvidence(context, options_.config, display(), pictures_.Pixels(screen()), request));
      continue;
    }
    v1::Evidence& evidence = collected.emplace_back();
    evidence.set_request_id(request.id());
    evidence.set_error(std::string(ready.message()));
    *evidence.mutable_collect_time() = ToProto(absl::Now());
  }
  return collected;
}

}  // namespace proctor::env::desktop
