// Numbers of AT-SPI's protocol that the guest and the server both use.
#ifndef PROCTOR_ENV_DESKTOP_GUEST_ACCESSIBLE_STATES_H_
#define PROCTOR_ENV_DESKTOP_GUEST_ACCESSIBLE_STATES_H_

#include <cstdint>

namespace proctor::env::desktop {

// AtspiStateType: the bit of a state.
enum class AccessibleState {
  kActive = 1,
  kChecked = 4,
  kCollapsed = 5,
  kEditable = 7,
  kEnabled = 8,
  kExpandable = 9,
  kExpanded = 10,
  kFocusable = 11,
  kFocused = 12,
  kMultiLine = 17,
  kMultiselectable = 18,
  kPressed = 20,
  kSelectable = 22,
  kSelected = 23,
  kSensitive = 24,
  kShowing = 25,
  kVisible = 30,
  kManagesDescendants = 31,
  kRequired = 33,
  kInvalidEntry = 36,
  kCheckable = 41,
  kReadOnly = 43,
};

inline bool Has(uint64_t states, AccessibleState state) { return (states >> static_cast<int>(state) & 1) != 0; }

// AtspiRole, those that are treated apart.
inline constexpr int kRoleScrollPane = 49;
inline constexpr int kRolePasswordText = 40;

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_GUEST_ACCESSIBLE_STATES_H_
