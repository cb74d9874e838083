// What crawls have asked about a site, to ask nothing twice and nothing on two sides.
#ifndef PROCTOR_PROPOSER_CRAWLED_TASKS_H_
#define PROCTOR_PROPOSER_CRAWLED_TASKS_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proctor/v1/task.pb.h"
#include "proposer/text.h"

namespace proctor::proposer {

// `Lineage.source` of tasks that a crawl gave.
inline constexpr char kCrawlSource[] = "crawl";

// Answers, pages and gists of tasks with their sides, about a kilobyte a task. Whatever is known first stays. Not thread-safe.
class CrawledTasks {
 public:
  // Adds the task's answer, pages and gist as its lineage tells them; what cannot be read is left out, and so is a task of
  // another source.
  void Add(const v1::Task& task);

  // Nothing: not known. Answers are compared folded.
  std::optional<v1::Split> SideOfAnswer(std::string_view answer) const;
  // By canonical URL.
  std::optional<v1::Split> SideOfPage(const std::string& url) const;
  // A task of the same kind has a gist this much alike. Costs a comparison with each of them.
  bool HasNearDuplicate(const std::string& kind, std::string_view gist) const;

 private:
  std::map<std::string, v1::Split> split_of_answer_;
  std::map<std::string, v1::Split> split_of_page_;
  std::map<std::string, std::vector<MinHash>> hashes_;
};

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_CRAWLED_TASKS_H_
