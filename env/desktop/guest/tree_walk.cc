#include "env/desktop/guest/tree_walk.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "common/strings.h"
#include "env/desktop/guest/accessible_states.h"

namespace proctor::env::desktop::guest {
namespace {

constexpr char kAccessible[] = "org.a11y.atspi.Accessible";
constexpr char kComponent[] = "org.a11y.atspi.Component";
constexpr char kText[] = "org.a11y.atspi.Text";
constexpr char kValue[] = "org.a11y.atspi.Value";
constexpr char kProperties[] = "org.freedesktop.DBus.Properties";
constexpr char kCachePath[] = "/org/a11y/atspi/cache";
// Beyond this a widget is a table of data: its cells are too many to be asked for.
constexpr int kMaxChildren = 2000;
constexpr int kMaxTextCharacters = 2000;
// Far deeper than interfaces are; the server takes no more.
constexpr int kMaxDepth = 200;
constexpr size_t kMaxNameBytes = 4000;

std::string Name(const char* text) { return SanitizeUtf8(TruncateUtf8(text, kMaxNameBytes)); }

}  // namespace

uint64_t StateBits(GVariant* array) {
  if (array == nullptr || !g_variant_is_of_type(array, G_VARIANT_TYPE("au"))) return 0;
  uint64_t bits = 0;
  for (gsize i = 0; i < std::min<gsize>(g_variant_n_children(array), 2); ++i) {
    guint32 word = 0;
    g_variant_get_child(array, i, "u", &word);
    bits |= static_cast<uint64_t>(word) << (32 * i);
  }
  return bits;
}

std::optional<Box> BoxOfExtents(GVariant* reply) {
  if (reply == nullptr) return std::nullopt;
  Box box;
  g_variant_get(reply, "((iiii))", &box.x, &box.y, &box.width, &box.height);
  const auto sane = [](int n) { return n > -100'000 && n < 100'000; };
  if (!sane(box.x) || !sane(box.y) || box.width <= 0 || box.height <= 0 || !sane(box.width) || !sane(box.height)) return std::nullopt;
  return box;
}

void TreeWalk::Begin(const std::vector<AccessibleRef>& applications) {
  for (const AccessibleRef& root : applications) {
    const auto facts = accessibility_.applications_.find(root.bus);
    if (facts == accessibility_.applications_.end() || !facts->second.known) continue;
    auto app = std::make_unique<App>();
    app->root = root;
    app->facts = &facts->second;
    app->node.out.ref = root;
    app->node.shown = true;
    App& entry = *app;
    apps_.push_back(std::move(app));
    entry.facts->has_cache ? AskCache(entry) : AskChildren(entry, entry.node);
  }
}

void TreeWalk::AskCache(App& app) {
  calls_.Send({.bus = app.root.bus,
               .path = kCachePath,
               .interface = "org.a11y.atspi.Cache",
               .method = "GetItems",
               .reply = "(a((so)(so)(so)iiassusau))"},
              [this, &app](GVariant* reply) {
                if (reply != nullptr) BuildFromCache(app, reply);
                if (!app.node.children.empty()) return;
                // It has none: asked widget by widget from now on.
                accessibility_.applications_[app.root.bus].has_cache = false;
                AskChildren(app, app.node);
              });
}

void TreeWalk::BuildFromCache(App& app, GVariant* items) {
  app.answered = true;
  std::map<std::string, Node*> by_path = {{app.root.path, &app.node}};
  std::map<std::string, std::vector<Node*>> by_parent;
  GVariant* list = g_variant_get_child_value(items, 0);
  GVariantIter iterator;
  g_variant_iter_init(&iterator, list);
  const char *bus = nullptr, *path = nullptr, *app_bus = nullptr, *app_path = nullptr, *parent_bus = nullptr, *parent = nullptr;
  const char *name = nullptr, *description = nullptr;
  gint32 index = 0, child_count = 0;
  guint32 role = 0;
  GVariantIter* interfaces = nullptr;
  GVariant* states = nullptr;
  while (g_variant_iter_next(&iterator, "((&s&o)(&s&o)(&s&o)iias&su&s@au)", &bus, &path, &app_bus, &app_path, &parent_bus,
                             &parent, &index, &child_count, &interfaces, &name, &role, &description, &states)) {
    Node node;
    node.out.ref = {app.root.bus, path};
    node.out.name = Name(name);
    node.out.role = static_cast<int>(role);
    node.out.states = StateBits(states);
    node.index = index;
    node.child_count = child_count;
    const char* interface = nullptr;
    while (g_variant_iter_next(interfaces, "&s", &interface)) {
      const std::string_view view(interface);
      node.has_component |= view == kComponent;
      node.has_text |= view == kText;
      node.has_value |= view == kValue;
    }
    g_variant_iter_free(interfaces);
    g_variant_unref(states);
    const std::string key = path;
    if (key == app.root.path || by_path.contains(key)) continue;
    if (nodes_.size() >= 10 * max_nodes_) {
      truncated_ = true;
      break;
    }
    Node& kept = nodes_.emplace_back(std::move(node));
    by_path[key] = &kept;
    by_parent[parent].push_back(&kept);
  }
  g_variant_unref(list);
  for (auto& [parent_path, children] : by_parent) {
    const auto owner = by_path.find(parent_path);
    if (owner == by_path.end()) continue;
    std::stable_sort(children.begin(), children.end(), [](const Node* a, const Node* b) { return a->index < b->index; });
    for (Node* child : children) child->parent = owner->second;
    owner->second->children = std::move(children);
  }
  for (Node* child : app.node.children) ShowCached(app, *child, 0);
}

void TreeWalk::ShowCached(App& app, Node& node, int depth) {
  if (depth > kMaxDepth) {
    truncated_ = true;
    return;
  }
  node.shown = IsShown(app, node);
  if (!node.shown) return;
  AskDetails(app, node);
  if (node.children.empty() && node.child_count != 0) {
    // Cells of a list are not in the cache.
    AskChildren(app, node);
    return;
  }
  for (Node* child : node.children) ShowCached(app, *child, depth + 1);
}

bool TreeWalk::IsShown(const App& app, const Node& node) const {
  if (node.parent == nullptr || !node.parent->shown || !Has(node.out.states, AccessibleState::kVisible)) return false;
  return app.facts->gtk4 || Has(node.out.states, AccessibleState::kShowing);
}

void TreeWalk::AskChildren(App& app, Node& parent) {
  int depth = 0;
  for (const Node* above = parent.parent; above != nullptr; above = above->parent) ++depth;
  if (depth > kMaxDepth) {
    truncated_ = true;
    return;
  }
  calls_.Send({.bus = app.root.bus, .path = parent.out.ref.path, .interface = kAccessible, .method = "GetChildren", .reply = "(a(so))"},
              [this, &app, &parent](GVariant* reply) {
                if (reply == nullptr) return;
                app.answered = true;
                GVariantIter* children = nullptr;
                g_variant_get(reply, "(a(so))", &children);
                const char *bus = nullptr, *path = nullptr;
                while (g_variant_iter_next(children, "(&s&o)", &bus, &path)) {
                  // What another application embeds is asked there.
                  if (app.root.bus != bus || std::string_view(path) == "/org/a11y/atspi/null") continue;
                  if (nodes_.size() >= 10 * max_nodes_ || parent.children.size() >= kMaxChildren) {
                    truncated_ = true;
                    break;
                  }
                  Node& child = nodes_.emplace_back();
                  child.out.ref = {bus, path};
                  child.parent = &parent;
                  parent.children.push_back(&child);
                }
                g_variant_iter_free(children);
                for (Node* child : parent.children) AskAbout(app, *child);
              });
}

void TreeWalk::AskAbout(App& app, Node& node) {
  const std::string& bus = app.root.bus;
  const std::string& path = node.out.ref.path;
  node.asked = 4;
  const auto answered = [this, &app, &node] {
    if (--node.asked == 0) Answered(app, node);
  };
  calls_.Send({.bus = bus, .path = path, .interface = kAccessible, .method = "GetState", .reply = "(au)"},
              [&node, answered](GVariant* reply) {
                if (reply != nullptr) {
                  const Variant states(g_variant_get_child_value(reply, 0));
                  node.out.states = StateBits(states.get());
                }
                answered();
              });
  calls_.Send({.bus = bus, .path = path, .interface = kAccessible, .method = "GetRole", .reply = "(u)"},
              [&node, answered](GVariant* reply) {
                guint32 role = 0;
                if (reply != nullptr) g_variant_get(reply, "(u)", &role);
                node.out.role = static_cast<int>(role);
                answered();
              });
  calls_.Send({.bus = bus, .path = path, .interface = kAccessible, .method = "GetInterfaces", .reply = "(as)"},
              [&node, answered](GVariant* reply) {
                GVariantIter* names = nullptr;
                if (reply != nullptr) {
                  g_variant_get(reply, "(as)", &names);
                  const char* name = nullptr;
                  while (g_variant_iter_next(names, "&s", &name)) {
                    const std::string_view view(name);
                    node.has_component |= view == kComponent;
                    node.has_text |= view == kText;
                    node.has_value |= view == kValue;
                  }
                  g_variant_iter_free(names);
                }
                answered();
              });
  calls_.Send({.bus = bus, .path = path, .interface = kProperties, .method = "GetAll",
               .arguments = g_variant_new("(s)", kAccessible), .reply = "(a{sv})"},
              [&node, answered](GVariant* reply) {
                if (reply != nullptr) {
                  const Variant all(g_variant_get_child_value(reply, 0));
                  const char* text = nullptr;
                  if (g_variant_lookup(all.get(), "Name", "&s", &text)) node.out.name = Name(text);
                  if (g_variant_lookup(all.get(), "AccessibleId", "&s", &text)) node.out.identifier = Name(text);
                  gint32 count = 0;
                  node.child_count = g_variant_lookup(all.get(), "ChildCount", "i", &count) ? count : -1;
                }
                answered();
              });
}

void TreeWalk::Answered(App& app, Node& node) {
  node.shown = IsShown(app, node);
  if (!node.shown) return;
  AskDetails(app, node);
  if (node.child_count > kMaxChildren) {
    truncated_ = true;
  } else if (node.child_count != 0) {
    AskChildren(app, node);
  }
}

void TreeWalk::AskDetails(App& app, Node& node) {
  const std::string& bus = app.root.bus;
  const std::string& path = node.out.ref.path;
  if (node.has_component) {
    // 0: of the screen; 1: of the window.
    calls_.Send({.bus = bus, .path = path, .interface = kComponent, .method = "GetExtents",
                 .arguments = g_variant_new("(u)", app.facts->gtk4 ? 1U : 0U), .reply = "((iiii))"},
                [&node](GVariant* reply) { node.out.box = BoxOfExtents(reply); });
  }
  if (node.has_text && node.out.role != kRolePasswordText) {
    calls_.Send({.bus = bus, .path = path, .interface = kText, .method = "GetText",
                 .arguments = g_variant_new("(ii)", 0, kMaxTextCharacters), .reply = "(s)"},
                [&node](GVariant* reply) {
                  const char* text = nullptr;
                  if (reply != nullptr) g_variant_get(reply, "(&s)", &text);
                  if (text != nullptr) node.out.text = SanitizeUtf8(TruncateUtf8(text, size_t{4} * kMaxTextCharacters));
                });
  }
  if (node.has_value) {
    calls_.Send({.bus = bus, .path = path, .interface = kProperties, .method = "Get",
                 .arguments = g_variant_new("(ss)", kValue, "CurrentValue"), .reply = "(v)"},
                [&node](GVariant* reply) {
                  if (reply == nullptr) return;
                  GVariant* value = nullptr;
                  g_variant_get(reply, "(v)", &value);
                  const double number = g_variant_is_of_type(value, G_VARIANT_TYPE_DOUBLE) ? g_variant_get_double(value) : NAN;
                  if (std::isfinite(number)) node.out.value = number;
                  g_variant_unref(value);
                });
  }
}

void TreeWalk::Emit(const App& app, const Node& node, int depth, uint64_t window, const Box* offset, AccessibleTree& tree) const {
  if (tree.nodes.size() >= max_nodes_) {
    tree.truncated = true;
    return;
  }
  AccessibleNode& out = tree.nodes.emplace_back(node.out);
  out.depth = depth;
  out.application = app.facts->name;
  out.window = window;
  if (offset != nullptr && out.box) {
    out.box->x += offset->x;
    out.box->y += offset->y;
  }
  for (const Node* child : node.children) {
    if (child->shown) Emit(app, *child, depth + 1, window, offset, tree);
  }
}

AccessibleTree TreeWalk::Take(const std::vector<WindowInfo>& windows) {
  struct Toplevel {
    size_t order;
    const App* app;
    const Node* node;
    const WindowInfo* window;
  };
  std::vector<Toplevel> found;
  AccessibleTree tree;
  tree.truncated = truncated_;
  for (const auto& app : apps_) {
    if (!app->answered) tree.silent.push_back(app->facts->name);
    for (const Node* node : app->node.children) {
      if (!node->shown) continue;
      // By process and title; a process with one window needs no title.
      const WindowInfo* match = nullptr;
      int of_process = 0;
      for (const WindowInfo& window : windows) {
        if (window.pid != app->facts->pid || window.popup) continue;
        ++of_process;
        if (match == nullptr || (match->title != node->out.name && window.title == node->out.name)) match = &window;
      }
      if (match != nullptr && of_process > 1 && match->title != node->out.name) match = nullptr;
      if (match != nullptr && match->minimized) continue;
      // Menus and what is not known come first: they lie above.
      const size_t order = match == nullptr ? 0 : 1 + static_cast<size_t>(match - windows.data());
      found.push_back({order, app.get(), node, match});
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const Toplevel& a, const Toplevel& b) { return a.order < b.order; });
  for (const Toplevel& top : found) {
    const bool shift = top.app->facts->gtk4 && top.window != nullptr;
    Emit(*top.app, *top.node, 0, top.window == nullptr ? 0 : top.window->id, shift ? &top.window->box : nullptr, tree);
  }
  return tree;
}

}  // namespace proctor::env::desktop::guest
