// Where in a reply values may stand.
#ifndef PROCTOR_EVALUATOR_JUDGE_VALUE_PLACE_H_
#define PROCTOR_EVALUATOR_JUDGE_VALUE_PLACE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proctor/v1/judge.pb.h"

namespace proctor::evaluator {

// [begin, end) of the reply where a value is expected, and where its line begins.
struct ValueRegion {
  size_t line_begin = 0;
  size_t begin = 0;
  size_t end = 0;
};

// Whether several places have to agree: nothing else tells which of them is the judge's own word.
bool PlacesMustAgree(const v1::ValuePlace& place);

// The rest of the line after each occurrence of `place.after` (of the next line that is not empty, if nothing is left of it),
// without white space and the marks of Markdown around it. With `first`, or the last by default, only that one, unless all
// have to agree. Nothing without `after`.
std::vector<ValueRegion> FindRegions(const v1::ValuePlace& place, std::string_view verdict_tag, std::string_view reply);

// ASCII lower case unless the place is case-sensitive; the length stays.
std::string FoldFor(const v1::ValuePlace& place, std::string_view text);

}  // namespace proctor::evaluator

#endif  // PROCTOR_EVALUATOR_JUDGE_VALUE_PLACE_H_
