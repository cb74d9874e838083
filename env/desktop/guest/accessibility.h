// What applications say of themselves over AT-SPI, D-Bus's protocol for accessibility: the tree of widgets that are shown.
//
// Spoken directly rather than by libatspi, whose calls come one after another: all questions about all widgets are under way at once,
// and one application that hangs costs the deadline once.
#ifndef PROCTOR_ENV_DESKTOP_GUEST_ACCESSIBILITY_H_
#define PROCTOR_ENV_DESKTOP_GUEST_ACCESSIBILITY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "env/desktop/guest/bus_calls.h"
#include "env/desktop/guest/x_display.h"

namespace proctor::env::desktop::guest {

// Names an accessible: its application's bus name and its path there.
struct AccessibleRef {
  std::string bus;
  std::string path;
};

struct AccessibleNode {
  AccessibleRef ref;
  // 0: a window.
  int depth = 0;
  // AtspiRole.
  int role = 0;
  std::string name;
  // Bits by AtspiStateType.
  uint64_t states = 0;
  // Pixels of the screen; none: it is nowhere.
  std::optional<Box> box;
  // Of those that have a text, at most 2,000 characters.
  std::string text;
  std::optional<double> value;
  std::string identifier;
  std::string application;
  // The X window that it is in; 0: a menu, or not known.
  uint64_t window = 0;
};

struct AccessibleTree {
  // In document order, windows front first.
  std::vector<AccessibleNode> nodes;
  // There was more.
  bool truncated = false;
  // Applications that did not answer in time.
  std::vector<std::string> silent;
};

struct Location {
  uint64_t states = 0;
  // None: it is nowhere.
  std::optional<Box> box;
  // What of it is not cut off by the screen's edge or by what it is scrolled in; none: nothing.
  std::optional<Box> seen;
};

class Accessibility {
 public:
  // `session_bus`: address. Starts the accessibility bus and tells applications to use it. UNAVAILABLE: at-spi2-core is not there.
  static absl::StatusOr<std::unique_ptr<Accessibility>> Start(const std::string& session_bus, absl::Time deadline);

  AccessibleTree Read(XDisplay& display, absl::Time deadline, size_t max_nodes);
  // Where it is now. NOT_FOUND: it is gone. `scrolled_in`: paths of the scroll areas around it; `window`: both as they were last seen.
  absl::StatusOr<Location> Locate(XDisplay& display, const AccessibleRef& ref, const std::vector<std::string>& scrolled_in, uint64_t window,
                                  absl::Time deadline);
  // Whether an application of this process has a window that says what is in it.
  bool HasWindow(int pid, absl::Time deadline);

 private:
  friend class TreeWalk;
  // What does not change while an application runs.
  struct Application {
    int pid = 0;
    std::string name;
    // GTK 4 tells boxes within the window only, and does not tell what is showing.
    bool gtk4 = false;
    // It answers for all of its widgets at once.
    bool has_cache = true;
    bool known = false;
  };

  std::vector<AccessibleRef> Applications(absl::Time deadline);
  void Learn(const std::vector<AccessibleRef>& applications, absl::Time deadline);

  BusConnection session_;
  BusConnection bus_;
  std::map<std::string, Application> applications_;
};

}  // namespace proctor::env::desktop::guest

#endif  // PROCTOR_ENV_DESKTOP_GUEST_ACCESSIBILITY_H_
