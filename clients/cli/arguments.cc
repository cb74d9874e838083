#include "clients/cli/arguments.h"

#include "absl/strings/numbers.h"

namespace proctor::cli {

std::string Arguments::Text(const std::string& flag, const std::string& otherwise) const {
  const auto it = flags_.find(flag);
  return it == flags_.end() ? otherwise : it->second.back();
}

std::vector<std::string> Arguments::Texts(const std::string& flag) const {
  const auto it = flags_.find(flag);
  return it == flags_.end() ? std::vector<std::string>() : it->second;
}

int64_t Arguments::Integer(const std::string& flag, int64_t otherwise) const {
  int64_t value = otherwise;
  return absl::SimpleAtoi(Text(flag), &value) ? value : otherwise;
}

absl::Duration Arguments::Duration(const std::string& flag, absl::Duration otherwise) const {
  absl::Duration value;
  return absl::ParseDuration(Text(flag), &value) ? value : otherwise;
}

std::map<std::string, std::string> Arguments::Pairs(const std::string& flag) const {
  std::map<std::string, std::string> pairs;
  for (const std::string& text : Texts(flag)) {
    const size_t equals = text.find('=');
    pairs[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return pairs;
}

}  // namespace proctor::cli
