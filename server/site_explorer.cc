#include "server/site_explorer.h"

#include <algorithm>
#include <utility>

#include "common/mutex.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace proctor::server {
namespace {

constexpr absl::Duration kLongestWait = absl::Seconds(30);

absl::Status Wait(const CallContext& context, absl::Duration duration) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  const CallContext capped = context.Child(std::clamp(duration, absl::ZeroDuration(), kLongestWait));
  AwaitWithContext(capped, mutex, never, [] { return false; }, "wait").IgnoreError();
  return context.Check("wait");
}

absl::Status NothingIsOpen() { return absl::FailedPreconditionError("an explorer has nothing open: Reset comes first"); }

}  // namespace

WorldExplorer::WorldExplorer(const ExplorerHome& home, const v1::Size& viewport)
    : environment_(home.environment), viewport_(viewport), place_(home.sessions, home.environment_id, home.tenant) {}

absl::Status WorldExplorer::Acquire(const CallContext& context) {
  if (place_.held() && place_.wanted()) {
    world_.reset();
    place_.Lend();
  }
  return place_.Await(context);
}

bool WorldExplorer::TryAcquire() {
  if (!place_.held() || !place_.wanted()) return place_.Try();
  Rest();
  return false;
}

void WorldExplorer::Rest() {
  world_.reset();
  place_.GiveBack();
}

absl::Status WorldExplorer::Open(const CallContext& context) {
  if (world_ != nullptr) return absl::OkStatus();
  if (!place_.held()) return absl::FailedPreconditionError("an explorer has no place for a world: Acquire comes first");
  PROCTOR_ASSIGN_OR_RETURN(v1::EnvironmentSettings settings, environment_.ResolveSettings({}));
  v1::EnvironmentSettings wished = settings;
  if (wished.has_web()) *wished.mutable_web()->mutable_viewport() = viewport_;
  if (wished.has_practice()) *wished.mutable_practice()->mutable_web()->mutable_viewport() = viewport_;
  if (auto resolved = environment_.ResolveSettings(wished); resolved.ok()) settings = *std::move(resolved);
  PROCTOR_ASSIGN_OR_RETURN(world_, environment_.Open(context, settings));
  return absl::OkStatus();
}

absl::StatusOr<proposer::SiteExplorer::Start> WorldExplorer::Reset(const CallContext& context,
                                                                   const v1::Task& task,
                                                                   const v1::ObservationRequest& request) {
  PROCTOR_RETURN_IF_ERROR(Open(context));
  PROCTOR_ASSIGN_OR_RETURN(
      env::ResetResult reset,
      world_->Reset(context, env::ResetSpec{.task = task, .seed = task.seed()}, request));
  return Start{.observation = std::move(reset.observation), .base_urls = std::move(reset.base_urls)};
}

absl::StatusOr<v1::Observation> WorldExplorer::Act(const CallContext& context, const v1::Action& action,
                                                   const v1::ObservationRequest& request) {
  if (action.has_answer() || action.has_give_up()) {
    return absl::InvalidArgumentError("an explorer neither answers nor gives up");
  }
  if (world_ == nullptr) return NothingIsOpen();
  if (action.has_wait()) {
    const absl::Duration asked = FromProto(action.wait().duration());
    PROCTOR_RETURN_IF_ERROR(Wait(context, asked > absl::ZeroDuration() ? asked : absl::Seconds(1)));
  }
  if (action.has_wait() || action.has_noop()) return world_->Observe(context, request);
  PROCTOR_ASSIGN_OR_RETURN(env::ActResult result, world_->Act(context, action, request));
  return std::move(result.observation);
}

absl::StatusOr<std::string> WorldExplorer::Evaluate(const CallContext& context,
                                                    const std::string& expression) {
  if (world_ == nullptr) return NothingIsOpen();
  v1::EvidenceRequest request;
  request.set_id("expression");
  request.mutable_page_expression()->set_expression(expression);
  const std::vector<v1::Evidence> evidence = world_->Collect(context, {request});
  if (evidence.size() != 1) return absl::InternalError("the world gave no evidence");
  if (!evidence[0].error().empty()) return absl::UnavailableError(evidence[0].error());
  if (evidence[0].json_values_size() != 1) return absl::InternalError("the world gave no value");
  return evidence[0].json_values(0);
}

std::vector<v1::Evidence> WorldExplorer::Collect(const CallContext& context,
                                                 const std::vector<v1::EvidenceRequest>& requests) {
  if (world_ == nullptr) return {};
  return world_->Collect(context, requests);
}

}  // namespace proctor::server
