#include "server/state_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/ids.h"
#include "common/open_files.h"
#include "common/proto_time.h"
#include "common/strings.h"

namespace proctor::server {
namespace {

constexpr absl::Duration kReadCap = absl::Seconds(2);
// Consumers that are told of one by one: their names are clients' to choose.
constexpr size_t kMaxConsumers = 100;
// Looks for the oldest record that a consumer wants: each passes 10,000 offsets at most.
constexpr int kMaxLooks = 20;
// So long after a browser could not be started no sessions are to be sent here; then somebody has to try again.
constexpr absl::Duration kBrowserFailureTold = absl::Minutes(1);
// Of the files that may be open. Beyond it, what has begun is to be ended rather than more begun.
constexpr double kMostOpenFiles = 0.9;
// What is tried to be written.
constexpr off_t kProbeBytes = 64 << 10;

int64_t FileSize(const std::string& path) {
  struct stat status = {};
  return stat(path.c_str(), &status) == 0 ? status.st_size : 0;
}

std::string WithoutPrefix(const std::string& name, const std::string& prefix) {
  return absl::AsciiStrToLower(name.starts_with(prefix) ? name.substr(prefix.size()) : name);
}

absl::Time CreateTime(const v1::RewardRecord& record) {
  return FromProto(record.has_reward() ? record.reward().create_time() : record.group_complete().group().complete_time());
}

// The age of the oldest record that the consumer wants and has not acknowledged; zero if there is none. Nothing if it is too far to look for, below
// the log's floor, or there is no time: the lag in records tells.
std::optional<absl::Duration> AgeOfOldestWanted(const CallContext& context, reward::RewardLog& log, const v1::Consumer& consumer) {
  v1::ConsumerFilter filter = consumer.filter();
  filter.clear_include_payload();
  int64_t after = consumer.committed_offset();
  for (int look = 0; look < kMaxLooks && after < consumer.end_offset(); ++look) {
    const auto batch = log.Read(context, after, filter, {.max_records = 1});
    if (!batch.ok()) return std::nullopt;
    if (!batch->records.empty()) return std::max(absl::ZeroDuration(), absl::Now() - CreateTime(batch->records[0]));
    after = batch->next_after_offset;
  }
  if (after < consumer.end_offset()) return std::nullopt;
  return absl::ZeroDuration();
}

}  // namespace

absl::Status CheckWritable(const std::string& directory) {
  const int file = open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
    // No nameless files on this file system.
    return access(directory.c_str(), W_OK) == 0 ? absl::OkStatus()
                                                : absl::PermissionDeniedError(absl::StrCat(directory, ": ", std::strerror(errno)));
  }
  if (file < 0) return absl::UnavailableError(absl::StrCat(directory, ": ", std::strerror(errno)));
  const int error = posix_fallocate(file, 0, kProbeBytes);
  close(file);
  if (error == 0 || error == EOPNOTSUPP) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(directory, ": ", std::strerror(error)));
}

StateReader::StateReader(Parts parts) : parts_(std::move(parts)), rewards_(parts_.rewards, parts_.archive.unreadable()) {}

void StateReader::SetDraining() {
  MutexLock lock(mutex_);
  draining_ = true;
}

void StateReader::SetBlobs(const BlobSize& blobs) {
  MutexLock lock(mutex_);
  blobs_ = blobs;
}

void StateReader::AddRecompression(const trajectory::RecompressResult& result) {
  MutexLock lock(mutex_);
  recompression_.looked_at += result.looked_at;
  recompression_.replaced += result.replaced;
  recompression_.failed += result.failed;
  recompression_.saved_bytes += result.bytes_before - result.bytes_after;
}

std::vector<std::string> StateReader::FindNotReady() const {
  std::vector<std::string> reasons;
  {
    MutexLock lock(mutex_);
    if (draining_) reasons.push_back("the server is shutting down");
  }
  if (const absl::Status writable = CheckWritable(parts_.data_dir); !writable.ok()) {
    reasons.push_back(absl::StrCat("the data directory cannot be written: ", writable.message()));
  }
  if (const OpenFiles files = ReadOpenFiles(); static_cast<double>(files.open) > kMostOpenFiles * static_cast<double>(files.limit)) {
    reasons.push_back(absl::StrCat(files.open, " of ", files.limit, " files that may be open are open, connections included"));
  }
  const auto browsers = parts_.worlds.browsers();
  // Before then: the clock was set back.
  const absl::Duration since = browsers ? absl::Now() - browsers->failing_since : absl::InfiniteDuration();
  if (since >= absl::ZeroDuration() && since < kBrowserFailureTold) {
    reasons.push_back("a browser could not be started within the last minute; see the log");
  }
  return reasons;
}

ServerState StateReader::Read() {
  const CallContext context = CallContext::WithTimeout(kReadCap);
  ServerState state;
  state.not_ready = FindNotReady();
  state.sessions = parts_.sessions.Usage();
  state.browsers = parts_.worlds.browsers();
  for (const MeteredPool* pool : parts_.pools) state.pools.push_back(pool->Usage());
  state.pools.push_back(parts_.jobs.usage());
  state.episodes_pending = parts_.pipeline.pending();
  const RewardCounts::Counted rewards = rewards_.Update(context);
  state.rewards = rewards.rewards;
  state.reward_log_end = rewards.end;
  state.reward_log_floor = rewards.floor;
  ReadConsumers(context, state);
  if (parts_.tracer != nullptr) state.dropped_spans = parts_.tracer->dropped();
  state.refusals = parts_.guard.refusals();
  state.quota_refusals = parts_.guard.parts().quotas.refusals();
  state.quota_uses = parts_.guard.parts().quotas.Uses();
  state.reload_failures = parts_.reloads.failures();
  state.certificate_expiry = parts_.reloads.certificate_expiry();
  state.audit_lines_lost = parts_.guard.parts().audit.lost();
  state.unreadable_records = parts_.archive.unreadable().count();
  state.store.database_bytes = FileSize(parts_.data_dir + "/proctor.db");
  state.store.log_bytes = FileSize(parts_.data_dir + "/proctor.db-wal");
  struct statvfs disk = {};
  if (statvfs(parts_.data_dir.c_str(), &disk) == 0) {
    state.store.free_bytes = static_cast<int64_t>(disk.f_bavail) * static_cast<int64_t>(disk.f_frsize);
  }
  MutexLock lock(mutex_);
  state.blobs = blobs_;
  state.recompression = recompression_;
  return state;
}

void StateReader::ReadConsumers(const CallContext& context, ServerState& state) {
  const auto consumers = parts_.consumers.List(context);
  if (!consumers.ok()) return;
  state.consumer_count = static_cast<int64_t>(consumers->size());
  for (const v1::Consumer& consumer : *consumers) {
    if (state.consumers.size() == kMaxConsumers) break;
    ConsumerLag& lag = state.consumers.emplace_back();
    lag.consumer = WithoutPrefix(consumer.name(), "consumers/");
    lag.connected = consumer.connected();
    lag.records = std::max<int64_t>(0, consumer.end_offset() - consumer.committed_offset());
    if (lag.records > 0) {
      lag.age = AgeOfOldestWanted(context, parts_.rewards, consumer);
    }
  }
}

}  // namespace proctor::server
