#include "clients/cli/export_summary.h"

#include <algorithm>
#include <cstdint>
#include <map>

#include "absl/strings/str_cat.h"
#include "clients/cli/text.h"
#include "proctor/v1/trajectory_service.pb.h"

namespace proctor::cli {
namespace {

constexpr int64_t kShown = 3;
// No export is that large: the sums fit whatever a server says.
constexpr int64_t kMost = int64_t{1} << 60;

}  // namespace

std::string LeftOutLine(const v1::Job& job) {
  v1::ExportTrajectoriesResult result;
  if (!job.result().UnpackTo(&result) || result.failed().empty()) return "";
  const int64_t exported = std::clamp<int64_t>(result.exported(), 0, kMost);
  // The result names the first ones only.
  const int64_t left_out = std::max<int64_t>(result.failed_size(), std::clamp<int64_t>(job.total(), 0, kMost) - exported);
  std::string line = absl::StrCat(left_out, " of ", left_out + exported, " trajectories left out:");
  int64_t shown = 0;
  for (const auto& [name, reason] : std::map<std::string, std::string>(result.failed().begin(), result.failed().end())) {
    if (shown == kShown) break;
    absl::StrAppend(&line, shown++ == 0 ? " " : "; ", OneLine(name), " (", OneLine(reason), ")");
  }
  if (left_out > shown) absl::StrAppend(&line, "; and ", left_out - shown, " more");
  return line;
}

}  // namespace proctor::cli
