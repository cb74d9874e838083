// What the page script answers, as values. The field order is that of page_script/elements.js and
// observe.js.
#ifndef PROCTOR_ENV_WEB_PAGE_REPLY_H_
#define PROCTOR_ENV_WEB_PAGE_REPLY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/json.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::env::web {

// An element with the page script's number for it; its mark is not set yet. Boxes are in the
// frame's viewport.
struct PageElement {
  int64_t local_id = 0;
  v1::Element element;
};

// Where a child frame's content lies in its parent's viewport.
struct FrameOwner {
  int64_t local_id = 0;
  // Content box, CSS pixels of the parent's viewport.
  v1::Rect box;
  // Parent's pixels per child's pixel.
  double scale_x = 1;
  double scale_y = 1;
  bool visible = false;
  // The child's elements belong before this index of the parent's.
  size_t element_index = 0;
};

// The answer of one frame.
struct PageReply {
  std::string url;
  std::string title;
  double viewport_width = 0;
  double viewport_height = 0;
  std::vector<PageElement> elements;
  std::string tree;
  std::string html;
  std::string text;
  // What is not all there: a sum of bits of observe.js, kAsk.
  int64_t cut = 0;
  std::vector<FrameOwner> owners;
  // Local id, 0 for none.
  int64_t focused = 0;
  v1::ScrollState scroll;
};

// Fences around local ids in trees: of elements to be marked and of frame owners.
inline constexpr char kMarkFence = '\x01';
inline constexpr char kFrameFence = '\x02';

// From the text that `proctorPage.observe` returned. DATA_LOSS if it is not what the script writes.
absl::StatusOr<PageReply> ParsePageReply(std::string_view text);

// From one element's description.
absl::StatusOr<PageElement> ParsePageElement(const Json& fields);

// The string value of a `Runtime.evaluate` or `Runtime.callFunctionOn` result; FAILED_PRECONDITION
// with the exception's text if the script threw.
absl::StatusOr<std::string> ScriptString(std::string_view result_text);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_PAGE_REPLY_H_
