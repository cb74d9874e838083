// Who did what: one line of JSON for each call that changed something and for each refusal, as long as there are not too many of these
// (RefusalLimiter): {"time":"...","caller":"","tenant":"","refusals_left_out":250} tells of the others.
//
//   {"time":"2026-01-31T12:00:00.123Z","caller":"trainer-1","tenant":"lab","peer":"ipv4:10.0.0.7:4711",
//    "method":"/proctor.v1.EnvironmentService/CloseSession","resource":"sessions/...","request_id":"...","status":"OK"}
//
// Nobody who calls waits for the disk: lines go through a bounded queue to a thread of their own. Loss policy: when the queue is full,
// or the disk is, lines are dropped and counted, and the next line that can be written says how many ({"lost":12}). After kill -9 what
// was queued (some milliseconds: lines are gathered, so that one write takes several) is lost; after a power cut what the kernel had not written (seconds): there is no fsync a line.
#ifndef PROCTOR_SERVER_AUTH_AUDIT_LOG_H_
#define PROCTOR_SERVER_AUTH_AUDIT_LOG_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "server/auth/refusal_limiter.h"

namespace proctor::server {

struct AuditEntry {
  std::string_view caller = "";
  std::string_view tenant = "";
  std::string_view peer = "";
  // "/proctor.v1.EnvironmentService/Act" of a stream is followed by the verb: ".../Act:start_episode".
  std::string_view method = "";
  // What it was about, as the request names it or, for what is made, the answer.
  std::string_view resource = "";
  std::string_view request_id = "";
  absl::StatusCode status = absl::StatusCode::kOk;
  // Why it was refused at the door.
  std::string_view reason = "";
};

struct AuditLogOptions {
  // audit.log, then audit.log.1 (older), ...; mode 0600.
  std::string path = "";
  int64_t max_file_bytes = 64 << 20;
  // The newest included.
  int max_files = 8;
  // Of lines that are not written yet.
  size_t max_queued_bytes = 8 << 20;
};

// Thread-safe.
class AuditLog {
 public:
  // Goes on where the last run stopped. UNAVAILABLE: the file cannot be written. `clock` outlives the log.
  static absl::StatusOr<std::unique_ptr<AuditLog>> Open(AuditLogOptions options, Clock& clock);
  // Writes what is queued.
  ~AuditLog();

  // Queues a line; never blocks on the disk. Fields are cut to 256 bytes; what is no UTF-8 is replaced.
  void Write(const AuditEntry& entry);
  // The same for a call that was refused at the door; it may be left out and counted.
  void WriteRefusal(const AuditEntry& entry);

  // Waits until everything queued before is written or lost.
  void Flush();
  // Lines dropped so far.
  int64_t lost() const;

 private:
  AuditLog(AuditLogOptions options, Clock& clock) : options_(std::move(options)), clock_(clock) {}
  void Run();
  // Waits for something to write. False: there is nothing any more.
  bool AwaitWork() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Queues what the limiter left out and is to be told.
  void QueueLeftOut() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status OpenFile();
  absl::Status WriteOut(const std::string& lines);
  absl::Status Rotate();

  const AuditLogOptions options_;
  Clock& clock_;
  // The writer's own.
  int file_ = -1;
  int64_t file_bytes_ = 0;
  absl::Time complained_ = absl::InfinitePast();

  mutable Mutex mutex_;
  CondVar changed_;
  std::string queue_ ABSL_GUARDED_BY(mutex_);
  int64_t queued_lines_ ABSL_GUARDED_BY(mutex_) = 0;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  RefusalLimiter refusals_ ABSL_GUARDED_BY(mutex_);
  int64_t lost_ ABSL_GUARDED_BY(mutex_) = 0;
  // Of these, those that no line tells of yet.
  int64_t lost_untold_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread writer_;
};

}  // namespace proctor::server

#endif  // PROCTOR_SERVER_AUTH_AUDIT_LOG_H_
