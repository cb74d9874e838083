// A UI tree as the agent gets to see it: elements with marks, and the tree as text.
#ifndef PROCTOR_ENV_ANDROID_UI_VIEW_H_
#define PROCTOR_ENV_ANDROID_UI_VIEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "env/android/marks.h"
#include "env/android/ui_tree.h"
#include "proctor/v1/geometry.pb.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::env::android {

// The agent's elements are the nodes that take something (taps, long presses, text, focus, scrolling, a check) and have a size.
struct UiView {
  UiTree tree;
  // By node; 0 for nodes that are no elements.
  std::vector<int32_t> marks;

  // Index of the node with that mark, or -1.
  int Find(int32_t mark) const;
  // Index of the innermost element at a point, or -1.
  int ElementAt(double x, double y) const;
  // Index of the innermost node there that scrolls, or -1.
  int ScrollableAt(double x, double y) const;
};

UiView MakeView(UiTree tree, MarkRegistry& registry);

// The node as an element. An element without text and description takes those of what lies in it.
v1::Element MakeElement(const UiView& view, int node, const v1::Size& viewport);
// In document order, at most 5,000.
void FillElements(const UiView& view, const v1::Size& viewport, v1::Observation& observation);
// A line a node that says anything, indented by what it lies in: `[3] button "OK" id=android:id/ok focused`.
std::string TreeText(const UiView& view);

}  // namespace proctor::env::android

#endif  // PROCTOR_ENV_ANDROID_UI_VIEW_H_
