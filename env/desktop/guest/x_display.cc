#include "env/desktop/guest/x_display.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/strings.h"

#include "env/desktop/guest/x11.h"

namespace proctor::env::desktop::guest {
namespace {

constexpr size_t kMaxWindows = 500;
constexpr size_t kMaxTextBytes = 2000;
// Wider is no frame or shadow, whatever the window says.
constexpr int64_t kMaxMarginPx = 1000;

// What is asked about a window that is gone is answered by an error; the answer is then empty, which is dealt with.
int IgnoreError(Display*, XErrorEvent*) { return 0; }

// The X server is gone, and with it the desktop.
int EndOfDisplay(Display*) { _exit(3); }

bool Contains(const std::vector<int64_t>& numbers, uint64_t number) {
  return std::find(numbers.begin(), numbers.end(), static_cast<int64_t>(number)) != numbers.end();
}

}  // namespace

absl::StatusOr<std::unique_ptr<XDisplay>> XDisplay::Open(const std::string& name) {
  XSetErrorHandler(&IgnoreError);
  XSetIOErrorHandler(&EndOfDisplay);
  auto out = std::unique_ptr<XDisplay>(new XDisplay());
  out->display_ = XOpenDisplay(name.c_str());
  if (out->display_ == nullptr) return absl::UnavailableError(absl::StrCat("cannot open the display ", name));
  out->root_ = DefaultRootWindow(out->display_);
  out->own_ = XCreateSimpleWindow(out->display_, out->root_, -10, -10, 1, 1, 0, 0, 0);
  XSelectInput(out->display_, out->own_, PropertyChangeMask);
  // What windows send to the root window: answers to pings.
  XSelectInput(out->display_, out->root_, PropertyChangeMask | SubstructureNotifyMask);
  XSync(out->display_, False);
  return out;
}

XDisplay::~XDisplay() {
  if (display_ != nullptr) XCloseDisplay(display_);
}

int XDisplay::descriptor() const { return ConnectionNumber(display_); }

uint64_t XDisplay::AtomOf(const char* name) {
  uint64_t& atom = atoms_[name];
  if (atom == 0) atom = XInternAtom(display_, name, False);
  return atom;
}

void XDisplay::HandleEvents() {
  while (XPending(display_) > 0) {
    XEvent event;
    XNextEvent(display_, &event);
    Handle(event);
  }
}

void XDisplay::Handle(_XEvent& event) {
  switch (event.type) {
    case SelectionRequest:
      AnswerSelection(event);
      break;
    case SelectionClear:
      owns_clipboard_ = false;
      clipboard_.clear();
      break;
    case SelectionNotify:
      selection_came_ = true;
      selection_property_ = event.xselection.property;
      break;
    case PropertyNotify:
      if (event.xproperty.window == own_ && event.xproperty.state == PropertyNewValue) property_came_ = true;
      break;
    case ClientMessage:
      if (event.xclient.message_type == AtomOf("WM_PROTOCOLS") && static_cast<uint64_t>(event.xclient.data.l[0]) == AtomOf("_NET_WM_PING")) {
        answered_ping_ = std::max<int64_t>(answered_ping_, event.xclient.data.l[1]);
      }
      break;
    case MappingNotify:
      XRefreshKeyboardMapping(&event.xmapping);
      break;
    default:
      break;
  }
}

// Handles what has come; waits for more if nothing had. False: the deadline.
bool XDisplay::AwaitEvent(absl::Time deadline) {
  if (XPending(display_) == 0) {
    const int64_t left_ms = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left_ms <= 0) return false;
    pollfd wait = {descriptor(), POLLIN, 0};
    poll(&wait, 1, static_cast<int>(std::min<int64_t>(left_ms + 1, 60'000)));
  }
  HandleEvents();
  return true;
}

std::vector<int64_t> XDisplay::Numbers(uint64_t window, const char* property, const char* type) {
  ::Atom actual = 0;
  int format = 0;
  unsigned long count = 0, left = 0;
  unsigned char* data = nullptr;
  std::vector<int64_t> out;
  if (XGetWindowProperty(display_, window, AtomOf(property), 0, 4096, False, AtomOf(type), &actual, &format, &count, &left,
                         &data) == Success &&
      format == 32 && actual == AtomOf(type)) {
    const auto* values = reinterpret_cast<const unsigned long*>(data);
    out.assign(values, values + count);
  }
  if (data != nullptr) XFree(data);
  return out;
}

std::vector<uint64_t> XDisplay::WindowList(uint64_t window, const char* property) {
  const std::vector<int64_t> numbers = Numbers(window, property, "WINDOW");
  return {numbers.begin(), numbers.end()};
}

std::string XDisplay::TextProperty(uint64_t window, const char* property) {
  ::Atom actual = 0;
  int format = 0;
  unsigned long count = 0, left = 0;
  unsigned char* data = nullptr;
  std::string out;
  if (XGetWindowProperty(display_, window, AtomOf(property), 0, kMaxTextBytes / 4, False, AnyPropertyType, &actual, &format,
                         &count, &left, &data) == Success &&
      format == 8) {
    out.assign(reinterpret_cast<const char*>(data), count);
  }
  if (data != nullptr) XFree(data);
  return out;
}

absl::Status XDisplay::AwaitWindowManager(absl::Time deadline) {
  for (;;) {
    const std::vector<uint64_t> check = WindowList(root_, "_NET_SUPPORTING_WM_CHECK");
    if (!check.empty() && WindowList(check[0], "_NET_SUPPORTING_WM_CHECK") == check) return absl::OkStatus();
    if (!AwaitEvent(std::min(deadline, absl::Now() + absl::Milliseconds(50))) && absl::Now() >= deadline) {
      return absl::DeadlineExceededError("the startup commands started no window manager: desktop.startup needs one, [openbox]");
    }
  }
}

XDisplay::Margins XDisplay::MarginsOf(uint64_t window, const char* property) {
  const std::vector<int64_t> numbers = Numbers(window, property, "CARDINAL");
  const bool sane = std::all_of(numbers.begin(), numbers.end(), [](int64_t n) { return n >= 0 && n <= kMaxMarginPx; });
  if (numbers.size() != 4 || !sane) return {};
  return {static_cast<int>(numbers[0]), static_cast<int>(numbers[1]), static_cast<int>(numbers[2]), static_cast<int>(numbers[3])};
}

bool XDisplay::ReadWindow(uint64_t id, WindowInfo& info) {
  XWindowAttributes attributes = {};
  if (XGetWindowAttributes(display_, id, &attributes) == 0) return false;
  Window child = 0;
  int x = 0, y = 0;
  if (!XTranslateCoordinates(display_, id, root_, 0, 0, &x, &y, &child)) return false;
  info.id = id;
  const Margins shadow = MarginsOf(id, "_GTK_FRAME_EXTENTS");
  info.box = {x + shadow.left, y + shadow.top, std::max(0, attributes.width - shadow.left - shadow.right),
              std::max(0, attributes.height - shadow.top - shadow.bottom)};
  const Margins frame = MarginsOf(id, "_NET_FRAME_EXTENTS");
  info.frame = {info.box.x - frame.left, info.box.y - frame.top, info.box.width + frame.left + frame.right,
                info.box.height + frame.top + frame.bottom};
  info.title = TextProperty(id, "_NET_WM_NAME");
  if (info.title.empty()) info.title = TextProperty(id, "WM_NAME");
  info.title = SanitizeUtf8(info.title);
  // "instance\0Class\0".
  const std::string names = TextProperty(id, "WM_CLASS");
  const size_t first = names.find('\0');
  if (first != std::string::npos) info.application = SanitizeUtf8(names.substr(first + 1, names.find('\0', first + 1) - first - 1));
  const std::vector<int64_t> pid = Numbers(id, "_NET_WM_PID", "CARDINAL");
  if (!pid.empty()) info.pid = static_cast<int>(pid[0]);
  return true;
}

std::vector<WindowInfo> XDisplay::Windows() {
  std::vector<uint64_t> ids = WindowList(root_, "_NET_CLIENT_LIST_STACKING");
  std::reverse(ids.begin(), ids.end());
  if (ids.size() > kMaxWindows) ids.resize(kMaxWindows);
  const std::vector<uint64_t> active = WindowList(root_, "_NET_ACTIVE_WINDOW");
  std::vector<WindowInfo> out;
  for (const uint64_t id : ids) {
    const std::vector<int64_t> kinds = Numbers(id, "_NET_WM_WINDOW_TYPE", "ATOM");
    if (Contains(kinds, AtomOf("_NET_WM_WINDOW_TYPE_DESKTOP")) || Contains(kinds, AtomOf("_NET_WM_WINDOW_TYPE_DOCK"))) continue;
    WindowInfo info;
    if (!ReadWindow(id, info)) continue;
    info.focused = !active.empty() && active[0] == id;
    info.minimized = Contains(Numbers(id, "_NET_WM_STATE", "ATOM"), AtomOf("_NET_WM_STATE_HIDDEN"));
    out.push_back(std::move(info));
  }
  return out;
}

std::vector<WindowInfo> XDisplay::Popups() {
  Window root = 0, parent = 0;
  Window* children = nullptr;
  unsigned int count = 0;
  std::vector<WindowInfo> out;
  if (XQueryTree(display_, root_, &root, &parent, &children, &count) == 0) return out;
  for (unsigned int i = count; i-- > 0 && out.size() < kMaxWindows;) {
    XWindowAttributes attributes = {};
    if (XGetWindowAttributes(display_, children[i], &attributes) == 0) continue;
    const bool shown = attributes.map_state == IsViewable && attributes.c_class == InputOutput;
    if (!shown || !attributes.override_redirect || attributes.width <= 1 || attributes.height <= 1) continue;
    WindowInfo info;
    if (!ReadWindow(children[i], info)) continue;
    // The window manager's own are override-redirect too, but of no application.
    if (info.application.empty()) continue;
    info.popup = true;
    out.push_back(std::move(info));
  }
  if (children != nullptr) XFree(children);
  return out;
}

bool XDisplay::AwaitNewWindow(const std::vector<WindowInfo>& before, absl::Time deadline) {
  std::set<uint64_t> known;
  for (const WindowInfo& window : before) known.insert(window.id);
  for (;;) {
    for (const WindowInfo& window : Windows()) {
      if (!known.contains(window.id) && !window.minimized) return true;
    }
    if (!AwaitEvent(deadline)) return false;
  }
}

bool XDisplay::AwaitInput(absl::Time deadline) {
  const std::vector<uint64_t> active = WindowList(root_, "_NET_ACTIVE_WINDOW");
  if (active.empty() || active[0] == 0 || !Contains(Numbers(active[0], "WM_PROTOCOLS", "ATOM"), AtomOf("_NET_WM_PING"))) return true;
  // Twice: the X server may take the first one in before the input that came to it by VNC.
  for (int i = 0; i < 2; ++i) {
    XEvent event = {};
    event.xclient.type = ClientMessage;
    event.xclient.window = active[0];
    event.xclient.message_type = AtomOf("WM_PROTOCOLS");
    event.xclient.format = 32;
    event.xclient.data.l[0] = static_cast<long>(AtomOf("_NET_WM_PING"));
    event.xclient.data.l[1] = static_cast<long>(++ping_);
    event.xclient.data.l[2] = static_cast<long>(active[0]);
    XSendEvent(display_, active[0], False, 0, &event);
    XFlush(display_);
    while (answered_ping_ < ping_) {
      if (!AwaitEvent(deadline)) return false;
    }
  }
  return true;
}

Box XDisplay::Screen() const {
  const int screen = DefaultScreen(display_);
  return {0, 0, DisplayWidth(display_, screen), DisplayHeight(display_, screen)};
}

void XDisplay::Activate(uint64_t window) {
  XEvent event = {};
  event.xclient.type = ClientMessage;
  event.xclient.window = window;
  event.xclient.message_type = AtomOf("_NET_ACTIVE_WINDOW");
  event.xclient.format = 32;
  // From a pager: the window manager obeys it.
  event.xclient.data.l[0] = 2;
  event.xclient.data.l[1] = CurrentTime;
  XSendEvent(display_, root_, False, SubstructureRedirectMask | SubstructureNotifyMask, &event);
  XFlush(display_);
}

}  // namespace proctor::env::desktop::guest
