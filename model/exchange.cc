#include "model/exchange.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "model/prices.h"
#include "model/retry.h"

namespace proctor::model {
namespace {

// A server that asks for more is tried again after this: it may have been wrong.
constexpr absl::Duration kLongestPause = absl::Minutes(10);

// What the failure of a request says of its server.
Gate::Outcome OutcomeOf(v1::ModelFailure failure, const CallContext& context) {
  switch (failure) {
    case v1::MODEL_FAILURE_CANCELLED:
      return Gate::Outcome::kNothing;
    case v1::MODEL_FAILURE_TIMEOUT:
      // A caller in a hurry says nothing of the server.
      return context.remaining() > absl::ZeroDuration() ? Gate::Outcome::kFailed : Gate::Outcome::kNothing;
    case v1::MODEL_FAILURE_UNREACHABLE:
    case v1::MODEL_FAILURE_OVERLOADED:
    case v1::MODEL_FAILURE_SERVER:
    case v1::MODEL_FAILURE_MALFORMED:
    case v1::MODEL_FAILURE_STREAM:
      return Gate::Outcome::kFailed;
    default:
      return Gate::Outcome::kServed;
  }
}

// For the limit of tokens: as reported; negative where nobody knows.
int64_t TokensTaken(v1::ModelFailure failure, const v1::Usage& usage) {
  const int64_t tokens = usage.input_tokens() + usage.output_tokens();
  if (tokens > 0) return tokens;
  return failure == v1::MODEL_FAILURE_UNSPECIFIED || failure == v1::MODEL_FAILURE_TIMEOUT ? -1 : 0;
}

}  // namespace

void Exchange::Start(const CallContext& context, Endpoint& endpoint, const Parts& parts, ExchangeSpec spec, Done done) {
  const std::shared_ptr<Exchange> exchange(new Exchange(context, endpoint, parts, std::move(spec), std::move(done)));
  exchange->Attempt();
}

void Exchange::Attempt() {
  endpoint_.gate().Enter(context_, spec_.input_tokens + spec_.output_tokens, spec_.patience,
                         [self = shared_from_this()](absl::StatusOr<uint64_t> ticket) {
                           self->parts_.executor.Post([self, ticket = std::move(ticket)] { self->Send(ticket); });
                         });
}

void Exchange::Send(const absl::StatusOr<uint64_t>& ticket) {
  if (!ticket.ok()) {
    const std::string where =
        absl::StrCat("waiting for a place at endpoint ", endpoint_.settings().name, ": ", ticket.status().message());
    if (absl::IsCancelled(ticket.status())) {
      result_.failure = Fail(v1::MODEL_FAILURE_CANCELLED, where);
    } else if (absl::IsDeadlineExceeded(ticket.status())) {
      result_.failure = Fail(v1::MODEL_FAILURE_TIMEOUT, where);
    } else if (result_.failure.ok()) {  // Else what made the breaker open, or the gate pause, says more.
      const bool limited = absl::IsResourceExhausted(ticket.status());
      result_.failure = Fail(limited ? v1::MODEL_FAILURE_RATE_LIMITED : v1::MODEL_FAILURE_UNREACHABLE, where);
    }
    result_.failure.hurried = absl::IsResourceExhausted(ticket.status()) && context_.remaining() < spec_.patience;
    Finish();
    return;
  }
  ++result_.attempts;
  const CallContext attempt = context_.Child(endpoint_.settings().attempt_timeout);
  parts_.pool.Start(attempt, spec_.make(),
                    [self = shared_from_this(), ticket = *ticket](absl::Status status, net::FetchReply reply) {
                      self->parts_.executor.Post([self, ticket, status = std::move(status),
                                                  reply = std::move(reply)] {
                        self->Receive(ticket, status, reply);
                      });
                    });
}

Failure Exchange::Read(const absl::Status& status, const net::FetchReply& reply, v1::Usage& usage) {
  if (status.ok()) return spec_.read(reply.status, result_.body, usage);
  // What came before the connection broke, or time ran out, may be a whole reply, or an error that says more.
  if (reply.status == 200 && !reply.body.empty() && !absl::IsResourceExhausted(status)) {
    Failure failure = spec_.read(reply.status, result_.body, usage);
    if (failure.kind != v1::MODEL_FAILURE_MALFORMED) return failure;
  }
  const std::string message = endpoint_.Redact(ToStd(status.message()));
  switch (status.code()) {
    case absl::StatusCode::kCancelled:
      return Fail(v1::MODEL_FAILURE_CANCELLED, message);
    case absl::StatusCode::kDeadlineExceeded:
      return Fail(v1::MODEL_FAILURE_TIMEOUT, message);
    case absl::StatusCode::kResourceExhausted:
      return Fail(v1::MODEL_FAILURE_MALFORMED, message);
    case absl::StatusCode::kInvalidArgument:
      return Fail(v1::MODEL_FAILURE_BAD_REQUEST, message);
    default:
      return Fail(v1::MODEL_FAILURE_UNREACHABLE, message);
  }
}

bool Exchange::MayHaveCost(const net::FetchReply& reply) const {
  const bool refused = reply.status >= 300;
  if (!reply.sent || refused) return false;
  switch (result_.failure.kind) {
    case v1::MODEL_FAILURE_UNSPECIFIED:
    case v1::MODEL_FAILURE_STREAM:
    case v1::MODEL_FAILURE_MALFORMED:
    case v1::MODEL_FAILURE_TIMEOUT:
    case v1::MODEL_FAILURE_CANCELLED:
    case v1::MODEL_FAILURE_UNREACHABLE:
      return true;
    default:
      return false;
  }
}

v1::Usage Exchange::Taken(const net::FetchReply& reply, const v1::Usage& usage) const {
  const bool good = result_.failure.ok();
  // What broke off has not told all.
  const bool whole = good || result_.failure.kind == v1::MODEL_FAILURE_MALFORMED;
  const bool told = usage.input_tokens() + usage.output_tokens() > 0;
  v1::Usage taken = usage;
  if ((whole && told) || !MayHaveCost(reply)) return taken;
  const int64_t written = good ? std::min(spec_.written(), spec_.output_tokens) : spec_.output_tokens;
  if (usage.input_tokens() == 0) taken.set_input_tokens(spec_.input_tokens);
  taken.set_output_tokens(std::max(usage.output_tokens(), written));
  return taken;
}

bool Exchange::Affords(const v1::Usage& taken) {
  const Failure failure = spec_.again(taken);
  if (failure.ok()) return true;
  result_.failure = Fail(failure.kind, absl::StrCat(failure.detail, ", after ", v1::ModelFailure_Name(result_.failure.kind), ": ",
                                                    result_.failure.detail));
  return false;
}

bool Exchange::ShouldRetry(const absl::Status& status, const net::FetchReply& reply, absl::Duration& delay) {
  const v1::ModelFailure kind = result_.failure.kind;
  if (!IsTransient(kind) || absl::IsResourceExhausted(status)) return false;
  const bool busy = kind == v1::MODEL_FAILURE_RATE_LIMITED || kind == v1::MODEL_FAILURE_OVERLOADED;
  std::optional<absl::Duration> asked;
  if (busy || reply.status >= 400) asked = AskedDelay(reply.headers, result_.body, parts_.clock.Now());
  const double jitter = parts_.jitter();
  delay = BackOff(result_.attempts, jitter);
  if (asked > absl::ZeroDuration()) {
    // Also for those who wait in the gate; a little later than asked, not all at once.
    if (busy) endpoint_.gate().Pause(std::min(*asked, kLongestPause));
    delay = *asked + jitter * std::min(absl::Seconds(1), *asked / 10);
    result_.failure =
        Fail(kind, absl::StrCat(result_.failure.detail, " (asks to wait ", absl::FormatDuration(*asked), ")"));
  }
  const bool again = result_.attempts < endpoint_.settings().max_attempts && delay <= spec_.patience;
  result_.failure.hurried = again && delay >= context_.remaining();
  return again && !result_.failure.hurried;
}

void Exchange::Receive(uint64_t ticket, const absl::Status& status, const net::FetchReply& reply) {
  result_.http_status = reply.status;
  result_.body = endpoint_.Redact(reply.body);
  v1::Usage usage;
  result_.failure = Read(status, reply, usage);
  AddUsage(usage, result_.usage);
  const v1::Usage taken = Taken(reply, usage);
  AddUsage(taken, result_.taken);
  absl::Duration delay;
  const bool again = ShouldRetry(status, reply, delay);  // Pauses the gate before the next one gets in.
  endpoint_.gate().Leave(ticket, TokensTaken(result_.failure.kind, usage), OutcomeOf(result_.failure.kind, context_));
  if (!again || !Affords(taken)) {
    Finish();
    return;
  }
  Wait::Sleep(context_, parts_.timers, delay, [self = shared_from_this()](absl::Status slept) {
    self->parts_.executor.Post([self, slept = std::move(slept)] {
      if (slept.ok()) {
        self->Attempt();
        return;
      }
      if (absl::IsCancelled(slept)) self->result_.failure = Fail(v1::MODEL_FAILURE_CANCELLED, "cancelled");
      self->result_.failure.hurried = absl::IsDeadlineExceeded(slept);
      self->Finish();
    });
  });
}

void Exchange::Finish() { done_(std::move(result_)); }

}  // namespace proctor::model
