// The clipboard's half of XDisplay: the ICCCM's selections.

#include <algorithm>

#include "absl/time/clock.h"
#include "common/strings.h"
#include "env/desktop/guest/x_display.h"

#include "env/desktop/guest/x11.h"

namespace proctor::env::desktop::guest {
namespace {

constexpr char kProperty[] = "PROCTOR_SELECTION";

}  // namespace

void XDisplay::SetClipboard(const std::string& text) {
  clipboard_ = text;
  XSetSelectionOwner(display_, AtomOf("CLIPBOARD"), own_, CurrentTime);
  owns_clipboard_ = XGetSelectionOwner(display_, AtomOf("CLIPBOARD")) == own_;
  XSync(display_, False);
}

void XDisplay::AnswerSelection(_XEvent& event) {
  const XSelectionRequestEvent& request = event.xselectionrequest;
  XEvent reply = {};
  reply.xselection.type = SelectionNotify;
  reply.xselection.requestor = request.requestor;
  reply.xselection.selection = request.selection;
  reply.xselection.target = request.target;
  reply.xselection.time = request.time;
  // Old clients name no property.
  const ::Atom property = request.property != None ? request.property : request.target;
  if (request.target == AtomOf("TARGETS")) {
    const ::Atom targets[] = {AtomOf("TARGETS"), AtomOf("UTF8_STRING"), AtomOf("text/plain;charset=utf-8"), XA_STRING, AtomOf("TEXT")};
    XChangeProperty(display_, request.requestor, property, XA_ATOM, 32, PropModeReplace,
                    reinterpret_cast<const unsigned char*>(targets), static_cast<int>(std::size(targets)));
    reply.xselection.property = property;
  } else if (request.target == AtomOf("UTF8_STRING") || request.target == AtomOf("text/plain;charset=utf-8") ||
             request.target == XA_STRING || request.target == AtomOf("TEXT")) {
    // At most 65,536 bytes: far below what one property may hold.
    const ::Atom type = request.target == AtomOf("TEXT") ? AtomOf("UTF8_STRING") : request.target;
    XChangeProperty(display_, request.requestor, property, type, 8, PropModeReplace,
                    reinterpret_cast<const unsigned char*>(clipboard_.data()), static_cast<int>(clipboard_.size()));
    reply.xselection.property = property;
  }
  XSendEvent(display_, request.requestor, False, 0, &reply);
  XFlush(display_);
}

absl::StatusOr<std::string> XDisplay::GetClipboard(absl::Time deadline, size_t max_bytes) {
  HandleEvents();
  if (owns_clipboard_) return std::string(TruncateUtf8(clipboard_, max_bytes));
  if (XGetSelectionOwner(display_, AtomOf("CLIPBOARD")) == None) return std::string();
  // What came late for an earlier question is forgotten.
  XDeleteProperty(display_, own_, AtomOf(kProperty));
  selection_came_ = false;
  XConvertSelection(display_, AtomOf("CLIPBOARD"), AtomOf("UTF8_STRING"), AtomOf(kProperty), own_, CurrentTime);
  XFlush(display_);
  while (!selection_came_) {
    if (!AwaitEvent(deadline)) return absl::DeadlineExceededError("the application that owns the clipboard does not answer");
  }
  // No text: an image, for example.
  if (selection_property_ == None) return std::string();
  return ReadSelection(selection_property_, deadline, max_bytes);
}

absl::StatusOr<std::string> XDisplay::ReadSelection(uint64_t property, absl::Time deadline, size_t max_bytes) {
  std::string text;
  bool in_parts = false;
  for (;;) {
    ::Atom type = 0;
    int format = 0;
    unsigned long count = 0, left = 0;
    unsigned char* data = nullptr;
    property_came_ = false;
    const int status = XGetWindowProperty(display_, own_, property, 0, static_cast<long>(max_bytes / 4 + 1), True,
                                          AnyPropertyType, &type, &format, &count, &left, &data);
    const bool begins_parts = status == Success && type == AtomOf("INCR");
    if (status == Success && format == 8) text.append(reinterpret_cast<const char*>(data), count);
    if (data != nullptr) XFree(data);
    // What is larger than asked for was not deleted by the reading, and is not read on.
    if (left > 0) XDeleteProperty(display_, own_, property);
    XFlush(display_);
    if (begins_parts) in_parts = true;
    const bool end_of_parts = in_parts && !begins_parts && count == 0 && type != None;
    if (!in_parts || end_of_parts || text.size() > max_bytes) break;
    while (!property_came_) {
      if (!AwaitEvent(deadline)) return absl::DeadlineExceededError("the application that owns the clipboard does not go on");
    }
  }
  return SanitizeUtf8(TruncateUtf8(text, max_bytes));
}

}  // namespace proctor::env::desktop::guest
