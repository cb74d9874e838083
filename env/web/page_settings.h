// What a browser context and its pages are set up with.
#ifndef PROCTOR_ENV_WEB_PAGE_SETTINGS_H_
#define PROCTOR_ENV_WEB_PAGE_SETTINGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "env/web/devtools.h"
#include "proctor/v1/environment.pb.h"
#include "proctor/v1/task.pb.h"

namespace proctor::env::web {

// Checks the settings and fills in the defaults of environment.proto. INVALID_ARGUMENT names the field.
absl::StatusOr<v1::WebSettings> ResolveWebSettings(const v1::WebSettings& settings);

// Commands that make a page, or a frame in a process of its own, what the settings say. `browser_user_agent` is used
// where the settings name none.
std::vector<DevToolsCommand> PageSetUpCommands(const std::string& session_id, const v1::WebSettings& settings,
                                               const std::string& browser_user_agent);
std::vector<DevToolsCommand> FrameSetUpCommands(const std::string& session_id, const v1::WebSettings& settings,
                                                const std::string& browser_user_agent);
// Commands that make a dedicated worker what the settings say; place and time zone it has from its page's process.
std::vector<DevToolsCommand> WorkerSetUpCommands(const std::string& session_id, const v1::WebSettings& settings,
                                                 const std::string& browser_user_agent);

// A script that runs first in every document: Math.random follows the seed.
std::string RandomSeedScript(int64_t seed);

// Permissions as `Browser.grantPermissions` knows them, that to know the place where one is given included. INVALID_ARGUMENT
// for a name it does not know.
absl::StatusOr<std::vector<std::string>> PermissionTypes(const v1::WebSettings& settings);

Json GeolocationParams(const v1::Geolocation& geolocation);
absl::Status CheckGeolocation(const v1::Geolocation& geolocation);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_PAGE_SETTINGS_H_
