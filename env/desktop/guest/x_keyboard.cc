// The keyboard's half of XDisplay.

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "env/desktop/guest/x_display.h"

#include "env/desktop/guest/x11.h"

namespace proctor::env::desktop::guest {

// Keys that mean nothing yet.
void XDisplay::FindSpareKeys() {
  int lowest = 0, highest = 0, width = 0;
  XDisplayKeycodes(display_, &lowest, &highest);
  KeySym* map = XGetKeyboardMapping(display_, static_cast<KeyCode>(lowest), highest - lowest + 1, &width);
  if (map == nullptr) return;
  for (int code = lowest; code <= highest; ++code) {
    const KeySym* symbols = map + static_cast<size_t>(code - lowest) * static_cast<size_t>(width);
    if (std::all_of(symbols, symbols + width, [](KeySym symbol) { return symbol == NoSymbol; })) {
      spare_.push_back({.keycode = code});
    }
  }
  XFree(map);
}

absl::Status XDisplay::MapKeysyms(const std::vector<uint32_t>& keysyms) {
  if (spare_.empty()) FindSpareKeys();
  ++uses_;
  std::set<uint32_t> wanted;
  for (const uint32_t keysym : keysyms) {
    const auto own = std::find_if(spare_.begin(), spare_.end(), [&](const SpareKey& key) { return key.keysym == keysym; });
    if (own != spare_.end()) {
      own->used = uses_;
    } else if (XKeysymToKeycode(display_, keysym) == 0) {
      wanted.insert(keysym);
    }
  }
  for (const uint32_t keysym : wanted) {
    const auto oldest = std::min_element(spare_.begin(), spare_.end(),
                                         [](const SpareKey& a, const SpareKey& b) { return a.used < b.used; });
    if (oldest == spare_.end() || oldest->used == uses_) {
      return absl::ResourceExhaustedError(absl::StrCat("the keyboard has keys for ", spare_.size(), " other characters at once"));
    }
    *oldest = {oldest->keycode, keysym, uses_};
    // Both levels: Shift, if it is held, changes nothing.
    KeySym symbols[2] = {keysym, keysym};
    XChangeKeyboardMapping(display_, oldest->keycode, 2, symbols, 1);
  }
  if (!wanted.empty()) XSync(display_, False);
  HandleEvents();
  return absl::OkStatus();
}

}  // namespace proctor::env::desktop::guest
