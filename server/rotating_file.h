// Lines in a file that is put aside when it has grown.
#ifndef PROCTOR_SERVER_ROTATING_FILE_H_
#define PROCTOR_SERVER_ROTATING_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace proctor::server {

struct RotatingFileOptions {
  // Made (mode 0700) if it is missing; its parent exists.
  std::string directory;
  // "traces": the file is traces.jsonl, those before it traces.1.jsonl (the newest), traces.2.jsonl, ...
  std::string name;
  // A line that would make the file larger begins the next one.
  int64_t max_bytes = 64 << 20;
  // Kept, the one being written included; at least 1.
  int max_files = 4;
};

// Not thread-safe.
class RotatingFile {
 public:
  // Goes on with the file that is there. PERMISSION_DENIED: it cannot be made or written.
  static absl::StatusOr<std::unique_ptr<RotatingFile>> Open(RotatingFileOptions options);
  ~RotatingFile();

  // Appends a line and its end. UNAVAILABLE, RESOURCE_EXHAUSTED (disk full): nothing of it, or a part, is there; a part is ended by
  // the next line's beginning on a line of its own.
  absl::Status WriteLine(std::string_view line);

 private:
  explicit RotatingFile(RotatingFileOptions options) : options_(std::move(options)) {}

  std::string Path(int number) const;
  absl::Status OpenFile();
  absl::Status Rotate();

  const RotatingFileOptions options_;
  int descriptor_ = -1;
  int64_t size_ = 0;
  // The last write broke off within a line.
  bool in_line_ = false;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_ROTATING_FILE_H_
