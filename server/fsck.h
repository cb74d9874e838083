// Checks a data directory that no server uses: `proctord --fsck`.
#ifndef PROCTOR_SERVER_FSCK_H_
#define PROCTOR_SERVER_FSCK_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/call_context.h"

namespace proctor::server {

// Whether only to look, or also to mend what can be mended without a copy.
enum class FsckMode { kLook, kRepair };

struct FsckReport {
  // What is lost or wrong: a copy is needed, or kRepair. One a line, for people.
  std::vector<std::string> damage;
  // What costs space or is done at the next start, and harms nobody.
  std::vector<std::string> leftovers;
  // What kRepair did.
  std::vector<std::string> repaired;
  int64_t records = 0;
  int64_t steps = 0;
  int64_t episodes = 0;
  int64_t rewards = 0;
  int64_t blobs = 0;
  int64_t blob_bytes = 0;
};

// `phase` ("blobs", ...) is `done` of `all` through; 0: nobody knows.
using FsckProgress = std::function<void(const std::string& phase, int64_t done, int64_t all)>;

// Looks at: the database's own structure; every trajectory, its steps, digests and blobs; every episode's row; the reward log and groups; every
// blob's bytes; blobs that are missing, and those that nothing names. Holds the directory's lock meanwhile.
//
// kRepair deletes blobs that nothing names, moves damaged blobs' files and foreign files to `<directory>/damaged` (whoever stores the same
// bytes again mends the record) and mends the notes about who needs which blob. Damaged records keep
// what is noted for them, and stay as they are, as do episodes' rows, the reward log and groups; where the database's own structure is damaged, everything does.
//
// Records that a damaged database cannot give are damage, and the others are looked at.
//
// Errors: NOT_FOUND no data directory; FAILED_PRECONDITION a server uses it; DATA_LOSS the database cannot be looked at at all; UNAVAILABLE a
// file cannot be opened.
absl::StatusOr<FsckReport> Fsck(const CallContext& context, const std::string& directory, FsckMode mode, const FsckProgress& progress);

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_FSCK_H_
