// The mouse wheel, where worlds and dialects have to mean the same by it.
#ifndef PROCTOR_ENV_WHEEL_H_
#define PROCTOR_ENV_WHEEL_H_

namespace proctor::env {

// One notch, in the pixels of Scroll: about what applications scroll by it.
inline constexpr double kWheelNotchPx = 60;

}  // namespace proctor::env

#endif  // PROCTOR_ENV_WHEEL_H_
