// A world of an environment as the crawling proposer sees it.
#ifndef PROCTOR_SERVER_SITE_EXPLORER_H_
#define PROCTOR_SERVER_SITE_EXPLORER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "env/world.h"
#include "proposer/site_explorer.h"

namespace proctor::server {

// One world, used by one thread; freed with the explorer. Where a verb only takes time (`wait`) the calling thread waits.
class WorldExplorer final : public proposer::SiteExplorer {
 public:
  // Opens a world with the environment's default settings. UNAVAILABLE if it cannot start. `environment` outlives the
  // explorer. It takes no session slot: the number of crawling jobs bounds it.
  static absl::StatusOr<std::unique_ptr<WorldExplorer>> Open(const CallContext& context,
                                                             env::Environment& environment);
  // The same, but a browser of that size, if it is one that a browser can have.
  static absl::StatusOr<std::unique_ptr<WorldExplorer>> Open(const CallContext& context, env::Environment& environment,
                                                             const v1::Size& viewport);

  absl::StatusOr<Start> Reset(const CallContext& context, const v1::Task& task,
                              const v1::ObservationRequest& request) override;
  absl::StatusOr<v1::Observation> Act(const CallContext& context, const v1::Action& action,
                                      const v1::ObservationRequest& request) override;
  absl::StatusOr<std::string> Evaluate(const CallContext& context, const std::string& expression) override;
  std::vector<v1::Evidence> Collect(const CallContext& context,
                                    const std::vector<v1::EvidenceRequest>& requests) override;

 private:
  explicit WorldExplorer(std::unique_ptr<env::World> world) : world_(std::move(world)) {}

  const std::unique_ptr<env::World> world_;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_SITE_EXPLORER_H_
