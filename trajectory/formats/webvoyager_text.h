// WebVoyager's texts: what the agent answers in a turn, and the list of elements it is shown. Pure
// functions, linear in the texts' length.
#ifndef PROCTOR_TRAJECTORY_FORMATS_WEBVOYAGER_TEXT_H_
#define PROCTOR_TRAJECTORY_FORMATS_WEBVOYAGER_TEXT_H_

#include <string>
#include <string_view>

#include "google/protobuf/repeated_ptr_field.h"
#include "proctor/v1/action.pb.h"
#include "proctor/v1/observation.pb.h"
#include "proctor/v1/trajectory.pb.h"

namespace proctor::trajectory::formats {

struct WebVoyagerTurn {
  // What stands between "Thought:" and "Action:".
  std::string thought;
  // Without a kind if the text holds no action.
  v1::Action action;
};

// Reads a turn as WebVoyager's own loop does, of which these are records: unlike the dialect of
// live agents (env/dialects) marks count from 0, and a text is never answered with an error.
// `seen`: what the agent saw; "Scroll" goes two thirds of it.
WebVoyagerTurn ReadWebVoyagerTurn(std::string_view text, const v1::Observation& seen);

// The text of a step: the agent's own where it reads as the step says, else made of its thought and
// action; the JSON of proctor.v1.Action stands for an action that WebVoyager does not have.
std::string WriteWebVoyagerTurn(const v1::Step& step, const v1::Observation& seen);

// `[3]: <input> "text", "name";` with tabs between. Returns how many entries could not be read;
// they are left out.
int ReadElementList(std::string_view text,
                    google::protobuf::RepeatedPtrField<v1::Element>& elements);
std::string WriteElementList(const google::protobuf::RepeatedPtrField<v1::Element>& elements);

}  // namespace proctor::trajectory::formats

#endif  // PROCTOR_TRAJECTORY_FORMATS_WEBVOYAGER_TEXT_H_
