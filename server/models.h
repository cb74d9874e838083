// The models that the server asks: from the configuration to a client, and judges' way to it.
#ifndef PROCTOR_SERVER_MODELS_H_
#define PROCTOR_SERVER_MODELS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "evaluator/judge/judge_run.h"
#include "model/client.h"
#include "model/prices.h"
#include "model/timers.h"
#include "net/http_pool.h"
#include "proctor/v1/model.pb.h"
#include "server/judging_observer.h"
#include "storage/database.h"

namespace proctor::server {

// The route that is asked where an evaluator names none.
inline constexpr char kJudgeRoute[] = "judge";
// Describes screenshots; presets name it.
inline constexpr char kCaptionerRoute[] = "captioner";

// Proposes tasks where a request names no model.
inline constexpr char kProposerRoute[] = "proposer";

// Gives the only endpoint the route `judge`, and `captioner` and `proposer` what `judge` has, where they are not given.
// False: there are several endpoints and no route `judge`.
bool AddDefaultRoutes(v1::ModelConfig& models);

// Thread-safe.
class Models {
 public:
  // All outlive the models.
  struct Deps {
    storage::Database& database;
    TimerQueue& timers;
    // Runs what follows replies.
    Executor& pool;
    // Told of every question; may be null.
    JudgingObserver* observer = nullptr;
    // See model::ClientDeps; may be null.
    std::function<void(const model::Payer& payer, double usd)> charged = nullptr;
  };
  // Errors: those of model::Client::Create; RESOURCE_EXHAUSTED.
  static absl::StatusOr<std::unique_ptr<Models>> Create(const v1::ModelConfig& config, Deps deps);
  // Stop, if it was not called.
  ~Models();

  // Cancels what still runs; every Done has run when it returns. Whoever asks afterwards is told at once, within the call, that the
  // question was cancelled. Not on the pool's last free thread.
  void Stop();

  // Whether there is any.
  bool any() const { return config_.endpoints_size() > 0; }

  // Whether a route or an endpoint has that name.
  bool Knows(const std::string& name) const { return config_.routes().contains(name) || config_.endpoints().contains(name); }

  // What tokens of a route's first endpoint cost; nothing if that is not known. "" is the route of judges.
  std::optional<double> Cost(const std::string& route, const v1::Usage& usage) const;

  // Asks for `payer`, with `fresh_replies` past the cache of replies. The result must not outlive the models.
  std::unique_ptr<evaluator::JudgeModel> For(model::Payer payer, bool fresh_replies = false);

 private:
  class Asker;

  Models(const v1::ModelConfig& config, Deps deps)
      : config_(config), prices_(config), timers_(deps.timers), observer_(deps.observer) {}

  const v1::ModelConfig config_;
  const model::Prices prices_;
  model::QueueTimers timers_;
  JudgingObserver* const observer_;
  std::unique_ptr<net::HttpPool> http_;
  Mutex mutex_;
  // Null where there is no endpoint, and once stopped.
  std::unique_ptr<model::Client> client_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_MODELS_H_
