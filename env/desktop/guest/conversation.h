// The guest's end of its conversation with the server, and the loop that runs everything else meanwhile.
#ifndef PROCTOR_ENV_DESKTOP_GUEST_CONVERSATION_H_
#define PROCTOR_ENV_DESKTOP_GUEST_CONVERSATION_H_

#include <string>

#include "env/desktop/guest/requests.h"

namespace proctor::env::desktop::guest {

// Answers the requests that come in by `socket`, a connected unix socket, until its other end closes or the X server or D-Bus ends.
// Returns the exit code: 0 for the former.
int Converse(int socket, std::string home, std::string runtime);

}  // namespace proctor::env::desktop::guest

#endif  // PROCTOR_ENV_DESKTOP_GUEST_CONVERSATION_H_
