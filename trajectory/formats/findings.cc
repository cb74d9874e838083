#include "trajectory/formats/findings.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::trajectory::formats {
namespace {

// "steps[12].x" as "steps[].x".
std::string WithoutIndices(std::string_view text) {
  std::string result;
  bool inside = false;
  for (const char c : text) {
    if (c == ']') inside = false;
    if (!inside || !absl::ascii_isdigit(static_cast<unsigned char>(c))) result += c;
    if (c == '[') inside = true;
  }
  return result;
}

}  // namespace

void Findings::Fail(std::string_view where, std::string_view what) {
  if (!status_.ok()) return;
  status_ = absl::InvalidArgumentError(absl::StrCat(file_, ": ", ToAbsl(where), " ", ToAbsl(what)));
}

void Findings::Fail(std::string_view where, const absl::Status& status) {
  if (!status_.ok()) return;
  status_ = Annotate(status, absl::StrCat(file_, ": ", ToAbsl(where)));
}

void Findings::Skip(std::string_view item, std::string_view reason) {
  skips_.Add(file_, WithoutIndices(item), reason);
}

}  // namespace proctor::trajectory::formats
