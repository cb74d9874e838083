// Which areas of a site tasks are about already, in words for a model.
#ifndef PROCTOR_PROPOSER_COVERAGE_H_
#define PROCTOR_PROPOSER_COVERAGE_H_

#include <map>
#include <string>
#include <vector>

namespace proctor::proposer {

// Grows with every task. Texts are bounded, whatever was added, and follow from what was added in which order.
class Coverage {
 public:
  // `area` may be empty: then it is known by its kind alone.
  void Add(const std::string& area, const std::string& kind, const std::string& goal);
  // A goal that was dropped, and why.
  void AddRefused(const std::string& goal, const std::string& reason);

  int tasks() const { return tasks_; }

  // "search: 3 (find_information 2, interact 1)", a line an area, those with the fewest tasks first; at most 60. Empty:
  // there is none.
  std::string Areas() const;
  // The newest 40 goals, a line each, the oldest of them first. Empty: there is none.
  std::string Goals() const;
  // The newest 20 that were dropped, each with its reason.
  std::string Refused() const;

 private:
  struct Area {
    // As it was first written.
    std::string name;
    int tasks = 0;
    std::map<std::string, int> kinds;
  };
  // By folded name.
  std::map<std::string, Area> areas_;
  std::vector<std::string> goals_;
  std::vector<std::string> refused_;
  int tasks_ = 0;
};

}  // namespace proctor::proposer

#endif  // PROCTOR_PROPOSER_COVERAGE_H_
