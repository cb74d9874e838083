#include "evaluator/judge/value_place.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/strings.h"
#include "evaluator/judge/template_text.h"

namespace proctor::evaluator {
namespace {

// Marks of Markdown, quotes and separators that models put around a value.
constexpr std::string_view kAround = " \t\r*_`\"':#>|[]";

const std::string& TagSlot() {
  static const auto* slot = new std::string(absl::StrCat("{{", ToAbsl(kVerdictTagSlot), "}}"));
  return *slot;
}

ValueRegion Trimmed(std::string_view reply, size_t begin, size_t end) {
  while (begin < end && kAround.find(reply[begin]) != std::string_view::npos) ++begin;
  while (end > begin && kAround.find(reply[end - 1]) != std::string_view::npos) --end;
  return {.begin = begin, .end = end};
}

// From `from`: the rest of the line, or the next line that has anything.
ValueRegion RegionFrom(std::string_view reply, size_t from) {
  while (true) {
    const size_t line_end = std::min(reply.find('\n', from), reply.size());
    const ValueRegion region = Trimmed(reply, from, line_end);
    if (region.begin < region.end || line_end == reply.size()) return region;
    from = line_end + 1;
  }
}

size_t LineBegin(std::string_view reply, size_t at) {
  const size_t before = at == 0 ? std::string_view::npos : reply.rfind('\n', at - 1);
  return before == std::string_view::npos ? 0 : before + 1;
}

}  // namespace

bool PlacesMustAgree(const v1::ValuePlace& place) {
  return place.after().empty() || place.after().find(TagSlot()) != std::string::npos;
}

std::string FoldFor(const v1::ValuePlace& place, std::string_view text) {
  return place.case_sensitive() ? std::string(text) : absl::AsciiStrToLower(ToAbsl(text));
}

std::vector<ValueRegion> FindRegions(const v1::ValuePlace& place, std::string_view verdict_tag,
                                     std::string_view reply) {
  std::vector<ValueRegion> regions;
  if (place.after().empty()) return regions;
  const std::string after = FoldFor(place, absl::StrReplaceAll(place.after(), {{TagSlot(), ToAbsl(verdict_tag)}}));
  const std::string folded = FoldFor(place, reply);
  for (size_t at = folded.find(after); at != std::string::npos; at = folded.find(after, at + after.size())) {
    ValueRegion region = RegionFrom(reply, at + after.size());
    region.line_begin = LineBegin(reply, at);
    regions.push_back(region);
    if (place.first() && !PlacesMustAgree(place)) break;
  }
  if (!PlacesMustAgree(place) && regions.size() > 1) regions.erase(regions.begin(), regions.end() - 1);
  return regions;
}

}  // namespace proctor::evaluator
