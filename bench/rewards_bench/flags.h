// Options of one measurement, written --name=value.
#ifndef PROCTOR_BENCH_REWARDS_BENCH_FLAGS_H_
#define PROCTOR_BENCH_REWARDS_BENCH_FLAGS_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"

namespace proctor::bench {

class Flags {
 public:
  explicit Flags(std::map<std::string, std::string> values) : values_(std::move(values)) {}

  std::string Text(const std::string& name) const {
    const auto it = values_.find(name);
    return it == values_.end() ? "" : it->second;
  }
  // `otherwise` too where it is no number.
  int64_t Number(const std::string& name, int64_t otherwise) const {
    int64_t value = 0;
    return absl::SimpleAtoi(Text(name), &value) ? value : otherwise;
  }

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace proctor::bench

#endif  // PROCTOR_BENCH_REWARDS_BENCH_FLAGS_H_
