// One client for every model server.
#ifndef PROCTOR_MODEL_CLIENT_H_
#define PROCTOR_MODEL_CLIENT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/clock.h"
#include "common/executor.h"
#include "model/budget.h"
#include "model/chat.h"
#include "model/timers.h"
#include "net/http_pool.h"
#include "proctor/v1/model.pb.h"
#include "storage/database.h"

namespace proctor::model {

// What a client works with; all of it outlives the client.
struct ClientDeps {
  net::HttpPool& pool;
  // Runs everything but the sockets, Done included. A call that waits for its turn, its reply or its next attempt holds
  // no thread.
  Executor& executor;
  Timers& timers;
  Clock& clock;
  // With the tables of MigrateTables. Null: nothing is cached, and spending is forgotten at exit.
  storage::Database* database = nullptr;
  // 0 to 1, for the waits between attempts; thread-safe. Empty: random.
  std::function<double()> jitter;
  // Told of each payment for a payer with a tenant at the moment when the day's budget pays it, before Done: so also of calls that were
  // cancelled, that failed in the end, or whose reply nobody used; of what the cache or another call's request answers, never. An estimate where no
  // reply says what it took.
  // Thread-safe; must not block. Empty: nobody is told.
  std::function<void(const Payer& payer, double usd)> charged = nullptr;
};

struct ChatOptions {
  // A route, or an endpoint, of the configuration.
  std::string route;
  // Whose budgets it counts against, besides the day's.
  Payer payer;
};

// Thread-safe.
//
// A call is tried at its route's endpoints in order. At each: refused if the endpoint lacks what the request needs,
// else fitted to it (ModelCall.fallbacks says how), held back by its limits, sent, and sent again where the failure is
// transient. A wait for limits or another attempt that does not fit into the deadline (or, unless it is the last
// endpoint, into two seconds) is not begun; one for a place, whose length nobody knows, ends then. What nobody else can
// do better (a bad request, a prompt too long, a budget) ends the call at once; but one that would fit into its budgets without the calls that
// run waits for their end, as long as its deadline allows. Of identical requests at the same time one is sent.
class Client {
 public:
  using ChatDone = std::function<void(ChatReply)>;
  using EmbedDone = std::function<void(EmbedReply)>;

  // INVALID_ARGUMENT: the first of FindConfigFaults, or a key; NOT_FOUND: the place of a key or certificate.
  static absl::StatusOr<std::unique_ptr<Client>> Create(const v1::ModelConfig& config, ClientDeps deps);
  // Cancels what still runs; every Done has run when it returns. Not on the executor's last free thread.
  virtual ~Client() = default;

  // `done` runs once, on the executor, also for what fails at once: what came of it, and why not, stands in `call`
  // (ToStatus gives it as a status). Deadline and cancellation reach queues, timers and sockets.
  virtual void Chat(const CallContext& context, ChatRequest request, ChatOptions options, ChatDone done) = 0;
  // As Chat; never cached.
  virtual void Embed(const CallContext& context, EmbedRequest request, ChatOptions options, EmbedDone done) = 0;

  virtual const Budget& budget() const = 0;
};

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_CLIENT_H_
