#include "trajectory/folder_writer.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/status.h"
#include "storage/file_system.h"

namespace proctor::trajectory {

namespace fs = std::filesystem;

namespace {

// Whatever is at the path: a folder is never written over another. A path that cannot be looked at cannot be written either.
absl::Status CheckFree(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (status.type() == fs::file_type::not_found) return absl::OkStatus();
  if (error) return absl::InvalidArgumentError(absl::StrCat(path, " cannot be used: ", error.message()));
  return absl::AlreadyExistsError(absl::StrCat(path, " is there: choose a new folder"));
}

}  // namespace

FolderWriter::FolderWriter(std::string folder)
    : folder_(std::move(folder)), partial_(absl::StrCat(folder_, ".partial-", RandomHex(8))) {}

FolderWriter::~FolderWriter() {
  std::error_code ignored;
  if (!partial_.empty()) fs::remove_all(partial_, ignored);
}

absl::StatusOr<std::unique_ptr<FolderWriter>> FolderWriter::Create(const std::string& folder) {
  PROCTOR_RETURN_IF_ERROR(CheckFree(folder));
  std::error_code error;
  fs::create_directories(fs::path(folder).parent_path(), error);
  std::unique_ptr<FolderWriter> writer(new FolderWriter(folder));
  PROCTOR_RETURN_IF_ERROR(storage::LocalFileSystem().CreateDirectory(writer->partial_));
  return writer;
}

absl::Status FolderWriter::AddFolder(const std::string& relative) {
  return storage::LocalFileSystem().CreateDirectory(absl::StrCat(partial_, "/", relative));
}

absl::Status FolderWriter::AddFile(const std::string& relative, std::string_view bytes) {
  bytes_ += static_cast<int64_t>(bytes.size());
  return storage::LocalFileSystem().WriteNew(absl::StrCat(partial_, "/", relative), bytes,
                                             storage::SyncMode::kNoSync);
}

absl::Status FolderWriter::RemoveFolder(const std::string& relative) {
  const std::string path = absl::StrCat(partial_, "/", relative);
  std::error_code error;
  for (fs::recursive_directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code unknown;
    const bool file = entry->is_regular_file(unknown);
    const uintmax_t size = file ? entry->file_size(unknown) : 0;
    if (!unknown) bytes_ -= static_cast<int64_t>(size);
  }
  if (!error) fs::remove_all(path, error);
  return error ? absl::UnavailableError(absl::StrCat(path, ": ", error.message())) : absl::OkStatus();
}

absl::Status FolderWriter::Complete() {
  PROCTOR_RETURN_IF_ERROR(CheckFree(folder_));
  PROCTOR_RETURN_IF_ERROR(storage::LocalFileSystem().Rename(partial_, folder_));
  partial_.clear();
  return absl::OkStatus();
}

}  // namespace proctor::trajectory
