#include "env/web/frame_merge.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/strings.h"
#include "env/web/origin.h"

namespace proctor::env::web {
namespace {

constexpr int kMaxDepth = 30;

// The number between two fences at the line's first non-blank, or 0; `rest` gets what follows.
int64_t FencedId(std::string_view line, char fence, std::string_view* rest) {
  const size_t open = line.find_first_not_of(' ');
  if (open == line.npos || line[open] != fence) return 0;
  const size_t close = line.find(fence, open + 1);
  int64_t id = 0;
  if (close == line.npos ||
      !absl::SimpleAtoi(ToAbsl(line.substr(open + 1, close - open - 1)), &id)) {
    return 0;
  }
  *rest = line.substr(close + 1);
  return id;
}

}  // namespace

FrameMerge::FrameMerge(const std::vector<ObservedFrame>& frames, MarkOf mark_of)
    : frames_(frames), mark_of_(std::move(mark_of)) {}

const ObservedFrame* FrameMerge::ChildAt(const ObservedFrame& parent, int64_t owner_id) const {
  for (const ObservedFrame& frame : frames_) {
    if (frame.frame.parent_frame_id == parent.frame.frame_id && frame.owner_id == owner_id &&
        owner_id != 0) {
      return &frame;
    }
  }
  return nullptr;
}

FrameMerge::Placement FrameMerge::PlaceChild(const Placement& parent, const FrameOwner& owner) {
  Placement child;
  child.x = parent.x + owner.box.x() * parent.scale_x;
  child.y = parent.y + owner.box.y() * parent.scale_y;
  child.scale_x = parent.scale_x * owner.scale_x;
  child.scale_y = parent.scale_y * owner.scale_y;
  child.left = std::max(parent.left, child.x);
  child.top = std::max(parent.top, child.y);
  child.right = std::min(parent.right, child.x + owner.box.width() * parent.scale_x);
  child.bottom = std::min(parent.bottom, child.y + owner.box.height() * parent.scale_y);
  return child;
}

void FrameMerge::FillElements(v1::Observation& observation) const {
  if (frames_.empty()) return;
  Placement whole;
  whole.right = frames_.front().reply.viewport_width;
  whole.bottom = frames_.front().reply.viewport_height;
  AddElements(frames_.front(), whole, 0, observation);
  const bool more = observation.elements_size() > kMaxElements;
  observation.set_elements_truncated(more);
  if (more) observation.mutable_elements()->DeleteSubrange(kMaxElements, observation.elements_size() - kMaxElements);
}

void FrameMerge::AddElements(const ObservedFrame& frame, const Placement& placement, int depth,
                             v1::Observation& observation) const {
  const std::vector<FrameOwner>& owners = frame.reply.owners;
  size_t next_owner = 0;
  for (size_t i = 0; i <= frame.reply.elements.size(); ++i) {
    for (; next_owner < owners.size() &&
           (owners[next_owner].element_index <= i || i == frame.reply.elements.size());
         ++next_owner) {
      const ObservedFrame* child = ChildAt(frame, owners[next_owner].local_id);
      if (child == nullptr || !owners[next_owner].visible || depth >= kMaxDepth) continue;
      AddElements(*child, PlaceChild(placement, owners[next_owner]), depth + 1, observation);
    }
    if (i == frame.reply.elements.size() || observation.elements_size() > kMaxElements) break;
    v1::Element* element = observation.add_elements();
    *element = frame.reply.elements[i].element;
    element->set_mark(mark_of_(frame.frame.context_id, frame.reply.elements[i].local_id));
    v1::Rect* box = element->mutable_box();
    box->set_x(placement.x + box->x() * placement.scale_x);
    box->set_y(placement.y + box->y() * placement.scale_y);
    box->set_width(box->width() * placement.scale_x);
    box->set_height(box->height() * placement.scale_y);
    element->set_in_viewport(box->x() < placement.right && box->y() < placement.bottom &&
                             box->x() + box->width() > placement.left &&
                             box->y() + box->height() > placement.top);
  }
}

std::string FrameMerge::Tree(size_t limit) const {
  std::string tree;
  if (!frames_.empty()) AddTree(frames_.front(), "", 0, limit, tree);
  return tree;
}

void FrameMerge::AddTree(const ObservedFrame& frame, const std::string& indent, int depth, size_t limit, std::string& out) const {
  std::string_view rest = frame.reply.tree;
  while (!rest.empty() && out.size() <= limit) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    AddTreeLine(frame, rest.substr(0, end), indent, depth, limit, out);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

void FrameMerge::AddTreeLine(const ObservedFrame& frame, std::string_view line, const std::string& indent, int depth, size_t limit,
                             std::string& out) const {
  const std::string_view blanks =
      line.substr(0, std::min(line.find_first_not_of(' '), line.size()));
  std::string_view text;
  if (const int64_t id = FencedId(line, kMarkFence, &text); id != 0) {
    absl::StrAppend(&out, indent, ToAbsl(blanks), "[", mark_of_(frame.frame.context_id, id), "]",
                    ToAbsl(text), "\n");
  } else if (const int64_t owner = FencedId(line, kFrameFence, &text); owner != 0) {
    absl::StrAppend(&out, indent, ToAbsl(blanks), "iframe");
    if (!text.empty()) absl::StrAppend(&out, " \"", ToAbsl(text), "\"");
    out += '\n';
    const ObservedFrame* child = ChildAt(frame, owner);
    if (child != nullptr && depth < kMaxDepth) {
      AddTree(*child, absl::StrCat(indent, ToAbsl(blanks), "  "), depth + 1, limit, out);
    }
  } else {
    absl::StrAppend(&out, indent, ToAbsl(line), "\n");
  }
}

std::string FrameMerge::Html(size_t limit) const {
  std::string html;
  for (const ObservedFrame& frame : frames_) {
    if (html.size() > limit) break;
    if (&frame != &frames_.front()) {
      absl::StrAppend(&html, "\n<!-- frame: ", WithoutCredentials(frame.reply.url), " -->\n");
    }
    html += frame.reply.html;
  }
  return html;
}

std::string FrameMerge::Text(size_t limit) const {
  std::string text;
  for (const ObservedFrame& frame : frames_) {
    if (text.size() > limit) break;
    if (frame.reply.text.empty()) continue;
    if (!text.empty()) text += "\n\n";
    text += frame.reply.text;
  }
  return text;
}

int32_t FrameMerge::FocusedMark() const {
  if (frames_.empty()) return 0;
  const ObservedFrame* frame = &frames_.front();
  for (int depth = 0; depth < kMaxDepth && frame->reply.focused != 0; ++depth) {
    const ObservedFrame* child = ChildAt(*frame, frame->reply.focused);
    if (child == nullptr) return mark_of_(frame->frame.context_id, frame->reply.focused);
    frame = child;
  }
  return 0;
}

}  // namespace proctor::env::web
