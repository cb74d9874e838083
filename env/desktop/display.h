// What a world acts on and looks at: a screen, and where we started it, the guest behind it.
#ifndef PROCTOR_ENV_DESKTOP_DISPLAY_H_
#define PROCTOR_ENV_DESKTOP_DISPLAY_H_

#include "env/desktop/guest_channel.h"
#include "env/desktop/rfb_client.h"

namespace proctor::env::desktop {

struct Display {
  RfbClient& screen;
  // Null: somebody else's display. Nothing is known of it but its pixels.
  GuestChannel* guest = nullptr;
};

}  // namespace proctor::env::desktop

#endif  // PROCTOR_ENV_DESKTOP_DISPLAY_H_
