// Counts what episodes record for their tenants, on the way to where it is recorded.
#ifndef PROCTOR_SERVER_AUTH_METERED_SINK_H_
#define PROCTOR_SERVER_AUTH_METERED_SINK_H_

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/mutex.h"
#include "env/episode_sink.h"
#include "server/auth/storage_meter.h"
#include "server/auth/tenant_accounts.h"
#include "server/auth/tenant_quotas.h"

namespace proctor::server {

// An episode counts with the bytes of its pictures, downloads and texts as they are handed in: before the same picture is stored once
// only, before lossless re-encoding. What would exceed the quota is not recorded: RESOURCE_EXHAUSTED with a retry hint. An end always is.
// What a crash cuts off is not counted. Thread-safe.
class MeteredSink final : public env::EpisodeSink {
 public:
  // All outlive it.
  MeteredSink(env::EpisodeSink& inner, TenantQuotas& quotas, TenantAccounts& accounts)
      : inner_(inner), quotas_(quotas), accounts_(accounts) {}

  absl::Status Begin(const CallContext& context, const v1::Trajectory& header, const v1::Episode& episode,
                     const env::Replay& replay) override;
  absl::Status Append(const CallContext& context, const std::string& episode_id, const v1::Step& step,
                      const env::Replay& replay) override;
  absl::Status Finish(const CallContext& context, const std::string& episode_id, const v1::Trajectory& ending,
                      const v1::Episode& episode, const env::Replay& replay) override;
  absl::Status Keep(const CallContext& context, const env::Replay& replay) override { return inner_.Keep(context, replay); }
  absl::StatusOr<std::string> PutBlob(const CallContext& context, const std::string& episode_id, const std::string& bytes) override;
  absl::StatusOr<std::string> GetBlob(const CallContext& context, const std::string& digest) override {
    return inner_.GetBlob(context, digest);
  }
  absl::StatusOr<std::optional<env::Replay>> FindReplay(const CallContext& context, const std::string& request_id) override {
    return inner_.FindReplay(context, request_id);
  }

 private:
  // Null: no such episode runs. One episode's calls come one after another.
  std::shared_ptr<StorageMeter> Find(const std::string& episode_id);

  env::EpisodeSink& inner_;
  TenantQuotas& quotas_;
  TenantAccounts& accounts_;
  Mutex mutex_;
  // Of episodes that run.
  std::map<std::string, std::shared_ptr<StorageMeter>> meters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_METERED_SINK_H_
