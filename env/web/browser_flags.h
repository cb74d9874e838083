// The command line of the browsers that we start.
#ifndef PROCTOR_ENV_WEB_BROWSER_FLAGS_H_
#define PROCTOR_ENV_WEB_BROWSER_FLAGS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "env/web/browser_process.h"

namespace proctor::env::web {

// Program and arguments.
std::vector<std::string> BrowserCommandLine(const std::string& executable, const std::string& profile,
                                            bool sandboxed, const BrowserProcessOptions& options);

// Whether an operator may add `flag` ("--name" or "--name=value"). Chromium takes the last of several values, so one that is given again would
// silently undo a wall. INVALID_ARGUMENT: it is one of those that keep the browser in (everything above but what is for steady pictures and
// pages), switches on what they switch off, or takes the sandbox away; says what to do.
absl::Status CheckExtraFlag(const std::string& flag);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_BROWSER_FLAGS_H_
