// Where a session's desktops come from: each episode gets a fresh one, started while the one before ran.
#ifndef PROCTOR_ENV_DESKTOP_DESKTOP_SOURCE_H_
#define PROCTOR_ENV_DESKTOP_DESKTOP_SOURCE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "env/desktop/live_desktop.h"
#include "proctor/v1/desktop.pb.h"

namespace proctor::env::desktop {

// Used by one thread at a time; prepares on another.
class DesktopSource {
 public:
  // All references outlive it.
  DesktopSource(const DesktopLauncher& launcher, v1::DesktopSettings settings, ProcessSpawner& spawner, Executor& background);
  // Ends what is prepared; waits for that.
  ~DesktopSource();

  // Starts the next one in the background, unless there is one.
  void Prepare();
  // The prepared one, else one started now.
  absl::StatusOr<std::unique_ptr<LiveDesktop>> Take(const CallContext& context);

 private:
  // Shared with the background task, which may run after the source is gone, if it was never needed.
  struct Spare {
    enum class Phase { kNone, kQueued, kStarting, kReady };
    Mutex mutex;
    CondVar changed;
    Phase phase ABSL_GUARDED_BY(mutex) = Phase::kNone;
    std::unique_ptr<LiveDesktop> desktop ABSL_GUARDED_BY(mutex);
  };

  const DesktopLauncher& launcher_;
  const v1::DesktopSettings settings_;
  ProcessSpawner& spawner_;
  Executor& background_;
  // Ends a start that nobody waits for any more.
  const CallContext life_;
  const std::shared_ptr<Spare> spare_ = std::make_shared<Spare>();
};

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_DESKTOP_SOURCE_H_
