// One request to one endpoint: through its gate, onto the wire, and again where that may help. Private to model/.
#ifndef PROCTOR_MODEL_EXCHANGE_H_
#define PROCTOR_MODEL_EXCHANGE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
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
};

// What an exchange is about. Both functions run on the executor and keep alive what they need.
struct ExchangeSpec {
  // Tokens it will take, estimated.
  int64_t tokens = 0;
  // Called for each attempt, once it may begin: so a request that waits for its turn holds no body.
  std::function<net::FetchRequest()> make;
  // What a reply means; adds its tokens. The body is without the key.
  std::function<Failure(int http_status, const std::string& body, v1::Usage& usage)> read;
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
