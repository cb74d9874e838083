#include "env/episode_run.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "trajectory/end_kind.h"
#include "trajectory/record_form.h"

namespace proctor::env {
namespace {

// Leaves a megabyte for what says that the rest was too much.
constexpr int64_t kMaxCollectedBytes = trajectory::kMaxEvidenceBytes - (1 << 20);

}  // namespace

void DropPictureBytes(v1::Observation& observation) {
  if (observation.has_screenshot()) observation.mutable_screenshot()->clear_data();
}

EpisodeRun::EpisodeRun(Start start, const v1::StartEpisodeRequest& request)
    : id_(std::move(start.episode_id)),
      task_(std::move(start.task)),
      deadline_(start.time + FromProto(start.limits.max_duration())),
      settled_(start.time) {
  const auto start_time = ToProto(start.time);
  episode_.set_name(ResourceName("episodes", id_));
  episode_.set_session(ResourceName("sessions", start.session_id));
  if (request.has_task()) episode_.set_task(request.task());
  episode_.set_state(v1::EPISODE_STATE_RUNNING);
  *episode_.mutable_limits() = start.limits;
  *episode_.mutable_policy() = request.policy();
  episode_.set_group(request.group());
  episode_.set_seed(start.reset.seed);
  *episode_.mutable_client_tags() = request.client_tags();
  *episode_.mutable_start_time() = start_time;
  episode_.set_trajectory(ResourceName("trajectories", id_));
  episode_.set_result_state(v1::RESULT_STATE_PENDING);

  header_.set_name(episode_.trajectory());
  header_.set_format_version(1);
  *header_.mutable_task() = task_;
  header_.set_environment(ResourceName("environments", start.environment_id));
  *header_.mutable_policy() = request.policy();
  header_.set_group(request.group());
  header_.set_seed(start.reset.seed);
  *header_.mutable_client_tags() = request.client_tags();
  *header_.mutable_start_time() = start_time;
  *header_.mutable_initial_observation() = start.reset.observation;
  header_.set_recorder("proctor");
  header_.set_recorder_version(PROCTOR_VERSION);
  for (const auto& [placeholder, url] : start.reset.base_urls) {
    (*header_.mutable_base_urls())[placeholder] = url;
  }
  trajectory::RedactCredentials(header_);
  // The episode's row and the answers kept for retries are records, too.
  *episode_.mutable_base_urls() = header_.base_urls();
  last_observation_ = std::move(start.reset.observation);
}

void EpisodeRun::AddEvidence(std::vector<v1::Evidence> evidence, bool at_start) {
  for (v1::Evidence& item : evidence) {
    item.set_at_start(at_start);
    if (evidence_bytes_ + static_cast<int64_t>(item.ByteSizeLong()) > kMaxCollectedBytes) {
      item.clear_json_values();
      item.clear_urls();
      item.set_error(absl::StrCat("all evidence of the episode has more than ", kMaxCollectedBytes, " bytes"));
    } else {
      evidence_bytes_ += static_cast<int64_t>(item.ByteSizeLong());
    }
    *header_.add_evidence() = std::move(item);
  }
}

void EpisodeRun::Arrived(absl::Time time) {
  // A pipelined verb arrived while the server still worked: the agent held nothing.
  if (time <= settled_) return;
  agent_ += time - settled_;
  settled_ = time;
}

void EpisodeRun::Answered(absl::Time time, absl::Duration asked) {
  if (time <= settled_) return;
  const absl::Duration waited = std::min(asked, time - settled_);
  agent_ += waited;
  server_ += time - settled_ - waited;
  settled_ = time;
}

v1::Trajectory EpisodeRun::End(const Ending& ending, absl::Time now) {
  episode_.set_state(v1::EPISODE_STATE_CLOSED);
  episode_.set_end_kind(trajectory::EndKindOf(ending.reason));
  episode_.set_end_reason(ending.reason);
  episode_.set_end_message(ending.message);
  *episode_.mutable_end_time() = ToProto(now);
  episode_.set_server_seconds(absl::ToDoubleSeconds(server_));
  episode_.set_agent_seconds(absl::ToDoubleSeconds(agent_));
  v1::Trajectory record;
  record.set_closed(true);
  record.set_end_kind(episode_.end_kind());
  record.set_end_reason(episode_.end_reason());
  record.set_end_message(episode_.end_message());
  *record.mutable_end_time() = episode_.end_time();
  record.set_step_count(episode_.step_count());
  record.set_server_seconds(episode_.server_seconds());
  record.set_agent_seconds(episode_.agent_seconds());
  for (const v1::Evidence& item : header_.evidence()) {
    if (!item.at_start()) *record.add_evidence() = item;
  }
  return record;
}

}  // namespace proctor::env
