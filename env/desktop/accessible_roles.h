// AT-SPI's roles: their names, the ARIA role that fits best, and whether they can be acted on.
#ifndef PROCTOR_ENV_DESKTOP_ACCESSIBLE_ROLES_H_
#define PROCTOR_ENV_DESKTOP_ACCESSIBLE_ROLES_H_

#include <string_view>

namespace proctor::env::desktop {

enum class RoleKind {
  // Holds others.
  kStructure,
  // Is read.
  kContent,
  // Is listed with a mark if it can take input.
  kControl,
};

struct AccessibleRole {
  // As AT-SPI names it: "push button".
  std::string_view name;
  // "button". The same as `name` where none fits.
  std::string_view aria;
  RoleKind kind = RoleKind::kStructure;
  // Has a checked state, on or off.
  bool checkable = false;
};

// By number (AtspiRole); unknown numbers are "unknown".
const AccessibleRole& RoleOf(int number);

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_ACCESSIBLE_ROLES_H_
