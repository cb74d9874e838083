#include "env/web/context_downloads.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/ids.h"
#include "common/strings.h"

namespace proctor::env::web {
namespace {

// All that a step carries are in memory at once. One that may be larger by itself may be as large alone.
constexpr int64_t kMaxTogether = int64_t{64} << 20;

bool IsGuid(const std::string& text) {
  return !text.empty() && text.size() <= 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return isalnum(static_cast<unsigned char>(c)) || c == '-'; });
}

std::string TextOf(const Json& params, const char* key, size_t most) {
  return std::string(TruncateUtf8(SanitizeUtf8(JsonStringOr(params, key)), most));
}

}  // namespace

ContextDownloads::~ContextDownloads() {
  std::error_code error;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, error);
}

int64_t ContextDownloads::most_together() const { return std::max(max_bytes_, kMaxTogether); }

bool ContextDownloads::Begin(const Json& params) {
  const std::string guid = JsonStringOr(params, "guid");
  if (!IsGuid(guid)) return true;
  State state;
  state.download.set_file_name(TextOf(params, "suggestedFilename", 255));
  state.download.set_url(TextOf(params, "url", 2048));
  MutexLock lock(mutex_);
  if (downloads_.size() >= kMost) return false;
  downloads_[guid] = std::move(state);
  return true;
}

bool ContextDownloads::Progress(const Json& params) {
  const std::string progress = JsonStringOr(params, "state");
  const int64_t received = std::max<int64_t>(0, JsonIntegerOr(params, "receivedBytes"));
  MutexLock lock(mutex_);
  const auto found = downloads_.find(JsonStringOr(params, "guid"));
  if (found == downloads_.end() || found->second.done) return true;
  State& state = found->second;
  state.download.set_size_bytes(received);
  int64_t all = 0;
  for (const auto& [guid, other] : downloads_) {
    if (other.download.error().empty()) all += other.download.size_bytes();
  }
  bool fits = true;
  if (std::max(received, JsonIntegerOr(params, "totalBytes")) > max_bytes_) {
    state.download.set_error(absl::StrCat("larger than ", max_bytes_, " bytes"));
    fits = false;
  } else if (all > most_together()) {
    state.download.set_error(absl::StrCat("with the others of this step larger than ", most_together(), " bytes"));
    fits = false;
  } else if (progress == "completed") {
    state.readable = true;
  } else if (progress == "canceled") {
    state.download.set_error("cancelled by the server or the browser");
  }
  state.done = !fits || progress == "completed" || progress == "canceled";
  changed_.SignalAll();
  return fits;
}

bool ContextDownloads::InProgressLocked() const {
  for (const auto& [guid, state] : downloads_) {
    if (!state.done) return true;
  }
  return false;
}

bool ContextDownloads::InProgress() const {
  MutexLock lock(mutex_);
  return InProgressLocked();
}

std::string ContextDownloads::Read(const std::string& guid, int64_t most, v1::Download& download) const {
  // The browser wrote there: what lies there may be anything but an honest file, in a folder that may have become a link.
  const int folder = open(directory_.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  const int fd = folder < 0 ? -1 : openat(folder, guid.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  struct stat info = {};
  std::string bytes;
  const bool honest = fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1;
  if (honest && info.st_size <= most) {
    bytes.resize(static_cast<size_t>(info.st_size));
    size_t got = 0;
    for (ssize_t n; got < bytes.size() && (n = read(fd, bytes.data() + got, bytes.size() - got)) > 0;) {
      got += static_cast<size_t>(n);
    }
    bytes.resize(got);
    download.set_size_bytes(static_cast<int64_t>(got));
    download.set_digest(Sha256Hex(bytes));
  } else {
    download.set_error("could not be read");
  }
  if (fd >= 0) close(fd);
  if (folder >= 0) {
    unlinkat(folder, guid.c_str(), 0);
    close(folder);
  }
  return bytes;
}

std::vector<FinishedDownload> ContextDownloads::Take(const CallContext& context) {
  std::vector<std::pair<std::string, State>> ended;
  {
    MutexLock lock(mutex_);
    const absl::Status waited = AwaitWithContext(
        context, mutex_, changed_, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !InProgressLocked(); }, "downloads");
    (void)waited;
    for (auto it = downloads_.begin(); it != downloads_.end();) {
      if (it->second.done) {
        ended.emplace_back(it->first, std::move(it->second));
        it = downloads_.erase(it);
      } else {
        ++it;
      }
    }
  }
  std::vector<FinishedDownload> finished;
  // Whatever the browser said of their sizes.
  int64_t left = most_together();
  for (auto& [guid, state] : ended) {
    FinishedDownload item;
    item.download = std::move(state.download);
    if (state.readable) item.bytes = Read(guid, std::min(max_bytes_, left), item.download);
    left -= static_cast<int64_t>(item.bytes.size());
    finished.push_back(std::move(item));
  }
  return finished;
}

}  // namespace proctor::env::web
