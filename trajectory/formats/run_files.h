// The files of a foreign run. Everything in them is untrusted.
#ifndef PROCTOR_TRAJECTORY_FORMATS_RUN_FILES_H_
#define PROCTOR_TRAJECTORY_FORMATS_RUN_FILES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json_fwd.hpp"
#include "proctor/v1/observation.pb.h"
#include "trajectory/untrusted_folder.h"

namespace proctor::trajectory::formats {

// Largest JSON document that is read: parsed, it takes up to sixteen times the memory.
inline constexpr int64_t kMaxJsonBytes = 32 << 20;
// Most files of one folder.
inline constexpr size_t kMaxEntries = 100'000;

// A folder by relative paths ("images/1.png"), which never lead out of it: INVALID_ARGUMENT for
// absolute ones, "..", links and special files; NOT_FOUND.
class RunFiles {
 public:
  // `path` itself may not be a link; its parents are trusted.
  static absl::StatusOr<RunFiles> Open(const std::string& path);
  // A folder below this one.
  absl::StatusOr<RunFiles> Below(const std::string& relative) const;

  absl::StatusOr<std::string> Read(const std::string& relative, int64_t max_bytes) const;
  absl::StatusOr<nlohmann::json> ReadJson(const std::string& relative) const;
  // A picture's description: digest, format, size; its header is checked. The bytes are not kept.
  absl::StatusOr<v1::Image> ReadPicture(const std::string& relative) const;
  // The names of this folder, sorted.
  absl::StatusOr<std::vector<FolderEntry>> List() const { return folder_->List(kMaxEntries); }

 private:
  explicit RunFiles(std::shared_ptr<const UntrustedFolder> folder) : folder_(std::move(folder)) {}

  // Shared by copies of this handle.
  std::shared_ptr<const UntrustedFolder> folder_;
};

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_RUN_FILES_H_
