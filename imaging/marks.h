// Set-of-marks: numbered boxes over a screenshot.
#ifndef PROCTOR_IMAGING_MARKS_H_
#define PROCTOR_IMAGING_MARKS_H_

#include <cstdint>
#include <vector>

#include "imaging/image.h"

namespace proctor::imaging {

// A box to draw, in pixels of the picture; may reach beyond its edges.
struct MarkBox {
  int32_t mark = 0;
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
};

// Draws each box and its number. Labels are legible at 1280 x 720, lie inside the picture at the
// box's corner, and move to another corner or along an edge where one would hide another; boxes
// wholly outside are left out.
void DrawMarks(const std::vector<MarkBox>& boxes, Image& image);

}  // namespace proctor::imaging

#endif  // PROCTOR_IMAGING_MARKS_H_
