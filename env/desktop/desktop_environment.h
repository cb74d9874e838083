// The `desktop` environment: a Linux desktop of its own for each session, or a display that somebody else started.
#ifndef PROCTOR_ENV_DESKTOP_DESKTOP_ENVIRONMENT_H_
#define PROCTOR_ENV_DESKTOP_DESKTOP_ENVIRONMENT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/executor.h"
#include "env/world.h"
#include "proctor/v1/desktop.pb.h"

namespace proctor::env::desktop {

class DesktopEnvironment final : public Environment {
 public:
  struct Options {
    std::string name = "environments/desktop";
    std::string description = "A Linux desktop of its own for each session: its start state names files and applications.";
    // Defaults are filled in. See ValidateDesktopConfig.
    v1::DesktopConfig config;
    // The program that runs inside each desktop. Empty: `proctor-desktop-guest` beside this program.
    std::string guest_executable;
    // Logs of desktops, and without namespaces their home directories too, each in a directory of its own that goes with it. Made if
    // it is not there; not below the data directory. What a killed server left in it is removed. Empty: $TMPDIR or /tmp.
    std::string runtime_directory;
    // Start the next episode's desktop while the current one runs. Costs the memory of an empty desktop a session.
    bool prewarm = true;
  };

  // INVALID_ARGUMENT: the configuration. A machine that cannot run desktops is no error: Describe says what it lacks, Open refuses,
  // and displays that somebody else started can be used all the same. `background` outlives it and its worlds; it runs blocking work of
  // up to half a minute (starting and ending desktops).
  static absl::StatusOr<std::unique_ptr<DesktopEnvironment>> Create(Options options, Executor& background);
  ~DesktopEnvironment() override;

  v1::Environment Describe() const override;
  absl::StatusOr<v1::EnvironmentSettings> ResolveSettings(const v1::EnvironmentSettings& settings) const override;
  // FAILED_PRECONDITION: this machine cannot run desktops, with what mends it. RESOURCE_EXHAUSTED: the display is taken.
  absl::StatusOr<std::unique_ptr<World>> Open(const CallContext& context,
                                              const v1::EnvironmentSettings& settings) override;

 private:
  struct Parts;
  explicit DesktopEnvironment(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_DESKTOP_ENVIRONMENT_H_
