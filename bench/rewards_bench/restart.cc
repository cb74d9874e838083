#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bench/rewards_bench/measurements.h"
#include "bench/rewards_bench/reader.h"
#include "bench/rewards_bench/room.h"

namespace proctor::bench {
namespace {

constexpr char kConsumer[] = "consumers/behind";
constexpr int64_t kRewardsPerCommit = 5000;
constexpr absl::Duration kPatience = absl::Minutes(2);

// MiB of this process, by the name of the kernel's field.
double OwnMiB(const std::string& field) {
  std::ifstream file("/proc/self/status");
  for (std::string name; file >> name;) {
    double kib = 0;
    if (name == field + ":" && file >> kib) return kib / 1024;
  }
  return 0;
}

}  // namespace

absl::StatusOr<Json> Fill(const Flags& flags) {
  PROCTOR_ASSIGN_OR_RETURN(const auto room, Room::Open(flags.Text("directory"), storage::Durability::kProcess));
  PROCTOR_RETURN_IF_ERROR(room->MakeConsumer(kConsumer));
  const int64_t records = flags.Number("records", 1'000'000);
  for (int64_t number = 0; number < records;) {
    PROCTOR_RETURN_IF_ERROR(room->database().Write(CallContext(), [&](storage::Transaction& transaction) -> absl::Status {
      for (int64_t i = 0; i < kRewardsPerCommit && number < records; ++i) {
        PROCTOR_RETURN_IF_ERROR(room->log().AppendWithin(transaction, NumberedReward(number++)).status());
      }
      return absl::OkStatus();
    }));
  }
  return Json{{"records", records}};
}

absl::StatusOr<Json> MeasureRestart(const Flags& flags) {
  const double before_mib = OwnMiB("VmRSS");
  const absl::Time begin = absl::Now();
  PROCTOR_ASSIGN_OR_RETURN(const auto room, Room::Open(flags.Text("directory"), storage::Durability::kPower));
  const absl::Time opened = absl::Now();
  Reader reader(room->hub(), kConsumer, nullptr);
  PROCTOR_RETURN_IF_ERROR(reader.AwaitOffset(1, kPatience));
  const absl::Time first = absl::Now();
  return Json{{"open_ms", absl::ToDoubleMilliseconds(opened - begin)},
              {"first_record_ms", absl::ToDoubleMilliseconds(first - begin)},
              {"mib_added", OwnMiB("VmRSS") - before_mib}};
}

}  // namespace proctor::bench
