// What has been asked about a site, to ask nothing twice and nothing on two sides.
#ifndef PROCTOR_PROPOSER_KNOWN_TASKS_H_
#define PROCTOR_PROPOSER_KNOWN_TASKS_H_

#include <optional>
#include <string>
#include <vector>

#include "proctor/v1/task.pb.h"
#include "proposer/text.h"

namespace proctor::proposer {

// Goals with their sides, compared without case and punctuation. Finding costs a comparison with each.
class KnownTasks {
 public:
  // A goal that is known and how alike it is to another, 0 to 1.
  struct Nearest {
    std::string goal;
    v1::Split split = v1::SPLIT_UNSPECIFIED;
    double similarity = 0;
  };

  void Add(const std::string& goal, v1::Split split);
  // Nothing if no goal is known. The same wording is 1; else see MinHash.
  std::optional<Nearest> Find(const std::string& goal) const;

 private:
  struct Known {
    std::string goal;
    std::string words;
    MinHash hash;
    v1::Split split;
  };
  std::vector<Known> known_;
};

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_KNOWN_TASKS_H_
