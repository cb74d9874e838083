// What `uiautomator dump` says is on the screen.
#ifndef PROCTOR_ENV_ANDROID_UI_TREE_H_
#define PROCTOR_ENV_ANDROID_UI_TREE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "env/android/device.h"

namespace proctor::env::android {

// A node. Boxes are in pixels of the screen as it is turned now.
struct UiNode {
  // Index of the node above it; -1 for a window's root.
  int parent = -1;
  // From 0.
  int depth = 0;
  std::string text;
  // content-desc.
  std::string description;
  std::string class_name;
  std::string resource_id;
  std::string package;
  int left = 0;
  int top = 0;
  int right = 0;
  int bottom = 0;
  bool checkable = false;
  bool checked = false;
  bool clickable = false;
  bool enabled = false;
  bool focusable = false;
  bool focused = false;
  bool scrollable = false;
  bool long_clickable = false;
  bool password = false;
  bool selected = false;
  // Stands for the classes and the positions among siblings, from the root down.
  uint64_t path = 0;

  bool visible() const { return right > left && bottom > top; }
  // Its class says so; uiautomator has no better word.
  bool editable() const;
};

// Nodes in document order: each after the one above it.
struct UiTree {
  // Quarter turns counter-clockwise.
  int rotation = 0;
  std::vector<UiNode> nodes;
};

inline constexpr size_t kMaxUiBytes = size_t{8} << 20;
inline constexpr size_t kMaxUiNodes = 20'000;
inline constexpr int kMaxUiDepth = 500;

// DATA_LOSS: not the XML of a dump, cut off, with a document type (no entities are ever expanded), too deep; RESOURCE_EXHAUSTED: too
// large. Malformed UTF-8 is replaced.
absl::StatusOr<UiTree> ParseUiTree(std::string_view xml);

// Dumps until it works: uiautomator fails while the screen moves ("could not get idle state") and while windows change ("null root
// node"). When the context's time does not suffice, the last failure: FAILED_PRECONDITION with uiautomator's words, or as ParseUiTree.
// Other errors as the device's.
absl::StatusOr<UiTree> DumpUi(const CallContext& context, Device& device);

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_UI_TREE_H_
