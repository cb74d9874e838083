#include "model/call_run.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace proctor::model {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(2);
constexpr absl::Duration kRecordTimeout = absl::Seconds(30);

}  // namespace

uint64_t ActiveCalls::Add(std::shared_ptr<CancelToken> cancel) {
  MutexLock lock(mutex_);
  const uint64_t id = next_id_++;
  calls_.emplace(id, std::move(cancel));
  return id;
}

void ActiveCalls::Remove(uint64_t id) {
  MutexLock lock(mutex_);
  calls_.erase(id);
  idle_.SignalAll();
}

void ActiveCalls::CancelAndWait() {
  std::vector<std::shared_ptr<CancelToken>> running;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, cancel] : calls_) running.push_back(cancel);
  }
  for (const auto& cancel : running) cancel->Cancel();
  MutexLock lock(mutex_);
  while (!calls_.empty()) idle_.Wait(mutex_);
}

CallRun::CallRun(ClientCore& core, const CallContext& context, ChatOptions options)
    : core_(core),
      options_(std::move(options)),
      caller_cancel_(context.cancel()),
      context_(context.deadline(), std::make_shared<CancelToken>(), context.request_id()),
      active_id_(core.active.Add(context_.cancel())),
      begun_(core.parts.clock.Now()) {}

// The last one that knows the call lets go: only now nothing of it is under way any more.
CallRun::~CallRun() { core_.active.Remove(active_id_); }

void CallRun::Post() {
  cancel_callback_ = caller_cancel_->AddCallback([cancel = context_.cancel()] { cancel->Cancel(); });
  core_.parts.executor.Post([self = shared_from_this()] { self->Begin(); });
}

bool CallRun::FindRoute() {
  const auto found = core_.routes.find(options_.route);
  if (found != core_.routes.end()) {
    route_ = found->second;
    return true;
  }
  End(Fail(v1::MODEL_FAILURE_BAD_REQUEST, absl::StrCat("there is no model route \"", options_.route, "\"")));
  return false;
}

void CallRun::Walk() {
  at_ = 0;
  TryEndpoint();
}

void CallRun::TryEndpoint() {
  route_[at_]->Ask(context_, Needs(), [self = shared_from_this()](Failure failure, const Capabilities& capabilities) {
    self->core_.parts.executor.Post(
        [self, failure = std::move(failure), capabilities] { self->Run(failure, capabilities); });
  });
}

void CallRun::Run(Failure asked, const Capabilities& capabilities) {
  Endpoint& endpoint = *route_[at_];
  call_.set_endpoint(endpoint.settings().name);
  call_.set_wire(endpoint.settings().wire);
  call_.clear_http_status();
  call_.clear_raw_reply();
  plan_ = CallPlan();
  Failure failure = std::move(asked);
  if (failure.ok()) failure = Prepare(endpoint, capabilities, plan_);
  if (!failure.ok()) {
    NextOrEnd(std::move(failure));
    return;
  }
  // What an endpoint before this one was paid must stand in the call: then this one is asked.
  const bool paid = std::any_of(paid_.begin(), paid_.end(), [](const auto& paid) { return paid.second > 0; });
  if (paid || !AnswerUnasked(endpoint)) Pay();
}

void CallRun::Pay() {
  v1::Usage most;
  most.set_input_tokens(plan_.input_tokens * plan_.requests);
  most.set_output_tokens(plan_.output_tokens * plan_.requests);
  core_.budget.Reserve(context_, core_.parts.timers, options_.payer, core_.prices.Cost(plan_.model, most),
                       [self = shared_from_this()](Failure failure, Reservation reservation) {
                         self->core_.parts.executor.Post([self, failure = std::move(failure), reservation = std::move(reservation)] {
                           self->reservation_ = reservation;
                           failure.ok() ? self->SendAll() : self->End(failure);
                         });
                       });
}

void CallRun::SendAll() {
  Endpoint& endpoint = *route_[at_];
  const int requests = plan_.requests;
  results_.assign(static_cast<size_t>(requests), ExchangeResult());
  pending_ = requests;
  const std::shared_ptr<CallRun> self = shared_from_this();
  // The last one may end, and the next endpoint be tried, before its Start returns: nothing of the plan is read after
  // it.
  for (int part = 0; part < requests; ++part) {
    ExchangeSpec spec = {
        .input_tokens = plan_.input_tokens,
        .output_tokens = plan_.output_tokens,
        .make = [self, &endpoint, part] { return self->Make(endpoint, part); },
        .read = [self, part](int http_status, const std::string& body,
                             v1::Usage& usage) { return self->Read(part, http_status, body, usage); },
        .written = [self, part] { return self->Written(part); },
        .again = [self](const v1::Usage& taken) {
          return self->core_.budget.ReserveMore(self->core_.prices.Cost(self->plan_.model, taken).value_or(0), self->reservation_);
        }};
    if (at_ + 1 < route_.size()) spec.patience = kPatience;
    Exchange::Start(context_, endpoint, core_.parts, std::move(spec),
                    [self, part](ExchangeResult result) { self->OnResult(part, std::move(result)); });
  }
}

void CallRun::OnResult(int part, ExchangeResult result) {
  results_[static_cast<size_t>(part)] = std::move(result);
  if (--pending_ == 0) OnAllResults();
}

void CallRun::OnAllResults() {
  v1::Usage usage, taken;
  const ExchangeResult* shown = &results_[0];
  for (const ExchangeResult& result : results_) {
    AddUsage(result.usage, usage);
    AddUsage(result.taken, taken);
    call_.set_attempts(call_.attempts() + result.attempts);
    if (shown->failure.ok() && !result.failure.ok()) shown = &result;
  }
  usage.set_cost_usd(core_.prices.Cost(plan_.model, usage).value_or(0));
  AddUsage(usage, *call_.mutable_usage());
  // The record of the call says what was reported; budgets pay for what was not, too.
  const double usd = core_.prices.Cost(plan_.model, taken).value_or(0);
  core_.budget.Settle(reservation_, usd);
  const Payer& payer = options_.payer;
  if (usd > 0 && !payer.tenant.empty() && core_.charged != nullptr) core_.charged(payer, usd);
  paid_.emplace_back(std::exchange(reservation_, {}), usd);
  call_.set_http_status(shown->http_status);
  call_.set_raw_reply(shown->body);
  call_.clear_more_raw_replies();
  const Failure failure = shown->failure;
  if (!failure.ok()) {
    NextOrEnd(failure);
    return;
  }
  for (size_t i = 1; i < results_.size(); ++i) call_.add_more_raw_replies(results_[i].body);
  Collect();
  End(Failure());
}

void CallRun::NextOrEnd(Failure failure) {
  // A BUDGET that comes here refused another attempt only: the next endpoint may cost less, or nothing.
  const bool elsewhere = IsOfEndpoint(failure.kind) || failure.kind == v1::MODEL_FAILURE_BUDGET;
  const bool more = at_ + 1 < route_.size() && elsewhere;
  if (!more || !context_.Check("model call").ok()) {
    failure.hurried = failure.hurried || more;
    End(std::move(failure));
    return;
  }
  passed_over_.push_back(
      absl::StrCat("endpoint: passed over ", route_[at_]->settings().name, ": ", v1::ModelFailure_Name(failure.kind)));
  ++at_;
  TryEndpoint();
}

void CallRun::End(Failure failure) {
  // What ends by the caller's will is called so, whatever broke first.
  if (!failure.ok() && context_.cancel()->cancelled()) failure.kind = v1::MODEL_FAILURE_CANCELLED;
  hurried_ = failure.hurried;
  call_.set_failure(failure.kind);
  call_.set_failure_detail(failure.detail);
  if (!call_.cached()) {  // Else they are those of the call that filled the cache.
    for (std::string& line : passed_over_) call_.add_fallbacks(std::move(line));
    for (std::string& line : plan_.fallbacks) call_.add_fallbacks(std::move(line));
  }
  *call_.mutable_latency() = ToProto(core_.parts.clock.Now() - begun_);
  Record();
  if (cancel_callback_ != 0) caller_cancel_->RemoveCallback(cancel_callback_);
  Complete();
}

void CallRun::Record() {
  const bool keep = core_.cache != nullptr && !cache_key_.empty() && !call_.cached() &&
                    call_.failure() == v1::MODEL_FAILURE_UNSPECIFIED && Cacheable();
  const bool cost = std::any_of(paid_.begin(), paid_.end(), [](const auto& paid) { return paid.second > 0; });
  if (core_.database == nullptr || (!keep && !cost)) return;
  // Paid is paid, also if the caller has gone meanwhile.
  const absl::Status status = core_.database->Write(
      CallContext::WithTimeout(kRecordTimeout), [&](storage::Transaction& transaction) -> absl::Status {
        for (const auto& [reservation, usd] : paid_) {
          if (usd > 0) PROCTOR_RETURN_IF_ERROR(Budget::Record(transaction, reservation, usd));
        }
        return keep ? core_.cache->Put(transaction, cache_key_, call_) : absl::OkStatus();
      });
  if (!status.ok()) LogWarning("a model call's cost or reply was not stored", {{"error", status.ToString()}});
}

}  // namespace proctor::model
