#include "trajectory/folder_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/log.h"
#include "common/status.h"
#include "common/strings.h"
#include "storage/file_system.h"

namespace proctor::trajectory {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPartial = ".partial-";
constexpr int kRandomBytes = 8;
// RemoveAbandonedFolders lists first and removes then: a run of it is in the way of one new folder at most.
constexpr int kMostFolders = 8;

// As FolderWriter names an unfinished folder.
bool IsPartial(std::string_view name) {
  const size_t mark = name.rfind(kPartial);
  if (mark == 0 || mark == name.npos) return false;
  const std::string_view random = name.substr(mark + kPartial.size());
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return random.size() == size_t{2} * kRandomBytes && std::all_of(random.begin(), random.end(), is_hex);
}

// Such a folder would be taken for an abandoned one.
absl::Status CheckNames(const std::string& path) {
  const fs::path parts(path);
  if (std::none_of(parts.begin(), parts.end(), [](const fs::path& part) { return IsPartial(part.native()); })) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(path, " is named like an unfinished folder: choose another name"));
}

absl::Status Failed(const std::string& path, const char* what, int error) {
  const std::string message = absl::StrCat(path, " ", what, ": ", std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return absl::ResourceExhaustedError(message);
  return absl::UnavailableError(message);
}

int OpenFolder(const std::string& path) { return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }

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
    : folder_(std::move(folder)), partial_(absl::StrCat(folder_, ToAbsl(kPartial), RandomHex(kRandomBytes))) {}

FolderWriter::~FolderWriter() {
  std::error_code ignored;
  if (!partial_.empty()) fs::remove_all(partial_, ignored);
  if (descriptor_ >= 0) close(descriptor_);
}

absl::StatusOr<std::unique_ptr<FolderWriter>> FolderWriter::Create(const std::string& folder) {
  PROCTOR_RETURN_IF_ERROR(CheckNames(folder));
  PROCTOR_RETURN_IF_ERROR(CheckFree(folder));
  std::error_code error;
  fs::create_directories(fs::path(folder).parent_path(), error);
  for (int i = 0; i < kMostFolders; ++i) {
    std::unique_ptr<FolderWriter> writer(new FolderWriter(folder));
    PROCTOR_RETURN_IF_ERROR(storage::LocalFileSystem().CreateDirectory(writer->partial_));
    PROCTOR_ASSIGN_OR_RETURN(const bool locked, writer->Lock());
    if (locked) return writer;
    writer->partial_.clear();
  }
  return absl::UnavailableError(absl::StrCat(folder, " cannot be begun: others lock each folder that is made for it"));
}

absl::StatusOr<bool> FolderWriter::Lock() {
  descriptor_ = OpenFolder(partial_);
  if (descriptor_ < 0 && errno == ENOENT) return false;
  if (descriptor_ < 0) return Failed(partial_, "cannot be opened", errno);
  // Where there are no locks, nobody gets one and removes the folder.
  if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) return errno != EWOULDBLOCK;
  // A folder that was removed can still be locked.
  std::error_code unknown;
  return fs::symlink_status(partial_, unknown).type() != fs::file_type::not_found;
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
  if (syncfs(descriptor_) != 0) return Failed(partial_, "cannot be synced", errno);
  PROCTOR_RETURN_IF_ERROR(storage::LocalFileSystem().Rename(partial_, folder_));
  partial_.clear();
  return storage::LocalFileSystem().SyncDirectory(fs::path(folder_).parent_path().string());
}

absl::Status RemoveAbandonedFolders(const CallContext& context, const std::string& directory) {
  std::vector<std::string> partial;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    PROCTOR_RETURN_IF_ERROR(context.Check("unfinished folders"));
    std::error_code unknown;
    if (!IsPartial(entry->path().filename().native()) || entry->is_symlink(unknown) || !entry->is_directory(unknown)) continue;
    partial.push_back(entry->path().string());
    entry.disable_recursion_pending();
  }
  if (error == std::errc::no_such_file_or_directory) error.clear();
  for (const std::string& path : partial) {
    const int descriptor = OpenFolder(path);
    if (descriptor < 0) continue;
    std::error_code failure;
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
      fs::remove_all(path, failure);
      if (!failure) LogInfo("a folder that was never finished was removed", {{"folder", path}});
    }
    close(descriptor);
    if (failure) error = failure;
  }
  return error ? absl::UnavailableError(absl::StrCat("unfinished folders in ", directory, ": ", error.message())) : absl::OkStatus();
}

}  // namespace proctor::trajectory
