// One look at the widgets of all applications.
#ifndef PROCTOR_ENV_DESKTOP_GUEST_TREE_WALK_H_
#define PROCTOR_ENV_DESKTOP_GUEST_TREE_WALK_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/desktop/guest/accessibility.h"

namespace proctor::env::desktop::guest {

// Asks all applications side by side: those that can, for all of their widgets at once, the others widget by widget, only below what is
// shown. Then, of what is shown, where it is and what it holds.
class TreeWalk {
 public:
  // All outlive it.
  TreeWalk(Accessibility& accessibility, BusCalls& calls, size_t max_nodes)
      : accessibility_(accessibility), calls_(calls), max_nodes_(max_nodes) {}

  // Sends the first questions; the others follow from the answers.
  void Begin(const std::vector<AccessibleRef>& applications);
  // Once the calls are answered or given up.
  AccessibleTree Take(const std::vector<WindowInfo>& windows);

 private:
  struct Node {
    AccessibleNode out;
    Node* parent = nullptr;
    int child_count = 0;
    int index = 0;
    bool has_component = false;
    bool has_text = false;
    bool has_value = false;
    bool shown = false;
    // Questions about itself that are under way.
    int asked = 0;
    // In `nodes_`.
    std::vector<Node*> children;
  };
  struct App {
    AccessibleRef root;
    const Accessibility::Application* facts = nullptr;
    Node node;
    bool answered = false;
  };

  void AskCache(App& app);
  void BuildFromCache(App& app, GVariant* items);
  void AskChildren(App& app, Node& parent);
  void AskAbout(App& app, Node& node);
  void Answered(App& app, Node& node);
  void ShowCached(App& app, Node& node, int depth);
  void AskDetails(App& app, Node& node);
  bool IsShown(const App& app, const Node& node) const;
  void Emit(const App& app, const Node& node, int depth, uint64_t window, const Box* offset, AccessibleTree& tree) const;

  Accessibility& accessibility_;
  BusCalls& calls_;
  const size_t max_nodes_;
  // Those below the applications. Not one within the other: a tree may be as deep as its application likes.
  std::deque<Node> nodes_;
  bool truncated_ = false;
  std::vector<std::unique_ptr<App>> apps_;
};

// The bits of AT-SPI's "au"; 0 if it is none.
uint64_t StateBits(GVariant* array);

// The box of GetExtents' answer, null if there was none. Nothing: the widget is nowhere, for which applications say -1 or the smallest number.
std::optional<Box> BoxOfExtents(GVariant* reply);

}  // namespace proctor::env::desktop::guest

#endif  // PROCTOR_ENV_DESKTOP_GUEST_TREE_WALK_H_
