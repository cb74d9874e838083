// Actions as texts: what the grammars of all formats share.
#ifndef PROCTOR_TRAJECTORY_FORMATS_ACTION_TEXT_H_
#define PROCTOR_TRAJECTORY_FORMATS_ACTION_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "google/protobuf/message.h"
#include "proctor/v1/action.pb.h"
#include "proctor/v1/observation.pb.h"

namespace proctor::trajectory::formats {

// Actions that a grammar lacks are written as the JSON of proctor.v1.Action, in its place, and read
// back from there.
std::string ActionToJson(const v1::Action& action);
std::optional<v1::Action> ActionFromJson(std::string_view text);

// Height in pixels of what the agent saw; 768 without a picture.
double SeenHeight(const v1::Observation& seen);

// A mark from decimal digits. Unlike in our own worlds 0 is one: other recorders count from there.
std::optional<int32_t> MarkFromDigits(std::string_view digits);

// "a \"quoted\" text" as a JSON string, and back; nothing if it is none.
std::string QuoteText(const std::string& text);
std::optional<std::string> UnquoteText(std::string_view quoted);

std::string_view Trim(std::string_view text);

bool SameMessage(const google::protobuf::Message& a, const google::protobuf::Message& b);

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_ACTION_TEXT_H_
