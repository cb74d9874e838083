// Looks after the folders that pages' downloads land in.
#ifndef PROCTOR_ENV_WEB_DOWNLOAD_WATCH_H_
#define PROCTOR_ENV_WEB_DOWNLOAD_WATCH_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "common/mutex.h"

namespace proctor::env::web {

// The browser tells of a download by events, which have their own limits; of one whose frame is gone when it begins it tells nobody. What lies
// there says it all. Thread-safe.
class DownloadWatch {
 public:
  // Looks every second at each folder of `root`: one a context, with its name, and downloads by theirs. Where one has more than `most_bytes`, all
  // that it has is cancelled and deleted: `cancel` is called for each, on the watch's thread. RESOURCE_EXHAUSTED: no thread is to be had.
  using Cancel = std::function<void(const std::string& context_id, const std::string& guid)>;
  static absl::StatusOr<std::unique_ptr<DownloadWatch>> Start(std::string root, int64_t most_bytes, Cancel cancel);
  ~DownloadWatch();

 private:
  DownloadWatch(std::string root, int64_t most_bytes, Cancel cancel);
  void Run();
  void Look();

  const std::string root_;
  const int64_t most_bytes_;
  const Cancel cancel_;
  Mutex mutex_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_DOWNLOAD_WATCH_H_
