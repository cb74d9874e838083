#include "model/client.h"

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "model/chat_run.h"
#include "model/client_core.h"
#include "model/config.h"
#include "model/embed_run.h"

namespace proctor::model {
namespace {

double RandomJitter() {
  thread_local std::minstd_rand generator(std::random_device{}());
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

class HttpModelClient final : public Client {
 public:
  HttpModelClient(const v1::ModelConfig& config, ClientDeps deps)
      : core_{.parts = {.pool = deps.pool,
                        .executor = deps.executor,
                        .timers = deps.timers,
                        .clock = deps.clock,
                        .jitter = deps.jitter ? std::move(deps.jitter) : RandomJitter},
              .database = deps.database,
              .prices = Prices(config),
              .budget = Budget(config.budgets(), deps.database, deps.clock)} {
    core_.charged = std::move(deps.charged);
    const bool caching = !config.cache().has_enabled() || config.cache().enabled();
    if (caching && deps.database != nullptr) {
      core_.cache = std::make_unique<ReplyCache>(ResolveCache(config.cache()), *deps.database, deps.clock);
    }
  }

  ~HttpModelClient() override { core_.active.CancelAndWait(); }

  absl::Status AddEndpoints(const v1::ModelConfig& config) {
    for (const auto& [name, endpoint] : config.endpoints()) {
      auto created = Endpoint::Create(name, endpoint, core_.parts);
      if (!created.ok()) return Annotate(created.status(), absl::StrCat("endpoints.", name).c_str());
      core_.routes[name] = {created->get()};
      core_.endpoints[name] = *std::move(created);
    }
    for (const auto& [name, route] : config.routes()) {
      for (const std::string& endpoint : route.endpoints()) {
        core_.routes[name].push_back(core_.endpoints.at(endpoint).get());
      }
    }
    return absl::OkStatus();
  }

  void Chat(const CallContext& context, ChatRequest request, ChatOptions options, ChatDone done) override {
    std::make_shared<ChatRun>(core_, context, std::move(request), std::move(options), std::move(done))->Post();
  }

  void Embed(const CallContext& context, EmbedRequest request, ChatOptions options, EmbedDone done) override {
    std::make_shared<EmbedRun>(core_, context, std::move(request), std::move(options), std::move(done))->Post();
  }

  const Budget& budget() const override { return core_.budget; }

 private:
  ClientCore core_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> Client::Create(const v1::ModelConfig& config, ClientDeps deps) {
  const std::vector<ConfigFault> faults = FindConfigFaults(config);
  if (!faults.empty()) return absl::InvalidArgumentError(absl::StrCat(faults[0].path, ": ", faults[0].reason));
  auto client = std::make_unique<HttpModelClient>(config, std::move(deps));
  PROCTOR_RETURN_IF_ERROR(client->AddEndpoints(config));
  return client;
}

}  // namespace proctor::model
