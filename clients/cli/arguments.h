// What a command line said, checked against its command.
#ifndef PROCTOR_CLIENTS_CLI_ARGUMENTS_H_
#define PROCTOR_CLIENTS_CLI_ARGUMENTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace proctor::cli {

// Values were checked while parsing: the getters cannot fail.
class Arguments {
 public:
  bool Has(const std::string& flag) const { return flags_.contains(flag); }
  std::string Text(const std::string& flag, const std::string& otherwise = "") const;
  std::vector<std::string> Texts(const std::string& flag) const;
  int64_t Integer(const std::string& flag, int64_t otherwise = 0) const;
  absl::Duration Duration(const std::string& flag, absl::Duration otherwise) const;
  // Of a repeated flag of kind kPair.
  std::map<std::string, std::string> Pairs(const std::string& flag) const;

  // The words that are no flags. An optional one that was left out is "".
  std::string Word(size_t index) const { return index < words_.size() ? words_[index] : ""; }
  const std::vector<std::string>& words() const { return words_; }

  void AddFlag(const std::string& name, std::string value) {
    flags_[name].push_back(std::move(value));
  }
  void AddWord(std::string word) { words_.push_back(std::move(word)); }

 private:
  std::map<std::string, std::vector<std::string>> flags_;
  std::vector<std::string> words_;
};

}  // namespace proctor::cli

#endif  // PROCTOR_CLIENTS_CLI_ARGUMENTS_H_
