// Tells whether a page that came to rest has stayed as it was.
#ifndef PROCTOR_ENV_WEB_REST_WATCH_H_
#define PROCTOR_ENV_WEB_REST_WATCH_H_

#include <cstdint>

#include "common/call_context.h"
#include "env/web/tab.h"

namespace proctor::env::web {

// Watches from its making until the tab's next action. Used by one thread at a time; `tab` outlives it.
class RestWatch {
 public:
  explicit RestWatch(Tab& tab);

  // Since then there was no navigation and no request, the document (its open shadow roots included) did not change, no timer and no
  // frame callback ran, and nothing of this is about to happen. Asks the page one question. False as well for pages with
  // frames, which are not watched, and for those that do not answer.
  bool Undisturbed(const CallContext& context);

 private:
  Tab& tab_;
  const int64_t changes_;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_REST_WATCH_H_
