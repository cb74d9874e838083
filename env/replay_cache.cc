#include "env/replay_cache.h"

#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/status.h"

namespace proctor::env {
namespace {

constexpr size_t kKept = 64;
// Each may have an observation of 16 MiB.
constexpr size_t kKeptBytes = 1 << 20;
// 9 to 18 bytes each. In a session of more requests the store is asked about each new one.
constexpr size_t kMostAsked = 16'384;

size_t Bytes(const Replay& replay) { return 2 * replay.request_id.size() + replay.request_digest.size() + replay.response.size(); }

}  // namespace

ReplayCache::ReplayCache(std::string session_id, EpisodeSink& sink, Past past)
    : session_id_(std::move(session_id)), sink_(sink), knows_all_(past == Past::kNone) {}

Replay ReplayCache::Prepare(const std::string& request_id,
                            const google::protobuf::Message& request) const {
  Replay replay;
  if (request_id.empty()) return replay;
  replay.request_id = absl::StrCat(session_id_, "/", request_id);
  replay.request_digest =
      Sha256Hex(absl::StrCat(request.GetDescriptor()->full_name(), "\n", ProtoCanonicalBytes(request)));
  return replay;
}

absl::StatusOr<bool> ReplayCache::Find(const CallContext& context, const Replay& replay,
                                       google::protobuf::Message& response) {
  if (replay.request_id.empty()) return false;
  std::optional<Replay> found;
  if (const auto it = recent_.find(replay.request_id); it != recent_.end()) {
    found = it->second;
  } else if (IsNew(replay.request_id)) {
    return false;
  } else {
    PROCTOR_ASSIGN_OR_RETURN(found, sink_.FindReplay(context, replay.request_id));
  }
  if (!found) return false;
  if (found->request_digest != replay.request_digest) {
    return absl::InvalidArgumentError("request_id: was used for another request");
  }
  if (!response.ParseFromString(found->response)) {
    return absl::DataLossError("the answer kept for this request_id cannot be read");
  }
  return true;
}

bool ReplayCache::IsNew(const std::string& request_id) {
  if (!knows_all_) return false;
  const bool is_new = asked_.insert(std::hash<std::string>()(request_id)).second;
  if (asked_.size() > kMostAsked) Forget();
  return is_new;
}

void ReplayCache::Forget() {
  knows_all_ = false;
  asked_ = {};
}

void ReplayCache::Keep(const Replay& replay) {
  Insert(replay);
  Trim(/*least=*/0);
}

void ReplayCache::KeepUnstored(const Replay& replay) {
  Insert(replay);
  Trim(/*least=*/1);
}

void ReplayCache::Insert(const Replay& replay) {
  if (replay.request_id.empty()) return;
  Drop(replay.request_id);
  recent_[replay.request_id] = replay;
  order_.push_back(replay.request_id);
  bytes_ += Bytes(replay);
}

void ReplayCache::Trim(size_t least) {
  while (order_.size() > kKept || (order_.size() > least && bytes_ > kKeptBytes)) Drop(std::string(order_.front()));
}

void ReplayCache::Drop(const std::string& request_id) {
  const auto it = recent_.find(request_id);
  if (it == recent_.end()) return;
  bytes_ -= Bytes(it->second);
  recent_.erase(it);
  std::erase(order_, request_id);
}

void ReplayCache::Clear() {
  recent_.clear();
  order_.clear();
  bytes_ = 0;
  Forget();
}

v1::StepResponse PendingAnswer(v1::StepResponse answer, const std::string& episode) {
  answer.mutable_episode()->set_name(episode);
  answer.mutable_episode()->set_state(v1::EPISODE_STATE_RUNNING);
  return answer;
}

void SettleAnswer(const v1::Episode* stored, v1::StepResponse& answer) {
  if (answer.episode().state() == v1::EPISODE_STATE_CLOSED) return;
  const bool was_last = stored != nullptr && stored->state() == v1::EPISODE_STATE_CLOSED &&
                        stored->end_reason() == v1::END_REASON_SERVER_FAULT &&
                        stored->step_count() == answer.step_index() + 1;
  if (was_last) {
    SetEnding(*stored, answer);
  } else {
    answer.clear_episode();
  }
}

void SetEnding(const v1::Episode& closed, v1::StepResponse& answer) {
  answer.set_terminated(closed.end_kind() == v1::END_KIND_TERMINATED);
  answer.set_truncated(closed.end_kind() == v1::END_KIND_TRUNCATED);
  answer.set_interrupted(closed.end_kind() == v1::END_KIND_INTERRUPTED);
  *answer.mutable_episode() = closed;
}

void RefillPicture(const CallContext& context, EpisodeSink& sink, const v1::ObservationRequest& request,
                   v1::Observation& observation) {
  if (!observation.has_screenshot() || request.screenshot().omit_data()) return;
  if (!observation.screenshot().data().empty()) return;
  auto bytes = sink.GetBlob(context, observation.screenshot().digest());
  if (bytes.ok()) observation.mutable_screenshot()->set_data(*std::move(bytes));
}

}  // namespace proctor::env
