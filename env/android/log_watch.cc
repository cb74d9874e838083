#include "env/android/log_watch.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/ids.h"
#include "common/status.h"
#include "common/strings.h"
#include "re2/re2.h"

namespace proctor::env::android {
namespace {

constexpr char kTag[] = "ProctorEpisode";

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
  PROCTOR_ASSIGN_OR_RETURN(const std::string time,
                           device_.Run(context, absl::StrCat("date '+%m-%d %H:%M:%S.000' && log -p i -t ", kTag, " ", marker_)));
  since_ = std::string(absl::StripAsciiWhitespace(time));
  static const re2::RE2* const kTime = new re2::RE2("\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.000");
  if (!re2::RE2::FullMatch(since_, *kTime)) return absl::DataLossError("the device's `date` prints no time");
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> LogWatch::Lines(const CallContext& context, const std::vector<std::string>& filters) {
  std::string command = "logcat -d -v tag";
  std::string tail;
  bool all = filters.empty();
  for (const std::string& filter : filters) {
    absl::StrAppend(&tail, " ", ShellQuote(filter));
    all |= absl::StartsWith(filter, "*:");
  }
  if (!filters.empty()) absl::StrAppend(&tail, " ", kTag, ":I", all ? "" : " '*:S'");
  bool found = false;
  PROCTOR_ASSIGN_OR_RETURN(std::string text, device_.Run(context, absl::StrCat(command, " -T ", ShellQuote(since_), tail)));
  std::vector<std::string> lines = LinesAfter(text, marker_, found);
  if (found) return lines;
  // The clock was set back since, or the log is so full that the start is lost: then everything that is left came since.
  PROCTOR_ASSIGN_OR_RETURN(text, device_.Run(context, absl::StrCat(command, tail)));
  return LinesAfter(text, marker_, found);
}

}  // namespace proctor::env::android
