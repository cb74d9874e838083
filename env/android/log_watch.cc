#include "env/android/log_watch.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/ids.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::env::android {
namespace {

constexpr char kTag[] = "ProctorEpisode";
// Android's log buffers hold some megabytes.
constexpr size_t kMaxLogBytes = size_t{64} << 20;

}  // namespace

std::vector<std::string> LinesAfter(std::string_view text, std::string_view marker, bool& found) {
  std::vector<std::string> lines;
  found = false;
  for (absl::string_view line : absl::StrSplit(ToAbsl(text), '\n', absl::SkipEmpty())) {
    absl::ConsumeSuffix(&line, "\r");
    if (absl::StrContains(line, kTag) && absl::StrContains(line, ToAbsl(marker))) {
      lines.clear();
      found = true;
    } else if (!absl::StartsWith(line, "--------- ")) {
      lines.push_back(SanitizeUtf8(ToStd(line)));
    }
  }
  return lines;
}

absl::Status LogWatch::Begin(const CallContext& context) {
  marker_ = absl::StrCat("start-", RandomHex(8));
  return device_.Run(context, absl::StrCat("log -p i -t ", kTag, " ", marker_)).status();
}

absl::StatusOr<std::string> LogWatch::Read(const CallContext& context, const std::vector<std::string>& filters, const char* buffers) {
  std::string command = absl::StrCat("logcat -d -v tag", buffers);
  bool all = filters.empty();
  for (const std::string& filter : filters) {
    absl::StrAppend(&command, " ", ShellQuote(filter));
    all |= absl::StartsWith(filter, "*:");
  }
  if (!filters.empty()) absl::StrAppend(&command, " ", kTag, ":I", all ? "" : " '*:S'");
  PROCTOR_ASSIGN_OR_RETURN(ShellResult result, device_.Shell(context, command, kMaxLogBytes));
  if (result.exit_code == 0) return std::move(result.output);
  return absl::FailedPreconditionError(absl::StrCat("logcat: ", SanitizeUtf8(TruncateUtf8(result.errors, 200))));
}

absl::StatusOr<std::vector<std::string>> LogWatch::Lines(const CallContext& context, const std::vector<std::string>& filters) {
  PROCTOR_ASSIGN_OR_RETURN(const std::string output, Read(context, filters, ""));
  bool found = false;
  std::vector<std::string> lines = LinesAfter(output, marker_, found);
  // What is left may be older: the log is of several buffers, and only one of them held the mark.
  if (!found) return absl::NotFoundError("the log no longer holds the episode's start");
  return lines;
}

absl::StatusOr<std::vector<std::string>> LogWatch::LinesLeft(const CallContext& context, const std::vector<std::string>& filters) {
  absl::StatusOr<std::vector<std::string>> lines = Lines(context, filters);
  if (!absl::IsNotFound(lines.status())) return lines;
  // `log` writes there.
  PROCTOR_ASSIGN_OR_RETURN(const std::string output, Read(context, filters, " -b main"));
  bool found = false;
  return LinesAfter(output, marker_, found);
}

}  // namespace proctor::env::android
