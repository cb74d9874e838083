// Answers kept for retries of the same request.
#ifndef PROCTOR_ENV_REPLAY_CACHE_H_
#define PROCTOR_ENV_REPLAY_CACHE_H_

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "env/episode_sink.h"
#include "google/protobuf/message.h"
#include "proctor/v1/environment_service.pb.h"

namespace proctor::env {

// The last answers of one session, in memory; older ones come from the sink's store. Not thread-safe: used on the
// session's executor.
class ReplayCache {
 public:
  enum class Past {
    // The session begins now: what the cache is asked for the first time was never answered, and the store need not be asked.
    kNone,
    // Answers may be in the store that the cache never saw.
    kStored,
  };
  // `sink` outlives the cache.
  ReplayCache(std::string session_id, EpisodeSink& sink, Past past);

  // The part of a replay that is known before the answer is; empty without a request id.
  Replay Prepare(const std::string& request_id, const google::protobuf::Message& request) const;

  // True if `response` was filled with the answer given before. INVALID_ARGUMENT: the id belongs to another request.
  // A step's answer: see PendingAnswer.
  absl::StatusOr<bool> Find(const CallContext& context, const Replay& replay,
                            google::protobuf::Message& response);

  // Keeps an answer that the sink's store has (replay.response is set). In memory stay the newest 64 at most, of 1 MiB together at most.
  void Keep(const Replay& replay);
  // Keeps one that could not be stored: however large it is, it stays in memory until the next one is kept.
  void KeepUnstored(const Replay& replay);

  // Frees what is in memory; the sink's store has what could be stored.
  void Clear();

 private:
  // Nobody answered this id. True once for each.
  bool IsNew(const std::string& request_id);
  // From now on the store is asked.
  void Forget();
  void Insert(const Replay& replay);
  // Drops the oldest answers in memory that are too many or too much, down to `least` of them.
  void Trim(size_t least);
  void Drop(const std::string& request_id);

  const std::string session_id_;
  EpisodeSink& sink_;
  // `asked_` has all ids that were asked for, by their hashes: two that share one cost a look into the store.
  bool knows_all_;
  absl::flat_hash_set<size_t> asked_;
  std::map<std::string, Replay> recent_;
  // Their ids, the oldest first.
  std::deque<std::string> order_;
  // What they take.
  size_t bytes_ = 0;
};

// What is kept of a step's answer before its end is known: the answer and its episode's name, RUNNING. If the step closes
// the episode, the whole answer takes its place together with the closed record.
v1::StepResponse PendingAnswer(v1::StepResponse answer, const std::string& episode);

// Makes a kept answer the one to give again. `stored` is the episode that the answer names, as the store has it, or null.
// If the server stopped right after this step, nobody knows whether the step would have ended the episode: the answer says
// that it was interrupted.
void SettleAnswer(const v1::Episode* stored, v1::StepResponse& answer);

// Sets `terminated`, `truncated`, `interrupted` and the episode of the answer that ended it.
void SetEnding(const v1::Episode& closed, v1::StepResponse& answer);

// Kept answers have no pictures' bytes: reads them again, unless the request leaves them out or they are gone.
void RefillPicture(const CallContext& context, EpisodeSink& sink, const v1::ObservationRequest& request,
                   v1::Observation& observation);

}  // namespace proctor::env

#endif  // PROCTOR_ENV_REPLAY_CACHE_H_
