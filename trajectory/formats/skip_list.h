// What an import or export leaves out, for its report.
#ifndef PROCTOR_TRAJECTORY_FORMATS_SKIP_LIST_H_
#define PROCTOR_TRAJECTORY_FORMATS_SKIP_LIST_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "google/protobuf/repeated_ptr_field.h"
#include "proctor/v1/trajectory_service.pb.h"

namespace proctor::trajectory::formats {

// Holds the first 1,000 different items and counts all.
class SkipList {
 public:
  // The same again is counted up.
  void Add(std::string_view file, std::string_view item, std::string_view reason);
  // Adds those of `other`, with `file` in place of theirs.
  void AddAll(const SkipList& other, std::string_view file);

  const std::vector<v1::SkippedItem>& items() const { return items_; }
  // The sum of all counts, of those that were not kept, too.
  int64_t total() const { return total_; }
  // Appends the items.
  void CopyTo(google::protobuf::RepeatedPtrField<v1::SkippedItem>& items) const;

 private:
  void Count(std::string_view file, std::string_view item, std::string_view reason, int64_t count);

  std::vector<v1::SkippedItem> items_;
  std::map<std::tuple<std::string, std::string, std::string>, size_t> places_;
  int64_t total_ = 0;
};

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_SKIP_LIST_H_
