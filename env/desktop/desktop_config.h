// The server's desktops as configured: defaults and checks.
#ifndef PROCTOR_ENV_DESKTOP_DESKTOP_CONFIG_H_
#define PROCTOR_ENV_DESKTOP_DESKTOP_CONFIG_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proctor/v1/desktop.pb.h"

namespace proctor::env::desktop {

// Fills in the defaults of desktop.proto where a field is empty: user, startup, applications. `as_root`: the server runs as
// root, so that there is a user to default to.
v1::DesktopConfig WithDefaults(const v1::DesktopConfig& config, bool as_root);

// INVALID_ARGUMENT names the field, "desktop.applications.editor.command: ...". What the machine lacks (programs, namespaces) is not
// looked at: Environment.Describe tells of that.
absl::Status ValidateDesktopConfig(const v1::DesktopConfig& config);

// Checks the settings and fills in the defaults of desktop.proto. `config` has its defaults. INVALID_ARGUMENT names the field.
absl::StatusOr<v1::DesktopSettings> ResolveDesktopSettings(const v1::DesktopConfig& config,
                                                           const v1::DesktopSettings& settings);

// What a session with these settings may start, sorted.
std::vector<std::string> StartableApplications(const v1::DesktopConfig& config, const v1::DesktopSettings& settings);

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_DESKTOP_CONFIG_H_
