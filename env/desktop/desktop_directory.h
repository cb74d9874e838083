// Directories of desktops without namespaces. The name says whose they are, so that a later server finds what a killed one left:
//
//   <root>/proctor-desktop-<pid of the server>-<its start time>-XXXXXX/{home,run}
#ifndef PROCTOR_ENV_DESKTOP_DESKTOP_DIRECTORY_H_
#define PROCTOR_ENV_DESKTOP_DESKTOP_DIRECTORY_H_

#include <string>

#include "absl/status/statusor.h"

namespace proctor::env::desktop {

// $TMPDIR or /tmp if `root` is empty; made if it is not there.
absl::StatusOr<std::string> MakeDesktopDirectory(const std::string& root);
// With all that is in it. Links are removed, not followed.
void RemoveDesktopDirectory(const std::string& directory);
// Removes those whose server is gone. Returns how many.
int SweepDesktopDirectories(const std::string& root);

// Whether desktops have that program: at a path, or where desktops look for programs.
bool IsProgram(const std::string& name);

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_DESKTOP_DIRECTORY_H_
