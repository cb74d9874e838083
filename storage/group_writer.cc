#include "storage/group_writer.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/status.h"

namespace proctor::storage {

GroupWriter::GroupWriter(std::unique_ptr<SqliteConnection> connection, int max_batch, CommitObserver* observer)
    : connection_(std::move(connection)),
      max_batch_(static_cast<size_t>(std::clamp(max_batch, 1, 10'000))),
      observer_(observer),
      thread_([this] { Run(); }) {}

GroupWriter::~GroupWriter() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    work_ready_.SignalAll();
  }
  thread_.join();
}

absl::Status GroupWriter::Write(const CallContext& context, const Work& work) {
  PROCTOR_RETURN_IF_ERROR(context.Check("database write"));
  Request request{.context = context, .work = work, .status = absl::OkStatus()};
  MutexLock lock(mutex_);
  queue_.push_back(&request);
  work_ready_.Signal();
  const auto done = [&request] { return request.done; };
  absl::Status waited =
      AwaitWithContext(context, mutex_, request.settled, done, "database write");
  if (waited.ok()) return request.status;
  if (!request.taken) {
    queue_.erase(std::find(queue_.begin(), queue_.end(), &request));
    return waited;
  }
  // Begun: what it wrote may become durable, so the caller must learn what came of it.
  while (!request.done) request.settled.Wait(mutex_);
  return request.status;
}

void GroupWriter::Run() {
  pthread_setname_np(pthread_self(), "db-writer");
  Batch batch;
  while (true) {
    batch.clear();
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) work_ready_.Wait(mutex_);
      if (queue_.empty()) return;
      while (!queue_.empty() && batch.size() < max_batch_) {
        queue_.front()->taken = true;
        batch.push_back(queue_.front());
        queue_.pop_front();
      }
    }
    for (size_t first = 0; first < batch.size();) {
      const auto begin = std::chrono::steady_clock::now();
      absl::Status status;
      const size_t settled = RunTransaction(batch, first, status);
      if (observer_ != nullptr) {
        const auto written = std::count_if(batch.begin() + static_cast<std::ptrdiff_t>(first),
                                           batch.begin() + static_cast<std::ptrdiff_t>(first + settled),
                                           [](const Request* request) { return request->status.ok(); });
        observer_->Committed(static_cast<int>(written), absl::FromChrono(std::chrono::steady_clock::now() - begin), status);
      }
      Finish(batch, first, first + settled);
      first += settled;
    }
  }
}

size_t GroupWriter::RunTransaction(const Batch& batch, size_t first, absl::Status& status) {
  status = connection_->ExecuteScript("BEGIN IMMEDIATE");
  if (!status.ok()) {
    for (size_t i = first; i < batch.size(); ++i) batch[i]->status = status;
    return batch.size() - first;
  }
  size_t end = first;
  while (end < batch.size() && connection_->InTransaction()) {
    status = RunOne(*batch[end]);
    batch[end]->status = status;
    ++end;
  }
  // After some failures (disk full, I/O error) SQLite rolls the whole transaction back by itself.
  const bool rolled_back = !connection_->InTransaction();
  if (!rolled_back) {
    status = connection_->ExecuteScript("COMMIT");
    if (status.ok()) return end - first;
    if (connection_->InTransaction()) {
      // A failure here leaves nothing to undo: the next BEGIN fails and says so.
      connection_->ExecuteScript("ROLLBACK").IgnoreError();
    }
  }
  if (status.ok()) status = absl::InternalError("a write function ended the transaction");
  for (size_t i = first; i < end; ++i) {
    if (batch[i]->status.ok()) batch[i]->status = status;
  }
  return end - first;
}

absl::Status GroupWriter::RunOne(Request& request) {
  PROCTOR_RETURN_IF_ERROR(request.context.Check("database write"));
  PROCTOR_RETURN_IF_ERROR(connection_->Execute("SAVEPOINT one", {}).status());
  absl::Status status = request.work(*connection_);
  if (!connection_->InTransaction()) return status;
  if (!status.ok()) {
    PROCTOR_RETURN_IF_ERROR(connection_->Execute("ROLLBACK TO one", {}).status());
  }
  PROCTOR_RETURN_IF_ERROR(connection_->Execute("RELEASE one", {}).status());
  return status;
}

void GroupWriter::Finish(const Batch& batch, size_t first, size_t end) {
  MutexLock lock(mutex_);
  for (size_t i = first; i < end; ++i) {
    batch[i]->done = true;
    // With the lock held: its owner may leave, and take it along, as soon as it is free.
    batch[i]->settled.Signal();
  }
}

}  // namespace proctor::storage
