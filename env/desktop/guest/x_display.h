// The desktop's X server seen by its window manager's conventions (EWMH): windows, focus, keyboard map. Also the clipboard.
#ifndef PROCTOR_ENV_DESKTOP_GUEST_X_DISPLAY_H_
#define PROCTOR_ENV_DESKTOP_GUEST_X_DISPLAY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

// NOLINTBEGIN(bugprone-reserved-identifier): Xlib's names for them.
struct _XDisplay;
union _XEvent;
// NOLINTEND(bugprone-reserved-identifier)

namespace proctor::env::desktop::guest {

// In pixels of the screen.
struct Box {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

struct WindowInfo {
  uint64_t id = 0;
  std::string title;
  // WM_CLASS.
  std::string application;
  int pid = 0;
  // The content. Where the application draws its own frame and shadow: without the shadow.
  Box box;
  // With the window manager's frame.
  Box frame;
  bool focused = false;
  bool minimized = false;
  // A menu or the like: no window manager knows of it.
  bool popup = false;
};

// One thread. Windows that vanish while they are looked at are left out.
class XDisplay {
 public:
  // UNAVAILABLE: there is no such display, ":1".
  static absl::StatusOr<std::unique_ptr<XDisplay>> Open(const std::string& name);
  ~XDisplay();

  // Readable when there are events: call HandleEvents.
  int descriptor() const;
  void HandleEvents();

  // Waits for the window manager. DEADLINE_EXCEEDED: none came.
  absl::Status AwaitWindowManager(absl::Time deadline);
  // Those that the window manager knows of, front first.
  std::vector<WindowInfo> Windows();
  // Menus and the like that are shown, front first.
  std::vector<WindowInfo> Popups();
  // Waits until a window is shown that is not among `before`. False: `deadline` came.
  bool AwaitNewWindow(const std::vector<WindowInfo>& before, absl::Time deadline);
  // Waits until the focused window's application has had all input that was sent before (EWMH's ping, which goes the same way as keys and
  // clicks). True as well if it knows no pings. False: `deadline` came.
  bool AwaitInput(absl::Time deadline);
  // All of it.
  Box Screen() const;
  // To the front, with the focus.
  void Activate(uint64_t window);

  void SetClipboard(const std::string& text);
  // The clipboard's text; empty if there is none. DEADLINE_EXCEEDED: its owner does not answer.
  absl::StatusOr<std::string> GetClipboard(absl::Time deadline, size_t max_bytes);

  // Makes each of these keysyms reachable by a key, so that pressing it works in every application. Those that are not on the keyboard
  // take over keys without one; the least recently asked for give way. RESOURCE_EXHAUSTED: more than there are such keys.
  absl::Status MapKeysyms(const std::vector<uint32_t>& keysyms);

 private:
  struct SpareKey {
    int keycode = 0;
    uint32_t keysym = 0;
    uint64_t used = 0;
  };

  struct Margins {
    int left = 0;
    int right = 0;
    int top = 0;
    int bottom = 0;
  };

  XDisplay() = default;
  uint64_t AtomOf(const char* name);
  bool ReadWindow(uint64_t id, WindowInfo& info);
  // What a property says of a window's margins; zeros if that cannot be.
  Margins MarginsOf(uint64_t window, const char* property);
  std::vector<uint64_t> WindowList(uint64_t window, const char* property);
  std::string TextProperty(uint64_t window, const char* property);
  std::vector<int64_t> Numbers(uint64_t window, const char* property, const char* type);
  bool AwaitEvent(absl::Time deadline);
  void Handle(_XEvent& event);
  void AnswerSelection(_XEvent& event);
  absl::StatusOr<std::string> ReadSelection(uint64_t property, absl::Time deadline, size_t max_bytes);
  void FindSpareKeys();

  _XDisplay* display_ = nullptr;
  uint64_t root_ = 0;
  // Ours, never shown: owns and receives selections.
  uint64_t own_ = 0;
  std::map<std::string, uint64_t> atoms_;
  bool owns_clipboard_ = false;
  std::string clipboard_;
  bool selection_came_ = false;
  uint64_t selection_property_ = 0;
  bool property_came_ = false;
  // The last ping sent, and the last one answered.
  int64_t ping_ = 0;
  int64_t answered_ping_ = 0;
  std::vector<SpareKey> spare_;
  uint64_t uses_ = 0;
};

}  // namespace proctor::env::desktop::guest

#endif  // PROCTOR_ENV_DESKTOP_GUEST_X_DISPLAY_H_
