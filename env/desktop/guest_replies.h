// What the guest's replies mean, read strictly: whatever runs in the desktop may have had a hand in them.
#ifndef PROCTOR_ENV_DESKTOP_GUEST_REPLIES_H_
#define PROCTOR_ENV_DESKTOP_GUEST_REPLIES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/proto_json.h"
#include "nlohmann/json_fwd.hpp"
#include "proctor/v1/observation.pb.h"

namespace proctor::env::desktop {

// A widget, as its application describes it.
struct AccessibleNode {
  // Its application's name on the bus, and its path there: together they name it.
  std::string bus;
  std::string path;
  // 0: a window; never more than one deeper than the node before, nor than 200: what is deeper lies there.
  int depth = 0;
  // AtspiRole; 0: one that is not known.
  int role = 0;
  // Bits by AtspiStateType.
  uint64_t states = 0;
  std::string name;
  // None: it is nowhere.
  std::optional<v1::Rect> box;
  std::string text;
  std::optional<double> value;
  std::string identifier;
  std::string application;
  // X window; 0: not known.
  uint64_t window = 0;
};

struct AccessibleNodes {
  std::vector<AccessibleNode> nodes;
  bool truncated = false;
  // Names of applications that did not answer.
  std::vector<std::string> silent;
};

// Where a widget is now.
struct LocatedNode {
  uint64_t states = 0;
  // None: it is nowhere.
  std::optional<v1::Rect> box;
  // What of it is not cut off by the screen's edge or by what it is scrolled in; none: nothing.
  std::optional<v1::Rect> seen;
  // What lies above the middle of what is seen; empty: nothing.
  std::string covered_by;
};

// Each takes the reply's `ok`. One application's nonsense costs the look at no other: members that cannot be are as if they were not there,
// and elements without a name on the bus, and windows without a place, are left out. DATA_LOSS: it is no such reply at all.
absl::StatusOr<AccessibleNodes> ReadElements(const nlohmann::json& reply);
absl::StatusOr<LocatedNode> ReadLocation(const nlohmann::json& reply);
absl::StatusOr<std::vector<v1::Window>> ReadWindows(const nlohmann::json& reply);

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_GUEST_REPLIES_H_
