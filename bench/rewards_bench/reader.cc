#include "bench/rewards_bench/reader.h"

#include "absl/time/clock.h"
#include "common/call_context.h"

namespace proctor::bench {
namespace {

// Records that may be under way to a consumer.
constexpr int kCredits = 1000;

}  // namespace

Reader::Reader(reward::SubscriptionHub& hub, const std::string& consumer, const DueTimes* due) : due_(due) {
  stream_ = hub.Open(consumer, [shared = shared_] {
    MutexLock lock(shared->mutex);
    shared->ready = true;
    shared->changed.SignalAll();
  });
  stream_->AddCredits(kCredits);
  thread_ = std::thread([this] { Run(); });
}

Reader::~Reader() { Stop(); }

void Reader::Stop() {
  if (!thread_.joinable()) return;
  {
    MutexLock lock(shared_->mutex);
    shared_->stopping = true;
    shared_->changed.SignalAll();
  }
  thread_.join();
  stream_->Close();
}

absl::Status Reader::AwaitOffset(int64_t offset, absl::Duration patience) {
  MutexLock lock(shared_->mutex);
  const absl::Status waited = AwaitWithContext(
      CallContext::WithTimeout(patience), shared_->mutex, shared_->changed,
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return shared_->offset >= offset || !shared_->status.ok(); }, "a consumer");
  return shared_->status.ok() ? waited : shared_->status;
}

void Reader::Run() {
  for (;;) {
    {
      MutexLock lock(shared_->mutex);
      while (!shared_->ready && !shared_->stopping) shared_->changed.Wait(shared_->mutex);
      if (shared_->stopping) return;
      shared_->ready = false;
    }
    if (!TakeAll()) return;
  }
}

bool Reader::TakeAll() {
  while (const auto response = stream_->Next()) {
    if (response->records().empty()) continue;
    const int64_t now = absl::GetCurrentTimeNanos();
    for (const v1::RewardRecord& record : response->records()) {
      if (due_ == nullptr) continue;
      const int64_t due = (*due_)[static_cast<size_t>(record.reward().value())];
      latencies_ms_.push_back(static_cast<float>(now - due) / 1e6f);
    }
    const int64_t offset = response->records().rbegin()->offset();
    stream_->AddCredits(response->records_size());
    stream_->Ack(offset);
    MutexLock lock(shared_->mutex);
    shared_->offset = offset;
    shared_->changed.SignalAll();
  }
  const auto ended = stream_->ended();
  if (!ended) return true;
  MutexLock lock(shared_->mutex);
  shared_->status = ended->ok() ? absl::UnavailableError("the stream ended") : *ended;
  shared_->changed.SignalAll();
  return false;
}

}  // namespace proctor::bench
