#include "env/explorer_place.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace proctor::env {
namespace {

absl::Status NoneCameFree(const std::string& environment_id, const SessionPlaces::Kind& kind, absl::Duration waited) {
  return absl::ResourceExhaustedError(absl::StrCat(
      "no place to explore environments/", environment_id, " came free in ", absl::FormatDuration(waited), ": of its ", kind.max_sessions,
      " places sessions have ", kind.taken, " and explorers ", kind.exploring, " (at most ", SessionPlaces::MaxExploring(kind),
      "), and sessions come first; try again when fewer sessions are open or wait, or raise environments.", environment_id, ".max_sessions"));
}

}  // namespace

bool ExplorerPlace::wanted() const {
  MutexLock lock(manager_.mutex_);
  const SessionPlaces::Kind* const kind = manager_.places_.Find(environment_id_);
  return kind != nullptr && (!kind->waiting.empty() || !kind->explorers_waiting.empty());
}

absl::Status ExplorerPlace::Await(const CallContext& context) {
  if (held_) return absl::OkStatus();
  PROCTOR_RETURN_IF_ERROR(context.Check("waiting for a place to explore"));
  {
    MutexLock lock(manager_.mutex_);
    if (manager_.places_.Find(environment_id_) == nullptr) return manager_.places_.NoSuch(environment_id_);
  }
  Admission* const admission = manager_.options_.admission;
  if (!counted_ && admission != nullptr) PROCTOR_RETURN_IF_ERROR(admission->Take(tenant_, environment_id_));
  counted_ = true;
  const absl::Duration max_wait = manager_.options_.max_wait;
  const CallContext capped = context.Child(max_wait);
  absl::Status status;
  {
    MutexLock lock(manager_.mutex_);
    SessionPlaces& places = manager_.places_;
    const uint64_t ticket = places.QueueExplorer(environment_id_);
    status = AwaitWithContext(
        capped, manager_.mutex_, manager_.explorers_changed_,
        [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return manager_.admitting_ && places.IsExplorersTurn(environment_id_, ticket); },
        "waiting for a place to explore");
    held_ = status.ok();
    if (absl::IsDeadlineExceeded(status) && context.Check("").ok()) {
      status = NoneCameFree(environment_id_, *places.Find(environment_id_), max_wait);
    }
    places.LeaveQueue(environment_id_, ticket);
    if (held_) places.TakeForExplorer(environment_id_);
    // Who is next in the queue may have the next one.
    manager_.explorers_changed_.SignalAll();
  }
  if (!held_) GiveBack();
  return status;
}

bool ExplorerPlace::Try() {
  if (held_) return true;
  Admission* const admission = manager_.options_.admission;
  if (!counted_ && admission != nullptr && !admission->TryTake(tenant_, environment_id_)) return false;
  counted_ = true;
  {
    MutexLock lock(manager_.mutex_);
    SessionPlaces& places = manager_.places_;
    const SessionPlaces::Kind* const kind = places.Find(environment_id_);
    held_ = kind != nullptr && manager_.admitting_ && kind->explorers_waiting.empty() && SessionPlaces::HasPlaceForExplorer(*kind);
    if (held_) places.TakeForExplorer(environment_id_);
  }
  if (!held_) GiveBack();
  return held_;
}

void ExplorerPlace::Lend() {
  if (!std::exchange(held_, false)) return;
  SessionOpeningPtr next;
  {
    MutexLock lock(manager_.mutex_);
    next = manager_.places_.ReleaseFromExplorer(environment_id_);
    manager_.explorers_changed_.SignalAll();
  }
  if (next != nullptr) manager_.PostOpen(next);
}

void ExplorerPlace::GiveBack() {
  Lend();
  if (std::exchange(counted_, false)) manager_.GiveBack(environment_id_, tenant_);
}

}  // namespace proctor::env
