#include "proposer/crawled_tasks.h"

#include "common/json.h"

namespace proctor::proposer {
namespace {

constexpr double kNearDuplicate = 0.8;

// Empty where there is no such text: anybody may have written the lineage.
std::string TextOf(const Json& parameters, const char* name) {
  if (!parameters.is_object()) return "";
  const auto found = parameters.find(name);
  return found != parameters.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

void CrawledTasks::Add(const v1::Task& task) {
  if (task.lineage().source() != kCrawlSource) return;
  for (const std::string& page : task.lineage().pages()) split_of_page_.emplace(page, task.split());
  const auto parameters = ParseJson(task.lineage().parameters_json());
  if (!parameters.ok()) return;
  const std::string answer = Folded(TextOf(*parameters, "answer"));
  if (!answer.empty()) split_of_answer_.emplace(answer, task.split());
  const std::string gist = TextOf(*parameters, "gist");
  if (!gist.empty()) hashes_[task.kind()].emplace_back(gist);
}

std::optional<v1::Split> CrawledTasks::SideOfAnswer(std::string_view answer) const {
  const auto side = split_of_answer_.find(Folded(answer));
  if (side == split_of_answer_.end()) return std::nullopt;
  return side->second;
}

std::optional<v1::Split> CrawledTasks::SideOfPage(const std::string& url) const {
  const auto side = split_of_page_.find(url);
  if (side == split_of_page_.end()) return std::nullopt;
  return side->second;
}

bool CrawledTasks::HasNearDuplicate(const std::string& kind, std::string_view gist) const {
  const auto known = hashes_.find(kind);
  if (known == hashes_.end()) return false;
  const MinHash hash(gist);
  for (const MinHash& other : known->second) {
    if (hash.Similarity(other) >= kNearDuplicate) return true;
  }
  return false;
}

}  // namespace proctor::proposer
