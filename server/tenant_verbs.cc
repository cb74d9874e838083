#include "server/tenant_verbs.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/auth/tenant_accounts.h"

namespace proctor::server {

bool TenantVerbs::Sees(const std::string& session) const {
  return caller_.sees_all() || TenantOfSession(session) == caller_.tenant;
}

absl::Status TenantVerbs::SpendCall() const { return quotas_ == nullptr ? absl::OkStatus() : quotas_->SpendCall(caller_.tenant); }

// As SessionManager::Find says it of a session that never was.
absl::Status TenantVerbs::CheckSession(const std::string& session) const {
  return Sees(session) ? absl::OkStatus() : absl::NotFoundError(absl::StrCat("no session ", session));
}

absl::Status TenantVerbs::CheckEpisode(const CallContext& context, const std::string& episode) const {
  if (caller_.sees_all()) return absl::OkStatus();
  return GetEpisode(context, episode).status();
}

absl::StatusOr<v1::Session> TenantVerbs::GetSession(const std::string& name) const {
  PROCTOR_RETURN_IF_ERROR(CheckSession(name));
  return verbs_->GetSession(name);
}

absl::StatusOr<v1::ListSessionsResponse> TenantVerbs::ListSessions(const v1::ListSessionsRequest& request) const {
  return verbs_->ListSessions(request, [this](const std::string& session) { return Sees(session); });
}

absl::StatusOr<v1::Session> TenantVerbs::KeepAlive(const v1::KeepAliveRequest& request) const {
  PROCTOR_RETURN_IF_ERROR(CheckSession(request.name()));
  return verbs_->KeepAlive(request);
}

absl::StatusOr<v1::Episode> TenantVerbs::GetEpisode(const CallContext& context, const std::string& name) const {
  PROCTOR_ASSIGN_OR_RETURN(v1::Episode episode, verbs_->GetEpisode(context, name));
  if (episode.session().empty() || Sees(episode.session())) return episode;
  return absl::NotFoundError(absl::StrCat("no episode ", name));
}

absl::StatusOr<v1::ListEpisodesResponse> TenantVerbs::ListEpisodes(const CallContext& context,
                                                                   const v1::ListEpisodesRequest& request) const {
  // As of a session that never was: a page token would tell how many it has.
  if (!request.session().empty() && !Sees(request.session())) return v1::ListEpisodesResponse();
  PROCTOR_ASSIGN_OR_RETURN(v1::ListEpisodesResponse all, verbs_->ListEpisodes(context, request));
  if (caller_.sees_all()) return all;
  v1::ListEpisodesResponse own;
  for (v1::Episode& episode : *all.mutable_episodes()) {
    if (episode.session().empty() || Sees(episode.session())) *own.add_episodes() = std::move(episode);
  }
  own.set_next_page_token(all.next_page_token());
  return own;
}

void TenantVerbs::CreateSession(const CallContext& context, const v1::CreateSessionRequest& request, Done<v1::Session> done) const {
  // Sessions of the default tenant have plain ids.
  verbs_->CreateSession(context, request, caller_.tenant == kDefaultTenant ? "" : caller_.tenant, std::move(done));
}

void TenantVerbs::CloseSession(const v1::CloseSessionRequest& request, Done<v1::Session> done) const {
  if (const absl::Status seen = CheckSession(request.name()); !seen.ok()) return done(seen);
  verbs_->CloseSession(request, std::move(done));
}

void TenantVerbs::StartEpisode(const CallContext& context, const v1::StartEpisodeRequest& request,
                               Done<v1::EpisodeStart> done) const {
  if (const absl::Status seen = CheckSession(request.session()); !seen.ok()) return done(seen);
  env::Permit permit;
  if (quotas_ != nullptr) {
    permit = [quotas = quotas_, tenant = TenantOfSession(request.session())]() -> absl::Status {
      PROCTOR_RETURN_IF_ERROR(quotas->CheckStorage(tenant));
      return quotas->CheckJudgeSpend(tenant);
    };
  }
  verbs_->StartEpisode(context, request, std::move(done), std::move(permit));
}

void TenantVerbs::Step(const CallContext& context, const v1::StepRequest& request, Done<v1::StepResponse> done) const {
  if (const absl::Status seen = CheckSession(request.session()); !seen.ok()) return done(seen);
  env::Permit permit;
  if (quotas_ != nullptr) permit = [quotas = quotas_, tenant = TenantOfSession(request.session())] { return quotas->SpendStep(tenant); };
  verbs_->Step(context, request, std::move(done), std::move(permit));
}

void TenantVerbs::Observe(const CallContext& context, const v1::ObserveRequest& request, Done<v1::Observation> done) const {
  if (const absl::Status seen = CheckSession(request.session()); !seen.ok()) return done(seen);
  verbs_->Observe(context, request, std::move(done));
}

void TenantVerbs::EndEpisode(const CallContext& context, const v1::EndEpisodeRequest& request, Done<v1::Episode> done) const {
  if (const absl::Status seen = CheckSession(request.session()); !seen.ok()) return done(seen);
  verbs_->EndEpisode(context, request, std::move(done));
}

void TenantVerbs::WaitEpisode(const CallContext& context, const v1::WaitEpisodeRequest& request, Done<v1::Episode> done) const {
  if (const absl::Status seen = CheckEpisode(context, request.name()); !seen.ok()) return done(seen);
  verbs_->WaitEpisode(context, request, std::move(done));
}

}  // namespace proctor::server
