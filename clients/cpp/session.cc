#include "clients/cpp/session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "common/retry_hint.h"
#include "common/status.h"

namespace proctor::client {
namespace {

constexpr absl::Duration kCloseTimeout = absl::Seconds(5);

absl::Status FromError(const v1::RpcError& error) {
  absl::Status status(static_cast<absl::StatusCode>(error.code()), error.message());
  return error.has_retry_delay() ? WithRetryHint(std::move(status), FromProto(error.retry_delay()))
                                 : status;
}

// The reply to the request of this tag; anything else means that client and server disagree.
absl::Status CheckReply(const v1::ActResponse& response, int64_t tag) {
  if (response.tag() != tag) return absl::InternalError("the server answered another request");
  return response.has_error() ? FromError(response.error()) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Session>> Session::Open(Client& client, SessionOptions options) {
  std::unique_ptr<Session> session(new Session(client, std::move(options)));
  const SessionOptions& chosen = session->options_;
  v1::CreateSessionRequest request;
  request.set_environment(FullName("environments", chosen.environment));
  if (chosen.settings.kind_case() != v1::EnvironmentSettings::KIND_NOT_SET) {
    *request.mutable_settings() = chosen.settings;
  }
  *request.mutable_lease() = ToProto(chosen.lease);
  *request.mutable_max_wait() = ToProto(chosen.max_wait);
  request.mutable_client_tags()->insert(chosen.client_tags.begin(), chosen.client_tags.end());
  auto created = client.Call<v1::Session>(request, chosen.verb_timeout + chosen.max_wait);
  if (!created.ok()) {
    session->closed_ = true;
    return created.status();
  }
  session->resource_ = *std::move(created);
  session->keep_alive_ = std::thread([raw = session.get()] { raw->KeepAlive(); });
  return session;
}

Session::~Session() { Close().IgnoreError(); }

absl::Status Session::Close() {
  if (closed_) return absl::OkStatus();
  closed_ = true;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    if (sign_of_life_ != nullptr) sign_of_life_->Cancel();
    wake_.SignalAll();
  }
  keep_alive_.join();
  stream_.reset();
  v1::CloseSessionRequest request;
  request.set_name(name());
  return client_.Call<v1::Session>(request, kCloseTimeout).status();
}

void Session::KeepAlive() {
  const absl::Duration interval = FromProto(resource_.lease()) > absl::ZeroDuration()
                                      ? FromProto(resource_.lease()) / 3
                                      : options_.lease / 3;
  absl::Duration pause = interval;
  int failures = 0;
  while (Pause(pause)) {
    const absl::Status status = SignOfLife(interval);
    // A lost session shows at the next verb.
    if (absl::IsNotFound(status) || absl::IsFailedPrecondition(status)) return;
    const bool again = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
    failures = again ? failures + 1 : 0;
    pause = again ? std::min(interval, RetryDelay(status, failures, client_.options().first_backoff)) : interval;
  }
}

bool Session::Pause(absl::Duration time) {
  const absl::Time end = absl::Now() + time;
  MutexLock lock(mutex_);
  while (!stopping_ && absl::Now() < end) wake_.WaitFor(mutex_, end - absl::Now());
  return !stopping_;
}

// A stream, because that can be cancelled; to the server a unary call is no other.
absl::Status Session::SignOfLife(absl::Duration timeout) {
  v1::KeepAliveRequest request;
  request.set_name(name());
  const auto call = RpcStream::Open(client_.channel(), "/proctor.v1.EnvironmentService/KeepAlive", absl::Now() + timeout);
  {
    MutexLock lock(mutex_);
    if (stopping_) return absl::CancelledError("the session is being closed");
    sign_of_life_ = call.get();
  }
  call->Write(request);
  call->HalfClose();
  v1::Session session;
  absl::StatusOr<bool> more = true;
  while (more.ok() && *more) more = call->Read(session, timeout);
  MutexLock lock(mutex_);
  sign_of_life_ = nullptr;
  return more.status();
}

absl::StatusOr<Episode> Session::Start(const std::string& task,
                                       v1::ObservationRequest observation) {
  v1::StartEpisodeRequest request;
  request.set_task(FullName("tasks", task));
  *request.mutable_observation() = std::move(observation);
  return Start(std::move(request));
}

absl::StatusOr<Episode> Session::Start(v1::StartEpisodeRequest request) {
  const bool repeated = !request.request_id().empty() && request.request_id() == start_id_;
  if (unsure_ && !repeated) PROCTOR_RETURN_IF_ERROR(CancelWhatMayBeOpen());
  if (request.request_id().empty()) request.set_request_id(NewId());
  start_id_ = request.request_id();
  request.set_session(name());
  const v1::ObservationRequest observation = request.observation();
  v1::ActRequest verb;
  *verb.mutable_start_episode() = std::move(request);
  PROCTOR_ASSIGN_OR_RETURN(v1::ActResponse response, Do(std::move(verb), absl::ZeroDuration()));
  episode_ = response.episode_start().episode().name();
  return Episode(*this, std::move(*response.mutable_episode_start()), observation);
}

absl::Status Session::CancelWhatMayBeOpen() {
  v1::ActRequest verb;
  verb.mutable_end_episode()->set_request_id(NewId());
  verb.mutable_end_episode()->set_session(name());
  verb.mutable_end_episode()->set_end(v1::CLIENT_END_CANCEL);
  // Nobody asked for its reward.
  *verb.mutable_end_episode()->mutable_wait_for_verdict() = ToProto(absl::ZeroDuration());
  const absl::Status status = Do(std::move(verb), absl::ZeroDuration()).status();
  // None was open; or the session is closed, and the verb that follows says so.
  if (!status.ok() && !absl::IsFailedPrecondition(status)) return status;
  unsure_ = false;
  episode_.clear();
  return absl::OkStatus();
}

absl::StatusOr<v1::ActResponse> Session::Do(v1::ActRequest request, absl::Duration extra_time) {
  if (closed_) return absl::FailedPreconditionError("the session is closed");
  const absl::Time deadline = absl::Now() + options_.verb_timeout + extra_time;
  for (int attempt = 1;; ++attempt) {
    request.set_tag(next_tag_++);
    absl::StatusOr<v1::ActResponse> response = DoOnce(request, deadline);
    if (response.status().code() != absl::StatusCode::kUnavailable ||
        attempt >= client_.options().max_attempts) {
      return response;
    }
    const absl::Duration delay =
        RetryDelay(response.status(), attempt, client_.options().first_backoff);
    if (absl::Now() + delay >= deadline) return response;
    absl::SleepFor(delay);
  }
}

absl::StatusOr<v1::ActResponse> Session::DoOnce(const v1::ActRequest& request,
                                                absl::Time deadline) {
  if (stream_ == nullptr || !stream_->still_open()) PROCTOR_RETURN_IF_ERROR(Attach(deadline));
  stream_->Write(request);
  v1::ActResponse response;
  const absl::StatusOr<bool> more = stream_->Read(response, deadline - absl::Now());
  const absl::Status status = !more.ok() ? more.status()
                              : !*more   ? absl::UnavailableError("the server ended the stream")
                                         : CheckReply(response, request.tag());
  if (!more.ok() || !*more || status.code() == absl::StatusCode::kInternal) {
    // Also after a timeout: its late reply must not be taken for the next verb's.
    stream_.reset();
    unsure_ = unsure_ || !request.has_observe();
  }
  if (!status.ok()) return status;
  if (!request.has_observe()) unsure_ = false;
  return response;
}

absl::Status Session::Attach(absl::Time deadline) {
  stream_ = RpcStream::Open(client_.channel(), "/proctor.v1.EnvironmentService/Act");
  v1::ActRequest request;
  request.set_tag(next_tag_++);
  request.mutable_attach()->set_session(name());
  stream_->Write(request);
  v1::ActResponse response;
  const absl::StatusOr<bool> more = stream_->Read(response, deadline - absl::Now());
  absl::Status status = !more.ok() ? more.status()
                        : !*more   ? absl::UnavailableError("the server ended the stream")
                                   : CheckReply(response, request.tag());
  if (!status.ok()) stream_.reset();
  return status;
}

Episode::Episode(Session& session, v1::EpisodeStart start, v1::ObservationRequest observation)
    : session_(&session),
      goal_(std::move(*start.mutable_goal())),
      state_(std::move(*start.mutable_episode())),
      observation_(std::move(*start.mutable_observation())),
      request_(std::move(observation)) {
  done_ = state_.state() == v1::EPISODE_STATE_CLOSED;
}

Episode::Episode(Episode&& other) noexcept
    : session_(std::exchange(other.session_, nullptr)),
      goal_(std::move(other.goal_)),
      state_(std::move(other.state_)),
      observation_(std::move(other.observation_)),
      request_(std::move(other.request_)),
      next_step_(other.next_step_),
      done_(other.done_) {}

Episode& Episode::operator=(Episode&& other) noexcept {
  if (this == &other) return *this;
  CancelIfRunning();
  session_ = std::exchange(other.session_, nullptr);
  goal_ = std::move(other.goal_);
  state_ = std::move(other.state_);
  observation_ = std::move(other.observation_);
  request_ = std::move(other.request_);
  next_step_ = other.next_step_;
  done_ = other.done_;
  return *this;
}

Episode::~Episode() { CancelIfRunning(); }

bool Episode::done() const { return done_ || session_ == nullptr || session_->episode_ != name(); }

void Episode::CancelIfRunning() {
  if (!done() && !session_->closed_) End(v1::CLIENT_END_CANCEL).IgnoreError();
}

absl::StatusOr<v1::StepResponse> Episode::Step(v1::Action action) {
  v1::StepRequest request;
  *request.mutable_action() = std::move(action);
  return Step(std::move(request));
}

absl::StatusOr<v1::StepResponse> Episode::Step(v1::StepRequest request) {
  if (done()) return absl::FailedPreconditionError("the episode has ended");
  if (request.request_id().empty()) request.set_request_id(NewId());
  request.set_session(session_->name());
  if (!request.has_expected_step_index()) request.set_expected_step_index(next_step_);
  if (!request.has_observation()) *request.mutable_observation() = request_;
  const absl::Duration wait = std::max(absl::ZeroDuration(), FromProto(request.wait_for_verdict()));
  v1::ActRequest verb;
  *verb.mutable_step() = std::move(request);
  PROCTOR_ASSIGN_OR_RETURN(v1::ActResponse response, session_->Do(std::move(verb), wait));
  v1::StepResponse& step = *response.mutable_step();
  next_step_ = step.step_index() + 1;
  done_ = step.terminated() || step.truncated() || step.interrupted();
  observation_ = step.observation();
  if (step.has_episode()) state_ = step.episode();
  return std::move(step);
}

absl::StatusOr<v1::Observation> Episode::Look(v1::ObservationRequest request) {
  if (done()) return absl::FailedPreconditionError("the episode has ended");
  v1::ActRequest verb;
  verb.mutable_observe()->set_session(session_->name());
  *verb.mutable_observe()->mutable_observation() = std::move(request);
  PROCTOR_ASSIGN_OR_RETURN(v1::ActResponse response,
                           session_->Do(std::move(verb), absl::ZeroDuration()));
  observation_ = response.observation();
  return std::move(*response.mutable_observation());
}

absl::StatusOr<v1::Episode> Episode::End(v1::ClientEnd end) {
  if (done_) return state_;
  if (done()) return Wait(absl::ZeroDuration());
  v1::ActRequest verb;
  verb.mutable_end_episode()->set_request_id(NewId());
  verb.mutable_end_episode()->set_session(session_->name());
  verb.mutable_end_episode()->set_end(end);
  PROCTOR_ASSIGN_OR_RETURN(v1::ActResponse response,
                           session_->Do(std::move(verb), absl::ZeroDuration()));
  done_ = true;
  state_ = response.episode();
  return state_;
}

absl::StatusOr<v1::Episode> Episode::Wait(absl::Duration max_wait) {
  v1::WaitEpisodeRequest request;
  request.set_name(name());
  *request.mutable_max_wait() = ToProto(max_wait);
  PROCTOR_ASSIGN_OR_RETURN(state_,
                           session_->client_.Call<v1::Episode>(
                               request, max_wait + session_->client_.options().call_timeout));
  return state_;
}

}  // namespace proctor::client
