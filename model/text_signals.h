// What a model says of itself in plain words instead of by a field of the wire.
#ifndef PROCTOR_MODEL_TEXT_SIGNALS_H_
#define PROCTOR_MODEL_TEXT_SIGNALS_H_

#include <string_view>

namespace proctor::model {

// The reply begins with saying that its writer cannot see images, or was given none ("I cannot view images", "no image
// was attached"). Looks at the first 400 bytes; a JSON reply never says so. "I cannot see the image of a shoe" is not
// meant.
bool SaysNoVision(std::string_view text);

// The whole reply is an apology that declines ("I'm sorry, but I can't assist with that."), at most 300 bytes long.
bool SaysRefusal(std::string_view text);

}  // namespace proctor::model

#endif  // PROCTOR_MODEL_TEXT_SIGNALS_H_
