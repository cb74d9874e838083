// Writes a new folder whole or not at all.
#ifndef PROCTOR_TRAJECTORY_FOLDER_WRITER_H_
#define PROCTOR_TRAJECTORY_FOLDER_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"

namespace proctor::trajectory {

// Private to trajectory/. Files go to a folder beside the wanted one, "<folder>.partial-<16 hex digits>", which gets
// its name by Complete and is removed without it. Paths are relative to it, without a leading slash. Errors:
// ALREADY_EXISTS; RESOURCE_EXHAUSTED: disk full; UNAVAILABLE: other failures.
class FolderWriter {
 public:
  // Makes missing parents of `folder`, an absolute path. ALREADY_EXISTS: the folder is there; INVALID_ARGUMENT: its path cannot be, or
  // holds a name such as those of unfinished folders.
  static absl::StatusOr<std::unique_ptr<FolderWriter>> Create(const std::string& folder);
  ~FolderWriter();
  FolderWriter(const FolderWriter&) = delete;
  FolderWriter& operator=(const FolderWriter&) = delete;

  absl::Status AddFolder(const std::string& relative);
  absl::Status AddFile(const std::string& relative, std::string_view bytes);
  // Takes a folder that was added away again, with what is in it.
  absl::Status RemoveFolder(const std::string& relative);
  // The folder and all that is in it are on the disk when it returns. Costs a sync of the whole file system.
  absl::Status Complete();

  // Of all files together.
  int64_t bytes() const { return bytes_; }
  // Where the files are until Complete.
  const std::string& partial() const { return partial_; }

 private:
  explicit FolderWriter(std::string folder);
  // Of the partial folder. False: RemoveAbandonedFolders had it before, and removes it.
  absl::StatusOr<bool> Lock();

  const std::string folder_;
  std::string partial_;
  // Of the partial folder, locked against RemoveAbandonedFolders.
  int descriptor_ = -1;
  int64_t bytes_ = 0;
};

// Removes the unfinished folders in `directory`, at any depth, that nobody writes any more: their process died. Links are
// not followed. OK if `directory` is not there; UNAVAILABLE: not all could be looked at or removed. Reads every folder below;
// ends with the context.
absl::Status RemoveAbandonedFolders(const CallContext& context, const std::string& directory);

}  // namespace proctor::trajectory

#endif  // PROCTOR_TRAJECTORY_FOLDER_WRITER_H_
