#include "server/rotating_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace proctor::server {
namespace {

absl::Status Failed(const std::string& what, int error) {
  const std::string message = absl::StrCat(what, ": ", std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return absl::ResourceExhaustedError(message);
  if (error == EACCES || error == EROFS || error == EPERM) return absl::PermissionDeniedError(message);
  return absl::UnavailableError(message);
}

}  // namespace

absl::StatusOr<std::unique_ptr<RotatingFile>> RotatingFile::Open(RotatingFileOptions options) {
  if (mkdir(options.directory.c_str(), 0700) != 0 && errno != EEXIST) return Failed(options.directory, errno);
  std::unique_ptr<RotatingFile> file(new RotatingFile(std::move(options)));
  PROCTOR_RETURN_IF_ERROR(file->OpenFile());
  return file;
}

RotatingFile::~RotatingFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::string RotatingFile::Path(int number) const {
  const std::string stem = absl::StrCat(options_.directory, "/", options_.name);
  return number == 0 ? stem + ".jsonl" : absl::StrCat(stem, ".", number, ".jsonl");
}

absl::Status RotatingFile::OpenFile() {
  descriptor_ = open(Path(0).c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor_ < 0) return Failed(Path(0), errno);
  struct stat status = {};
  fstat(descriptor_, &status);
  size_ = status.st_size;
  char last = '\n';
  in_line_ = size_ > 0 && pread(descriptor_, &last, 1, size_ - 1) == 1 && last != '\n';
  return absl::OkStatus();
}

absl::Status RotatingFile::Rotate() {
  close(std::exchange(descriptor_, -1));
  for (int number = options_.max_files - 1; number > 0; --number) {
    if (rename(Path(number - 1).c_str(), Path(number).c_str()) != 0 && errno != ENOENT) return Failed(Path(number), errno);
  }
  if (options_.max_files == 1) unlink(Path(0).c_str());
  return OpenFile();
}

absl::Status RotatingFile::WriteLine(std::string_view line) {
  if (descriptor_ < 0) PROCTOR_RETURN_IF_ERROR(OpenFile());
  const auto length = static_cast<int64_t>(line.size()) + 1;
  if (size_ > 0 && size_ + length > options_.max_bytes) PROCTOR_RETURN_IF_ERROR(Rotate());
  std::string bytes = in_line_ ? "\n" : "";
  bytes.append(line);
  bytes += '\n';
  for (size_t written = 0; written < bytes.size();) {
    const ssize_t count = write(descriptor_, bytes.data() + written, bytes.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      in_line_ = in_line_ || written > 0;
      return Failed(Path(0), errno);
    }
    written += static_cast<size_t>(count);
    size_ += count;
  }
  in_line_ = false;
  return absl::OkStatus();
}

}  // namespace proctor::server
