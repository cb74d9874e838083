#include "evaluator/sql_shape.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"

namespace proctor::evaluator {
namespace {

absl::Status Error(std::string_view what) { return absl::InvalidArgumentError(absl::StrCat("SQL: ", ToAbsl(what))); }

bool IsWordCharacter(char c) { return absl::ascii_isalnum(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }

// Walks over the text word by word.
class Scanner {
 public:
  explicit Scanner(std::string_view sql) : sql_(sql) {}

  absl::Status Check() {
    while (at_ < sql_.size()) {
      const char c = sql_[at_];
      if (ended_ && !absl::ascii_isspace(c) && !AtComment()) return Error("write one statement; something follows the ';'");
      absl::Status taken = TakeOne(c);
      if (!taken.ok()) return taken;
    }
    if (!first_.empty() && !selects_) return Error("WITH must go on with a SELECT");
    return first_.empty() ? Error("write a SELECT") : absl::OkStatus();
  }

 private:
  bool AtComment() const { return sql_.substr(at_, 2) == "--" || sql_.substr(at_, 2) == "/*"; }

  absl::Status TakeOne(char c) {
    if (AtComment()) return TakeComment();
    if (IsWordCharacter(c)) return TakeWord();
    if (absl::ascii_isspace(c)) {
      ++at_;
      return absl::OkStatus();
    }
    if (first_.empty()) return Error("write a SELECT");
    if (c == '\'' || c == '"' || c == '`' || c == '[')
      return SkipTo(c == '[' ? "]" : std::string_view(&sql_[at_], 1), "a quote is not closed");
    if (c == '(') ++depth_;
    if (c == ')') --depth_;
    if (c == ';') ended_ = true;
    ++at_;
    return absl::OkStatus();
  }

  absl::Status TakeComment() {
    if (sql_[at_] == '/') {
      ++at_;
      return SkipTo("*/", "a comment is not closed");
    }
    const size_t end = sql_.find('\n', at_);
    at_ = end == sql_.npos ? sql_.size() : end;
    return absl::OkStatus();
  }

  // Over what begins here, to behind the next `close`. A doubled quote reads as two quoted texts, which ends at the same place.
  absl::Status SkipTo(std::string_view close, std::string_view problem) {
    const size_t end = sql_.find(close, at_ + 1);
    if (end == sql_.npos) return Error(problem);
    at_ = end + close.size();
    return absl::OkStatus();
  }

  absl::Status TakeWord() {
    const size_t begin = at_;
    while (at_ < sql_.size() && IsWordCharacter(sql_[at_])) ++at_;
    const std::string word = absl::AsciiStrToUpper(ToAbsl(sql_.substr(begin, at_ - begin)));
    if (first_.empty()) {
      first_ = word;
      selects_ = word == "SELECT";
      if (!selects_ && word != "WITH") return Error(absl::StrCat("write a SELECT, not ", word.substr(0, 40)));
    } else if (!selects_ && depth_ == 0) {
      for (const char* other : {"INSERT", "UPDATE", "DELETE", "REPLACE", "VALUES"}) {
        if (word == other) return Error("WITH must go on with a SELECT");
      }
      selects_ = word == "SELECT";
    }
    return absl::OkStatus();
  }

  std::string_view sql_;
  size_t at_ = 0;
  int64_t depth_ = 0;
  bool ended_ = false;
  bool selects_ = false;
  std::string first_;
};

}  // namespace

absl::Status ValidateOneSelect(std::string_view sql) { return Scanner(sql).Check(); }

}  // namespace proctor::evaluator
