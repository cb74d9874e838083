// Parts of steps of the Agent Trajectory Interchange Format.
// The header is heavy (common/json.h): include it in .cc files only.
#ifndef PROCTOR_TRAJECTORY_FORMATS_ATIF_PARTS_H_
#define PROCTOR_TRAJECTORY_FORMATS_ATIF_PARTS_H_

#include <string>
#include <vector>

#include "proctor/v1/action.pb.h"
#include "trajectory/formats/json_object.h"

namespace proctor::trajectory::formats {

// A message or a result: its texts, joined by line ends, and the paths of its pictures.
struct AtifContent {
  std::string text;
  bool has_text = false;
  std::vector<std::string> pictures;
};

// A text, a list of parts, or nothing (`json` null). `where`: for the findings. Pictures at URLs
// are skipped.
AtifContent ReadAtifContent(const Json* json, const std::string& where, Findings& findings);

// A step's `metrics`, if it has them.
void ReadAtifMetrics(JsonObject& step, Findings& findings, v1::AgentData& data);

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_ATIF_PARTS_H_
