// A world of an environment as the crawling proposer sees it.
#ifndef PROCTOR_SERVER_SITE_EXPLORER_H_
#define PROCTOR_SERVER_SITE_EXPLORER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "env/explorer_place.h"
#include "env/session_manager.h"
#include "env/world.h"
#include "proposer/site_explorer.h"

namespace proctor::server {

// Where worlds to explore are, and whose they are. All outlive the explorers.
struct ExplorerHome {
  env::SessionManager& sessions;
  // Registered there as `environment_id`.
  env::Environment& environment;
  std::string environment_id;
  // Whose quota of sessions counts them.
  std::string tenant;
};

// One world, in one of the environment's places (env::ExplorerPlace), used by one thread at a time; both are freed with the explorer. Where a verb
// only takes time (`wait`) the calling thread waits.
class WorldExplorer final : public proposer::SiteExplorer {
 public:
  // Has neither place nor world yet. The world will have the environment's default settings.
  explicit WorldExplorer(const ExplorerHome& home) : WorldExplorer(home, v1::Size()) {}
  // The same, but a browser of that size, if it is one that a browser can have.
  WorldExplorer(const ExplorerHome& home, const v1::Size& viewport);

  // A place for a world. If it has one that somebody waits for, it makes room first: the world is gone then, and its place, too, until it is
  // its turn again. Errors: those of env::ExplorerPlace::Await.
  absl::Status Acquire(const CallContext& context) override;
  // The same without waiting; where it made room it stays without a place for this time.
  bool TryAcquire() override;
  void Release() override { Rest(); }
  // Opens the world, if it has none: Reset does so, too. FAILED_PRECONDITION: it has no place; UNAVAILABLE if the world cannot start.
  absl::Status Open(const CallContext& context);
  // Frees world and place, for as long as nothing is explored.
  void Rest();

  absl::StatusOr<Start> Reset(const CallContext& context, const v1::Task& task,
                              const v1::ObservationRequest& request) override;
  absl::StatusOr<v1::Observation> Act(const CallContext& context, const v1::Action& action,
                                      const v1::ObservationRequest& request) override;
  absl::StatusOr<std::string> Evaluate(const CallContext& context, const std::string& expression) override;
  std::vector<v1::Evidence> Collect(const CallContext& context,
                                    const std::vector<v1::EvidenceRequest>& requests) override;

 private:
  env::Environment& environment_;
  const v1::Size viewport_;
  env::ExplorerPlace place_;
  // Gone before its place.
  std::unique_ptr<env::World> world_;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_SITE_EXPLORER_H_
