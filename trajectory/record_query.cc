#include "trajectory/record_query.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/proto_time.h"

namespace proctor::trajectory {
namespace {

// Conditions joined by AND; only parameters carry what a client sent.
class Conditions {
 public:
  std::string Parameter(storage::Value value) {
    parameters_.push_back(std::move(value));
    return absl::StrCat("$", parameters_.size());
  }
  void Add(std::string condition) { conditions_.push_back(std::move(condition)); }
  void Equals(const char* column, const std::string& value) {
    if (!value.empty()) Add(absl::StrCat(column, " = ", Parameter(value)));
  }
  void OneOf(const char* column, std::vector<storage::Value> values) {
    if (values.empty()) return;
    std::vector<std::string> names;
    for (storage::Value& value : values) names.push_back(Parameter(std::move(value)));
    Add(absl::StrCat(column, " IN (", absl::StrJoin(names, ", "), ")"));
  }
  std::string Where() const {
    return conditions_.empty() ? "" : absl::StrCat(" WHERE ", absl::StrJoin(conditions_, " AND "));
  }
  std::vector<storage::Value> TakeParameters() { return std::move(parameters_); }

 private:
  std::vector<std::string> conditions_;
  std::vector<storage::Value> parameters_;
};

}  // namespace

RecordQuery MakeRecordQuery(const v1::TrajectoryFilter& filter,
                            const std::optional<PageToken>& from, int limit) {
  Conditions conditions;
  conditions.OneOf("environment", {filter.environments().begin(), filter.environments().end()});
  conditions.Equals("task", filter.task());
  conditions.Equals("policy", filter.policy());
  conditions.Equals("policy_version", filter.policy_version());
  conditions.Equals("group_name", filter.group());
  std::vector<storage::Value> kinds;
  for (const int kind : filter.end_kinds()) kinds.emplace_back(int64_t{kind});
  conditions.OneOf("end_kind", std::move(kinds));
  std::vector<storage::Value> splits;
  for (const int split : filter.splits()) {
    splits.emplace_back(int64_t{split});
    // Unset is TRAIN (task.proto).
    if (split == v1::SPLIT_TRAIN) splits.emplace_back(int64_t{v1::SPLIT_UNSPECIFIED});
  }
  conditions.OneOf("split", std::move(splits));
  // Not by the index of `closed`: nearly all are closed, and headers may be too large to be sorted.
  if (filter.closed_only()) conditions.Add("+closed = 1");
  if (filter.has_start_time_from()) {
    conditions.Add(absl::StrCat("start_time >= ", conditions.Parameter(absl::ToUnixMicros(
                                                      FromProto(filter.start_time_from())))));
  }
  if (filter.has_start_time_until()) {
    conditions.Add(absl::StrCat("start_time < ", conditions.Parameter(absl::ToUnixMicros(
                                                     FromProto(filter.start_time_until())))));
  }
  if (from.has_value()) {
    const std::string time = conditions.Parameter(from->start_time_micros);
    conditions.Add(absl::StrCat("(start_time < ", time, " OR (start_time = ", time, " AND id < ",
                                conditions.Parameter(from->id), "))"));
  }
  const std::string count = conditions.Parameter(int64_t{limit});
  RecordQuery query;
  query.sql = absl::StrCat("SELECT id, start_time, header, step_count FROM trajectory_records",
                           conditions.Where(), " ORDER BY start_time DESC, id DESC LIMIT ", count);
  query.parameters = conditions.TakeParameters();
  return query;
}

}  // namespace proctor::trajectory
