#include "env/web/download_watch.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/log.h"
#include "common/status.h"
#include "common/thread.h"

namespace proctor::env::web {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kPause = absl::Seconds(1);

// What comes and goes meanwhile is no error.
std::vector<fs::path> EntriesOf(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) entries.push_back(it->path());
  return entries;
}

}  // namespace

absl::StatusOr<std::unique_ptr<DownloadWatch>> DownloadWatch::Start(std::string root, int64_t most_bytes, Cancel cancel) {
  std::unique_ptr<DownloadWatch> watch(new DownloadWatch(std::move(root), most_bytes, std::move(cancel)));
  PROCTOR_ASSIGN_OR_RETURN(watch->thread_, StartThread([raw = watch.get()] { raw->Run(); }));
  return watch;
}

DownloadWatch::DownloadWatch(std::string root, int64_t most_bytes, Cancel cancel)
    : root_(std::move(root)), most_bytes_(most_bytes), cancel_(std::move(cancel)) {}

DownloadWatch::~DownloadWatch() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

void DownloadWatch::Run() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (!stopped_) changed_.WaitFor(mutex_, kPause);
      if (stopped_) return;
    }
    Look();
  }
}

void DownloadWatch::Look() {
  for (const fs::path& folder : EntriesOf(root_)) LookAt(folder.filename().string());
}

void DownloadWatch::LookAt(const std::string& context_id) {
  const std::vector<fs::path> files = EntriesOf(fs::path(root_) / context_id);
  int64_t bytes = 0;
  for (const fs::path& file : files) {
    std::error_code gone;
    const uintmax_t size = fs::file_size(file, gone);
    if (!gone) bytes += static_cast<int64_t>(size);
  }
  if (bytes <= most_bytes_) return;
  LogWarning("a page's downloads are more than a session may have: they are cancelled", {{"bytes", absl::StrCat(bytes)}});
  for (const fs::path& file : files) {
    // While it grows it has an ending of its own.
    cancel_(context_id, file.stem().string());
    std::error_code ignored;
    fs::remove(file, ignored);
  }
}

}  // namespace proctor::env::web
