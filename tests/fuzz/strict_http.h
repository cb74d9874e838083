// HTTP/1.1 read as strictly as RFC 9112 permits: what a proxy hands on has to be the same message to whoever reads it.
#ifndef PROCTOR_TESTS_FUZZ_STRICT_HTTP_H_
#define PROCTOR_TESTS_FUZZ_STRICT_HTTP_H_

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "tests/fuzz/input.h"

namespace proctor::fuzz {

struct Head {
  std::string_view first_line;
  // Names in lower case, values without the spaces around them.
  std::vector<std::pair<std::string, std::string_view>> fields;

  size_t Count(std::string_view name) const {
    return std::count_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
  }
  // The first one's value, or "".
  std::string_view Get(std::string_view name) const {
    const auto found = std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.first == name; });
    return found == fields.end() ? std::string_view() : found->second;
  }
};

inline bool IsToken(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || kMarks.find(c) != kMarks.npos;
  });
}

inline bool IsDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// No line breaks, no NUL, nothing else that ends a value for somebody.
inline bool IsFieldValue(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

// Takes a message's head off `rest`; nothing where it is cut short. What is there must be beyond doubt.
inline std::optional<Head> TakeHead(std::string_view& rest) {
  const size_t end = rest.find("\r\n\r\n");
  if (end == rest.npos) return std::nullopt;
  std::string_view lines = rest.substr(0, end);
  rest.remove_prefix(end + 4);
  Head head;
  bool first = true;
  while (first || !lines.empty()) {
    const size_t at = std::min(lines.find("\r\n"), lines.size());
    const std::string_view line = lines.substr(0, at);
    lines.remove_prefix(std::min(at + 2, lines.size()));
    Require(IsFieldValue(line), "no line of a head has a control character");
    if (std::exchange(first, false)) {
      head.first_line = line;
      continue;
    }
    const size_t colon = line.find(':');
    Require(colon != line.npos && IsToken(line.substr(0, colon)), "each further line is a field");
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    std::string name(line.substr(0, colon));
    absl::AsciiStrToLower(&name);
    head.fields.emplace_back(std::move(name), value);
  }
  const size_t lengths = head.Count("content-length"), codings = head.Count("transfer-encoding");
  Require(lengths + codings <= 1, "one field says where the body ends");
  Require(lengths == 0 || IsDigits(head.Get("content-length")), "a length is a number");
  const std::string_view coding = head.Get("transfer-encoding");
  Require(codings == 0 || absl::AsciiStrToLower({coding.data(), coding.size()}) == "chunked", "the one coding is chunked");
  return head;
}

// Takes the chunks off `rest`. False: cut short.
inline bool TakeChunks(std::string_view& rest) {
  while (true) {
    const size_t end = rest.find("\r\n");
    if (end == rest.npos) return false;
    const std::string_view digits = rest.substr(0, end);
    uint64_t size = 0;
    Require(digits.size() <= 8 && absl::SimpleHexAtoi({digits.data(), digits.size()}, &size), "a chunk begins with its size");
    rest.remove_prefix(end + 2);
    if (rest.size() < size + 2) return false;
    Require(rest.substr(size, 2) == "\r\n", "a chunk ends where it says");
    rest.remove_prefix(size + 2);
    if (size == 0) return true;
  }
}

// Takes the body that a request with this head has. False: cut short.
inline bool TakeBody(const Head& head, std::string_view& rest) {
  if (head.Count("transfer-encoding") > 0) return TakeChunks(rest);
  const std::string_view digits = head.Get("content-length");
  uint64_t size = 0;
  if (!digits.empty() && !absl::SimpleAtoi({digits.data(), digits.size()}, &size)) return false;
  if (rest.size() < size) return false;
  rest.remove_prefix(size);
  return true;
}

}  // namespace proctor::fuzz

#endif  // PROCTOR_TESTS_FUZZ_STRICT_HTTP_H_
