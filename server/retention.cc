#include "server/retention.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "proctor/v1/episode.pb.h"
#include "proctor/v1/trajectory.pb.h"

namespace proctor::server {
namespace {

constexpr int kPageSize = 200;
// Damaged trajectories that the log names in one look; of more it gets the number.
constexpr int kMaxNamed = 100;

template <typename Values, typename Value>
bool IsAmong(const Values& values, const Value& value) {
  return values.empty() || std::find(values.begin(), values.end(), value) != values.end();
}

class Run {
 public:
  Run(const CallContext& context, const v1::RetentionConfig& config, const RetentionStores& stores, absl::Time now)
      : context_(context), config_(config), stores_(stores), now_(now) {}

  absl::StatusOr<std::map<std::string, int64_t>> Apply() {
    absl::Duration youngest = absl::InfiniteDuration();
    for (const v1::RetentionRule& rule : config_.rules()) {
      if (rule.action() != v1::RETENTION_ACTION_KEEP) youngest = std::min(youngest, FromProto(rule.min_age()));
    }
    if (youngest == absl::InfiniteDuration()) return done_;
    v1::TrajectoryFilter filter;
    filter.set_closed_only(true);
    // What ended so long ago began before.
    *filter.mutable_start_time_until() = ToProto(now_ - youngest);
    std::string token;
    int damaged = 0;
    do {
      PROCTOR_ASSIGN_OR_RETURN(const auto page, stores_.trajectories.List(context_, filter, kPageSize, token));
      for (const v1::Trajectory& header : page.trajectories) {
        const absl::Status status = Look(header);
        if (!absl::IsDataLoss(status)) {
          PROCTOR_RETURN_IF_ERROR(status);
        } else if (++damaged <= kMaxNamed) {
          LogWarning("retention leaves a damaged trajectory as it is", {{"trajectory", header.name()}, {"error", status.ToString()}});
        }
      }
      token = page.next_page_token;
    } while (!token.empty());
    if (damaged > kMaxNamed) LogWarning("retention left damaged trajectories as they are", {{"trajectories", absl::StrCat(damaged)}});
    return done_;
  }

 private:
  absl::Status Look(const v1::Trajectory& header) {
    PROCTOR_RETURN_IF_ERROR(context_.Check("retention"));
    const v1::RetentionRule* rule = nullptr;
    episode_.reset();
    for (const v1::RetentionRule& each : config_.rules()) {
      PROCTOR_ASSIGN_OR_RETURN(const bool fits, Fits(each, header));
      if (!fits) continue;
      rule = &each;
      break;
    }
    if (rule == nullptr || rule->action() == v1::RETENTION_ACTION_KEEP) return absl::OkStatus();
    const bool thins = rule->action() == v1::RETENTION_ACTION_THIN;
    if (thins && header.has_thin_time()) return absl::OkStatus();
    const absl::Status status = thins ? stores_.trajectories.Thin(context_, header.name(), now_)
                                      : stores_.trajectories.Delete(context_, header.name());
    if (absl::IsNotFound(status)) return absl::OkStatus();  // Somebody else deleted it.
    PROCTOR_RETURN_IF_ERROR(status);
    ++done_[rule->name()];
    return absl::OkStatus();
  }

  absl::StatusOr<bool> Fits(const v1::RetentionRule& rule, const v1::Trajectory& header) {
    const absl::Time end = FromProto(header.has_end_time() ? header.end_time() : header.start_time());
    const v1::Split split = header.task().split() == v1::SPLIT_UNSPECIFIED ? v1::SPLIT_TRAIN : header.task().split();
    if (now_ - end < FromProto(rule.min_age()) || !IsAmong(rule.splits(), split) ||
        !IsAmong(rule.environments(), header.environment())) {
      return false;
    }
    PROCTOR_RETURN_IF_ERROR(LoadEpisode(header.name()));
    // Imported ones have no episode, and nobody judges them by itself.
    if (!episode_->name().empty() && episode_->result_state() != v1::RESULT_STATE_READY) return false;
    if (!IsAmong(rule.outcomes(), episode_->verdict().outcome())) return false;
    if (rule.include_labelled() || rule.action() == v1::RETENTION_ACTION_KEEP) return true;
    v1::ListLabelsRequest request;
    request.set_trajectory(header.name());
    request.set_page_size(1);
    PROCTOR_ASSIGN_OR_RETURN(const v1::ListLabelsResponse labels, stores_.labels.List(context_, request));
    return labels.labels().empty();
  }

  absl::Status LoadEpisode(const std::string& trajectory) {
    if (episode_) return absl::OkStatus();
    PROCTOR_ASSIGN_OR_RETURN(const std::string id, ResourceId("trajectories", trajectory));
    auto episode = stores_.episodes.Get(context_, ResourceName("episodes", id));
    if (!episode.ok() && !absl::IsNotFound(episode.status())) return episode.status();
    episode_ = episode.ok() ? *std::move(episode) : v1::Episode();
    return absl::OkStatus();
  }

  const CallContext& context_;
  const v1::RetentionConfig& config_;
  const RetentionStores& stores_;
  const absl::Time now_;
  // Of the trajectory that is looked at; without a name if it has none.
  std::optional<v1::Episode> episode_;
  std::map<std::string, int64_t> done_;
};

}  // namespace

absl::StatusOr<std::map<std::string, int64_t>> ApplyRetention(const CallContext& context, const v1::RetentionConfig& config,
                                                              const RetentionStores& stores, absl::Time now) {
  return Run(context, config, stores, now).Apply();
}

}  // namespace proctor::server
