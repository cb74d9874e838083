#include "env/web/download_watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/log.h"
#include "common/status.h"
#include "common/thread.h"

namespace proctor::env::web {
namespace {

constexpr absl::Duration kPause = absl::Seconds(1);

// A folder by its descriptor. The browser writes there: what lies there may be anything, and become something else, but an honest file.
class Folder {
 public:
  // `parent` -1: `name` is a path.
  Folder(int parent, const std::string& name)
      : descriptor_(openat(parent < 0 ? AT_FDCWD : parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) {}
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int descriptor() const { return descriptor_; }

  // What comes and goes meanwhile is no error.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    const int own = openat(descriptor_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* const listing = own < 0 ? nullptr : fdopendir(own);
    if (listing == nullptr && own >= 0) close(own);
    if (listing == nullptr) return names;
    while (const dirent* const entry = readdir(listing)) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
    }
    closedir(listing);
    return names;
  }

  // Of a regular file; 0 for anything else.
  int64_t Bytes(const std::string& name) const {
    struct stat info = {};
    return fstatat(descriptor_, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) ? info.st_size : 0;
  }

  void Remove(const std::string& name) const { unlinkat(descriptor_, name.c_str(), 0); }

 private:
  const int descriptor_;
};

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
  const Folder root(-1, root_);
  for (const std::string& context_id : root.Names()) {
    const Folder folder(root.descriptor(), context_id);
    const std::vector<std::string> files = folder.Names();
    int64_t bytes = 0;
    for (const std::string& file : files) bytes += folder.Bytes(file);
    if (bytes <= most_bytes_) continue;
    LogWarning("a page's downloads are more than a session may have: they are cancelled", {{"bytes", absl::StrCat(bytes)}});
    for (const std::string& file : files) {
      // While it grows it has an ending of its own.
      cancel_(context_id, file.substr(0, file.find('.')));
      folder.Remove(file);
    }
  }
}

}  // namespace proctor::env::web
