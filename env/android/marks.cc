#include "env/android/marks.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace proctor::env::android {
namespace {

// More are forgotten, the smallest first: an episode that shows so many has long left those.
constexpr size_t kMaxKnown = 50'000;
constexpr size_t kMaxItemText = 200;

std::string Joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) absl::StrAppend(&out, part.size(), ":", absl::string_view(part.data(), part.size()));
  return out;
}

const std::string& OwnText(const UiNode& node) { return node.text.empty() ? node.description : node.text; }

// By node, the first text in it or of it that no one types.
std::vector<std::string> FirstTexts(const UiTree& tree) {
  std::vector<std::string> first(tree.nodes.size());
  for (size_t i = tree.nodes.size(); i-- > 0;) {
    const UiNode& node = tree.nodes[i];
    if (!node.editable() && !OwnText(node).empty()) first[i] = OwnText(node).substr(0, kMaxItemText);
    if (node.parent >= 0 && !first[i].empty()) first[node.parent] = first[i];
  }
  return first;
}

// By node, the item of a list that it is or lies in; -1 outside of lists.
std::vector<int> Items(const UiTree& tree) {
  std::vector<int> items;
  for (size_t i = 0; i < tree.nodes.size(); ++i) {
    const int parent = tree.nodes[i].parent;
    // A ScrollView's only child is a whole page.
    const bool is_item = parent >= 0 && tree.nodes[parent].scrollable && !absl::EndsWith(tree.nodes[parent].class_name, "ScrollView");
    items.push_back(is_item ? static_cast<int>(i) : parent >= 0 ? items[parent] : -1);
  }
  return items;
}

}  // namespace

std::vector<MarkRegistry::Known> MarkRegistry::Describe(const UiTree& tree) {
  std::map<std::string, int> id_count;
  const auto id_of = [](const UiNode& node) {
    return node.resource_id.empty() ? "" : Joined({node.package, node.resource_id, node.class_name});
  };
  for (const UiNode& node : tree.nodes) ++id_count[id_of(node)];
  const std::vector<std::string> texts = FirstTexts(tree);
  const std::vector<int> items = Items(tree);
  std::vector<Known> out;
  for (size_t i = 0; i < tree.nodes.size(); ++i) {
    const UiNode& node = tree.nodes[i];
    Known& known = out.emplace_back();
    const std::string inner = OwnText(node).empty() && !node.scrollable ? texts[i] : "";
    known.content = Joined({node.package, node.resource_id, node.class_name, node.text, node.description, inner,
                            items[i] >= 0 ? std::string_view(texts[items[i]]) : ""});
    known.path = node.path;
    const std::string id = id_of(node);
    if (id_count[id] == 1) known.only_id = id;
    if (items[i] < 0) {
      known.place = absl::StrCat(Joined({node.package, node.class_name, node.resource_id}), node.path, " ", node.left, " ", node.top, " ",
                                 node.right, " ", node.bottom);
    }
    known.named = !node.resource_id.empty() || !OwnText(node).empty() || !inner.empty();
  }
  return out;
}

template <typename Key>
void MarkRegistry::Match(const std::vector<const Known*>& from, const std::vector<bool>& wanted, Key key, std::set<int32_t>& taken,
                         std::vector<Known>& nodes) {
  std::map<std::string, std::deque<int32_t>> marks;
  for (const Known* known : from) {
    std::string text = key(*known);
    if (!text.empty() && taken.count(known->mark) == 0) marks[std::move(text)].push_back(known->mark);
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!wanted[i] || nodes[i].mark != 0) continue;
    const auto found = marks.find(key(nodes[i]));
    if (found == marks.end() || found->second.empty()) continue;
    nodes[i].mark = found->second.front();
    found->second.pop_front();
    taken.insert(nodes[i].mark);
  }
}

std::vector<int32_t> MarkRegistry::Assign(const UiTree& tree, const std::vector<bool>& wanted) {
  std::vector<Known> nodes = Describe(tree);
  std::vector<const Known*> all, last;
  for (const auto& [mark, known] : known_) all.push_back(&known);
  for (const int32_t mark : last_) last.push_back(&known_.at(mark));
  std::set<int32_t> taken;
  Match(all, wanted, [](const Known& k) { return absl::StrCat(k.content, "@", k.path); }, taken, nodes);
  // Those of the last dump first: what stands there now is rather that than what was seen long ago.
  const auto moved = [](const Known& k) { return k.named ? k.content : std::string(); };
  Match(last, wanted, moved, taken, nodes);
  Match(all, wanted, moved, taken, nodes);
  Match(last, wanted, [](const Known& k) { return k.only_id; }, taken, nodes);
  Match(last, wanted, [](const Known& k) { return k.place; }, taken, nodes);
  std::vector<int32_t> marks;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (wanted[i] && nodes[i].mark == 0) nodes[i].mark = next_++;
    marks.push_back(nodes[i].mark);
  }
  Remember(std::move(nodes));
  return marks;
}

void MarkRegistry::Remember(std::vector<Known> nodes) {
  last_.clear();
  for (Known& node : nodes) {
    if (node.mark == 0) continue;
    last_.push_back(node.mark);
    known_[node.mark] = std::move(node);
  }
  while (known_.size() > kMaxKnown) {
    // Never one that is on the screen: there are at most kMaxUiNodes of those.
    auto oldest = known_.begin();
    while (oldest != known_.end() && std::find(last_.begin(), last_.end(), oldest->first) != last_.end()) ++oldest;
    if (oldest == known_.end()) return;
    known_.erase(oldest);
  }
}

void MarkRegistry::Clear() {
  next_ = 1;
  known_.clear();
  last_.clear();
}

}  // namespace proctor::env::android
