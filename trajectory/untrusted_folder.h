// Reads files below a folder that somebody else may have prepared. Private to trajectory/.
#ifndef PROCTOR_TRAJECTORY_UNTRUSTED_FOLDER_H_
#define PROCTOR_TRAJECTORY_UNTRUSTED_FOLDER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace proctor::trajectory {

enum class EntryKind { kFile, kFolder };
struct FolderEntry {
  std::string name;
  EntryKind kind = EntryKind::kFile;
};

// An open folder. Names are single path components. Links are never followed, only regular files are read, nothing above
// a limit is read into memory. Errors: NOT_FOUND; INVALID_ARGUMENT a link, no regular file, too large, a bad name;
// UNAVAILABLE other failures.
class UntrustedFolder {
 public:
  // `path` itself may not be a link; its parents are trusted.
  static absl::StatusOr<std::unique_ptr<UntrustedFolder>> Open(const std::string& path);
  ~UntrustedFolder();
  UntrustedFolder(const UntrustedFolder&) = delete;
  UntrustedFolder& operator=(const UntrustedFolder&) = delete;

  absl::StatusOr<std::unique_ptr<UntrustedFolder>> OpenFolder(const std::string& name) const;
  // What is in it, sorted by name; links and special files are left out. INVALID_ARGUMENT: more than `max_entries`.
  absl::StatusOr<std::vector<FolderEntry>> List(size_t max_entries) const;
  absl::StatusOr<std::string> ReadFile(const std::string& name, int64_t max_bytes) const;
  // Calls `visit` with each line, without its end, until it fails.
  absl::Status ReadLines(const std::string& name, int64_t max_line_bytes,
                         const std::function<absl::Status(std::string_view line)>& visit) const;

 private:
  UntrustedFolder(int descriptor, std::string path)
      : descriptor_(descriptor), path_(std::move(path)) {}
  // A descriptor of a regular file; its size in `size`.
  absl::StatusOr<int> OpenFile(const std::string& name, int64_t& size) const;

  const int descriptor_;
  const std::string path_;
};

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_UNTRUSTED_FOLDER_H_
