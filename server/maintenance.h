// `proctord --fsck` and `proctord --backup`: what is done to a data directory instead of serving it.
#ifndef PROCTOR_SERVER_MAINTENANCE_H_
#define PROCTOR_SERVER_MAINTENANCE_H_

#include <string>

#include "server/fsck.h"

namespace proctor::server {

// Exit codes beyond those of main.cc: the data directory is damaged.
inline constexpr int kExitDamaged = 4;

// Both print for people, with a progress bar where standard error is a terminal, and return the program's exit code: 0 done, and for fsck
// nothing is damaged (any more); 1 failed; 3 a server uses the directory; 4 damage is left.
int RunFsck(const std::string& directory, FsckMode mode);
int RunBackup(const std::string& directory, const std::string& target);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_MAINTENANCE_H_
