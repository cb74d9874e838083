#include "server/auth/audit_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::server {
namespace {

constexpr size_t kMaxFieldBytes = 256;
constexpr absl::Duration kBetweenComplaints = absl::Minutes(1);
// How often it is looked whether refusals that were left out are to be told of, while there are some.
constexpr absl::Duration kBetweenLooks = absl::Seconds(1);
// How long the first line waits for others: a thread that is woken for each costs a step more than its line does.
constexpr absl::Duration kGather = absl::Milliseconds(5);

void AppendField(std::string& line, std::string_view key, std::string_view value) {
  absl::StrAppend(&line, line.size() > 1 ? "," : "", "\"", ToAbsl(key), "\":\"");
  for (const char c : SanitizeUtf8(TruncateUtf8(value, kMaxFieldBytes))) {
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      absl::StrAppendFormat(&line, "\\u%04x", static_cast<int>(c));
    } else {
      line += c;
    }
  }
  line += '"';
}

std::string TimeText(absl::Time time) { return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone()); }

std::string Line(const AuditEntry& entry, absl::Time now) {
  std::string line = "{";
  AppendField(line, "time", TimeText(now));
  AppendField(line, "caller", entry.caller);
  AppendField(line, "tenant", entry.tenant);
  AppendField(line, "peer", entry.peer);
  AppendField(line, "method", entry.method);
  if (!entry.resource.empty()) AppendField(line, "resource", entry.resource);
  if (!entry.request_id.empty()) AppendField(line, "request_id", entry.request_id);
  AppendField(line, "status", absl::StatusCodeToString(entry.status));
  if (!entry.reason.empty()) AppendField(line, "reason", entry.reason);
  return line + "}\n";
}

std::string LeftOutLine(const RefusalLimiter::LeftOut& left_out, absl::Time now) {
  std::string line = "{";
  AppendField(line, "time", TimeText(now));
  AppendField(line, "caller", left_out.caller);
  AppendField(line, "tenant", left_out.tenant);
  return absl::StrCat(line, ",\"refusals_left_out\":", left_out.refusals, "}\n");
}

absl::Status SystemError(const std::string& path) {
  return absl::UnavailableError(absl::StrCat(path, ": ", std::strerror(errno)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(AuditLogOptions options, Clock& clock) {
  std::unique_ptr<AuditLog> log(new AuditLog(std::move(options), clock));
  PROCTOR_RETURN_IF_ERROR(log->OpenFile());
  log->writer_ = std::thread([log = log.get()] { log->Run(); });
  return log;
}

AuditLog::~AuditLog() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  if (writer_.joinable()) writer_.join();
  if (file_ >= 0) close(file_);
}

void AuditLog::Write(const AuditEntry& entry) {
  const std::string line = Line(entry, clock_.Now());
  MutexLock lock(mutex_);
  if (queue_.size() + line.size() > options_.max_queued_bytes) {
    ++lost_;
    ++lost_untold_;
    return;
  }
  queue_ += line;
  // The writer knows of the others.
  if (++queued_lines_ == 1) changed_.SignalAll();
}

void AuditLog::WriteRefusal(const AuditEntry& entry) {
  {
    MutexLock lock(mutex_);
    const bool told_of = refusals_.pending();
    if (!refusals_.Admit(entry.caller, entry.tenant, clock_.Now())) {
      if (!told_of) changed_.SignalAll();
      return;
    }
  }
  Write(entry);
}

void AuditLog::Flush() {
  MutexLock lock(mutex_);
  while (writing_ || !queue_.empty()) changed_.Wait(mutex_);
}

int64_t AuditLog::lost() const {
  MutexLock lock(mutex_);
  return lost_;
}

bool AuditLog::AwaitWork() {
  while (true) {
    QueueLeftOut();
    if (!queue_.empty()) return true;
    if (stopping_) return false;
    if (refusals_.pending()) {
      changed_.WaitFor(mutex_, kBetweenLooks);
    } else {
      changed_.Wait(mutex_);
    }
  }
}

void AuditLog::QueueLeftOut() {
  const absl::Time now = clock_.Now();
  for (const RefusalLimiter::LeftOut& left_out : refusals_.Take(now, /*everything=*/stopping_)) {
    // Beside a full queue too: there are few.
    queue_ += LeftOutLine(left_out, now);
    ++queued_lines_;
  }
}

void AuditLog::Run() {
  while (true) {
    std::string lines;
    int64_t count = 0;
    int64_t untold = 0;
    {
      MutexLock lock(mutex_);
      if (!AwaitWork()) return;
    }
    absl::SleepFor(kGather);
    {
      MutexLock lock(mutex_);
      lines.swap(queue_);
      count = std::exchange(queued_lines_, 0);
      untold = std::exchange(lost_untold_, 0);
      writing_ = true;
    }
    if (untold > 0) absl::StrAppend(&lines, "{\"time\":\"", TimeText(clock_.Now()), "\",\"lost\":", untold, "}\n");
    const absl::Status written = WriteOut(lines);
    if (!written.ok() && clock_.Now() - complained_ > kBetweenComplaints) {
      complained_ = clock_.Now();
      LogError("lines of the audit log were lost", {{"error", written.ToString()}});
    }
    MutexLock lock(mutex_);
    if (!written.ok()) {
      lost_ += count;
      lost_untold_ += count + untold;
    }
    writing_ = false;
    changed_.SignalAll();
  }
}

absl::Status AuditLog::OpenFile() {
  if (file_ >= 0) close(file_);
  file_ = open(options_.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  struct stat status;
  if (file_ < 0 || fstat(file_, &status) != 0 || fchmod(file_, 0600) != 0) return SystemError(options_.path);
  file_bytes_ = status.st_size;
  return absl::OkStatus();
}

absl::Status AuditLog::WriteOut(const std::string& lines) {
  if (file_ < 0) PROCTOR_RETURN_IF_ERROR(OpenFile());
  if (file_bytes_ > 0 && file_bytes_ + static_cast<int64_t>(lines.size()) > options_.max_file_bytes) {
    PROCTOR_RETURN_IF_ERROR(Rotate());
  }
  for (size_t done = 0; done < lines.size();) {
    const ssize_t written = write(file_, lines.data() + done, lines.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      absl::Status error = SystemError(options_.path);
      // Half a line would spoil the next one.
      if (done > 0 && ftruncate(file_, file_bytes_) != 0) LogError("half a line is in the audit log");
      return error;
    }
    done += static_cast<size_t>(written);
  }
  file_bytes_ += static_cast<int64_t>(lines.size());
  return absl::OkStatus();
}

absl::Status AuditLog::Rotate() {
  const auto name = [&](int age) { return age == 0 ? options_.path : absl::StrCat(options_.path, ".", age); };
  // The oldest goes; with one file only, that is this one.
  unlink(name(options_.max_files - 1).c_str());
  for (int age = options_.max_files - 2; age >= 0; --age) std::rename(name(age).c_str(), name(age + 1).c_str());
  return OpenFile();
}

}  // namespace proctor::server
