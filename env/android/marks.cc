#include "env/android/marks.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"

namespace proctor::env::android {
namespace {

// More are forgotten, the smallest first: an episode that shows so many has long left those.
constexpr size_t kMaxKnown = 50'000;

std::string Joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) absl::StrAppend(&out, part.size(), ":", absl::string_view(part.data(), part.size()));
  return out;
}

}  // namespace

std::vector<MarkRegistry::Known> MarkRegistry::Describe(const UiTree& tree) {
  std::map<std::string, int> id_count;
  const auto id_of = [](const UiNode& node) {
    return node.resource_id.empty() ? "" : Joined({node.package, node.resource_id, node.class_name});
  };
  for (const UiNode& node : tree.nodes) ++id_count[id_of(node)];
  std::vector<Known> out;
  std::vector<bool> scrolls;
  for (const UiNode& node : tree.nodes) {
    scrolls.push_back(node.parent >= 0 && (scrolls[node.parent] || tree.nodes[node.parent].scrollable));
    Known& known = out.emplace_back();
    known.content = Joined({node.package, node.resource_id, node.class_name, node.text, node.description});
    known.path = node.path;
    const std::string id = id_of(node);
    if (id_count[id] == 1) known.only_id = id;
    if (!scrolls.back()) {
      known.place = absl::StrCat(Joined({node.package, node.class_name}), node.path, " ", node.left, " ", node.top, " ", node.right, " ",
                                 node.bottom);
    }
    known.named = !node.resource_id.empty() || !node.text.empty() || !node.description.empty();
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
