#include "env/desktop/guest/accessibility.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/status.h"
#include "common/strings.h"
#include "env/desktop/guest/tree_walk.h"

namespace proctor::env::desktop::guest {
namespace {

constexpr char kRegistry[] = "org.a11y.atspi.Registry";
constexpr char kRoot[] = "/org/a11y/atspi/accessible/root";
constexpr char kAccessible[] = "org.a11y.atspi.Accessible";
constexpr char kProperties[] = "org.freedesktop.DBus.Properties";
constexpr size_t kMaxApplications = 100;
constexpr size_t kMaxNameBytes = 1000;
// One that does not even say its name does not hold up the others.
constexpr absl::Duration kLearnCap = absl::Milliseconds(500);

std::vector<AccessibleRef> ReadRefs(GVariant* reply) {
  std::vector<AccessibleRef> refs;
  GVariantIter* items = nullptr;
  g_variant_get(reply, "(a(so))", &items);
  const char *bus = nullptr, *path = nullptr;
  while (refs.size() < kMaxApplications && g_variant_iter_next(items, "(&s&o)", &bus, &path)) refs.push_back({bus, path});
  g_variant_iter_free(items);
  return refs;
}

// A text in a variant; empty if it is none.
std::string VariantText(GVariant* reply) {
  if (reply == nullptr) return "";
  GVariant* value = nullptr;
  g_variant_get(reply, "(v)", &value);
  std::string text;
  if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING)) text = SanitizeUtf8(TruncateUtf8(g_variant_get_string(value, nullptr), kMaxNameBytes));
  g_variant_unref(value);
  return text;
}

Box Intersect(const Box& a, const Box& b) {
  const int left = std::max(a.x, b.x), top = std::max(a.y, b.y);
  return {left, top, std::min(a.x + a.width, b.x + b.width) - left, std::min(a.y + a.height, b.y + b.height) - top};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Accessibility>> Accessibility::Start(const std::string& session_bus, absl::Time deadline) {
  auto out = std::unique_ptr<Accessibility>(new Accessibility());
  PROCTOR_ASSIGN_OR_RETURN(out->session_, ConnectBus(session_bus));
  const absl::StatusOr<Variant> address = CallBus(out->session_.get(), {.bus = "org.a11y.Bus",
                                                                        .path = "/org/a11y/bus",
                                                                        .interface = "org.a11y.Bus",
                                                                        .method = "GetAddress",
                                                                        .reply = "(s)"},
                                                  deadline);
  PROCTOR_RETURN_IF_ERROR(Annotate(address.status(), "accessibility bus (package at-spi2-core)"));
  // Some toolkits build no tree unless somebody says that it is read.
  for (const char* property : {"IsEnabled", "ScreenReaderEnabled"}) {
    PROCTOR_RETURN_IF_ERROR(Annotate(CallBus(out->session_.get(),
                                             {.bus = "org.a11y.Bus",
                                              .path = "/org/a11y/bus",
                                              .interface = kProperties,
                                              .method = "Set",
                                              .arguments = g_variant_new("(ssv)", "org.a11y.Status", property, g_variant_new_boolean(TRUE))},
                                             deadline)
                                         .status(),
                                     "turning accessibility on"));
  }
  const char* text = nullptr;
  g_variant_get(address->get(), "(&s)", &text);
  PROCTOR_ASSIGN_OR_RETURN(out->bus_, ConnectBus(text));
  // The first question starts the registry.
  PROCTOR_RETURN_IF_ERROR(CallBus(out->bus_.get(), {.bus = kRegistry, .path = kRoot, .interface = kAccessible, .method = "GetRole"}, deadline).status());
  return out;
}

std::vector<AccessibleRef> Accessibility::Applications(absl::Time deadline) {
  const absl::StatusOr<Variant> reply =
      CallBus(bus_.get(), {.bus = kRegistry, .path = kRoot, .interface = kAccessible, .method = "GetChildren", .reply = "(a(so))"}, deadline);
  if (!reply.ok()) return {};
  std::vector<AccessibleRef> applications = ReadRefs(reply->get());
  // Bus names are never used again: what is gone is forgotten.
  std::set<std::string> alive;
  for (const AccessibleRef& application : applications) alive.insert(application.bus);
  std::erase_if(applications_, [&](const auto& entry) { return !alive.contains(entry.first); });
  Learn(applications, deadline);
  return applications;
}

void Accessibility::Learn(const std::vector<AccessibleRef>& applications, absl::Time deadline) {
  BusCalls calls(bus_.get(), std::min(deadline, absl::Now() + kLearnCap));
  for (const AccessibleRef& ref : applications) {
    Application& facts = applications_[ref.bus];
    if (facts.known) continue;
    calls.Send({.bus = "org.freedesktop.DBus", .path = "/org/freedesktop/DBus", .interface = "org.freedesktop.DBus",
                .method = "GetConnectionUnixProcessID", .arguments = g_variant_new("(s)", ref.bus.c_str()), .reply = "(u)"},
               [&facts](GVariant* reply) {
                 guint32 pid = 0;
                 if (reply != nullptr) g_variant_get(reply, "(u)", &pid);
                 facts.pid = static_cast<int>(pid);
               });
    calls.Send({.bus = ref.bus, .path = ref.path, .interface = kProperties, .method = "Get",
                .arguments = g_variant_new("(ss)", kAccessible, "Name"), .reply = "(v)"},
               [&facts](GVariant* reply) { facts.name = VariantText(reply); });
    const auto ask = [&](const char* property, std::function<void(GVariant*)> done) {
      calls.Send({.bus = ref.bus, .path = ref.path, .interface = kProperties, .method = "Get",
                  .arguments = g_variant_new("(ss)", "org.a11y.atspi.Application", property), .reply = "(v)"},
                 std::move(done));
    };
    // "gtk" is GTK 3's, "GTK" is GTK 4's.
    ask("ToolkitName", [&facts](GVariant* reply) {
      facts.gtk4 = VariantText(reply) == "GTK";
      facts.known = reply != nullptr;
    });
  }
  calls.Await();
}

AccessibleTree Accessibility::Read(XDisplay& display, absl::Time deadline, size_t max_nodes) {
  const std::vector<AccessibleRef> applications = Applications(deadline);
  BusCalls calls(bus_.get(), deadline);
  TreeWalk walk(*this, calls, max_nodes);
  walk.Begin(applications);
  calls.Await();
  AccessibleTree tree = walk.Take(display.Windows());
  for (const AccessibleRef& application : applications) {
    if (!applications_[application.bus].known) tree.silent.push_back(absl::StrCat("process ", applications_[application.bus].pid));
  }
  return tree;
}

absl::StatusOr<Location> Accessibility::Locate(XDisplay& display, const AccessibleRef& ref, const std::vector<std::string>& scrolled_in,
                                               uint64_t window, absl::Time deadline) {
  const auto facts = applications_.find(ref.bus);
  if (facts == applications_.end()) return absl::NotFoundError("its application has ended");
  const bool gtk4 = facts->second.gtk4;
  Location out;
  std::vector<std::optional<Box>> areas(scrolled_in.size());
  bool answered = false;
  BusCalls calls(bus_.get(), deadline);
  calls.Send({.bus = ref.bus, .path = ref.path, .interface = kAccessible, .method = "GetState", .reply = "(au)"},
             [&](GVariant* reply) {
               if (reply == nullptr) return;
               const Variant states(g_variant_get_child_value(reply, 0));
               out.states = StateBits(states.get());
               answered = true;
             });
  const auto ask_box = [&](const std::string& path, std::optional<Box>& box) {
    calls.Send({.bus = ref.bus, .path = path, .interface = "org.a11y.atspi.Component", .method = "GetExtents",
                .arguments = g_variant_new("(u)", gtk4 ? 1U : 0U), .reply = "((iiii))"},
               [&box](GVariant* reply) { box = BoxOfExtents(reply); });
  };
  ask_box(ref.path, out.box);
  for (size_t i = 0; i < areas.size(); ++i) ask_box(scrolled_in[i], areas[i]);
  if (!calls.Await()) return absl::DeadlineExceededError("its application does not answer");
  if (!answered) return absl::NotFoundError("it is gone");
  if (!out.box) return out;
  Box seen = *out.box;
  for (const std::optional<Box>& area : areas) seen = area ? Intersect(seen, *area) : seen;
  if (gtk4) {
    const std::vector<WindowInfo> windows = display.Windows();
    const auto own = std::find_if(windows.begin(), windows.end(), [&](const WindowInfo& info) { return info.id == window; });
    if (own == windows.end()) return absl::NotFoundError("its window is gone");
    for (Box* box : {&*out.box, &seen}) {
      box->x += own->box.x;
      box->y += own->box.y;
    }
  }
  seen = Intersect(seen, display.Screen());
  if (seen.width > 0 && seen.height > 0) out.seen = seen;
  return out;
}

bool Accessibility::HasWindow(int pid, absl::Time deadline) {
  for (const AccessibleRef& application : Applications(deadline)) {
    if (applications_[application.bus].pid != pid) continue;
    const absl::StatusOr<Variant> children =
        CallBus(bus_.get(), {.bus = application.bus, .path = application.path, .interface = kAccessible, .method = "GetChildren", .reply = "(a(so))"}, deadline);
    return children.ok() && !ReadRefs(children->get()).empty();
  }
  return false;
}

}  // namespace proctor::env::desktop::guest
