#include "evaluator/ini.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/strings.h"

namespace proctor::evaluator {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string Trimmed(std::string_view text) { return std::string(absl::StripAsciiWhitespace(ToAbsl(text))); }

absl::Status Error(int line, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", ToAbsl(what)));
}

}  // namespace

absl::StatusOr<std::string> IniToJson(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Json file = Json::object();
  std::string section;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    const std::string line = Trimmed(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.empty() || line[0] == ';' || line[0] == '#') continue;
    if (line[0] == '[') {
      if (line.back() != ']') return Error(number, "a section's name ends with ']'");
      section = Trimmed(std::string_view(line).substr(1, line.size() - 2));
      if (file.find(section) == file.end()) file[section] = Json::object();
      continue;
    }
    const size_t equals = line.find('=');
    if (equals == line.npos) return Error(number, "neither [section] nor key = value");
    const std::string key = Trimmed(line.substr(0, equals));
    if (key.empty()) return Error(number, "no key before '='");
    file[section][key] = Trimmed(line.substr(equals + 1));
  }
  return DumpJson(file);
}

}  // namespace proctor::evaluator
