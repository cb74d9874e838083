#include "server/models.h"

#include <utility>

#include "absl/time/clock.h"
#include "common/clock.h"
#include "common/status.h"

namespace proctor::server {
namespace {

// Where no model is configured.
class NoModel final : public evaluator::JudgeModel {
 public:
  void Ask(const CallContext&, const std::string&, model::ChatRequest, Done done) override {
    model::ChatReply reply;
    reply.call.set_failure(v1::MODEL_FAILURE_UNREACHABLE);
    reply.call.set_failure_detail("no model is configured");
    done(std::move(reply));
  }
};

}  // namespace

class Models::Asker final : public evaluator::JudgeModel {
 public:
  Asker(Models& models, model::Payer payer, bool fresh_replies)
      : models_(models), payer_(std::move(payer)), fresh_replies_(fresh_replies) {}

  void Ask(const CallContext& context, const std::string& route, model::ChatRequest request, Done done) override {
    request.bypass_cache = request.bypass_cache || fresh_replies_;
    const std::string asked = route.empty() ? kJudgeRoute : route;
    if (models_.observer_ != nullptr) {
      models_.observer_->ModelAsked();
      done = [observer = models_.observer_, context, asked, begin = absl::Now(), done = std::move(done)](model::ChatReply reply) {
        observer->ModelAnswered(context, asked, begin, reply.call);
        done(std::move(reply));
      };
    }
    {
      MutexLock lock(models_.mutex_);
      if (models_.client_ != nullptr) {
        models_.client_->Chat(context, std::move(request), {.route = asked, .payer = payer_}, std::move(done));
        return;
      }
    }
    model::ChatReply reply;
    reply.call.set_failure(v1::MODEL_FAILURE_CANCELLED);
    reply.call.set_failure_detail("the server is shutting down");
    done(std::move(reply));
  }

 private:
  Models& models_;
  const model::Payer payer_;
  const bool fresh_replies_;
};

bool AddDefaultRoutes(v1::ModelConfig& models) {
  const auto known = [&](const char* name) {
    return models.routes().contains(name) || models.endpoints().contains(name);
  };
  if (models.endpoints_size() == 0) return true;
  if (!known(kJudgeRoute)) {
    if (models.endpoints_size() > 1) return false;
    (*models.mutable_routes())[kJudgeRoute].add_endpoints(models.endpoints().begin()->first);
  }
  v1::ModelRoute route;
  if (models.routes().contains(kJudgeRoute)) {
    route = models.routes().at(kJudgeRoute);
  } else {
    route.add_endpoints(kJudgeRoute);
  }
  for (const char* name : {kCaptionerRoute, kProposerRoute}) {
    if (!known(name)) (*models.mutable_routes())[name] = route;
  }
  return true;
}

absl::StatusOr<std::unique_ptr<Models>> Models::Create(const v1::ModelConfig& config, Deps deps) {
  std::unique_ptr<Models> models(new Models(config, deps));
  if (config.endpoints_size() == 0) return models;
  PROCTOR_ASSIGN_OR_RETURN(models->http_, net::HttpPool::Create({}));
  PROCTOR_ASSIGN_OR_RETURN(std::unique_ptr<model::Client> client, model::Client::Create(config, {.pool = *models->http_,
                                                                           .executor = deps.pool,
                                                                           .timers = models->timers_,
                                                                           .clock = SystemClock(),
                                                                           .database = &deps.database,
                                                                           .jitter = nullptr,
                                                                           .charged = deps.charged}));
  MutexLock lock(models->mutex_);
  models->client_ = std::move(client);
  return models;
}

Models::~Models() { Stop(); }

void Models::Stop() {
  std::unique_ptr<model::Client> client;
  MutexLock lock(mutex_);
  client.swap(client_);
}

std::optional<double> Models::Cost(const std::string& route, const v1::Usage& usage) const {
  std::string name = route.empty() ? kJudgeRoute : route;
  if (config_.routes().contains(name)) name = config_.routes().at(name).endpoints(0);
  if (!config_.endpoints().contains(name)) return std::nullopt;
  return prices_.Cost(config_.endpoints().at(name).model(), usage);
}

std::unique_ptr<evaluator::JudgeModel> Models::For(model::Payer payer, bool fresh_replies) {
  if (!any()) return std::make_unique<NoModel>();
  return std::make_unique<Asker>(*this, std::move(payer), fresh_replies);
}

}  // namespace proctor::server
