// EnvironmentVerbs as one caller may use them: its tenant's sessions and episodes only, within its tenant's quotas.
#ifndef PROCTOR_SERVER_TENANT_VERBS_H_
#define PROCTOR_SERVER_TENANT_VERBS_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "proctor/v1/environment_service.pb.h"
#include "server/auth/caller.h"
#include "server/auth/tenant_quotas.h"
#include "server/environment_verbs.h"

namespace proctor::server {

// Sessions and episodes of other tenants are NOT_FOUND, exactly as those that never were, except for who sees_all(). Episodes without a
// session (RecordTrajectory) are everybody's, as their trajectories are. Quotas are the session's tenant's: whoever acts in it.
// A retry of StartEpisode or Step gets its answer whatever they say, and costs none (but as a call).
// A value. Thread-safe as the verbs are.
class TenantVerbs {
 public:
  // `verbs` and `quotas` outlive it; `quotas` null: there are none.
  TenantVerbs(EnvironmentVerbs& verbs, TenantQuotas* quotas, Caller caller)
      : verbs_(&verbs), quotas_(quotas), caller_(std::move(caller)) {}

  // A verb of a stream, which counts as a call does: RESOURCE_EXHAUSTED calls_per_minute. (Calls of their own are counted at the door.)
  absl::Status SpendCall() const;

  absl::StatusOr<v1::Session> GetSession(const std::string& name) const;
  absl::StatusOr<v1::ListSessionsResponse> ListSessions(const v1::ListSessionsRequest& request) const;
  absl::StatusOr<v1::Session> KeepAlive(const v1::KeepAliveRequest& request) const;
  absl::StatusOr<v1::Episode> GetEpisode(const CallContext& context, const std::string& name) const;
  // A page may be shorter than asked for, or empty, though more follow; of another tenant's session there is one, and it is empty.
  absl::StatusOr<v1::ListEpisodesResponse> ListEpisodes(const CallContext& context, const v1::ListEpisodesRequest& request) const;

  void CreateSession(const CallContext& context, const v1::CreateSessionRequest& request, Done<v1::Session> done) const;
  void CloseSession(const v1::CloseSessionRequest& request, Done<v1::Session> done) const;
  // RESOURCE_EXHAUSTED also: storage or judging is spent.
  void StartEpisode(const CallContext& context, const v1::StartEpisodeRequest& request, Done<v1::EpisodeStart> done) const;
  void Step(const CallContext& context, const v1::StepRequest& request, Done<v1::StepResponse> done) const;
  void Observe(const CallContext& context, const v1::ObserveRequest& request, Done<v1::Observation> done) const;
  void EndEpisode(const CallContext& context, const v1::EndEpisodeRequest& request, Done<v1::Episode> done) const;
  void WaitEpisode(const CallContext& context, const v1::WaitEpisodeRequest& request, Done<v1::Episode> done) const;

 private:
  bool Sees(const std::string& session) const;
  absl::Status CheckSession(const std::string& session) const;
  absl::Status CheckEpisode(const CallContext& context, const std::string& episode) const;

  EnvironmentVerbs* verbs_;
  TenantQuotas* quotas_;
  Caller caller_;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_TENANT_VERBS_H_
