// Writes a new folder whole or not at all. Private to trajectory/.
#ifndef PROCTOR_TRAJECTORY_FOLDER_WRITER_H_
#define PROCTOR_TRAJECTORY_FOLDER_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace proctor::trajectory {

// Files go to a folder beside the wanted one, which gets its name by Complete and is removed
// without it. Paths are relative to it, without a leading slash. Errors: ALREADY_EXISTS;
// RESOURCE_EXHAUSTED: disk full; UNAVAILABLE: other failures.
class FolderWriter {
 public:
  // Makes missing parents of `folder`. ALREADY_EXISTS: the folder is there.
  static absl::StatusOr<std::unique_ptr<FolderWriter>> Create(const std::string& folder);
  ~FolderWriter();
  FolderWriter(const FolderWriter&) = delete;
  FolderWriter& operator=(const FolderWriter&) = delete;

  absl::Status AddFolder(const std::string& relative);
  absl::Status AddFile(const std::string& relative, std::string_view bytes);
  // Takes a folder that was added away again, with what is in it.
  absl::Status RemoveFolder(const std::string& relative);
  absl::Status Complete();

  // Of all files together.
  int64_t bytes() const { return bytes_; }
  // Where the files are until Complete.
  const std::string& partial() const { return partial_; }

 private:
  explicit FolderWriter(std::string folder);

  const std::string folder_;
  std::string partial_;
  int64_t bytes_ = 0;
};

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_FOLDER_WRITER_H_
