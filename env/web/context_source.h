// Fresh browser contexts for one session, one of them made ready beforehand, maybe with a page in it.
#ifndef PROCTOR_ENV_WEB_CONTEXT_SOURCE_H_
#define PROCTOR_ENV_WEB_CONTEXT_SOURCE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/call_context.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "env/web/browser_context.h"
#include "env/web/browser_pool.h"
#include "env/web/proxy_port.h"
#include "env/web/start_page.h"

namespace proctor::env::web {

// Thread-safe. The pool and the executor outlive it and what it posted.
class ContextSource {
 public:
  ContextSource(BrowserPool& pool, Executor& background, v1::WebSettings settings, std::shared_ptr<ProxyPort> proxy);
  // Cancels making one and waits for its end.
  ~ContextSource();

  // Starts making one, if none is ready or being made; with `order`'s page loaded, if it has a key and the settings ask for
  // that. Does not block.
  void Prepare(StartOrder order = {});
  // The one that is ready, or being made, or a new one. Never one whose browser died. Has a page in it only if that was
  // loaded for `key`, not longer ago than the settings say; each is given out once.
  absl::StatusOr<StartPage> Take(const CallContext& context, const std::string& key);
  // What all of them go through.
  uint16_t proxy_port() const { return proxy_->port(); }
  // Closes a used one in the background.
  void Discard(std::unique_ptr<BrowserContext> used);

 private:
  struct State {
    // Of all that is being made.
    const std::shared_ptr<CancelToken> cancel = std::make_shared<CancelToken>();
    Mutex mutex;
    CondVar changed;
    int working ABSL_GUARDED_BY(mutex) = 0;
    bool making ABSL_GUARDED_BY(mutex) = false;
    bool closed ABSL_GUARDED_BY(mutex) = false;
    std::optional<StartPage> ready ABSL_GUARDED_BY(mutex);
  };

  std::optional<StartPage> Make(const CallContext& context, const StartOrder& order);

  BrowserPool& pool_;
  Executor& background_;
  const v1::WebSettings settings_;
  const std::shared_ptr<ProxyPort> proxy_;
  const std::shared_ptr<State> state_;
};

}  // namespace proctor::env::web

#endif  // PROCTOR_ENV_WEB_CONTEXT_SOURCE_H_
