// One desktop that we started: its guest, its screen; gone when this is.
#ifndef PROCTOR_ENV_DESKTOP_LIVE_DESKTOP_H_
#define PROCTOR_ENV_DESKTOP_LIVE_DESKTOP_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/process.h"
#include "env/desktop/guest_channel.h"
#include "env/desktop/rfb_client.h"
#include "proctor/v1/desktop.pb.h"

namespace proctor::env::desktop {

// How desktops are started.
struct DesktopLauncher {
  // With its defaults.
  v1::DesktopConfig config;
  std::string guest_executable;
  // For directories of desktops without namespaces.
  std::string runtime_directory;
  // Whom they run as; none: as we do.
  std::optional<ProcessOptions::User> user;
  // Namespaces can be used; else the configuration allows to do without.
  bool isolated = true;
};

// Whether this machine can run desktops: its programs and namespaces. FAILED_PRECONDITION says what is missing and what mends it.
absl::Status ProbeMachine(const CallContext& context, const DesktopLauncher& launcher, ProcessSpawner& spawner);

// One thread at a time.
class LiveDesktop {
 public:
  // An empty home, the startup commands running, the screen drawn. 0.1 s. `spawner` outlives it. UNAVAILABLE, with what the desktop's
  // programs said.
  static absl::StatusOr<std::unique_ptr<LiveDesktop>> Start(const CallContext& context, const DesktopLauncher& launcher,
                                                            const v1::DesktopSettings& settings, ProcessSpawner& spawner);
  // Ends it and waits until nothing of it is left.
  ~LiveDesktop();

  GuestChannel& guest() { return *guest_; }
  RfbClient& screen() { return *screen_; }
  // OK while guest and screen are there.
  absl::Status status() const;
  // The guest's, for tests.
  pid_t pid() const { return process_->pid(); }

 private:
  LiveDesktop() = default;
  absl::Status Launch(const DesktopLauncher& launcher, ProcessSpawner& spawner);
  absl::Status MakeDirectories(const DesktopLauncher& launcher);
  std::string Log() const;

  // Only without namespaces.
  std::string directory_;
  int log_fd_ = -1;
  std::unique_ptr<Process> process_;
  std::unique_ptr<GuestChannel> guest_;
  std::unique_ptr<RfbClient> screen_;
};

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_LIVE_DESKTOP_H_
