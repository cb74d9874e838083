#include "server/worlds.h"

#include <map>
#include <utility>
#include <vector>

#include "common/ids.h"
#include "common/status.h"
#include "env/null/null_environment.h"
#include "env/practice/templates.h"

namespace proctor::server {
namespace {

// The practice sites' templates, as the proposer sees them.
class PracticeTemplates final : public proposer::TaskTemplateSource {
 public:
  explicit PracticeTemplates(bool enabled) : enabled_(enabled) {}

  std::vector<v1::TaskTemplate> ListTemplates() const override {
    std::vector<v1::TaskTemplate> templates;
    if (!enabled_) return templates;
    for (const env::practice::Template& source : env::practice::Templates()) {
      v1::TaskTemplate& task_template = templates.emplace_back();
      task_template.set_name(source.id);
      task_template.set_site(source.site);
      task_template.set_kind(source.kind);
      task_template.set_optimal_steps(source.optimal_steps);
      task_template.set_impossible(source.impossible);
    }
    return templates;
  }

  absl::StatusOr<v1::Task> Instantiate(const std::string& name, int64_t seed) const override {
    return env::practice::Instantiate(name, seed);
  }

 private:
  const bool enabled_;
};

class WorldsImpl final : public Worlds {
 public:
  explicit WorldsImpl(const v1::ServerConfig& config)
      : config_(config), templates_(Enabled("practice")) {}

  absl::Status Open() {
    if (Enabled("null")) environments_["null"] = std::make_unique<env::NullEnvironment>();
    return absl::OkStatus();
  }

  void Register(env::SessionManager& sessions) override {
    for (const auto& [id, environment] : environments_) {
      sessions.Register(id, *environment, config_.environments().at(id).max_sessions());
    }
  }

  env::Environment* Find(const std::string& name) override {
    const auto id = ResourceId("environments", name);
    const auto it = id.ok() ? environments_.find(*id) : environments_.end();
    return it == environments_.end() ? nullptr : it->second.get();
  }

  const proposer::TaskTemplateSource& templates() const override { return templates_; }

  void RefusePort(uint16_t) override {}

 private:
  bool Enabled(const std::string& id) const { return config_.environments().at(id).enabled(); }

  const v1::ServerConfig config_;
  const PracticeTemplates templates_;
  std::map<std::string, std::unique_ptr<env::Environment>> environments_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Worlds>> Worlds::Start(const v1::ServerConfig& config) {
  auto worlds = std::make_unique<WorldsImpl>(config);
  PROCTOR_RETURN_IF_ERROR(worlds->Open());
  return worlds;
}

}  // namespace proctor::server
