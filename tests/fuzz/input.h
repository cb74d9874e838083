// What the fuzz targets share: taking an input apart, and stopping at a broken promise.
#ifndef PROCTOR_TESTS_FUZZ_INPUT_H_
#define PROCTOR_TESTS_FUZZ_INPUT_H_

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace proctor::fuzz {

// Ends the process, with the promise that did not hold, so that the fuzzer keeps the input.
inline void Require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

inline std::string_view View(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Cuts off and returns the text before the first `end`, or all of it.
inline std::string_view TakeUntil(std::string_view& rest, char end) {
  const size_t at = rest.find(end);
  const std::string_view part = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return part;
}

inline std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) parts.emplace_back(TakeUntil(text, separator));
  return parts;
}

}  // namespace proctor::fuzz

#endif  // PROCTOR_TESTS_FUZZ_INPUT_H_
