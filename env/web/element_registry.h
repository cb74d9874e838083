// Marks: the numbers by which agents name elements, and what input needs to know about the nodes
// behind them.
#ifndef PROCTOR_ENV_WEB_ELEMENT_REGISTRY_H_
#define PROCTOR_ENV_WEB_ELEMENT_REGISTRY_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "env/web/devtools.h"
#include "env/web/frame_tracker.h"
#include "env/web/page_reply.h"
#include "proctor/v1/action.pb.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::env::web {

// How Locate makes sure that an element can be acted on.
struct LocateOptions {
  // Scroll it into view first, if it is not.
  bool scroll_into_view = true;
  // Refuse an element that is disabled.
  bool refuse_disabled = true;
  // Refuse an element whose every tried point is covered by something that is not part of it.
  bool refuse_covered = true;
};

// An element that is ready for input.
struct LocatedElement {
  // As in an observation; box in CSS pixels of the top viewport, after scrolling.
  v1::Element element;
  // Where to click: visible, inside the viewport, not covered (if that was asked). CSS pixels of
  // the top viewport.
  v1::Point point;
  // The session in whose process the element's frame lives. Pointer events go to the *page's*
  // session all the same.
  std::string session_id;
};

// One per episode: marks are unique over its tabs and frames, and a node keeps its mark. Used by
// one thread at a time.
//
// Errors of all methods that take a mark: NOT_FOUND (no such mark, or its node is gone),
// FAILED_PRECONDITION (disabled, covered, not visible) and INVALID_ARGUMENT (not of the right kind,
// unknown option) are the agent's; their messages tell the agent what to do and go into
// `action_error`. Others are faults of the world.
class ElementRegistry {
 public:
  explicit ElementRegistry(DevTools& devtools) : devtools_(devtools) {}

  // Before an observation that lists elements. Beyond kMaxMarks, marks that neither of the last two listed are forgotten: of what a page made anew
  // each time, and is gone.
  void BeginObservation();
  static constexpr size_t kMaxMarks = 50'000;

  // The mark of a node that an observation listed: `local_id` is the page script's number for it in
  // that world.
  int32_t MarkOf(const std::string& context_id, int64_t local_id);

  // Scrolls into view, finds a point to click, checks what is hit there, in the element's frame and
  // in all frames around it.
  absl::StatusOr<LocatedElement> Locate(const CallContext& context, const FrameTracker& frames,
                                        int32_t mark, const LocateOptions& options);

  // What lies at a point of the top viewport, descending into frames: the nearest listed
  // (interactive) element around it, else the hit node itself. `mark` is 0 if it has none.
  // NOT_FOUND outside the page.
  absl::StatusOr<v1::Element> DescribeAt(const CallContext& context, const FrameTracker& frames,
                                         const v1::Point& point);

  // Moves the focus to it. FAILED_PRECONDITION if it does not take it.
  absl::Status Focus(const CallContext& context, const FrameTracker& frames, int32_t mark);

  // Focuses an editable element and selects all its text, so that typing replaces it; `kCaretAtEnd`
  // puts the caret behind the text instead. INVALID_ARGUMENT if it is not editable.
  enum class TextSelection { kAll, kCaretAtEnd };
  absl::Status SelectText(const CallContext& context, const FrameTracker& frames, int32_t mark,
                          TextSelection selection);

  // Empties and sets the value of inputs that take no keys in a portable form (date, time, month,
  // week, datetime-local, color, range), with input and change events. INVALID_ARGUMENT with the
  // format if `value` is malformed.
  absl::Status SetInputValue(const CallContext& context, const FrameTracker& frames, int32_t mark,
                             std::string_view value);

  // Chooses exactly these options of a select element (by label, else by value), with input and
  // change events.
  absl::Status SelectOptions(const CallContext& context, const FrameTracker& frames, int32_t mark,
                             const std::vector<std::string>& options);

  // Scrolls the element itself or its nearest ancestor that can scroll that way. Returns whether
  // anything moved.
  absl::StatusOr<bool> ScrollBy(const CallContext& context, const FrameTracker& frames,
                                int32_t mark, double delta_x, double delta_y);

  // The element as it is now (value, states, box), without touching it.
  absl::StatusOr<v1::Element> Describe(const CallContext& context, const FrameTracker& frames,
                                       int32_t mark);

  // The file input for uploads: the element itself, or the one that its label names.
  // INVALID_ARGUMENT if there is none (then click it with the file chooser intercepted).
  struct RemoteNode {
    std::string session_id;
    // For DOM.setFileInputFiles; release with Runtime.releaseObject.
    std::string object_id;
  };
  absl::StatusOr<RemoteNode> FileInput(const CallContext& context, const FrameTracker& frames,
                                       int32_t mark);

  // The page script's number, in the parent's world, of the element that holds a child frame. Asked
  // once a frame and document, then remembered.
  absl::StatusOr<int64_t> OwnerOf(const CallContext& context, const FrameTracker& frames,
                                  const FrameInfo& child);

 private:
  struct Node {
    std::string context_id;
    int64_t local_id = 0;
    // The last observation that listed it.
    int64_t observation = 0;
  };

  // The node's frame, or NOT_FOUND with a text for the agent.
  absl::StatusOr<FrameInfo> FrameOf(const FrameTracker& frames, int32_t mark) const;
  // Runs one of the page script's actions on a node; its JSON result.
  absl::StatusOr<Json> Act(const CallContext& context, const FrameInfo& frame, int64_t local_id,
                           std::string_view action, const Json& argument);
  // The same on a mark; a problem that it reports becomes the agent's error.
  absl::StatusOr<Json> ActOnMark(const CallContext& context, const FrameTracker& frames,
                                 int32_t mark, std::string_view action, const Json& argument);
  // Carries a located element out of its frame into the top viewport.
  absl::Status Climb(const CallContext& context, const FrameTracker& frames, FrameInfo frame,
                     const LocateOptions& options, LocatedElement& located);

  DevTools& devtools_;
  // By context and local id.
  std::map<std::pair<std::string, int64_t>, int32_t> marks_;
  // By mark.
  std::map<int32_t, Node> nodes_;
  int32_t last_mark_ = 0;
  int64_t observation_ = 0;
  // By parent's context and child's frame id.
  std::map<std::pair<std::string, std::string>, int64_t> owners_;
};

// A box of a child frame in its parent's viewport.
v1::Rect ToParent(const v1::Rect& box, const FrameOwner& owner);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_ELEMENT_REGISTRY_H_
