// Makes stored screenshots smaller without changing a pixel (docs/adr/0001-blob-names.md).
#ifndef PROCTOR_TRAJECTORY_RECOMPRESS_H_
#define PROCTOR_TRAJECTORY_RECOMPRESS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/call_context.h"
#include "trajectory/archive.h"

namespace proctor::trajectory {

// What a pass did. Bytes are those of the blobs looked at.
struct RecompressResult {
  int64_t looked_at = 0;
  int64_t replaced = 0;
  // Of the pictures looked at.
  int64_t bytes_before = 0;
  int64_t bytes_after = 0;
  // Blobs that could not be read or decoded; left alone.
  int64_t failed = 0;
  // Where the next pass goes on.
  std::string last_digest;
};

// Called after each blob. Not OK: stops with that status; what was replaced stays.
using RecompressProgress = std::function<absl::Status(const RecompressResult& so_far)>;

// The smaller encoding of a picture, or empty if there is none. INVALID_ARGUMENT: no picture that decodes.
absl::StatusOr<std::string> SmallerEncoding(const std::string& encoded);

// Which blobs, and how.
struct RecompressOptions {
  // Goes on after this one; empty: from the first.
  std::string after_digest = "";
  // Only those of records that began before.
  absl::Time started_before = absl::InfiniteFuture();
  // SmallerEncoding, or something that calls it elsewhere. All that takes long.
  std::function<absl::StatusOr<std::string>(const std::string& encoded)> encode = SmallerEncoding;
};

// Goes through the blobs that records name, in the order of their digests, and gives those PNG pictures of 8 bits a
// channel a smaller encoding for which one is found. A replacement is decoded and compared pixel by pixel first. Each blob
// is looked at once, whatever came of it: that it was is kept. Blobs stay readable at every moment. Safe to stop, to repeat
// and to run beside recording.
// Cost: 0.5 to 2 s of one core a 1280 x 720 picture, all but a hundredth of it in `encode`.
absl::StatusOr<RecompressResult> RecompressBlobs(const CallContext& context, Archive& archive,
                                                 const RecompressOptions& options,
                                                 const RecompressProgress& progress);

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_RECOMPRESS_H_
