// What reading a foreign file finds out.
#ifndef PROCTOR_TRAJECTORY_FORMATS_FINDINGS_H_
#define PROCTOR_TRAJECTORY_FORMATS_FINDINGS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "trajectory/formats/skip_list.h"

namespace proctor::trajectory::formats {

// The first thing that is wrong stays; readers go on with defaults and look at `status` where it
// matters.
class Findings {
 public:
  // `file`: its name, for messages.
  explicit Findings(std::string file) : file_(std::move(file)) {}

  // "<file>: <where> <what>", INVALID_ARGUMENT.
  void Fail(std::string_view where, std::string_view what);
  // An error of its own, with the file and `where` before it.
  void Fail(std::string_view where, const absl::Status& status);
  // Something that is not taken over. Indices in `item` are left out, so that equal things are
  // counted together.
  void Skip(std::string_view item, std::string_view reason);

  bool ok() const { return status_.ok(); }
  const absl::Status& status() const { return status_; }
  const SkipList& skips() const { return skips_; }

 private:
  const std::string file_;
  absl::Status status_;
  SkipList skips_;
};

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_FINDINGS_H_
