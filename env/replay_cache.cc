#include "env/replay_cache.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/proto_json.h"
#include "common/status.h"

namespace proctor::env {
namespace {

constexpr size_t kKept = 64;

}  // namespace

ReplayCache::ReplayCache(std::string session_id, EpisodeSink& sink)
    : session_id_(std::move(session_id)), sink_(sink) {}

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

void ReplayCache::Keep(const Replay& replay) {
  if (replay.request_id.empty()) return;
  if (recent_.insert_or_assign(replay.request_id, replay).second) order_.push_back(replay.request_id);
  if (order_.size() > kKept) {
    recent_.erase(order_.front());
    order_.pop_front();
  }
}

}  // namespace proctor::env
