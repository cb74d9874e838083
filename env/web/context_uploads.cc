#include "env/web/context_uploads.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "common/ids.h"

namespace proctor::env::web {
namespace {

constexpr size_t kMostBytes = size_t{256} << 20;
// What the smallest file counts: 1,024 of them are the most.
constexpr size_t kLeastCounted = size_t{256} << 10;

}  // namespace

ContextUploads::~ContextUploads() {
  std::error_code error;
  std::filesystem::remove_all(directory_, error);
}

absl::StatusOr<std::string> ContextUploads::Store(const std::string& file_name, const std::string& bytes) {
  const std::string key = absl::StrCat(Sha256Hex(bytes), "/", file_name);
  size_t number = 0;
  {
    MutexLock lock(mutex_);
    if (const auto known = paths_.find(key); known != paths_.end()) return known->second;
    const size_t counted = std::max(bytes.size(), kLeastCounted);
    if (counted > kMostBytes - bytes_) {
      return absl::InvalidArgumentError(absl::StrCat("the files given to this episode's pages are larger than ", kMostBytes,
                                                     " bytes together, each counted as ", kLeastCounted, " at least"));
    }
    bytes_ += counted;
    number = ++count_;
  }
  // Each in a directory of its own: the page sees the file's name.
  const std::string directory = absl::StrCat(directory_, "/", number);
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  for (const std::string& path : {directory_, directory}) chmod(path.c_str(), 0755);
  std::string path = absl::StrCat(directory, "/", file_name);
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (error || !file || chmod(path.c_str(), 0444) != 0) return absl::InternalError("cannot store an upload");
  MutexLock lock(mutex_);
  paths_.emplace(key, path);
  return path;
}

}  // namespace proctor::env::web
