// One request to one endpoint: through its gate, onto the wire, and again where that may help. Private to model/.
#ifndef PROCTOR_MODEL_EXCHANGE_H_
#define PROCTOR_MODEL_EXCHANGE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "model/endpoint.h"
#include "model/failure.h"
#include "model/parts.h"
#include "net/http_client.h"

namespace proctor::model {

struct ExchangeResult {
  Failure failure;
  // Of the last reply: 0 and "" if none came. The body is without the key.
  int http_status = 0;
  std::string body;
  // Requests sent.
  int attempts = 0;
  // Of all of them, as far as their replies say.
  v1::Usage usage;
  // The same with an estimate where an attempt may have cost something and its reply does not say what: for budgets.
  v1::Usage taken;
};

// What an exchange is about. The functions run on the executor and keep alive what they need.
struct ExchangeSpec {
  // Tokens that an attempt takes: of the prompt as estimated, of the reply at most.
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  // Called for each attempt, once it may begin: so a request that waits for its turn holds no body.
  std::function<net::FetchRequest()> make;
  // What a reply means; adds its tokens. The body is without the key.
  std::function<Failure(int http_status, const std::string& body, v1::Usage& usage)> read;
  // Tokens of the reply that was read last, a good one, estimated from its text.
  std::function<int64_t()> written;
  // Called before another attempt with what the last one took, for the money; a failure ends the exchange.
  std::function<Failure(const v1::Usage& taken)> again;
  // A longer wait for the endpoint's limits or before another attempt ends the exchange: another endpoint is quicker.
  absl::Duration patience = absl::InfiniteDuration();
};

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  using Done = std::function<void(ExchangeResult)>;

  // `done` runs once, on the executor. `endpoint` and `parts` live until then.
  static void Start(const CallContext& context, Endpoint& endpoint, const Parts& parts, ExchangeSpec spec, Done done);

 private:
  Exchange(const CallContext& context, Endpoint& endpoint, const Parts& parts, ExchangeSpec spec, Done done)
      : context_(context), endpoint_(endpoint), parts_(parts), spec_(std::move(spec)), done_(std::move(done)) {}

  void Attempt();
  void Send(const absl::StatusOr<uint64_t>& ticket);
  void Receive(uint64_t ticket, const absl::Status& status, const net::FetchReply& reply);
  Failure Read(const absl::Status& status, const net::FetchReply& reply, v1::Usage& usage);
  // Whether the server may have worked for the attempt that ended so. What was never sent has not cost anything.
  bool MayHaveCost(const net::FetchReply& reply) const;
  // What that attempt took: as reported, `usage`, or estimated.
  v1::Usage Taken(const net::FetchReply& reply, const v1::Usage& usage) const;
  // Whether another attempt can be paid for; else the failure says so.
  bool Affords(const v1::Usage& taken);
  // Whether another attempt follows, and after which wait.
  bool ShouldRetry(const absl::Status& status, const net::FetchReply& reply, absl::Duration& delay);
  void Finish();

  const CallContext context_;
  Endpoint& endpoint_;
  const Parts& parts_;
  const ExchangeSpec spec_;
  const Done done_;
  ExchangeResult result_;
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_EXCHANGE_H_
