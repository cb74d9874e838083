#include "env/web/json_slices.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/strings.h"

namespace proctor::env::web {
namespace {

// The longest that the cut can have left incomplete: a pair of escapes (`\\ud83d\\ude00`), less one character.
constexpr size_t kMaxIncomplete = 11;

size_t SkipSpace(std::string_view text, size_t at) {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r')) ++at;
  return at;
}

// Index after the closing quote of the string that starts at `at`; npos if it does not end.
size_t SkipString(std::string_view text, size_t at) {
  ++at;
  for (;;) {
    const void* quote = at < text.size() ? memchr(text.data() + at, '"', text.size() - at) : nullptr;
    if (quote == nullptr) return std::string_view::npos;
    const size_t end = static_cast<size_t>(static_cast<const char*>(quote) - text.data());
    size_t slashes = 0;
    while (end - slashes > at && text[end - slashes - 1] == '\\') ++slashes;
    if (slashes % 2 == 0) return end + 1;
    at = end + 1;
  }
}

size_t SkipNested(std::string_view text, size_t at) {
  int depth = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = SkipString(text, at);
      if (at == std::string_view::npos) return at;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return at + 1;
    ++at;
  }
  return std::string_view::npos;
}

// Index after the value that starts at `at`; npos if it does not end.
size_t SkipValue(std::string_view text, size_t at) {
  if (at >= text.size()) return std::string_view::npos;
  if (text[at] == '"') return SkipString(text, at);
  if (text[at] == '{' || text[at] == '[') return SkipNested(text, at);
  const size_t end = text.find_first_of(",}] \n\t\r", at);
  return end == at ? std::string_view::npos : end;
}

}  // namespace

bool ForEachMember(std::string_view object,
                   const std::function<void(std::string_view, std::string_view)>& member) {
  size_t at = SkipSpace(object, 0);
  if (at >= object.size() || object[at] != '{') return false;
  at = SkipSpace(object, at + 1);
  if (at < object.size() && object[at] == '}') return true;
  for (;;) {
    if (at >= object.size() || object[at] != '"') return false;
    const size_t name_end = SkipString(object, at);
    if (name_end == std::string_view::npos) return false;
    const std::string_view name = object.substr(at + 1, name_end - at - 2);
    at = SkipSpace(object, name_end);
    if (at >= object.size() || object[at] != ':') return false;
    at = SkipSpace(object, at + 1);
    const size_t value_end = SkipValue(object, at);
    if (value_end == std::string_view::npos) return false;
    member(name, object.substr(at, value_end - at));
    at = SkipSpace(object, value_end);
    if (at >= object.size()) return false;
    if (object[at] == '}') return true;
    if (object[at] != ',') return false;
    at = SkipSpace(object, at + 1);
  }
}

std::string_view FindMember(std::string_view object, std::string_view name) {
  std::string_view found;
  ForEachMember(object, [&](std::string_view key, std::string_view value) {
    if (key == name) found = value;
  });
  return found;
}

std::string_view PlainString(std::string_view raw) {
  if (raw.size() < 2 || raw.front() != '"' || raw.find('\\') != std::string_view::npos) return {};
  return raw.substr(1, raw.size() - 2);
}

std::string UnendedString(std::string_view cut_off) {
  size_t at = cut_off.find('"');
  while (at != std::string_view::npos) {
    const size_t end = SkipString(cut_off, at);
    if (end == std::string_view::npos) break;
    at = cut_off.find('"', end);
  }
  if (at == std::string_view::npos) return {};
  std::string_view text = cut_off.substr(at + 1);
  for (size_t cut = 0; cut <= kMaxIncomplete && !text.empty(); ++cut, text.remove_suffix(1)) {
    const absl::StatusOr<Json> whole = ParseJson(absl::StrCat("\"", ToAbsl(text), "\""));
    if (whole.ok() && whole->is_string()) return whole->get<std::string>();
  }
  return {};
}

}  // namespace proctor::env::web
