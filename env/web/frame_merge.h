// What the frames of a page answered, as one page.
#ifndef PROCTOR_ENV_WEB_FRAME_MERGE_H_
#define PROCTOR_ENV_WEB_FRAME_MERGE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "env/web/frame_tracker.h"
#include "env/web/page_reply.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::env::web {

// One frame's answer.
struct ObservedFrame {
  FrameInfo frame;
  PageReply reply;
  // The parent's number for the element that holds this frame; 0 for the top frame or if it is
  // unknown (then the frame's boxes cannot be placed and it is left out).
  int64_t owner_id = 0;
};

// Of an observation.
inline constexpr int kMaxElements = 5000;

// Puts child frames where their owners are: boxes in the top viewport, elements and tree lines in
// document order.
class FrameMerge {
 public:
  // Turns a world's local id into a mark.
  using MarkOf = std::function<int32_t(const std::string& context_id, int64_t local_id)>;

  // `frames`, the top frame first and parents before children, outlives the merge.
  FrameMerge(const std::vector<ObservedFrame>& frames, MarkOf mark_of);

  // At most kMaxElements, and whether there are more.
  void FillElements(v1::Observation& observation) const;
  // Texts end soon after `limit` bytes.
  std::string Tree(size_t limit) const;
  // The top document's, then each child frame's after a comment with its URL.
  std::string Html(size_t limit) const;
  std::string Text(size_t limit) const;
  // 0 if nothing, or nothing that has a mark by now, has the focus.
  int32_t FocusedMark() const;

 private:
  // From a frame's viewport to the top one.
  struct Placement {
    double x = 0;
    double y = 0;
    double scale_x = 1;
    double scale_y = 1;
    // The part of the top viewport in which the frame shows.
    double left = 0;
    double top = 0;
    double right = 0;
    double bottom = 0;
  };

  const ObservedFrame* ChildAt(const ObservedFrame& parent, int64_t owner_id) const;
  static Placement PlaceChild(const Placement& parent, const FrameOwner& owner);
  void AddElements(const ObservedFrame& frame, const Placement& placement, int depth,
                   v1::Observation& observation) const;
  void AddTree(const ObservedFrame& frame, const std::string& indent, int depth, size_t limit, std::string& out) const;
  void AddTreeLine(const ObservedFrame& frame, std::string_view line, const std::string& indent, int depth, size_t limit,
                   std::string& out) const;

  const std::vector<ObservedFrame>& frames_;
  MarkOf mark_of_;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_FRAME_MERGE_H_
