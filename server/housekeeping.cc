#include "server/housekeeping.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "server/retention.h"
#include "trajectory/folder_writer.h"
#include "trajectory/recompress.h"

namespace proctor::server {
namespace {

// How long answers are kept for retries beyond their session's life.
constexpr absl::Duration kAnswersKept = absl::Hours(24);
// How long it is known that an episode's outcome was told to the curriculum: longer than any retry.
constexpr absl::Duration kOutcomesKept = absl::Hours(24 * 30);
// Blobs looked at in one run of recompression, and the pause after all were. A run ends earlier with its first picture that was encoded while a
// session is open.
constexpr int kRecompressedPerRun = 1000;
constexpr absl::Duration kRecompressionPause = absl::Minutes(10);
// For each of what is done once an hour.
constexpr absl::Duration kHourlyCap = absl::Minutes(10);
// From one trim of the reward log to the next.
constexpr absl::Duration kTrimPause = absl::Hours(1);

void LogFailure(const char* what, const absl::Status& status) {
  // Cancelled: the server stops.
  if (!status.ok() && !absl::IsCancelled(status)) LogError(what, {{"error", status.ToString()}});
}

}  // namespace

Housekeeping::Housekeeping(Parts parts)
    : parts_(parts),
      next_trim_(steady_() + std::min(kTrimPause, FromProto(parts.config.reward_log().consumer_expiry()))),
      retention_(parts.config.retention()) {}

void Housekeeping::Start() {
  PostInBackground([this] {
    CountBlobs();
    LogFailure("blobs of which nothing knows were not noted",
               parts_.data.trajectories->NoteUnnamed(CallContext(absl::Now() + kHourlyCap, stopping_)));
    LogFailure("what unfinished exports left behind was not all removed",
               trajectory::RemoveAbandonedFolders(CallContext(absl::InfiniteFuture(), stopping_), parts_.config.exchange_dir()));
  });
  Tick(kReload);
  Tick(kMaintain);
}

void Housekeeping::Stop() {
  stopping_->Cancel();
  parts_.encoder.Hurry();
  std::array<uint64_t, kRounds> timers;
  std::shared_ptr<CancelToken> retaining;
  {
    MutexLock lock(mutex_);
    if (stopped_) return;
    stopped_ = true;
    timers = timers_;
    retaining = retaining_;
  }
  if (retaining != nullptr) retaining->Cancel();
  for (const uint64_t timer : timers) parts_.timers.Cancel(timer);
}

void Housekeeping::Tick(Round round) {
  MutexLock lock(mutex_);
  if (stopped_) return;
  timers_[round] = parts_.timers.RunAfter(absl::Seconds(1), [this, round] {
    parts_.pool.Post([this, round] {
      if (round == kReload) {
        parts_.reloads.ReadChanged();
      } else {
        Maintain();
      }
      Tick(round);
    });
  });
}

// The pools are about to go once it is stopped.
void Housekeeping::PostInBackground(std::function<void()> task) {
  MutexLock lock(mutex_);
  if (!stopped_) parts_.background.Post(std::move(task));
}

void Housekeeping::Maintain() {
  const CallContext context = CallContext::WithTimeout(absl::Minutes(5));
  LogFailure("groups were not ended", parts_.data.rewards->EndExpiredGroups(context).status());
  // A clock that was set meanwhile counts from here on.
  if (parts_.sessions.open_sessions() == 0) parts_.session_clock.Anchor();
  BeginRecompression();
  BeginRetention();
  if (steady_() >= next_trim_ && !trimming_.exchange(true)) {
    next_trim_ = steady_() + kTrimPause;
    PostInBackground([this] {
      TrimRewards();
      trimming_ = false;
    });
  }
  if (steady_() < next_hourly_ || hourly_runs_.exchange(true)) return;
  next_hourly_ = steady_() + absl::Hours(1);
  PostInBackground([this] {
    MaintainHourly();
    hourly_runs_ = false;
  });
}

void Housekeeping::SetRetention(const v1::RetentionConfig& retention) {
  std::shared_ptr<CancelToken> old;
  {
    MutexLock lock(mutex_);
    retention_ = retention;
    next_retention_ = absl::ZeroDuration();
    old = retaining_;
  }
  if (old != nullptr) old->Cancel();
}

void Housekeeping::BeginRetention() {
  MutexLock lock(mutex_);
  if (stopped_ || retaining_ != nullptr || retention_.rules().empty() || steady_() < next_retention_) return;
  retaining_ = std::make_shared<CancelToken>();
  parts_.background.Post([this] { Retain(); });
}

void Housekeeping::MaintainHourly() {
  // Each has its own time: what takes long keeps nothing else from its turn.
  const auto context = [this] { return CallContext(absl::Now() + kHourlyCap, stopping_); };
  ForgetDeleted(context());
  parts_.accounts.WriteAgain();
  LogFailure("blobs that nothing names were not collected", parts_.data.trajectories->CollectLoose(context()));
  std::set<std::string> live;
  for (const v1::Session& session : parts_.sessions.List(/*show_closed=*/true)) {
    if (const auto id = ResourceId("sessions", session.name()); id.ok()) live.insert(*id);
  }
  LogFailure("old answers were not pruned", parts_.data.replays
                                                ->Prune(context(), absl::Now() - kAnswersKept,
                                                        [&](const std::string& session) { return live.contains(session); })
                                                .status());
  LogFailure("old outcomes were not pruned", parts_.data.sampler->Prune(context(), absl::Now() - kOutcomesKept));
  CountBlobs();
}

void Housekeeping::TrimRewards() {
  const CallContext context(absl::Now() + kHourlyCap, stopping_);
  const v1::RewardLogConfig& log = parts_.config.reward_log();
  const absl::Duration retention = FromProto(log.retention());
  if (retention <= absl::ZeroDuration()) return;
  if (const absl::Status touched = parts_.consumers.TouchConnected(context); !touched.ok()) {
    LogFailure("consumers were not noted", touched);
    return;
  }
  LogFailure("the reward log was not trimmed",
             parts_.data.rewards->Trim(context, {retention, FromProto(log.consumer_expiry())}).status());
}

void Housekeeping::ForgetDeleted(const CallContext& context) {
  // Episodes' rows stay.
  LogFailure("deleted episodes still count for their tenants",
             parts_.accounts.ForgetDeleted(
                 context, [&](const std::vector<std::string>& ids) { return parts_.data.trajectories->Missing(context, ids); }));
}

void Housekeeping::BeginRecompression() {
  if (!parts_.config.recompression().enabled() || recompressing_) return;
  if (steady_() < next_recompression_) return;
  recompressing_ = true;
  PostInBackground([this] {
    Recompress();
    recompressing_ = false;
  });
}

void Housekeeping::Recompress() {
  const CallContext context(absl::InfiniteFuture(), stopping_);
  const absl::Duration begin = steady_();
  int blobs = 0;
  trajectory::RecompressResult done;
  const auto result = trajectory::RecompressBlobs(
      context, *parts_.data.archive,
      {.after_digest = recompressed_up_to_,
       .started_before = absl::Now() - FromProto(parts_.config.recompression().min_age()),
       .encode =
           [this](const std::string& encoded) {
             absl::StatusOr<std::string> smaller = absl::InternalError("not encoded");
             parts_.encoder.Run([&] { smaller = trajectory::SmallerEncoding(encoded); });
             return smaller;
           }},
      [&](const trajectory::RecompressResult& so_far) -> absl::Status {
        recompressed_up_to_ = so_far.last_digest;
        done = so_far;
        // Downloads and pictures that are no PNG cost nearly nothing.
        const bool pause = so_far.looked_at > 0 && parts_.sessions.open_sessions() > 0;
        if (pause) next_recompression_ = steady_() + (steady_() - begin);
        return pause || ++blobs >= kRecompressedPerRun ? absl::AbortedError("enough for now") : absl::OkStatus();
      });
  parts_.state.AddRecompression(done);
  if (absl::IsAborted(result.status()) || absl::IsCancelled(result.status())) return;
  LogFailure("screenshots were not recompressed", result.status());
  recompressed_up_to_.clear();
  next_recompression_ = steady_() + kRecompressionPause;
}

void Housekeeping::CountBlobs() {
  BlobSize size;
  const absl::Status counted = parts_.data.blobs->ForEach([&](std::string_view, int64_t bytes) {
    ++size.blobs;
    size.bytes += bytes;
    return !stopping_->cancelled();
  });
  if (stopping_->cancelled()) return;
  if (counted.ok()) {
    parts_.state.SetBlobs(size);
  } else {
    LogWarning("blobs were not counted", {{"error", counted.ToString()}});
  }
}

void Housekeeping::Retain() {
  v1::RetentionConfig retention;
  std::shared_ptr<CancelToken> cancel;
  {
    MutexLock lock(mutex_);
    next_retention_ = steady_() + FromProto(retention_.interval());
    retention = retention_;
    if (retaining_->cancelled()) retaining_ = std::make_shared<CancelToken>();
    cancel = retaining_;
    if (stopped_) cancel->Cancel();
  }
  const CallContext context(absl::InfiniteFuture(), cancel);
  const DataDirectory& data = parts_.data;
  const auto done = ApplyRetention(context, retention, {*data.trajectories, *data.episodes, *data.labels}, absl::Now());
  {
    MutexLock lock(mutex_);
    retaining_ = nullptr;
  }
  if (absl::IsCancelled(done.status())) return;
  LogFailure("retention failed", done.status());
  if (!done.ok()) return;
  for (const auto& [rule, count] : *done) {
    LogInfo("trajectories were deleted or thinned", {{"rule", rule}, {"trajectories", absl::StrCat(count)}});
  }
}

}  // namespace proctor::server
