#include "env/android/ui_view.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/strings.h"

namespace proctor::env::android {
namespace {

constexpr int kMaxElements = 5000;
constexpr size_t kMaxVisibleCharacters = 200;
// Texts that an element takes from what lies in it.
constexpr size_t kMaxNameBytes = 400;

// By the end of the class's name; the first that fits.
struct Role {
  const char* ending;
  const char* role;
};
constexpr Role kRoles[] = {{"EditText", "textbox"},
                           {"AutoCompleteTextView", "combobox"},
                           {"CheckBox", "checkbox"},
                           {"CheckedTextView", "checkbox"},
                           {"RadioButton", "radio"},
                           {"RadioGroup", "radiogroup"},
                           {"SwitchCompat", "switch"},
                           {"Switch", "switch"},
                           {"ToggleButton", "switch"},
                           {"Button", "button"},
                           {"Spinner", "combobox"},
                           {"SeekBar", "slider"},
                           {"RatingBar", "slider"},
                           {"NumberPicker", "spinbutton"},
                           {"ProgressBar", "progressbar"},
                           {"ImageView", "img"},
                           {"ListView", "list"},
                           {"RecyclerView", "list"},
                           {"GridView", "grid"},
                           {"TabWidget", "tablist"},
                           {"WebView", "document"},
                           {"AlertDialog", "dialog"},
                           {"Toolbar", "toolbar"}};

std::string RoleOf(const UiNode& node) {
  for (const Role& role : kRoles) {
    if (absl::EndsWith(node.class_name, role.ending)) return role.role;
  }
  return "generic";
}

bool IsElement(const UiNode& node) {
  return node.visible() && (node.clickable || node.long_clickable || node.checkable || node.scrollable || node.editable() || node.focusable);
}

bool Contains(const UiNode& node, double x, double y) { return x >= node.left && x < node.right && y >= node.top && y < node.bottom; }

std::string_view FirstCharacters(std::string_view text, size_t count) {
  size_t at = 0;
  while (at < text.size()) {
    if ((text[at] & 0xC0) != 0x80 && count-- == 0) break;
    ++at;
  }
  return text.substr(0, at);
}

const std::string& OwnName(const UiNode& node) { return node.description.empty() ? node.text : node.description; }

// Texts of what lies in a node, but not of elements in it.
std::string InnerText(const UiView& view, int node) {
  const std::vector<UiNode>& nodes = view.tree.nodes;
  std::string out;
  for (size_t i = node + 1; i < nodes.size() && nodes[i].depth > nodes[node].depth; ++i) {
    bool of_another = false;
    for (int above = static_cast<int>(i); above != node; above = nodes[above].parent) of_another |= view.marks[above] != 0;
    if (of_another || OwnName(nodes[i]).empty()) continue;
    absl::StrAppend(&out, out.empty() ? "" : ", ", OwnName(nodes[i]));
    if (out.size() > kMaxNameBytes) break;
  }
  return std::string(TruncateUtf8(out, kMaxNameBytes));
}

void AddStates(const UiNode& node, v1::Element& element) {
  const std::pair<bool, v1::ElementState> states[] = {
      {node.checkable, v1::ELEMENT_STATE_CHECKABLE},         {node.checked, v1::ELEMENT_STATE_CHECKED},
      {node.selected, v1::ELEMENT_STATE_SELECTED},           {!node.enabled, v1::ELEMENT_STATE_DISABLED},
      {node.focused, v1::ELEMENT_STATE_FOCUSED},             {node.clickable, v1::ELEMENT_STATE_CLICKABLE},
      {node.long_clickable, v1::ELEMENT_STATE_LONG_CLICKABLE}, {node.scrollable, v1::ELEMENT_STATE_SCROLLABLE},
      {node.password, v1::ELEMENT_STATE_PASSWORD}};
  for (const auto& [holds, state] : states) {
    if (holds) element.add_states(state);
  }
}

std::string Quoted(std::string_view text) {
  return absl::StrCat("\"", absl::StrReplaceAll(ToAbsl(text), {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}, {"\r", "\\r"}}), "\"");
}

std::string Line(const UiView& view, int i) {
  const UiNode& node = view.tree.nodes[i];
  std::string out;
  if (view.marks[i] != 0) absl::StrAppend(&out, "[", view.marks[i], "] ");
  absl::StrAppend(&out, RoleOf(node));
  if (!node.text.empty() && !node.password) absl::StrAppend(&out, " ", Quoted(node.text));
  if (!node.description.empty()) absl::StrAppend(&out, " description=", Quoted(node.description));
  if (!node.resource_id.empty()) absl::StrAppend(&out, " id=", node.resource_id);
  const std::pair<bool, const char*> states[] = {
      {node.checkable && node.checked, "checked"}, {node.checkable && !node.checked, "unchecked"}, {node.selected, "selected"},
      {!node.enabled, "disabled"},                 {node.focused, "focused"},                      {node.scrollable, "scrollable"},
      {node.clickable, "clickable"},               {node.long_clickable, "long-clickable"},        {node.password, "password"}};
  for (const auto& [holds, word] : states) {
    if (holds) absl::StrAppend(&out, " ", word);
  }
  return out;
}

}  // namespace

int UiView::Find(int32_t mark) const {
  if (mark <= 0) return -1;
  const auto found = std::find(marks.begin(), marks.end(), mark);
  return found == marks.end() ? -1 : static_cast<int>(found - marks.begin());
}

int UiView::ElementAt(double x, double y) const {
  for (int i = static_cast<int>(tree.nodes.size()) - 1; i >= 0; --i) {
    if (marks[i] != 0 && Contains(tree.nodes[i], x, y)) return i;
  }
  return -1;
}

int UiView::ScrollableAt(double x, double y) const {
  for (int i = static_cast<int>(tree.nodes.size()) - 1; i >= 0; --i) {
    if (tree.nodes[i].scrollable && Contains(tree.nodes[i], x, y)) return i;
  }
  return -1;
}

UiView MakeView(UiTree tree, MarkRegistry& registry) {
  std::vector<bool> wanted;
  for (const UiNode& node : tree.nodes) wanted.push_back(IsElement(node));
  UiView view;
  view.marks = registry.Assign(tree, wanted);
  view.tree = std::move(tree);
  return view;
}

v1::Element MakeElement(const UiView& view, int i, const v1::Size& viewport) {
  const UiNode& node = view.tree.nodes[i];
  v1::Element element;
  element.set_mark(view.marks[i]);
  element.set_role(RoleOf(node));
  element.set_name(OwnName(node).empty() ? InnerText(view, i) : std::string(TruncateUtf8(OwnName(node), kMaxNameBytes)));
  if (node.password && node.description.empty()) element.clear_name();
  element.set_tag(node.class_name);
  element.set_editable(node.editable() && node.enabled);
  if (!node.password) {
    element.set_text(std::string(FirstCharacters(node.text, kMaxVisibleCharacters)));
    if (node.editable()) element.set_value(node.text);
  }
  element.set_identifier(node.resource_id);
  element.set_application(node.package);
  AddStates(node, element);
  element.mutable_box()->set_x(node.left);
  element.mutable_box()->set_y(node.top);
  element.mutable_box()->set_width(node.right - node.left);
  element.mutable_box()->set_height(node.bottom - node.top);
  element.set_in_viewport(node.left < viewport.width() && node.top < viewport.height() && node.right > 0 && node.bottom > 0);
  return element;
}

void FillElements(const UiView& view, const v1::Size& viewport, v1::Observation& observation) {
  for (size_t i = 0; i < view.marks.size(); ++i) {
    if (view.marks[i] == 0) continue;
    if (observation.elements_size() == kMaxElements) return observation.set_elements_truncated(true);
    *observation.add_elements() = MakeElement(view, static_cast<int>(i), viewport);
  }
}

std::string TreeText(const UiView& view) {
  const std::vector<UiNode>& nodes = view.tree.nodes;
  std::string out;
  // How deep each node's line is indented: containers that say nothing have no line.
  std::vector<int> indent(nodes.size(), 0);
  for (size_t i = 0; i < nodes.size(); ++i) {
    const bool says = view.marks[i] != 0 || !nodes[i].text.empty() || !nodes[i].description.empty();
    const int above = nodes[i].parent < 0 ? 0 : indent[nodes[i].parent];
    indent[i] = above + (says ? 1 : 0);
    if (says && nodes[i].visible()) absl::StrAppend(&out, std::string(2 * static_cast<size_t>(std::min(above, 50)), ' '), Line(view, static_cast<int>(i)), "\n");
  }
  return out;
}

}  // namespace proctor::env::android
