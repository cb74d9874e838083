#include "env/desktop/guest_replies.h"

#include <algorithm>
#include <climits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/json.h"
#include "common/status.h"
#include "common/strings.h"

namespace proctor::env::desktop {
namespace {

constexpr size_t kMaxNodes = 20'000;
constexpr size_t kMaxWindows = 1'000;
constexpr int kMaxDepth = 200;
constexpr int kMaxPx = 200'000;
constexpr size_t kMaxTextBytes = 16 << 10;

absl::Status Nonsense(const char* what) { return absl::DataLossError(absl::StrCat("the desktop's answer has no sensible ", what)); }

// A text member; "" if it is not there. False: it is something else.
bool TakeText(const Json& object, const char* key, std::string& out) {
  const auto member = object.find(key);
  if (member == object.end()) return true;
  if (!member->is_string()) return false;
  out = SanitizeUtf8(TruncateUtf8(member->get_ref<const std::string&>(), kMaxTextBytes));
  return true;
}

// A whole number of a range that begins at 0 or above; it stays as it is if it is not there. False: it is something else.
template <typename Number>
bool TakeNumber(const Json& object, const char* key, Number most, Number& out) {
  const auto member = object.find(key);
  if (member == object.end()) return true;
  const bool negative = member->is_number_integer() && !member->is_number_unsigned() && member->get<int64_t>() < 0;
  if (!member->is_number_integer() || negative) return false;
  const auto value = member->get<uint64_t>();
  if (value > static_cast<uint64_t>(most)) return false;
  out = static_cast<Number>(value);
  return true;
}

bool TakeFlag(const Json& object, const char* key, bool& out) {
  const auto member = object.find(key);
  if (member == object.end()) return true;
  if (!member->is_boolean()) return false;
  out = member->get<bool>();
  return true;
}

// [x, y, width, height].
bool ReadBox(const Json& box, v1::Rect& out) {
  if (!box.is_array() || box.size() != 4) return false;
  double numbers[4];
  for (size_t i = 0; i < 4; ++i) {
    if (!box[i].is_number_integer()) return false;
    numbers[i] = box[i].get<double>();
    if (!(numbers[i] >= -kMaxPx && numbers[i] <= kMaxPx)) return false;
  }
  if (numbers[2] < 0 || numbers[3] < 0) return false;
  out.set_x(numbers[0]);
  out.set_y(numbers[1]);
  out.set_width(numbers[2]);
  out.set_height(numbers[3]);
  return true;
}

// None if there is no such member or it is no box.
std::optional<v1::Rect> BoxOr(const Json& object, const char* key) {
  const auto member = object.find(key);
  v1::Rect box;
  if (member == object.end() || !ReadBox(*member, box)) return std::nullopt;
  return box;
}

// False: nothing says what it is.
bool ReadNode(const Json& item, int deepest, AccessibleNode& node) {
  if (!item.is_object()) return false;
  for (const auto& [key, text] : std::initializer_list<std::pair<const char*, std::string*>>{
           {"b", &node.bus}, {"p", &node.path}, {"n", &node.name}, {"t", &node.text}, {"i", &node.identifier}, {"a", &node.application}}) {
    TakeText(item, key, *text);
  }
  TakeNumber(item, "d", INT_MAX, node.depth);
  node.depth = std::min({node.depth, deepest, kMaxDepth});
  TakeNumber(item, "r", 1000, node.role);
  TakeNumber<uint64_t>(item, "s", UINT64_MAX, node.states);
  TakeNumber<uint64_t>(item, "w", UINT32_MAX, node.window);
  if (const auto value = item.find("v"); value != item.end() && value->is_number()) node.value = value->get<double>();
  node.box = BoxOr(item, "x");
  return !node.bus.empty() && !node.path.empty();
}

// False: it is nowhere, or a member is something else.
bool ReadWindow(const Json& item, v1::Window& window) {
  bool focused = false, minimized = false;
  const auto box = item.is_object() ? item.find("box") : item.end();
  if (box == item.end() || !ReadBox(*box, *window.mutable_box()) || !TakeText(item, "title", *window.mutable_title()) ||
      !TakeText(item, "application", *window.mutable_application()) || !TakeFlag(item, "focused", focused) ||
      !TakeFlag(item, "minimized", minimized)) {
    return false;
  }
  window.set_focused(focused);
  window.set_minimized(minimized);
  return true;
}

}  // namespace

absl::StatusOr<AccessibleNodes> ReadElements(const Json& reply) {
  const auto list = reply.is_object() ? reply.find("nodes") : reply.end();
  if (list == reply.end() || !list->is_array() || list->size() > kMaxNodes) return Nonsense("list of elements");
  AccessibleNodes out;
  out.nodes.reserve(list->size());
  int deepest = 0;
  for (const Json& item : *list) {
    AccessibleNode node;
    if (!ReadNode(item, deepest, node)) continue;
    deepest = node.depth + 1;
    out.nodes.push_back(std::move(node));
  }
  if (!TakeFlag(reply, "truncated", out.truncated)) return Nonsense("list of elements");
  const auto silent = reply.find("silent");
  if (silent == reply.end()) return out;
  if (!silent->is_array() || silent->size() > kMaxWindows) return Nonsense("list of applications");
  for (const Json& name : *silent) {
    if (!name.is_string()) return Nonsense("list of applications");
    out.silent.push_back(SanitizeUtf8(TruncateUtf8(name.get_ref<const std::string&>(), 200)));
  }
  return out;
}

absl::StatusOr<LocatedNode> ReadLocation(const Json& reply) {
  LocatedNode out;
  if (!reply.is_object() || !TakeNumber<uint64_t>(reply, "states", UINT64_MAX, out.states) || !TakeText(reply, "covered_by", out.covered_by)) {
    return Nonsense("place of an element");
  }
  out.box = BoxOr(reply, "box");
  out.seen = BoxOr(reply, "seen");
  return out;
}

absl::StatusOr<std::vector<v1::Window>> ReadWindows(const Json& reply) {
  const auto list = reply.is_object() ? reply.find("windows") : reply.end();
  if (list == reply.end() || !list->is_array() || list->size() > kMaxWindows) return Nonsense("list of windows");
  std::vector<v1::Window> out;
  bool any_focused = false;
  for (const Json& item : *list) {
    v1::Window window;
    if (!ReadWindow(item, window)) continue;
    if (window.focused()) window.set_focused(!std::exchange(any_focused, true));
    out.push_back(std::move(window));
  }
  return out;
}

}  // namespace proctor::env::desktop
