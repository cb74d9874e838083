#include "env/desktop/element_list.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/strings.h"
#include "env/desktop/accessible_roles.h"
#include "env/desktop/guest/accessible_states.h"

namespace proctor::env::desktop {
namespace {

constexpr size_t kMaxTextCharacters = 200;

// White space squeezed, cut at `most` characters.
std::string Squeeze(const std::string& text, size_t most) {
  std::string out;
  size_t characters = 0;
  bool space = false;
  for (const char c : text) {
    if (absl::ascii_isspace(static_cast<unsigned char>(c))) {
      space = !out.empty();
      continue;
    }
    const bool begins = (c & 0xC0) != 0x80;
    if (begins && characters + (space ? 2 : 1) > most) break;
    if (space) {
      out += ' ';
      ++characters;
    }
    space = false;
    out += c;
    characters += begins ? 1 : 0;
  }
  return out;
}

// GTK 4 gives its classes' names to widgets that have none, and says a button's label twice.
std::string CleanName(const std::string& name) {
  for (const char* prefix : {"Gtk", "Adw", "Gdk"}) {
    if (name.size() > 3 && absl::StartsWith(name, prefix) && absl::ascii_isupper(static_cast<unsigned char>(name[3])) &&
        name.find(' ') == std::string::npos) {
      return "";
    }
  }
  const size_t half = name.size() / 2;
  if (name.size() % 2 == 1 && name[half] == ' ' && name.compare(0, half, name, half + 1, half) == 0) return name.substr(0, half);
  return name;
}

v1::Rect Intersect(const v1::Rect& a, const v1::Rect& b) {
  const double left = std::max(a.x(), b.x()), top = std::max(a.y(), b.y());
  v1::Rect out;
  out.set_x(left);
  out.set_y(top);
  out.set_width(std::max(0.0, std::min(a.x() + a.width(), b.x() + b.width()) - left));
  out.set_height(std::max(0.0, std::min(a.y() + a.height(), b.y() + b.height()) - top));
  return out;
}

bool IsEmpty(const v1::Rect& box) { return box.width() < 1 || box.height() < 1; }

bool IsTextRole(int role) {
  const std::string_view aria = RoleOf(role).aria;
  return aria == "textbox" || aria == "combobox" || aria == "spinbutton";
}

std::string ValueOf(const AccessibleNode& node) {
  if (node.role == kRolePasswordText) return "";
  if (node.value && !IsTextRole(node.role)) return absl::StrCat(*node.value);
  if (IsTextRole(node.role)) return node.text.empty() && node.value ? absl::StrCat(*node.value) : node.text;
  return "";
}

void AddStates(const AccessibleNode& node, v1::Element& element) {
  const auto add = [&](bool holds, v1::ElementState state) {
    if (holds) element.add_states(state);
  };
  const uint64_t states = node.states;
  const bool checkable = RoleOf(node.role).checkable || Has(states, AccessibleState::kCheckable);
  const bool expandable = Has(states, AccessibleState::kExpandable);
  add(Has(states, AccessibleState::kChecked), v1::ELEMENT_STATE_CHECKED);
  add(Has(states, AccessibleState::kSelected), v1::ELEMENT_STATE_SELECTED);
  add(expandable && Has(states, AccessibleState::kExpanded), v1::ELEMENT_STATE_EXPANDED);
  add(expandable && !Has(states, AccessibleState::kExpanded), v1::ELEMENT_STATE_COLLAPSED);
  add(!Has(states, AccessibleState::kSensitive), v1::ELEMENT_STATE_DISABLED);
  add(element.role() == "textbox" && !element.editable(), v1::ELEMENT_STATE_READONLY);
  add(Has(states, AccessibleState::kRequired), v1::ELEMENT_STATE_REQUIRED);
  add(Has(states, AccessibleState::kInvalidEntry), v1::ELEMENT_STATE_INVALID);
  add(Has(states, AccessibleState::kFocused), v1::ELEMENT_STATE_FOCUSED);
  add(Has(states, AccessibleState::kPressed), v1::ELEMENT_STATE_PRESSED);
  add(Has(states, AccessibleState::kMultiselectable), v1::ELEMENT_STATE_MULTIPLE);
  add(checkable, v1::ELEMENT_STATE_CHECKABLE);
  add(node.role == kRolePasswordText, v1::ELEMENT_STATE_PASSWORD);
}

std::string StateWords(const v1::Element& element) {
  std::string out;
  for (const int state : element.states()) {
    const std::string name = v1::ElementState_Name(static_cast<v1::ElementState>(state));
    absl::StrAppend(&out, " ", absl::AsciiStrToLower(absl::StripPrefix(name, "ELEMENT_STATE_")));
  }
  return out;
}

// The widgets of a look with what can only be known from all of them.
class Look {
 public:
  Look(const std::vector<AccessibleNode>& nodes, const v1::Size& screen)
      : nodes_(nodes), names_(nodes.size()), seen_(nodes.size()), area_(nodes.size()), in_menu_(nodes.size()) {
    v1::Rect whole;
    whole.set_width(screen.width());
    whole.set_height(screen.height());
    Clip(whole);
    Name();
  }

  const std::string& name(size_t i) const { return names_[i]; }
  // What of it is not cut off by the screen's edge or by what it is scrolled in.
  const std::optional<v1::Rect>& seen(size_t i) const { return seen_[i]; }
  bool in_menu(size_t i) const { return in_menu_[i]; }
  // Paths of the scroll areas that it lies in, the innermost first.
  std::vector<std::string> ScrolledIn(size_t i) const {
    std::vector<std::string> paths;
    for (std::optional<size_t> area = area_[i]; area; area = area_[*area]) paths.push_back(nodes_[*area].path);
    return paths;
  }

  v1::Element MakeElement(size_t i) const {
    const AccessibleNode& node = nodes_[i];
    v1::Element element;
    element.set_role(std::string(RoleOf(node.role).aria));
    element.set_tag(std::string(RoleOf(node.role).name));
    element.set_name(Squeeze(names_[i], kMaxTextCharacters));
    if (!IsTextRole(node.role)) element.set_text(Squeeze(node.text, kMaxTextCharacters));
    element.set_value(ValueOf(node));
    element.set_editable(Has(node.states, AccessibleState::kEditable));
    element.set_identifier(node.identifier);
    element.set_application(node.application);
    element.set_in_viewport(seen_[i].has_value());
    if (node.box) *element.mutable_box() = *node.box;
    AddStates(node, element);
    return element;
  }

  bool IsListed(size_t i) const {
    const AccessibleNode& node = nodes_[i];
    if (!node.box || IsEmpty(*node.box)) return false;
    if (Has(node.states, AccessibleState::kEditable)) return true;
    if (RoleOf(node.role).kind != RoleKind::kControl) return false;
    // Texts that cannot be put the cursor into are there to be read.
    return !IsTextRole(node.role) || Has(node.states, AccessibleState::kFocusable) || RoleOf(node.role).aria != "textbox";
  }

 private:
  void Clip(const v1::Rect& screen) {
    // By depth: what the widgets of that depth are cut off by, which scroll area that is, and whether they are in a menu.
    std::vector<v1::Rect> clips = {screen};
    std::vector<std::optional<size_t>> areas = {std::nullopt};
    std::vector<bool> menus = {false};
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const AccessibleNode& node = nodes_[i];
      clips.resize(static_cast<size_t>(node.depth) + 1, screen);
      areas.resize(static_cast<size_t>(node.depth) + 1);
      area_[i] = areas.back();
      menus.resize(static_cast<size_t>(node.depth) + 1, false);
      in_menu_[i] = menus.back();
      const std::string_view role = RoleOf(node.role).name;
      menus.push_back(menus.back() || role == "menu" || role == "popup menu" || role == "window");
      const bool scrolls = node.box && (role == "scroll pane" || role == "viewport");
      const v1::Rect outer = clips[static_cast<size_t>(node.depth)];
      v1::Rect inner = outer;
      if (node.box) {
        const v1::Rect part = Intersect(*node.box, outer);
        if (!IsEmpty(part)) seen_[i] = part;
        // Menus reach beyond the bar that they hang from.
        if (scrolls) inner = part;
      }
      clips.push_back(inner);
      areas.push_back(scrolls ? i : area_[i]);
    }
  }

  // Widgets without a name are called by the texts in them.
  void Name() {
    std::vector<size_t> nameless;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const AccessibleNode& node = nodes_[i];
      names_[i] = CleanName(node.name);
      while (!nameless.empty() && nodes_[nameless.back()].depth >= node.depth) nameless.pop_back();
      const RoleKind kind = RoleOf(node.role).kind;
      if (kind == RoleKind::kContent && names_[i].empty()) names_[i] = node.text;
      if (kind == RoleKind::kContent && !nameless.empty() && !names_[i].empty()) {
        std::string& name = names_[nameless.back()];
        absl::StrAppend(&name, name.empty() ? "" : " ", names_[i]);
      }
      if (kind == RoleKind::kControl && names_[i].empty() && !IsTextRole(node.role)) nameless.push_back(i);
    }
  }

  const std::vector<AccessibleNode>& nodes_;
  std::vector<std::string> names_;
  std::vector<std::optional<v1::Rect>> seen_;
  // The innermost scroll area around it.
  std::vector<std::optional<size_t>> area_;
  std::vector<bool> in_menu_;
};

// Nothing to say: they only hold others.
bool IsWorthALine(const AccessibleNode& node, const std::string& name) {
  if (!name.empty() || !node.text.empty()) return true;
  const std::string_view aria = RoleOf(node.role).aria;
  return RoleOf(node.role).kind == RoleKind::kStructure && aria != "generic" && aria != "group" && aria != "scrollbar" && aria != "separator";
}

}  // namespace

int ElementList::MarkOf(const AccessibleNode& node) {
  int& mark = marks_[{node.bus, node.path}];
  if (mark == 0) mark = ++last_mark_;
  return mark;
}

void ElementList::Update(const AccessibleNodes& nodes, const v1::Size& screen) {
  const Look look(nodes.nodes, screen);
  elements_.clear();
  by_mark_.clear();
  tree_.clear();
  truncated_ = nodes.truncated;
  focused_mark_ = 0;
  // By depth: how far the lines below are indented.
  std::vector<size_t> indents = {0};
  for (size_t i = 0; i < nodes.nodes.size(); ++i) {
    const AccessibleNode& node = nodes.nodes[i];
    indents.resize(static_cast<size_t>(node.depth) + 1, 0);
    size_t indent = indents.back();
    std::string line;
    if (look.IsListed(i) && elements_.size() < kMaxElements) {
      ListedElement listed = {.element = look.MakeElement(i),
                              .bus = node.bus,
                              .path = node.path,
                              .window = node.window,
                              .scrolled_in = look.ScrolledIn(i),
                              .seen = look.seen(i).value_or(v1::Rect()),
                              .in_menu = look.in_menu(i)};
      const int mark = MarkOf(node);
      listed.element.set_mark(mark);
      if (Has(node.states, AccessibleState::kFocused)) focused_mark_ = mark;
      line = absl::StrCat("[", mark, "] ", listed.element.role());
      if (!listed.element.name().empty()) absl::StrAppend(&line, " \"", listed.element.name(), "\"");
      if (!listed.element.value().empty()) absl::StrAppend(&line, " value=\"", Squeeze(listed.element.value(), kMaxTextCharacters), "\"");
      absl::StrAppend(&line, StateWords(listed.element));
      by_mark_[mark] = elements_.size();
      elements_.push_back(std::move(listed));
    } else if (look.IsListed(i)) {
      truncated_ = true;
    } else if (IsWorthALine(node, look.name(i)) && (look.seen(i).has_value() || !node.box)) {
      line = std::string(RoleOf(node.role).aria);
      const std::string name = Squeeze(look.name(i), kMaxTextCharacters);
      if (!name.empty()) absl::StrAppend(&line, " \"", name, "\"");
      const std::string text = Squeeze(node.text, kMaxTextCharacters);
      if (!text.empty() && text != name) absl::StrAppend(&line, " value=\"", text, "\"");
    }
    if (!line.empty()) {
      absl::StrAppend(&tree_, std::string(indent, ' '), line, "\n");
      indent += 2;
    }
    indents.push_back(indent);
  }
}

const ListedElement* ElementList::Find(int mark) const {
  const auto found = by_mark_.find(mark);
  return found == by_mark_.end() ? nullptr : &elements_[found->second];
}

}  // namespace proctor::env::desktop
