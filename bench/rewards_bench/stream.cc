#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bench/rewards_bench/measurements.h"
#include "bench/rewards_bench/reader.h"
#include "bench/rewards_bench/room.h"

namespace proctor::bench {
namespace {

// More than any run appends.
constexpr size_t kMostRewards = 2'000'000;
constexpr absl::Duration kPatience = absl::Seconds(60);

struct Load {
  int appenders = 16;
  int64_t rate = 0;
  absl::Duration duration;
};

// Numbers, paces and appends rewards on several threads.
class Appenders {
 public:
  Appenders(Room& room, const Load& load, DueTimes& due) : room_(room), load_(load), due_(due) {}

  absl::Status Run() {
    begin_ = absl::Now();
    std::vector<std::thread> threads;
    for (int i = 0; i < load_.appenders; ++i) threads.emplace_back([this] { AppendUntilOver(); });
    for (std::thread& thread : threads) thread.join();
    MutexLock lock(mutex_);
    return status_;
  }
  absl::Time begin() const { return begin_; }

 private:
  void AppendUntilOver() {
    for (;;) {
      const int64_t number = next_++;
      absl::Time due = absl::Now();
      if (load_.rate > 0) due = begin_ + absl::Seconds(static_cast<double>(number) / load_.rate);
      if (due - begin_ >= load_.duration || static_cast<size_t>(number) >= due_.size()) return;
      absl::SleepFor(due - absl::Now());
      due_[number] = absl::ToUnixNanos(due);
      const absl::Status status = room_.log().Append(CallContext(), NumberedReward(number)).status();
      if (status.ok()) continue;
      MutexLock lock(mutex_);
      status_.Update(status);
      return;
    }
  }

  Room& room_;
  const Load load_;
  DueTimes& due_;
  absl::Time begin_;
  std::atomic<int64_t> next_ = 0;
  Mutex mutex_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

void AddLatencies(std::vector<float> ms, Json& figures) {
  std::sort(ms.begin(), ms.end());
  const auto at = [&](double share) {
    return ms.empty() ? 0.0 : static_cast<double>(ms[std::min(ms.size() - 1, static_cast<size_t>(share * ms.size()))]);
  };
  figures["p50_ms"] = at(0.5);
  figures["p99_ms"] = at(0.99);
  figures["max_ms"] = at(1);
}

absl::StatusOr<Json> MeasureStream(const Flags& flags) {
  PROCTOR_ASSIGN_OR_RETURN(const auto room, Room::Open(flags.Text("directory"), storage::Durability::kPower));
  DueTimes due(kMostRewards);
  std::vector<std::unique_ptr<Reader>> readers;
  for (int64_t i = 0; i < flags.Number("consumers", 1); ++i) {
    const std::string name = absl::StrCat("consumers/c", i);
    PROCTOR_RETURN_IF_ERROR(room->MakeConsumer(name));
    readers.push_back(std::make_unique<Reader>(room->hub(), name, &due));
  }
  std::vector<std::shared_ptr<reward::Subscription>> stalled;
  for (int64_t i = 0; i < flags.Number("stalled", 0); ++i) {
    const std::string name = absl::StrCat("consumers/stalled", i);
    PROCTOR_RETURN_IF_ERROR(room->MakeConsumer(name));
    stalled.push_back(room->hub().Open(name, [] {}));
    stalled.back()->AddCredits(1000);
  }
  const Load load{.appenders = static_cast<int>(flags.Number("appenders", 16)),
                  .rate = flags.Number("rate", 0),
                  .duration = absl::Seconds(flags.Number("seconds", 3))};
  Appenders appenders(*room, load, due);
  PROCTOR_RETURN_IF_ERROR(appenders.Run());
  const absl::Time appended = absl::Now();
  const int64_t end = room->log().end_offset();
  for (const auto& reader : readers) PROCTOR_RETURN_IF_ERROR(reader->AwaitOffset(end, kPatience));
  const absl::Time delivered = absl::Now();
  std::vector<float> latencies;
  for (const auto& reader : readers) {
    reader->Stop();
    latencies.insert(latencies.end(), reader->latencies_ms().begin(), reader->latencies_ms().end());
  }
  if (static_cast<int64_t>(latencies.size()) != end * static_cast<int64_t>(readers.size())) {
    return absl::InternalError(absl::StrCat(latencies.size(), " of ", end * readers.size(), " records were delivered"));
  }
  for (const auto& stream : stalled) stream->Close();
  Json figures = {{"appended_per_s", static_cast<double>(end) / absl::ToDoubleSeconds(appended - appenders.begin())},
                  {"delivered_per_s", static_cast<double>(latencies.size()) / absl::ToDoubleSeconds(delivered - appenders.begin())}};
  AddLatencies(std::move(latencies), figures);
  return figures;
}

}  // namespace proctor::bench
