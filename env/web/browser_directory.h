// The directories of our browsers, marked so that a later server finds what a killed one left behind.
//
//   <root>/proctor-browser-XXXXXX/owner       pid and start time of the server, one line
//                                /profile     the browser's own
//                                /downloads   the browser's own
//                                /log         its stderr
#ifndef PROCTOR_ENV_WEB_BROWSER_DIRECTORY_H_
#define PROCTOR_ENV_WEB_BROWSER_DIRECTORY_H_

#include <string>

#include "absl/status/statusor.h"

namespace proctor::env::web {

// Makes one, owned by this process. `root` empty: $TMPDIR or /tmp.
absl::StatusOr<std::string> MakeBrowserDirectory(const std::string& root);

// Removes it with all that is in it. Links are removed, not followed.
void RemoveBrowserDirectory(const std::string& directory);

// The root in force.
std::string BrowserDirectoryRoot(const std::string& root);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_BROWSER_DIRECTORY_H_
