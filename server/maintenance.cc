#include "server/maintenance.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/backup.h"
#include "server/stop_signals.h"

namespace proctor::server {
namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kInUse = 3;
constexpr int kBarWidth = 30;

// One line on a terminal, redrawn at most ten times a second.
class ProgressBar {
 public:
  ~ProgressBar() {
    if (drawn_) std::fputs("\r\033[K", stderr);
  }

  void Draw(const std::string& phase, int64_t done, int64_t all) {
    if (!terminal_ || (absl::Now() < next_ && done != all)) return;
    next_ = absl::Now() + absl::Milliseconds(100);
    drawn_ = true;
    if (all <= 0) {
      std::fprintf(stderr, "\r\033[K%s%s", phase.c_str(), done > 0 ? absl::StrCat(" ", done).c_str() : "");
      return;
    }
    const int filled = static_cast<int>(kBarWidth * done / all);
    std::fprintf(stderr, "\r\033[K%s [%s%s] %lld of %lld", phase.c_str(), std::string(filled, '#').c_str(),
                 std::string(kBarWidth - filled, ' ').c_str(), static_cast<long long>(done), static_cast<long long>(all));
  }

 private:
  const bool terminal_ = isatty(STDERR_FILENO) != 0;
  bool drawn_ = false;
  absl::Time next_ = absl::InfinitePast();
};

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "proctord: %s\n", std::string(status.message()).c_str());
  const bool in_use = absl::IsFailedPrecondition(status) && status.message().find("is in use by process") != absl::string_view::npos;
  if (in_use) return kInUse;
  return absl::IsDataLoss(status) ? kExitDamaged : kFailed;
}

void Print(const char* heading, const std::vector<std::string>& lines) {
  for (const std::string& line : lines) std::printf("%-9s %s\n", heading, line.c_str());
}

}  // namespace

int RunFsck(const std::string& directory, FsckMode mode) {
  absl::StatusOr<FsckReport> report = absl::UnknownError("");
  {
    ProgressBar bar;
    const CallContext context;
    const StopSignals signals("the check", context.cancel());
    report = Fsck(context, directory, mode,
                  [&bar](const std::string& phase, int64_t done, int64_t all) { bar.Draw(phase, done, all); });
  }
  if (!report.ok()) return Fail(report.status());
  Print("damage", report->damage);
  Print("repaired", report->repaired);
  Print("leftover", report->leftovers);
  std::printf("%s: %lld trajectories with %lld steps, %lld episodes, %lld rewards, %lld blobs of %lld bytes: %s\n", directory.c_str(),
              static_cast<long long>(report->records), static_cast<long long>(report->steps), static_cast<long long>(report->episodes),
              static_cast<long long>(report->rewards), static_cast<long long>(report->blobs), static_cast<long long>(report->blob_bytes),
              report->damage.empty() ? "sound" : "DAMAGED");
  return report->damage.empty() ? kDone : kExitDamaged;
}

int RunBackup(const std::string& directory, const std::string& target) {
  absl::StatusOr<BackupResult> result = absl::UnknownError("");
  {
    ProgressBar bar;
    const CallContext context;
    const StopSignals signals("the backup", context.cancel());
    result = Backup(context, directory, target, [&bar](int64_t done, int64_t all) { bar.Draw("blobs", done, all); });
  }
  if (!result.ok()) return Fail(result.status());
  std::printf("%s: database and %lld blobs copied, %lld bytes; check it with proctord --fsck --data-dir %s\n", target.c_str(),
              static_cast<long long>(result->blobs), static_cast<long long>(result->bytes), target.c_str());
  // As fsck says it.
  for (const std::string& digest : result->lost) {
    std::printf("%-9s blob %s is missing, or cannot be read, and needed: the copy lacks it too\n", "damage", digest.c_str());
  }
  return result->lost.empty() ? kDone : kExitDamaged;
}

}  // namespace proctor::server
