#include "env/desktop/desktop_source.h"

#include <utility>

#include "common/log.h"
#include "common/status.h"

namespace proctor::env::desktop {

DesktopSource::DesktopSource(const DesktopLauncher& launcher, v1::DesktopSettings settings, ProcessSpawner& spawner,
                             Executor& background)
    : launcher_(launcher), settings_(std::move(settings)), spawner_(spawner), background_(background) {}

DesktopSource::~DesktopSource() {
  life_.cancel()->Cancel();
  std::unique_ptr<LiveDesktop> unused;
  MutexLock lock(spare_->mutex);
  // One that waits in the queue finds that it is not wanted.
  if (spare_->phase == Spare::Phase::kQueued) spare_->phase = Spare::Phase::kNone;
  while (spare_->phase == Spare::Phase::kStarting) spare_->changed.Wait(spare_->mutex);
  unused = std::move(spare_->desktop);
}

void DesktopSource::Prepare() {
  {
    MutexLock lock(spare_->mutex);
    if (spare_->phase != Spare::Phase::kNone) return;
    spare_->phase = Spare::Phase::kQueued;
  }
  background_.Post([this, spare = spare_] {
    {
      MutexLock lock(spare->mutex);
      // Nobody waits for it any more: `this` may be gone.
      if (spare->phase != Spare::Phase::kQueued) return;
      spare->phase = Spare::Phase::kStarting;
    }
    absl::StatusOr<std::unique_ptr<LiveDesktop>> started = LiveDesktop::Start(life_, launcher_, settings_, spawner_);
    if (!started.ok() && !absl::IsCancelled(started.status())) {
      LogWarning("a desktop could not be prepared", {{"error", std::string(started.status().message())}});
    }
    MutexLock lock(spare->mutex);
    spare->phase = started.ok() ? Spare::Phase::kReady : Spare::Phase::kNone;
    if (started.ok()) spare->desktop = *std::move(started);
    spare->changed.SignalAll();
  });
}

absl::StatusOr<std::unique_ptr<LiveDesktop>> DesktopSource::Take(const CallContext& context) {
  PROCTOR_RETURN_IF_ERROR(context.Check("a desktop"));
  std::unique_ptr<LiveDesktop> prepared;
  {
    MutexLock lock(spare_->mutex);
    if (spare_->phase == Spare::Phase::kQueued) spare_->phase = Spare::Phase::kNone;
    Spare& spare = *spare_;
    PROCTOR_RETURN_IF_ERROR(AwaitWithContext(
        context, spare_->mutex, spare_->changed,
        [&spare]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return spare.phase != Spare::Phase::kStarting; }, "a desktop to start"));
    spare_->phase = Spare::Phase::kNone;
    prepared = std::move(spare_->desktop);
  }
  // It may have broken while it waited.
  if (prepared != nullptr && prepared->status().ok()) return prepared;
  prepared.reset();
  return LiveDesktop::Start(context, launcher_, settings_, spawner_);
}

}  // namespace proctor::env::desktop
