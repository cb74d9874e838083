// Session's steps.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log_request.h"
#include "common/proto_time.h"
#include "common/retry_hint.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/dialects/dialect.h"
#include "env/fractions.h"
#include "env/request_checks.h"
#include "env/session.h"
#include "trajectory/record_form.h"

namespace proctor::env {

// A step on its way through the queue.
struct Session::StepCall {
  CallContext context;
  v1::StepRequest request;
  Done<v1::StepResponse> done;
  Permit permit;
  AsyncQueue::Finish finish;
  absl::Time arrival;
  absl::Time begin;
  Replay replay;
  // As executed; no kind if the agent's text did not parse.
  v1::Action action;
  // Why nothing is done.
  std::string refusal;
  // What the world's work may take.
  CallContext act_context;
};

namespace {

// As much of the thought as a record has room for beside what the client sent.
void SetThought(std::string thought, v1::AgentData& data) {
  const size_t bytes = thought.size();
  data.set_thought(std::move(thought));
  const size_t all = data.ByteSizeLong();
  constexpr size_t kMost = trajectory::kMaxAgentDataBytes;
  if (all <= kMost) return;
  const size_t excess = all - kMost;
  data.set_thought(std::string(TruncateUtf8(data.thought(), bytes > excess ? bytes - excess : 0)));
}

// What a record has no room for is beyond a limit of the agent's; what a client may not store is the client's affair, and no fault.
v1::EndReason EndOfUnrecorded(const absl::Status& status) {
  if (trajectory::SaysRecordIsFull(status)) return v1::END_REASON_STEP_LIMIT;
  const bool refused = absl::IsResourceExhausted(status) && RetryHint(status).has_value();
  return refused ? v1::END_REASON_CANCELLED : v1::END_REASON_SERVER_FAULT;
}

}  // namespace

void Session::Step(CallContext context, v1::StepRequest request, Done<v1::StepResponse> done, Permit permit) {
  if (absl::Status alive = Admit(); !alive.ok()) {
    parts_.pool.Post([done = std::move(done), alive] { done(alive); });
    return;
  }
  auto call = std::make_shared<StepCall>();
  call->context = std::move(context);
  call->request = std::move(request);
  call->done = std::move(done);
  call->permit = std::move(permit);
  call->arrival = parts_.clock.Now();
  Enqueue([this, self = shared_from_this(), call](AsyncQueue::Finish finish) {
    call->finish = std::move(finish);
    call->begin = parts_.clock.Now();
    const LogRequest log(call->context.request_id());
    if (auto early = BeginStep(*call)) {
      Leave(call->finish);
      call->done(*std::move(early));
      return;
    }
    const auto act = [this, self, call] {
      const LogRequest log(call->context.request_id());
      v1::StepResponse response = FinishStep(*call, ActOrObserve(*call));
      Leave(call->finish);
      call->done(std::move(response));
    };
    const absl::Duration delay = StepDelay(*call);
    if (delay > absl::ZeroDuration()) {
      Sleep(delay, act);
    } else {
      act();
    }
  });
}

std::optional<absl::StatusOr<v1::StepResponse>> Session::BeginStep(StepCall& call) {
  const v1::StepRequest& request = call.request;
  if (absl::Status status = call.context.Check("Step"); !status.ok()) return status;
  // A closed session has answers of before, and no environment to check by.
  if (world_ != nullptr) {
    if (absl::Status status = CheckStepRequest(request, options_.environment.capabilities()); !status.ok()) return status;
  }
  call.replay = replays_.Prepare(request.request_id(), request);
  v1::StepResponse answer;
  const absl::StatusOr<bool> replayed = replays_.Find(call.context, call.replay, answer);
  if (!replayed.ok()) return replayed.status();
  if (*replayed) {
    // A server that stopped has ended this session too: no need to ask the store for the episode.
    SettleAnswer(/*stored=*/nullptr, answer);
    RefillPicture(WorkContext(parts_.caps.record), parts_.sink, request.observation(),
                  *answer.mutable_observation());
    return answer;
  }
  if (!run_) {
    if (!untold_) return absl::FailedPreconditionError("no episode is open: StartEpisode first");
    answer = *std::exchange(untold_, std::nullopt);
    v1::StepResponse kept = answer;
    DropPictureBytes(*kept.mutable_observation());
    KeepAnswer(call.replay, kept);
    if (request.observation().screenshot().omit_data()) DropPictureBytes(*answer.mutable_observation());
    return answer;
  }
  if (request.has_expected_step_index() && request.expected_step_index() != run_->next_index()) {
    return absl::AbortedError(absl::StrCat("expected_step_index is ", request.expected_step_index(),
                                           ", the next step is ", run_->next_index()));
  }
  if (call.permit != nullptr) {
    if (absl::Status permitted = call.permit(); !permitted.ok()) return permitted;
  }
  run_->Arrived(call.arrival);
  if (parts_.clock.Now() >= run_->deadline()) {
    answer = EndedResponse({v1::END_REASON_TIME_LIMIT, "the time limit was reached"}, call.replay);
    if (request.observation().screenshot().omit_data()) DropPictureBytes(*answer.mutable_observation());
    return answer;
  }
  ReadInput(call);
  return std::nullopt;
}

void Session::ReadInput(StepCall& call) {
  if (call.request.has_action()) {
    call.action = call.request.action();
    FractionsToPoints(run_->last_observation().viewport(), call.action);
    return;
  }
  std::string& text = *call.request.mutable_agent_text()->mutable_text();
  if (text.size() > kMaxAgentTextBytes) {
    call.refusal = absl::StrCat("nothing was done: a text of ", text.size(), " bytes, at most ", kMaxAgentTextBytes, " are read");
    text = std::string(TruncateUtf8(text, kMaxAgentTextBytes));
    return;
  }
  dialects::ParsedAgentText parsed =
      dialects::ParseAgentText(call.request.agent_text(), run_->last_observation());
  if (call.request.agent_data().thought().empty() && !parsed.thought.empty()) {
    SetThought(std::move(parsed.thought), *call.request.mutable_agent_data());
  }
  if (!parsed.error.empty()) {
    call.refusal = std::move(parsed.error);
    return;
  }
  // What a model writes is its own mistake, told to it, not to the program that passed it on.
  const absl::Status fits = CheckAction(parsed.action, options_.environment.capabilities());
  if (!fits.ok()) {
    call.refusal = std::string(fits.message());
    return;
  }
  call.action = std::move(parsed.action);
  FractionsToPoints(run_->last_observation().viewport(), call.action);
}

absl::Duration Session::StepDelay(const StepCall& call) {
  const absl::Duration rest =
      std::max(absl::ZeroDuration(), run_->deadline() - parts_.clock.Now());
  if (call.action.has_wait()) return std::min(rest, WaitTime(call.action.wait()));
  if (call.action.kind_case() == v1::Action::KIND_NOT_SET || IsSessionAction(call.action)) {
    return absl::ZeroDuration();
  }
  return std::min(rest, world_->ActionDelay());
}

absl::StatusOr<ActResult> Session::ActOrObserve(StepCall& call) {
  const CallContext& context = call.act_context = ActContext();
  PROCTOR_RETURN_IF_ERROR(context.Check("step"));
  ActResult result;
  if (call.action.has_answer() || call.action.has_give_up()) {
    result.observation = run_->last_observation();
    result.observation.clear_action_error();
    result.observation.clear_dialogs();
    result.observation.clear_downloads();
    result.observation.clear_notices();
    return result;
  }
  if (call.action.kind_case() == v1::Action::KIND_NOT_SET || IsSessionAction(call.action)) {
    PROCTOR_ASSIGN_OR_RETURN(result, world_->Idle(context, call.request.observation()));
    if (!call.refusal.empty()) result.observation.set_action_error(call.refusal);
    return result;
  }
  return world_->Act(context, call.action, call.request.observation());
}

v1::StepResponse Session::FinishStep(StepCall& call, absl::StatusOr<ActResult> result) {
  run_->Answered(parts_.clock.Now(), AskedTime(call.action));
  v1::StepResponse response = result.ok() ? RecordStep(call, *std::move(result))
                                          : EndedResponse(EndingOfFailure(call.act_context, result.status()), call.replay);
  if (call.request.observation().screenshot().omit_data()) {
    DropPictureBytes(*response.mutable_observation());
  }
  if (run_) run_->Answered(parts_.clock.Now());
  return response;
}

Ending Session::EndingOfFailure(const CallContext& work, const absl::Status& failure) const {
  const Ending fault = FaultEnding(failure);
  const bool overtime = fault.reason == v1::END_REASON_WORLD_FAULT && parts_.clock.Now() >= run_->deadline() &&
                        absl::IsDeadlineExceeded(work.Check("the world's work"));
  return overtime ? Ending{v1::END_REASON_TIME_LIMIT, "the time limit was reached while the world was at work"} : fault;
}

std::optional<Ending> Session::EndingAfter(const StepCall& call, const ActResult& result) const {
  if (call.action.has_answer()) return Ending{v1::END_REASON_ANSWERED, ""};
  if (call.action.has_give_up()) return Ending{v1::END_REASON_GAVE_UP, call.action.give_up().reason()};
  if (result.world_end == v1::END_REASON_LEFT_APP) {
    return Ending{v1::END_REASON_LEFT_APP, "the application that the task is about was left"};
  }
  if (result.world_end != v1::END_REASON_UNSPECIFIED) return Ending{result.world_end, "the world ended by itself"};
  if (run_->AtStepLimit()) return Ending{v1::END_REASON_STEP_LIMIT, "the step limit was reached"};
  if (parts_.clock.Now() >= run_->deadline()) {
    return Ending{v1::END_REASON_TIME_LIMIT, "the time limit was reached"};
  }
  return std::nullopt;
}

absl::Status Session::StoreDownloads(const CallContext& context, const ActResult& result) {
  for (const auto& [digest, bytes] : result.blobs) {
    PROCTOR_RETURN_IF_ERROR(parts_.sink.PutBlob(context, run_->id(), bytes).status());
  }
  return absl::OkStatus();
}

v1::StepResponse Session::RecordStep(StepCall& call, ActResult result) {
  const absl::Time acted = parts_.clock.Now();
  v1::Step step;
  step.set_index(run_->next_index());
  if (call.action.kind_case() != v1::Action::KIND_NOT_SET) *step.mutable_action() = call.action;
  if (call.request.has_agent_text()) *step.mutable_agent_text() = call.request.agent_text();
  if (call.request.has_agent_data()) *step.mutable_agent_data() = call.request.agent_data();
  *step.mutable_observation() = result.observation;
  *step.mutable_start_time() = ToProto(call.arrival);
  *step.mutable_end_time() = ToProto(acted);
  *step.mutable_timing() = result.observation.settle().timing();
  *step.mutable_timing()->mutable_queue() = ToProto(call.begin - call.arrival);
  *step.mutable_timing()->mutable_total() = ToProto(acted - call.arrival);
  if (result.target_box) *step.mutable_target_box() = *result.target_box;
  if (result.target_point) *step.mutable_target_point() = *result.target_point;
  if (result.release_point) *step.mutable_release_point() = *result.release_point;
  if (result.target_element) *step.mutable_target_element() = *result.target_element;

  v1::StepResponse response;
  response.set_step_index(step.index());
  *response.mutable_observation() = result.observation;
  if (step.has_action()) *response.mutable_action() = step.action();
  *response.mutable_timing() = step.timing();
  if (!call.replay.request_id.empty()) {
    v1::StepResponse kept = PendingAnswer(response, run_->episode().name());
    DropPictureBytes(*kept.mutable_observation());
    call.replay.response = kept.SerializeAsString();
  }
  const CallContext record_context = CallContext::WithTimeout(parts_.caps.record);
  absl::Status recorded = StoreDownloads(record_context, result);
  if (recorded.ok()) recorded = parts_.sink.Append(record_context, run_->id(), step, call.replay);
  if (!recorded.ok()) {
    return EndedResponse({EndOfUnrecorded(recorded), absl::StrCat("a step could not be recorded: ", recorded.message())},
                         call.replay);
  }
  run_->CountStep();
  run_->last_observation() = std::move(result.observation);
  *response.mutable_timing()->mutable_record() = ToProto(parts_.clock.Now() - acted);
  *response.mutable_timing()->mutable_total() = ToProto(parts_.clock.Now() - call.arrival);
  if (parts_.observer != nullptr) {
    const v1::Observation& seen = response.observation();
    parts_.observer->StepRecorded({call.context, options_.environment_id, call.arrival, response.timing(),
                                   seen.has_settle() ? &seen.settle() : nullptr});
  }
  if (const auto ending = EndingAfter(call, result)) {
    return EndedResponse(*ending, call.replay, std::move(response));
  }
  PublishEpisode();
  if (!call.replay.request_id.empty()) {
    v1::StepResponse kept = response;
    DropPictureBytes(*kept.mutable_observation());
    call.replay.response = kept.SerializeAsString();
    replays_.Keep(call.replay);
  }
  return response;
}

v1::StepResponse Session::EndedResponse(const Ending& ending, Replay replay,
                                        std::optional<v1::StepResponse> answer) {
  v1::StepResponse response;
  if (answer) {
    response = *std::move(answer);
  } else {
    response.set_step_index(run_->next_index());
    *response.mutable_observation() = run_->last_observation();
  }
  EndRun(ending, [&](const v1::Episode& closed) {
    SetEnding(closed, response);
    if (replay.request_id.empty()) return replay;
    v1::StepResponse kept = response;
    DropPictureBytes(*kept.mutable_observation());
    replay.response = kept.SerializeAsString();
    return replay;
  });
  return response;
}

}  // namespace proctor::env
