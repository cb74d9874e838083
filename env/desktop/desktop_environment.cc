#include "env/desktop/desktop_environment.h"

#include <unistd.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/log.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "env/desktop/desktop_config.h"
#include "env/desktop/desktop_directory.h"
#include "env/desktop/desktop_world.h"

namespace proctor::env::desktop {
namespace {

constexpr absl::Duration kProbeCap = absl::Seconds(20);

std::string BesideThisProgram() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  return (program.parent_path() / "proctor-desktop-guest").string();
}

}  // namespace

struct DesktopEnvironment::Parts {
  Parts(Options given, Executor& executor) : options(std::move(given)), background(executor) {}

  const Options options;
  Executor& background;
  DesktopLauncher launcher;
  // Why desktops cannot be started here; OK: they can.
  absl::Status machine;
  // Outlives the desktops: they die with its thread.
  ProcessSpawner spawner;
  DisplayLeases leases;
};

DesktopEnvironment::DesktopEnvironment(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
DesktopEnvironment::~DesktopEnvironment() = default;

absl::StatusOr<std::unique_ptr<DesktopEnvironment>> DesktopEnvironment::Create(Options options, Executor& background) {
  PROCTOR_RETURN_IF_ERROR(ValidateDesktopConfig(options.config));
  const bool as_root = geteuid() == 0;
  auto parts = std::make_unique<Parts>(std::move(options), background);
  DesktopLauncher& launcher = parts->launcher;
  launcher.config = WithDefaults(parts->options.config, as_root);
  launcher.guest_executable = parts->options.guest_executable.empty() ? BesideThisProgram() : parts->options.guest_executable;
  launcher.runtime_directory = parts->options.runtime_directory;
  if (as_root) {
    PROCTOR_ASSIGN_OR_RETURN(launcher.user, FindUser(launcher.config.user()));
  }
  const int removed = SweepDesktopDirectories(launcher.runtime_directory);
  if (removed > 0) LogInfo("removed what earlier desktops left", {{"directories", absl::StrCat(removed)}});
  const CallContext context = CallContext::WithTimeout(kProbeCap);
  parts->machine = ProbeMachine(context, launcher, parts->spawner);
  if (!parts->machine.ok() && launcher.config.allow_unisolated()) {
    launcher.isolated = false;
    parts->machine = ProbeMachine(context, launcher, parts->spawner);
  }
  if (!launcher.isolated) LogWarning("DESKTOPS RUN IN THE OPEN: without namespaces they share this machine's network, /tmp and processes");
  return std::unique_ptr<DesktopEnvironment>(new DesktopEnvironment(std::move(parts)));
}

v1::Environment DesktopEnvironment::Describe() const {
  const v1::DesktopConfig& config = parts_->launcher.config;
  v1::Environment out;
  out.set_name(parts_->options.name);
  out.set_description(parts_->options.description);
  out.set_available(parts_->machine.ok() || !config.displays().empty());
  if (!parts_->machine.ok()) out.set_unavailable_reason(std::string(parts_->machine.message()));
  v1::Capabilities& can = *out.mutable_capabilities();
  can = DesktopCapabilities();
  for (const std::string& name : StartableApplications(config, {})) {
    const std::string& program = config.applications().at(name).command(0);
    if (IsProgram(program)) {
      can.add_applications(name);
    } else {
      can.add_limitations(absl::StrCat("application ", name, ": its program ", program, " is not installed on this machine"));
    }
  }
  can.add_limitations("applications that say nothing over AT-SPI: no elements in their windows, points only");
  if (!config.displays().empty()) {
    can.add_limitations("displays that somebody else started: no elements, windows or clipboard, no open_app; an episode begins on them as they stand");
  }
  if (!parts_->launcher.isolated) can.add_limitations("desktops are not walled in: they share the machine's network, /tmp and processes");
  if (!parts_->machine.ok() && !config.displays().empty()) {
    can.add_limitations(absl::StrCat("only displays that somebody else started: ", parts_->machine.message()));
  }
  const absl::StatusOr<v1::DesktopSettings> settings = ResolveDesktopSettings(config, {});
  if (settings.ok()) *out.mutable_default_settings()->mutable_desktop() = *settings;
  out.mutable_default_limits()->set_max_steps(30);
  *out.mutable_default_limits()->mutable_max_duration() = ToProto(absl::Minutes(10));
  return out;
}

absl::StatusOr<v1::EnvironmentSettings> DesktopEnvironment::ResolveSettings(const v1::EnvironmentSettings& settings) const {
  if (!settings.has_desktop() && settings.kind_case() != v1::EnvironmentSettings::KIND_NOT_SET) {
    return absl::InvalidArgumentError("settings: the desktop environment takes desktop settings");
  }
  v1::EnvironmentSettings resolved;
  PROCTOR_ASSIGN_OR_RETURN(*resolved.mutable_desktop(), ResolveDesktopSettings(parts_->launcher.config, settings.desktop()));
  return resolved;
}

absl::StatusOr<std::unique_ptr<World>> DesktopEnvironment::Open(const CallContext& context, const v1::EnvironmentSettings& settings) {
  PROCTOR_RETURN_IF_ERROR(context.Check("opening a desktop"));
  PROCTOR_ASSIGN_OR_RETURN(const v1::EnvironmentSettings resolved, ResolveSettings(settings));
  DesktopWorld::Options options{.settings = resolved.desktop(),
                                .config = parts_->launcher.config,
                                .source = nullptr,
                                .lease = nullptr,
                                .prewarm = parts_->options.prewarm};
  if (!resolved.desktop().display().empty()) {
    PROCTOR_ASSIGN_OR_RETURN(options.lease, parts_->leases.Take(resolved.desktop().display()));
  } else {
    PROCTOR_RETURN_IF_ERROR(parts_->machine);
    options.source = std::make_unique<DesktopSource>(parts_->launcher, resolved.desktop(), parts_->spawner, parts_->background);
  }
  return std::make_unique<DesktopWorld>(std::move(options));
}

}  // namespace proctor::env::desktop
