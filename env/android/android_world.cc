#include "env/android/android_world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "env/android/android_evidence.h"
#include "env/android/android_settings.h"
#include "env/android/pause.h"
#include "env/start_fields.h"
#include "re2/re2.h"

namespace proctor::env::android {
namespace {

// Putting things back must not keep a session from ending.
constexpr absl::Duration kReleaseCap = absl::Seconds(15);
// A device that has just come back is asked again until it is up.
constexpr absl::Duration kAskCap = absl::Seconds(10);
constexpr absl::Duration kAskAgain = absl::Milliseconds(200);

absl::Status CheckStart(const v1::Task& task) {
  const v1::StartState& start = task.start_state();
  PROCTOR_RETURN_IF_ERROR(CheckStartFields(start, {"android"}, "a phone"));
  if (!task.files().empty()) return absl::InvalidArgumentError("files: a phone takes no uploads");
  return ValidateAndroidStart(start.android());
}

}  // namespace

AndroidWorld::AndroidWorld(Options options, DevicePool& pool, std::unique_ptr<DevicePool::Lease> lease)
    : options_(std::move(options)), pool_(pool), lease_(std::move(lease)), device_(pool.adb(), lease_->serial()) {}

AndroidWorld::~AndroidWorld() { EndEpisode(); }

void AndroidWorld::EndEpisode() {
  if (lease_->leftovers().dirty && Ready().ok()) {
    const absl::Status released = Release(CallContext::WithTimeout(kReleaseCap));
    if (!released.ok()) LogWarning("device not released clean", {{"serial", lease_->serial()}, {"reason", std::string(released.message())}});
  }
  episode_.reset();
}

absl::Status AndroidWorld::Release(const CallContext& context) {
  PROCTOR_RETURN_IF_ERROR(CleanUp(context, device_, lease_->leftovers()));
  lease_->leftovers().dirty = false;
  return absl::OkStatus();
}

absl::Status AndroidWorld::Ready() const {
  if (pool_.Losses(lease_->serial()) == losses_) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("the device ", lease_->serial(), " was lost"));
}

absl::Status AndroidWorld::Checked(absl::Status status) const {
  if (status.ok() || absl::IsCancelled(status)) return status;
  return absl::UnavailableError(absl::StrCat("the device ", lease_->serial(), ": ", status.message()));
}

absl::Status AndroidWorld::AwaitDevice(const CallContext& context) {
  const CallContext wait = context.Child(options_.device_wait);
  absl::Status last;
  while (true) {
    const absl::StatusOr<int64_t> online = pool_.AwaitOnline(wait, lease_->serial());
    if (online.ok()) {
      losses_ = *online;
      last = device_.Learn(context.Child(kAskCap));
      if (last.ok()) last = device_.CheckBooted(context.Child(kAskCap));
      if (last.ok() || absl::IsFailedPrecondition(last)) return last;
    }
    PROCTOR_RETURN_IF_ERROR(context.Check("waiting for the device"));
    if (!online.ok() || !Pause(wait, kAskAgain).ok()) break;
  }
  PROCTOR_RETURN_IF_ERROR(context.Check("waiting for the device"));
  return absl::UnavailableError(absl::StrCat("the device ", lease_->serial(), " is away, and did not come back within ",
                                             absl::FormatDuration(options_.device_wait), last.ok() ? "" : ": ", last.message()));
}

absl::Status AndroidWorld::Prepare(const CallContext& context, const v1::AndroidStart& start) {
  Leftovers& leftovers = lease_->leftovers();
  // This session's or the last one's.
  if (leftovers.dirty) PROCTOR_RETURN_IF_ERROR(Checked(Release(context)));
  leftovers.dirty = true;
  episode_ = std::make_unique<Episode>(device_, options_.settings);
  episode_->start = start;
  PROCTOR_RETURN_IF_ERROR(Checked(GoHome(context, device_)));
  PROCTOR_RETURN_IF_ERROR(episode_->text.Begin(context, leftovers.input_method));
  PROCTOR_RETURN_IF_ERROR(Checked(PrepareStart(context, device_, episode_->log, start, leftovers)));
  return Checked(episode_->observer.Begin(context));
}

absl::StatusOr<ResetResult> AndroidWorld::Reset(const CallContext& context, const ResetSpec& spec,
                                                const v1::ObservationRequest& request) {
  PROCTOR_RETURN_IF_ERROR(context.Check("resetting the device"));
  PROCTOR_RETURN_IF_ERROR(CheckStart(spec.task));
  const absl::Time begin = absl::Now();
  EndEpisode();
  PROCTOR_RETURN_IF_ERROR(AwaitDevice(context));
  PROCTOR_RETURN_IF_ERROR(Prepare(context, spec.task.start_state().android()));
  ResetResult result;
  PROCTOR_ASSIGN_OR_RETURN(v1::SettleReport settle,
                           episode_->observer.Settle(context, FromProto(options_.settings.settle_cap())));
  NoteFront();
  const absl::Time rested = absl::Now();
  PROCTOR_ASSIGN_OR_RETURN(result.observation, episode_->observer.Look(context, request));
  PROCTOR_RETURN_IF_ERROR(Ready());
  *settle.mutable_timing()->mutable_act() = ToProto(rested - begin - FromProto(settle.timing().settle()));
  *settle.mutable_timing()->mutable_observe() = ToProto(absl::Now() - rested);
  *result.observation.mutable_settle() = std::move(settle);
  return result;
}

void AndroidWorld::NoteFront() {
  const std::string& package = episode_->observer.foreground().package;
  if (!IsAndroidsOwn(package)) lease_->leftovers().packages.insert(package);
}

absl::StatusOr<bool> AndroidWorld::LoggedEnd(const CallContext& context) {
  const v1::AndroidStart& start = episode_->start;
  if (start.end_log_regex().empty()) return false;
  PROCTOR_ASSIGN_OR_RETURN(const std::vector<std::string> lines,
                           episode_->log.LinesLeft(context, {start.log_filters().begin(), start.log_filters().end()}));
  const re2::RE2 expression(start.end_log_regex(), re2::RE2::Quiet);
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) { return re2::RE2::PartialMatch(line, expression); });
}

absl::StatusOr<v1::EndReason> AndroidWorld::WorldEnd(const CallContext& context) {
  PROCTOR_ASSIGN_OR_RETURN(const bool logged, LoggedEnd(context));
  if (logged) return v1::END_REASON_WORLD_ENDED;
  const std::string& expected = episode_->start.expected_activity();
  const std::string& activity = episode_->observer.foreground().activity;
  // A device that does not say what is in front says neither that it is the application nor that it is not.
  if (expected.empty() || activity.empty()) return v1::END_REASON_UNSPECIFIED;
  const bool inside = re2::RE2::FullMatch(activity, expected);
  episode_->steps_outside = inside ? 0 : episode_->steps_outside + 1;
  return episode_->steps_outside >= 2 ? v1::END_REASON_LEFT_APP : v1::END_REASON_UNSPECIFIED;
}

absl::StatusOr<ActResult> AndroidWorld::Act(const CallContext& context, const v1::Action& action,
                                            const v1::ObservationRequest& request) {
  if (episode_ == nullptr) return absl::FailedPreconditionError("no episode is open");
  PROCTOR_RETURN_IF_ERROR(Ready());
  const absl::Time begin = absl::Now();
  absl::StatusOr<ActionOutcome> outcome = episode_->runner.Run(context, action);
  PROCTOR_RETURN_IF_ERROR(Checked(outcome.status()));
  const absl::Time acted = absl::Now();
  absl::StatusOr<v1::SettleReport> settle = episode_->observer.Settle(context, FromProto(options_.settings.settle_cap()));
  PROCTOR_RETURN_IF_ERROR(Checked(settle.status()));
  NoteFront();
  const absl::Time rested = absl::Now();
  absl::StatusOr<v1::Observation> seen = episode_->observer.Look(context, request);
  PROCTOR_RETURN_IF_ERROR(Checked(seen.status()));
  const absl::StatusOr<v1::EndReason> end = WorldEnd(context);
  PROCTOR_RETURN_IF_ERROR(Checked(end.status()));
  PROCTOR_RETURN_IF_ERROR(Ready());
  ActResult result;
  *settle->mutable_timing()->mutable_act() = ToProto(acted - begin);
  *settle->mutable_timing()->mutable_observe() = ToProto(absl::Now() - rested);
  result.observation = *std::move(seen);
  *result.observation.mutable_settle() = *std::move(settle);
  result.observation.set_action_error(outcome->error);
  result.world_end = *end;
  result.target_box = outcome->target_box;
  result.target_point = outcome->target_point;
  result.release_point = outcome->release_point;
  result.target_element = outcome->target_element;
  return result;
}

absl::StatusOr<v1::Observation> AndroidWorld::Observe(const CallContext& context, const v1::ObservationRequest& request) {
  if (episode_ == nullptr) return absl::FailedPreconditionError("no episode is open");
  PROCTOR_RETURN_IF_ERROR(Ready());
  PROCTOR_RETURN_IF_ERROR(Checked(episode_->observer.Glance(context, request)));
  absl::StatusOr<v1::Observation> seen = episode_->observer.Look(context, request);
  PROCTOR_RETURN_IF_ERROR(Checked(seen.status()));
  PROCTOR_RETURN_IF_ERROR(Ready());
  return seen;
}

absl::StatusOr<ActResult> AndroidWorld::Idle(const CallContext& context, const v1::ObservationRequest& request) {
  ActResult result;
  PROCTOR_ASSIGN_OR_RETURN(result.observation, Observe(context, request));
  NoteFront();
  const absl::StatusOr<v1::EndReason> end = WorldEnd(context);
  PROCTOR_RETURN_IF_ERROR(Checked(end.status()));
  result.world_end = *end;
  return result;
}

absl::StatusOr<std::string> AndroidWorld::CollectOne(const CallContext& context, const v1::EvidenceRequest& request) {
  if (episode_ == nullptr) return absl::FailedPreconditionError("no episode is open");
  PROCTOR_RETURN_IF_ERROR(Ready());
  return EvidenceCollector(device_, episode_->log, episode_->observer.screen(), options_.scratch).Collect(context, request);
}

std::vector<v1::Evidence> AndroidWorld::Collect(const CallContext& context, const std::vector<v1::EvidenceRequest>& requests) {
  std::vector<v1::Evidence> out;
  for (const v1::EvidenceRequest& request : requests) {
    v1::Evidence& evidence = out.emplace_back();
    evidence.set_request_id(request.id());
    *evidence.mutable_collect_time() = ToProto(absl::Now());
    const absl::StatusOr<std::string> value = CollectOne(context, request);
    if (value.ok()) {
      evidence.add_json_values(*value);
    } else {
      evidence.set_error(std::string(value.status().message()));
    }
  }
  return out;
}

}  // namespace proctor::env::android
