// The script that lets a page say when it came to rest.
#ifndef PROCTOR_ENV_WEB_SETTLE_SCRIPT_H_
#define PROCTOR_ENV_WEB_SETTLE_SCRIPT_H_

#include <string>

#include "absl/time/time.h"

namespace proctor::env::web {

// Runs first in every document, in the page's own world: keeps count of short one-shot timers, which no DevTools event
// tells of.
const std::string& SettleScript();

// An expression for Runtime.evaluate: an action begins. To be sent before it.
std::string MarkExpression();

// An expression (a promise) for Runtime.evaluate: resolves when timers set since the mark have run
// (all, in a document that is younger than it), the DOM rested for a frame and that frame was
// drawn; at the latest after `cap`. Its value:
// {"timers": pending timers, "mutating": the DOM still changed, "happened": changes of the DOM, and
// timers and frame callbacks of the page that ran, since the mark}. The DOM is the document with its
// open shadow roots.
std::string SettleExpression(absl::Duration cap);

// An expression for Runtime.evaluate: how much "happened" so far, or -1 if the page has something to
// do within `cap`: a timer, a frame callback, a running animation.
std::string QuietExpression(absl::Duration cap);

// As SettleExpression, for a frame's document, which may be hidden and never drawn: at once if it has no such
// script.
std::string FrameSettleExpression(absl::Duration cap);

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_SETTLE_SCRIPT_H_
