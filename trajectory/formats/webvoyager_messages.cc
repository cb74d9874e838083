#include "trajectory/formats/webvoyager_messages.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/json.h"
#include "common/strings.h"
#include "trajectory/formats/action_text.h"
#include "trajectory/formats/webvoyager_text.h"

namespace proctor::trajectory::formats {
namespace {

constexpr std::string_view kTaskBegin = "Now given a task:";
constexpr std::string_view kSiteBegin = "Please interact with ";
constexpr std::string_view kTaskEnd = " and get the answer.";
constexpr std::string_view kObservation = "Observation:";
// Of what the conversation no longer holds.
constexpr std::string_view kLeftOut = "(Omitted in context.)";
constexpr char kLeftOutText[] = "Observation: A screenshot and some texts. (Omitted in context.)";
constexpr char kActionError[] = "action_error";
constexpr std::string_view kAsk = "lease analyze the";  // "please" or "Please".

}  // namespace

std::optional<WebVoyagerTask> ReadWebVoyagerTask(std::string_view text) {
  text = Trim(text);
  if (!text.starts_with(kTaskBegin)) return std::nullopt;
  text.remove_prefix(kTaskBegin.size());
  const size_t first_site = text.find(kSiteBegin);
  if (first_site == text.npos) return std::nullopt;
  // Both have the space between them.
  const size_t end = text.find(kTaskEnd, first_site + kSiteBegin.size() - 1);
  if (end == text.npos) return std::nullopt;
  const size_t site = text.substr(0, end + 1).rfind(kSiteBegin);
  const size_t url = site + kSiteBegin.size();
  return WebVoyagerTask{
      .goal = std::string(Trim(text.substr(0, site))),
      .start_url = std::string(Trim(text.substr(url, std::max(end, url) - url))),
      .observation = Trim(text.substr(end + kTaskEnd.size()))};
}

std::string WriteWebVoyagerTask(const std::string& goal, const std::string& start_url) {
  return absl::StrCat(ToAbsl(kTaskBegin), " ", goal, "  ", ToAbsl(kSiteBegin), start_url,
                      ToAbsl(kTaskEnd), " \n");
}

bool ShowsPage(std::string_view text) { return Trim(text).starts_with(kObservation); }

void ReadShownPage(std::string_view text, const std::string& where, v1::Observation& observation,
                   Findings& findings) {
  text = Trim(text);
  text.remove_prefix(std::min(kObservation.size(), text.size()));
  const size_t ask = text.find(kAsk);
  if (ask == text.npos) {
    if (text.find(kLeftOut) == text.npos) {
      findings.Skip(where, "a text of another form than WebVoyager's");
    }
    return;
  }
  const std::string_view notice = Trim(text.substr(0, ask - std::min<size_t>(ask, 1)));
  if (!notice.empty()) observation.add_notices(std::string(notice));
  const size_t line_end = text.find('\n', ask);
  if (line_end == text.npos) return;
  const int unread = ReadElementList(text.substr(line_end + 1), *observation.mutable_elements());
  for (int i = 0; i < unread; ++i) {
    findings.Skip(where + " (an element)", "is not of the form [number]: <tag> \"text\", \"name\"");
  }
}

std::string WriteShownPage(const v1::Observation& observation) {
  if (observation.elements().empty() && observation.notices().empty()) return kLeftOutText;
  return absl::StrCat(
      ToAbsl(kObservation), absl::StrJoin(observation.notices(), "\n"),
      " please analyze the attached screenshot and give the Thought and Action. The "
      "elements' numbers, tags and texts:\n",
      WriteElementList(observation.elements()));
}

std::string ReadActionError(std::string_view text) {
  if (text.starts_with('{')) {
    const absl::StatusOr<Json> json = ParseJson(std::string(text));
    if (json.ok() && json->is_object() && json->size() == 1 && json->contains(kActionError) &&
        (*json)[kActionError].is_string()) {
      return (*json)[kActionError].get<std::string>();
    }
  }
  return std::string(text);
}

std::string WriteActionError(const std::string& error) {
  if (!ShowsPage(error) && ReadActionError(error) == error) return error;
  return DumpJson(Json{{kActionError, error}});
}

}  // namespace proctor::trajectory::formats
