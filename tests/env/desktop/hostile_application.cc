// An application whose window and widgets say what no application should, for desktop_hostile_test.cc. It runs in the desktop.
//
//   hostile_application widgets    asked widget by widget: places that can change, a value that is no number, a role that there is not
//   hostile_application cached     a tree that is told at once, and far too deep
//
// Where the widgets "button" and "moving" are stands in the files of these names in the home directory, "x y width height".
#include <X11/Xatom.h>
#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <gio/gio.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace {

constexpr char kRoot[] = "/org/a11y/atspi/accessible/root";
constexpr int kDeep = 300;
constexpr int kFarTooDeep = 5000;
// Bits of AtspiStateType: enabled, focusable, sensitive, showing, visible.
constexpr guint32 kShown = 1U << 8 | 1U << 11 | 1U << 24 | 1U << 25 | 1U << 30;

struct Widget {
  std::vector<std::string> children;
  guint32 role = 0;
  int box[4] = {};
};

// By path; a path without its slash is the name.
const std::map<std::string, Widget>& Widgets() {
  static const auto* const widgets = new std::map<std::string, Widget>{
      {kRoot, {{"/window"}, 75, {}}},
      {"/window", {{"/button", "/slider", "/strange", "/pane", "/deep0"}, 23, {0, 0, 400, 300}}},
      {"/button", {{}, 43, {10, 10, 50, 20}}},
      {"/slider", {{}, 51, {10, 40, 50, 20}}},
      {"/strange", {{}, 4'000'000'000, {10, 70, 50, 20}}},
      {"/pane", {{"/moving"}, 49, {0, 100, 400, 100}}},
      {"/moving", {{}, 43, {0, 120, 100, 40}}},
  };
  return *widgets;
}

Widget Find(const std::string& path) {
  const auto found = Widgets().find(path);
  if (found != Widgets().end()) return found->second;
  const int depth = path.rfind("/deep", 0) == 0 ? atoi(path.c_str() + 5) : kDeep;
  return {depth < kDeep ? std::vector<std::string>{"/deep" + std::to_string(depth + 1)} : std::vector<std::string>{}, 39, {0, 0, 400, 300}};
}

GVariant* Children(const std::string& path, const std::string& bus) {
  GVariantBuilder builder;
  g_variant_builder_init(&builder, G_VARIANT_TYPE("a(so)"));
  for (const std::string& child : Find(path).children) g_variant_builder_add(&builder, "(so)", bus.c_str(), child.c_str());
  return g_variant_new("(a(so))", &builder);
}

GVariant* Properties(const std::string& path) {
  GVariantBuilder builder;
  g_variant_builder_init(&builder, G_VARIANT_TYPE("a{sv}"));
  g_variant_builder_add(&builder, "{sv}", "Name", g_variant_new_string(path.c_str() + 1));
  g_variant_builder_add(&builder, "{sv}", "ChildCount", g_variant_new_int32(static_cast<gint32>(Find(path).children.size())));
  return g_variant_new("(a{sv})", &builder);
}

GVariant* Property(const std::string& name) {
  if (name == "CurrentValue") return g_variant_new("(v)", g_variant_new_double(NAN));
  return g_variant_new("(v)", g_variant_new_string(name == "ToolkitName" ? "gtk" : "hostile"));
}

GVariant* Interfaces(const std::string& path) {
  const char* names[] = {"org.a11y.atspi.Component", path == "/slider" ? "org.a11y.atspi.Value" : nullptr, nullptr};
  return g_variant_new("(^as)", names);
}

GVariant* Extents(const std::string& path) {
  Widget widget = Find(path);
  std::ifstream told(std::string(getenv("HOME")) + path);
  for (int& number : widget.box) told.is_open() ? (void)(told >> number) : (void)0;
  return g_variant_new("((iiii))", widget.box[0], widget.box[1], widget.box[2], widget.box[3]);
}

GVariant* States() {
  const guint32 words[] = {kShown, 0};
  return g_variant_new("(@au)", g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, words, 2, sizeof words[0]));
}

// One widget in the other.
GVariant* DeepItems(const std::string& bus) {
  const guint32 words[] = {kShown, 0};
  GVariantBuilder items;
  g_variant_builder_init(&items, G_VARIANT_TYPE("a((so)(so)(so)iiassusau)"));
  std::string parent = kRoot;
  for (int i = 0; i < kFarTooDeep; ++i) {
    const std::string path = "/deep" + std::to_string(i);
    g_variant_builder_add(&items, "((so)(so)(so)ii@assus@au)", bus.c_str(), path.c_str(), bus.c_str(), kRoot, bus.c_str(), parent.c_str(), 0,
                          1,
                          g_variant_new_array(G_VARIANT_TYPE_STRING, nullptr, 0), path.c_str() + 1, i == 0 ? 23U : 39U, "",
                          g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, words, 2, sizeof words[0]));
    parent = path;
  }
  return g_variant_new("(a((so)(so)(so)iiassusau))", &items);
}

bool g_cached = false;

GVariant* Answer(const std::string& path, const std::string& method, GVariant* arguments, const std::string& bus) {
  if (method == "GetChildren") return Children(path, bus);
  if (method == "GetState") return States();
  if (method == "GetRole") return g_variant_new("(u)", Find(path).role);
  if (method == "GetInterfaces") return Interfaces(path);
  if (method == "GetExtents") return Extents(path);
  if (method == "GetAll") return Properties(path);
  if (method == "GetItems" && g_cached) return DeepItems(bus);
  if (method != "Get") return nullptr;
  const char *interface = nullptr, *name = nullptr;
  g_variant_get(arguments, "(&s&s)", &interface, &name);
  return Property(name);
}

GDBusMessage* OnMessage(GDBusConnection* connection, GDBusMessage* message, gboolean incoming, gpointer) {
  if (!incoming || g_dbus_message_get_message_type(message) != G_DBUS_MESSAGE_TYPE_METHOD_CALL) return message;
  GVariant* answer = Answer(g_dbus_message_get_path(message), g_dbus_message_get_member(message), g_dbus_message_get_body(message),
                            g_dbus_connection_get_unique_name(connection));
  GDBusMessage* reply = answer != nullptr ? g_dbus_message_new_method_reply(message)
                                          : g_dbus_message_new_method_error_literal(message, "org.freedesktop.DBus.Error.UnknownMethod", "no");
  if (answer != nullptr) g_dbus_message_set_body(reply, answer);
  g_dbus_connection_send_message(connection, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, nullptr, nullptr);
  g_object_unref(reply);
  g_object_unref(message);
  return nullptr;
}

// Answers from now on.
void JoinAccessibilityBus() {
  GDBusConnection* session = g_bus_get_sync(G_BUS_TYPE_SESSION, nullptr, nullptr);
  GVariant* address = g_dbus_connection_call_sync(session, "org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress", nullptr,
                                                  G_VARIANT_TYPE("(s)"), G_DBUS_CALL_FLAGS_NONE, -1, nullptr, nullptr);
  const char* text = nullptr;
  g_variant_get(address, "(&s)", &text);
  GDBusConnection* bus = g_dbus_connection_new_for_address_sync(
      text,
      static_cast<GDBusConnectionFlags>(G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION),
      nullptr, nullptr, nullptr);
  g_dbus_connection_add_filter(bus, &OnMessage, nullptr, nullptr);
  g_dbus_connection_call_sync(bus, "org.a11y.atspi.Registry", kRoot, "org.a11y.atspi.Socket", "Embed",
                              g_variant_new("((so))", g_dbus_connection_get_unique_name(bus), kRoot), nullptr, G_DBUS_CALL_FLAGS_NONE, -1, nullptr,
                              nullptr);
}

// A window of 200 x 100 pixels that says that its shadow is wider than any screen.
void ShowWindow() {
  Display* display = XOpenDisplay(nullptr);
  const Window window = XCreateSimpleWindow(display, DefaultRootWindow(display), 0, 0, 200, 100, 0, 0, 0);
  XStoreName(display, window, "hostile");
  XClassHint names = {const_cast<char*>("hostile"), const_cast<char*>("Hostile")};
  XSetClassHint(display, window, &names);
  const auto set = [&](const char* property, const std::vector<long>& numbers) {
    XChangeProperty(display, window, XInternAtom(display, property, False), XA_CARDINAL, 32, PropModeReplace,
                    reinterpret_cast<const unsigned char*>(numbers.data()), static_cast<int>(numbers.size()));
  };
  set("_GTK_FRAME_EXTENTS", {0x7fffffff, 0x7fffffff, -1, 5});
  set("_NET_WM_PID", {getpid()});
  XMapWindow(display, window);
  XFlush(display);
}

}  // namespace

int main(int argc, char** argv) {
  g_cached = argc > 1 && std::string(argv[1]) == "cached";
  JoinAccessibilityBus();
  ShowWindow();
  for (;;) pause();
}
