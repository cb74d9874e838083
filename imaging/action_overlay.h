// Shows on a screenshot where the agent acted.
#ifndef PROCTOR_IMAGING_ACTION_OVERLAY_H_
#define PROCTOR_IMAGING_ACTION_OVERLAY_H_

#include <optional>

#include "imaging/image.h"

namespace proctor::imaging {

// In pixels of the picture; may reach beyond its edges.
struct ActionPlace {
  struct Box {
    double x = 0;
    double y = 0;
    double width = 0;
    double height = 0;
  };
  struct Point {
    double x = 0;
    double y = 0;
  };
  // Of the element that was acted on.
  std::optional<Box> box;
  // That received the input.
  std::optional<Point> point;
  // Where a drag or a swipe ended.
  std::optional<Point> release;
};

// Draws a red frame, 3 pixels wide, around the box, a red cross on the point, and a red arrow from there to where it was released.
// What lies outside the picture is left out.
void DrawAction(const ActionPlace& place, Image& image);

}  // namespace proctor::imaging

#endif  // PROCTOR_IMAGING_ACTION_OVERLAY_H_
