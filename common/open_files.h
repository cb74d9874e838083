// How many files this process may open: sockets, pipes and files together.
#ifndef PROCTOR_COMMON_OPEN_FILES_H_
#define PROCTOR_COMMON_OPEN_FILES_H_

#include <cstdint>

#include "absl/status/statusor.h"

namespace proctor {

struct OpenFiles {
  int64_t open = 0;
  int64_t limit = 0;
};

// As it is now. Where so many are open that they cannot even be counted, `open` is the limit. Cost: a look at each.
OpenFiles ReadOpenFiles();

struct RaisedOpenFiles {
  int64_t before = 0;
  int64_t now = 0;
};

// Raises the limit in force to what this process may raise it to, `most` at the highest; never lowers it. Programs that ProcessSpawner starts
// keep the limit from before: some count on descriptors below 1,024 (select), and others raise it themselves.
absl::StatusOr<RaisedOpenFiles> RaiseOpenFileLimit(int64_t most);

// What they are to have; 0: what this process has.
int64_t OpenFileLimitOfChildren();

}  // namespace proctor

#endif  // PROCTOR_COMMON_OPEN_FILES_H_
