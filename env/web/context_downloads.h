// What the pages of one browser context download.
#ifndef PROCTOR_ENV_WEB_CONTEXT_DOWNLOADS_H_
#define PROCTOR_ENV_WEB_CONTEXT_DOWNLOADS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/call_context.h"
#include "common/mutex.h"
#include "env/web/devtools.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::env::web {

// A download with its bytes (empty if it was refused).
struct FinishedDownload {
  v1::Download download;
  std::string bytes;
};

// Thread-safe.
class ContextDownloads {
 public:
  // At once; since the last Take those count that have ended, too.
  static constexpr size_t kMost = 50;

  // The browser writes each to `directory` (empty: it refuses all), its guid the name. None is larger than `max_bytes`; what one Take
  // returns is not larger than 64 MiB together, or than `max_bytes` if that is more.
  ContextDownloads(std::string directory, int64_t max_bytes) : directory_(std::move(directory)), max_bytes_(max_bytes) {}
  // Deletes the directory. The browser writes there no longer.
  ~ContextDownloads();

  // By Browser.downloadWillBegin of a frame of the context. False: one too many, which is to be cancelled.
  bool Begin(const Json& params);
  // By Browser.downloadProgress of any frame. False: too large, to be cancelled.
  bool Progress(const Json& params);

  bool InProgress() const;
  // Waits (within `context`) for those in progress, then returns those that ended since the last call.
  std::vector<FinishedDownload> Take(const CallContext& context);

 private:
  struct State {
    v1::Download download;
    bool done = false;
    bool readable = false;
  };

  bool InProgressLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t most_together() const;
  // At most `most` bytes; else an error in `download`.
  std::string Read(const std::string& guid, int64_t most, v1::Download& download) const;

  const std::string directory_;
  const int64_t max_bytes_;
  mutable Mutex mutex_;
  CondVar changed_;
  // By guid.
  std::map<std::string, State> downloads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_CONTEXT_DOWNLOADS_H_
