// A call under way: through its route's endpoints, paid for, recorded. Private to model/.
#ifndef PROCTOR_MODEL_CALL_RUN_H_
#define PROCTOR_MODEL_CALL_RUN_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/call_context.h"
#include "model/client.h"
#include "model/client_core.h"
#include "model/exchange.h"
#include "model/failure.h"

namespace proctor::model {

// What a call sends to one endpoint.
struct CallPlan {
  // Sent side by side.
  int requests = 1;
  // Of one request, estimated and at most.
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  // As sent, for its price.
  std::string model;
  std::vector<std::string> fallbacks;
};

// All steps run on the executor, one at a time; only the replies to requests sent side by side may be read at once.
class CallRun : public std::enable_shared_from_this<CallRun> {
 public:
  virtual ~CallRun();
  // Begins, on the executor.
  void Post();

 protected:
  // `core` outlives it.
  CallRun(ClientCore& core, const CallContext& context, ChatOptions options);

  virtual void Begin() = 0;
  // Fits the request to the endpoint; sets what `call` says of it.
  virtual Failure Prepare(Endpoint& endpoint, const Capabilities& capabilities, CallPlan& plan) = 0;
  // Ends the call if an answer of the endpoint that it was prepared for is at hand; false: it must be asked.
  virtual bool AnswerUnasked(const Endpoint& /*endpoint*/) { return false; }
  // What the endpoint must be known to take, or not.
  virtual Endpoint::Need Needs() const = 0;
  // For the requests of the plan, `part` from 0.
  virtual net::FetchRequest Make(const Endpoint& endpoint, int part) = 0;
  virtual Failure Read(int part, int http_status, const std::string& body, v1::Usage& usage) = 0;
  // Tokens of the reply that Read read last, a good one, estimated from its text.
  virtual int64_t Written(int part) const = 0;
  // All replies of an endpoint are there, good ones. What is to be kept of them goes into `call`.
  virtual void Collect() = 0;
  // The call has ended; `call` is complete but for what Record writes.
  virtual void Complete() = 0;

  // Tries the route from its first endpoint.
  void Walk();
  // Ends the call: pays, keeps the reply under `cache_key` (empty: does not), then Complete.
  void End(Failure failure);
  // The route's endpoints; empty if there is no such route, and then the call has been ended.
  const std::vector<Endpoint*>& route() const { return route_; }
  bool FindRoute();

  ClientCore& core() { return core_; }
  const CallContext& context() const { return context_; }
  v1::ModelCall& call() { return call_; }
  absl::Time begun() const { return begun_; }
  // It ended for lack of the caller's time: see Failure.
  bool hurried() const { return hurried_; }
  // Where a good reply is kept.
  void set_cache_key(std::string key) { cache_key_ = std::move(key); }
  virtual bool Cacheable() const = 0;

 private:
  void TryEndpoint();
  void Run(Failure asked, const Capabilities& capabilities);
  // Sets the money for the plan aside, when there is room for it, and sends.
  void Pay();
  void SendAll();
  void OnResult(int part, ExchangeResult result);
  void OnAllResults();
  void NextOrEnd(Failure failure);
  void Record();

  ClientCore& core_;
  const ChatOptions options_;
  const std::shared_ptr<CancelToken> caller_cancel_;
  const CallContext context_;
  const uint64_t active_id_;
  uint64_t cancel_callback_ = 0;
  const absl::Time begun_;
  std::vector<Endpoint*> route_;
  size_t at_ = 0;
  CallPlan plan_;
  Reservation reservation_;
  std::vector<ExchangeResult> results_;
  std::atomic<int> pending_{0};
  std::vector<std::pair<Reservation, double>> paid_;
  std::vector<std::string> passed_over_;
  std::string cache_key_;
  bool hurried_ = false;
  v1::ModelCall call_;
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_CALL_RUN_H_
