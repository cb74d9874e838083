#include "evaluator/csv.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/strings.h"

namespace proctor::evaluator {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

char SeparatorOf(std::string_view text) {
  size_t commas = 0, semicolons = 0, tabs = 0;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n') break;
    commas += c == ',';
    semicolons += c == ';';
    tabs += c == '\t';
  }
  if (semicolons > commas && semicolons >= tabs) return ';';
  return tabs > commas ? '\t' : ',';
}

class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text), separator_(SeparatorOf(text)) {}

  absl::StatusOr<Json> Read() {
    while (at_ < text_.size()) {
      Json row = Json::array();
      bool more = true;
      while (more) {
        std::string cell;
        const absl::Status read = ReadCell(cell);
        if (!read.ok()) return read;
        row.push_back(std::move(cell));
        more = TakeSeparator();
      }
      TakeLineEnd();
      rows_.push_back(std::move(row));
    }
    return std::move(rows_);
  }

 private:
  absl::Status Error(std::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat("row ", rows_.size() + 1, ": ", ToAbsl(what)));
  }
  bool AtLineEnd() const {
    return at_ >= text_.size() || text_[at_] == '\n' ||
           (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n');
  }
  void TakeLineEnd() {
    if (at_ < text_.size() && text_[at_] == '\r') ++at_;
    if (at_ < text_.size()) ++at_;
  }
  bool TakeSeparator() {
    if (at_ >= text_.size() || text_[at_] != separator_) return false;
    ++at_;
    return true;
  }

  // Reads up to the separator, the line's end or the text's.
  absl::Status ReadCell(std::string& cell) {
    if (at_ < text_.size() && text_[at_] == '"') return ReadQuoted(cell);
    for (; !AtLineEnd() && text_[at_] != separator_; ++at_) {
      if (text_[at_] == '"') return Error("a quote inside a cell that does not begin with one");
      cell += text_[at_];
    }
    return absl::OkStatus();
  }

  absl::Status ReadQuoted(std::string& cell) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] != '"') {
        cell += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        cell += '"';
        ++at_;
      } else {
        ++at_;
        if (!AtLineEnd() && text_[at_] != separator_) return Error("text after a closing quote");
        return absl::OkStatus();
      }
    }
    return Error("a quote that is not closed");
  }

  std::string_view text_;
  char separator_;
  size_t at_ = 0;
  Json rows_ = Json::array();
};

}  // namespace

absl::StatusOr<std::string> CsvToJson(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const absl::StatusOr<Json> rows = CsvReader(text).Read();
  if (!rows.ok()) return rows.status();
  return DumpJson(*rows);
}

}  // namespace proctor::evaluator
