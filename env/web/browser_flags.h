// The command line of the browsers that we start.
#ifndef PROCTOR_ENV_WEB_BROWSER_FLAGS_H_
#define PROCTOR_ENV_WEB_BROWSER_FLAGS_H_

#include <string>
#include <vector>

#include "env/web/browser_process.h"

namespace proctor::env::web {

// Program and arguments.
std::vector<std::string> BrowserCommandLine(const std::string& executable, const std::string& profile,
                                            bool sandboxed, const BrowserProcessOptions& options);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_BROWSER_FLAGS_H_
